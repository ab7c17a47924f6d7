//! The names of all content.
//!
//! They are read from the fan-out directories alone: opening each blob's own directory is nearly the whole cost of a walk.
//! What lies in a fan-out and is called by hex digits that don't belong there, is no directory, or has no `data` in it, is
//! not content; it is never collected, and left to `fsck`.

use std::os::fd::{AsFd, BorrowedFd};

use rayon::prelude::*;

use super::names::Names;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::layout::{self, Area, KeyedDirectory, TreePath};
use crate::stream::Interrupt;
use crate::tree::{Kind, Listed, Tree};

/// The content of a tree.
pub(super) struct Blobs {
    pub(super) names: Names,
    /// Fan-out directories with nothing in them.
    pub(super) hollow: Vec<TreePath>,
    /// What can't be read. What isn't seen is not collected either, so that a caller may go on.
    pub(super) unread: Vec<Error>,
}

/// Reads the names of all blobs.
pub(super) fn read(tree: &Tree, interrupt: &Interrupt) -> Blobs {
    let (mut canonical, mut others) = (Vec::new(), Vec::new());
    let (mut hollow, mut unread) = (Vec::new(), Vec::new());
    for algorithm in layout::algorithm_directories(&Area::Blobs.path()) {
        let (found, errors) = read_algorithm(tree, &algorithm, interrupt);
        unread.extend(errors);
        for found in found.into_iter().flatten() {
            match found {
                Found::Canonical(hash) => canonical.push(hash),
                Found::Other(digest) => others.push(digest),
                Found::Hollow(path) => hollow.push(path),
            }
        }
    }
    Blobs { names: Names::of_blobs(canonical, others), hollow, unread }
}

enum Found {
    Canonical([u8; 32]),
    Other(Digest),
    /// A fan-out with nothing in it.
    Hollow(TreePath),
}

fn read_algorithm(tree: &Tree, algorithm: &KeyedDirectory, interrupt: &Interrupt) -> (Vec<Vec<Found>>, Vec<Error>) {
    let handle = match tree.open_directory(&algorithm.path) {
        Ok(Some(handle)) => handle,
        Ok(None) => return (Vec::new(), Vec::new()),
        Err(error) => return (Vec::new(), vec![error]),
    };
    let listed = match tree.list(&algorithm.path) {
        Ok(listed) => listed.unwrap_or_default(),
        Err(error) => return (Vec::new(), vec![error]),
    };
    let mut fan_outs: Vec<Listed> = listed.into_iter().filter(|entry| entry.kind == Kind::Directory).collect();
    // Sorted piece by piece, and in parallel, the whole is sorted already.
    fan_outs.sort_unstable();
    let read: Vec<Result<Vec<Found>>> = fan_outs
        .par_iter()
        .map(|entry| match entry.text() {
            Some(name) if interrupt.signal().is_none() => read_fan_out(tree, algorithm, handle.as_fd(), name),
            _ => Ok(Vec::new()),
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

fn read_fan_out(tree: &Tree, algorithm: &KeyedDirectory, parent: BorrowedFd<'_>, name: &str) -> Result<Vec<Found>> {
    let Some(path) = algorithm.path.child(name) else { return Ok(Vec::new()) };
    let listed = tree.list_in(parent, &path)?.unwrap_or_default();
    if listed.is_empty() {
        return Ok(vec![Found::Hollow(path)]);
    }
    let blobs = listed.iter().filter(|entry| entry.kind == Kind::Directory).filter_map(Listed::text);
    let placed = blobs.filter(|hex| hex.get(..2) == Some(name));
    let mut digests: Vec<Digest> = placed.filter_map(|hex| algorithm.digest(hex)).collect();
    digests.sort_unstable();
    Ok(digests.into_iter().map(|digest| digest.sha256().map_or(Found::Other(digest), Found::Canonical)).collect())
}
