//! Writes and reads the journal of a run: one line of JSON for each item, written and synced before the item is moved.
//!
//! A line that can't be read is reported and passed over. A last line without an end is what a crash left, and nothing
//! was moved for it.

use std::collections::HashSet;
use std::fs::File;
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::item::{Item, ItemKind, NotedItem};
use super::record::{Change, NotedChange};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::layout::{self, TreePath};
use crate::stream;
use crate::tree;

const VERSION: u32 = 1;
/// The longest line. A path has at most 4 KiB, and a repository's name is part of it. Each byte takes at most six in
/// JSON.
const LINE_MAX: u64 = 64 * 1024;

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
enum Record {
    Begin {
        run: String,
        kind: String,
        time: Timestamp,
    },
    Take {
        name: String,
        path: String,
        kind: ItemKind,
        form: tree::EntryKind,
        repository: Option<String>,
        digest: Option<String>,
        size: u64,
        time: Timestamp,
    },
    Change {
        path: String,
        digest: Option<String>,
        #[serde(flatten)]
        change: Change,
        time: Timestamp,
    },
    Restore {
        name: String,
        time: Timestamp,
    },
}

#[derive(Debug, Serialize, Deserialize)]
struct Line {
    #[serde(flatten)]
    record: Record,
    schema_version: u32,
}

/// Lines to be written.
#[derive(Debug, Default)]
pub(super) struct Lines(Vec<u8>);

impl Lines {
    pub(super) fn begin(run: &str, kind: &str, time: Timestamp) -> Self {
        let mut lines = Self::default();
        lines.push(Record::Begin { run: run.to_owned(), kind: kind.to_owned(), time });
        lines
    }

    pub(super) fn take(&mut self, noted: &NotedItem, time: Timestamp) {
        let item = &noted.item;
        self.push(Record::Take {
            name: noted.name.clone(),
            path: item.path.to_string(),
            kind: item.kind,
            form: noted.form,
            repository: item.repository.clone(),
            digest: item.digest.map(|digest| digest.to_string()),
            size: item.size,
            time,
        });
    }

    pub(super) fn change(&mut self, changed: &NotedChange, time: Timestamp) {
        self.push(Record::Change {
            path: changed.path.to_string(),
            digest: changed.digest.map(|digest| digest.to_string()),
            change: changed.change.clone(),
            time,
        });
    }

    pub(super) fn restore(&mut self, noted: &NotedItem, time: Timestamp) {
        self.push(Record::Restore { name: noted.name.clone(), time });
    }

    fn push(&mut self, record: Record) {
        serde_json::to_writer(&mut self.0, &Line { record, schema_version: VERSION }).expect("plain values");
        self.0.push(b'\n');
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The content of a journal.
#[derive(Debug, Default)]
pub(super) struct Journal {
    /// The command that made the run, such as `gc`.
    pub(super) kind: Option<String>,
    /// The items that it was to move, in order.
    pub(super) noted: Vec<NotedItem>,
    /// The changes in place that it was to make, in order.
    pub(super) changes: Vec<NotedChange>,
    /// The lines that can't be read.
    pub(super) faults: Vec<Error>,
}

impl Journal {
    pub(super) fn read(file: File, path: &Path) -> Result<Self> {
        let mut journal = Self::default();
        let mut names = HashSet::new();
        for (line, number) in stream::lines(file, LINE_MAX).zip(1..) {
            let read = match line.map_err(|error| Error::io("read", path, error))? {
                stream::Line::Cut => break,
                stream::Line::TooLong => Err("it is too long".to_owned()),
                stream::Line::Whole(line) if line.is_empty() => Ok(()),
                stream::Line::Whole(line) => journal.add(&line, &mut names),
            };
            if let Err(reason) = read {
                journal.faults.push(Error::JournalMalformed { path: path.to_owned(), line: number, reason });
            }
        }
        Ok(journal)
    }

    fn add(&mut self, line: &[u8], names: &mut HashSet<String>) -> Result<(), String> {
        let line: Line = serde_json::from_slice(line).map_err(|error| error.to_string())?;
        if line.schema_version != VERSION {
            return Err(format!("schema_version {} is unknown", line.schema_version));
        }
        match line.record {
            Record::Begin { kind, .. } => self.kind = Some(kind),
            // A look at the quarantine shows what is back.
            Record::Restore { .. } => {}
            Record::Change { path, digest, change, .. } => {
                let (path, digest) = (parse_path(&path)?, parse_digest(digest)?);
                self.changes.push(NotedChange { path, digest, change });
            }
            Record::Take { name, path, kind, form, repository, digest, size, .. } => {
                // Paths are made of all of these values, so they are checked.
                let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
                if name.is_empty() || name.len() > 255 || !name.bytes().all(plain) {
                    return Err(format!("{name:?} is not a name that regtree gives"));
                }
                let (path, digest) = (parse_path(&path)?, parse_digest(digest)?);
                if names.insert(name.clone()) {
                    let item = Item { kind, path, repository, digest, size };
                    self.noted.push(NotedItem { item, name, form });
                }
            }
        }
        Ok(())
    }
}

fn parse_path(path: &str) -> Result<TreePath, String> {
    TreePath::parse(path).filter(may_be_taken).ok_or_else(|| format!("{path:?} is not a path of the tree"))
}

fn parse_digest(text: Option<String>) -> Result<Option<Digest>, String> {
    text.map(|text| text.parse().map_err(|error| format!("{text:?}: {error}"))).transpose()
}

/// Whether the path is inside an area of the tree, and not in the quarantine.
pub(super) fn may_be_taken(path: &TreePath) -> bool {
    path.parent().is_some() && !layout::is_in_quarantine(path)
}
