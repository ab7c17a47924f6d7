//! Tells whether a tree is one of a pull-through cache: a registry that fetches from another one what it is asked for.
//!
//! **What such a tree lacks is fetched when it is pulled**, so absence is no damage there. What is there and wrong is
//! damage as in any tree.

use std::io::ErrorKind;
use std::time::Duration;

use jiff::Timestamp;
use rayon::prelude::*;

use super::find::{self, FoundPlaces};
use crate::error::{Error, Result};
use crate::layout::{self, Place};
use crate::stream::Watch;
use crate::tree::{EntryKind, Tree, digests};

/// How much later than its state a cache may write to its tree.
const LAG: Duration = Duration::from_hours(1);

/// Whether a tree is one of a pull-through cache.
///
/// A configuration decides. Without one the tree shows it by the state that a cache writes. A registry that was a cache
/// and takes pushes by now leaves that state as it is, so the state counts only if nothing in the tree is much newer.
pub(crate) fn is_cache(tree: &Tree) -> bool {
    tree.is_cache(|| match tree.configuration() {
        Some(configuration) => configuration.is_cache,
        // Absence is excused in a cache. So a tree of which not all can be seen is taken for none.
        None => shows_it(tree).unwrap_or(false),
    })
}

fn shows_it(tree: &Tree) -> Result<bool> {
    let Some(limit) = written(tree)?.and_then(|written| written.checked_add(LAG).ok()) else { return Ok(false) };
    let FoundPlaces { places, unseen, .. } = find::places(tree, &Watch::none());
    if let Some(error) = unseen.into_iter().next() {
        return Err(error);
    }
    places.par_iter().map(|place| is_older(tree, place, limit)).try_reduce(|| true, |a, b| Ok(a && b))
}

/// When the state of a cache was written; `None` without one.
fn written(tree: &Tree) -> Result<Option<Timestamp>> {
    let path = tree.root().join(layout::SCHEDULER_STATE);
    let found = match std::fs::symlink_metadata(&path) {
        Ok(found) if found.is_file() => found,
        Ok(_) => return Ok(None),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(tree.failed_at("look at", path, error)),
    };
    let modified = found.modified().map_err(|error| tree.failed_at("look at", path, error))?;
    Ok(Timestamp::try_from(modified).ok())
}

/// Whether no upload and no manifest of a repository is newer than `limit`.
fn is_older(tree: &Tree, place: &Place, limit: Timestamp) -> Result<bool> {
    let mut paths = Vec::new();
    for entry in tree.list(&place.uploads())?.unwrap_or_default() {
        if entry.kind == EntryKind::Directory {
            paths.extend(entry.text().and_then(|name| place.uploads().child(name)));
        }
    }
    for digest in digests::keyed(tree, &place.revisions()) {
        match digest {
            Ok(digest) => paths.push(place.revision_link(&digest)),
            Err(Error::Misplaced { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    for path in paths {
        if tree.metadata(&path)?.is_some_and(|found| found.modified > limit) {
            return Ok(false);
        }
    }
    Ok(true)
}
