//! What the manifests say: each read, hashed and parsed once for the whole tree.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::Read as _;
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::blobs::{Blobs, Lies};
use super::follow;
use super::repository::{Repo, RevisionLink};
use crate::digest::{Digest, Hasher};
use crate::error::Result;
use crate::layout::Entry;
use crate::manifest::verify::form::Form;
use crate::manifest::{MAX_PUT, MAX_READ};
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
pub(super) fn read(blobs: &Blobs<'_>, repositories: &[Repo], interrupt: &Interrupt) -> Manifests {
    let linked = |repository: &Repo| -> Vec<Digest> {
        let linked = repository.revisions.iter().filter(|revision| revision.link != RevisionLink::Deleted);
        linked.map(|revision| revision.digest).collect()
    };
    let wanted: HashSet<Digest> = repositories.iter().flat_map(linked).collect();
    // Small ones many to a thread; an empty one is told as that.
    let wanted: Vec<Digest> =
        wanted.into_iter().filter(|digest| matches!(blobs.lies(digest), Lies::There(1..))).collect();
    let read = wanted.par_iter().filter(|_| interrupt.signal().is_none());
    let large = Mutex::new(());
    read.map_init(
        || Vec::with_capacity(USUAL),
        |buffer, digest| (*digest, parse(blobs.open(digest), digest, buffer, &large)),
    )
    .collect()
}

/// Reads one manifest.
pub(super) fn read_one(tree: &Tree, digest: &Digest) -> Read {
    let opened = follow::open(tree, &Entry::Blob(*digest).path());
    parse(opened, digest, &mut Vec::new(), &Mutex::new(()))
}

/// What is larger than registries serve is held one at a time: `large` says whose turn it is.
fn parse(opened: Result<Option<File>>, digest: &Digest, buffer: &mut Vec<u8>, large: &Mutex<()>) -> Read {
    let file = match opened {
        Ok(Some(file)) => file,
        Ok(None) => return Read::Unreadable("its content is missing".to_owned()),
        Err(error) => return Read::Unreadable(error.to_string()),
    };
    match read_file(&file, digest, buffer, large) {
        Ok(read) => read,
        Err(error) => Read::Unreadable(error.to_string()),
    }
}

fn read_file(file: &File, digest: &Digest, buffer: &mut Vec<u8>, large: &Mutex<()>) -> std::io::Result<Read> {
    let mut hasher = Hasher::new(digest.algorithm());
    buffer.clear();
    file.take(MAX_PUT as u64 + 1).read_to_end(buffer)?;
    hasher.update(buffer);
    let is_large = buffer.len() > MAX_PUT;
    let _turn = is_large.then(|| large.lock().unwrap_or_else(PoisonError::into_inner));
    if is_large {
        file.take((MAX_READ - MAX_PUT) as u64).read_to_end(buffer)?;
        hasher.update(&buffer[MAX_PUT + 1..]);
        hash_rest(file, &mut hasher)?;
    }
    let hashed = hasher.finish();
    let read = match digest.algorithm().and_then(|algorithm| hashed.by(algorithm)) {
        Some(found) if found != *digest => Read::Corrupt(found),
        _ if buffer.len() > MAX_READ => Read::Right(Form::too_large(file.metadata()?.len())),
        _ => Read::Right(Form::read(buffer)),
    };
    if buffer.len() > USUAL {
        *buffer = Vec::with_capacity(USUAL);
    }
    Ok(read)
}

/// Of what is longer than any manifest that is read, the rest is only hashed.
fn hash_rest(mut file: &File, hasher: &mut Hasher) -> std::io::Result<()> {
    let mut piece = vec![0; USUAL];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(()),
            length => hasher.update(&piece[..length]),
        }
    }
}
