//! A restore or a purge that is killed at any change it makes is finished by running it again.

use super::{REPOSITORY, blob_and_link, directory, take, tree};
use crate::support::{Regtree, Run, Scratch, assert_sound};

const CHANGES: [&str; 9] =
    ["mkdirat", "fchmod", "write", "fsync", "syncfs", "renameat", "renameat2", "unlinkat", "fchown"];

fn killed_at(regtree: &Regtree, call: &str, nth: usize) -> Run {
    let (trace, inject) = (format!("trace={call}"), format!("inject={call}:signal=KILL:when={nth}"));
    let strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", &trace, "-e", &inject];
    regtree.clone().behind(strace).run()
}

/// Kills `verb` at each change, and has `examine` look at what is left. Returns how many kills there were.
fn at_every_change(verb: impl Fn(&str) -> Vec<String>, examine: impl Fn(&Scratch, &str, &str)) -> usize {
    let mut kills = 0;
    for call in CHANGES {
        for nth in 1.. {
            let (scratch, run) = quarantined();
            let killed = killed_at(&scratch.regtree(verb(&run)), call, nth);
            if killed.signal() != Some(9) {
                killed.code(0);
                break;
            }
            assert_sound(&scratch);
            examine(&scratch, &run, &format!("{call} {nth}"));
            kills += 1;
        }
    }
    kills
}

/// Two blobs and their links, in the quarantine.
fn quarantined() -> (Scratch, String) {
    let scratch = filled();
    let digests = CONTENT.map(regtree::Digest::of);
    let run = take(scratch.root(), digests.into_iter().flat_map(blob_and_link));
    // One is there again.
    scratch.put(REPOSITORY, CONTENT[0]);
    (scratch, run)
}

const CONTENT: [&[u8]; 2] = [b"one", b"two"];

fn filled() -> Scratch {
    let scratch = Scratch::new();
    for content in CONTENT {
        scratch.put(REPOSITORY, content);
    }
    scratch
}

fn content(scratch: &Scratch) -> Vec<String> {
    let without_times =
        |(path, text): (_, String)| format!("{} {}", path.display(), text.rsplit_once(' ').map_or("", |it| it.0));
    tree(scratch.root()).into_iter().map(without_times).collect()
}

#[test]
fn a_restore_killed_at_any_change_it_makes_can_be_run_again() {
    let expected = content(&filled());
    let kills = at_every_change(
        |run| ["quarantine", "restore", run].map(str::to_owned).to_vec(),
        |scratch, run, when| {
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
        |_| purge.map(str::to_owned).to_vec(),
        |scratch, run, when| {
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
