//! Mode and owner of what is new: those of the directory it is made in.
//!
//! A registry that runs as another user must be able to read, replace and delete what regtree wrote. Its own files
//! follow its umask, so the nearest directory of the tree says what that is (layout.md §2): a file takes the
//! directory's mode less the execute bits. Where the system does not let us, for want of privilege or because the file
//! system or a user namespace knows no such owner, what was made stays as it is: it is right for us at least.

use std::os::fd::BorrowedFd;

use rustix::fs::{FileType, Gid, Mode, Uid};
use rustix::io::Errno;

/// A directory's mode without set-user-id, which means nothing on one.
const DIRECTORY_MODE: u32 = 0o3777;
const FILE_MODE: u32 = 0o666;

/// Gives `new` the mode and, where we may set it, the owner of `parent`.
pub(super) fn adopt(new: BorrowedFd<'_>, parent: BorrowedFd<'_>, kind: FileType) -> rustix::io::Result<()> {
    adopt_owner(new, parent)?;
    let (ours, theirs) = (rustix::fs::fstat(new)?, rustix::fs::fstat(parent)?);
    let wanted = mode(theirs.st_mode, kind);
    if ours.st_mode & 0o7777 == wanted {
        return Ok(());
    }
    where_allowed(rustix::fs::fchmod(new, Mode::from_raw_mode(wanted))).map(drop)
}

/// The mode of what is made in a directory of mode `parent`.
pub(super) fn mode(parent: u32, kind: FileType) -> u32 {
    parent & if kind == FileType::Directory { DIRECTORY_MODE } else { FILE_MODE }
}

/// Gives `new` the owner of `parent`, where we may set it.
pub(super) fn adopt_owner(new: BorrowedFd<'_>, parent: BorrowedFd<'_>) -> rustix::io::Result<()> {
    let (ours, theirs) = (rustix::fs::fstat(new)?, rustix::fs::fstat(parent)?);
    if (ours.st_uid, ours.st_gid) == (theirs.st_uid, theirs.st_gid) {
        return Ok(());
    }
    let gid = Some(Gid::from_raw(theirs.st_gid));
    // Only root may give a file away; a member of the group may at least set that.
    if !where_allowed(rustix::fs::fchown(new, Some(Uid::from_raw(theirs.st_uid)), gid))? {
        where_allowed(rustix::fs::fchown(new, None, gid))?;
    }
    Ok(())
}

/// Whether it was done; a refusal is no failure.
fn where_allowed(done: rustix::io::Result<()>) -> rustix::io::Result<bool> {
    match done {
        Ok(()) => Ok(true),
        Err(Errno::PERM | Errno::INVAL | Errno::NOTSUP | Errno::NOSYS) => Ok(false),
        Err(errno) => Err(errno),
    }
}
