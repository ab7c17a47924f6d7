//! Gives a new file or directory the mode and owner of the directory that it is made in.
//!
//! A registry that runs as another user must be able to read, replace and delete what regtree wrote. The registry's own
//! files follow its umask, and the nearest directory of the tree shows what that is (layout.md §2). A file takes the
//! directory's mode less the execute bits.
//!
//! The system may refuse, because we lack the privilege, or because the file system or a user namespace has no such
//! owner. Then the new file keeps the mode and owner that it was made with: those serve us at least.

use std::os::fd::BorrowedFd;

use rustix::fs::{FileType, Gid, Mode, Uid};
use rustix::io::Errno;

/// How a file and a directory are made, before they adopt a mode: under any umask only we may open them until then.
pub(super) const PRIVATE_FILE: Mode = Mode::RUSR.union(Mode::WUSR);
pub(super) const PRIVATE_DIRECTORY: Mode = Mode::RWXU;
/// A directory's mode without set-user-id, which means nothing on one.
const DIRECTORY_MODE: u32 = 0o3777;
const FILE_MODE: u32 = 0o666;

/// Gives `new` the mode and owner of `parent`, as far as the system allows.
pub(super) fn adopt(new: BorrowedFd<'_>, parent: BorrowedFd<'_>, kind: FileType) -> rustix::io::Result<()> {
    adopt_owner(new, parent)?;
    let (ours, theirs) = (rustix::fs::fstat(new)?, rustix::fs::fstat(parent)?);
    let wanted = mode(theirs.st_mode, kind);
    if ours.st_mode & 0o7777 == wanted {
        return Ok(());
    }
    where_allowed(rustix::fs::fchmod(new, Mode::from_raw_mode(wanted))).map(drop)
}

/// The mode of a new file or directory in a directory of mode `parent`.
pub(super) fn mode(parent: u32, kind: FileType) -> u32 {
    parent & if kind == FileType::Directory { DIRECTORY_MODE } else { FILE_MODE }
}

/// Gives `new` the owner of `parent`, or at least its group, as far as the system allows.
pub(super) fn adopt_owner(new: BorrowedFd<'_>, parent: BorrowedFd<'_>) -> rustix::io::Result<()> {
    let (ours, theirs) = (rustix::fs::fstat(new)?, rustix::fs::fstat(parent)?);
    if (ours.st_uid, ours.st_gid) == (theirs.st_uid, theirs.st_gid) {
        return Ok(());
    }
    let gid = Some(Gid::from_raw(theirs.st_gid));
    // Only root may give a file away. A member of the group may at least set the group.
    if !where_allowed(rustix::fs::fchown(new, Some(Uid::from_raw(theirs.st_uid)), gid))? {
        where_allowed(rustix::fs::fchown(new, None, gid))?;
    }
    Ok(())
}

/// `true` when the call succeeded, `false` when the system refused. Anything else is an error.
fn where_allowed(done: rustix::io::Result<()>) -> rustix::io::Result<bool> {
    match done {
        Ok(()) => Ok(true),
        Err(Errno::PERM | Errno::INVAL | Errno::NOTSUP | Errno::NOSYS) => Ok(false),
        Err(errno) => Err(errno),
    }
}
