//! Reads the manifests: each is read, hashed and parsed once for the whole tree.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use rayon::prelude::*;

use super::blobs::{Blobs, Occupant};
use super::repository::{RepositoryView, RevisionLink};
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
    let wanted: HashSet<Digest> = repositories.iter().flat_map(linked).collect();
    // Empty content and symbolic links are reported on their own.
    let is_read = |digest: &Digest| matches!(blobs.occupant(digest), Occupant::File(1..)) && !blobs.is_led(digest);
    let wanted: Vec<Digest> = wanted.into_iter().filter(is_read).collect();
    let read = wanted.par_iter().filter(|_| interrupt.signal().is_none());
    let large = Mutex::new(());
    let parse = |buffer: &mut Vec<u8>, digest: &Digest| {
        let read = manifest::read(blobs.open(digest), digest, buffer, &large);
        (*digest, read.noted(blobs.tree(), &Entry::Blob(*digest).path()))
    };
    read.map_init(|| Vec::with_capacity(USUAL), parse).collect()
}
