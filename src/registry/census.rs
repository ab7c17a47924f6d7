//! Counts what a repository contains.

use std::collections::HashSet;

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::ordered;
use crate::repository::Repository;
use crate::repository::revision::{self, Keyed};
use crate::tag::{self, FoundTags};
use crate::tree::Neighbours;
use crate::upload;

/// How many links of manifests each thread reads at a time.
const LINKS: usize = 128;

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
        let (revisions, mut met) = revisions(repository);
        damage.append(&mut met);
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

/// Counts the manifests, and checks their links on all threads. What could not be read comes before the broken links.
fn revisions(repository: &Repository<'_>) -> (u64, Vec<Error>) {
    let (mut count, mut damage, mut broken) = (0, Vec::new(), Vec::new());
    for Keyed { form, digests, damage: unread } in revision::keyed(repository) {
        for piece in ordered::pieces(digests.into_iter(), LINKS) {
            let look = |neighbours: &mut Neighbours<'_>, digest| {
                let found = revision::look(repository, form, digest, neighbours)?;
                Ok(found.map(|revision| revision.check(repository)))
            };
            let neighbours = || Neighbours::new(repository.tree());
            let looked: Vec<Result<Option<Result<()>>>> = piece.into_par_iter().map_init(neighbours, look).collect();
            for found in looked {
                match found {
                    Ok(None) => {}
                    Ok(Some(checked)) => {
                        count += 1;
                        broken.extend(checked.err());
                    }
                    Err(error) => damage.push(error),
                }
            }
        }
        damage.extend(unread);
    }
    damage.append(&mut broken);
    (count, damage)
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
