//! Trees that real registries wrote, and what is true of them.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Scratch;

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

fn unpack(archive: &Path) -> Scratch {
    let scratch = Scratch::bare();
    let file = fs::File::open(archive).unwrap_or_else(|error| panic!("{}: {error}", archive.display()));
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
    archive.set_preserve_mtime(true);
    archive.unpack(scratch.root()).unwrap();
    scratch
}
