//! Holds the directories on the way to a file open, from the area down.
//!
//! A change is made relative to the last of them, and all of them are synced after it. They remember which directories
//! were missing and had to be made, so that a change that fails can remove those again. Another process may be about to
//! use a directory that is removed so; it then starts again ([`retry_vanished`]).

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::{Sync, ownership};
use crate::error::{Error, Result};
use crate::layout::{self, Area, TreePath};
use crate::tree::{self, EntryKind, Tree};

/// How often to start again when another process removes a directory that was just found. That process undoes a change
/// of its own, so this ends.
const VANISHED_TRIES: usize = 1000;

/// The open directories from an area down to the one at `path`.
pub(super) struct Parents<'t> {
    pub(super) tree: &'t Tree,
    path: TreePath,
    area: OwnedFd,
    handles: Vec<OwnedFd>,
    made_area: bool,
    /// The directories that were missing and were made, outermost first.
    pub(super) made: Vec<TreePath>,
}

impl<'t> Parents<'t> {
    /// Opens every directory down to `path`. `None` when one does not exist.
    pub(super) fn open(tree: &'t Tree, path: &TreePath) -> Result<Option<Self>> {
        let Some(area) = tree.area(path.area())? else { return Ok(None) };
        let mut parents = Self::new(tree, path, duplicate(tree, area, path)?, false);
        for here in path.descent() {
            match open_in(parents.last(), here.file_name()) {
                Ok(handle) => parents.handles.push(handle),
                Err(Errno::NOENT) => return Ok(None),
                Err(errno) => return Err(tree.explain(&here, "a directory", "open", errno)),
            }
        }
        Ok(Some(parents))
    }

    /// Opens every directory down to `path`, and makes those that are missing.
    pub(super) fn make(tree: &'t Tree, path: &TreePath) -> Result<Self> {
        retry_vanished(|| {
            let (area, made_area) = area_made(tree, path.area())?;
            let mut parents = Self::new(tree, path, area, made_area);
            for here in path.descent() {
                match parents.open_or_make(&here) {
                    Ok(handle) => parents.handles.push(handle),
                    Err(error) => {
                        parents.forget();
                        return Err(error);
                    }
                }
            }
            Ok(parents)
        })
    }

    fn new(tree: &'t Tree, path: &TreePath, area: OwnedFd, made_area: bool) -> Self {
        Self { tree, path: path.clone(), area, handles: Vec::new(), made_area, made: Vec::new() }
    }

    fn open_or_make(&mut self, here: &TreePath) -> Result<OwnedFd> {
        let explain = |errno| self.tree.explain(here, "a directory", "open", errno);
        let failed = |errno| Error::io("create directory", self.tree.locate(here), errno);
        match open_in(self.last(), here.file_name()) {
            Err(Errno::NOENT) => {}
            opened => return opened.map_err(explain),
        }
        match rustix::fs::mkdirat(self.last(), here.file_name(), ownership::PRIVATE_DIRECTORY) {
            // Another process has just made it, which is as good.
            Err(Errno::EXIST) => return open_in(self.last(), here.file_name()).map_err(explain),
            done => done.map_err(failed)?,
        }
        self.made.push(here.clone());
        let handle = open_in(self.last(), here.file_name()).map_err(explain)?;
        ownership::adopt(handle.as_fd(), self.last(), FileType::Directory).map_err(failed)?;
        Ok(handle)
    }

