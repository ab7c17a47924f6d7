//! The one module that changes the tree: it creates, renames, removes and syncs.
//!
//! - **A file appears whole or not at all.** A small file is written beside its place as `<name>.<uuid>.tmp`, synced,
//!   renamed, and its directory synced (layout.md §10); a blob is renamed out of its upload.
//! - **What is reported done survives a power cut**: after a change every directory from the file up to its area is
//!   synced, because the one above may have been made a moment ago by us, or by another process that has not synced
//!   yet. A sync of a clean directory costs next to nothing.
//! - **The registry can use what is made here**: a new file or directory takes mode and owner from its nearest parent
//!   in the tree ([`ownership`]).
//! - **No symbolic link is written through** below an area: every step down is taken by handle, without following.
//!
//! All of it goes through a [`Writer`], which holds the tree's lock for as long as it lives.

#![expect(clippy::disallowed_methods, reason = "this is the room that may")]

mod ownership;
pub(crate) mod private;

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

use crate::error::{Error, Result};
use crate::layout::{self, Area, TreePath};
use crate::lock::TreeLock;
use crate::tree::{self, Kind, Tree};

/// How often to begin again when another process removes a directory that was just found: it undoes a change of its
/// own, so this ends.
const VANISHED_TRIES: usize = 1000;

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
pub struct Writer<'t> {
    tree: &'t Tree,
    _lock: TreeLock,
}

/// The open directories from below an area down to one, and which of them were made on the way.
struct Chain {
    path: TreePath,
    area: OwnedFd,
    handles: Vec<OwnedFd>,
    made: Vec<TreePath>,
    made_area: bool,
}

impl Chain {
    fn last(&self) -> BorrowedFd<'_> {
        self.handles.last().unwrap_or(&self.area).as_fd()
    }
}

impl<'t> Writer<'t> {
    /// A writer that holds `lock`.
    pub fn new(tree: &'t Tree, lock: TreeLock) -> Self {
        Self { tree, _lock: lock }
    }

