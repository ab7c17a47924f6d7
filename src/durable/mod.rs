//! Changes the tree. No other module creates, renames, removes or syncs files in it.
//!
//! Every change is made through a [`Writer`], which holds the tree's lock for as long as it lives. Removing content,
//! and moving it to the quarantine and back, needs an [`ExclusiveWriter`], which holds the lock alone. Reading is done
//! by [`crate::tree`], and takes no lock.
//!
//! # Guarantees
//!
//! | What | How |
//! |---|---|
//! | **A file appears whole or not at all** | it is written beside its place, synced, and renamed |
//! | **What is reported as done survives a power cut** | the file and all directories above it are synced first |
//! | **The registry can use what is made here** | new files take mode and owner from the directory around them |
//! | **No symbolic link is followed below an area** | every step down is taken by handle |
//! | **A change that fails leaves the old state** | staged files and new directories are removed again |
//!
//! - *Whole files.* A small file is written as `<name>.<uuid>.tmp` (layout.md §10). A blob is renamed out of its
//!   upload. A crash leaves the old file or the new one, and perhaps a temporary file, which every registry ignores.
//! - *Syncing.* Every directory from the file up to its area is synced, because the one above may have been made a
//!   moment ago, by us or by another process that has not synced it yet. Syncing a clean directory costs next to
//!   nothing.
//! - *Mode and owner.* `ownership` says which. They can't always be set; then the file keeps ours.
//!
//! # Example
//!
//! ```
//! use std::time::Duration;
//!
//! use regtree::{Error, Registry};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let directory = tempfile::tempdir()?;
//! let (registry, _) = Registry::create(directory.path())?;
//! let (now, no_wait) = (jiff::Timestamp::now(), Duration::ZERO);
//!
//! // Any number of writers share the lock. No content can be removed while one of them lives.
//! let one = registry.writer("example", now, no_wait)?;
//! let two = registry.writer("example", now, no_wait)?;
//! assert!(matches!(registry.exclusive_writer("example", now, no_wait), Err(Error::Locked { .. })));
//!
//! drop((one, two));
//! let alone = registry.exclusive_writer("example", now, no_wait)?;
//! assert!(matches!(registry.writer("example", now, no_wait), Err(Error::Locked { .. })));
//! # drop(alone);
//! # Ok(())
//! # }
//! ```

#![expect(clippy::disallowed_methods, reason = "only this module changes files")]

mod access;
mod early_sync;
mod exclusive;
mod identity;
pub(crate) mod lock;
mod output;
mod output_file;
mod ownership;
mod parents;
pub(crate) mod private;
mod publish;
mod quarantine_moves;
mod remover;
mod siblings;
mod staging;
mod write_proof;

use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

pub(crate) use access::Access;
pub(crate) use early_sync::EarlySync;
pub use exclusive::ExclusiveWriter;
pub(crate) use identity::Identity;
pub(crate) use output::{OutputDirectory, TEMPORARY};
pub(crate) use output_file::{OutputFile, resolve};
use parents::Parents;
pub(crate) use publish::{ContentPlace, HashedContent};
pub(crate) use quarantine_moves::Moved;
pub use remover::{ExclusiveRemover, Remover};
pub(crate) use siblings::{OpenDirectory, Siblings};
pub use staging::{Leftovers, leftovers};
pub(crate) use staging::{Staging, Unfinished};
pub(crate) use write_proof::WriteProof;

use crate::error::{Error, Result};
use crate::layout::{self, Area, TreePath};
use crate::tree::{self, EntryKind, Tree};
use lock::TreeLock;

/// When a change must be on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sync {
    /// Before the call returns.
    Now,
    /// When the system writes it: for changes that may be lost in a crash.
    Later,
}

/// Changes a tree, and holds its lock until it is dropped.
#[derive(Debug)]
#[must_use = "the lock is released when the writer is dropped"]
pub struct Writer<'t> {
    tree: &'t Tree,
    lock: TreeLock,
}

impl<'t> Writer<'t> {
    /// Makes a writer that holds `lock`.
    pub(crate) fn new(tree: &'t Tree, lock: TreeLock) -> Self {
        Self { tree, lock }
    }

