//! Lists all content.
//!
//! Only the fan-out directories are read, because opening each blob's own directory is nearly the whole cost of a walk.
//! An entry of a fan-out whose hex digits belong elsewhere, or that is no directory or has no `data` in it, is not
//! content: it is never collected, and left to `fsck`.

use std::collections::HashSet;
use std::os::fd::{AsFd, BorrowedFd};

use rayon::prelude::*;

use super::digests::Digests;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::layout::{self, Area, KeyedDirectory, TreePath};
use crate::stream::Interrupt;
use crate::tree::{EntryKind, Listed, Tree};

pub(super) struct Blobs {
    pub(super) digests: Digests,
    pub(super) empty: Vec<TreePath>,
    /// What can't be read. Content that was not listed is not collected either, so a caller may continue.
    pub(super) unread: Vec<Error>,
    /// Directories that can't be read, and whose names are those of no directory of blobs, such as `lost+found`.
    pub(super) foreign: Vec<Error>,
}

/// Lists all blobs, and counts those in `returning` as present.
pub(super) fn read(tree: &Tree, returning: Vec<Digest>, interrupt: &Interrupt) -> Blobs {
    let (mut canonical, mut others) = (Vec::new(), Vec::new());
    let (mut empty, mut unread, mut foreign) = (Vec::new(), Vec::new(), Vec::new());
    for algorithm in layout::algorithm_directories(&Area::Blobs.path()) {
        let (found, errors) = read_algorithm(tree, &algorithm, interrupt);
        for (is_foreign, error) in errors {
            if is_foreign { &mut foreign } else { &mut unread }.push(error);
        }
        canonical.reserve_exact(found.iter().map(|found| found.canonical.len()).sum());
        for found in found {
            canonical.extend(found.canonical);
            others.extend(found.others);
            empty.extend(found.empty);
        }
    }
    // A returning blob whose directory is still there was listed already.
    let known: HashSet<Digest> = others.iter().copied().collect();
    for digest in returning {
        empty.retain(|fan_out| layout::blob_directory(&digest).parent().as_ref() != Some(fan_out));
        match digest.sha256() {
            Some(hash) => canonical.push(hash),
            None if known.contains(&digest) => {}
            None => others.push(digest),
        }
    }
    Blobs { digests: Digests::of_blobs(canonical, others), empty, unread, foreign }
}

#[derive(Default)]
struct FanOut {
    canonical: Vec<[u8; 32]>,
    others: Vec<Digest>,
    /// The fan-out itself, if it is empty.
    empty: Option<TreePath>,
}

/// What is in the fan-outs of an algorithm, and what can't be read, each with whether it is no fan-out by its name.
fn read_algorithm(tree: &Tree, algorithm: &KeyedDirectory, interrupt: &Interrupt) -> (Vec<FanOut>, Vec<(bool, Error)>) {
    let handle = match tree.open_directory(&algorithm.path) {
        Ok(Some(handle)) => handle,
        Ok(None) => return (Vec::new(), Vec::new()),
        Err(error) => return (Vec::new(), vec![(false, error)]),
    };
    let listed = match tree.list(&algorithm.path) {
        Ok(listed) => listed.unwrap_or_default(),
        Err(error) => return (Vec::new(), vec![(false, error)]),
    };
    let mut fan_outs: Vec<Listed> = listed.into_iter().filter(|entry| entry.kind == EntryKind::Directory).collect();
    // Each piece is sorted in parallel, and the pieces are in order, so the whole is sorted.
    fan_outs.sort_unstable();
    let read: Vec<Result<FanOut, (bool, Error)>> = fan_outs
        .par_iter()
        .map(|entry| match entry.text() {
            Some(name) if interrupt.signal().is_none() => {
                read_fan_out(tree, algorithm, handle.as_fd(), name).map_err(|error| (!layout::is_fan_out(name), error))
            }
            _ => Ok(FanOut::default()),
        })
        .collect();
    let (mut found, mut damage) = (Vec::with_capacity(read.len()), Vec::new());
    for result in read {
        match result {
            Ok(digests) => found.push(digests),
            Err(error) => damage.push(error),
        }
    }
    (found, damage)
}

fn read_fan_out(tree: &Tree, algorithm: &KeyedDirectory, parent: BorrowedFd<'_>, name: &str) -> Result<FanOut> {
    let Some(path) = algorithm.path.child(name) else { return Ok(FanOut::default()) };
    let listed = tree.list_in(parent, &path)?.unwrap_or_default();
    if listed.is_empty() {
        return Ok(FanOut { empty: Some(path), ..FanOut::default() });
    }
    let blobs = listed.iter().filter(|entry| entry.kind == EntryKind::Directory).filter_map(Listed::text);
    let placed = blobs.filter(|hex| hex.get(..2) == Some(name));
    let mut found = FanOut::default();
    for digest in placed.filter_map(|hex| algorithm.digest(hex)) {
        match digest.sha256() {
            Some(hash) => found.canonical.push(hash),
            None => found.others.push(digest),
        }
    }
    found.canonical.shrink_to_fit();
    found.canonical.sort_unstable();
    Ok(found)
}
