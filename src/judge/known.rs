//! What was read so far, shared by all threads: content and manifests once for the tree, links once for each repository.
//!
//! Of content that is right its size and a few bits are remembered, and of links only which are right. Of content that is
//! wrong only what its hash proves is remembered. **All else that is wrong is looked at again wherever it is needed**, so
//! that each manifest gets the same findings in whatever order they are judged.
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
/// How many references of manifests are remembered, 100 to 200 bytes each. A manifest beyond that may be read several
/// times.
const REFERENCES: usize = 1 << 16;

/// What was read so far of a tree.
pub(super) struct Known {
    /// The files whose metadata are right.
    pub(super) content: DigestMap<Content>,
    /// The content that has another hash than its digest says.
    wrong: Mutex<HashMap<Digest, Stored>>,
    /// What content is by another digest, which is the first of each pair.
    aliases: Mutex<HashMap<(Digest, Digest), Stored>>,
    pub(super) manifests: Manifests,
    /// The errors in listings, each once, by its message.
    damage: Mutex<BTreeMap<String, Error>>,
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

    /// Judges content by its hash, unless that is known. Two threads may hash the same, because neither waits for the other.
    /// `None` when a signal came.
    pub(super) fn hash(&self, tree: &Tree, digest: Digest, watch: &Watch<'_>) -> Option<Stored> {
        if let Some(known) = self.hashed(&digest) {
            return Some(known);
        }
        let (stored, _) = content::hash(tree, digest, &mut vec![0; content::BUFFER], watch).ok()?;
        self.note_hashed(digest, stored.clone());
        Some(stored)
    }

    /// Judges content by an alias that leads to it, unless that is known. `None` when a signal came.
    pub(super) fn hash_as(&self, tree: &Tree, alias: Digest, target: Digest, watch: &Watch<'_>) -> Option<Stored> {
        if let Some(known) = lock(&self.aliases).get(&(alias, target)) {
            return Some(known.clone());
        }
        let stored = content::hash_as(tree, &alias, &target, &mut vec![0; content::BUFFER], watch).ok()?;
        if stored.is_by_hash() {
            lock(&self.aliases).insert((alias, target), stored.clone());
        }
        Some(stored)
    }

