//! `upload purge`: what a registry would purge, and what it never would.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant, SystemTime};

use serde_json::json;

use super::{ID, REPOSITORY, listed, place, plant, start, started, tree, upload};
use crate::support::kill::at_every_change;
use crate::support::{Scratch, vectors};

const DAY: Duration = Duration::from_hours(24);

fn set_age(path: &Path, age: Duration) {
    Scratch::set_time(path, SystemTime::now() - age);
}

/// An upload that was begun so long ago.
fn begun(scratch: &Scratch, id: &str, content: &[u8], ago: Duration) {
    let directory = plant(scratch, id, content);
    let time = (jiff::Timestamp::now() - ago).strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    fs::write(directory.join("startedat"), time).unwrap();
}

fn purge(scratch: &Scratch, arguments: &[&str]) -> crate::support::Run {
    scratch.regtree(["upload", "purge"]).with(arguments).run()
}

fn ids(scratch: &Scratch) -> Vec<String> {
    listed(scratch, &[]).into_iter().map(|(_, id, _)| id).collect()
}

#[test]
fn the_old_go_and_are_counted_and_a_dry_run_says_the_same() {
    let scratch = Scratch::new();
    let young = started(&scratch, b"young");
    begun(&scratch, ID, b"1234567890", 8 * DAY);
    begun(&scratch, "not-a-uuid", b"12345", 30 * DAY);
    begun(&scratch, "six-days", b"123", 6 * DAY);
    begun(&scratch, "in-the-future", b"1", Duration::ZERO);
    fs::write(place(&scratch, "in-the-future").join("startedat"), "2999-01-01T00:00:00Z").unwrap();
    let before = tree(&scratch);
    for flag in ["-n", "--dry-run"] {
        let run = purge(&scratch, &["--older-than", "7d", flag]).code(0).silent();
        run.says(["would remove 2 uploads of 15 bytes"]);
        let run = purge(&scratch, &["--older-than", "7d", flag, "-v"]).code(0);
        assert_eq!(run.lines(), [format!("{REPOSITORY} {ID}"), format!("{REPOSITORY} not-a-uuid")]);
        assert_eq!(tree(&scratch), before);
    }
    let dry = purge(&scratch, &["--older-than", "7d", "-n", "--json"]).code(0).json_lines();
    let events = purge(&scratch, &["--older-than", "7d", "--json"]).code(0).json_lines();
    assert_eq!(dry[..2], events[..2]);
    let summary =
        |dry: bool| json!({ "type": "summary", "schema_version": 1, "uploads": 2, "bytes": 15, "dry_run": dry });
    assert_eq!((&events[2], &dry[2]), (&summary(false), &summary(true)));
    assert_eq!(
        (&events[0]["type"], &events[0]["upload"], &events[0]["size"]),
        (&json!("purge"), &json!(ID), &json!(10))
    );
    let mut kept = [young, "six-days".to_owned(), "in-the-future".to_owned()];
    kept.sort();
    assert_eq!(ids(&scratch), kept);
    purge(&scratch, &["--older-than", "7d"]).code(0).silent().says(["removed 0 uploads of 0 bytes"]);
}

#[test]
fn the_age_is_seven_days_and_repositories_may_be_named() {
    let scratch = Scratch::new();
    begun(&scratch, ID, b"1", 8 * DAY);
    scratch.put("other", b"content");
    let before = tree(&scratch);
    purge(&scratch, &["-n"]).code(0).says(["would remove 1 upload"]);
    purge(&scratch, &["other"]).code(0).silent();
    purge(&scratch, &["--older-than", "a week"]).code(2).silent();
    purge(&scratch, &["--older-than", "7d", "other"]).code(0).silent();
    purge(&scratch, &["--older-than", "7d", "other", "lib/none", REPOSITORY]).code(4).silent().says(["lib/none"]);
    assert_eq!(tree(&scratch), before);
    purge(&scratch, &["--older-than", "7d", "other", REPOSITORY]).code(0);
    assert!(ids(&scratch).is_empty());
}

#[test]
fn without_a_time_an_upload_counts_from_its_newest_file() {
    for content in [None, Some("garbage"), Some(""), Some("2015-01-02T03:04:05Z\n"), Some("2999-01-01")] {
        let scratch = Scratch::new();
        let directory = plant(&scratch, ID, b"123");
        let startedat = directory.join("startedat");
        match content {
            None => fs::remove_file(&startedat).unwrap(),
            Some(content) => fs::write(&startedat, content).unwrap(),
        }
        Scratch::age_all(&directory, 30 * DAY);
        for newest in ["data", "startedat"].map(|name| directory.join(name)).iter().filter(|path| path.exists()) {
            set_age(newest, 6 * DAY);
            purge(&scratch, &["--older-than", "7d"]).code(0).silent();
            set_age(newest, 30 * DAY);
        }
        let line = scratch.run(["upload", "list", "--older-than", "7d"]).code(0).answer();
        assert!(line.contains('?'), "{line}");
        purge(&scratch, &["--older-than", "31d"]).code(0).silent();
        assert_eq!(purge(&scratch, &["--older-than", "7d", "-v"]).code(0).answer(), format!("{REPOSITORY} {ID}"));
        assert!(!directory.exists());
    }
}

