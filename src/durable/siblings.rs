//! Removes many directories that have one parent.
//!
//! The parent is opened once, and each directory once: it is looked at and removed through the same handle. So nothing
//! is removed but what was looked at, even if another directory takes the place meanwhile.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::AtFlags;
use rustix::io::Errno;

use super::parents::{self, Parents};
use super::{ExclusiveWriter, parent};
use crate::error::{Error, Result};
use crate::layout::TreePath;
use crate::tree::{self, EntryKind, Listed, Metadata, Tree};

/// Opens many directories that have one parent, to remove them while the tree's lock is held alone: the fast way when they
/// are sorted.
pub(crate) struct Siblings<'w> {
    tree: &'w Tree,
    /// The parent of the last directory, if it is there.
    parent: Option<(TreePath, Option<Parents<'w>>)>,
}

impl<'w> Siblings<'w> {
    pub(crate) fn new(writer: &'w ExclusiveWriter<'_>) -> Self {
        Self { tree: writer.tree(), parent: None }
    }

    /// Opens a directory. `None` when it does not exist; `Err(WrongKind)` when it is none.
    pub(crate) fn open(&mut self, path: &TreePath) -> Result<Option<OpenDirectory<'_>>> {
        let above = parent(path);
        if self.parent.as_ref().is_none_or(|(last, _)| *last != above) {
            let parents = Parents::open(self.tree, &above)?;
            self.parent = Some((above, parents));
        }
        let Some((_, Some(parents))) = &self.parent else { return Ok(None) };
        OpenDirectory::open(self.tree, parents.last(), path)
    }
}

/// An open directory that is looked at and removed.
pub(crate) struct OpenDirectory<'p> {
    tree: &'p Tree,
    parent: BorrowedFd<'p>,
    path: TreePath,
    handle: OwnedFd,
}

impl<'p> OpenDirectory<'p> {
    /// Opens the directory at `path` in its `parent`. `None` when it does not exist; `Err(WrongKind)` when it is none.
    pub(super) fn open(tree: &'p Tree, parent: BorrowedFd<'p>, path: &TreePath) -> Result<Option<Self>> {
        match parents::open_in(parent, path.file_name()) {
            Ok(handle) => Ok(Some(Self { tree, parent, path: path.clone(), handle })),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(tree.explain(path, "a directory", "open", errno)),
        }
    }

    /// Its own metadata.
    pub(crate) fn metadata(&self) -> Result<Option<Metadata>> {
        self.metadata_of(".")
    }

    /// The metadata of the entry `name`; `None` when it isn't there.
    pub(crate) fn metadata_of(&self, name: &str) -> Result<Option<Metadata>> {
        tree::metadata_at(self.handle.as_fd(), name).map_err(|errno| self.tree.failed("look at", &self.path, errno))
    }

    /// Its entries, in no order.
    pub(crate) fn list(&self) -> Result<Vec<Listed>> {
        tree::list_handle(self.handle.as_fd()).map_err(|errno| self.tree.failed("list", &self.path, errno))
    }

    /// Removes the file `name` in it. `false` when it does not exist.
    pub(crate) fn remove_file(&self, name: impl AsRef<OsStr>) -> Result<bool> {
        match rustix::fs::unlinkat(&self.handle, name.as_ref(), AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => Err(self.failed(errno)),
        }
    }

    /// Removes it with everything in it. Symbolic links are removed, and never followed.
    pub(crate) fn remove(self) -> Result<()> {
        for entry in self.list()? {
            match entry.text().and_then(|name| self.path.child(name)) {
                Some(below) if entry.kind == EntryKind::Directory => {
                    OpenDirectory::open(self.tree, self.handle.as_fd(), &below)?
                        .map_or(Ok(()), OpenDirectory::remove)?;
                }
                _ => {
                    self.remove_file(&entry.name)?;
                }
            }
        }
        match self.remove_itself() {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(self.failed(errno)),
        }
    }

    /// Removes it if it is empty.
    pub(crate) fn remove_empty(self) -> Result<()> {
        match self.remove_itself() {
            // Another process uses it by now.
            Ok(()) | Err(Errno::NOENT | Errno::NOTEMPTY | Errno::EXIST) => Ok(()),
            Err(errno) => Err(self.failed(errno)),
        }
    }

    fn remove_itself(&self) -> rustix::io::Result<()> {
        rustix::fs::unlinkat(self.parent, self.path.file_name(), AtFlags::REMOVEDIR)
    }

    fn failed(&self, errno: Errno) -> Error {
        Error::io("remove", self.tree.locate(&self.path), errno)
    }
}
