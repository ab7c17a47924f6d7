//! Reads the manifests: each is read, hashed and parsed once for the whole tree.

use std::collections::HashMap;
use std::sync::Mutex;

use rayon::prelude::*;

use super::blobs::{Blobs, Occupant};
use super::repository::{LinkTarget, RepositoryView, RevisionLink};
use crate::digest::Digest;
use crate::judge::manifest::{self, Read, USUAL};
use crate::layout::Entry;
use crate::stream::Interrupt;

/// Every manifest that a repository links, or to which a tag points, and whose content is in the tree. What is behind a symbolic link is not read.
pub(super) type Manifests = HashMap<Digest, Read>;

/// Reads the manifests of `repositories`.
pub(super) fn read(blobs: &Blobs<'_>, repositories: &[RepositoryView], interrupt: &Interrupt) -> Manifests {
    let linked = |repository: &RepositoryView| -> Vec<Digest> {
        let linked = repository.revisions.iter().filter(|revision| revision.link != RevisionLink::Deleted);
        let tagged = repository.tags.iter().filter_map(|tag| tag.current);
        linked.map(|revision| revision.digest).chain(tagged).collect()
    };
    let mut wanted: HashMap<Digest, Vec<&RepositoryView>> = HashMap::new();
    for repository in repositories {
        for digest in linked(repository) {
            wanted.entry(digest).or_default().push(repository);
        }
    }
    // Empty content and symbolic links are reported on their own.
    let is_read = |digest: &Digest| matches!(blobs.occupant(digest), Occupant::File(1..)) && !blobs.is_led(digest);
    wanted.retain(|digest, _| is_read(digest));
    let wanted: Vec<(Digest, Vec<&RepositoryView>)> = wanted.into_iter().collect();
    let read = wanted.par_iter().filter(|_| interrupt.signal().is_none());
    let large = Mutex::new(());
    let parse = |buffer: &mut Vec<u8>, (digest, linking): &(Digest, Vec<&RepositoryView>)| {
        let read = manifest::read(blobs.open(digest), digest, buffer, &large);
        let read = read.noted(blobs.tree(), &Entry::Blob(*digest).path());
        // Neither the tree nor a repository that links the manifest has anything of it.
        let is_nowhere = |digest: &Digest| {
            let is_absent = |repository: &&RepositoryView| {
                repository.layers.target(digest) == LinkTarget::Absent && repository.revision(digest).is_none()
            };
            blobs.is_nowhere(digest) && linking.iter().all(is_absent)
        };
        (*digest, read.shortened(is_nowhere))
    };
    read.map_init(|| Vec::with_capacity(USUAL), parse).collect()
}