    /// The tree it changes.
    pub fn tree(&self) -> &'t Tree {
        self.tree
    }

    /// Makes the directory at `path` and its parents; returns those that were missing, outermost first.
    pub fn make_directory(&self, path: &TreePath) -> Result<Vec<TreePath>> {
        self.chain_made(path).map(|chain| chain.made)
    }

    /// Takes back [`Writer::make_directory`]: removes those of `made` that are still empty.
    pub fn unmake_directories(&self, made: &[TreePath]) -> Result<()> {
        for path in made.iter().rev() {
            match self.remove_entry(path, AtFlags::REMOVEDIR) {
                Ok(_) => {}
                // Somebody else uses it by now.
                Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::DirectoryNotEmpty => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Creates an empty file to write to, in a directory that exists. Not synced. A file of that name is `Err(Io)`.
    pub fn create_file(&self, path: &TreePath) -> Result<File> {
        let parent = path.parent().expect("a file lies in a directory");
        let chain = self.chain(&parent)?.ok_or_else(|| self.vanished(&parent))?;
        self.create_in(&chain, path.file_name()).map_err(|errno| Error::io("create", self.tree.locate(path), errno))
    }

    fn create_in(&self, chain: &Chain, name: &str) -> rustix::io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let handle = rustix::fs::openat(chain.last(), name, flags, Mode::from_raw_mode(0o666))?;
        ownership::adopt(handle.as_fd(), chain.last(), FileType::RegularFile)?;
        Ok(File::from(handle))
    }

    /// Writes a small file whole, in place of any that is there, and makes its directory if need be.
    ///
    /// A crash leaves the old file or the new one, and perhaps a `.tmp` beside it. A failure leaves what was there.
    pub fn write_small(&self, path: &TreePath, content: &[u8], sync: Sync) -> Result<()> {
        let parent = path.parent().expect("a file lies in a directory");
        let failed = |errno: std::io::Error| Error::io("write", self.tree.locate(path), errno);
        self.retry_vanished(|| {
            let chain = self.chain_made(&parent)?;
            let written = self.write_beside(&chain, path, sync, |file| file.write_all(content));
            written.map_err(failed).inspect_err(|_| self.forget(&chain))?;
            if sync == Sync::Now { self.sync(&chain) } else { Ok(()) }
        })
    }

    /// Writes `<name>.<uuid>.tmp`, and renames it to its place.
    fn write_beside(
        &self,
        chain: &Chain,
        path: &TreePath,
        sync: Sync,
        write: impl FnOnce(&mut File) -> std::io::Result<()>,
    ) -> std::io::Result<()> {
        self.refuse_symlink(chain, path)?;
        let temporary = format!("{}{}", path.file_name(), layout::temporary_suffix(uuid::Uuid::new_v4()));
        let mut file = self.create_in(chain, &temporary)?;
        let placed = write(&mut file)
            .and_then(|()| if sync == Sync::Now { file.sync_all() } else { Ok(()) })
            .and_then(|()| Ok(rustix::fs::renameat(chain.last(), &*temporary, chain.last(), path.file_name())?));
        if placed.is_err() {
            // The failure that matters is the first one; what is left is a `.tmp` that everybody ignores.
            let _ = rustix::fs::unlinkat(chain.last(), &*temporary, AtFlags::empty());
        }
        placed
    }

    /// A rename would quietly replace a symbolic link; it is damage that somebody should look at.
    fn refuse_symlink(&self, chain: &Chain, path: &TreePath) -> rustix::io::Result<()> {
        match tree::metadata_at(chain.last(), path.file_name())? {
            Some(found) if found.kind == Kind::Symlink => Err(Errno::LOOP),
            _ => Ok(()),
        }
    }

    /// Moves the file at `from`, whose content is synced already, to `to`, in place of any file there, and syncs.
    ///
    /// Where the two lie on different file systems, which only the refusal of the rename tells, the content is copied
    /// beside its place, synced, renamed, and the old file removed.
    pub fn publish(&self, from: &TreePath, to: &TreePath) -> Result<()> {
        let parents = [from, to].map(|path| path.parent().expect("a file lies in a directory"));
        let failed = |error: std::io::Error| Error::io("move content to", self.tree.locate(to), error);
        self.retry_vanished(|| {
            let source = self.chain(&parents[0])?.ok_or_else(|| self.vanished(&parents[0]))?;
            let target = self.chain_made(&parents[1])?;
            let moved = self.rename_or_copy(&source, from, &target, to);
            moved.map_err(failed).inspect_err(|_| self.forget(&target))?;
            self.sync(&target)
        })
    }

    fn rename_or_copy(&self, source: &Chain, from: &TreePath, target: &Chain, to: &TreePath) -> std::io::Result<()> {
        self.refuse_symlink(target, to)?;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let handle = rustix::fs::openat(source.last(), from.file_name(), flags, Mode::empty())?;
        ownership::adopt(handle.as_fd(), target.last(), FileType::RegularFile)?;
        match rustix::fs::renameat(source.last(), from.file_name(), target.last(), to.file_name()) {
            Err(Errno::XDEV) => {}
            renamed => return Ok(renamed?),
        }
        let mut content = File::from(handle);
        self.write_beside(target, to, Sync::Now, |file| std::io::copy(&mut content, file).map(drop))?;
        rustix::fs::unlinkat(source.last(), from.file_name(), AtFlags::empty())?;
        Ok(())
    }

    /// Removes the file at `path`; `false` when it is gone already.
    pub fn remove_file(&self, path: &TreePath, sync: Sync) -> Result<bool> {
        let removed = self.remove_entry(path, AtFlags::empty())?;
        if removed && sync == Sync::Now {
            self.sync_around(path)?;
        }
        Ok(removed)
    }

    fn remove_entry(&self, path: &TreePath, flags: AtFlags) -> Result<bool> {
        let parent = path.parent().expect("an area is never removed");
        let Some(chain) = self.chain(&parent)? else { return Ok(false) };
        match rustix::fs::unlinkat(chain.last(), path.file_name(), flags) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => Err(Error::io("remove", self.tree.locate(path), errno)),
        }
    }

    /// Removes the directory at `path` with all that is in it, following nothing. Not synced.
    pub fn remove_directory(&self, path: &TreePath) -> Result<()> {
        let parent = path.parent().expect("an area is never removed");
        let Some(chain) = self.chain(&parent)? else { return Ok(()) };
        self.remove_below(chain.last(), path)
    }

    fn remove_below(&self, parent: BorrowedFd<'_>, path: &TreePath) -> Result<()> {
        let failed = |path: &TreePath, errno: Errno| Error::io("remove", self.tree.locate(path), errno);
        for entry in self.tree.list_in(parent, path)?.unwrap_or_default() {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let directory = match rustix::fs::openat(parent, path.file_name(), flags, Mode::empty()) {
                Ok(directory) => directory,
                Err(Errno::NOENT) => return Ok(()),
                Err(errno) => return Err(failed(path, errno)),
            };
            match entry.text().and_then(|name| path.child(name)) {
                Some(child) if entry.kind == Kind::Directory => self.remove_below(directory.as_fd(), &child)?,
                _ => match rustix::fs::unlinkat(&directory, &*entry.name, AtFlags::empty()) {
                    Ok(()) | Err(Errno::NOENT) => {}
                    Err(errno) => return Err(failed(path, errno)),
                },
            }
        }
        match rustix::fs::unlinkat(parent, path.file_name(), AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(failed(path, errno)),
        }
    }

    /// Makes sure that a file found in its place, which another process may have put there a moment ago, is on disk
    /// with all directories above it.
    pub fn sync_found(&self, file: &File, path: &TreePath) -> Result<()> {
        file.sync_all().map_err(|error| Error::io("sync", self.tree.locate(path), error))?;
        self.sync_around(path)
    }

    fn sync_around(&self, path: &TreePath) -> Result<()> {
        let parent = path.parent().expect("a file lies in a directory");
        match self.chain(&parent)? {
            Some(chain) => self.sync(&chain),
            None => Ok(()),
        }
    }

    /// Syncs the directories of `chain`, innermost first.
    fn sync(&self, chain: &Chain) -> Result<()> {
        let mut path = Some(chain.path.clone());
        for handle in chain.handles.iter().rev().chain([&chain.area]) {
            let here = path.take().expect("a handle for each directory");
            sync_directory(handle.as_fd(), &self.tree.locate(&here))?;
            path = here.parent();
        }
        if chain.made_area {
            sync_directory(self.tree.v2(), self.tree.path())?;
        }
        Ok(())
    }

    /// Opens every directory down to `path`. `None` when one isn't there.
    fn chain(&self, path: &TreePath) -> Result<Option<Chain>> {
        let Some(area) = self.tree.area(path.area())? else { return Ok(None) };
        let area = duplicate(area, path)?;
        let mut chain = Chain { path: path.clone(), area, handles: Vec::new(), made: Vec::new(), made_area: false };
        for here in descent(path) {
            match open_in(chain.last(), here.file_name()) {
                Ok(handle) => chain.handles.push(handle),
                Err(Errno::NOENT) => return Ok(None),
                Err(errno) => return Err(self.tree.explain(&here, "a directory", "open", errno)),
            }
        }
        Ok(Some(chain))
    }

    /// Opens every directory down to `path`, and makes those that are missing.
    fn chain_made(&self, path: &TreePath) -> Result<Chain> {
        self.retry_vanished(|| {
            let (area, made_area) = self.area_made(path.area())?;
            let mut chain = Chain { path: path.clone(), area, handles: Vec::new(), made: Vec::new(), made_area };
            for here in descent(path) {
                match self.open_or_make(&mut chain, &here) {
                    Ok(handle) => chain.handles.push(handle),
                    Err(error) => {
                        self.forget(&chain);
                        return Err(error);
                    }
                }
            }
            Ok(chain)
        })
    }

    fn open_or_make(&self, chain: &mut Chain, here: &TreePath) -> Result<OwnedFd> {
        let explain = |errno| self.tree.explain(here, "a directory", "open", errno);
        let make = |errno| Error::io("create directory", self.tree.locate(here), errno);
        match open_in(chain.last(), here.file_name()) {
            Err(Errno::NOENT) => {}
            opened => return opened.map_err(explain),
        }
        match rustix::fs::mkdirat(chain.last(), here.file_name(), Mode::from_raw_mode(0o777)) {
            // Another process was quicker; the directory is as good.
            Err(Errno::EXIST) => return open_in(chain.last(), here.file_name()).map_err(explain),
            made => made.map_err(make)?,
        }
        chain.made.push(here.clone());
        let handle = open_in(chain.last(), here.file_name()).map_err(explain)?;
        ownership::adopt(handle.as_fd(), chain.last(), FileType::Directory).map_err(make)?;
        Ok(handle)
    }

    /// The handle of an area, which is made when the tree has none yet, as the registry does.
    fn area_made(&self, area: Area) -> Result<(OwnedFd, bool)> {
        let path = area.path();
        if let Some(handle) = self.tree.area(area)? {
            return Ok((duplicate(handle, &path)?, false));
        }
        let make = |errno| Error::io("create directory", self.tree.locate(&path), errno);
        match rustix::fs::mkdirat(self.tree.v2(), area.name(), Mode::from_raw_mode(0o777)) {
            Err(Errno::EXIST) => {}
            made => made.map_err(make)?,
        }
        let handle = self.tree.area(area)?.ok_or_else(|| self.vanished(&path))?;
        ownership::adopt(handle, self.tree.v2(), FileType::Directory).map_err(make)?;
        Ok((duplicate(handle, &path)?, true))
    }

    /// Takes back the directories that a change made before it failed. Its failure is what gets reported.
    fn forget(&self, chain: &Chain) {
        let _ = self.unmake_directories(&chain.made);
    }

    fn vanished(&self, path: &TreePath) -> Error {
        Error::io("open", self.tree.locate(path), Errno::NOENT)
    }

    /// Tries again while another process takes back directories that we were about to use.
    fn retry_vanished<T>(&self, mut attempt: impl FnMut() -> Result<T>) -> Result<T> {
        for _ in 1..VANISHED_TRIES {
            match attempt() {
                Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {}
                done => return done,
            }
        }
        attempt()
    }
}

