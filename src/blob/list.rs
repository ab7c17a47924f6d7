//! Lists every blob of the tree.

use crate::digest::{Digest, DigestPrefix};
use crate::error::Result;
use crate::layout::{self, Area, Entry, TreePath};
use crate::tree::digests::{leaves, sorted, stray};
use crate::tree::{EntryKind, Tree, digests};

/// Every blob of the tree with the path of its `data`, sorted by algorithm and digest.
pub fn blobs(tree: &Tree) -> impl Iterator<Item = Result<(Digest, TreePath)>> {
    layout::algorithm_directories(&Area::Blobs.path()).into_iter().flat_map(move |algorithm| {
        sorted(tree, &algorithm.path).flat_map(move |fan_out| {
            let (found, stray) = match fan_out {
                Ok((entry, path)) if entry.kind == EntryKind::Directory => {
                    (Some(leaves(tree, algorithm.clone(), &path, "data")), None)
                }
                Ok((entry, path)) => (None, stray(tree, &path, entry.kind)),
                Err(error) => (None, Some(Err(error))),
            };
            found.into_iter().flatten().chain(stray)
        })
    })
}

/// The digests that begin with `prefix` under which the tree stores content. Only one fan-out directory is read.
pub(crate) fn beginning_with(tree: &Tree, prefix: &DigestPrefix) -> Result<Vec<Digest>> {
    let mut found = Vec::new();
    for digest in digests::beginning_with(tree, &layout::fan_out(prefix), prefix.hex())? {
        if tree.metadata(&Entry::Blob(digest).path())?.is_some() {
            found.push(digest);
        }
    }
    Ok(found)
}
