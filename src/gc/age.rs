//! Keeps what is young, with everything that it references: another process may be about to use it.

use std::collections::HashMap;

use rayon::prelude::*;

use super::Options;
use super::history::History;
use crate::digest::Digest;
use crate::error::Result;
use crate::layout::{self, TreePath};
use crate::reach::Use;
use crate::scan::{DigestId, Returned, Scan, Scanned, ScannedTag};
use crate::stream::Watch;
use crate::tree::{EntryKind, Metadata, Neighbours, Tree};

/// How many blobs are looked at before their bytes are added up.
const LOOKS: usize = 1024;

/// A blob's file, as it is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BlobFile {
    pub(super) size: u64,
    /// The newest time of its file and directory.
    pub(super) newest: jiff::Timestamp,
}

/// What was found in the place of a blob that nothing needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FoundBlob {
    File(BlobFile),
    /// A directory without `data`, and the directory's time.
    Empty(jiff::Timestamp),
    /// Nothing, or something else. That is left to `fsck`.
    Other,
}

impl FoundBlob {
    /// By the metadata of the blob's directory, and of `data` in it.
    pub(super) fn of(directory: Metadata, data: Option<Metadata>) -> Self {
        match data {
            Some(data) if data.kind == EntryKind::File => {
                Self::File(BlobFile { size: data.size, newest: data.modified.max(directory.modified) })
            }
            Some(_) => Self::Other,
            None => Self::Empty(directory.modified),
        }
    }

    pub(super) fn file(&self) -> Option<&BlobFile> {
        match self {
            Self::File(file) => Some(file),
            Self::Empty(_) | Self::Other => None,
        }
    }
}

/// Looks at the file and the directory of each blob. A rename keeps the file's old time, so the directory's counts too.
pub(super) fn look_at_blobs(tree: &Tree, scan: &Scan, names: &[DigestId], watch: &Watch<'_>) -> Result<Vec<FoundBlob>> {
    let counting = watch.count("looking at blobs", Some(names.len()));
    let look = |blobs: &mut Neighbours<'_>, name: &DigestId| {
        counting.add(1);
        look_at(blobs, scan, &scan.digests.digest(*name))
    };
    // The names are sorted, so neighbours share a fan-out.
    names.par_iter().with_min_len(64).map_init(|| Neighbours::new(tree), look).collect()
}

/// Those of the blobs that are young.
pub(super) fn young_blobs(options: &Options, found: &[(DigestId, FoundBlob)]) -> impl Iterator<Item = DigestId> {
    let young = found.iter().filter(|(_, found)| found.file().is_some_and(|file| options.is_young(file.newest)));
    young.map(|(name, _)| *name)
}

/// Adds up the bytes of blobs. Looks at no more of them once there are `enough` bytes.
pub(super) fn bytes(tree: &Tree, scan: &Scan, mut names: impl Iterator<Item = DigestId>, enough: u64) -> Result<u64> {
    let mut bytes = 0;
    while bytes < enough {
        let some: Vec<DigestId> = names.by_ref().take(LOOKS).collect();
        if some.is_empty() {
            break;
        }
        let found = look_at_blobs(tree, scan, &some, &Watch::none())?;
        bytes += found.iter().filter_map(FoundBlob::file).map(|file| file.size).sum::<u64>();
    }
    Ok(bytes)
}

/// Looks at one blob, through the open fan-out if it is in that. A blob that will be put back from the quarantine is
/// described as it will be then.
pub(super) fn look_at(blobs: &mut Neighbours<'_>, scan: &Scan, digest: &Digest) -> Result<FoundBlob> {
    match scan.returned(digest) {
        Some(Returned { size, newest }) => Ok(FoundBlob::File(BlobFile { size, newest })),
        None => look_at_place(blobs, digest),
    }
}

/// Looks at what is now in the place of one blob.
pub(super) fn look_at_place(blobs: &mut Neighbours<'_>, digest: &Digest) -> Result<FoundBlob> {
    let path = layout::blob_directory(digest);
    let directory = blobs.metadata(&path)?;
    let Some(directory) = directory.filter(|found| found.kind == EntryKind::Directory) else {
        return Ok(FoundBlob::Other);
    };
    Ok(FoundBlob::of(directory, blobs.metadata_in(&path, layout::DATA)?))
}

/// The manifests and layer links of a repository that would be removed if they were not young. What can't be looked at
/// counts as young.
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
        let name = scan.digests.find(&revision.digest).filter(|name| !used.is_kept(*name))?;
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
        // A young entry in a tag's history keeps the manifest too: the tag pointed to it a moment ago.
        let tags = history.tags(digest).iter().map(|tag| &repository.tags[*tag]);
        revisions.extend(tags.map(|tag| (name, link(place.past(&tag.name, digest)))));
    }
    let mut links = Vec::new();
    for (name, digest) in unused_links(scan, repository, used) {
        links.push((name, link(place.layer(&digest))));
    }
    let young = |found: Vec<(DigestId, TreePath)>, all: bool| -> Vec<DigestId> {
        let found = found.into_par_iter().with_min_len(64);
        found.filter(|(_, path)| all || is_young_link(tree, options, path)).map(|(name, _)| name).collect()
    };
    let mut revisions = young(revisions, history.is_partial);
    if options.delete_dangling_tags {
        let tags = repository.tags.iter().filter(|tag| tag.is_dangling);
        let tags = tags.filter(|tag| is_young_tag(tree, options, repository, tag));
        revisions.extend(tags.filter_map(|tag| scan.digests.find(tag.target.as_ref()?)));
    }
    (revisions, young(links, false))
}

/// Whether a link is young. What can't be looked at counts as young.
fn is_young_link(tree: &Tree, options: &Options, path: &TreePath) -> bool {
    match tree.metadata(path) {
        Ok(found) => found.is_some_and(|found| options.is_young(found.modified)),
        Err(_) => true,
    }
}

/// Whether a tag was set lately.
pub(super) fn is_young_tag(tree: &Tree, options: &Options, repository: &Scanned, tag: &ScannedTag) -> bool {
    is_young_link(tree, options, &repository.place.tag(&tag.name).current().link())
}

/// The layer links that no manifest of their repository needs.
pub(super) fn unused_links(scan: &Scan, repository: &Scanned, used: &Use<'_>) -> Vec<(DigestId, Digest)> {
    let is_used = |name: &DigestId| used.links(*name) || used.is_kept(*name);
    let layers =
        repository.layers.iter().copied().filter(|name| !is_used(name)).map(|name| (name, scan.digests.digest(name)));
    let aliases = repository.aliases.iter().filter_map(|(key, _)| Some((scan.digests.find(key)?, *key)));
    let unused = layers.chain(aliases.filter(|(name, _)| !is_used(name)));
    // A link that is an alias of needed content is kept with that.
    let targets: HashMap<Digest, Digest> = repository.aliases.iter().copied().collect();
    let leads = |digest: &Digest| {
        targets.get(digest).and_then(|target| scan.digests.find(target)).is_some_and(|target| is_used(&target))
    };
    unused.filter(|(_, digest)| !leads(digest)).collect()
}
