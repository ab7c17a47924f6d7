//! Lists every blob of the tree.

use crate::digest::{Digest, DigestPrefix};
use crate::error::Result;
use crate::layout::{self, Area, Entry, KeyedDirectory, TreePath};
use crate::ordered;
use crate::tree::digests::{leaves, sorted, stray};
use crate::tree::{EntryKind, Listed, Tree, digests};

/// Every blob of the tree with the path of its `data`, sorted by algorithm and digest. A few fan-outs are read at a time,
/// on all threads.
pub fn blobs(tree: &Tree) -> impl Iterator<Item = Result<(Digest, TreePath)>> {
    layout::algorithm_directories(&Area::Blobs.path()).into_iter().flat_map(move |algorithm| {
        let fan_outs = sorted(tree, &algorithm.path);
        ordered::map(fan_outs, 2, move |fan_out| in_fan_out(tree, &algorithm, fan_out)).flatten()
    })
}

type Item = Result<(Digest, TreePath)>;

fn in_fan_out(tree: &Tree, algorithm: &KeyedDirectory, fan_out: Result<(Listed, TreePath)>) -> Vec<Item> {
    match fan_out {
        Ok((entry, path)) if entry.kind == EntryKind::Directory => {
            leaves(tree, algorithm.clone(), &path, layout::DATA).collect()
        }
        Ok((entry, path)) => stray(tree, &path, entry.kind).into_iter().collect(),
        Err(error) => vec![Err(error)],
    }
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
