//! `repair` keeps the links of layers whose manifest can't be followed: without them, no source could repair the tree.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use regtree::Digest;

use super::{errors, repair};
use crate::support::{Pushed, Scratch};

/// A tree of many images, so that little of it is missing.
fn many() -> Scratch {
    let scratch = Scratch::new();
    for number in 0..12 {
        scratch.image(&format!("lib/{number}"), &format!("image {number}")).tag("latest");
    }
    scratch
}

fn revisions(scratch: &Scratch) -> PathBuf {
    scratch.repository("lib/app").join("_manifests/revisions/sha256")
}

type Hide = fn(&Scratch, &Pushed);

/// Ways to hide what the manifest of an image needs.
const HIDING: [(&str, Hide); 6] = [
    ("missing", |scratch, image| fs::remove_file(scratch.blob(image.digest)).unwrap()),
    ("corrupt", |scratch, image| {
        let mut bytes = image.bytes.clone();
        bytes[0] ^= 1;
        fs::write(scratch.blob(image.digest), bytes).unwrap();
    }),
    ("its place is a directory", |scratch, image| {
        fs::remove_file(scratch.blob(image.digest)).unwrap();
        fs::create_dir(scratch.blob(image.digest)).unwrap();
    }),
    ("its link's directory is a symbolic link", |scratch, image| {
        let directory = revisions(scratch).join(&*image.digest.hex());
        let aside = scratch.root().join("aside");
        fs::rename(&directory, &aside).unwrap();
        symlink(aside, directory).unwrap();
    }),
    ("all manifests are behind a symbolic link", |scratch, _| {
        let aside = scratch.root().join("aside");
        fs::rename(revisions(scratch), &aside).unwrap();
        symlink(aside, revisions(scratch)).unwrap();
    }),
    ("its link is gone", |scratch, image| {
        fs::remove_dir_all(revisions(scratch).join(&*image.digest.hex())).unwrap();
    }),
];

#[test]
fn a_layer_link_stays_while_a_manifest_that_may_need_it_cannot_be_followed() {
    for (name, hide) in HIDING {
        let scratch = many();
        let image = scratch.image("lib/app", "image").tag("latest");
        hide(&scratch, &image);
        scratch.lose(image.layer);
        for words in [&["--all-safe"][..], &["--only", "layer-link-dangling"]] {
            let done = repair(&scratch, words);
            let gone: Vec<String> = done.actions().into_iter().filter(|action| action.contains("remove")).collect();
            assert_eq!(gone, [""; 0], "{name}");
        }
        assert!(scratch.link("lib/app", image.layer).exists(), "{name}");
    }
}

#[test]
fn what_a_manifest_of_unknown_kind_names_is_needed() {
    let scratch = many();
    let [named, other] = [b"named".as_slice(), b"other"].map(|content| scratch.put("lib/app", content));
    let manifest = format!(r#"{{"schemaVersion":2,"mediaType":"application/x-unknown","things":["{named}"]}}"#);
    let digest = Digest::of(manifest.as_bytes());
    Scratch::plant(&scratch.blob(digest), &manifest);
    Scratch::plant(&revisions(&scratch).join(&*digest.hex()).join("link"), digest.to_string());
    fs::create_dir_all(scratch.repository("lib/app").join("_manifests/tags")).unwrap();
    for digest in [named, other] {
        fs::remove_file(scratch.blob(digest)).unwrap();
    }
    let done = repair(&scratch, &["--all-safe"]);
    assert_eq!(done.actions().len(), 1, "{:?}", done.actions());
    assert!(scratch.link("lib/app", named).exists() && !scratch.link("lib/app", other).exists());
}

#[test]
fn a_source_makes_whole_what_lacks_both_a_manifest_and_its_layer() {
    for (name, hide) in &HIDING[..2] {
        for words in [["--all-safe"].as_slice(), &["--only", "manifest-missing,blob-corrupt,blob-missing"]] {
            let scratch = many();
            let image = scratch.image("lib/app", "image").tag("latest");
            let source = tempfile::tempdir().unwrap();
            fs::write(source.path().join("manifest"), &image.bytes).unwrap();
            fs::write(source.path().join("layer"), "layer image").unwrap();
            hide(&scratch, &image);
            scratch.lose(image.layer);
            let done = repair(&scratch, &[words, &["--from", source.path().to_str().unwrap()]].concat()).code(0);
            assert_eq!(done.summary()["repairs"]["refill-blob"], 2, "{name} {words:?}");
            assert_eq!(errors(&scratch), [""; 0], "{name} {words:?}");
        }
    }
}
