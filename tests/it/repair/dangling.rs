//! Dangling links: they are removed if their code is named, and kept if a source has their content.

use std::fs;

use super::{errors, repair, tree};
use crate::support::{Pushed, Scratch};

/// A tree of a few images, and one whose manifest is gone from the disk.
fn without_a_manifest() -> (Scratch, Pushed) {
    let scratch = Scratch::new();
    for number in 0..4 {
        scratch.image("lib/app", &format!("image {number}")).tag(&format!("v{number}"));
    }
    let image = scratch.image("lib/app", "untagged");
    scratch.lose(image.digest);
    (scratch, image)
}

#[test]
fn a_manifest_without_content_goes_when_it_is_named() {
    let (scratch, image) = without_a_manifest();
    let before = tree(&scratch);
    assert_eq!(repair(&scratch, &["--all-safe"]).code(0).actions(), [""; 0]);
    let done = repair(&scratch, &["--only", "revision-dangling"]).code(0);
    let directory = format!("repositories/lib/app/_manifests/revisions/sha256/{}", image.digest.hex());
    assert_eq!(done.actions(), [format!("quarantine-link revision-dangling {directory}")]);
    assert!(!scratch.v2().join(directory).exists());
    scratch.run(["fsck", "--strict"]).code(0);
    scratch.run(["quarantine", "restore", done.quarantine().unwrap()]).code(0);
    assert!(before == tree(&scratch));
}

#[test]
fn a_manifest_without_content_gets_it_where_it_can_be_had() {
    let (scratch, image) = without_a_manifest();
    let source = tempfile::tempdir().unwrap();
    fs::write(source.path().join("manifest.json"), &image.bytes).unwrap();
    let from = source.path().to_str().unwrap();
    for words in [["--all-safe", "--from", from, "-n"].as_slice(), &["--only", "revision-dangling", "--from", from]] {
        let done = repair(&scratch, words).code(0);
        assert!(done.actions().len() == 1 && done.actions()[0].starts_with("refill-blob"), "{:?}", done.actions());
    }
    scratch.run(["manifest", "get", "lib/app", &image.digest.to_string()]).code(0);
    scratch.run(["fsck", "--strict", "--content"]).code(0);
}

#[test]
fn history_of_a_tag_that_leads_nowhere_goes_when_it_is_named() {
    let scratch = Scratch::new();
    let old = scratch.image("lib/app", "old").tag("latest");
    scratch.image("lib/app", "new").tag("latest");
    let revision = scratch.repository("lib/app").join("_manifests/revisions/sha256").join(&*old.digest.hex());
    fs::remove_dir_all(revision).unwrap();
    let before = tree(&scratch);
    let done = repair(&scratch, &["--only", "tag-index-dangling"]).code(0);
    assert_eq!(done.actions().len(), 1);
    let again = repair(&scratch, &["--only", "tag-index-dangling"]).code(0);
    assert_eq!((again.actions(), errors(&scratch)), (vec![], vec![]));
    scratch.run(["quarantine", "restore", done.quarantine().unwrap()]).code(0);
    assert!(before == tree(&scratch));
}

#[test]
fn a_link_whose_content_is_wrong_too_is_not_rewritten_to_it() {
    let scratch = Scratch::new();
    let image = scratch.image("lib/app", "image").tag("latest");
    let link = scratch.link("lib/app", image.layer);
    fs::write(&link, "").unwrap();
    fs::write(scratch.blob(image.layer), "laxer image").unwrap();
    let done = repair(&scratch, &["--only", "link-empty"]).code(3);
    assert_eq!((done.actions(), done.of_type("left").len()), (vec![], 1));
    assert_eq!(fs::read(&link).unwrap(), b"");
    // What is no link at all is not written down in a journal.
    fs::write(scratch.blob(image.layer), "layer image").unwrap();
    fs::write(&link, vec![0; 100_000]).unwrap();
    let done = repair(&scratch, &["--only", "link-malformed"]).code(3);
    assert_eq!((done.actions(), done.of_type("damage").len()), (vec![], 1));
    assert_eq!(fs::read(&link).unwrap().len(), 100_000);
}
