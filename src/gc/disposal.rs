//! Removes for good, or by a move to the quarantine.

use std::collections::HashMap;

use super::action::{Action, Kind};
use crate::durable::{ExclusiveWriter, OpenDirectory, Sync};
use crate::error::Result;
use crate::layout::{self, Area, TreePath};
use crate::quarantine::{BlobParts, Item, ItemKind, NotedItem, Run, RunId};
use crate::tree::Tree;
use crate::upload;

/// How many items are removed before the caller hears of it, and may stop.
const AT_ONCE: usize = 1024;

pub(super) enum Disposal<'w> {
    Removal(&'w ExclusiveWriter<'w>),
    /// By moves to a run of the quarantine, with all that may be moved by its path.
    Quarantine(Run<'w>, HashMap<TreePath, NotedItem>),
}

impl<'w> Disposal<'w> {
    /// Begins a run of the quarantine, and writes `actions` to its journal.
    pub(super) fn quarantine<'a>(
        writer: &'w ExclusiveWriter<'w>,
        now: jiff::Timestamp,
        actions: impl Iterator<Item = &'a Action>,
    ) -> Result<Self> {
        let mut run = Run::begin(writer, "gc", now)?;
        let noted = match run.note(actions.flat_map(|action| items(writer.tree(), action))) {
            Ok(noted) => noted,
            Err(error) => return Err(run.give_up(error)),
        };
        let by_path = noted.into_iter().map(|noted| (noted.item.path.clone(), noted)).collect();
        Ok(Self::Quarantine(run, by_path))
    }

    /// The id of the run of the quarantine.
    pub(super) fn run(&self) -> Option<RunId> {
        match self {
            Self::Removal(_) => None,
            Self::Quarantine(run, _) => Some(run.id().clone()),
        }
    }

    /// How many items of a kind may be removed at once.
    pub(super) fn at_once(&self, kind: Kind) -> usize {
        match (self, kind) {
            (Self::Removal(_), Kind::TagHistory | Kind::Revision | Kind::LayerLink | Kind::Blob) => AT_ONCE,
            _ => 1,
        }
    }

    /// Takes the directory of a link or of content. Files of others in a blob's directory stay, with the directory.
    pub(super) fn opened(&mut self, action: &Action, directory: OpenDirectory<'_>) -> Result<bool> {
        match self {
            Self::Removal(_) => remove(action.kind, directory).map(|()| true),
            Self::Quarantine(..) => Ok(self.directory(&action.path)? || self.directory(&action.path.data())?),
        }
    }

    /// Removes a tag. Its history goes first: a tag with a history and nothing else keeps all that the history names.
    pub(super) fn tag(&mut self, path: &TreePath) -> Result<bool> {
        if let Self::Removal(writer) = self {
            writer.remove_directory(&path.history(), Sync::Later)?;
        }
        self.directory(path)
    }

    pub(super) fn upload(&mut self, path: &TreePath) -> Result<bool> {
        match self {
            Self::Removal(writer) => upload::remove(writer, path).map(|()| true),
            Self::Quarantine(..) => self.directory(path),
        }
    }

    /// Removes a directory with everything in it. Returns `false` when it is not there.
    pub(super) fn directory(&mut self, path: &TreePath) -> Result<bool> {
        match self {
            Self::Removal(writer) => writer.remove_directory(path, Sync::Later).map(|()| true),
            Self::Quarantine(run, noted) => match noted.get(path) {
                Some(noted) => run.take(noted),
                None => Ok(false),
            },
        }
    }

    /// Removes a directory that contains only directories. When a file was added meanwhile, file and directory are
    /// kept.
    pub(super) fn empty_directories(&mut self, path: &TreePath) -> Result<()> {
        match self {
            Self::Removal(writer) => writer.remove_empty_directories(path),
            Self::Quarantine(..) => self.directory(path).map(drop),
        }
    }

    /// Syncs, and returns the id of the run, if the run moved anything.
    pub(super) fn finish(self) -> Result<Option<RunId>> {
        match self {
            Self::Removal(_) => Ok(None),
            Self::Quarantine(run, _) => {
                let id = run.id().clone();
                Ok(run.finish()?.then_some(id))
            }
        }
    }
}

/// Removes the directory of a link or of content. Files of others in a blob's directory stay, with the directory.
pub(super) fn remove(kind: Kind, directory: OpenDirectory<'_>) -> Result<()> {
    if kind != Kind::Blob {
        // The link goes first: without it the rest of the directory means nothing.
        directory.remove_file(layout::LINK)?;
        return directory.remove();
    }
    let mut listed = directory.list()?;
    listed.sort_by_key(|entry| entry.name != layout::DATA);
    for entry in listed.iter().filter(|entry| BlobParts::is_own(entry)) {
        directory.remove_file(&entry.name)?;
    }
    if listed.iter().all(BlobParts::is_own) { directory.remove_empty() } else { Ok(()) }
}

/// What an action moves. An empty directory for a blob is not moved, because a restore makes the directories it needs.
fn items(tree: &Tree, action: &Action) -> Vec<Item> {
    let kind = match action.kind {
        Kind::Tag => ItemKind::Tag,
        Kind::TagHistory => ItemKind::TagIndex,
        Kind::Revision => ItemKind::Revision,
        Kind::LayerLink => ItemKind::LayerLink,
        Kind::Blob => ItemKind::Blob,
        Kind::Upload => ItemKind::Upload,
        Kind::Directory if action.path.area() == Area::Blobs => return Vec::new(),
        Kind::Directory | Kind::Repository => ItemKind::Directory,
    };
    let paths = match action.kind {
        // Registries need all three folders of a repository, so a restore brings them back with the directories in
        // them.
        Kind::Repository => layout::own_folders(&action.path),
        Kind::Blob => action.digest.iter().map(|digest| BlobParts::path(tree, digest)).collect(),
        _ => vec![action.path.clone()],
    };
    let item = |path| {
        let repository = action.repository.as_deref().map(str::to_owned);
        Item { repository, digest: action.digest, size: action.size, ..Item::new(kind, path) }
    };
    paths.into_iter().map(item).collect()
}
