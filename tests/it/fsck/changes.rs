//! `fsck` finds every changed byte and every removed file, unless no reader could notice.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Checked, fsck, place};
use crate::support::Scratch;
use crate::support::vectors::tree;

/// So many flips and deletions a tree; every blob's first and last byte are among the flips.
const VERSIONS: [&str; 2] = ["2.4.1", "main"];

fn files(scratch: &Scratch, below: &str) -> Vec<PathBuf> {
    let entries = walkdir::WalkDir::new(scratch.v2().join(below)).sort_by_file_name().into_iter().map(Result::unwrap);
    entries.filter(|entry| entry.file_type().is_file()).map(|entry| entry.path().to_owned()).collect()
}

fn is_known(checked: &Checked, base: &Checked) -> bool {
    checked.found() == base.found() && checked.run.exit() == base.run.exit()
}

#[test]
fn a_flipped_byte_of_any_blob_is_found() {
    for version in VERSIONS {
        let scratch = tree(version);
        let base = fsck(&scratch, &["--content"]).code(0);
        let mut at = 7_usize;
        for path in files(&scratch, "blobs") {
            let content = fs::read(&path).unwrap();
            // Of nothing no byte can be flipped.
            if content.is_empty() {
                continue;
            }
            at = at.wrapping_mul(6_364_136_223_846_793_005_usize).wrapping_add(1);
            let mut flipped = content.clone();
            flipped[at % content.len()] ^= 1 << (at >> 40 & 7);
            fs::write(&path, flipped).unwrap();
            let found = fsck(&scratch, &["--content"]);
            let name = path.strip_prefix(scratch.v2()).unwrap().to_str().unwrap().to_owned();
            let of_blob = found.findings().filter(|finding| place(finding) == name);
            let codes: Vec<_> = of_blob.map(|finding| finding["code"].clone()).collect();
            assert_eq!(codes, ["blob-corrupt"], "{version} {name}");
            fs::write(&path, content).unwrap();
        }
        assert!(is_known(&fsck(&scratch, &["--content"]), &base), "{version}");
    }
}

/// Why nobody can tell that a file is gone.
fn is_harmless(scratch: &Scratch, path: &Path) -> Option<&'static str> {
    let below = path.strip_prefix(scratch.v2()).unwrap().to_str().unwrap();
    let is_referenced_here = |hex: &str| {
        let name = below.split("/_").next().unwrap().trim_start_matches("repositories/");
        let listed = scratch.run(["manifest", "list", name]).code(0).lines();
        let manifests =
            listed.iter().filter_map(|line| line.split_whitespace().find(|word| word.starts_with("sha256:")));
        manifests.map(str::to_owned).any(|digest| scratch.run(["manifest", "get", name, &digest]).out().contains(hex))
    };
    let parts: Vec<&str> = below.split('/').collect();
    match parts.as_slice() {
        ["blobs", ..] => Some("content that nothing links or needs"),
        [.., "_layers", _, hex, "link"] if !is_referenced_here(hex) => Some("a link that no manifest needs"),
        [.., "index", _, _, "link"] => Some("an entry of a tag's history: only what it once pointed to is lost"),
        [.., "signatures", _, _, "link"] => Some("one of several signatures; a registry from 2.5 on makes its own"),
        [.., "revisions", _, _, "link"] => Some("an untagged manifest, as deleting it leaves it"),
        [.., "_uploads", _, "data"] => Some("an upload of which nothing was received"),
        [.., "hashstates", _, _] => Some("a hash state: whoever resumes reads the data instead"),
        _ => None,
    }
}

#[test]
fn a_file_that_is_gone_is_found_or_nobody_needs_it() {
    for version in VERSIONS {
        let scratch = tree(version);
        let base = fsck(&scratch, &["--content"]).code(0);
        let mut found_count = 0;
        for path in files(&scratch, "") {
            let content = fs::read(&path).unwrap();
            fs::remove_file(&path).unwrap();
            // What goes at this moment may be in the making, and is looked at for longer.
            Scratch::set_time(path.parent().unwrap(), std::time::UNIX_EPOCH);
            let found = fsck(&scratch, &["--content"]);
            // That a directory is empty says that something was there, and no more.
            let errors = found.findings().any(|finding| finding["severity"] != "info");
            if errors {
                found_count += 1;
            } else {
                let why = is_harmless(&scratch, &path);
                assert!(why.is_some(), "{version} {}: {:?}", path.display(), found.codes());
                assert_eq!(found.broken(), base.broken(), "{version} {}", path.display());
            }
            fs::write(&path, content).unwrap();
        }
        assert!(found_count > 40, "{version}: {found_count}");
    }
}
