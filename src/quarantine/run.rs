//! Moves items out of the tree.

use super::id::RunId;
use super::item::{Item, ItemKind, NotedItem};
use super::journal::{Lines, may_be_taken};
use super::record::NotedChange;
use super::run_directory::{Home, RunDirectory};
use crate::durable::{ExclusiveWriter, Moved};
use crate::error::{Error, Result};
use crate::layout::{self, Area, TreePath};
use crate::tree::EntryKind;

/// A run that fills the quarantine.
///
/// [`Run::note`] writes many items to the journal with one sync, [`Run::take`] moves one of them, and [`Run::sync`]
/// syncs all moves. [`Run::finish`] ends the run, and removes it if it took nothing.
#[derive(Debug)]
#[must_use = "a run stays, even empty, unless `finish` is called"]
pub struct Run<'w> {
    writer: &'w ExclusiveWriter<'w>,
    directory: RunDirectory<'w>,
    now: jiff::Timestamp,
    /// The number of names that were given.
    names: u64,
    /// Whether anything was changed in place. Then the journal is needed to undo it, and the run stays.
    has_changes: bool,
}

impl<'w> Run<'w> {
    /// Begins a run at the time `now`. `kind` is the command, such as `gc`.
    pub fn begin(writer: &'w ExclusiveWriter<'w>, kind: &str, now: jiff::Timestamp) -> Result<Self> {
        loop {
            let id = RunId::random(now);
            if !writer.make_run(id.as_str())? {
                continue;
            }
            let directory = RunDirectory::find_run(writer.tree(), &id)?;
            let run = Self { writer, directory, now, names: 0, has_changes: false };
            return match run.write(&Lines::begin(id.as_str(), kind, now)) {
                Ok(()) => Ok(run),
                Err(error) => Err(run.give_up(error)),
            };
        }
    }

    /// Ends a run that has moved nothing, and returns `error`, the reason. Only that is reported: if the run stays, it
    /// is empty.
    pub(crate) fn give_up(self, error: Error) -> Error {
        let _ = self.finish();
        error
    }

    /// The name of the run.
    pub fn id(&self) -> &RunId {
        &self.directory.id
    }

    /// Writes the items that are going to be taken to the journal, and syncs it. Items that do not exist are left out.
    pub fn note(&mut self, items: impl IntoIterator<Item = Item>) -> Result<Vec<NotedItem>> {
        let mut lines = Lines::default();
        let mut all = Vec::new();
        for item in items {
            if let Some(noted) = self.name(item)? {
                lines.take(&noted, self.now);
                all.push(noted);
            }
        }
        if !all.is_empty() {
            self.write(&lines)?;
        }
        Ok(all)
    }

    /// Moves an item that was noted. `false` when it does not exist any more.
    ///
    /// `Err(Io)` when the item is on another file system than the root and its area. Then it stays in its place.
    pub fn take(&mut self, noted: &NotedItem) -> Result<bool> {
        match self.move_to(Home::Private, &noted.item.path, &noted.name)? {
            Moved::Done => Ok(true),
            Moved::Gone => Ok(false),
            Moved::Occupied => {
                let again = self.renamed(noted)?;
                self.take(&again)
            }
            Moved::CrossDevice => self.take_beside(noted),
        }
    }

    /// Moves the content of a blob that was noted, and that is now in another file beside its place.
    pub(crate) fn take_content(&mut self, noted: &NotedItem, file: &TreePath) -> Result<()> {
        self.writer.make_directory(&self.directory.beside(file.area()))?;
        self.take_flat(file, noted)
    }

    /// Notes one item and moves it.
    pub fn take_one(&mut self, item: Item) -> Result<bool> {
        match self.note([item])?.first() {
            Some(noted) => self.take(noted),
            None => Ok(false),
        }
    }

    /// Syncs all moves.
    pub fn sync(&self) -> Result<()> {
        self.writer.sync_moves(self.directory.home_found(Home::Private)?)
    }

    /// Syncs, and removes the run if it took and changed nothing. `true` when it stays.
    pub fn finish(self) -> Result<bool> {
        self.sync()?;
        Ok(self.has_changes || !self.writer.remove_empty_run(self.directory.id.as_str())?)
    }

    pub(super) fn writer(&self) -> &'w ExclusiveWriter<'w> {
        self.writer
    }

    /// Writes the changes that are going to be made to the journal, and syncs it.
    pub(super) fn note_changes(&mut self, changes: &[NotedChange]) -> Result<()> {
        let mut lines = Lines::default();
        for changed in changes {
            lines.change(changed, self.now);
        }
        self.has_changes = true;
        self.write(&lines)
    }

    fn write(&self, lines: &Lines) -> Result<()> {
        self.writer.append_to_journal(self.directory.handle(), &self.directory.journal_path(), lines.as_bytes())
    }

