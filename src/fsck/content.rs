//! Hashes content on several threads, several blobs at once on each.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rayon::prelude::*;
use rustix::fs::AtFlags;

use super::aliases::{self, Aliases};
use super::blobs::Blobs;
use super::candidate::Blocks;
use super::inspect::Inspector;
use super::ledger::{Condition, Ledger, Notes};
use super::pass::Needed;
use super::repository::RepositoryView;
use super::subset::Subset;
use crate::digest::Digest;
use crate::durable::Identity;
use crate::error::{Error, Result};
use crate::judge::content::Stored;
use crate::judge::hashing::{self, Wanted};
use crate::lanes::Lanes;
use crate::layout::{Area, Entry};
use crate::stream::Watch;
use crate::tree::Tree;

/// The time between two writes of the ledger.
const OFTEN: Duration = Duration::from_secs(50);

/// The content to hash.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Content {
    /// A part of the content, if not all of it.
    pub subset: Option<Subset>,
    /// The seed for a random part.
    pub seed: u64,
    /// When to start no further blob.
    pub deadline: Option<Instant>,
    /// If given, only content after this digest, in the order of digests.
    pub resume_after: Option<Digest>,
    /// If given, only content that was not verified since then, or has changed.
    pub unverified_since: Option<jiff::Timestamp>,
    /// The number of threads that hash. With more threads than processors, some wait for the disk while others hash.
    pub threads: usize,
    /// The current time.
    pub now: jiff::Timestamp,
}

impl Content {
    /// All content, hashed by so many threads.
    pub fn new(now: jiff::Timestamp, threads: usize) -> Self {
        Self { subset: None, seed: 0, deadline: None, resume_after: None, unverified_since: None, threads, now }
    }
}

/// Why hashing ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stop {
    /// A signal came.
    Signal(usize),
    /// The time was over.
    Time,
}

/// The result of hashing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hashed {
    /// The number of blobs that were hashed.
    pub blobs: u64,
    /// The number of their bytes.
    pub bytes: u64,
    /// The seed, if the part was random.
    pub seed: Option<u64>,
    /// The number of blobs that were not read, because they were verified lately.
    pub passed_over: u64,
    /// Why hashing ended early, if it did.
    pub stop: Option<Stop>,
    /// The digest to continue after; `None` when everything was hashed, or nothing.
    pub resume_after: Option<Digest>,
    /// Why the ledger could not be written, if so.
    pub ledger_failure: Option<String>,
}

/// The content to choose from.
pub(super) struct Selection<'s, 't> {
    pub(super) blobs: &'s Blobs<'t>,
    /// The repositories whose aliases count.
    pub(super) repositories: &'s [RepositoryView],
    pub(super) needed: &'s Needed,
    /// Whether to hash only content that is needed.
    pub(super) only_needed: bool,
    /// Content that is already reported as wrong.
    pub(super) reported: HashSet<Digest>,
}

impl Selection<'_, '_> {
    /// The content that can be hashed, with its size. Content that the quarantine gives back was hashed there.
    fn all(&self) -> impl Iterator<Item = (Digest, u64)> {
        let blobs = self.blobs.digests.blobs().map(|name| (self.blobs.digests.digest(name), self.blobs.size(name)));
        let is_known = |digest: &Digest| self.reported.contains(digest) || self.blobs.is_returning(digest);
        let is_open = move |digest: &Digest| !is_known(digest);
        let is_wanted = |digest: &Digest| !self.only_needed || self.needed.contains(self.blobs, digest);
        blobs.filter(move |(digest, _)| is_open(digest) && is_wanted(digest))
    }
}

/// Hashes content, and reports what is wrong and not known yet. A signal is no error, but a reason to stop.
pub(super) fn check(
    inspector: &mut Inspector<'_>,
    selection: &Selection<'_, '_>,
    content: &Content,
    watch: &Watch<'_>,
) -> Result<Hashed> {
    let Selection { blobs, needed, .. } = selection;
    let mut chosen: Vec<(Digest, u64)> = selection.all().collect();
    if let Some(subset) = content.subset {
        chosen = subset.choose(chosen, content.seed);
    }
    if let Some(after) = content.resume_after {
        chosen.retain(|(digest, _)| *digest > after);
    }
    let all = chosen.len();
    if let Some(since) = content.unverified_since {
        let ledger = Ledger::read(inspector.tree, content.now);
        let is_due = |(digest, _): &(Digest, u64)| !ledger.covers(digest, since, || condition(inspector, digest));
        chosen = chosen.into_par_iter().filter(is_due).collect();
    }
    let passed_over = (all - chosen.len()) as u64;
    // In this order an interrupted run can be continued.
    chosen.sort_unstable_by_key(|(digest, _)| *digest);
    let is_there = |digest: &Digest| blobs.digests.find(digest).is_some();
    let pad = Pad::new(inspector.tree, content.now, &is_there);
    let work = Work::new(&chosen, content, watch);
    let Wrong { content: wrong, aliases } = work.run(inspector, &pad, &Aliases::of(selection.repositories))?;
    let seed = content.subset.is_some_and(Subset::is_random).then_some(content.seed);
    let mut hashed = Hashed { passed_over, seed, stop: work.stop(), ..Hashed::default() };
    hashed.blobs = work.items.load(Ordering::Relaxed);
    hashed.bytes = work.bytes.load(Ordering::Relaxed);
    if hashed.stop.is_some() {
        hashed.resume_after = work.done_until().or(content.resume_after);
    }
    for (digest, stored) in wrong.into_iter().filter(|(_, stored)| *stored != Stored::Missing) {
        let finding = stored.finding(inspector.tree, digest, needed.contains(blobs, &digest));
        if let Some(finding) = finding {
            inspector.note(Blocks::Blob(digest), finding);
        }
    }
    aliases::report(inspector, selection.repositories, &aliases, |alias| needed.contains(blobs, alias));
    hashed.ledger_failure = pad.write().err().map(|error| error.to_string());
    Ok(hashed)
}

