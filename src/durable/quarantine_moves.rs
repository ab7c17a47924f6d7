//! Moves files and directories out of the tree into the quarantine, and back.
//!
//! A move renames one entry, and a directory moves as a whole. **So an item is always in one place or in the other.** A
//! move replaces nothing but an empty directory, and follows no symbolic link: the link itself is moved.
//! [`quarantine`](crate::quarantine) says where items are kept.

use std::ffi::OsStr;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::parents::{self, Parents};
use super::{ExclusiveWriter, ownership, parent, private};
use crate::error::{Error, Result};
use crate::layout::{self, Area, TreePath};
use crate::tree::{self, EntryKind, Tree};

/// The result of a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moved {
    /// The item was moved.
    Done,
    /// There was nothing to move.
    Gone,
    /// The new place is taken.
    Occupied,
    /// The two places are on different file systems.
    CrossDevice,
}

impl ExclusiveWriter<'_> {
    /// Makes the directories of a new run of the quarantine, and its empty journal. `false` when a run of that name
    /// exists.
    pub(crate) fn make_run(&self, run: &str) -> Result<bool> {
        let path = self.tree.root().join(layout::QUARANTINE.join("/"));
        let failed = |error: std::io::Error| Error::io("create", path.join(run), error);
        let all = private::make_all(self.tree, &layout::QUARANTINE).map_err(failed)?;
        match rustix::fs::mkdirat(&all, run, ownership::PRIVATE_DIRECTORY) {
            Err(Errno::EXIST) => return Ok(false),
            made => made.map_err(|errno| failed(errno.into()))?,
        }
        let fill = || -> rustix::io::Result<()> {
            let inner = parents::open_in(all.as_fd(), run)?;
            ownership::adopt(inner.as_fd(), all.as_fd(), FileType::Directory)?;
            rustix::fs::mkdirat(&inner, layout::THINGS, ownership::PRIVATE_DIRECTORY)?;
            let things = parents::open_in(inner.as_fd(), layout::THINGS)?;
            ownership::adopt(things.as_fd(), inner.as_fd(), FileType::Directory)?;
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let journal = rustix::fs::openat(&inner, layout::JOURNAL, flags, ownership::PRIVATE_FILE)?;
            ownership::adopt(journal.as_fd(), inner.as_fd(), FileType::RegularFile)?;
            // The directories above may be new too.
            rustix::fs::syncfs(&all)
        };
        fill().map_err(|errno| failed(errno.into()))?;
        Ok(true)
    }

    /// Appends whole lines to the journal in a run's directory, and syncs it. Errors name the journal as `path`.
    pub(crate) fn append_to_journal(&self, run: BorrowedFd<'_>, path: &Path, lines: &[u8]) -> Result<()> {
        let append = || -> std::io::Result<()> {
            let mut file = private::trusted(self.tree, run, layout::JOURNAL, OFlags::RDWR | OFlags::APPEND)?;
            let mut last = [b'\n'];
            if file.metadata()?.len() > 0 {
                file.seek(SeekFrom::End(-1))?;
                file.read_exact(&mut last)?;
            }
            // A killed process may have left a part of a line. It must not spoil the next one.
            if last != [b'\n'] {
                file.write_all(b"\n")?;
            }
            file.write_all(lines)?;
            file.sync_all()
        };
        append().map_err(|error| Error::io("write", path, error))
    }

    /// Moves the entry at `from` to `name` in a directory of the quarantine, and does not sync.
    pub(crate) fn move_aside(&self, from: &TreePath, into: BorrowedFd<'_>, name: &str) -> Result<Moved> {
        let Some(source) = Parents::open(self.tree, &parent(from))? else { return Ok(Moved::Gone) };
        moved(rename_new(source.last(), from.file_name(), into, name), || self.tree.locate(from))
    }

    /// Moves `name`, which is of this `kind`, from a directory of the quarantine to `to`, and does not sync. It makes
    /// the directories above `to`. A directory may replace an empty one.
    pub(crate) fn move_back(&self, from: BorrowedFd<'_>, name: &str, kind: EntryKind, to: &TreePath) -> Result<Moved> {
        parents::retry_vanished(|| {
            let target = Parents::make(self.tree, &parent(to))?;
            target.sync_made()?;
            let renamed = if kind == EntryKind::Directory {
                rustix::fs::renameat(from, name, target.last(), to.file_name())
            } else {
                rename_new(from, name, target.last(), to.file_name())
            };
            let moved = moved(renamed, || self.tree.locate(to));
            if !matches!(moved, Ok(Moved::Done)) {
                target.forget();
            }
            moved
        })
    }

    /// Removes `name` from a directory of the quarantine, with everything in it. Errors name it as `path`.
    #[expect(clippy::unused_self, reason = "the exclusive lock is what it needs")]
    pub(crate) fn discard(&self, from: BorrowedFd<'_>, name: &str, path: &Path) -> Result<()> {
        remove_all(from, name.as_ref()).map_err(|errno| Error::io("remove", path, errno))
    }

    /// Removes a run and the directories that were made for it in the areas, if they hold nothing but its journal.
    /// `false` when they hold more.
    pub(crate) fn remove_empty_run(&self, run: &str) -> Result<bool> {
        for area in [Area::Blobs, Area::Repositories] {
            let all = layout::quarantine_beside(area);
            let Some(own) = all.child(run) else { return Ok(false) };
            self.unmake_directories(std::slice::from_ref(&own))?;
            if self.tree.metadata(&own)?.is_some() {
                return Ok(false);
            }
            self.unmake_directories(std::slice::from_ref(&all))?;
        }
        remove_private_run(self.tree, run)
            .map_err(|errno| Error::io("remove", self.tree.root().join(layout::QUARANTINE.join("/")).join(run), errno))
    }

    /// Syncs all moves out of the tree, into it, and into the quarantine.
    pub(crate) fn sync_moves(&self, things: BorrowedFd<'_>) -> Result<()> {
        let failed = |errno| Error::io("sync", self.tree.path(), errno);
        rustix::fs::syncfs(things).map_err(failed)?;
        for area in [Area::Blobs, Area::Repositories] {
            if let Some(handle) = self.tree.area(area)? {
                rustix::fs::syncfs(handle).map_err(failed)?;
            }
        }
        Ok(())
    }
}