/// Makes an empty tree in `root`, with its skeleton and the registry's own modes (0777 less the umask, layout.md §2);
/// `false` when there is one already. Parents of `root` are made too.
pub fn create_tree(root: &Path) -> Result<bool> {
    let v2 = root.join(layout::PREFIX);
    let there = v2.is_dir();
    if there {
        return Ok(false);
    }
    let skeleton = [layout::canonical_blobs_directory(), Area::Repositories.path()];
    let existing = root.ancestors().find(|ancestor| ancestor.is_dir()).unwrap_or(Path::new("."));
    for directory in &skeleton {
        let path = v2.join(directory.to_string());
        std::fs::create_dir_all(&path).map_err(|error| Error::io("create directory", &path, error))?;
        sync_up(&path, existing)?;
    }
    Ok(true)
}

/// Syncs `from` and every directory above it up to and with `to`.
fn sync_up(from: &Path, to: &Path) -> Result<()> {
    for directory in from.ancestors() {
        let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
        let handle = File::open(directory).map_err(|error| Error::io("open", directory, error))?;
        sync_directory(handle.as_fd(), directory)?;
        if directory == to {
            break;
        }
    }
    Ok(())
}

fn sync_directory(directory: BorrowedFd<'_>, path: &Path) -> Result<()> {
    match rustix::fs::fsync(directory) {
        // Some file systems can't sync a directory, and say so; there is nothing more to do on them.
        Ok(()) | Err(Errno::INVAL) => Ok(()),
        Err(errno) => Err(Error::io("sync", path, errno)),
    }
}

/// `path` and the directories above it, outermost first, without the area.
fn descent(path: &TreePath) -> Vec<TreePath> {
    let mut steps: Vec<TreePath> = std::iter::successors(Some(path.clone()), TreePath::parent).collect();
    steps.pop();
    steps.reverse();
    steps
}

fn open_in(parent: BorrowedFd<'_>, name: &str) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(parent, name, flags, Mode::empty())
}

fn duplicate(handle: BorrowedFd<'_>, path: &TreePath) -> Result<OwnedFd> {
    handle.try_clone_to_owned().map_err(|error| Error::io("open", path.to_string(), error))
}

#[cfg(test)]
mod tests;
