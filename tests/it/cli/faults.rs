//! Every look at a tree, where one call of it fails once: nothing is reported clean that was not looked at.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use regtree::Digest;

use super::limits::copy;
use crate::support::strace::strace;
use crate::support::{Regtree, Run, Scratch, snapshot};

/// The calls that look, each with the error that it is made to return.
const LOOKS: [(&str, &str, &str); 7] = [
    ("openat", "EMFILE", "Too many open files"),
    ("openat2", "EIO", "Input/output error"),
    ("getdents64", "EIO", "Input/output error"),
    ("newfstatat", "EACCES", "Permission denied"),
    ("statx", "ENOMEM", "Cannot allocate memory"),
    ("read", "EIO", "Input/output error"),
    ("fstat", "EIO", "Input/output error"),
];
/// At how many of all calls of a kind a fault is tried.
const TRIED: usize = 9;

/// Runs `words` on trees that `prepare` makes, with a fault at calls that look at the tree. Returns how many there were.
fn with_faults(prepare: impl Fn() -> Scratch, words: &[&str], examine: impl Fn(&Scratch, &str, &Run)) -> usize {
    let mut faults = 0;
    for (call, error, reason) in LOOKS {
        let (count, _) = traced(&prepare(), words, call, &format!("trace={call}"));
        let total = count.lines().filter(|line| line.contains(&format!("{call}("))).count();
        for nth in (1..=total).step_by((total / TRIED).max(1)) {
            let scratch = prepare();
            let (trace, run) = traced(&scratch, words, call, &format!("inject={call}:error={error}:when={nth}"));
            let v2 = scratch.v2().display().to_string();
            let Some(line) = trace.lines().find(|line| line.contains("(INJECTED)")) else { continue };
            // The loader, and regtree's notes, without which it does. A tag's link is read again at once.
            if !line.contains(&v2) || line.contains("/current/link") {
                continue;
            }
            faults += 1;
            let (out, err) = (run.out(), run.err());
            let told = format!("{out}{err}");
            assert!(matches!(run.exit(), Some(1 | 3)), "{line}\n{:?}\n{told}", run.exit());
            let is_named = |said: &&str| said.contains(reason) && said.contains(&v2);
            // An error has its cause in the next line.
            let is_error = err.contains(reason) && err.contains(&v2);
            assert!(is_error || told.lines().any(|said| is_named(&said)), "{line}\n{told}");
            examine(&scratch, line, &run);
        }
    }
    faults
}

fn traced(scratch: &Scratch, words: &[&str], call: &str, inject: &str) -> (String, Run) {
    let trace = scratch.root().join("trace");
    let only = format!("trace={call}");
    let words = scratch.regtree(words);
    let run =
        words.behind(strace(&["-y", "-s", "300", "-o", trace.to_str().unwrap(), "-e", &only, "-e", inject])).run();
    let text = fs::read_to_string(&trace).unwrap();
    fs::remove_file(trace).unwrap();
    (text, run)
}

/// A tree with nothing wrong, and with something that nothing needs. Returns a layer too.
fn sound() -> (Scratch, Digest) {
    let scratch = Scratch::new();
    let image = scratch.image("lib/app", "image").tag("latest");
    scratch.image("lib/other", "another").tag("v1");
    scratch.image("lib/other", "untagged");
    scratch.put("lib/app", b"unneeded");
    (scratch, image.layer)
}

fn tree(scratch: &Scratch) -> BTreeMap<PathBuf, String> {
    snapshot(&scratch.v2())
}

#[test]
fn a_check_of_a_sound_tree_names_each_place_that_it_could_not_look_at() {
    let (sound, _) = sound();
    let before = tree(&sound);
    let words = ["fsck", "--content", "--jobs", "1"];
    sound.run(words).code(0);
    let faults = with_faults(|| copy(&sound), &words, |_, _, _| {});
    assert!(faults > 20, "{faults} faults: strace does not do what it is asked to");
    assert_eq!(tree(&sound), before);
}

#[test]
fn a_collection_that_could_not_look_says_so_and_another_ends_where_it_would_have() {
    let (grown, _) = sound();
    // Long after, so that all of it is old: for what is young, other processes are looked at too.
    let later = || copy(&grown).at("2099-01-01T00:00:00Z");
    let words = ["gc", "--jobs", "1", "--delete-untagged", "--max-delete", "100%"];
    let undisturbed = later();
    undisturbed.run(words).code(0);
    let expected = tree(&undisturbed);
    assert_ne!(expected, tree(&grown));
    let faults = with_faults(later, &words, |scratch, line, _| {
        scratch.run(["manifest", "verify", "--all", "--content"]).code(0);
        scratch.run(words).code(0);
        assert_eq!(tree(scratch), expected, "{line}");
    });
    assert!(faults > 20, "{faults} faults: strace does not do what it is asked to");
}

#[test]
fn a_repair_that_could_not_look_says_so_and_another_ends_where_it_would_have() {
    let (broken, layer) = sound();
    let words = ["repair", "--all-safe", "--jobs", "1"];
    fs::write(broken.link("lib/app", layer), "").unwrap();
    let undisturbed = copy(&broken);
    undisturbed.run(words).code(0);
    let expected = tree(&undisturbed);
    let faults = with_faults(
        || copy(&broken),
        &words,
        |scratch, line, _| {
            scratch.run(words).code(0);
            assert_eq!(tree(scratch), expected, "{line}");
        },
    );
    assert!(faults > 20, "{faults} faults: strace does not do what it is asked to");
}

#[test]
fn no_limit_of_open_files_makes_a_damaged_tree_a_clean_one() {
    let (broken, layer) = sound();
    broken.truncate(layer, 1);
    let before = tree(&broken);
    for files in 5..31 {
        let limit = format!("--nofile={files}");
        for words in [&["fsck"][..], &["fsck", "--content"], &["repair", "--all-safe", "-n"]] {
            let run = Regtree::at(broken.root(), words).behind(["prlimit", &limit]).run();
            // Below what the loader needs the program does not start.
            assert!(
                matches!(run.exit(), Some(1 | 3 | 127)),
                "{words:?}, {files} files: {:?}\n{}",
                run.exit(),
                run.out()
            );
            assert!(!run.err().is_empty() || !run.out().is_empty(), "{words:?}, {files} files: without a word");
        }
    }
    assert_eq!(tree(&broken), before);
}
