//! The ledger `.regtree/verified/blobs` says when each blob was hashed. It has a line for each blob: the condition of
//! the file when its content was right, or that the content was wrong. The ledger is advisory: a line that can't be
//! read only costs reading a blob again.
//!
//! Several runs may note at once. Each adds its notes to the ledger under a lock, and the later note of a blob counts.

use std::collections::HashMap;
use std::fmt::Write;
use std::time::Instant;

use crate::digest::Digest;
use crate::durable::{Identity, Sync, private};
use crate::stream::{self, Line};
use crate::tree::Tree;

const KIND: &str = "verified";
const NAME: &str = "blobs";
/// The longest line: a digest and seven numbers.
const LINE_MAX: u64 = 256;
/// Written instead of a condition when the content was wrong.
const WRONG: &str = "wrong";

/// By how many seconds the time of another run's note may be ahead of a run's own time. Each run counts from its start,
/// but starts to hash only when it has read the whole tree.
const LAG: i64 = 24 * 60 * 60;

/// What runs that hashed content noted, each blob once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// How many blobs were right.
    pub right: u64,
    /// How many were not.
    pub wrong: u64,
    /// When the first of these was hashed.
    pub first: jiff::Timestamp,
    /// When the last was.
    pub last: jiff::Timestamp,
}

/// What is noted of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Noted {
    /// The time, in seconds since 1970.
    when: i64,
    /// The condition of the file when the content was right; `None` when it was wrong.
    condition: Option<Condition>,
}

/// The condition of a file, which changes when the content does. A program that sets a file's modification time back
/// can't set back the time of that change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    size: u64,
    inode: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Condition {
    pub(super) fn of(identity: &Identity) -> Self {
        let (inode, modified) = identity.inode_and_modified();
        Self { size: identity.size, inode, modified, changed: identity.status_changed() }
    }

    pub(super) fn of_stat(stat: &rustix::fs::Stat) -> Self {
        let size = u64::try_from(stat.st_size).unwrap_or_default();
        let time = |seconds, nanoseconds| (seconds, i64::try_from(nanoseconds).unwrap_or_default());
        let modified = time(stat.st_mtime, stat.st_mtime_nsec);
        Self { size, inode: stat.st_ino, modified, changed: time(stat.st_ctime, stat.st_ctime_nsec) }
    }
}

type Entries = HashMap<[u8; 32], Noted>;

/// All notes of earlier runs.
#[derive(Debug, Default)]
pub(super) struct Ledger(Entries);

impl Ledger {
    /// Reads the ledger; it is empty if there is none. Notes later than `now` are ignored.
    pub(super) fn read(tree: &Tree, now: jiff::Timestamp) -> Self {
        let mut entries = read(tree);
        entries.retain(|_, verified| verified.when <= now.as_second());
        Self(entries)
    }

    /// Sums up the notes; `None` without any.
    pub(super) fn sum(&self) -> Option<Verified> {
        let times = || self.0.values().filter_map(|noted| jiff::Timestamp::from_second(noted.when).ok());
        let (first, last) = (times().min()?, times().max()?);
        let right = self.0.values().filter(|noted| noted.condition.is_some()).count() as u64;
        Some(Verified { right, wrong: self.0.len() as u64 - right, first, last })
    }

    /// Whether the content was right after `since`, and the file has not changed since.
    pub(super) fn covers(
        &self,
        digest: &Digest,
        since: jiff::Timestamp,
        condition: impl FnOnce() -> Option<Condition>,
    ) -> bool {
        let known = digest.sha256().and_then(|hash| self.0.get(&hash)).filter(|known| known.when > since.as_second());
        let known = known.and_then(|known| known.condition);
        known.is_some_and(|known| condition() == Some(known))
    }
}

/// The notes that a run adds to the ledger.
#[derive(Debug)]
pub(super) struct Notes {
    began: Instant,
    now: jiff::Timestamp,
    entries: Entries,
}

impl Notes {
    pub(super) fn new(now: jiff::Timestamp) -> Self {
        Self { began: Instant::now(), now, entries: Entries::new() }
    }

