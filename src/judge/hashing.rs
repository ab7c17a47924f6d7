//! Hashes the content of many digests, several at once on each thread.
//!
//! What the lanes find wrong is hashed once more, alone and by another implementation, before anything is made of it.

use std::fs::File;
use std::io::{self, Read};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::content::{self, BUFFER, Stored};
use crate::digest::hash::Hashed;
use crate::digest::{Digest, Hasher};
use crate::durable::Identity;
use crate::error::{Error, Result};
use crate::lanes::{Hash, Lanes, Queue};
use crate::layout::Entry;
use crate::stream::{self, Silent, Stopping, Watch};
use crate::tree::Tree;

/// The content to hash.
pub(crate) trait Wanted {
    /// The next digest, for a thread that hashes the content of `busy` others. After `None` it is asked again when some of
    /// these is read.
    fn next(&mut self, busy: usize) -> Option<Digest>;

    /// Learns what is stored under a digest and, if that is right, the identity of the file.
    fn judged(&mut self, digest: Digest, stored: Stored, right: Option<Identity>);
}

/// Hashes what is wanted on this thread. `Err(Interrupted)` when a signal came, `Err(HashesDiffer)` when the lanes are
/// wrong.
pub(crate) fn hash_all(tree: &Tree, lanes: &mut Lanes<'_>, wanted: &mut impl Wanted, watch: &Watch<'_>) -> Result<()> {
    let mut hashing = Hashing { tree, wanted, watch, failure: None };
    lanes.run(&mut hashing);
    hashing.failure.map_or(Ok(()), Err)
}

/// Whether a thread that hashes the content of `busy` digests has its share of the `left` ones. The last ones are shared
/// out, so that no processor is idle.
pub(crate) fn has_its_share(busy: usize, left: usize, threads: usize) -> bool {
    busy >= left.div_ceil(threads)
}

/// Hashes `digests` on all threads, and calls `judged` for each. `Err` as from [`hash_all`].
pub(crate) fn hash_on_all_threads(
    tree: &Tree,
    digests: Vec<Digest>,
    lanes: fn() -> Lanes<'static>,
    judged: &(dyn Fn(Digest, Stored) + Sync),
    watch: &Watch<'_>,
) -> Result<()> {
    let threads = rayon::current_num_threads().min(digests.len());
    let (left, pending) = (AtomicUsize::new(digests.len()), Mutex::new(digests));
    let shared = Shared { pending: &pending, left: &left, threads, judged };
    let workers = (0..threads).into_par_iter().with_max_len(1);
    workers.try_for_each(|_| hash_all(tree, &mut lanes(), &mut shared.clone(), watch))
}

/// A thread's share of content that several hash.
#[derive(Clone)]
struct Shared<'s> {
    pending: &'s Mutex<Vec<Digest>>,
    /// How many are not hashed yet.
    left: &'s AtomicUsize,
    threads: usize,
    judged: &'s (dyn Fn(Digest, Stored) + Sync),
}

impl Wanted for Shared<'_> {
    fn next(&mut self, busy: usize) -> Option<Digest> {
        if has_its_share(busy, self.left.load(Ordering::Relaxed), self.threads) {
            return None;
        }
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn judged(&mut self, digest: Digest, stored: Stored, _: Option<Identity>) {
        self.left.fetch_sub(1, Ordering::Relaxed);
        (self.judged)(digest, stored);
    }
}

struct Hashing<'h, W> {
    tree: &'h Tree,
    wanted: &'h mut W,
    watch: &'h Watch<'h>,
    failure: Option<Error>,
}

/// Content that is being read.
struct Opened<'o> {
    digest: Digest,
    identity: Identity,
    file: Stopping<'o, File>,
    watch: &'o Watch<'o>,
}

impl Read for Opened<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read(buffer)?;
        self.watch.progress.advance(n as u64);
        Ok(n)
    }
}

impl<'h, W: Wanted> Queue for Hashing<'h, W> {
    type Blob = Opened<'h>;

