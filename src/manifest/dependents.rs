//! Finds the manifests of a repository that need a blob or another manifest which is to be removed.

use std::collections::HashSet;

use super::{Manifest, get};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::repository::Repository;
use crate::repository::revision::{self, Revision};

/// Checks that no manifest of `repository` needs one of the blobs. `Err(InUse)` names the manifests that do.
/// `Err(SafetyLimit)` when a manifest can't be read, because it may need one.
pub fn check_unneeded(repository: &Repository<'_>, blobs: &[Digest]) -> Result<()> {
    let wanted: HashSet<Digest> = blobs.iter().copied().collect();
    let none = HashSet::new();
    check(repository, "blob", &none, |revision, manifest| {
        let retained = manifest.retained().map(|(digest, _)| digest);
        // Registry 2.1.0 linked a manifest as a layer, so the manifest needs that link.
        let itself = revision.misplaced.then_some(revision.digest);
        retained.chain(itself).filter(|digest| wanted.contains(digest)).collect()
    })
}

/// Checks in the same way that no manifest of `repository` that stays needs one of those that are `to_remove`. An index
/// needs its children, and a manifest of an unknown kind needs what it mentions. A revision linked from `_layers`
/// (registry 2.1.0) also loses its layer link, so layer references to it count.
pub(super) fn check_unnamed(repository: &Repository<'_>, to_remove: &[ToRemove]) -> Result<()> {
    let all: HashSet<Digest> = to_remove.iter().map(|removed| removed.digest).collect();
    let layers: HashSet<Digest> =
        to_remove.iter().filter(|removed| removed.misplaced).map(|removed| removed.digest).collect();
    check(repository, "manifest", &all, |_, manifest| {
        let named = manifest.children().filter(|digest| all.contains(digest));
        let retained = manifest.retained().map(|(digest, _)| digest).filter(|digest| layers.contains(digest));
        named.chain(retained).collect()
    })
}

/// A manifest to remove.
pub(super) struct ToRemove {
    pub(super) digest: Digest,
    /// Whether its link is a layer link.
    pub(super) misplaced: bool,
}

/// Asks each manifest, except those that are `to_remove`, which of the digests to remove it needs.
fn check(
    repository: &Repository<'_>,
    what: &str,
    to_remove: &HashSet<Digest>,
    needs: impl Fn(&Revision, &Manifest) -> Vec<Digest>,
) -> Result<()> {
    let mut needed: Vec<(Digest, String)> = Vec::new();
    let mut unread = None;
    for found in revision::revisions(repository) {
        if found.as_ref().is_ok_and(|revision| to_remove.contains(&revision.digest)) {
            continue;
        }
        match found.and_then(|revision| Ok((get::of_revision(repository, &revision)?, revision))) {
            Ok((manifest, revision)) => {
                let by = if manifest.kind.has_children() { "index" } else { "manifest" };
                let by = format!("{by} {}", revision.digest);
                needed.extend(needs(&revision, &manifest).into_iter().map(|digest| (digest, by.clone())));
            }
            Err(error) => unread = unread.or(Some(error)),
        }
    }
    let name = repository.name();
    if let Some(&(digest, _)) = needed.first() {
        let mut by: Vec<String> =
            needed.into_iter().filter(|(needed, _)| *needed == digest).map(|(_, by)| by).collect();
        by.sort();
        by.dedup();
        return Err(Error::InUse {
            what: format!("{what} {digest}"),
            repository: name.clone(),
            digest,
            by,
            override_option: "--force",
        });
    }
    match unread {
        None => Ok(()),
        Some(error) => {
            let reason = format!("cannot find out what repository {name} needs: {error}");
            Err(Error::SafetyLimit { reason, override_option: "--force" })
        }
    }
}
