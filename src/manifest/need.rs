//! Who needs what: the manifests of a repository that a blob can't be taken from.

use std::collections::HashSet;

use super::get;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::repository::Repository;

/// Fails with `Err(InUse)`, naming them, when manifests of `repository` need one of the blobs; and also when a manifest
/// can't be read, for nobody knows what it needs (`Err(Brake)`).
pub fn check_unneeded(repository: &Repository<'_>, blobs: &[Digest]) -> Result<()> {
    let wanted: HashSet<Digest> = blobs.iter().copied().collect();
    let mut needed: Vec<(Digest, String)> = Vec::new();
    let mut unread = None;
    for found in get::manifests(repository) {
        match found {
            Ok((revision, manifest)) => {
                let retained = manifest.retained().map(|(digest, _)| digest);
                // The manifest of registry 2.1.0 is linked as a layer.
                let itself = revision.misplaced.then_some(revision.digest);
                for digest in retained.chain(itself).filter(|digest| wanted.contains(digest)) {
                    needed.push((digest, format!("manifest {}", revision.digest)));
                }
            }
            Err(error) => unread = unread.or(Some(error)),
        }
    }
    let name = repository.name();
    if let Some(&(digest, _)) = needed.first() {
        let mut by: Vec<String> =
            needed.into_iter().filter(|(needed, _)| *needed == digest).map(|(_, manifest)| manifest).collect();
        by.sort();
        by.dedup();
        return Err(Error::InUse {
            what: format!("blob {digest}"),
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
