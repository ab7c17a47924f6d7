//! A repair that is killed at any change it makes is finished by running it again, and nothing is lost.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::{errors, repair, restore, tree};
use crate::support::Scratch;
use crate::support::kill::{at_changes, at_every_change};

const WORDS: [&str; 2] = ["repair", "--all-safe"];

/// A tree with something to rewrite, to make, to move and to set right.
fn damaged() -> Scratch {
    let scratch = Scratch::new();
    let image = scratch.image("lib/app", "image").tag("latest");
    // Enough that what dangles is little of it.
    for number in 0..3 {
        scratch.image("lib/app", &format!("image {number}")).tag(&format!("v{number}"));
    }
    fs::write(scratch.link("lib/app", image.layer), "").unwrap();
    fs::set_permissions(scratch.link("lib/app", image.config), PermissionsExt::from_mode(0o000)).unwrap();
    let spare = scratch.layer("lib/spare", b"spare");
    fs::remove_dir_all(scratch.repository("lib/spare")).unwrap();
    fs::write(scratch.blob(spare), "wrong").unwrap();
    scratch.image("lib/other", "other");
    fs::remove_dir_all(scratch.repository("lib/other").join("_manifests/tags")).ok();
    let dangling = "0".repeat(64);
    let link = scratch.repository("lib/other").join("_layers/sha256").join(&dangling).join("link");
    Scratch::plant(&link, format!("sha256:{dangling}"));
    scratch
}

fn runs(scratch: &Scratch) -> Vec<String> {
    let Ok(listed) = fs::read_dir(scratch.root().join(".regtree/quarantine")) else { return Vec::new() };
    let mut runs: Vec<String> = listed.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    runs.sort();
    runs
}

#[test]
fn a_repair_killed_at_any_change_it_makes_is_finished_by_another_and_undone_by_restores() {
    let undisturbed = damaged();
    let before = tree(&undisturbed);
    assert_eq!(repair(&undisturbed, &["--all-safe"]).code(0).actions().len(), 5);
    let after = tree(&undisturbed);
    let kills = at_changes(
        3,
        || {
            let scratch = damaged();
            let call = scratch.regtree(WORDS);
            (scratch, call)
        },
        |scratch, when, kills| {
            if kills % 2 == 0 {
                scratch.run(WORDS).code(0);
                // What is left of a small write that was killed is too young to go.
                let mut found = tree(scratch);
                found.retain(|path, _| path.extension().is_none_or(|extension| extension != "tmp"));
                assert!(found == after, "{when}");
            }
            restore(scratch, runs(scratch).iter().rev(), &before);
        },
    );
    assert!(kills >= 20, "{kills} kills: strace does not do what it is asked to");
}

#[test]
fn content_from_elsewhere_is_there_after_a_second_run() {
    let source = Scratch::new();
    let image = source.image("lib/app", "image").tag("latest");
    let words = ["repair", "--all-safe", "--from", source.root().to_str().unwrap()];
    let kills = at_every_change(
        || {
            let scratch = Scratch::new();
            scratch.image("lib/app", "image").tag("latest");
            fs::write(scratch.blob(image.layer), "wrong").unwrap();
            let call = scratch.regtree(words);
            (scratch, call)
        },
        |scratch, when, _| {
            scratch.run(words).code(0);
            assert_eq!(errors(scratch), [""; 0], "{when}");
            assert_eq!(fs::read(scratch.blob(image.layer)).unwrap(), b"layer image", "{when}");
        },
    );
    assert!(kills > 10, "{kills} kills: strace does not do what it is asked to");
}

#[test]
fn wrong_content_is_replaced_at_once_wherever_the_repair_of_it_is_killed() {
    let source = Scratch::new();
    let image = source.image("lib/app", "image").tag("latest");
    // Of the same length, and shorter.
    for (code, wrong) in [("blob-corrupt", &b"wrong image"[..]), ("blob-truncated", b"wrong")] {
        let words = ["repair", "--only", code, "--from", source.root().to_str().unwrap()];
        let kills = at_every_change(
            || {
                let scratch = Scratch::new();
                scratch.image("lib/app", "image").tag("latest");
                fs::write(scratch.blob(image.layer), wrong).unwrap();
                let call = scratch.regtree(words);
                (scratch, call)
            },
            |scratch, when, _| {
                let content = fs::read(scratch.blob(image.layer)).unwrap();
                assert!(content == wrong || content == b"layer image", "{code}, {when}");
                scratch.run(words).code(0);
                assert_eq!(fs::read(scratch.blob(image.layer)).unwrap(), b"layer image", "{code}, {when}");
                assert_eq!(errors(scratch), [""; 0], "{code}, {when}");
                // The wrong content is in the quarantine, or still beside its place.
                let files = walkdir::WalkDir::new(scratch.root()).into_iter().map(|entry| entry.unwrap().into_path());
                let mut contents = files.filter_map(|path| fs::read(path).ok());
                assert!(contents.any(|content| content == wrong), "{code}, {when}: the wrong content is lost");
            },
        );
        assert!(kills > 10, "{kills} kills: strace does not do what it is asked to");
    }
}
