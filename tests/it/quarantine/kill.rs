//! A collection, a restore or a purge that is killed at any change it makes is finished by running it again.

use std::path::PathBuf;

use super::collection::{WORDS, grown, runs};
use super::{REPOSITORY, blob_and_link, directory, take, tree};
use crate::support::kill::at_every_change;
use crate::support::{Scratch, assert_sound};

/// Two blobs and their links, in the quarantine.
fn quarantined() -> (Scratch, String) {
    let scratch = filled();
    let digests = CONTENT.map(regtree::Digest::of);
    let run = take(scratch.root(), digests.into_iter().flat_map(blob_and_link));
    // One is there again.
    scratch.layer(REPOSITORY, CONTENT[0]);
    (scratch, run)
}

const CONTENT: [&[u8]; 2] = [b"one", b"two"];

fn filled() -> Scratch {
    let scratch = Scratch::new();
    for content in CONTENT {
        scratch.layer(REPOSITORY, content);
    }
    scratch
}

/// Without the times.
fn content(scratch: &Scratch) -> Vec<String> {
    let line = |(path, text): (PathBuf, String)| {
        let text = text.rsplit_once(' ').map_or("", |(text, _)| text);
        format!("{} {text}", path.display())
    };
    tree(scratch.root()).into_iter().map(line).collect()
}

#[test]
fn a_restore_killed_at_any_change_it_makes_can_be_run_again() {
    let expected = content(&filled());
    let kills = at_every_change(
        || {
            let (scratch, run) = quarantined();
            let restore = scratch.regtree(["quarantine", "restore", &run]);
            ((scratch, run), restore)
        },
        |(scratch, run), when, _| {
            assert_sound(scratch);
            let again = scratch.run(["quarantine", "restore", run]);
            // Killed after all was done, there is no such run any more.
            assert!(matches!(again.exit(), Some(0 | 4)), "{when}: {}", again.err());
            assert_eq!(content(scratch), expected, "{when}");
            assert!(!directory(scratch, run).exists(), "{when}");
        },
    );
    assert!(kills > 10, "{kills} kills: strace does not do what it is asked to");
}

#[test]
fn a_purge_killed_at_any_change_it_makes_can_be_run_again() {
    let purge = ["quarantine", "purge", "--older-than", "0s"];
    let kills = at_every_change(
        || {
            let (scratch, run) = quarantined();
            let purge = scratch.regtree(purge);
            ((scratch, run), purge)
        },
        |(scratch, run), when, _| {
            assert_sound(scratch);
            if directory(scratch, run).exists() {
                scratch.run(["quarantine", "list"]).code(0);
                scratch.run(["quarantine", "show", run]).code(0);
            }
            scratch.run(purge).code(0);
            assert!(!directory(scratch, run).exists(), "{when}");
        },
    );
    assert!(kills > 8, "{kills} kills: strace does not do what it is asked to");
}

#[test]
fn a_collection_killed_at_any_change_it_makes_loses_nothing() {
    loses_nothing_when_killed(grown, |scratch| scratch);
}

/// Kills collections into the quarantine of what `prepare` makes.
pub(super) fn loses_nothing_when_killed<T>(prepare: impl Fn() -> T, scratch_of: impl Fn(&T) -> &Scratch) {
    let nothing: [Vec<String>; 2] = [vec![], vec![]];
    let before = content(&grown());
    let undisturbed = grown();
    undisturbed.run(WORDS).code(0);
    let after = files(&undisturbed);
    let kills = at_every_change(
        || {
            let prepared = prepare();
            let collection = scratch_of(&prepared).regtree(WORDS);
            (prepared, collection)
        },
        |prepared, when, kills| {
            let scratch = scratch_of(prepared);
            scratch.run(["manifest", "verify", "--all", "--content"]).code(0);
            // Whether it is finished first or not, all comes back.
            if kills % 2 == 0 {
                scratch.run(WORDS).code(0);
                assert_eq!(difference(&files(scratch), &after), nothing, "{when}");
            }
            for run in runs(scratch).iter().rev() {
                let restored = scratch.run(["quarantine", "restore", run]);
                assert_eq!(restored.exit(), Some(0), "{when}: {}", restored.err());
            }
            assert_eq!(difference(&content(scratch), &before), nothing, "{when}");
            assert!(runs(scratch).is_empty(), "{when}");
        },
    );
    assert!(kills > 30, "{kills} kills: strace does not do what it is asked to");
}

/// The files of the tree itself. A directory may be left with nothing in it: nobody looks for those that a killed
/// collection emptied.
fn files(scratch: &Scratch) -> Vec<String> {
    let mut lines = content(scratch);
    lines.retain(|line| line.contains(" 100644 ") && !line.contains("regtree-quarantine"));
    lines
}

/// The lines that only the one has, and those that only the other has.
fn difference(one: &[String], other: &[String]) -> [Vec<String>; 2] {
    let only = |lines: &[String], not: &[String]| lines.iter().filter(|line| !not.contains(line)).cloned().collect();
    [only(one, other), only(other, one)]
}
