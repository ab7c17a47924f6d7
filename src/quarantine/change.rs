//! What a repair changes in its place, written down before it is done, so that a restore takes it back.
//!
//! A link is a few bytes: what it held is written to the journal itself, and the new one renamed over it. So at every
//! moment there is a link, the old one or the new.

use std::io::ErrorKind;

use serde::{Deserialize, Serialize};

use super::take::Run;
use crate::digest::Digest;
use crate::durable::{Access, Sync, Writer};
use crate::error::{Error, Result};
use crate::layout::TreePath;
use crate::tree::{Kind, Tree};

/// So much of what lay in a link's place goes into a line of the journal: more than any link has.
const BEFORE_MAX: u64 = 16 * 1024;

/// A change of what lies somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Changed {
    pub(super) path: TreePath,
    /// The digest that it is about.
    pub(super) digest: Option<Digest>,
    pub(super) change: Change,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "kebab-case")]
pub(super) enum Change {
    /// A directory was made.
    Directory,
    /// A link was written.
    Link { before: Option<Before>, after: String },
    /// Mode and owner were set.
    Access { before: Access, after: Access },
}

/// What was in the place of a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Before {
    /// The bytes, in hex digits: they need be no text.
    content: String,
    access: Access,
}

impl Run<'_> {
    /// Makes a directory, with those above it. `false` when it is there.
    pub fn make_directory(&mut self, path: &TreePath) -> Result<bool> {
        let tree = self.writer().tree();
        let mut missing = Vec::new();
        for path in std::iter::successors(Some(path.clone()), TreePath::parent) {
            if tree.metadata(&path)?.is_some() {
                break;
            }
            missing.push(Changed { path, digest: None, change: Change::Directory });
        }
        if missing.is_empty() {
            return Ok(false);
        }
        missing.reverse();
        self.note_changes(&missing)?;
        self.writer().make_directory(path)?;
        Ok(true)
    }

    /// Writes a link to `target`, in place of any that is there.
    pub fn write_link(&mut self, path: &TreePath, target: Digest) -> Result<()> {
        let writer = self.writer();
        let parent = path.parent().expect("a link lies in a directory");
        self.make_directory(&parent)?;
        let before = match (writer.tree().read_small(path, BEFORE_MAX + 1)?, Access::at(writer.tree(), path)?) {
            (Some(content), Some(access)) => {
                if content.len() as u64 > BEFORE_MAX {
                    let reason = format!("{} is too long to be a link", writer.tree().locate(path).display());
                    return Err(Error::Refused { reason });
                }
                Some(Before { content: hex::encode(content), access })
            }
            _ => None,
        };
        let after = target.to_string();
        let change = Change::Link { before, after: after.clone() };
        self.note_changes(&[Changed { path: path.clone(), digest: Some(target), change }])?;
        writer.write_small(path, after.as_bytes(), Sync::Now)
    }

    /// Gives a file or directory the mode and owner that a new one there would have. `false` when it isn't there, or has
    /// them.
    pub fn fix_access(&mut self, path: &TreePath) -> Result<bool> {
        let writer = self.writer();
        let (Some(before), Some(after)) = (Access::at(writer.tree(), path)?, writer.access_of_new(path)?) else {
            return Ok(false);
        };
        if before == after {
            return Ok(false);
        }
        let change = Change::Access { before, after };
        self.note_changes(&[Changed { path: path.clone(), digest: None, change }])?;
        writer.set_access(path, after)
    }
}

impl Changed {
    /// The word for it.
    pub(super) fn name(&self) -> &'static str {
        match self.change {
            Change::Directory => "made",
            Change::Link { .. } => "written",
            Change::Access { .. } => "access",
        }
    }

    /// Whether it is taken back only after all else: who can't read a directory can't put anything back into it.
    pub(super) fn is_last(&self) -> bool {
        matches!(self.change, Change::Access { .. })
    }

    /// Whether it was done, and nobody has changed it again since.
    pub(super) fn stands(&self, tree: &Tree) -> Result<bool> {
        let path = &self.path;
        match &self.change {
            Change::Directory => {
                let is_there = tree.metadata(path)?.is_some_and(|found| found.kind == Kind::Directory);
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

    /// Takes it back, if it stands. `false` when it does not.
    pub(super) fn undo(&self, writer: &Writer<'_>) -> Result<bool> {
        if !self.stands(writer.tree())? {
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