    /// Remembers what the hash of content says. Where there was nothing to hash, what a look found before is forgotten.
    pub(super) fn note_hashed(&self, digest: Digest, stored: Stored) {
        if stored == Stored::Right {
            self.content.change(&digest, |content| content.is_hashed = true);
        } else if stored.is_by_hash() {
            lock(&self.wrong).insert(digest, stored);
        } else {
            self.content.remove(&digest);
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
pub(super) struct Manifests {
    /// A shard is locked while a manifest is read, so that no two threads read the same.
    shards: Shards<Digest, Arc<Read>>,
    references: AtomicUsize,
    /// How many references are remembered at most.
    pub(super) most: usize,
    /// Locked while a manifest is read that is larger than registries serve.
    large: Mutex<()>,
}

impl Default for Manifests {
    fn default() -> Self {
        let (shards, references, large) = (Shards::default(), AtomicUsize::new(0), Mutex::default());
        Self { shards, references, most: REFERENCES, large }
    }
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

    #[cfg(test)]
    pub(super) fn remembers(&self, digest: &Digest) -> bool {
        self.shards.of(digest).contains_key(digest)
    }

    fn has_room(&self, form: &ManifestForm) -> bool {
        // What a manifest takes beside its references is about as much as one of them.
        let more = 1 + form.parts.len() + form.mentions.len() + form.problems.len();
        let add = |used: usize| Some(used + more).filter(|used| *used <= self.most);
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

    /// Adds a value, unless there is one: another thread may have added it, and changed it since.
    pub(super) fn insert(&self, digest: &Digest, value: V) {
        match digest.sha256() {
            Some(hash) => *self.canonical.of(digest).entry(hash).or_insert(value),
            None => *lock(&self.others).entry(*digest).or_insert(value),
        };
    }

    fn remove(&self, digest: &Digest) {
        match digest.sha256() {
            Some(hash) => self.canonical.of(digest).remove(&hash),
            None => lock(&self.others).remove(digest),
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
    use std::sync::Condvar;
    use std::time::Duration;

    use super::*;
    use crate::registry::Registry;
    use crate::stream::Progress;
    use crate::upload;

    #[test]
    fn every_digest_is_found_again_and_no_other() {
        let map = DigestMap::default();
        let tarsum = |digit: &str| format!("tarsum.v1+sha256:{}", digit.repeat(64)).parse().expect("a digest");
        let digests: Vec<Digest> = (0..500_u32).map(|i| Digest::of(&i.to_be_bytes())).chain([tarsum("a")]).collect();
        digests.iter().zip(0..).for_each(|(digest, value)| map.insert(digest, value));
        map.change(&digests[7], |value| *value = 1000);
        // What another thread saw before that changes nothing.
        map.insert(&digests[7], 7);
        map.change(&tarsum("b"), |value| *value = 1000);
        let values: Vec<i32> = digests.iter().filter_map(|digest| map.get(digest)).collect();
        let expected: Vec<i32> = (0..501).map(|value| if value == 7 { 1000 } else { value }).collect();
        assert_eq!(values, expected);
        assert_eq!([tarsum("b"), Digest::of(b"another")].map(|digest| map.get(&digest)), [None, None]);
    }

    #[test]
    fn of_what_is_wrong_only_a_hash_is_remembered() {
        let digest = Digest::of(b"content");
        let corrupt = Stored::Corrupt { found: Digest::of(b"other"), size: 5 };
        let hashed = |stored: Stored| {
            let known = Known::default();
            known.content.insert(&digest, Content { size: 7, is_hashed: false, kind: None });
            known.note_hashed(digest, stored);
            (known.hashed(&digest), known.content.get(&digest).is_some())
        };
        assert_eq!(hashed(Stored::Right), (Some(Stored::Right), true));
        assert_eq!(hashed(corrupt.clone()), (Some(corrupt), true));
        for stored in [Stored::Missing, Stored::Unreadable("denied".to_owned())] {
            assert_eq!(hashed(stored), (None, false));
        }
    }

    #[test]
    fn threads_hash_at_the_same_time() {
        /// Holds each thread that reads until there are two, or it takes too long.
        #[derive(Default)]
        struct Meeting {
            reading: Mutex<usize>,
            changed: Condvar,
        }

        impl Progress for Meeting {
            fn begin(&self, _: &str, _: Option<u64>) {}

            fn advance(&self, _: u64) {
                let mut reading = lock(&self.reading);
                *reading += 1;
                self.changed.notify_all();
                let waited = self.changed.wait_timeout_while(reading, Duration::from_secs(20), |reading| *reading < 2);
                assert!(!waited.expect("no thread has panicked").1.timed_out(), "a thread waits for another");
            }

            fn end(&self) {}
        }

        let root = tempfile::tempdir().expect("a directory");
        let (registry, _) = Registry::create(root.path()).expect("a tree");
        let (now, contents) = (jiff::Timestamp::UNIX_EPOCH, ["one", "two"]);
        let (writer, name) =
            (registry.writer("test", now, Duration::ZERO).expect("no lock"), "app".parse().expect("a name"));
        for content in contents {
            let stored = upload::Put::new("test").store(&writer, &name, content.as_bytes(), now, &Watch::none());
            stored.expect("there is room");
        }
        let (known, meeting) = (Known::default(), Meeting::default());
        std::thread::scope(|scope| {
            for content in contents {
                let (known, watch) = (&known, Watch { progress: &meeting, ..Watch::none() });
                let (tree, digest) = (registry.tree(), Digest::of(content.as_bytes()));
                scope.spawn(move || assert_eq!(known.hash(tree, digest, &watch), Some(Stored::Right)));
            }
        });
    }
}
