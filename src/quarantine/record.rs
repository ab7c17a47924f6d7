//! Describes a change in place as the journal records it: the old state, the new state, and how to undo it.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::durable::{Access, ExclusiveWriter, Sync};
use crate::error::{Error, Result};
use crate::judge::content::{self, Stored};
use crate::layout::{Entry, Item, TreePath};
use crate::repository::link;
use crate::stream::Watch;
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

    /// The mode and owner that something had before, if these were changed.
    pub(super) fn access_before(&self) -> Option<Access> {
        match self.change {
            Change::Access { before, .. } => Some(before),
            Change::Directory | Change::Link { .. } => None,
        }
    }

    /// Whether it is undone after everything else: nothing can be put back into a directory that can't be read.
    pub(super) fn is_last(&self) -> bool {
        matches!(self.change, Change::Access { .. })
    }

    /// Whether the change was made, and its result is still there.
    pub(super) fn is_in_place(&self, tree: &Tree) -> Result<bool> {
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

    /// Whether there is something to undo. `Err(NotUndone)` when what the journal says must not be done.
    ///
    /// **A journal is not trusted**: whoever may write to the tree can write one, and a restore may run as root. So no
    /// file or directory gets an owner or a bit that the directory above does not have, and no link is written that
    /// could not be right.
    pub(super) fn can_be_undone(&self, tree: &Tree) -> Result<bool> {
        if !self.is_in_place(tree)? {
            return Ok(false);
        }
        let stays = |reason: String| Err(Error::NotUndone { path: tree.locate(&self.path), reason });
        match &self.change {
            Change::Directory => Ok(true),
            Change::Link { before, .. } => {
                let Some(Entry::InRepository { item, .. }) = Entry::parse(&self.path) else {
                    return stays("it is not the path of a link".to_owned());
                };
                match before.as_ref().map(|before| right_link(tree, &item, &before.content)).transpose()? {
                    None | Some(Some(_)) => Ok(true),
                    Some(None) => stays("the link was broken before it was repaired".to_owned()),
                }
            }
            Change::Access { before, .. } => {
                let (Some(found), Some(parent)) = (tree.metadata(&self.path)?, self.path.parent()) else {
                    return Ok(false);
                };
                match Access::at(tree, &parent)? {
                    Some(above) if before.is_within(above, found.kind) => Ok(true),
                    Some(above) => stays(format!("it had {before}, and the directory above has {above}")),
                    None => Ok(false),
                }
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
                let content = hex::decode(&before.content).unwrap_or_default();
                writer.write_small(&self.path, &content, Sync::Now)?;
            }
            Change::Access { before, .. } => drop(writer.set_access(&self.path, *before)?),
        }
        Ok(true)
    }
}

/// The digest in a former link (in hex), if a link of that kind may have it: the digest of its path, or for a tag that
/// of a whole blob.
fn right_link(tree: &Tree, item: &Item, content: &str) -> Result<Option<Digest>> {
    let text = hex::decode(content).ok().and_then(|content| String::from_utf8(content).ok());
    let Some(target) = text.and_then(|text| text.parse::<Digest>().ok()) else { return Ok(None) };
    Ok(match item {
        Item::LayerLink(key) => link::check_layer(key, target).ok(),
        Item::RevisionLink(key) | Item::TagIndex(_, key) | Item::SignatureLink { signature: key, .. } => {
            link::check_manifest(key, target).ok()
        }
        Item::TagCurrent(_) => {
            let mut buffer = vec![0; content::BUFFER];
            let (stored, _) = content::hash(tree, target, &mut buffer, &Watch::none())?;
            (stored == Stored::Right).then_some(target)
        }
        Item::UploadStartedAt(_) | Item::UploadData(_) | Item::HashState { .. } => None,
    })
}
