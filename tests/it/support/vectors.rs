//! Trees that real registries wrote, and what is true of them.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Scratch;

/// When all trees had been made, and no upload in them was stale that was not made so.
pub(crate) const TIME: &str = "2026-11-25T00:00:00Z";

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors")
}

/// The versions that there are trees of.
pub(crate) fn versions() -> Vec<String> {
    let entries = fs::read_dir(directory().join("trees")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut versions: Vec<String> = names.filter_map(|name| name.strip_suffix(".json").map(str::to_owned)).collect();
    versions.sort();
    assert_eq!(versions.len(), 14, "{versions:?}");
    versions
}

/// What is true of a version's tree.
pub(crate) fn truth(version: &str) -> Value {
    serde_json::from_slice(&fs::read(directory().join(format!("trees/{version}.json"))).unwrap()).unwrap()
}

/// A version's tree, unpacked.
pub(crate) fn tree(version: &str) -> Scratch {
    unpack(&directory().join(format!("trees/{version}.tar.gz")))
}

/// A damaged tree, unpacked.
pub(crate) fn damaged(name: &str) -> Scratch {
    unpack(&directory().join(format!("damaged/{name}.tar.gz")))
}

/// What the damaged trees are called.
pub(crate) fn damaged_trees() -> Vec<String> {
    damages().iter().map(|damage| damage["name"].as_str().unwrap().to_owned()).collect()
}

/// What is damaged in a tree.
pub(crate) fn damage(name: &str) -> Value {
    damages().into_iter().find(|damage| damage["name"] == name).unwrap()
}

fn damages() -> Vec<Value> {
    let index = fs::read(directory().join("damaged/index.json")).unwrap();
    let index: Value = serde_json::from_slice(&index).unwrap();
    index["trees"].as_array().unwrap().clone()
}

fn unpack(archive: &Path) -> Scratch {
    let scratch = Scratch::bare();
    let file = fs::File::open(archive).unwrap_or_else(|error| panic!("{}: {error}", archive.display()));
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
    archive.set_preserve_mtime(true);
    archive.unpack(scratch.root()).unwrap();
    scratch
}
