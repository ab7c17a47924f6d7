//! Recognizes a tree that has lost its content as a whole: a disk that is not mounted is no damage to repair.

use std::collections::HashSet;

use rayon::prelude::*;

use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::judge::content::is_of_nothing;
use crate::layout::{self, Area, Entry};
use crate::quarantine::{self, ItemKind};
use crate::repository::cache;
use crate::scan::Scan;
use crate::tree::{EntryKind, Tree};

/// A repair is refused if more than one in this many references leads nowhere.
const TOLERATED: usize = 10;

/// `Err(SafetyLimit)` when the disk with the content may be missing.
pub(super) fn check(tree: &Tree, scan: &Scan) -> Result<()> {
    let override_option = "--assume-blobs-lost".into();
    missing_disk(tree, scan)?.map_or(Ok(()), |reason| Err(Error::SafetyLimit { reason, override_option }))
}

/// The reason, if a disk may be missing: there is content without repositories, no link has content, or too many links
/// lead to nothing or to empty files. Content that is intact in the quarantine is not lost.
fn missing_disk(tree: &Tree, scan: &Scan) -> Result<Option<String>> {
    if tree.area(Area::Repositories)?.is_none() && has_content(tree)? {
        let repositories = tree.locate(&Area::Repositories.path());
        return Ok(Some(format!("there is content, and no {}: is its disk mounted?", repositories.display())));
    }
    let linked = linked(tree, scan);
    let mut missing: HashSet<Digest> = linked.par_iter().filter(|digest| is_lost(tree, digest)).copied().collect();
    if missing.is_empty() {
        return Ok(None);
    }
    let is_all = missing.len() == linked.len();
    for digest in quarantined(tree)? {
        missing.remove(&digest);
    }
    let (count, all) = (missing.len(), linked.len());
    let blobs = tree.locate(&Area::Blobs.path());
    let blobs = blobs.display();
    if is_all && count > 0 {
        return Ok(Some(format!("there are links, and no content for any in {blobs}: is its disk mounted?")));
    }
    if cache::is_cache(tree) {
        // Some is always missing there. What is empty is not.
        missing.retain(|digest| tree.metadata(&Entry::Blob(*digest).path()).is_ok_and(|found| found.is_some()));
    }
    let count = missing.len();
    let is_too_much = count.saturating_mul(TOLERATED) > all;
    Ok(is_too_much.then(|| {
        format!("the content of {count} of {all} references is missing or empty in {blobs}: is the right disk mounted?")
    }))
}

fn has_content(tree: &Tree) -> Result<bool> {
    let listed = tree.list(&layout::canonical_blobs_directory())?;
    Ok(listed.is_some_and(|listed| !listed.is_empty()))
}

/// Whether content is missing, or empty although its digest is not that of no bytes.
fn is_lost(tree: &Tree, digest: &Digest) -> bool {
    let found = tree.metadata(&Entry::Blob(*digest).path());
    found.is_ok_and(|found| {
        found.is_none_or(|found| found.size == 0 && found.kind == EntryKind::File && !is_of_nothing(digest))
    })
}

/// All content that links lead to.
fn linked(tree: &Tree, scan: &Scan) -> HashSet<Digest> {
    let mut linked = HashSet::new();
    for repository in &scan.repositories {
        linked.extend(repository.revisions.iter().map(|revision| revision.digest));
        linked.extend(repository.aliases.iter().map(|(_, target)| *target));
        let layers = repository.layers.par_iter().map(|name| scan.digests.digest(*name));
        // Deleting a layer leaves a directory without its link.
        let has_link =
            |digest: &Digest| tree.metadata(&repository.place.layer_link(digest)).is_ok_and(|found| found.is_some());
        linked.par_extend(layers.filter(has_link));
    }
    linked
}

/// The content in the quarantine, except for empty files.
fn quarantined(tree: &Tree) -> Result<Vec<Digest>> {
    let mut digests = Vec::new();
    for run in quarantine::runs(tree)?.runs {
        let items = quarantine::show(tree, &run.id)?.items;
        let held = items.into_iter().filter(|(noted, is_held)| *is_held && noted.item.kind == ItemKind::Blob);
        let with_bytes = held.filter(|(noted, _)| noted.item.size > 0);
        digests.extend(with_bytes.filter_map(|(noted, _)| noted.item.digest));
    }
    Ok(digests)
}
