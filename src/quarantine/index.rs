//! Finds the blobs in the quarantine by digest.

use std::collections::HashMap;

use super::id::RunId;
use super::item::{ItemKind, NotedItem};
use super::list;
use super::run_directory::RunDirectory;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::layout::Entry;
use crate::tree::Tree;

/// The blobs that journals name, each with its runs, the newest first. They may have left the quarantine since.
pub(super) type Named = HashMap<Digest, Vec<(RunId, NotedItem)>>;

/// Reads the journals, and returns every blob that one of them names. What can't be read is added to `damage`.
pub(super) fn named(tree: &Tree, damage: &mut Vec<Error>) -> Result<Named> {
    let mut named = Named::new();
    for id in list::ids(tree, damage)?.into_iter().rev() {
        let journal = match RunDirectory::open(tree, &id)
            .and_then(|directory| directory.map(|it| it.read_journal()).transpose())
        {
            Ok(journal) => journal.unwrap_or_default(),
            Err(error) => {
                damage.push(error);
                continue;
            }
        };
        damage.extend(journal.faults);
        for noted in journal.noted.into_iter().filter(|noted| noted.item.kind == ItemKind::Blob) {
            if let Some(digest) = noted.item.digest {
                named.entry(digest).or_default().push((id.clone(), noted));
            }
        }
    }
    Ok(named)
}

/// Whether the tree has no blob `digest`. A blob that can't be looked at counts as present; the scan reports it.
pub(super) fn lacks(tree: &Tree, digest: &Digest) -> bool {
    tree.metadata(&Entry::Blob(*digest).path()).is_ok_and(|found| found.is_none())
}