    fn name(&mut self, item: Item) -> Result<Option<NotedItem>> {
        let tree = self.writer.tree();
        if !may_be_taken(&item.path) {
            let reason = format!("{} is not a part of the tree that can be moved", tree.locate(&item.path).display());
            return Err(Error::Refused { reason });
        }
        let Some(found) = tree.metadata(&item.path)? else { return Ok(None) };
        let name = match (item.kind, &item.digest) {
            (ItemKind::Blob, Some(digest)) => layout::quarantined_blob(digest),
            _ => self.unique(item.kind.name()),
        };
        Ok(Some(NotedItem { item, name, form: found.kind }))
    }

    fn unique(&mut self, name: &str) -> String {
        self.names += 1;
        format!("{:06}-{name}", self.names)
    }

    /// Notes an item again under another name. Its name is in use if a blob was taken, came back, and is taken again.
    fn renamed(&mut self, noted: &NotedItem) -> Result<NotedItem> {
        let noted = NotedItem { name: self.unique(&noted.name), ..noted.clone() };
        let mut lines = Lines::default();
        lines.take(&noted, self.now);
        self.write(&lines)?;
        Ok(noted)
    }

    fn move_to(&self, home: Home, from: &TreePath, name: &str) -> Result<Moved> {
        self.writer.move_aside(from, self.directory.home_found(home)?, name)
    }

    /// Moves an item to the quarantine of its area.
    fn take_beside(&mut self, noted: &NotedItem) -> Result<bool> {
        let path = &noted.item.path;
        self.writer.make_directory(&self.directory.beside(path.area()))?;
        let whole = noted.form != EntryKind::Directory || path.area() == Area::Repositories || !self.has_data(path)?;
        if whole {
            match self.move_to(Home::Beside(path.area()), path, &noted.name)? {
                Moved::Done => return Ok(true),
                Moved::Gone => return Ok(false),
                Moved::Occupied => {
                    let again = self.renamed(noted)?;
                    return self.take_beside(&again);
                }
                // A file system may be unable to rename a directory at all, such as one in an overlay's lower layer.
                Moved::CrossDevice if noted.form == EntryKind::Directory => {}
                Moved::CrossDevice => return Err(self.cross_device(path)),
            }
        }
        self.take_files(noted)
    }

    /// Moves a directory file by file, and stores each flat. A blob's content keeps the line and the name of the blob.
    fn take_files(&mut self, noted: &NotedItem) -> Result<bool> {
        let path = &noted.item.path;
        let mut files = Vec::new();
        self.list_files(path, &mut files)?;
        let data = (noted.item.kind == ItemKind::Blob).then(|| path.data());
        let (own, others): (Vec<_>, Vec<_>) = files.into_iter().partition(|file| Some(file) == data.as_ref());
        let found = !own.is_empty() || !others.is_empty();
        for file in own {
            self.take_flat(&file, noted)?;
        }
        let items = others.into_iter().map(|path| Item { path, kind: ItemKind::File, size: 0, ..noted.item.clone() });
        for file in self.note(items)? {
            self.take_flat(&file.item.path, &file)?;
        }
        self.writer.remove_empty_directories(path)?;
        Ok(found)
    }

    fn take_flat(&mut self, file: &TreePath, noted: &NotedItem) -> Result<()> {
        match self.move_to(Home::Beside(file.area()), file, &noted.name)? {
            Moved::Done | Moved::Gone => Ok(()),
            Moved::Occupied => {
                let again = self.renamed(noted)?;
                self.take_flat(file, &again)
            }
            Moved::CrossDevice => Err(self.cross_device(file)),
        }
    }

    fn list_files(&self, path: &TreePath, files: &mut Vec<TreePath>) -> Result<()> {
        let tree = self.writer.tree();
        for entry in tree.list(path)?.unwrap_or_default() {
            let Some(child) = entry.text().and_then(|name| path.child(name)) else {
                let path = tree.locate(path).join(&entry.name);
                return Err(Error::Misplaced { path, reason: "its name is not UTF-8" });
            };
            if entry.kind == EntryKind::Directory {
                self.list_files(&child, files)?;
            } else {
                files.push(child);
            }
        }
        Ok(())
    }

    /// Whether a registry that walks through `blobs` would take a file in the directory for a blob.
    fn has_data(&self, path: &TreePath) -> Result<bool> {
        let mut files = Vec::new();
        self.list_files(path, &mut files)?;
        Ok(files.iter().any(|file| file.file_name() == "data"))
    }

    fn cross_device(&self, path: &TreePath) -> Error {
        Error::io("move", self.writer.tree().locate(path), rustix::io::Errno::XDEV)
    }
}
