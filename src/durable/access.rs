//! Reads and sets the mode and owner of files and directories that are in the tree.

use std::os::fd::{AsRawFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, Uid};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::parents::Parents;
use super::{Writer, ownership, parent};
use crate::error::{Error, Result};
use crate::layout::TreePath;
use crate::tree::{EntryKind, Tree};

/// The mode and owner of a file or directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Access {
    mode: u32,
    uid: u32,
    gid: u32,
}

/// A file or directory, held by a handle that needs no permission to read it.
struct HeldEntry {
    handle: OwnedFd,
    kind: FileType,
    access: Access,
    links: u64,
}

impl HeldEntry {
    fn of(handle: OwnedFd) -> rustix::io::Result<Self> {
        let stat = rustix::fs::fstat(&handle)?;
        let access = Access { mode: stat.st_mode & 0o7777, uid: stat.st_uid, gid: stat.st_gid };
        Ok(Self { handle, kind: FileType::from_raw_mode(stat.st_mode), access, links: stat.st_nlink })
    }

    fn set(&self, access: Access) -> std::io::Result<()> {
        if self.kind == FileType::RegularFile && self.links > 1 {
            // Another name of the file may be outside of the tree.
            return Err(std::io::Error::other("it has more than one hard link"));
        }
        if (self.access.uid, self.access.gid) != (access.uid, access.gid) {
            let (uid, gid) = (Some(Uid::from_raw(access.uid)), Some(Gid::from_raw(access.gid)));
            rustix::fs::chownat(&self.handle, "", uid, gid, AtFlags::EMPTY_PATH)?;
        }
        // `fchmod` refuses a handle that was opened with `O_PATH`, so the mode is set by the handle's path.
        let path = format!("/proc/self/fd/{}", self.handle.as_raw_fd());
        Ok(rustix::fs::chmod(path, Mode::from_raw_mode(access.mode))?)
    }
}

impl Access {
    /// Reads the mode and owner of a file or directory. `None` when it does not exist.
    pub(crate) fn at(tree: &Tree, path: &TreePath) -> Result<Option<Self>> {
        Ok(hold(tree, path)?.map(|held| held.access))
    }

    /// Whether something in a directory of `above` may have it: the directory's owner, and no bit that it lacks. A file
    /// has neither set-id bits nor the sticky bit.
    pub(crate) fn is_within(self, above: Self, kind: EntryKind) -> bool {
        let bits = if kind == EntryKind::Directory { 0o7777 } else { 0o777 };
        (self.uid, self.gid) == (above.uid, above.gid) && self.mode & !(above.mode & bits) == 0
    }

    /// Whether this is the result of changing `before` to `after`, or of a kill in between. The owner is set first.
    pub(crate) fn is_on_the_way(self, before: Self, after: Self) -> bool {
        self != before && (self == after || self == Self { mode: before.mode, ..after })
    }
}

impl std::fmt::Display for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "mode {:04o}, owner {}:{}", self.mode, self.uid, self.gid)
    }
}

impl Writer<'_> {
    /// The mode and owner that a file or directory at `path` would have if it were made now. `None` when none is there.
    pub(crate) fn access_of_new(&self, path: &TreePath) -> Result<Option<Access>> {
        let Some(held) = hold(self.tree, path)? else { return Ok(None) };
        let Some(parents) = Parents::open(self.tree, &parent(path))? else { return Ok(None) };
        let failed = |errno| Error::io("look at", self.tree.locate(path), errno);
        let above = rustix::fs::fstat(parents.last()).map_err(failed)?;
        let mode = ownership::mode(above.st_mode, held.kind);
        Ok(Some(Access { mode, uid: above.st_uid, gid: above.st_gid }))
    }

    /// Sets the mode and owner of a file or directory, and does not sync. `false` when it does not exist.
    pub(crate) fn set_access(&self, path: &TreePath, access: Access) -> Result<bool> {
        let Some(held) = hold(self.tree, path)? else { return Ok(false) };
        held.set(access).map_err(|error| Error::io("set mode and owner of", self.tree.locate(path), error))?;
        Ok(true)
    }
}

fn hold(tree: &Tree, path: &TreePath) -> Result<Option<HeldEntry>> {
    let failed = |errno| Error::io("look at", tree.locate(path), errno);
    let Some(parents) = Parents::open(tree, &parent(path))? else { return Ok(None) };
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let handle = match rustix::fs::openat(parents.last(), path.file_name(), flags, Mode::empty()) {
        Err(Errno::NOENT) => return Ok(None),
        opened => opened.map_err(failed)?,
    };
    let held = HeldEntry::of(handle).map_err(failed)?;
    match held.kind {
        FileType::RegularFile | FileType::Directory => Ok(Some(held)),
        kind => Err(tree.wrong_kind(path, "a file or directory", kind.into())),
    }
}
