//! `regtree export` and `regtree import`: images out of a tree and into one.

mod archive;
mod bad_input;
mod copy;
mod dir;
mod docker;
mod export;
mod grants;
mod hostile;
mod import;
mod kill;
mod nested;
mod peers;
mod permissions;
mod platform;
mod property;
mod prune;

mod round_trip;
mod space;
mod tarball;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::Scratch;

/// What is in a directory that is not there yet.
fn layout_in(scratch: &Scratch) -> std::path::PathBuf {
    scratch.root().join("layout")
}

/// The index of a layout.
fn index(layout: &Path) -> Value {
    serde_json::from_slice(&fs::read(layout.join("index.json")).unwrap()).unwrap()
}

/// The names that a layout gives its images, and their digests.
fn names(layout: &Path) -> BTreeMap<String, String> {
    let index = index(layout);
    let entries = index["manifests"].as_array().unwrap().iter();
    let named = entries.map(|entry| {
        let name = entry["annotations"]["org.opencontainers.image.ref.name"].as_str().unwrap_or("-").to_owned();
        (name, entry["digest"].as_str().unwrap().to_owned())
    });
    named.collect()
}

/// The tags of a tree's repository and what they point to.
fn tags(scratch: &Scratch, repository: &str) -> BTreeMap<String, String> {
    let listed = scratch.regtree(["tag", "list", repository, "--long", "--json"]).ok().json_lines();
    let text = |tag: &Value, key: &str| tag[key].as_str().unwrap().to_owned();
    listed.iter().map(|tag| (text(tag, "tag"), text(tag, "digest"))).collect()
}
