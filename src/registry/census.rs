//! Counts what a repository contains.

use std::collections::HashSet;

use crate::error::{Error, Result};
use crate::repository::{Repository, revision};
use crate::tag::{self, FoundTags};
use crate::upload;

/// How many tags, manifests, links and uploads a repository has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Census {
    /// Tags that point somewhere.
    pub tags: u64,
    /// Manifests.
    pub revisions: u64,
    /// Links to blobs, with aliases.
    pub layers: u64,
    /// Uploads that were not finished.
    pub uploads: u64,
}

impl Census {
    /// Counts what `repository` has, and returns the damage that is found on the way. A manifest with a broken link
    /// counts too. No manifest is read.
    pub fn take(repository: &Repository<'_>) -> (Self, Vec<Error>) {
        let FoundTags { tags, mut damage } = tag::tags(repository);
        let mut broken = Vec::new();
        let revisions = revision::revisions(repository).inspect(|found| {
            let revision = found.as_ref().ok();
            broken.extend(revision.and_then(|revision| revision.check(repository).err()));
        });
        let revisions = count(revisions, &mut damage);
        damage.append(&mut broken);
        let layers = count(repository.keys(), &mut damage);
        let mut uploads = upload::uploads(repository.tree(), repository.name());
        uploads.retain(|found| !matches!(found, Ok(upload) if upload.cancelled));
        let uploads = count(uploads.into_iter(), &mut damage);
        // Something in the place of a folder is found once for each algorithm.
        let mut seen = HashSet::new();
        damage.retain(|error| error.path().is_none_or(|path| seen.insert(path.to_owned())));
        (Self { tags: tags.len() as u64, revisions, layers, uploads }, damage)
    }
}

/// Counts the items. Adds what could not be read to `damage`.
fn count<T>(found: impl Iterator<Item = Result<T>>, damage: &mut Vec<Error>) -> u64 {
    let mut count = 0;
    for item in found {
        match item {
            Ok(_) => count += 1,
            Err(error) => damage.push(error),
        }
    }
    count
}
