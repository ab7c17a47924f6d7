//! `tag prune` that can't go on: what was removed until then is printed, and the rest stays.

use std::fs;
use std::process::Stdio;

use serde_json::json;

use super::{REPOSITORY, months, prune, tags};
use crate::support::Regtree;
use crate::support::kill::killed_at;
use crate::support::planted::{Planted, tag_path};
use crate::support::strace::strace;

/// Seven of eight tags go, each of them with several calls.
const RULES: [&str; 2] = ["--keep-tag", "main"];

/// A call that fails, or is interrupted, at the `nth` of its calls that remove something.
fn failing(planted: &Planted, more: &[&str], inject: &str, nth: usize) -> Regtree {
    let call = if more.contains(&"--quarantine") { "renameat2" } else { "unlinkat" };
    let inject = format!("inject={call}:{inject}:when={nth}");
    prune(planted, &RULES).with(more).behind(strace(&["-o", "/dev/null", "-e", &inject]))
}

/// Expects that every tag that points nowhere any more was printed as text, with its digest.
#[track_caller]
fn assert_told(planted: &Planted, printed: &str, when: &str) {
    for tag in ["1.0", "1.1", "1.2", "2.0", "2.1", "2.2", "latest", "main"] {
        let is_gone = !planted.at(&tag_path(REPOSITORY, tag)).join("current/link").exists();
        let line = format!("{REPOSITORY}:{tag}@{}\n", planted.image(REPOSITORY, tag));
        assert!(!is_gone || printed.contains(&line), "{when}: {tag} is gone: {printed}");
    }
}

#[test]
fn what_went_until_a_failure_or_a_signal_is_printed_and_the_rest_stays() {
    for (inject, code) in [("error=EIO", 1), ("signal=TERM", 143)] {
        for (nth, more) in [(2, &[][..]), (5, &[]), (11, &[]), (12, &[]), (13, &[]), (8, &["--quarantine"])] {
            let when = format!("{inject} {nth} {more:?}");
            let planted = months();
            let run = failing(&planted, more, inject, nth).with(["--json"]).run().code(code);
            let events = run.json_lines();
            let of = |kind: &str| -> Vec<_> {
                let all = events.iter().filter(|event| event["type"] == kind);
                all.map(|event| event["tag"].as_str().unwrap().to_owned()).collect()
            };
            let (told, kept) = (of("untag"), of("keep"));
            let gone: Vec<_> = told.iter().filter(|tag| !kept.contains(tag)).collect();
            assert!(told.len() - gone.len() <= 1 && told.len() < 7, "{when}: {told:?} {kept:?}");
            let not_reached = events.iter().filter(|event| event["kept_by"] == json!(["not-reached"])).count();
            assert_eq!((gone.len() + kept.len(), not_reached), (8, 7 - gone.len()), "{when}: {told:?} {kept:?}");
            let summary = events.last().unwrap();
            assert_eq!((&summary["type"], &summary["removed"]), (&json!("summary"), &json!(gone.len())), "{when}");
            // The run that took them is named with each, and at the end.
            let runs: Vec<_> =
                events.iter().filter(|event| event["type"] == "untag").map(|event| &event["run"]).collect();
            assert!(runs.iter().all(|run| **run == summary["run"] && run.is_string() != more.is_empty()), "{when}");
            for tag in &kept {
                assert!(planted.at(&tag_path(REPOSITORY, tag)).join("current/link").exists(), "{when}: {tag}");
            }
            for tag in gone {
                assert!(!planted.at(&tag_path(REPOSITORY, tag)).join("current/link").exists(), "{when}: {tag}");
            }
            // Run again, it ends what was begun.
            prune(&planted, &RULES).ok();
            assert_eq!(tags(&planted, REPOSITORY), ["main"], "{when}");
        }
    }
}

#[test]
fn a_failure_or_a_kill_at_any_point_loses_no_digest() {
    for more in [&[][..], &["--quarantine"]] {
        for nth in 1..20 {
            let planted = months();
            let run = failing(&planted, more, "error=EIO", nth).run();
            assert_told(&planted, &run.out(), &format!("EIO {nth} {more:?}"));
            let planted = months();
            let call = if more.is_empty() { "unlinkat" } else { "renameat2" };
            let run = killed_at(&prune(&planted, &RULES).with(more), call, nth);
            assert_told(&planted, &run.out(), &format!("kill {nth} {more:?}"));
        }
    }
    // The run of the quarantine is named as text too.
    let planted = months();
    let run = failing(&planted, &["--quarantine"], "error=EIO", 8).run().code(1);
    let name = run.lines().last().unwrap().strip_prefix("quarantine run ").unwrap().to_owned();
    assert_eq!(run.says(["note: to put all of it back: "]).err().matches("to put all of it back").count(), 1);
    planted.run(["quarantine", "restore", &name]).code(0);
    assert_eq!(tags(&planted, REPOSITORY).len(), 8);
}

#[test]
fn nothing_goes_whose_line_can_not_be_written() {
    for more in [&[][..], &["--json"], &["--explain"], &["--quarantine"], &["-q"]] {
        let planted = months();
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let call = prune(&planted, &RULES).with(more);
        let output = call.command().stdout(full).stderr(Stdio::piped()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{more:?}: {said}");
        assert!(said.contains("No space left on device"), "{more:?}: {said}");
        assert_eq!(tags(&planted, REPOSITORY).len(), 8, "{more:?}: {said}");
    }
}