    /// The directory at the path.
    pub(super) fn last(&self) -> BorrowedFd<'_> {
        self.handles.last().unwrap_or(&self.area).as_fd()
    }

    /// Creates an empty file, with `more` flags. `EEXIST` when a file of that name exists.
    pub(super) fn create(&self, name: &str, more: OFlags) -> rustix::io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC | more;
        let handle = rustix::fs::openat(self.last(), name, flags, ownership::PRIVATE_FILE)?;
        ownership::adopt(handle.as_fd(), self.last(), FileType::RegularFile)?;
        Ok(File::from(handle))
    }

    /// Writes `<name>.<uuid>.tmp`, and returns its name.
    pub(super) fn stage(
        &self,
        name: &str,
        sync: Sync,
        write: impl FnOnce(&mut File) -> std::io::Result<()>,
    ) -> std::io::Result<String> {
        self.refuse_symlink(name)?;
        let temporary = format!("{name}{}", layout::temporary_suffix(uuid::Uuid::new_v4()));
        let mut file = self.create(&temporary, OFlags::empty())?;
        let written = write(&mut file).and_then(|()| if sync == Sync::Now { file.sync_all() } else { Ok(()) });
        written.inspect_err(|_| self.discard(&temporary))?;
        Ok(temporary)
    }

    /// Renames a file in the directory.
    pub(super) fn rename(&self, from: &str, to: &str) -> rustix::io::Result<()> {
        rustix::fs::renameat(self.last(), from, self.last(), to)
    }

    /// Exchanges two files in the directory.
    pub(super) fn exchange(&self, one: &str, other: &str) -> rustix::io::Result<()> {
        rustix::fs::renameat_with(self.last(), one, self.last(), other, RenameFlags::EXCHANGE)
    }

    /// Removes a temporary file after a failure. Only that failure is reported: a temporary file that stays is ignored
    /// by every registry.
    pub(super) fn discard(&self, temporary: &str) {
        let _ = rustix::fs::unlinkat(self.last(), temporary, AtFlags::empty());
    }

    /// Refuses a symbolic link with `ELOOP`. A rename would silently replace it, but it is damage that should be looked
    /// at.
    pub(super) fn refuse_symlink(&self, name: &str) -> rustix::io::Result<()> {
        match tree::metadata_at(self.last(), name)? {
            Some(found) if found.kind == EntryKind::Symlink => Err(Errno::LOOP),
            _ => Ok(()),
        }
    }

    /// Syncs every directory, innermost first.
    pub(super) fn sync(&self) -> Result<()> {
        let mut path = Some(self.path.clone());
        for handle in self.handles.iter().rev().chain([&self.area]) {
            let here = path.take().expect("a handle for each directory");
            sync_directory(handle.as_fd(), &self.tree.locate(&here))?;
            path = here.parent();
        }
        if self.made_area {
            sync_directory(self.tree.v2(), self.tree.path())?;
        }
        Ok(())
    }

    /// Syncs the directories in which others were made. Content that is renamed into a directory whose own entry is not
    /// on the disk may be in neither place after a power cut.
    pub(super) fn sync_made(&self) -> Result<()> {
        for path in &self.made {
            let above = path.parent().expect("only directories below an area are in the list");
            sync_directory(self.above(path).as_fd(), &self.tree.locate(&above))?;
        }
        if self.made_area { sync_directory(self.tree.v2(), self.tree.path()) } else { Ok(()) }
    }

    /// The directory above one of those on the way. It is open: a change may fail because no more can be opened.
    fn above(&self, path: &TreePath) -> &OwnedFd {
        let depth = path.below_area().split('/').count();
        depth.checked_sub(2).map_or(&self.area, |parent| &self.handles[parent])
    }

    /// Removes the directories that a change made before it failed. Only the failure of the change is reported.
    pub(super) fn forget(&self) {
        for path in self.made.iter().rev() {
            if rustix::fs::unlinkat(self.above(path), path.file_name(), AtFlags::REMOVEDIR).is_err() {
                break;
            }
        }
    }
}

/// Removes each directory in `made` that is still empty, innermost first.
pub(super) fn unmake(tree: &Tree, made: &[TreePath]) -> Result<()> {
    for path in made.iter().rev() {
        match remove_entry(tree, path, AtFlags::REMOVEDIR) {
            Ok(_) => {}
            // Another process uses it by now.
            Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::DirectoryNotEmpty => break,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Removes the file or, with `REMOVEDIR`, the empty directory at `path`. `false` when it does not exist.
pub(super) fn remove_entry(tree: &Tree, path: &TreePath, flags: AtFlags) -> Result<bool> {
    let parent = path.parent().expect("an area is never removed");
    let Some(parents) = Parents::open(tree, &parent)? else { return Ok(false) };
    match rustix::fs::unlinkat(parents.last(), path.file_name(), flags) {
        Ok(()) => Ok(true),
        Err(Errno::NOENT) => Ok(false),
        Err(errno) => Err(Error::io("remove", tree.locate(path), errno)),
    }
}

/// Opens an area. If the tree does not have it yet, it is made, as the registry does. The `bool` says whether it was.
fn area_made(tree: &Tree, area: Area) -> Result<(OwnedFd, bool)> {
    let path = area.path();
    if let Some(handle) = tree.area(area)? {
        return Ok((duplicate(tree, handle, &path)?, false));
    }
    let failed = |errno| Error::io("create directory", tree.locate(&path), errno);
    match rustix::fs::mkdirat(tree.v2(), area.name(), ownership::PRIVATE_DIRECTORY) {
        Err(Errno::EXIST) => {}
        done => done.map_err(failed)?,
    }
    let handle = tree.area(area)?.ok_or_else(|| failed(Errno::NOENT))?;
    ownership::adopt(handle, tree.v2(), FileType::Directory).map_err(failed)?;
    Ok((duplicate(tree, handle, &path)?, true))
}

/// Tries again while another process removes directories that `attempt` was about to use.
pub(super) fn retry_vanished<T>(mut attempt: impl FnMut() -> Result<T>) -> Result<T> {
    for _ in 1..VANISHED_TRIES {
        match attempt() {
            Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {}
            done => return done,
        }
    }
    attempt()
}

/// Syncs a directory. Errors name it as `path`.
pub(super) fn sync_directory(directory: BorrowedFd<'_>, path: &Path) -> Result<()> {
    match rustix::fs::fsync(directory) {
        // Some file systems can't sync a directory, and answer with this. Nothing more can be done on them.
        Ok(()) | Err(Errno::INVAL) => Ok(()),
        Err(errno) => Err(Error::io("sync", path, errno)),
    }
}

/// Opens a directory in another. It does not follow a symbolic link.
pub(super) fn open_in(parent: BorrowedFd<'_>, name: &str) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(parent, name, flags, Mode::empty())
}

fn duplicate(tree: &Tree, handle: BorrowedFd<'_>, path: &TreePath) -> Result<OwnedFd> {
    handle.try_clone_to_owned().map_err(|error| Error::io("open", tree.locate(path), error))
}
