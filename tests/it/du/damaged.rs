//! `du` reports damage, and counts the rest.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;

use super::{LINES, MEASURES, Measure, below, line, run, usage};
use crate::gc::random_tree;
use crate::support::vectors::{damaged, damaged_trees};
use crate::support::{Scratch, snapshot};

#[track_caller]
fn assert_counted(scratch: &Scratch, context: &str) -> i32 {
    let before = snapshot(scratch.root());
    let private = scratch.root().join(".regtree");
    let mut exits = Vec::new();
    for measure in MEASURES {
        let run = run(scratch, measure, &["--tags", "--layers"]);
        let exit = run.exit().unwrap_or_else(|| panic!("{context}: {}", run.err()));
        let usage = run.json();
        let findings = usage["findings"].as_array().unwrap();
        assert_eq!(exit, if findings.is_empty() { 0 } else { 3 }, "{context}: {usage}");
        let sum: u64 = LINES.iter().map(|name| line(&usage, name)).sum();
        let private = if private.exists() { below(&private, measure) } else { 0 };
        assert_eq!(sum, below(&scratch.v2(), measure) + private, "{context} {measure:?}: {usage}");
        exits.push(exit);
    }
    assert!(snapshot(scratch.root()) == before, "{context}: the tree was changed");
    exits[0]
}

#[test]
fn every_damaged_tree_is_counted_to_the_last_byte() {
    let exits: Vec<(String, i32)> = damaged_trees()
        .into_iter()
        .map(|name| {
            let exit = assert_counted(&damaged(&name), &name);
            (name, exit)
        })
        .collect();
    assert!(exits.len() > 60);
    for name in ["revision-link-empty", "symlink-repository", "manifest-truncated", "tag-link-garbage"] {
        assert!(exits.contains(&(name.to_owned(), 3)), "{name} in {exits:?}");
    }
    for name in ["layer-missing", "upload-stale", "leftover-tmp", "empty-directories"] {
        assert!(exits.contains(&(name.to_owned(), 0)), "{name} in {exits:?}");
    }
}

#[test]
fn random_damaged_trees_are_counted_to_the_last_byte() {
    let exits: Vec<i32> =
        (0..60).map(|seed| assert_counted(&random_tree(seed, true), &format!("seed {seed}"))).collect();
    assert!(exits.contains(&0) && exits.contains(&3), "{exits:?}");
}

#[test]
fn what_can_t_be_read_is_told_and_the_rest_is_counted() {
    let scratch = Scratch::new();
    let image = scratch.image("lib/app", "to be read").tag("v1");
    let hidden = scratch.v2().join("blobs/sha256/hidden");
    Scratch::plant(&hidden.join("file"), "unseen");
    let before = usage(&scratch, Measure::Apparent, &[]);
    fs::set_permissions(&hidden, fs::Permissions::from_mode(0o000)).unwrap();
    let run = scratch.regtree(["du", "--json", "--apparent"]).unprivileged().run().code(3);
    let usage = run.json();
    assert_eq!(line(&usage, "unique"), line(&before, "unique"));
    assert_eq!(line(&usage, "total"), line(&before, "total") - 6);
    let finding = &usage["findings"][0];
    assert_eq!((&finding["code"], &finding["path"]), (&"unreadable".into(), &scratch.below_root(&hidden).into()));
    assert_eq!(usage["findings"].as_array().unwrap().len(), 1, "{usage}");
    let text = scratch.regtree(["du"]).unprivileged().run().code(3).says(["warning: unreadable", "hidden"]);
    assert!(text.out().contains("lib/app") && scratch.blob(image.layer).exists());
    fs::set_permissions(&hidden, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_name_that_would_move_the_cursor_is_escaped() {
    let scratch = Scratch::new();
    fs::create_dir_all(scratch.repository("bad\u{1b}[2J/_layers/sha256")).unwrap();
    let run = scratch.run(["du"]).code(0);
    assert!(run.out().contains("bad\\u{1b}[2J") && !run.out().contains('\u{1b}'), "{}", run.out());
}

#[test]
fn a_name_that_is_no_text_is_told_as_far_as_it_can_be() {
    let scratch = Scratch::new();
    scratch.image("lib", "one").tag("v1");
    for around in ["", "lib/_manifests/tags"] {
        let directory = scratch.repository(around).join(OsStr::from_bytes(b"m\xff"));
        fs::create_dir(&directory).unwrap();
        assert_eq!(assert_counted(&scratch, around), 3);
        let usage = run(&scratch, Measure::Apparent, &[]).json();
        assert_eq!(usage["findings"][0]["path"], scratch.below_root(&directory), "{usage}");
        scratch.run(["du"]).code(3);
        fs::remove_dir(directory).unwrap();
    }
}

#[test]
fn what_a_collection_keeps_for_doubt_is_no_garbage() {
    let scratch = Scratch::new();
    let image = scratch.image("lib", "one").tag("v1");
    let free = scratch.put("lib", b"nobody's");
    let before = usage(&scratch, Measure::Apparent, &[]);
    assert_eq!((line(&before, "garbage"), line(&before, "doubtful")), (8, 0));
    assert!(!scratch.run(["du"]).out().contains("in doubt"));
    std::os::unix::fs::symlink(scratch.root(), scratch.repository("linked")).unwrap();
    assert_eq!(assert_counted(&scratch, "a symbolic link"), 3);
    let after = run(&scratch, Measure::Apparent, &[]).json();
    assert_eq!((line(&after, "garbage"), line(&after, "doubtful")), (0, 8));
    assert_eq!(line(&after, "unique"), line(&before, "unique"));
    assert!(scratch.run(["du", "--apparent"]).out().contains("8 B  in doubt"));
    scratch.run(["gc", "--min-age", "0"]).code(3);
    assert!(scratch.blob(free).exists() && scratch.blob(image.layer).exists());
}
