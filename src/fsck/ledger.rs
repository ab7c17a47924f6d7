//! Which blob was hashed when, in `.regtree/verified/blobs`: a line for each, with what tells whether the file is still
//! the one that was hashed. It is advisory: what can't be read in it costs reading a blob again.

use std::collections::HashMap;
use std::fmt::Write;
use std::io::{BufRead, BufReader};

use crate::digest::Digest;
use crate::durable::{Identity, Sync, private};
use crate::tree::Tree;

const KIND: &str = "verified";
const NAME: &str = "blobs";

/// What a file was like when its content was right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verified {
    /// In seconds since 1970.
    when: i64,
    condition: Condition,
}

/// What changes when content does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    size: u64,
    inode: u64,
    modified: (i64, i64),
}

impl Condition {
    pub(super) fn of(identity: &Identity) -> Self {
        let (inode, modified) = identity.inode_and_modified();
        Self { size: identity.size, inode, modified }
    }

    pub(super) fn of_stat(stat: &rustix::fs::Stat) -> Self {
        let size = u64::try_from(stat.st_size).unwrap_or_default();
        let nanoseconds = i64::try_from(stat.st_mtime_nsec).unwrap_or_default();
        Self { size, inode: stat.st_ino, modified: (stat.st_mtime, nanoseconds) }
    }
}

/// All that was verified.
#[derive(Debug, Default)]
pub(super) struct Ledger(HashMap<[u8; 32], Verified>);

impl Ledger {
    /// As it was left; empty where there is none.
    pub(super) fn read(tree: &Tree) -> Self {
        let Some(file) = private::open_record(tree, KIND, NAME) else { return Self::default() };
        let lines = BufReader::new(file).lines().map_while(Result::ok);
        Self(lines.filter_map(|line| parse(&line)).collect())
    }

    /// Whether `digest` was right after `since`, and nothing changed since.
    pub(super) fn covers(
        &self,
        digest: &Digest,
        since: jiff::Timestamp,
        condition: impl FnOnce() -> Option<Condition>,
    ) -> bool {
        let known = digest.sha256().and_then(|hash| self.0.get(&hash));
        known.is_some_and(|known| known.when > since.as_second() && condition() == Some(known.condition))
    }

    /// Notes that `digest` was right.
    pub(super) fn note(&mut self, digest: &Digest, when: jiff::Timestamp, condition: Condition) {
        if let Some(hash) = digest.sha256() {
            self.0.insert(hash, Verified { when: when.as_second(), condition });
        }
    }

    /// Forgets what was found wrong.
    pub(super) fn forget(&mut self, digest: &Digest) {
        if let Some(hash) = digest.sha256() {
            self.0.remove(&hash);
        }
    }

    /// Writes it, less what is gone.
    pub(super) fn write(&self, tree: &Tree, is_there: impl Fn(&Digest) -> bool) -> std::io::Result<()> {
        let mut text = String::new();
        for (hash, verified) in &self.0 {
            let digest = Digest::from_sha256(*hash);
            if is_there(&digest) {
                let Verified { when, condition: Condition { size, inode, modified } } = verified;
                let line = writeln!(text, "{} {when} {size} {inode} {} {}", digest.hex(), modified.0, modified.1);
                line.expect("memory takes whatever is written");
            }
        }
        private::write_record(tree, KIND, NAME, text.as_bytes(), Sync::Later)
    }
}

fn parse(line: &str) -> Option<([u8; 32], Verified)> {
    let mut words = line.split(' ');
    let digest: Digest = format!("sha256:{}", words.next()?).parse().ok()?;
    let when = words.next()?.parse().ok()?;
    let (size, inode) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let modified = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let condition = Condition { size, inode, modified };
    words.next().is_none().then_some((digest.sha256()?, Verified { when, condition }))
}
