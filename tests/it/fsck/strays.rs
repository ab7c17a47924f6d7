//! What lies where no registry looks: beside the areas, and in the directories of blobs.

use std::fs;
use std::os::unix::fs::symlink;

use super::{fsck, place, text};
use crate::support::planted::{Planted, blob_path};
use crate::support::{Scratch, snapshot};

/// A tree with copies that somebody left beside the areas.
fn with_copies() -> Planted {
    let planted = Planted::new();
    planted.tagged_image("team/app", "v1", "one");
    planted.plant("blobs.old/sha256/ab/data", vec![b'x'; 100_000]);
    planted.plant("repositories.bak/team/app/note", "x");
    planted.plant("README", "mine");
    symlink(planted.root(), planted.at("link")).unwrap();
    planted.age(24 * 30);
    planted
}

#[test]
fn what_is_beside_the_areas_is_reported_and_never_removed() {
    let planted = with_copies();
    let checked = fsck(&planted, &[]).code(0);
    let strays = checked.of_severity("warning");
    let found: Vec<_> = strays.iter().map(|finding| (text(&finding["code"]), place(finding))).collect();
    let expected =
        ["README", "blobs.old", "repositories.bak"].map(|name| ("file-unexpected".to_owned(), name.to_owned()));
    assert_eq!(found[..3], expected);
    assert_eq!(found[3..], [("symlink".to_owned(), "link".to_owned())]);
    fsck(&planted, &["--strict"]).code(3);
    // They are nobody's of the repositories that were asked for.
    assert_eq!(fsck(&planted, &["--repository", "team/app"]).code(0).codes(), [""; 0]);
    let strays = |planted: &Planted| -> Vec<_> {
        let all = snapshot(&planted.v2()).into_iter();
        all.filter(|(path, _)| !path.starts_with("blobs") && !path.starts_with("repositories")).collect()
    };
    let before = strays(&planted);
    assert!(before.len() > 8, "{before:?}");
    for words in [
        &["gc", "--min-age", "0", "--delete-untagged"][..],
        &["repair", "--all-safe"],
        &["repo", "delete", "team/app", "--force"],
        &["gc", "--min-age", "0", "--allow-rootless"],
    ] {
        planted.run(words);
        assert_eq!(strays(&planted), before, "{words:?}");
    }
}

#[test]
fn du_has_a_line_of_its_own_for_what_is_beside_the_areas() {
    let planted = with_copies();
    let usage = |words: &[&str]| planted.regtree(["du", "--apparent"]).with(words).ok();
    let before = usage(&["--json"]).json()["tree"].clone();
    assert!(before["strays"].as_u64().unwrap() > 100_000, "{before}");
    assert!(usage(&[]).out().contains("  strays "), "{}", usage(&[]).out());
    for name in ["blobs.old", "repositories.bak", "README"] {
        planted.remove(name);
    }
    fs::remove_file(planted.at("link")).unwrap();
    let after = usage(&["--json"]).json()["tree"].clone();
    assert_eq!(after["strays"], 0);
    assert!(!usage(&[]).out().contains("strays"), "{}", usage(&[]).out());
    for line in ["unique", "shared", "untagged", "garbage", "uploads"] {
        assert_eq!(before[line], after[line], "{line}");
    }
}

#[test]
fn strangers_in_a_blob_s_directory_are_reported() {
    let planted = Planted::new();
    let image = planted.tagged_image("team/app", "v1", "one");
    let data = planted.at(&blob_path(&image));
    Scratch::plant(&data.with_file_name("data.bak"), "mine");
    let checked = fsck(&planted, &[]).code(0);
    let path = blob_path(&image).replace("/data", "/data.bak");
    assert_eq!(checked.found(), [("file-unexpected".to_owned(), path)].into());
}