fn condition(inspector: &Inspector<'_>, digest: &Digest) -> Option<Condition> {
    let area = inspector.tree.area(Area::Blobs).ok()??;
    let path = Entry::Blob(*digest).path();
    let stat = rustix::fs::statat(area, path.below_area(), AtFlags::SYMLINK_NOFOLLOW).ok()?;
    Some(Condition::of_stat(&stat))
}

/// Collects what all threads find, and writes it to the ledger on the way, so that a killed run loses little.
struct Pad<'p> {
    tree: &'p Tree,
    is_there: &'p (dyn Fn(&Digest) -> bool + Sync),
    notes: Mutex<Notes>,
}

impl<'p> Pad<'p> {
    fn new(tree: &'p Tree, now: jiff::Timestamp, is_there: &'p (dyn Fn(&Digest) -> bool + Sync)) -> Self {
        Self { tree, is_there, notes: Mutex::new(Notes::new(now)) }
    }

    /// Notes the identity of a file with right content, or that the content is wrong.
    fn note(&self, digest: &Digest, right: Option<&Identity>) {
        let condition = right.map(Condition::of);
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).note(digest, condition);
    }

    fn write(&self) -> std::io::Result<()> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).write(self.tree, self.is_there)
    }

    /// Writes the ledger at intervals until everything is hashed, because one blob may take hours. Unparked when
    /// hashing is over.
    fn keep_writing(&self, often: Duration, is_over: &AtomicBool) {
        loop {
            std::thread::park_timeout(often);
            if is_over.load(Ordering::Acquire) {
                return;
            }
            // A failure now is no loss: the last write tries again, and reports it.
            let _ = self.write();
        }
    }
}

/// The blobs to hash, which the threads take one after the other.
struct Work<'w> {
    blobs: &'w [(Digest, u64)],
    watch: &'w Watch<'w>,
    deadline: Option<Instant>,
    threads: usize,
    /// The threads that hash at the same time; the others wait.
    running: usize,
    next: AtomicUsize,
    done: Vec<AtomicBool>,
    items: AtomicU64,
    bytes: AtomicU64,
    is_late: AtomicBool,
    failure: Mutex<Option<Error>>,
}

/// Ends the thread that writes the ledger when it is dropped.
struct Over<'o> {
    is_over: &'o AtomicBool,
    writer: Option<std::thread::Thread>,
}

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Release);
        if let Some(writer) = &self.writer {
            writer.unpark();
        }
    }
}

impl<'w> Work<'w> {
    fn new(blobs: &'w [(Digest, u64)], content: &Content, watch: &'w Watch<'w>) -> Self {
        let done = std::iter::repeat_with(AtomicBool::default).take(blobs.len()).collect();
        let (next, items, bytes) = (AtomicUsize::new(0), AtomicU64::new(0), AtomicU64::new(0));
        let (threads, is_late) = (content.threads.max(1), AtomicBool::new(false));
        let running = std::thread::available_parallelism().map_or(threads, |cores| threads.min(cores.get()));
        let (deadline, failure) = (content.deadline, Mutex::new(None));
        Self { blobs, watch, deadline, threads, running, next, done, items, bytes, is_late, failure }
    }

