//! Blobs that are needed again.

use std::fs;
use std::time::Duration;

use regtree::lock::{Holder, Mode};
use regtree::quarantine::{self, Item};
use regtree::stream::Interrupt;
use regtree::{Digest, Registry};

use super::{NOW, REPOSITORY, directory, take_at};
use crate::support::Scratch;

#[test]
fn the_newest_blob_that_is_whole_goes_back() {
    let scratch = Scratch::new();
    let digest = scratch.put(REPOSITORY, b"content");
    let other = scratch.put(REPOSITORY, b"other");
    let whole = take_at(scratch.root(), "2026-01-01T00:00:00Z", "gc", [digest, other].map(|it| Item::blob(it, 7)));
    scratch.put(REPOSITORY, b"content");
    fs::write(scratch.blob(digest), "damaged").unwrap();
    let damaged = take_at(scratch.root(), "2026-01-02T00:00:00Z", "repair", [Item::blob(digest, 7)]);

    let registry = Registry::open(scratch.root()).unwrap();
    let held = quarantine::find(registry.tree()).unwrap();
    assert!(held.damage.is_empty());
    assert_eq!(held.runs(&digest).map(ToString::to_string).collect::<Vec<_>>(), [damaged.clone(), whole.clone()]);
    assert!(held.contains(&other) && !held.contains(&Digest::of(b"absent")));

    let holder = Holder::this_process("test", Mode::Exclusive, NOW.parse().unwrap());
    let writer = registry.writer(&holder, Duration::ZERO).unwrap();
    let wanted = [digest, Digest::of(b"absent")];
    let done = quarantine::restore_blobs(&writer, &held, wanted, &Interrupt::default()).unwrap();
    assert_eq!(done[0].1.as_ref().unwrap().as_ref().map(ToString::to_string), Some(whole.clone()));
    assert!(done[1].1.as_ref().unwrap().is_none());
    assert_eq!(fs::read(scratch.blob(digest)).unwrap(), b"content");
    let done = quarantine::restore_blobs(&writer, &held, [other], &Interrupt::default()).unwrap();
    assert!(done[0].1.as_ref().unwrap().is_some());
    assert!(!directory(&scratch, &whole).exists() && directory(&scratch, &damaged).exists());
}

#[test]
fn a_damaged_blob_does_not_go_back() {
    let scratch = Scratch::new();
    let digest = scratch.put(REPOSITORY, b"content");
    fs::write(scratch.blob(digest), "damaged").unwrap();
    take_at(scratch.root(), NOW, "repair", [Item::blob(digest, 7)]);
    let registry = Registry::open(scratch.root()).unwrap();
    let held = quarantine::find(registry.tree()).unwrap();
    let holder = Holder::this_process("test", Mode::Exclusive, NOW.parse().unwrap());
    let writer = registry.writer(&holder, Duration::ZERO).unwrap();
    let done = quarantine::restore_blobs(&writer, &held, [digest], &Interrupt::default()).unwrap();
    assert!(done[0].1.as_ref().unwrap_err().to_string().contains("its content hashes to"));
    assert!(!scratch.blob(digest).exists());
}
