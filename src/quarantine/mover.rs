//! Moves what a deletion takes from the tree to a run, in the deletion's own order.

use std::cell::RefCell;

use super::id::RunId;
use super::item::{Item, ItemKind};
use super::run::Run;
use crate::digest::Digest;
use crate::durable::{ExclusiveRemover, ExclusiveWriter, Remover, Writer};
use crate::error::Result;
use crate::layout::{self, Entry, Item as Part, TreePath};
use crate::repository::link;
use crate::tree::{EntryKind, Tree};

/// A [`Remover`] that removes nothing for good: all that it takes can be [restored](super::Restore).
#[derive(Debug)]
#[must_use = "a run stays, even empty, unless `finish` is called"]
pub struct Mover<'w> {
    writer: &'w ExclusiveWriter<'w>,
    run: RefCell<Run<'w>>,
}

impl<'w> Mover<'w> {
    /// Begins a run at the time `now` for `command`, such as `tag delete`.
    pub fn begin(writer: &'w ExclusiveWriter<'w>, command: &str, now: jiff::Timestamp) -> Result<Self> {
        Ok(Self { writer, run: RefCell::new(Run::begin(writer, command, now)?) })
    }

    /// The name of the run.
    pub(crate) fn run(&self) -> RunId {
        self.run.borrow().id().clone()
    }

    /// Ends the run. Returns its name, unless it took nothing: then it is removed.
    pub fn finish(self) -> Result<Option<RunId>> {
        let run = self.run.into_inner();
        let id = run.id().clone();
        Ok(run.finish()?.then_some(id))
    }

    fn take(&self, path: &TreePath, found: EntryKind) -> Result<bool> {
        let mut run = self.run.borrow_mut();
        let is_taken = run.take_one(item(self.writer.tree(), path, found))?;
        run.sync()?;
        Ok(is_taken)
    }

    fn take_if(&self, path: &TreePath, is_wanted: impl Fn(EntryKind) -> bool) -> Result<bool> {
        match self.writer.tree().metadata(path)? {
            Some(found) if is_wanted(found.kind) => self.take(path, found.kind),
            _ => Ok(false),
        }
    }
}

impl Remover for Mover<'_> {
    fn writer(&self) -> &Writer<'_> {
        self.writer
    }

    fn take_file(&self, path: &TreePath) -> Result<bool> {
        self.take_if(path, |kind| kind != EntryKind::Directory)
    }

    fn take_directory(&self, path: &TreePath) -> Result<()> {
        self.take_if(path, |kind| kind == EntryKind::Directory).map(drop)
    }

    fn take_empty(&self, directories: &[TreePath]) -> Result<()> {
        for path in directories.iter().rev() {
            if self.writer.tree().list(path)?.is_some_and(|listed| !listed.is_empty()) {
                break;
            }
            self.take_directory(path)?;
        }
        Ok(())
    }
}

impl ExclusiveRemover for Mover<'_> {}

/// Whether the command that made a run is one whose run a [`Mover`] filled.
pub(super) fn is_deletion(command: &str) -> bool {
    !matches!(command, "gc" | "repair")
}

/// What is at a path. A link has a digest only if the tree has the content: then a restore waits for it.
fn item(tree: &Tree, path: &TreePath, found: EntryKind) -> Item {
    let entry = Entry::parse(&if found == EntryKind::Directory { path.link() } else { path.clone() });
    let (kind, digest) = match &entry {
        Some(Entry::InRepository { item, .. }) => kind_of(tree, path, item),
        _ => (None, None),
    };
    let kind = kind.unwrap_or(if found == EntryKind::Directory { ItemKind::Directory } else { ItemKind::File });
    let digest = digest.filter(|digest| !kind.is_link() || has_content(tree, digest));
    let size = if kind == ItemKind::File { tree.metadata(path).ok().flatten() } else { None };
    let size = size.map_or(0, |file| file.size);
    let repository = match &entry {
        Some(Entry::InRepository { repository, .. }) => repository.to_string(),
        _ => layout::repository_of(path),
    };
    Item { repository: Some(repository), digest, size, ..Item::new(kind, path.clone()) }
}

fn kind_of(tree: &Tree, path: &TreePath, part: &Part) -> (Option<ItemKind>, Option<Digest>) {
    match part {
        Part::TagCurrent(_) => (Some(ItemKind::Tag), link::read(tree, path).ok().flatten().and_then(Result::ok)),
        Part::TagIndex(_, digest) => (Some(ItemKind::TagIndex), Some(*digest)),
        Part::RevisionLink(digest) => (Some(ItemKind::Revision), Some(*digest)),
        Part::LayerLink(digest) => (Some(ItemKind::LayerLink), Some(*digest)),
        // The parts of an upload are taken one by one, so its directory has to be back before them.
        Part::UploadStartedAt(_) | Part::UploadData(_) | Part::HashState { .. } | Part::SignatureLink { .. } => {
            (None, None)
        }
    }
}

/// Content that can't be looked at counts as present.
fn has_content(tree: &Tree, digest: &Digest) -> bool {
    !matches!(tree.metadata(&Entry::Blob(*digest).path()), Ok(None))
}