fn moved(renamed: rustix::io::Result<()>, path: impl Fn() -> std::path::PathBuf) -> Result<Moved> {
    match renamed {
        Ok(()) => Ok(Moved::Done),
        Err(Errno::NOENT) => Ok(Moved::Gone),
        Err(Errno::EXIST | Errno::NOTEMPTY | Errno::NOTDIR | Errno::ISDIR) => Ok(Moved::Occupied),
        Err(Errno::XDEV) => Ok(Moved::CrossDevice),
        Err(errno) => Err(Error::io("move", path(), errno)),
    }
}

/// Renames an entry if the new name is free. Some file systems can't check that while they rename; then this checks it
/// first.
fn rename_new(from: BorrowedFd<'_>, name: &str, into: BorrowedFd<'_>, new: &str) -> rustix::io::Result<()> {
    match rustix::fs::renameat_with(from, name, into, new, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
        done => return done,
    }
    match rustix::fs::statat(into, new, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(_) => Err(Errno::EXIST),
        Err(Errno::NOENT) => rustix::fs::renameat(from, name, into, new),
        Err(errno) => Err(errno),
    }
}

/// Removes a file, or a directory with everything in it. An entry that does not exist is no error.
fn remove_all(parent: BorrowedFd<'_>, name: &OsStr) -> rustix::io::Result<()> {
    match rustix::fs::unlinkat(parent, name, AtFlags::empty()) {
        Err(Errno::ISDIR | Errno::PERM) => {}
        Err(Errno::NOENT) => return Ok(()),
        done => return done,
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = rustix::fs::openat(parent, name, flags, Mode::empty())?;
    for entry in tree::list_handle(directory.as_fd())? {
        remove_all(directory.as_fd(), &entry.name)?;
    }
    rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR)
}

fn remove_private_run(tree: &Tree, run: &str) -> rustix::io::Result<bool> {
    let all = private::open_all(tree, &layout::QUARANTINE)?;
    let inner = parents::open_in(all.as_fd(), run)?;
    match rustix::fs::unlinkat(&inner, layout::THINGS, AtFlags::REMOVEDIR) {
        Err(Errno::NOTEMPTY | Errno::NOTDIR) => return Ok(false),
        Ok(()) | Err(Errno::NOENT) => {}
        Err(errno) => return Err(errno),
    }
    // The journal is removed last, so that no item is ever without one.
    if tree::list_handle(inner.as_fd())?.iter().any(|entry| entry.name != layout::JOURNAL) {
        return Ok(false);
    }
    remove_all(inner.as_fd(), layout::JOURNAL.as_ref())?;
    rustix::fs::unlinkat(&all, run, AtFlags::REMOVEDIR)?;
    rustix::fs::fsync(&all)?;
    Ok(true)
}