#[test]
fn a_hash_state_is_a_file_of_its_upload_too() {
    let scratch = Scratch::new();
    let directory = plant(&scratch, ID, b"123");
    fs::remove_file(directory.join("startedat")).unwrap();
    let state = directory.join("hashstates/sha256/3");
    Scratch::plant(&state, "state");
    Scratch::age_all(&directory, 30 * DAY);
    set_age(&state, DAY);
    purge(&scratch, &["--older-than", "7d"]).code(0).silent();
    assert!(directory.exists());
}

/// Starts a resume that has received something, and waits for more.
fn hanging(scratch: &Scratch, id: &str) -> Child {
    let mut command = upload(scratch, "resume", id).command();
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    child.stdin.as_mut().unwrap().write_all(b"more").unwrap();
    let begin = Instant::now();
    while super::data(scratch, id) != b"123more" {
        assert!(begin.elapsed() < Duration::from_secs(30), "the bytes do not arrive");
        std::thread::sleep(Duration::from_millis(5));
    }
    child
}

#[test]
fn an_upload_that_is_worked_on_stays() {
    let scratch = Scratch::new();
    begun(&scratch, ID, b"123", 8 * DAY);
    begun(&scratch, "another", b"4", 8 * DAY);
    let mut child = hanging(&scratch, ID);
    let run = purge(&scratch, &["--older-than", "7d", "-v"]).code(0);
    assert_eq!(run.says([ID, "is skipped", "removed 1 upload of 1 byte"]).answer(), format!("{REPOSITORY} another"));
    upload(&scratch, "cancel", ID).run().code(11).silent();
    upload(&scratch, "resume", ID).stdin("x").run().code(11).silent();
    super::commit(&scratch, ID, &super::digest(b"123more")).run().code(11).silent();
    assert_eq!(upload(&scratch, "status", ID).with(["--json"]).ok().json()["size"], 7);
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
    assert_eq!(super::data(&scratch, ID), b"123more");
    assert_eq!(purge(&scratch, &["--older-than", "7d", "-v"]).code(0).lines().len(), 1);
}

#[test]
fn a_young_session_of_ours_is_left_alone() {
    let scratch = Scratch::new();
    let id = start(&scratch);
    purge(&scratch, &["--older-than", "1h"]).code(0).silent();
    assert_eq!(ids(&scratch), [id]);
}

/// Whether a registry's own purge takes it (layout.md §7.6): its id is a UUID, and it says that it began before `limit`.
fn registry_takes(directory: &Path, limit: jiff::Timestamp) -> bool {
    let uuid = directory.file_name().unwrap().to_str().unwrap().parse::<uuid::Uuid>().is_ok();
    let started = fs::read_to_string(directory.join("startedat")).ok();
    uuid && started.and_then(|text| text.parse::<jiff::Timestamp>().ok()).is_some_and(|started| started < limit)
}

#[test]
fn the_registrys_purge_and_ours_agree_but_for_those_it_never_takes() {
    let limit: jiff::Timestamp = "2016-01-01T00:00:00Z".parse().unwrap();
    let since = Duration::try_from(jiff::Timestamp::now().duration_since(limit)).unwrap();
    let hours = format!("{}h", since.as_secs() / 3600);
    for (name, id, registry) in [
        ("upload-stale", "01a1fcdf-54c3-7341-a473-aaabbd711949", true),
        ("upload-id-not-uuid", "not-a-uuid", false),
        ("upload-without-startedat", "49c7033d-8881-4914-9c95-d56c28397fe8", false),
        ("upload-garbage-startedat", "01a1fcdf-54c3-7341-a473-aaabbd711949", false),
        ("upload-newline-startedat", "49c7033d-8881-4914-9c95-d56c28397fe8", false),
    ] {
        let scratch = vectors::damaged(name);
        let all = listed(&scratch, &[]);
        let (repository, _, size) = all.iter().find(|(_, found, _)| found == id).unwrap().clone();
        let directory = scratch.repository(&repository).join("_uploads").join(id);
        Scratch::age_all(&directory, since + 365 * DAY);
        for (repository, other, _) in &all {
            let directory = scratch.repository(repository).join("_uploads").join(other);
            assert_eq!(registry_takes(&directory, limit), other == id && registry, "{name} {other}");
        }
        let events = purge(&scratch, &["--older-than", &hours, "--json"]).code(0).json_lines();
        assert_eq!(events.len(), 2, "{name}: {events:?}");
        assert_eq!((&events[0]["upload"], &events[1]["bytes"]), (&json!(id), &json!(size)), "{name}");
        assert!(!directory.exists() && listed(&scratch, &[]).len() == all.len() - 1, "{name}");
    }
}

#[test]
fn a_purge_killed_at_any_change_is_finished_by_the_same_command() {
    let words = ["upload", "purge", "--older-than", "7d"];
    let prepare = || {
        let scratch = Scratch::new();
        let upload = scratch.repository(REPOSITORY).join("_uploads/49c7033d-8881-4914-9c95-d56c28397fe8");
        Scratch::plant(&upload.join("startedat"), "2015-01-01T00:00:00Z");
        Scratch::plant(&upload.join("data"), "received");
        Scratch::plant(&upload.join("hashstates/sha256/0"), "");
        let call = scratch.regtree(words);
        (scratch, call)
    };
    let kills = at_every_change(prepare, |scratch, when, _| {
        scratch.run(words).code(0);
        assert_eq!(scratch.uploads(REPOSITORY), [""; 0].map(std::path::PathBuf::from), "{when}");
    });
    assert!(kills > 5, "{kills}");
}
