//! What a collection says is what is there, and what it would really remove.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use super::planted::{Planted, revision_path};
use super::{NOW, Place, collect, every_edge, files, forest, place};
use crate::support::mounted::{Mounted, NO_SPACE};
use crate::support::snapshot;

const NOT_GIVEN: &str = "--delete-untagged is not given";

/// The line that says what is kept, by what is in the tree.
pub(super) fn kept(planted: &Planted) -> String {
    let files = files(&planted.scratch);
    let blobs = files.iter().filter(|path| matches!(place(path), Some(Place::Blob(_)))).count();
    let revisions = files.iter().filter(|path| matches!(place(path), Some(Place::Revision(_)))).count();
    let tags = files.iter().filter(|path| path.ends_with("/current/link")).count();
    let repositories = planted.regtree(["repo", "list"]).ok().lines().len();
    format!("kept {blobs} blobs, {revisions} manifests, {tags} tags in {repositories} repositories")
}

/// How many blobs a dry run would remove, and their bytes; and what it says of its own.
fn planned(planted: &Planted, words: &[&str]) -> ([u64; 2], Value) {
    let run =
        planted.regtree(["gc", "--json", "--dry-run", "--allow-rootless", "--max-delete", "100%"]).with(words).run();
    let summary = run.json_lines().pop().unwrap();
    let blobs = &summary["removed"]["blob"];
    ([blobs["count"].as_u64().unwrap(), blobs["bytes"].as_u64().unwrap()], summary)
}

fn sum([a, b]: [u64; 2], [c, d]: [u64; 2]) -> [u64; 2] {
    [a + c, b + d]
}

#[test]
fn what_only_min_age_keeps_is_what_min_age_0_removes() {
    let mut all_young = 0;
    let trees = (0..6).map(|seed| forest::grow(seed, forest::Kind::Rich).planted).chain([every_edge().0]);
    for (number, planted) in trees.enumerate() {
        // Some of it is young, by itself or because of what leads to it.
        if number % 2 == 0 {
            planted.age(48);
            planted.image("lib", "a young image");
            planted.layer("lib", "a young layer");
        }
        for words in [&[][..], &["--delete-untagged"]] {
            let (now, summary) = planned(&planted, words);
            let young = ["young_blobs", "young_bytes"].map(|key| summary["kept"][key].as_u64().unwrap());
            let (at_once, _) = planned(&planted, &[words, &["--min-age", "0"]].concat());
            assert_eq!(sum(now, young), at_once, "tree {number}, {words:?}");
            all_young += young[0];
        }
    }
    assert!(all_young > 20, "{all_young} young blobs in all");
}

#[test]
fn what_min_age_keeps_is_told_with_its_bytes_and_goes_with_min_age_0() {
    let planted = Planted::new();
    planted.tagged_image("lib", "v1", "an image");
    let garbage = planted.layer("lib", vec![7; 5000]);
    let run = planted.run(["gc", "--min-age", "12h"]).code(0);
    assert!(run.out().starts_with("removed 0 bytes; 4.88 KiB more with --min-age 0\n"), "{}", run.out());
    let line = "  1 blob (4.88 KiB) only because of --min-age (12h)";
    assert!(run.lines().iter().any(|found| found == line), "{}", run.out());
    assert!(planted.has(&garbage));
    assert_eq!(collect(&planted.scratch, &["--min-age", "0"]).code(0).gone.blobs, [garbage].into());
    let run = planted.run(["gc"]).code(0);
    assert!(!run.out().contains("--min-age"), "{}", run.out());
}

