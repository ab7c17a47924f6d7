//! What is young keeps itself, and what it references: somebody may be about to use it.

use std::collections::HashMap;

use rayon::prelude::*;

use super::Options;
use super::history::History;
use crate::digest::Digest;
use crate::error::Result;
use crate::layout::{self, TreePath};
use crate::reach::Use;
use crate::scan::{DigestId, Returned, Scan, Scanned};
use crate::tree::{Kind, Neighbours, Tree};

/// A blob, as it lies there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BlobFile {
    /// In bytes.
    pub(super) size: u64,
    /// The newest time of its file and directory.
    pub(super) newest: jiff::Timestamp,
}

/// What is known of a blob that nothing needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A file, in a directory of its own.
    Blob(BlobFile),
    /// A directory without `data`, with its time.
    Empty(jiff::Timestamp),
    /// Gone, or something else, which is `fsck`'s.
    Other,
}

/// Looks at blobs: file and directory, for a rename keeps the file's old time.
pub(super) fn look_at_blobs(tree: &Tree, scan: &Scan, names: &[DigestId]) -> Result<Vec<Found>> {
    let names = names.par_iter().with_min_len(64);
    // Names are sorted, so that neighbours share a fan-out.
    names.map_init(|| Neighbours::new(tree), |blobs, name| look_at(blobs, scan, &scan.digests.digest(*name))).collect()
}

/// The bytes of all content: every blob is looked at.
pub(super) fn all_bytes(tree: &Tree, scan: &Scan) -> Result<u64> {
    let names: Vec<DigestId> = scan.digests.blobs().collect();
    let found = look_at_blobs(tree, scan, &names)?;
    Ok(found.iter().map(|found| if let Found::Blob(file) = found { file.size } else { 0 }).sum())
}

/// Looks at one blob, in the fan-out that is open already if it lies there. One that comes back is as it will be then.
pub(super) fn look_at(blobs: &mut Neighbours<'_>, scan: &Scan, digest: &Digest) -> Result<Found> {
    match scan.returned(digest) {
        Some(Returned { size, newest }) => Ok(Found::Blob(BlobFile { size, newest })),
        None => look_at_place(blobs, digest),
    }
}

/// Looks at what is in the place of one blob now.
pub(super) fn look_at_place(blobs: &mut Neighbours<'_>, digest: &Digest) -> Result<Found> {
    let path = layout::blob_directory(digest);
    let directory = blobs.metadata(&path)?;
    let Some(directory) = directory.filter(|found| found.kind == Kind::Directory) else { return Ok(Found::Other) };
    Ok(match blobs.metadata_in(&path, "data")? {
        Some(data) if data.kind == Kind::File => {
            Found::Blob(BlobFile { size: data.size, newest: data.modified.max(directory.modified) })
        }
        Some(_) => Found::Other,
        None => Found::Empty(directory.modified),
    })
}

/// The manifests and links of a repository that would go but for their age. What can't be looked at counts as young.
pub(super) fn young_links<'h>(
    tree: &Tree,
    scan: &Scan,
    options: &Options,
    repository: &Scanned,
    history: impl FnOnce() -> &'h History,
    used: &Use<'_>,
) -> (Vec<DigestId>, Vec<DigestId>) {
    let place = &repository.place;
    let link = |directory: TreePath| directory.link();
    let unkept = repository.revisions.iter().filter_map(|revision| {
        let name = scan.digests.find(&revision.digest).filter(|name| !used.keeps(*name))?;
        Some((name, revision))
    });
    let unkept: Vec<_> = unkept.collect();
    let none = History::default();
    let history = if unkept.is_empty() { &none } else { history() };
    let mut revisions = Vec::new();
    for (name, revision) in unkept {
        let digest = &revision.digest;
        let directory = if revision.misplaced { place.layer(digest) } else { place.revision(digest) };
        revisions.push((name, link(directory)));
        // A tag that pointed to it a moment ago keeps it too.
        let tags = history.tags(digest).iter().map(|tag| &repository.tags[*tag]);
        revisions.extend(tags.map(|tag| (name, link(place.past(&tag.name, digest)))));
    }
    let mut links = Vec::new();
    for (name, digest) in unused_links(scan, repository, used) {
        links.push((name, link(place.layer(&digest))));
    }
    let is_young = |path: &TreePath| match tree.metadata(path) {
        Ok(found) => found.is_some_and(|found| options.is_young(found.modified)),
        Err(_) => true,
    };
    let young = |found: Vec<(DigestId, TreePath)>, all: bool| -> Vec<DigestId> {
        let found = found.into_par_iter().with_min_len(64);
        found.filter(|(_, path)| all || is_young(path)).map(|(name, _)| name).collect()
    };
    (young(revisions, history.is_partial), young(links, false))
}

/// The layer links that no manifest of their repository needs.
pub(super) fn unused_links(scan: &Scan, repository: &Scanned, used: &Use<'_>) -> Vec<(DigestId, Digest)> {
    let is_used = |name: &DigestId| used.links(*name) || used.keeps(*name);
    let layers =
        repository.layers.iter().copied().filter(|name| !is_used(name)).map(|name| (name, scan.digests.digest(name)));
    let aliases = repository.aliases.iter().filter_map(|(key, _)| Some((scan.digests.find(key)?, *key)));
    let unused = layers.chain(aliases.filter(|(name, _)| !is_used(name)));
    // Another name of content that is used stays with it.
    let targets: HashMap<Digest, Digest> = repository.aliases.iter().copied().collect();
    let leads = |digest: &Digest| {
        targets.get(digest).and_then(|target| scan.digests.find(target)).is_some_and(|target| is_used(&target))
    };
    unused.filter(|(_, digest)| !leads(digest)).collect()
}
