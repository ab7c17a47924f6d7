//! Mode and owner of what is new: those of the directory it is made in.
//!
//! A registry that runs as another user must be able to read, replace and delete what regtree wrote. Its own files
//! follow its umask, so the nearest directory of the tree says what that is (layout.md §2): a file takes the
//! directory's mode less the execute bits.

use std::os::fd::BorrowedFd;

use rustix::fs::{FileType, Gid, Mode, Stat, Uid};
use rustix::io::Errno;

/// A directory's mode without set-user-id, which means nothing on one.
const DIRECTORY_MODE: u32 = 0o3777;
const FILE_MODE: u32 = 0o666;

/// Gives `new` the mode and, where we may set it, the owner of `parent`.
pub(super) fn adopt(new: BorrowedFd<'_>, parent: BorrowedFd<'_>, kind: FileType) -> rustix::io::Result<()> {
    let ours = rustix::fs::fstat(new)?;
    let theirs = rustix::fs::fstat(parent)?;
    adopt_owner(new, &ours, &theirs)?;
    let mask = if kind == FileType::Directory { DIRECTORY_MODE } else { FILE_MODE };
    let wanted = theirs.st_mode & mask;
    if ours.st_mode & 0o7777 == wanted {
        return Ok(());
    }
    match rustix::fs::fchmod(new, Mode::from_raw_mode(wanted)) {
        // A file that another user made, and that we may only move.
        Err(Errno::PERM) if ours.st_uid != rustix::process::geteuid().as_raw() => Ok(()),
        done => done,
    }
}

fn adopt_owner(new: BorrowedFd<'_>, ours: &Stat, theirs: &Stat) -> rustix::io::Result<()> {
    if (ours.st_uid, ours.st_gid) == (theirs.st_uid, theirs.st_gid) {
        return Ok(());
    }
    let gid = Some(Gid::from_raw(theirs.st_gid));
    // Only root may give a file away; a member of the group may at least set that.
    match rustix::fs::fchown(new, Some(Uid::from_raw(theirs.st_uid)), gid) {
        Err(Errno::PERM) => match rustix::fs::fchown(new, None, gid) {
            Err(Errno::PERM) => Ok(()),
            done => done,
        },
        done => done,
    }
}
