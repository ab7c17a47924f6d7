//! Collections that are killed, stopped or run twice at once.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::planted::{Planted, sha256};
use super::{assert_whole, files, told};
use crate::support::kill::at_changes;
use crate::support::snapshot;
use crate::support::strace::strace;

const WORDS: [&str; 6] = ["gc", "--jobs", "1", "--min-age", "0", "--delete-untagged"];
/// How many moments there have to be at which it is killed.
const MOMENTS: usize = 100;

/// A tree with everything that may go, and images that share with it.
fn grown() -> Planted {
    let planted = Planted::new();
    for repository in ["lib", "lib/app", "other"] {
        planted.tagged_image(repository, "v1", "a former image");
        planted.tagged_image(repository, "v1", &format!("the image of {repository}"));
        let children = [planted.image(repository, "one child"), planted.image(repository, "another child")];
        let index = planted.index(repository, &[&children[0], &children[1]]);
        planted.tag(repository, "multi", &index);
        planted.referrer(repository, &children[0], "a signature");
        for number in 0..4 {
            planted.image(repository, &format!("untagged image {number} of {repository}"));
        }
        planted.layer(repository, "stale");
        planted.alias(repository, "a stale layer of two names");
        planted.link(repository, &sha256(b"gone long ago"));
    }
    planted.upload("lib", "49c7033d-8881-4914-9c95-d56c28397fe8", "2015-01-01T00:00:00Z");
    planted.layer("empty", "nothing else");
    planted.blob("an orphan");
    planted
}

#[test]
fn a_collection_killed_anywhere_leaves_no_dangling_link_and_is_finished_by_another() {
    let moments = killed(WORDS, 2);
    assert!(moments >= MOMENTS, "{moments} moments");
}

#[test]
fn a_collection_on_eight_threads_killed_anywhere_leaves_no_dangling_link_either() {
    // The moments are counted by thread, so there are fewer.
    let moments = killed(WORDS.map(|word| if word == "1" { "8" } else { word }), 1);
    assert!(moments >= 10, "{moments} moments");
}

/// Kills collections at their changes, at each `step`th. Returns at how many moments.
fn killed(words: [&str; 6], step: usize) -> usize {
    let undisturbed = grown();
    let before = files(&undisturbed.scratch);
    undisturbed.scratch.run(words).code(0);
    let expected = snapshot(&undisturbed.scratch.v2());
    assert!(files(&undisturbed.scratch).len() < before.len());
    at_changes(
        step,
        || {
            let planted = grown();
            let call = planted.regtree(words);
            (planted, call)
        },
        |planted, when, _| {
            assert_links_hold(planted, when);
            let again = planted.run(words);
            assert_eq!(again.exit(), Some(0), "{when}, and then: {}", again.err());
            let left = snapshot(&planted.v2());
            let strange: Vec<_> = left.keys().filter(|path| !expected.contains_key(*path)).collect();
            assert!(left == expected, "{when}: another tree is left, with {strange:?}");
        },
    )
}

/// Expects every manifest that is linked to be whole, and every link of a layer to lead to content, unless it never did.
#[track_caller]
fn assert_links_hold(planted: &Planted, when: &str) {
    let verify = planted.run(["manifest", "verify", "--all", "--content"]);
    assert_eq!(verify.exit(), Some(0), "{when}: {}{}", verify.out(), verify.err());
    for path in files(&planted.scratch) {
        if let Some(super::Place::LayerLink((repository, digest))) = super::place(&path) {
            let target = std::fs::read_to_string(planted.at(&path)).unwrap();
            let holds = planted.has(&target) || target == sha256(b"gone long ago");
            assert!(holds, "{when}: {repository} links {digest}, which is gone");
        }
    }
}

/// A collection that is slow to remove, once it has removed something.
fn slow(planted: &Planted) -> Child {
    let before = files(&planted.scratch).len();
    // As its own parent's child, so that a signal reaches it and not the tracer.
    let strace = strace(&["-D", "-o", "/dev/null", "-e", "trace=unlinkat,renameat,renameat2"]);
    let delay = ["-e", "inject=unlinkat,renameat,renameat2:delay_enter=100000"];
    let call = planted.regtree(WORDS).behind(strace.iter().chain(&delay));
    let child = call.command().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let begin = Instant::now();
    while files_now(planted) == before {
        assert!(begin.elapsed() < Duration::from_mins(1), "the collection does not begin");
        std::thread::sleep(Duration::from_millis(10));
    }
    child
}

/// How many files there are, while some are being removed.
fn files_now(planted: &Planted) -> usize {
    let entries = walkdir::WalkDir::new(planted.v2()).into_iter().filter_map(Result::ok);
    entries.filter(|entry| !entry.file_type().is_dir()).count()
}

#[test]
fn a_collection_that_is_told_to_stop_finishes_its_item_and_another_the_rest() {
    for (signal, code) in [(rustix::process::Signal::TERM, 143), (rustix::process::Signal::INT, 130)] {
        let planted = grown();
        let child = slow(&planted);
        let id = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(id, signal).unwrap();
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(&told::kept(&planted)), "it says what there is: {said}");
        assert!(said.contains("hint: to remove the rest, run it again"), "{said}");
        assert_links_hold(&planted, "stopped");
        let undisturbed = grown();
        undisturbed.scratch.run(WORDS).code(0);
        let left = files(&planted.scratch);
        assert!(left.len() > files(&undisturbed.scratch).len(), "it was done already");
        planted.run(WORDS).code(0);
        assert!(snapshot(&planted.v2()) == snapshot(&undisturbed.scratch.v2()));
    }
}

#[test]
fn of_two_collections_at_once_one_finds_the_tree_locked() {
    let planted = grown();
    let mut first = slow(&planted);
    let second = planted.run(WORDS).code(11);
    assert!(second.err().contains("is locked by regtree gc"), "{}", second.err());
    // Looking takes no lock, and survives what goes meanwhile.
    planted.run(WORDS.iter().chain(&["--dry-run"])).code(0);
    first.kill().unwrap();
    first.wait().unwrap();
    planted.run(WORDS).code(0);
    assert_whole(&planted.scratch);
}