#[test]
fn what_is_said_of_delete_untagged_is_what_it_does() {
    let planted = Planted::new();
    planted.tagged_image("lib", "v1", "an image");
    let lines = |words: &[&str]| {
        let run = planted.regtree(["gc", "--dry-run"]).with(words).run().code(0);
        run.out().lines().filter(|line| line.contains("--delete-untagged")).map(str::to_owned).collect::<Vec<_>>()
    };
    for words in [&[][..], &["--sizes"]] {
        assert!(lines(words).is_empty(), "there is nothing that no tag leads to");
    }
    let untagged = planted.image("lib", "an untagged image");
    let (bytes, _) = planned(&planted, &["--delete-untagged", "--min-age", "0"]);
    assert_eq!(bytes[0], 3);
    for words in [&[][..], &["--sizes"]] {
        let young = [
            format!("would remove 0 bytes; {} B more with --delete-untagged --min-age 0", bytes[1]),
            format!("  3 blobs ({} B) only because of --min-age (24h), and {NOT_GIVEN}", bytes[1]),
        ];
        assert_eq!(lines(words), young, "all of it is young");
    }
    planted.age(48);
    let half = planted.image("lib", "a young image");
    let young = planned(&planted, &["--delete-untagged", "--min-age", "0"]).0[1] - bytes[1];
    for words in [&[][..], &["--sizes"]] {
        let both = [
            format!("would remove 0 bytes; {} B more with --delete-untagged --min-age 0", bytes[1] + young),
            format!("  1 manifest, 3 blobs ({} B) only because {NOT_GIVEN}: no tag leads there", bytes[1]),
            format!("  3 blobs ({young} B) only because of --min-age (24h), and {NOT_GIVEN}"),
        ];
        assert_eq!(lines(words), both);
    }
    let (_, summary) = planned(&planted, &[]);
    let expected = serde_json::json!({
        "revisions": 1, "blobs": 3, "bytes": bytes[1], "blobs_too_young": 3, "bytes_too_young": young,
    });
    assert_eq!(summary["untagged"], expected);
    let collection = collect(&planted.scratch, &["--delete-untagged"]).code(0);
    assert_eq!((collection.gone.blobs.len(), collection.summary()["bytes"].as_u64()), (3, Some(bytes[1])));
    assert!(!planted.has(&untagged) && planted.has(&half));
    assert!(planted.at(&revision_path("lib", &half)).exists());
}

#[test]
fn what_delete_untagged_would_free_is_a_figure_however_much_there_is() {
    let planted = Planted::new();
    let layer = planted.layer("lib", vec![7; 5000]);
    for number in 0..1100 {
        planted.manifest("lib", &planted.image_of(&planted.layer("lib", format!("{number}")), &[&layer]));
    }
    planted.age(48);
    let run = planted.regtree(["gc", "--dry-run"]).run().code(0);
    assert!(run.out().contains(" KiB more with --delete-untagged\n"), "{}", run.out());
    assert!(run.out().contains("\n  1100 manifests, 2201 blobs ("), "{}", run.out());
}

/// The commands that a collection names to type next.
fn next(planted: &Planted, words: &[&str]) -> Vec<String> {
    let run = planted.regtree(["gc"]).with(words).run().code(0);
    let named = |line: &str| line.split_once(": regtree --root ").map(|(_, command)| command.to_owned());
    run.err().lines().filter_map(named).map(|command| command.split_once(' ').unwrap().1.to_owned()).collect()
}

#[test]
fn one_command_is_named_that_frees_what_the_sum_says() {
    let planted = Planted::new();
    planted.tagged_image("lib", "v1", "an image");
    assert!(next(&planted, &["-n"]).is_empty(), "nothing more can be freed");
    planted.image("lib", &"x".repeat(5000));
    planted.age(48);
    let without_age = "gc -n --repository 'l*' --delete-untagged";
    assert_eq!(next(&planted, &["-n", "--repository", "l*"]), [without_age]);
    planted.layer("lib", vec![8; 100]);
    assert_eq!(
        next(&planted, &["-n", "--min-age", "1h", "--repository", "l*"]),
        ["gc -n --repository 'l*' --min-age 1h --delete-untagged",],
        "a grace period is not given up for 100 of 5000 bytes"
    );
    planted.layer("lib", vec![8; 3000]);
    assert_eq!(next(&planted, &["-n", "--keep-uploads"]), ["gc -n --keep-uploads --delete-untagged --min-age 0"]);
    assert_eq!(next(&planted, &["-n", "--delete-untagged"]), ["gc -n --delete-untagged --min-age 0"]);
    // After a run that can be undone, that is what to type.
    let undone = next(&planted, &["--delete-untagged", "--quarantine"]);
    assert!(undone.len() == 1 && undone[0].starts_with("quarantine restore "), "{undone:?}");
}

