//! Whether a tree has lost its content rather than some of it: a disk that is not mounted is no damage.

use std::collections::HashSet;

use rayon::prelude::*;

use crate::digest::Digest;
use crate::error::Result;
use crate::layout::{Area, Entry};
use crate::quarantine::{self, ItemKind};
use crate::scan::Scan;
use crate::tree::Tree;

/// One in so many references may lead nowhere.
const TOLERATED: usize = 10;

/// Why it looks as if the disk with the content were missing, if it does: there is none at all, or too many links lead
/// nowhere. What lies in the quarantine is not lost.
pub fn lost(tree: &Tree, scan: &Scan) -> Result<Option<String>> {
    let linked = linked(tree, scan);
    let is_gone = |digest: &&Digest| tree.metadata(&Entry::Blob(**digest).path()).is_ok_and(|found| found.is_none());
    let mut missing: HashSet<Digest> = linked.par_iter().filter(is_gone).copied().collect();
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
    let is_too_much = count.saturating_mul(TOLERATED) > all;
    Ok(is_too_much.then(|| {
        format!("the content of {count} of {all} references is missing in {blobs}: is the right disk mounted?")
    }))
}

/// All content that a link leads to.
fn linked(tree: &Tree, scan: &Scan) -> HashSet<Digest> {
    let mut linked = HashSet::new();
    for repository in &scan.repositories {
        linked.extend(repository.revisions.iter().map(|revision| revision.digest));
        linked.extend(repository.aliases.iter().map(|(_, target)| *target));
        let layers = repository.layers.par_iter().map(|name| scan.names.digest(*name));
        // A directory without its link is what deleting a layer leaves.
        let has_link =
            |digest: &Digest| tree.metadata(&repository.place.layer_link(digest)).is_ok_and(|found| found.is_some());
        linked.par_extend(layers.filter(has_link));
    }
    linked
}

fn quarantined(tree: &Tree) -> Result<Vec<Digest>> {
    let mut digests = Vec::new();
    for run in quarantine::runs(tree)?.runs {
        let things = quarantine::show(tree, &run.id)?.things;
        let held = things.into_iter().filter(|(noted, is_held)| *is_held && noted.item.kind == ItemKind::Blob);
        digests.extend(held.filter_map(|(noted, _)| noted.item.digest));
    }
    Ok(digests)
}
