//! What a source has that is wrong, and what is no source.

use std::fs;
use std::os::unix::fs::symlink;

use super::{errors, repair, tree};
use crate::support::vectors::{self, damaged};

const LAYER_MISSING: &str = "layer-missing";

/// Which content the tree lacks.
fn missing(scratch: &crate::support::Scratch) -> regtree::Digest {
    let events = scratch.run(["fsck", "--json"]).json_lines();
    let finding = events.iter().find(|event| event["code"] == "blob-missing").unwrap();
    finding["digest"].as_str().unwrap().parse().unwrap()
}

#[test]
fn wrong_content_does_not_enter() {
    let scratch = damaged(LAYER_MISSING);
    let digest = missing(&scratch);
    let (layout, files) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::create_dir_all(layout.path().join("blobs/sha256")).unwrap();
    fs::write(layout.path().join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    fs::write(layout.path().join("blobs/sha256").join(&*digest.hex()), "wrong").unwrap();
    fs::write(files.path().join(&*digest.hex()), "wrong").unwrap();
    let other = vectors::tree("2.8.3");
    fs::write(other.blob(digest), "wrong").unwrap();
    let before = tree(&scratch);
    for from in [layout.path(), files.path(), other.root()] {
        let done = repair(&scratch, &["--only", "blob-missing", "--from", from.to_str().unwrap()]).code(3);
        assert_eq!(done.actions(), [""; 0]);
        let told =
            done.of_type("damage").iter().any(|event| event["message"].as_str().unwrap().contains("is not taken"));
        assert!(told, "{}: {:?}", from.display(), done.events);
        assert_eq!(done.of_type("left").len(), 1);
        assert!(before == tree(&scratch));
    }
    // What it has beside may be right.
    let right = vectors::tree("2.8.3");
    fs::copy(right.blob(digest), files.path().join("another name")).unwrap();
    let from = files.path().to_str().unwrap();
    let done = repair(&scratch, &["--only", "blob-missing", "--from", from]).code(0);
    assert_eq!(done.actions().len(), 1);
    assert_eq!(errors(&scratch), [""; 0]);
}

#[test]
fn a_file_of_a_trees_form_is_not_reached_by_a_symbolic_link_of_a_directory() {
    let scratch = damaged(LAYER_MISSING);
    let digest = missing(&scratch);
    let (hidden, files) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::copy(vectors::tree("2.8.3").blob(digest), hidden.path().join("layer")).unwrap();
    symlink(hidden.path(), files.path().join("link")).unwrap();
    let from = files.path().to_str().unwrap();
    repair(&scratch, &["--only", "blob-missing", "--from", from]).code(3);
    let from = files.path().join("link");
    repair(&scratch, &["--only", "blob-missing", "--from", from.to_str().unwrap()]).code(0);
    assert_eq!(errors(&scratch), [""; 0]);
}

#[test]
fn what_is_no_source_is_told_before_anything_is_done() {
    let scratch = damaged("layer-link-empty");
    let before = tree(&scratch);
    let run = scratch.run(["repair", "--all-safe", "--from", "/nonexistent/source"]);
    run.code(1).says(["/nonexistent/source"]);
    assert!(before == tree(&scratch));
}