#[test]
fn unfinished_uploads_are_named_where_they_hold_much() {
    let planted = Planted::new();
    planted.tagged_image("lib", "v1", "an image");
    let started = planted.regtree(["upload", "start", "lib"]).ok();
    let upload = planted.at(&format!("repositories/lib/_uploads/{}/data", started.out().trim()));
    let grow = |bytes: u64| fs::File::create(&upload).unwrap().set_len(bytes).unwrap();
    grow((1 << 20) - 1);
    assert!(next(&planted, &["-n"]).is_empty());
    grow(3 << 20);
    assert_eq!(next(&planted, &["-n"]), ["upload purge --older-than 0 -n"]);
    let run = planted.regtree(["gc", "-n"]).run().code(0);
    let line = "  1 unfinished upload (3.00 MiB), which upload purge --older-than 0 removes";
    assert!(run.lines().iter().any(|found| found == line), "{}", run.out());
    let kept = &planted.regtree(["gc", "-n", "--json"]).run().code(0).json_lines().pop().unwrap()["kept"];
    assert_eq!((&kept["uploads"], &kept["upload_bytes"]), (&1.into(), &(3 << 20).into()));
    assert!(next(&planted, &["-n", "--keep-uploads"]).is_empty());
}

#[test]
fn a_collection_that_may_not_write_fails_and_says_who_may() {
    let planted = Planted::new();
    planted.tagged_image("lib", "v1", "an image");
    planted.layer("lib", "garbage");
    planted.layer("lib", "more garbage");
    for entry in walkdir::WalkDir::new(planted.root()).into_iter().map(Result::unwrap) {
        let mode = if entry.file_type().is_dir() { 0o555 } else { 0o444 };
        fs::set_permissions(entry.path(), PermissionsExt::from_mode(mode)).unwrap();
    }
    let before = snapshot(&planted.v2());
    let run = planted.regtree(["gc"]).with(NOW).unprivileged().run().code(1);
    assert!(snapshot(&planted.v2()) == before);
    assert!(run.out().starts_with("removed 0 bytes\n") && run.out().contains(&kept(&planted)[..12]), "{}", run.out());
    let run = run.says(["error: cannot remove ", "Permission denied"]);
    assert!(!run.err().contains("warning"), "one reason is enough: {}", run.err());
    if rustix::process::geteuid().is_root() {
        run.says(["hint: run it as the owner of the tree (uid 0)"]);
    }
    let json = planted.regtree(["gc", "--json"]).with(NOW).unprivileged().run().code(1);
    assert_eq!(json.json_lines().pop().unwrap()["kept"]["layer_links"], 4);
    for entry in walkdir::WalkDir::new(planted.root()).into_iter().map(Result::unwrap) {
        fs::set_permissions(entry.path(), PermissionsExt::from_mode(0o755)).unwrap();
    }
}

#[test]
fn who_has_the_tree_open_is_told_before_young_things_go() {
    let planted = Planted::new();
    planted.tagged_image("lib", "v1", "an image");
    let garbage = planted.layer("lib", "garbage");
    let held = fs::File::open(planted.v2().join("repositories")).unwrap();
    let warning = "has the tree open: a push that finds a layer";
    let silent = |words: &[&str]| !planted.regtree(["gc"]).with(words).ok().err().contains(warning);
    assert!(silent(&[]) && silent(&["--min-age", "0", "-n"]), "nothing goes");
    planted.regtree(["gc", "--min-age", "0"]).ok().says([warning, &format!("(process {})", std::process::id())]);
    assert!(!planted.has(&garbage) && silent(&["--min-age", "0"]), "nothing is left to go");
    drop(held);
}

#[test]
fn a_quarantine_on_a_full_disk_fails_and_is_advised_against() {
    let mounted = Mounted::tree("size=1m");
    let call = |words: &[&str]| mounted.regtree(["gc", "--min-age", "0", "--allow-rootless"]).with(words);
    let digest = mounted.put();
    mounted.regtree(["repo", "delete", "lib/app"]).ok();
    mounted.regtree(["blob", "put", "lib/web"]).stdin("content of another").ok();
    fs::write(mounted.root.join("filler"), vec![0; 2 << 20]).unwrap_err();
    let v2 = mounted.root.join("docker/registry/v2");
    let before = snapshot(&v2);
    let run = call(&["--quarantine"]).run().code(1);
    run.says([
        "error: ",
        NO_SPACE,
        "hint: the quarantine needs space, and frees none before a purge",
        "with --no-quarantine",
    ]);
    let deletion = mounted.regtree(["repo", "delete", "lib/web", "--quarantine"]).run().code(1);
    deletion.says([NO_SPACE, "hint: the quarantine needs space, and frees none before a purge"]);
    assert!(snapshot(&v2) == before);
    call(&[]).run().code(0);
    let hex = digest.split_once(':').unwrap().1.to_owned();
    assert!(!snapshot(&v2).keys().any(|path| path.to_string_lossy().contains(&hex)));
}
