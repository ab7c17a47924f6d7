//! What was read so far, shared by all threads: content and manifests once for the tree, links once for each repository.
//!
//! Of content that is right its size and a few bits are remembered, and of links only which are right. **What is wrong is
//! looked at again wherever it is needed**, so that each manifest gets the same findings in whatever order they are
//! judged.
//!
//! A thread that waits for others may take up other work meanwhile, and would find its own locks there. **So nothing that
//! is done under a lock here, or to fill a `OnceLock`, uses other threads.**

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::content::{self, Stored};
use super::manifest::{self, ManifestForm, Read};
use crate::digest::Digest;
use crate::error::Error;
use crate::lanes::Lanes;
use crate::manifest::Kind;
use crate::stream::Watch;
use crate::tree::Tree;

/// The parts of a map, each with a lock of its own.
const SHARDS: usize = 64;
/// How many references of manifests are remembered, 100 to 200 bytes each. A manifest beyond that is read again for each
/// repository that has it.
const REFERENCES: usize = 1 << 16;

/// What was read so far of a tree.
pub(super) struct Known {
    /// The files whose metadata are right.
    pub(super) content: DigestMap<Content>,
    /// The content whose hash is wrong.
    wrong: Mutex<HashMap<Digest, Stored>>,
    /// What content is by another digest, which is the first of each pair.
    aliases: Mutex<HashMap<(Digest, Digest), Stored>>,
    manifests: Manifests,
    /// The errors in listings, each once, by its message.
    damage: Mutex<BTreeMap<String, Error>>,
    /// The buffer to hash single files with. One thread at a time has it, so that no file is hashed twice.
    buffer: Mutex<Vec<u8>>,
    /// Makes what many files are hashed with.
    pub(super) lanes: fn() -> Lanes<'static>,
}

/// What is known of a file of content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Content {
    /// Its size in bytes.
    pub(super) size: u64,
    /// Whether it was hashed, and the hash is right.
    pub(super) is_hashed: bool,
    /// The kind of manifest that it is, if it was read as one.
    pub(super) kind: Option<Kind>,
}

/// What was read so far of a repository.
#[derive(Default)]
pub(super) struct KnownLinks {
    /// The layer links that lead to the digest of their path.
    pub(super) straight: DigestMap<()>,
    /// Whether there is no directory of layer links, once that was asked.
    pub(super) lacks_layers: OnceLock<bool>,
    /// Whether that was reported.
    pub(super) is_reported: AtomicBool,
    /// The manifests that indexes name, once that was asked.
    pub(super) children: OnceLock<HashSet<Digest>>,
    /// The manifests that tags lead to, once that was asked.
    pub(super) led: OnceLock<HashSet<Digest>>,
    /// Whether some of the repository's manifests or tags can't be read.
    pub(super) is_partly_unseen: AtomicBool,
}

impl Default for Known {
    fn default() -> Self {
        Self {
            content: DigestMap::default(),
            wrong: Mutex::default(),
            aliases: Mutex::default(),
            manifests: Manifests::default(),
            damage: Mutex::default(),
            buffer: Mutex::default(),
            lanes: Lanes::new,
        }
    }
}

impl Known {
    /// Reads a manifest, or returns it from memory.
    pub(super) fn read(&self, tree: &Tree, digest: &Digest) -> Arc<Read> {
        let read = self.manifests.read(tree, digest);
        if let Read::Right(form) = &*read {
            self.content.change(digest, |content| content.kind = Some(form.kind));
        }
        read
    }

    /// Whether content was hashed, and what is stored then.
    pub(super) fn hashed(&self, digest: &Digest) -> Option<Stored> {
        if self.content.get(digest).is_some_and(|content| content.is_hashed) {
            return Some(Stored::Right);
        }
        lock(&self.wrong).get(digest).cloned()
    }

    /// Judges content by its hash, unless that is known. `None` when a signal came.
    pub(super) fn hash(&self, tree: &Tree, digest: Digest, watch: &Watch<'_>) -> Option<Stored> {
        if let Some(known) = self.hashed(&digest) {
            return Some(known);
        }
        let mut buffer = lock(&self.buffer);
        // Another thread may have had it until now.
        if let Some(known) = self.hashed(&digest) {
            return Some(known);
        }
        buffer.resize(content::BUFFER, 0);
        let (stored, _) = content::hash(tree, digest, &mut buffer, watch).ok()?;
        self.note_hashed(digest, stored.clone());
        Some(stored)
    }

    /// Judges content by an alias that leads to it, unless that is known. `None` when a signal came.
    pub(super) fn hash_as(&self, tree: &Tree, alias: Digest, target: Digest, watch: &Watch<'_>) -> Option<Stored> {
        // As long as a thread has the buffer, no other adds what it looks for.
        let mut buffer = lock(&self.buffer);
        if let Some(known) = lock(&self.aliases).get(&(alias, target)) {
            return Some(known.clone());
        }
        buffer.resize(content::BUFFER, 0);
        let stored = content::hash_as(tree, &alias, &target, &mut buffer, watch).ok()?;
        lock(&self.aliases).insert((alias, target), stored.clone());
        Some(stored)
    }

