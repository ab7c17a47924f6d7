//! The one module that changes the tree: it creates, renames, removes and syncs.
//!
//! - **A file appears whole or not at all.** A small file is written beside its place as `<name>.<uuid>.tmp`, synced,
//!   renamed, and its directory synced (layout.md §10); a blob is renamed out of its upload.
//! - **What is reported done survives a power cut**: after a change every directory from the file up to its area is
//!   synced, because the one above may have been made a moment ago by us, or by another process that has not synced
//!   yet. A sync of a clean directory costs next to nothing.
//! - **The registry can use what is made here**: a new file or directory takes mode and owner from its nearest parent
//!   in the tree (`ownership`).
//! - **No symbolic link is written through** below an area: every step down is taken by handle, without following.
//!
//! All of it goes through a [`Writer`], which holds the tree's lock for as long as it lives. What removes content, or moves
//! it to the quarantine and back, wants an [`ExclusiveWriter`], which holds that lock alone.

#![expect(clippy::disallowed_methods, reason = "this is the room that may")]

mod access;
mod exclusive;
mod identity;
pub mod lock;
mod ownership;
mod parents;
pub(crate) mod private;
mod publish;
mod quarantine_moves;
mod write_proof;

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

pub(crate) use access::Access;
pub use exclusive::ExclusiveWriter;
pub(crate) use identity::Identity;
use parents::Parents;
pub(crate) use publish::HashedContent;
pub(crate) use quarantine_moves::Moved;
pub(crate) use write_proof::WriteProof;

use crate::error::{Error, Result};
use crate::layout::{self, Area, TreePath};
use crate::tree::{self, Kind, Tree};
use lock::TreeLock;

/// Whether a change must be on the disk before it is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sync {
    /// Before the call returns.
    Now,
    /// Whenever the system likes: for what nobody misses after a crash.
    Later,
}

/// May change a tree: holds its lock until dropped.
#[derive(Debug)]
#[must_use = "the lock is released when the writer is dropped"]
pub struct Writer<'t> {
    tree: &'t Tree,
    lock: TreeLock,
}

impl<'t> Writer<'t> {
    /// A writer that holds `lock`.
    pub(crate) fn new(tree: &'t Tree, lock: TreeLock) -> Self {
        Self { tree, lock }
    }