    /// Hashes all blobs. Right content is only noted; wrong content is returned.
    fn run(&self, inspector: &Inspector<'_>, pad: &Pad<'_>, aliases: &Aliases) -> Result<Wrong> {
        let results = Mutex::new(Wrong::default());
        let total = self.blobs.iter().map(|(_, size)| size).sum();
        self.watch.progress.begin("hashing content", Some(total));
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            // The system may refuse a thread. Without the writer the ledger is written at the end only, and this thread
            // hashes in any case.
            let spawn = std::thread::Builder::new;
            let writer = spawn().spawn_scoped(scope, || pad.keep_writing(OFTEN, &is_over));
            let work = || {
                let (tree, wrong) = (inspector.tree, Wrong::default());
                let mut worker = Worker { work: self, tree, pad, aliases, buffer: Vec::new(), wrong };
                if let Err(error) = hashing::hash_all(inspector.tree, &mut Lanes::new(), &mut worker, self.watch) {
                    self.fail(error);
                }
                let mut all = results.lock().unwrap_or_else(PoisonError::into_inner);
                all.content.extend(worker.wrong.content);
                all.aliases.extend(worker.wrong.aliases);
            };
            let threads = self.threads.clamp(1, self.blobs.len().max(1));
            // When this thread panics too, the writer ends and is joined.
            let over = Over { is_over: &is_over, writer: writer.as_ref().ok().map(|writer| writer.thread().clone()) };
            let workers: Vec<_> = (1..threads).map_while(|_| spawn().spawn_scoped(scope, work).ok()).collect();
            work();
            for worker in workers {
                worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            }
            drop(over);
        });
        self.watch.progress.end();
        match self.failure.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(error) => Err(error),
            None => Ok(results.into_inner().unwrap_or_else(PoisonError::into_inner)),
        }
    }

    /// The next blob for a thread that hashes `busy` others, unless hashing has to stop. The first blob is always hashed,
    /// so every run makes progress.
    fn take(&self, busy: usize) -> Option<Digest> {
        let left = self.blobs.len() - usize::try_from(self.items.load(Ordering::Relaxed)).unwrap_or_default();
        if hashing::has_its_share(busy, left, self.running) || self.has_to_stop() {
            return None;
        }
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        let (digest, _) = self.blobs.get(index)?;
        if index > 0 && self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            self.is_late.store(true, Ordering::Relaxed);
            return None;
        }
        Some(*digest)
    }

    fn has_to_stop(&self) -> bool {
        self.watch.interrupt.signal().is_some() || self.failure.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Keeps the first error. That a signal came is none.
    fn fail(&self, error: Error) {
        if !matches!(error, Error::Interrupted { .. }) {
            self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        }
    }

    fn stop(&self) -> Option<Stop> {
        let is_late = self.is_late.load(Ordering::Relaxed);
        self.watch.interrupt.signal().map(Stop::Signal).or(is_late.then_some(Stop::Time))
    }

    /// The last blob before the first that is not done.
    fn done_until(&self) -> Option<Digest> {
        let first = self.done.iter().position(|done| !done.load(Ordering::Relaxed)).unwrap_or(self.done.len());
        Some(self.blobs.get(first.checked_sub(1)?)?.0)
    }
}

/// What is not as its digests say.
#[derive(Default)]
struct Wrong {
    content: Vec<(Digest, Stored)>,
    aliases: Vec<aliases::Judged>,
}

/// One of the threads.
struct Worker<'w> {
    work: &'w Work<'w>,
    tree: &'w Tree,
    pad: &'w Pad<'w>,
    aliases: &'w Aliases,
    buffer: Vec<u8>,
    wrong: Wrong,
}

impl Wanted for Worker<'_> {
    fn next(&mut self, busy: usize) -> Option<Digest> {
        self.work.take(busy)
    }

    fn judged(&mut self, digest: Digest, stored: Stored, right: Option<Identity>) {
        let Self { work, tree, pad, aliases, buffer, wrong } = self;
        let Ok(index) = work.blobs.binary_search_by_key(&digest, |(digest, _)| *digest) else { return };
        // After a signal this blob is not done.
        if right.is_some() && aliases.check(tree, &digest, buffer, work.watch, &mut wrong.aliases).is_err() {
            return;
        }
        work.done[index].store(true, Ordering::Relaxed);
        work.bytes.fetch_add(work.blobs[index].1, Ordering::Relaxed);
        let items = work.items.fetch_add(1, Ordering::Relaxed) + 1;
        work.watch.progress.items(items, Some(work.blobs.len() as u64));
        pad.note(&digest, right.as_ref());
        wrong.content.extend((stored != Stored::Right).then_some((digest, stored)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_hashed_is_noted_before_all_is() {
        let root = tempfile::tempdir().expect("a directory");
        let (registry, _) = crate::registry::Registry::create(root.path()).expect("a tree");
        let pad = Pad::new(registry.tree(), jiff::Timestamp::UNIX_EPOCH, &|_| true);
        pad.note(&Digest::of(b"content"), None);
        let (is_over, ledger) = (AtomicBool::new(false), root.path().join(".regtree/verified/blobs"));
        std::thread::scope(|scope| {
            scope.spawn(|| pad.keep_writing(Duration::from_millis(1), &is_over));
            let began = Instant::now();
            while !ledger.exists() && began.elapsed() < Duration::from_secs(20) {
                std::thread::sleep(Duration::from_millis(1));
            }
            is_over.store(true, Ordering::Release);
        });
        let noted = std::fs::read_to_string(&ledger).expect("a ledger");
        assert!(noted.starts_with(&*Digest::of(b"content").hex()));
    }
}
