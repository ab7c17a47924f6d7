//! `manifest verify` where a directory can't be read: it is reported, and never taken for an empty one.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, lchown};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::planted::{Planted, blob_path, revision_path};
use crate::support::vectors::tree;
use crate::support::{Run, Scratch};

/// Gives the tree to the unprivileged user, and verifies as that user while `path` may not be read.
fn verify_without(scratch: &Scratch, path: &Path, words: &[&str]) -> Run {
    if rustix::process::geteuid().is_root() {
        for entry in walkdir::WalkDir::new(scratch.root()) {
            lchown(entry.unwrap().path(), Some(65534), Some(65534)).unwrap();
        }
    }
    let before = fs::symlink_metadata(path).unwrap().permissions();
    fs::set_permissions(path, Permissions::from_mode(0o000)).unwrap();
    let run = scratch.regtree(["manifest", "verify"]).with(words).with(["--json"]).unprivileged().run();
    fs::set_permissions(path, before).unwrap();
    run
}

/// The code of each finding, and the path of each finding and each damage.
fn told(scratch: &Scratch, run: &Run) -> (Vec<String>, Vec<PathBuf>) {
    let events = run.json_lines();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let codes = events.iter().filter(|event| event["type"] == "finding").filter_map(|event| text(&event["code"]));
    let paths = events.iter().filter_map(|event| text(&event["path"]).or_else(|| text(&event["detail"]["path"])));
    (codes.collect(), paths.map(|path| scratch.root().join(path)).collect())
}

#[test]
fn signatures_that_can_t_be_listed_are_reported() {
    let scratch = tree("2.0.0");
    let entries = walkdir::WalkDir::new(scratch.repository("lib/app")).into_iter().map(Result::unwrap);
    let is_linked = |path: &PathBuf| path.ends_with("signatures/sha256") && path.join("../../link").exists();
    let signatures = entries.map(walkdir::DirEntry::into_path).find(is_linked).unwrap();
    let manifest = signatures.ancestors().nth(2).unwrap().file_name().unwrap().to_str().unwrap();
    let run = verify_without(&scratch, &signatures, &["lib/app", &format!("sha256:{manifest}")]).code(3);
    let (codes, paths) = told(&scratch, &run);
    // Whichever manifest was found first: of one with tarsums that is said too.
    let mut found: Vec<_> = codes.into_iter().zip(paths).collect();
    found.retain(|(code, _)| code != "reference-by-alias");
    assert_eq!(found, [("unreadable".to_owned(), signatures)]);
}

#[test]
fn a_child_is_not_called_dangling_while_its_index_can_t_be_seen() {
    let planted = Planted::new();
    let child = planted.image("lib", "a child");
    let index = planted.index("lib", &[&child]);
    planted.remove(&blob_path(&child));
    let hidden = planted.at(&revision_path("lib", &index));
    let run = verify_without(&planted.scratch, &hidden, &["lib", &child]).code(5);
    let (codes, paths) = told(&planted, &run);
    assert_eq!(codes, ["manifest-missing"]);
    assert!(paths.iter().any(|path| path.starts_with(&hidden)), "{paths:?}");
    let (codes, _) = told(&planted, &verify_without(&planted.scratch, &hidden, &["lib", "--all"]).code(5));
    assert_eq!(codes, ["manifest-missing"]);
}

#[test]
fn a_manifest_is_not_called_dangling_while_the_tags_can_t_be_seen() {
    let planted = Planted::new();
    let image = planted.tagged_image("lib", "v1", "an image");
    planted.remove(&blob_path(&image));
    let tags = planted.at("repositories/lib/_manifests/tags");
    let run = verify_without(&planted.scratch, &tags, &["lib", &image]).code(5);
    assert_eq!(told(&planted, &run), (vec!["manifest-missing".to_owned()], vec![planted.at(&blob_path(&image)), tags]));
}
