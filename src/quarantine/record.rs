//! Describes a change in place as the journal records it: the old state, the new state, and how to undo it.

use std::io::ErrorKind;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::durable::{Access, ExclusiveWriter, Sync};
use crate::error::{Error, Result};
use crate::layout::TreePath;
use crate::tree::{EntryKind, Tree};

/// The most bytes of an old link that a line of the journal holds. No link has as many.
pub(super) const BEFORE_MAX: u64 = 16 * 1024;

/// A change in place that a journal names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NotedChange {
    pub(super) path: TreePath,
    /// The digest that the change is for; a restore can be limited to it.
    pub(super) digest: Option<Digest>,
    pub(super) change: Change,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "kebab-case")]
pub(super) enum Change {
    /// A directory was made.
    Directory,
    /// A link was written.
    Link { before: Option<FormerLink>, after: String },
    /// Mode and owner were set.
    Access { before: Access, after: Access },
}

/// What was in the place of a link before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FormerLink {
    /// The bytes in hex, because they may not be text.
    pub(super) content: String,
    pub(super) access: Access,
}

impl NotedChange {
    /// The word for this change.
    pub(super) fn name(&self) -> &'static str {
        match self.change {
            Change::Directory => "made",
            Change::Link { .. } => "written",
            Change::Access { .. } => "access",
        }
    }

    /// Whether it is undone after everything else: nothing can be put back into a directory that can't be read.
    pub(super) fn is_last(&self) -> bool {
        matches!(self.change, Change::Access { .. })
    }

    /// Whether the change was made, and its result is still there.
    pub(super) fn can_be_undone(&self, tree: &Tree) -> Result<bool> {
        let path = &self.path;
        match &self.change {
            Change::Directory => {
                let is_there = tree.metadata(path)?.is_some_and(|found| found.kind == EntryKind::Directory);
                Ok(is_there && tree.list(path)?.is_some_and(|listed| listed.is_empty()))
            }
            Change::Link { after, before } => {
                let content = tree.read_small(path, BEFORE_MAX + 1)?;
                let is_new = before.as_ref().is_none_or(|before| before.content != hex::encode(after));
                Ok(is_new && content.is_some_and(|content| content == after.as_bytes()))
            }
            Change::Access { before, after } => {
                Ok(Access::at(tree, path)?.is_some_and(|found| found.is_on_the_way(*before, *after)))
            }
        }
    }

    /// Undoes the change, if its result is still there. `false` when it is not.
    pub(super) fn undo(&self, writer: &ExclusiveWriter<'_>) -> Result<bool> {
        if !self.can_be_undone(writer.tree())? {
            return Ok(false);
        }
        match &self.change {
            Change::Directory => writer.unmake_directories(std::slice::from_ref(&self.path))?,
            Change::Link { before: None, .. } => drop(writer.remove_file(&self.path, Sync::Now)?),
            Change::Link { before: Some(before), .. } => {
                let content = hex::decode(&before.content).map_err(|error| self.garbled(writer.tree(), &error))?;
                writer.write_small(&self.path, &content, Sync::Now)?;
                writer.set_access(&self.path, before.access)?;
            }
            Change::Access { before, .. } => drop(writer.set_access(&self.path, *before)?),
        }
        Ok(true)
    }

    fn garbled(&self, tree: &Tree, error: &hex::FromHexError) -> Error {
        Error::io("restore", tree.locate(&self.path), std::io::Error::new(ErrorKind::InvalidData, error.to_string()))
    }
}
