//! Checks what must be true of a tree after any failure or kill.

use std::fs;
use std::path::Path;

use regtree::{Digest, Registry};

use super::Scratch;

/// Expects the tree to keep its promises whatever happened: every link leads to content, all content is right.
#[track_caller]
pub(crate) fn assert_sound(scratch: &Scratch) {
    assert_sound_at(scratch.root());
}

/// The same of the tree at `root`.
#[track_caller]
pub(crate) fn assert_sound_at(root: &Path) {
    let registry = Registry::open(root).unwrap();
    for blob in regtree::blob::blobs(registry.tree()) {
        let (digest, path) = blob.unwrap();
        assert_eq!(Digest::of(&fs::read(registry.tree().locate(&path)).unwrap()), digest, "content under a wrong name");
    }
    for name in registry.repositories().repositories {
        let repository = registry.repository(&name).unwrap();
        for key in repository.keys() {
            let (key, _) = key.unwrap();
            regtree::blob::stat(&repository, key).unwrap_or_else(|error| panic!("a link that lies: {error}"));
        }
    }
}
