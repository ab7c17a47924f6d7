//! What the manifests say: each read, hashed and parsed once for the whole tree.

use std::collections::{HashMap, HashSet};

use rayon::prelude::*;

use super::blobs::{Blobs, Lies};
use super::repository::{Repo, RevisionLink};
use crate::digest::{Digest, Hasher};
use crate::manifest::verify::form::Form;
use crate::scan::read_content;
use crate::stream::Interrupt;
use crate::tree::Tree;

/// The longest manifest that is read into a buffer that is there already.
const USUAL: usize = 64 * 1024;

/// A manifest that was read.
pub(super) enum Read {
    /// It is what it is called.
    Right(Form),
    /// Its content has another digest.
    Corrupt(Digest),
    /// It can't be read.
    Unreadable(String),
}

/// Every manifest that a repository links and the tree has.
pub(super) type Manifests = HashMap<Digest, Read>;

/// Reads the manifests of `repositories`.
pub(super) fn read(tree: &Tree, blobs: &Blobs<'_>, repositories: &[Repo], interrupt: &Interrupt) -> Manifests {
    let linked = |repository: &Repo| -> Vec<Digest> {
        let linked = repository.revisions.iter().filter(|revision| revision.link != RevisionLink::Deleted);
        linked.map(|revision| revision.digest).collect()
    };
    let wanted: HashSet<Digest> = repositories.iter().flat_map(linked).collect();
    // Small ones many to a thread; an empty one is told as that.
    let wanted: Vec<Digest> =
        wanted.into_iter().filter(|digest| matches!(blobs.lies(digest), Lies::There(1..))).collect();
    let read = wanted.par_iter().filter(|_| interrupt.signal().is_none());
    read.map_init(|| vec![0; USUAL], |buffer, digest| (*digest, parse(tree, digest, buffer))).collect()
}

fn parse(tree: &Tree, digest: &Digest, buffer: &mut [u8]) -> Read {
    let content = match read_content(tree, digest, buffer) {
        Ok(content) => content,
        Err(reason) => return Read::Unreadable(reason),
    };
    let mut hasher = Hasher::new(digest.algorithm());
    hasher.update(&content);
    let hashed = hasher.finish();
    match digest.algorithm().and_then(|algorithm| hashed.by(algorithm)) {
        Some(found) if found != *digest => Read::Corrupt(found),
        _ => Read::Right(Form::read(&content)),
    }
}