    fn next(&mut self, busy: usize) -> Option<Opened<'h>> {
        while self.failure.is_none() {
            let (digest, watch) = (self.wanted.next(busy)?, self.watch);
            if !digest.is_canonical() {
                let judged = content::hash(self.tree, digest, &mut vec![0; BUFFER], watch);
                self.judged(digest, judged);
                continue;
            }
            match content::open(self.tree, &digest) {
                Ok((file, identity)) => {
                    return Some(Opened { digest, identity, file: watch.interrupt.stops(file), watch });
                }
                Err(stored) => self.judged(digest, Ok((stored, None))),
            }
        }
        None
    }

    fn done(&mut self, blob: Opened<'h>, hash: io::Result<Hash>) {
        let judged = match hash {
            Ok(hash) => self.judge(&blob, &Hashed::by_lanes(&hash)),
            Err(error) => content::unread(self.tree, &blob.digest, error, self.watch).map(|stored| (stored, None)),
        };
        self.judged(blob.digest, judged);
    }
}

impl<W: Wanted> Hashing<'_, W> {
    fn judged(&mut self, digest: Digest, judged: Result<(Stored, Option<Identity>)>) {
        match judged {
            Ok((stored, right)) => self.wanted.judged(digest, stored, right),
            Err(error) => self.failure = Some(error),
        }
    }

    fn judge(&self, blob: &Opened<'_>, hashed: &Hashed) -> Result<(Stored, Option<Identity>)> {
        match content::verdict(&blob.digest, hashed) {
            Stored::Right => Ok((Stored::Right, Some(blob.identity))),
            _ => self.judge_again(blob, hashed.canonical()),
        }
    }

    /// Judges wrong content by another hash. A registry may just be writing it. If the file is the same as before, so must
    /// be the hash.
    fn judge_again(&self, blob: &Opened<'_>, first: Digest) -> Result<(Stored, Option<Identity>)> {
        let (tree, digest) = (self.tree, blob.digest);
        let watch = Watch { progress: &Silent, ..self.watch.clone() };
        let (file, identity) = match content::open(tree, &digest) {
            Ok(opened) => opened,
            Err(stored) => return Ok((stored, None)),
        };
        let hashed = match stream::hash(&file, Hasher::new(digest.algorithm()), &mut vec![0; BUFFER], &watch) {
            Ok(hasher) => hasher.finish(),
            Err(error) => return Ok((content::unread(tree, &digest, error, &watch)?, None)),
        };
        let is_same = |now: Identity| now == blob.identity;
        if hashed.canonical() != first && is_same(identity) && Identity::of(&file).is_ok_and(is_same) {
            let path = tree.locate(&Entry::Blob(digest).path());
            return Err(Error::HashesDiffer { path, expected: hashed.canonical(), found: first });
        }
        Ok(content::with_identity(content::verdict(&digest, &hashed), identity))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::digest::Algorithm;
    use crate::registry::Registry;
    use crate::stream::Progress;

    /// All of a list.
    struct List<'l> {
        next: std::iter::Copied<std::slice::Iter<'l, Digest>>,
        judged: Vec<(Digest, Stored, bool)>,
    }

    impl Wanted for List<'_> {
        fn next(&mut self, _: usize) -> Option<Digest> {
            self.next.next()
        }

        fn judged(&mut self, digest: Digest, stored: Stored, right: Option<Identity>) {
            self.judged.push((digest, stored, right.is_some()));
        }
    }

    fn hash(
        tree: &Tree,
        lanes: &mut Lanes<'_>,
        digests: &[Digest],
        watch: &Watch<'_>,
    ) -> Result<Vec<(Digest, Stored, bool)>> {
        let mut list = List { next: digests.iter().copied(), judged: Vec::new() };
        hash_all(tree, lanes, &mut list, watch)?;
        list.judged.sort_unstable_by_key(|(digest, ..)| *digest);
        Ok(list.judged)
    }

    fn tree() -> (tempfile::TempDir, Registry) {
        let root = tempfile::tempdir().unwrap();
        let (registry, _) = Registry::create(root.path()).unwrap();
        (root, registry)
    }

    #[expect(clippy::disallowed_methods, reason = "a test plants content")]
    fn write(path: &Path, content: &[u8]) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let beside = path.with_extension("new");
        std::fs::write(&beside, content).unwrap();
        std::fs::rename(beside, path).unwrap();
    }

    fn place(tree: &Tree, digest: &Digest) -> std::path::PathBuf {
        tree.locate(&Entry::Blob(*digest).path())
    }

    #[test]
    fn several_at_once_are_judged_as_each_alone() {
        let (_root, registry) = tree();
        let tree = registry.tree();
        let long = vec![7; 700_000];
        let sha512 = {
            let mut hasher = Hasher::new([Algorithm::Sha512]);
            hasher.update(b"by another algorithm");
            hasher.finish().by(Algorithm::Sha512).unwrap()
        };
        let [right, empty, corrupt, missing] =
            ["right", "empty", "corrupt", "missing"].map(|it| Digest::of(it.as_bytes()));
        let directory = Digest::of(b"a directory");
        let files: [(Digest, &[u8]); 7] = [
            (right, b"right"),
            (empty, b""),
            (corrupt, b"other"),
            (sha512, b"by another algorithm"),
            (Digest::of(&long), &long),
            (Digest::of(&long[1..]), &long),
            (Digest::of(b""), b""),
        ];
        for (digest, content) in files {
            write(&place(tree, &digest), content);
        }
        write(&place(tree, &directory).join("data"), b"");
        let mut digests: Vec<Digest> = files.iter().map(|(digest, _)| *digest).chain([missing, directory]).collect();
        digests.sort_unstable();
        let alone = digests.iter().map(|digest| {
            let (stored, right) = content::hash(tree, *digest, &mut [0; 1000], &Watch::none()).unwrap();
            (*digest, stored, right.is_some())
        });
        let alone: Vec<_> = alone.collect();
        assert_eq!(hash(tree, &mut Lanes::new(), &digests, &Watch::none()).unwrap(), alone);
        assert_eq!(alone.iter().filter(|(_, stored, _)| *stored == Stored::Right).count(), 4);
    }

    #[test]
    fn lanes_that_are_wrong_are_found_out() {
        let (_root, registry) = tree();
        let (tree, digest) = (registry.tree(), Digest::of(b"content"));
        write(&place(tree, &digest), b"content");
        let error = hash(tree, &mut Lanes::wrong(), &[digest], &Watch::none()).unwrap_err();
        let Error::HashesDiffer { path, expected, found } = &error else { panic!("{error}") };
        assert_eq!((path, *expected), (&place(tree, &digest), digest));
        assert!(error.to_string().contains(&digest.to_string()) && error.to_string().contains(&found.to_string()));
        // Wrong content too, whichever of the two hashes is right.
        write(&place(tree, &digest), b"other");
        let error = hash(tree, &mut Lanes::wrong(), &[digest], &Watch::none()).unwrap_err();
        assert!(matches!(error, Error::HashesDiffer { expected, .. } if expected == Digest::of(b"other")), "{error}");
    }

    #[test]
    fn content_that_is_replaced_meanwhile_is_judged_as_it_is_then() {
        struct Replacing<'r>(&'r Path);

        impl Progress for Replacing<'_> {
            fn begin(&self, _: &str, _: Option<u64>) {}

            fn advance(&self, bytes: u64) {
                if bytes > 0 {
                    write(self.0, b"content");
                }
            }

            fn end(&self) {}
        }

        let (_root, registry) = tree();
        let (tree, digest) = (registry.tree(), Digest::of(b"content"));
        for lanes in [&mut Lanes::new(), &mut Lanes::wrong()] {
            write(&place(tree, &digest), b"not yet");
            let (place, none) = (place(tree, &digest), Watch::none());
            let watch = Watch { progress: &Replacing(&place), ..none };
            assert_eq!(hash(tree, lanes, &[digest], &watch).unwrap(), [(digest, Stored::Right, true)]);
        }
    }
}