    /// The tree that this writer changes.
    pub fn tree(&self) -> &'t Tree {
        self.tree
    }

    /// How long to wait for the lock of one upload.
    pub(crate) fn wait(&self) -> std::time::Duration {
        self.lock.wait()
    }

    /// Makes the directory at `path` and its parents. Returns those that were missing, outermost first.
    pub(crate) fn make_directory(&self, path: &TreePath) -> Result<Vec<TreePath>> {
        Parents::make(self.tree, path).map(|parents| parents.made)
    }

    /// Undoes [`Writer::make_directory`]: removes each directory in `made` that is still empty.
    pub(crate) fn unmake_directories(&self, made: &[TreePath]) -> Result<()> {
        parents::unmake(self.tree, made)
    }

    /// Removes a directory and all directories below it that hold nothing but directories.
    pub(crate) fn remove_empty_directories(&self, path: &TreePath) -> Result<()> {
        for entry in self.tree.list(path)?.unwrap_or_default() {
            if let (EntryKind::Directory, Some(below)) = (entry.kind, entry.text().and_then(|name| path.child(name))) {
                self.remove_empty_directories(&below)?;
            }
        }
        self.unmake_directories(std::slice::from_ref(path))
    }

    /// Creates an empty file, opened for appending, in a directory that exists. It is not synced. If a file of that
    /// name exists, the answer is `Err(Io)`.
    pub(crate) fn create_file(&self, path: &TreePath) -> Result<File> {
        let failed = |errno| Error::io("create", self.tree.locate(path), errno);
        let parents = Parents::open(self.tree, &parent(path))?.ok_or_else(|| failed(Errno::NOENT))?;
        parents.create(path.file_name(), OFlags::APPEND).map_err(failed)
    }

    /// Opens a file for reading and appending. `None` when it does not exist; `Err(WrongKind)` when it is not a regular
    /// file.
    pub(crate) fn open_to_append(&self, path: &TreePath) -> Result<Option<File>> {
        // This reports anything that is not a regular file; the call below would not.
        if self.tree.open_file(path)?.is_none() {
            return Ok(None);
        }
        let Some(parents) = Parents::open(self.tree, &parent(path))? else { return Ok(None) };
        let flags = OFlags::RDWR | OFlags::APPEND | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match tree::patiently(|| rustix::fs::openat(parents.last(), path.file_name(), flags, Mode::empty())) {
            Ok(handle) => Ok(Some(File::from(handle))),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(Error::io("open", self.tree.locate(path), errno)),
        }
    }

    /// Writes a small file whole. It replaces an existing file, and makes the directories above it if they are missing.
    ///
    /// A crash leaves the old file or the new one, and perhaps a `.tmp` beside it. A failure leaves the old file.
    pub(crate) fn write_small(&self, path: &TreePath, content: &[u8], sync: Sync) -> Result<()> {
        self.stage_small(path, content, sync)?.place()
    }

    /// Writes a small file whole that was last changed at `modified`. It is not synced.
    pub(crate) fn write_dated(&self, path: &TreePath, content: &[u8], modified: Option<jiff::Timestamp>) -> Result<()> {
        let write = |file: &mut File| {
            file.write_all(content)?;
            modified.map_or(Ok(()), |modified| file.set_modified(modified.into()))
        };
        self.stage_file(path, Sync::Later, write)?.place()
    }

    /// The first half of [`Writer::write_small`], in which anything may fail; [`Staged::place`] is the second. If a
    /// directory is in the file's place, no rename can replace it, and the answer is `Err(WrongKind)`.
    pub(crate) fn stage_small(&self, path: &TreePath, content: &[u8], sync: Sync) -> Result<Staged<'t>> {
        self.stage_file(path, sync, |file| file.write_all(content))
    }

    fn stage_file(
        &self,
        path: &TreePath,
        sync: Sync,
        write: impl Fn(&mut File) -> std::io::Result<()>,
    ) -> Result<Staged<'t>> {
        if let Some(found) = self.tree.metadata(path)?.filter(|found| found.kind == EntryKind::Directory) {
            return Err(self.tree.wrong_kind(path, "a regular file", found.kind));
        }
        let failed = |error: std::io::Error| Error::io("write", self.tree.locate(path), error);
        parents::retry_vanished(|| {
            let parents = Parents::make(self.tree, &parent(path))?;
            let written = parents.stage(path.file_name(), sync, &write);
            let temporary = written.map_err(failed).inspect_err(|_| parents.forget())?;
            Ok(Staged { parents, temporary, path: path.clone(), sync, placed: false })
        })
    }

    /// Removes the file at `path`. `false` when it does not exist.
    pub(crate) fn remove_file(&self, path: &TreePath, sync: Sync) -> Result<bool> {
        let removed = parents::remove_entry(self.tree, path, AtFlags::empty())?;
        if removed && sync == Sync::Now {
            self.sync_around(path)?;
        }
        Ok(removed)
    }

    /// Syncs the file systems of both areas.
    pub(crate) fn sync_all(&self) -> Result<()> {
        for area in [Area::Repositories, Area::Blobs] {
            if let Some(handle) = self.tree.area(area)? {
                let failed = |errno| Error::io("sync", self.tree.locate(&area.path()), errno);
                rustix::fs::syncfs(handle).map_err(failed)?;
            }
        }
        Ok(())
    }

    /// Removes the directory at `path` with everything in it. Symbolic links are removed, and never followed.
    pub(crate) fn remove_directory(&self, path: &TreePath, sync: Sync) -> Result<()> {
        let Some(parents) = Parents::open(self.tree, &parent(path))? else { return Ok(()) };
        OpenDirectory::open(self.tree, parents.last(), path)?.map_or(Ok(()), OpenDirectory::remove)?;
        match sync {
            Sync::Later => Ok(()),
            Sync::Now => rustix::fs::fsync(parents.last())
                .map_err(|errno| Error::io("sync", self.tree.locate(&parent(path)), errno)),
        }
    }

    /// Syncs a file that was found in its place, and all directories above it: another process may have put it there a
    /// moment ago.
    pub(crate) fn sync_found(&self, file: &File, path: &TreePath) -> Result<()> {
        file.sync_all().map_err(|error| Error::io("sync", self.tree.locate(path), error))?;
        self.sync_around(path)
    }

    fn sync_around(&self, path: &TreePath) -> Result<()> {
        Parents::open(self.tree, &parent(path))?.map_or(Ok(()), |parents| parents.sync())
    }
}