    /// The tree it changes.
    pub fn tree(&self) -> &'t Tree {
        self.tree
    }

    /// How long to wait for the lock of one upload.
    pub(crate) fn wait(&self) -> std::time::Duration {
        self.lock.wait()
    }

    /// Makes the directory at `path` and its parents; returns those that were missing, outermost first.
    pub fn make_directory(&self, path: &TreePath) -> Result<Vec<TreePath>> {
        Parents::make(self.tree, path).map(|parents| parents.made)
    }

    /// Takes back [`Writer::make_directory`]: removes those of `made` that are still empty.
    pub fn unmake_directories(&self, made: &[TreePath]) -> Result<()> {
        parents::unmake(self.tree, made)
    }

    /// Removes a directory and those below it, as far as nothing else is in them.
    pub fn remove_empty_directories(&self, path: &TreePath) -> Result<()> {
        for entry in self.tree.list(path)?.unwrap_or_default() {
            if let (Kind::Directory, Some(below)) = (entry.kind, entry.text().and_then(|name| path.child(name))) {
                self.remove_empty_directories(&below)?;
            }
        }
        self.unmake_directories(std::slice::from_ref(path))
    }

    /// Creates an empty file to write to its end, in a directory that exists. Not synced. A file of that name is
    /// `Err(Io)`.
    pub fn create_file(&self, path: &TreePath) -> Result<File> {
        let failed = |errno| Error::io("create", self.tree.locate(path), errno);
        let parents = Parents::open(self.tree, &parent(path))?.ok_or_else(|| failed(Errno::NOENT))?;
        parents.create(path.file_name(), OFlags::APPEND).map_err(failed)
    }

    /// Opens a file to read it and to write at its end. `None` when it isn't there; anything but a regular file in its
    /// place is `Err(WrongKind)`.
    pub fn open_to_append(&self, path: &TreePath) -> Result<Option<File>> {
        // Says what else lies there, which the call below would not.
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

    /// Writes a small file whole, in place of any that is there, and makes its directory if need be.
    ///
    /// A crash leaves the old file or the new one, and perhaps a `.tmp` beside it. A failure leaves what was there.
    pub fn write_small(&self, path: &TreePath, content: &[u8], sync: Sync) -> Result<()> {
        self.stage_small(path, content, sync)?.place()
    }

    /// The first half of [`Writer::write_small`], in which anything may fail; the second is [`Staged::place`]. A directory
    /// in the file's place, which no rename takes away, is `Err(WrongKind)`.
    pub(crate) fn stage_small(&self, path: &TreePath, content: &[u8], sync: Sync) -> Result<Staged<'t>> {
        if let Some(found) = self.tree.metadata(path)?.filter(|found| found.kind == Kind::Directory) {
            return Err(self.tree.wrong_kind(path, "a regular file", found.kind));
        }
        let failed = |error: std::io::Error| Error::io("write", self.tree.locate(path), error);
        parents::retry_vanished(|| {
            let parents = Parents::make(self.tree, &parent(path))?;
            let written = parents.stage(path.file_name(), sync, |file| file.write_all(content));
            let temporary = written.map_err(failed).inspect_err(|_| parents.forget())?;
            Ok(Staged { parents, temporary, path: path.clone(), sync, placed: false })
        })
    }

    /// Removes the file at `path`; `false` when it is gone already.
    pub fn remove_file(&self, path: &TreePath, sync: Sync) -> Result<bool> {
        let removed = parents::remove_entry(self.tree, path, AtFlags::empty())?;
        if removed && sync == Sync::Now {
            self.sync_around(path)?;
        }
        Ok(removed)
    }

    /// Syncs whatever was changed on the tree's file systems.
    pub(crate) fn sync_all(&self) -> Result<()> {
        for area in [Area::Repositories, Area::Blobs] {
            if let Some(handle) = self.tree.area(area)? {
                let failed = |errno| Error::io("sync", self.tree.locate(&area.path()), errno);
                rustix::fs::syncfs(handle).map_err(failed)?;
            }
        }
        Ok(())
    }

    /// Removes the directory at `path` with all that is in it, following nothing.
    pub fn remove_directory(&self, path: &TreePath, sync: Sync) -> Result<()> {
        let Some(parents) = Parents::open(self.tree, &parent(path))? else { return Ok(()) };
        self.remove_below(parents.last(), path)?;
        match sync {
            Sync::Later => Ok(()),
            Sync::Now => rustix::fs::fsync(parents.last())
                .map_err(|errno| Error::io("sync", self.tree.locate(&parent(path)), errno)),
        }
    }

    fn remove_below(&self, parent: BorrowedFd<'_>, path: &TreePath) -> Result<()> {
        let failed = |errno: Errno| Error::io("remove", self.tree.locate(path), errno);
        let directory = match parents::open_in(parent, path.file_name()) {
            Err(Errno::NOENT) => return Ok(()),
            opened => opened.map_err(failed)?,
        };
        for entry in self.tree.list_in(parent, path)?.unwrap_or_default() {
            match entry.text().and_then(|name| path.child(name)) {
                Some(child) if entry.kind == Kind::Directory => self.remove_below(directory.as_fd(), &child)?,
                _ => match rustix::fs::unlinkat(&directory, &*entry.name, AtFlags::empty()) {
                    Err(Errno::NOENT) => {}
                    done => done.map_err(failed)?,
                },
            }
        }
        match rustix::fs::unlinkat(parent, path.file_name(), AtFlags::REMOVEDIR) {
            Err(Errno::NOENT) => Ok(()),
            done => done.map_err(failed),
        }
    }

    /// Makes sure that a file found in its place, which another process may have put there a moment ago, is on disk
    /// with all directories above it.
    pub fn sync_found(&self, file: &File, path: &TreePath) -> Result<()> {
        file.sync_all().map_err(|error| Error::io("sync", self.tree.locate(path), error))?;
        self.sync_around(path)
    }

    fn sync_around(&self, path: &TreePath) -> Result<()> {
        Parents::open(self.tree, &parent(path))?.map_or(Ok(()), |parents| parents.sync())
    }
}

/// A small file, written beside its place; taken back when dropped, with the directories that were made for it.
#[must_use = "the file is taken back unless it is placed"]
pub(crate) struct Staged<'t> {
    parents: Parents<'t>,
    temporary: String,
    path: TreePath,
    sync: Sync,
    placed: bool,
}

impl Staged<'_> {
    /// Renames it to its place, in place of any file there, and syncs.
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
    path.parent().expect("only what lies in an area is changed")
}

/// Makes an empty tree in `root`: its skeleton, as far as it is missing, with the registry's own modes (0777 less the
/// umask, layout.md §2) and the owner of the nearest directory that is there. `false` when nothing was missing.
pub fn create_tree(root: &Path) -> Result<bool> {
    let v2 = root.join(layout::PREFIX);
    let mut created = false;
    for directory in [layout::canonical_blobs_directory(), Area::Repositories.path()] {
        created |= make_outside(&v2.join(directory.to_string()))?;
    }
    Ok(created)
}

/// Makes a directory and its parents, and syncs them; `false` when it is there.
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
        // Another process was quicker; the directory is as good.
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

/// Writes a file that is no part of a tree.
#[cfg(feature = "cli")]
pub(crate) fn write_beside_tree(path: &Path, content: &[u8]) -> Result<()> {
    std::fs::write(path, content).map_err(|error| Error::io("write", path, error))
}

#[cfg(test)]
mod tests;
