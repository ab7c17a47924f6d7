//! Finds the blobs in the quarantine by digest.

use std::collections::{HashMap, HashSet};

use super::id::RunId;
use super::item::{ItemKind, NotedItem};
use super::list;
use super::run_directory::RunDirectory;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::layout::Entry;
use crate::tree::Tree;

/// What the journals of all runs say of blobs.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// The blobs, each with its runs, the newest first. They may have left the quarantine since.
    pub(super) blobs: HashMap<Digest, Vec<(RunId, NotedItem)>>,
    /// For each repository, by its path, the blobs to which it had a link that a run took.
    had: HashMap<String, HashSet<Digest>>,
    /// What can't be read.
    pub(super) damage: Vec<Error>,
}

impl Held {
    /// Reads the journals.
    pub(crate) fn read(tree: &Tree) -> Self {
        let mut held = Self::default();
        // A quarantine that can't be read does not stop a collection.
        let ids = list::ids(tree, &mut held.damage).unwrap_or_else(|error| {
            held.damage.push(error);
            Vec::new()
        });
        for id in ids.into_iter().rev() {
            let journal = RunDirectory::open(tree, &id)
                .and_then(|directory| directory.map(|directory| directory.read_journal()).transpose());
            match journal {
                Ok(journal) => {
                    let journal = journal.unwrap_or_default();
                    held.damage.extend(journal.faults);
                    held.add(&id, journal.noted);
                }
                Err(error) => held.damage.push(error),
            }
        }
        let Self { blobs, had, .. } = &mut held;
        for digests in had.values_mut() {
            digests.retain(|digest| blobs.contains_key(digest));
        }
        held
    }

    fn add(&mut self, id: &RunId, noted: Vec<NotedItem>) {
        for noted in noted {
            let Some(digest) = noted.item.digest else { continue };
            if noted.item.kind == ItemKind::Blob {
                self.blobs.entry(digest).or_default().push((id.clone(), noted));
            } else if noted.item.kind.is_link()
                && let Some(repository) = noted.item.repository
            {
                self.had.entry(repository).or_default().insert(digest);
            }
        }
    }

    /// The digests of the blobs.
    pub(crate) fn digests(&self) -> Vec<Digest> {
        self.blobs.keys().copied().collect()
    }

    /// The newest run but `except` that has the blob now.
    pub(super) fn newest(&self, tree: &Tree, digest: &Digest, except: Option<&RunId>) -> Result<Option<&RunId>> {
        let runs = self.blobs.get(digest).into_iter().flatten();
        for (run, noted) in runs.filter(|(run, _)| Some(run) != except) {
            if let Some(directory) = RunDirectory::open(tree, run)?
                && directory.find(noted)?.is_some()
            {
                return Ok(Some(run));
            }
        }
        Ok(None)
    }

    /// Whether a run took a link of this repository to the blob.
    pub(super) fn had_link(&self, repository: &str, digest: &Digest) -> bool {
        self.had.get(repository).is_some_and(|digests| digests.contains(digest))
    }
}

/// Whether the tree has no blob `digest`. A blob that can't be looked at counts as present; the scan reports it.
pub(super) fn lacks(tree: &Tree, digest: &Digest) -> bool {
    tree.metadata(&Entry::Blob(*digest).path()).is_ok_and(|found| found.is_none())
}
