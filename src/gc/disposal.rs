//! What becomes of what goes: it is removed, or moved to the quarantine.

use std::collections::HashMap;

use super::action::{Action, Kind};
use crate::durable::{ExclusiveWriter, Sync};
use crate::error::Result;
use crate::layout::{self, Area, TreePath};
use crate::quarantine::{Item, ItemKind, Noted, Run, RunId};
use crate::upload;

/// Where things go.
pub(super) enum Disposal<'w> {
    /// Nowhere.
    Removal(&'w ExclusiveWriter<'w>),
    /// A run of the quarantine, which knows all that may go by its path.
    Quarantine(Run<'w>, HashMap<TreePath, Noted>),
}

impl<'w> Disposal<'w> {
    /// Begins a run of the quarantine, with `actions` in its journal.
    pub(super) fn quarantine<'a>(
        writer: &'w ExclusiveWriter<'w>,
        now: jiff::Timestamp,
        actions: impl Iterator<Item = &'a Action>,
    ) -> Result<Self> {
        let mut run = Run::begin(writer, "gc", now)?;
        let noted = match run.note(actions.flat_map(items)) {
            Ok(noted) => noted,
            Err(error) => return Err(run.give_up(error)),
        };
        let by_path = noted.into_iter().map(|noted| (noted.item.path.clone(), noted)).collect();
        Ok(Self::Quarantine(run, by_path))
    }

    /// What the run of the quarantine is called.
    pub(super) fn run(&self) -> Option<RunId> {
        match self {
            Self::Removal(_) => None,
            Self::Quarantine(run, _) => Some(run.id().clone()),
        }
    }

    /// Takes away a link's directory. Without the link the rest of it is nothing, so that goes first.
    pub(super) fn link(&mut self, path: &TreePath) -> Result<bool> {
        if let Self::Removal(writer) = self {
            writer.remove_file(&path.link(), Sync::Later)?;
        }
        self.directory(path)
    }

    /// Takes away an upload.
    pub(super) fn upload(&mut self, path: &TreePath) -> Result<bool> {
        match self {
            Self::Removal(writer) => upload::remove(writer, path).map(|()| true),
            Self::Quarantine(..) => self.directory(path),
        }
    }

    /// Takes away a directory with all that is in it. `false` when it is not there.
    pub(super) fn directory(&mut self, path: &TreePath) -> Result<bool> {
        match self {
            Self::Removal(writer) => writer.remove_directory(path, Sync::Later).map(|()| true),
            Self::Quarantine(run, noted) => match noted.get(path) {
                Some(noted) => run.take(noted),
                None => Ok(false),
            },
        }
    }

    /// Takes away a directory in which there are only directories: where a file came to be in it, it stays with that.
    pub(super) fn hollow(&mut self, path: &TreePath) -> Result<()> {
        match self {
            Self::Removal(writer) => writer.remove_hollow(path),
            Self::Quarantine(..) => self.directory(path).map(drop),
        }
    }

    /// Syncs, and returns what the run is called, if there is anything in it.
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

/// What an action moves: not what is empty in any case, which a restore makes as it goes.
fn items(action: &Action) -> Vec<Item> {
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
        // Registries want all three of a repository, so they come back with what was in them.
        Kind::Repository => layout::own_folders(&action.path),
        _ => vec![action.path.clone()],
    };
    let item = |path| {
        let repository = action.repository.as_deref().map(str::to_owned);
        Item { repository, digest: action.digest, size: action.size, ..Item::new(kind, path) }
    };
    paths.into_iter().map(item).collect()
}
