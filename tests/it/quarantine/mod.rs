//! The quarantine: filled by collections, and through the library as repairs do; put back and purged by the command.

mod bad_input;
mod collection;
mod deletions;
mod disks;
mod forged;
mod kill;
mod needed;
mod restore;
mod served;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use regtree::quarantine::{Item, ItemKind, Run};
use regtree::{Digest, Registry, TreePath};

use crate::support::{Scratch, snapshot};

const REPOSITORY: &str = "lib/app";
const NOW: &str = "2026-11-21T12:30:00Z";

/// Moves things to the quarantine, and returns what the run is called.
fn take(root: &Path, items: impl IntoIterator<Item = Item>) -> String {
    take_at(root, NOW, "gc", items)
}

fn take_at(root: &Path, now: &str, kind: &str, items: impl IntoIterator<Item = Item>) -> String {
    let registry = Registry::open(root).unwrap();
    let now = now.parse().unwrap();
    let writer = registry.exclusive_writer("test", now, Duration::ZERO).unwrap();
    let mut run = Run::begin(&writer, kind, now).unwrap();
    for noted in run.note(items).unwrap() {
        assert!(run.take(&noted).unwrap());
    }
    let id = run.id().to_string();
    assert!(run.finish().unwrap());
    drop(writer);
    // Processes that other tests start hold our lock too, until they run what they are to.
    let free = Command::new("flock").arg(registry.tree().path()).arg("true").status().unwrap();
    assert!(free.success());
    id
}

fn item(kind: ItemKind, path: &str) -> Item {
    Item::new(kind, TreePath::parse(path).unwrap())
}

/// A blob of so many bytes.
fn blob(digest: Digest, size: u64) -> Item {
    let hex = digest.hex();
    item(ItemKind::Blob, &format!("blobs/sha256/{}/{}", &hex[..2], &*hex)).digest(digest).size(size)
}

/// Something of `lib/app`.
fn in_repository(kind: ItemKind, path: &str) -> Item {
    item(kind, &format!("repositories/{REPOSITORY}/{path}")).repository(REPOSITORY)
}

/// The link to a blob in `lib/app`.
fn layer_link(digest: Digest) -> Item {
    in_repository(ItemKind::LayerLink, &format!("_layers/sha256/{}", &*digest.hex())).digest(digest)
}

/// The link to a blob, and the blob.
fn blob_and_link(digest: Digest) -> [Item; 2] {
    [layer_link(digest), blob(digest, 7)]
}

/// Everything in the tree, with the times of files.
fn tree(root: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = snapshot(root);
    found.retain(|path, _| !path.starts_with(".regtree"));
    for (path, text) in &mut found {
        let metadata = fs::symlink_metadata(root.join(path)).unwrap();
        if metadata.is_file() {
            *text = format!("{text} {}.{:09}", metadata.mtime(), metadata.mtime_nsec());
        }
    }
    found
}

/// The directory of a run.
fn directory(scratch: &Scratch, run: &str) -> PathBuf {
    scratch.root().join(".regtree/quarantine").join(run)
}

/// What lies in a run.
fn things(scratch: &Scratch, run: &str) -> Vec<PathBuf> {
    fs::read_dir(directory(scratch, run).join("things")).unwrap().map(|entry| entry.unwrap().path()).collect()
}
