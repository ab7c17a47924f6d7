//! Who needs what: the manifests of a repository that a blob, or another manifest, can't be taken from.

use std::collections::HashSet;

use super::{Manifest, get};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::repository::Repository;
use crate::repository::revision::{self, Revision};

/// Fails with `Err(InUse)`, naming them, when manifests of `repository` need one of the blobs; and also when a manifest
/// can't be read, for nobody knows what it needs (`Err(Brake)`).
pub fn check_unneeded(repository: &Repository<'_>, blobs: &[Digest]) -> Result<()> {
    let wanted: HashSet<Digest> = blobs.iter().copied().collect();
    let nobody = HashSet::new();
    check(repository, "blob", &nobody, |revision, manifest| {
        let retained = manifest.retained().map(|(digest, _)| digest);
        // The manifest of registry 2.1.0 is linked as a layer.
        let itself = revision.misplaced.then_some(revision.digest);
        retained.chain(itself).filter(|digest| wanted.contains(digest)).collect()
    })
}

/// Fails in the same ways when a manifest of `repository` that stays names one of those that are `going`: an index its
/// child, or one that nobody understands. Whoever needs as a layer what goes with its layer link, has it by that.
pub(super) fn check_unnamed(repository: &Repository<'_>, going: &[Going]) -> Result<()> {
    let all: HashSet<Digest> = going.iter().map(|going| going.digest).collect();
    let layers: HashSet<Digest> = going.iter().filter(|going| going.misplaced).map(|going| going.digest).collect();
    check(repository, "manifest", &all, |_, manifest| {
        let named = manifest.children().filter(|digest| all.contains(digest));
        let retained = manifest.retained().map(|(digest, _)| digest).filter(|digest| layers.contains(digest));
        named.chain(retained).collect()
    })
}

/// A manifest that is to go.
pub(super) struct Going {
    pub(super) digest: Digest,
    /// Whether its link lies among those of layers.
    pub(super) misplaced: bool,
}

/// Asks of each manifest but those that are `going` what it needs of what is to be taken.
fn check(
    repository: &Repository<'_>,
    what: &str,
    going: &HashSet<Digest>,
    needs: impl Fn(&Revision, &Manifest) -> Vec<Digest>,
) -> Result<()> {
    let mut needed: Vec<(Digest, String)> = Vec::new();
    let mut unread = None;
    for found in revision::revisions(repository) {
        if found.as_ref().is_ok_and(|revision| going.contains(&revision.digest)) {
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
            release: "--force",
        });
    }
    match unread {
        None => Ok(()),
        Some(error) => {
            let reason = format!("nobody knows what repository {name} needs: {error}");
            Err(Error::Brake { reason, release: "--force" })
        }
    }
}
