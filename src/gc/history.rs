//! Reads which tags once pointed to which manifests.
//!
//! Each tag's history is listed once. To ask every tag about every manifest would take quadratic time.

use std::collections::HashMap;
use std::sync::OnceLock;

use rayon::prelude::*;

use crate::digest::Digest;
use crate::error::Result;
use crate::layout;
use crate::scan::{Scan, Scanned, ScannedRevision, ScannedTag};
use crate::tree::{EntryKind, Tree};

/// The histories of a tree's repositories. Each is read on its first use.
pub(super) struct Histories<'t> {
    tree: &'t Tree,
    read: Vec<OnceLock<History>>,
}

/// For each manifest, the tags that point to it or once did.
#[derive(Default)]
pub(super) struct History {
    tags: HashMap<Digest, Vec<usize>>,
    /// Whether the history of some tag can't be read.
    pub(super) is_partial: bool,
}

impl<'t> Histories<'t> {
    pub(super) fn new(tree: &'t Tree, scan: &Scan) -> Self {
        let read = std::iter::repeat_with(OnceLock::new).take(scan.repositories.len()).collect();
        Self { tree, read }
    }

    /// The history of `repository`, which has the number `index`.
    pub(super) fn of(&self, index: usize, repository: &Scanned) -> &History {
        self.read[index].get_or_init(|| History::read(self.tree, repository))
    }
}

impl History {
    fn read(tree: &Tree, repository: &Scanned) -> Self {
        let tags = repository.tags.par_iter().with_min_len(16);
        let listed: Vec<Result<Vec<Digest>>> = tags.map(|tag| digests(tree, repository, tag)).collect();
        let mut history = Self::default();
        for (number, digests) in listed.into_iter().enumerate() {
            history.is_partial |= digests.is_err();
            for digest in digests.unwrap_or_default() {
                history.tags.entry(digest).or_default().push(number);
            }
        }
        history
    }

    /// The numbers of the tags that pointed to a manifest, in order.
    pub(super) fn tags(&self, manifest: &Digest) -> &[usize] {
        self.tags.get(manifest).map_or(&[], Vec::as_slice)
    }
}

fn digests(tree: &Tree, repository: &Scanned, tag: &ScannedTag) -> Result<Vec<Digest>> {
    let past = repository.place.history(&tag.name);
    let is_canonical = |revision: &ScannedRevision| revision.digest.sha256().is_some();
    let only_canonical = repository.revisions.iter().all(is_canonical);
    let mut digests = Vec::new();
    for algorithm in layout::algorithm_directories(&past) {
        if only_canonical && !algorithm.is_canonical() {
            continue;
        }
        let listed = tree.list(&algorithm.path)?.unwrap_or_default();
        let directories = listed.iter().filter(|entry| entry.kind == EntryKind::Directory);
        digests.extend(directories.filter_map(|entry| algorithm.digest(entry.text()?)));
    }
    Ok(digests)
}