/// A small file that was written beside its place. Unless it is placed, dropping it removes the file and the
/// directories that were made for it.
#[must_use = "the file is removed unless it is placed"]
pub(crate) struct Staged<'t> {
    parents: Parents<'t>,
    temporary: String,
    path: TreePath,
    sync: Sync,
    placed: bool,
}

impl Staged<'_> {
    /// Renames the file to its place, over any file there, and syncs.
    pub(crate) fn place(&mut self) -> Result<()> {
        let renamed = self.parents.rename(&self.temporary, self.path.file_name());
        renamed.map_err(|errno| Error::io("write", self.parents.tree.locate(&self.path), errno))?;
        self.placed = true;
        if self.sync == Sync::Now { self.parents.sync() } else { Ok(()) }
    }
}

impl Drop for Staged<'_> {
    fn drop(&mut self) {
        if !self.placed {
            self.parents.discard(&self.temporary);
            self.parents.forget();
        }
    }
}

fn parent(path: &TreePath) -> TreePath {
    path.parent().expect("only paths inside an area are changed")
}

/// Makes an empty tree in `root`: the directories of its skeleton that are missing. They have the registry's own modes
/// (0777 less the umask, layout.md §2) and the owner of the nearest existing directory. `false` when none was missing.
pub(crate) fn create_tree(root: &Path) -> Result<bool> {
    let v2 = root.join(layout::PREFIX);
    let mut created = false;
    for directory in [layout::canonical_blobs_directory(), Area::Repositories.path()] {
        created |= make_outside(&v2.join(directory.to_string()))?;
    }
    Ok(created)
}

/// Makes a directory and its parents, and syncs them. `false` when it exists.
fn make_outside(path: &Path) -> Result<bool> {
    if path.is_dir() {
        return Ok(false);
    }
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    make_outside(parent)?;
    let failed = |error| Error::io("create directory", path, error);
    match std::fs::create_dir(path) {
        // Another process has just made it, which is as good.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && path.is_dir() => return Ok(false),
        made => made.map_err(failed)?,
    }
    let [directory, parent_directory] = [path, parent].map(File::open);
    let (directory, parent_directory) = (directory.map_err(failed)?, parent_directory.map_err(failed)?);
    ownership::adopt_owner(directory.as_fd(), parent_directory.as_fd()).map_err(|errno| failed(errno.into()))?;
    parents::sync_directory(directory.as_fd(), path)?;
    parents::sync_directory(parent_directory.as_fd(), parent)?;
    Ok(true)
}

/// Writes a file outside of the tree.
#[cfg(feature = "cli")]
pub(crate) fn write_beside_tree(path: &Path, content: &[u8]) -> Result<()> {
    std::fs::write(path, content).map_err(|error| Error::io("write", path, error))
}

#[cfg(test)]
mod tests;
