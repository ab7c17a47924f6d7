//! Looking at some repositories only.

use std::fs;
use std::os::unix::fs::{PermissionsExt, lchown};
use std::path::Path;

use super::{Checked, checked, fsck};
use crate::support::{Pushed, Scratch};

/// A tree that is the unprivileged user's.
fn owned() -> (Scratch, Pushed) {
    let scratch = Scratch::new();
    let image = scratch.image("ns/app", "one").tag("latest");
    scratch.image("other/app", "two").tag("latest");
    if rustix::process::geteuid().is_root() {
        for entry in walkdir::WalkDir::new(scratch.root()) {
            lchown(entry.unwrap().path(), Some(65534), Some(65534)).unwrap();
        }
    }
    (scratch, image)
}

/// What an unprivileged user finds while `path` may not be read.
fn without(scratch: &Scratch, path: &Path, pattern: &str) -> Checked {
    let before = fs::metadata(path).unwrap().permissions();
    fs::set_permissions(path, PermissionsExt::from_mode(0o000)).unwrap();
    let found = checked(scratch.regtree(["fsck", "--json", "--repository", pattern]).unprivileged());
    fs::set_permissions(path, before).unwrap();
    found
}

#[test]
fn what_may_hide_a_repository_that_matches_is_told() {
    let (scratch, _) = owned();
    let above = scratch.v2().join("repositories/ns");
    for pattern in ["ns/*", "ns/app", "**", "{ns,x}/app"] {
        assert_eq!(without(&scratch, &above, pattern).code(3).codes(), ["permissions"], "{pattern}");
    }
    assert!(without(&scratch, &above, "other/*").code(0).codes().is_empty());
}

#[test]
fn a_fan_out_that_can_t_be_read_hits_the_images_that_need_what_is_in_it() {
    let (scratch, image) = owned();
    let fan_out = scratch.blob(image.layer).ancestors().nth(2).unwrap().to_owned();
    for pattern in ["ns/*", "**"] {
        let found = without(&scratch, &fan_out, pattern).code(3);
        assert_eq!(found.codes(), ["permissions"], "{pattern}");
        assert_eq!(found.broken().into_iter().next().as_deref(), Some("ns/app:latest"));
    }
    // Of others it is not told.
    scratch.image("ns/none", "three");
    fs::remove_dir_all(scratch.repository("ns/none").join("_manifests")).unwrap();
    assert!(!without(&scratch, &fan_out, "ns/none").codes().contains(&"permissions".to_owned()));
}

#[test]
fn a_pattern_that_matches_nothing_is_an_error_that_names_it() {
    let (scratch, _) = owned();
    for words in [&["--repository", "ns*"][..], &["--repository", "ns/*", "--repository", "ns*"]] {
        let run = scratch.regtree(["fsck"]).with(words).run().code(4);
        run.silent().says(["ns*", "does not match a slash"]);
    }
    assert_eq!(scratch.run(["fsck", "--json", "--repository", "app"]).code(4).json_error()["detail"]["pattern"], "app");
}

#[test]
fn several_patterns_are_looked_at_all_of_them() {
    let (scratch, _) = owned();
    let found = fsck(&scratch, &["--repository", "ns/*", "--repository", "{other,x}/app"]).code(0);
    assert_eq!(found.summary()["checked"]["repositories"], 2);
}