    /// Remembers what the hash of content says.
    pub(super) fn note_hashed(&self, digest: Digest, stored: Stored) {
        if stored == Stored::Right {
            self.content.change(&digest, |content| content.is_hashed = true);
        } else {
            lock(&self.wrong).insert(digest, stored);
        }
    }

    /// Remembers an error in a listing.
    pub(super) fn note_damage(&self, error: Error) {
        lock(&self.damage).insert(error.to_string(), error);
    }

    /// Takes the errors in listings.
    pub(super) fn take_damage(&self) -> Vec<Error> {
        std::mem::take(&mut *lock(&self.damage)).into_values().collect()
    }
}

/// The manifests that were read, as far as there is room.
#[derive(Default)]
struct Manifests {
    /// A shard is locked while a manifest is read, so that no two threads read the same.
    shards: Shards<Digest, Arc<Read>>,
    references: AtomicUsize,
    /// Locked while a manifest is read that is larger than registries serve.
    large: Mutex<()>,
}

impl Manifests {
    fn read(&self, tree: &Tree, digest: &Digest) -> Arc<Read> {
        let mut shard = self.shards.of(digest);
        if let Some(read) = shard.get(digest) {
            return Arc::clone(read);
        }
        let read = Arc::new(manifest::read_in_turn(tree, digest, &self.large));
        // Only a manifest with right content is remembered.
        if let Read::Right(form) = &*read
            && self.has_room(form)
        {
            shard.insert(*digest, Arc::clone(&read));
        }
        read
    }

    fn has_room(&self, form: &ManifestForm) -> bool {
        // What a manifest takes beside its references is about as much as one of them.
        let more = 1 + form.parts.len() + form.mentions.len() + form.problems.len();
        let add = |used: usize| Some(used + more).filter(|used| *used <= REFERENCES);
        self.references.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).is_ok()
    }
}

/// A map that several threads use at the same time. A SHA-256 takes 32 bytes there, where a digest takes 66.
pub(super) struct DigestMap<V> {
    canonical: Shards<[u8; 32], V>,
    others: Mutex<HashMap<Digest, V>>,
}

impl<V> Default for DigestMap<V> {
    fn default() -> Self {
        Self { canonical: Shards::default(), others: Mutex::default() }
    }
}

impl<V: Copy> DigestMap<V> {
    pub(super) fn get(&self, digest: &Digest) -> Option<V> {
        match digest.sha256() {
            Some(hash) => self.canonical.of(digest).get(&hash).copied(),
            None => lock(&self.others).get(digest).copied(),
        }
    }

    pub(super) fn insert(&self, digest: &Digest, value: V) {
        match digest.sha256() {
            Some(hash) => self.canonical.of(digest).insert(hash, value),
            None => lock(&self.others).insert(*digest, value),
        };
    }

    /// Changes a value, if there is one.
    fn change(&self, digest: &Digest, change: impl FnOnce(&mut V)) {
        match digest.sha256() {
            Some(hash) => self.canonical.of(digest).get_mut(&hash).map(change),
            None => lock(&self.others).get_mut(digest).map(change),
        };
    }
}

/// The parts of a map, by the last byte of a digest.
struct Shards<K, V>([Mutex<HashMap<K, V>>; SHARDS]);

impl<K, V> Default for Shards<K, V> {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::default()))
    }
}

impl<K, V> Shards<K, V> {
    fn of(&self, digest: &Digest) -> MutexGuard<'_, HashMap<K, V>> {
        let last = digest.hash().last().copied().unwrap_or_default();
        lock(&self.0[usize::from(last) % SHARDS])
    }
}

/// Locks what is whole at any time: a panic of another thread leaves nothing half done in it.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_digest_is_found_again_and_no_other() {
        let map = DigestMap::default();
        let tarsum = |digit: &str| format!("tarsum.v1+sha256:{}", digit.repeat(64)).parse().expect("a digest");
        let digests: Vec<Digest> = (0..500_u32).map(|i| Digest::of(&i.to_be_bytes())).chain([tarsum("a")]).collect();
        digests.iter().zip(0..).for_each(|(digest, value)| map.insert(digest, value));
        map.change(&digests[7], |value| *value = 1000);
        map.change(&tarsum("b"), |value| *value = 1000);
        let values: Vec<i32> = digests.iter().filter_map(|digest| map.get(digest)).collect();
        let expected: Vec<i32> = (0..501).map(|value| if value == 7 { 1000 } else { value }).collect();
        assert_eq!(values, expected);
        assert_eq!([tarsum("b"), Digest::of(b"another")].map(|digest| map.get(&digest)), [None, None]);
    }
}