    /// Notes that the content was right in this condition, or wrong if there is no condition.
    pub(super) fn note(&mut self, digest: &Digest, condition: Option<Condition>) {
        let when = self.seconds();
        if let Some(hash) = digest.sha256() {
            self.entries.insert(hash, Noted { when, condition });
        }
    }

    /// The current time, in seconds since 1970.
    fn seconds(&self) -> i64 {
        self.now.as_second().saturating_add(i64::try_from(self.began.elapsed().as_secs()).unwrap_or(i64::MAX))
    }

    /// Adds the notes to the ledger, and drops those of content that is gone. After a failure the notes are kept.
    pub(super) fn write(&mut self, tree: &Tree, is_there: impl Fn(&Digest) -> bool) -> std::io::Result<()> {
        if self.entries.is_empty() {
            return Ok(());
        }
        let _lock = private::lock_record(tree, KIND, NAME)?;
        let (mut all, latest) = (read(tree), self.seconds().saturating_add(LAG));
        // Other runs may have noted content that came after this run listed it. A note of the far future is wrong.
        let is_new = |verified: &Noted| verified.when >= self.now.as_second();
        all.retain(|hash, verified| {
            verified.when <= latest && (is_new(verified) || is_there(&Digest::from_sha256(*hash)))
        });
        for (hash, verified) in &self.entries {
            match all.get(hash) {
                Some(known) if known.when > verified.when => {}
                // Of two notes with the same time the worse counts.
                Some(known) if known.when == verified.when && known.condition.is_none() => {}
                _ => drop(all.insert(*hash, *verified)),
            }
        }
        private::write_record(tree, KIND, NAME, text(&all).as_bytes(), Sync::Later)?;
        self.entries.clear();
        Ok(())
    }
}

fn text(entries: &Entries) -> String {
    let mut text = String::new();
    for (hash, Noted { when, condition }) in entries {
        let digest = Digest::from_sha256(*hash);
        let written = match condition {
            None => writeln!(text, "{} {when} {WRONG}", digest.hex()),
            Some(Condition { size, inode, modified, changed }) => {
                let ((modified, n), (changed, m)) = (modified, changed);
                writeln!(text, "{} {when} {size} {inode} {modified} {n} {changed} {m}", digest.hex())
            }
        };
        written.expect("memory takes whatever is written");
    }
    text
}

fn read(tree: &Tree) -> Entries {
    let Some(file) = private::open_record(tree, KIND, NAME) else { return Entries::new() };
    let whole = |line| match line {
        Line::Whole(line) => String::from_utf8(line).ok(),
        Line::Cut | Line::TooLong => None,
    };
    let lines = stream::lines(file, LINE_MAX).map_while(Result::ok).filter_map(whole);
    lines.filter_map(|line| parse(&line)).collect()
}

fn parse(line: &str) -> Option<([u8; 32], Noted)> {
    let mut words = line.split(' ');
    let digest: Digest = format!("sha256:{}", words.next()?).parse().ok()?;
    let when = words.next()?.parse().ok()?;
    let condition = match words.next()? {
        WRONG => None,
        size => {
            let (size, inode) = (size.parse().ok()?, words.next()?.parse().ok()?);
            let mut time = || Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?));
            Some(Condition { size, inode, modified: time()?, changed: time()? })
        }
    };
    words.next().is_none().then_some((digest.sha256()?, Noted { when, condition }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Registry;

    #[test]
    fn a_run_keeps_what_another_noted_whose_clock_counted_further() {
        let root = tempfile::tempdir().expect("a directory");
        let (registry, _) = Registry::create(root.path()).expect("a tree");
        let tree = registry.tree();
        let now = jiff::Timestamp::from_second(1_000_000).expect("a time");
        for (content, later) in [(b"one", 5), (b"two", 0)] {
            let mut notes = Notes::new(now + jiff::SignedDuration::from_secs(later));
            notes.note(&Digest::of(content), None);
            notes.write(tree, |_| true).expect("a ledger");
        }
        assert_eq!(read(tree).len(), 2);
    }
}
