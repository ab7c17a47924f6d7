//! Hashing content, and again where it is wrong.

use std::os::fd::AsFd;

use rustix::fs::Advice;

use super::follow;
use crate::digest::{Digest, Hasher};
use crate::durable::Identity;
use crate::error::Error;
use crate::layout::Entry;
use crate::stream::{self, Watch};
use crate::tree::Tree;

/// Large enough to cost nothing, small enough for a cache; one for each thread.
pub(super) const BUFFER: usize = 512 * 1024;
/// What is longer than this is worth telling the kernel how it will be read.
const LONG: u64 = 4 * 1024 * 1024;

/// What content is.
pub(super) enum Verdict {
    /// What it is called.
    Right(Identity),
    /// Something else.
    Wrong { found: Digest, size: u64 },
    /// Not there.
    Gone,
    /// Not to be read.
    Unreadable(String),
    /// A signal came.
    Stopped,
}

/// Hashes what is stored under `digest`; twice where it is wrong, for somebody may just be writing it.
pub(super) fn verify(tree: &Tree, digest: Digest, buffer: &mut [u8], watch: &Watch<'_>) -> Verdict {
    match hash(tree, digest, buffer, watch) {
        Verdict::Wrong { .. } => hash(tree, digest, buffer, &Watch { progress: &stream::Silent, ..watch.clone() }),
        verdict => verdict,
    }
}

fn hash(tree: &Tree, digest: Digest, buffer: &mut [u8], watch: &Watch<'_>) -> Verdict {
    let text = |error: &Error| {
        let reason = std::error::Error::source(error).map(ToString::to_string);
        Verdict::Unreadable(reason.unwrap_or_else(|| error.to_string()))
    };
    let file = match follow::open(tree, &Entry::Blob(digest).path()) {
        Ok(Some(file)) => file,
        Ok(None) => return Verdict::Gone,
        Err(error) => return text(&error),
    };
    let identity = match Identity::of(&file) {
        Ok(identity) => identity,
        Err(error) => return Verdict::Unreadable(error.to_string()),
    };
    if identity.size > LONG {
        // Only a hint.
        let _ = rustix::fs::fadvise(file.as_fd(), 0, None, Advice::Sequential);
    }
    let hashed = match stream::hash(&file, Hasher::new(digest.algorithm()), buffer, watch) {
        Ok(hasher) => hasher.finish(),
        Err(_) if watch.interrupt.signal().is_some() => return Verdict::Stopped,
        Err(error) => return Verdict::Unreadable(error.to_string()),
    };
    match digest.algorithm().and_then(|algorithm| hashed.by(algorithm)) {
        Some(found) if found != digest => Verdict::Wrong { found, size: hashed.size },
        _ => Verdict::Right(identity),
    }
}
