//! Makes the changes of a repair that move nothing. Each is written to the journal first, so that a restore can undo
//! it.
//!
//! A link has only a few bytes. Its old content is written to the journal itself, and the new link is renamed over it.
//! **So at every moment there is a link, the old one or the new one.**

use super::record::{BEFORE_MAX, Change, FormerLink, NotedChange};
use super::run::Run;
use crate::digest::Digest;
use crate::durable::{Access, Sync};
use crate::error::{Error, Result};
use crate::layout::TreePath;

impl Run<'_> {
    /// Makes a directory and those above it. `false` when it exists.
    pub(crate) fn make_directory(&mut self, path: &TreePath) -> Result<bool> {
        let tree = self.writer().tree();
        let mut missing = Vec::new();
        for path in path.ancestors() {
            if tree.metadata(&path)?.is_some() {
                break;
            }
            missing.push(NotedChange { path, digest: None, change: Change::Directory });
        }
        if missing.is_empty() {
            return Ok(false);
        }
        missing.reverse();
        self.note_changes(&missing)?;
        self.writer().make_directory(path)?;
        Ok(true)
    }

    /// Writes a link to `target`. It replaces an existing link.
    pub(crate) fn write_link(&mut self, path: &TreePath, target: Digest) -> Result<()> {
        let writer = self.writer();
        let parent = path.parent().expect("a link is in a directory");
        self.make_directory(&parent)?;
        let before = match (writer.tree().read_small(path, BEFORE_MAX + 1)?, Access::at(writer.tree(), path)?) {
            (Some(content), Some(access)) => {
                if content.len() as u64 > BEFORE_MAX {
                    let reason = format!("{} is too long to be a link", writer.tree().locate(path).display());
                    return Err(Error::Refused { reason });
                }
                Some(FormerLink { content: hex::encode(content), access })
            }
            _ => None,
        };
        let after = target.to_string();
        let change = Change::Link { before, after: after.clone() };
        self.note_changes(&[NotedChange { path: path.clone(), digest: Some(target), change }])?;
        writer.write_small(path, after.as_bytes(), Sync::Now)
    }

    /// Gives a file or directory the mode and owner that a new one in its place would have. `false` when it does not
    /// exist, or already has them.
    pub(crate) fn fix_access(&mut self, path: &TreePath) -> Result<bool> {
        let writer = self.writer();
        let (Some(before), Some(after)) = (Access::at(writer.tree(), path)?, writer.access_of_new(path)?) else {
            return Ok(false);
        };
        if before == after {
            return Ok(false);
        }
        let change = Change::Access { before, after };
        self.note_changes(&[NotedChange { path: path.clone(), digest: None, change }])?;
        writer.set_access(path, after)
    }
}
