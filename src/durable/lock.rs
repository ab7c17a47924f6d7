//! Locks the tree, and single uploads.
//!
//! The tree's lock is a kernel lock (flock) on `docker/registry/v2` itself. Commands that add or unlink share it; those
//! that remove content hold it alone. It needs no free block on a full disk. The kernel frees it when its holder dies,
//! so no stale lock is ever left. Readers and dry runs take no lock.
//!
//! **The registry takes no lock either**: it must be stopped or read-only while content is removed.
//!
//! When another process holds the lock, taking it fails at once, or waits if the caller asks for that. The error names
//! the holders by the notes that they left in `.regtree/holders` (best effort). Locks are taken in this order: the
//! tree, then one upload, before anything in that upload is opened or made. On NFS, taking a lock may hang while the
//! server is away.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::fs::FlockOperation;
use rustix::io::Errno;

use super::private::{self, Note};
use crate::error::{Error, Result};
use crate::layout::TreePath;
use crate::tree::Tree;

pub(crate) use crate::error::{Holder, Mode};

/// How long a waiting process sleeps between two attempts.
const POLL: Duration = Duration::from_millis(25);

/// The tree's lock, held until dropped.
#[derive(Debug)]
#[must_use = "the lock is released when it is dropped"]
pub(crate) struct TreeLock {
    // The note is dropped first, so that no process sees a note without a lock.
    _note: Option<Note>,
    _directory: OwnedFd,
    wait: Duration,
}

impl TreeLock {
    /// Locks `tree` for `holder`. Waits up to `wait` while another process holds the lock.
    ///
    /// `Err(Locked)` names the holders that left a note.
    pub(crate) fn acquire(tree: &Tree, holder: &Holder, wait: Duration) -> Result<Self> {
        let failed = |errno: Errno| Error::io("lock", tree.path(), errno);
        // The directory is opened again: a lock belongs to the open file, and two locks in this process must not share
        // one.
        let directory = reopen(tree).map_err(failed)?;
        let operation = match holder.mode {
            Mode::Shared => FlockOperation::NonBlockingLockShared,
            Mode::Exclusive => FlockOperation::NonBlockingLockExclusive,
        };
        if !lock_within(&directory, operation, wait).map_err(failed)? {
            return Err(Error::Locked { path: tree.path().to_owned(), holders: holders(tree) });
        }
        let note = serde_json::to_string(holder).ok().and_then(|text| private::leave_note(tree, &text).ok());
        Ok(Self { _note: note, _directory: directory, wait })
    }

    /// How long the holder is ready to wait for a lock.
    pub(crate) fn wait(&self) -> Duration {
        self.wait
    }
}

fn reopen(tree: &Tree) -> rustix::io::Result<OwnedFd> {
    use rustix::fs::{Mode, OFlags};
    rustix::fs::openat(tree.v2(), ".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}

fn lock_within(directory: impl AsFd, operation: FlockOperation, wait: Duration) -> rustix::io::Result<bool> {
    let begin = Instant::now();
    loop {
        match rustix::fs::flock(&directory, operation) {
            Ok(()) => return Ok(true),
            Err(Errno::WOULDBLOCK) if begin.elapsed() < wait => std::thread::sleep(POLL),
            Err(Errno::WOULDBLOCK) => return Ok(false),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

/// The processes that hold the tree's lock now, as far as they left a note.
pub(crate) fn holders(tree: &Tree) -> Vec<Holder> {
    private::live_notes(tree).iter().filter_map(|text| serde_json::from_str(text).ok()).collect()
}

/// One upload's lock, held until dropped.
///
/// The lock is on the upload's directory, which exists for as long as the upload does. Its `data` would not do: it is
/// made late, and a commit moves it to the blob's place before the commit is over. And a process that only asks for the
/// lock must not open `data`, because the proof that no other process writes (`write_proof`) would fail on that.
///
/// Some file systems can't lock a directory exclusively: NFS wants a handle that may write. There the lock is on `data`
/// after all.
#[derive(Debug)]
#[must_use = "the lock is released when it is dropped"]
pub(crate) struct UploadLock {
    _handle: OwnedFd,
}

impl UploadLock {
    /// Locks the upload in `directory`. Waits up to `wait` while another process works on it. `data` opens its data for
    /// writing; it is called only where the directory can't be locked.
    ///
    /// `None` when the directory does not exist, or is gone once the lock was taken. `Err(Locked)` names the processes
    /// that may hold it: all others that change the tree now, as far as they left a note.
    pub(crate) fn acquire(
        tree: &Tree,
        directory: &TreePath,
        wait: Duration,
        data: impl FnOnce() -> Result<File>,
    ) -> Result<Option<Self>> {
        let Some(handle) = tree.open_directory(directory)? else { return Ok(None) };
        match lock_upload(tree, directory, &handle, wait)? {
            Lockable::Locked => Self::of_what_is_in_place(tree, directory, handle),
            Lockable::Not => {
                let (handle, path) = (data()?.into(), directory.data());
                match lock_upload(tree, &path, &handle, wait)? {
                    Lockable::Locked => Self::of_what_is_in_place(tree, &path, handle),
                    Lockable::Not => Err(Error::io("lock", tree.locate(&path), Errno::BADF)),
                }
            }
        }
    }

    /// Keeps the lock if the upload still exists: the process that held it before may have finished or cancelled it.
    fn of_what_is_in_place(tree: &Tree, path: &TreePath, handle: OwnedFd) -> Result<Option<Self>> {
        Ok(tree.is_in_place(path, &handle)?.then_some(Self { _handle: handle }))
    }
}

/// The result of an attempt to lock an upload.
enum Lockable {
    Locked,
    /// The file system can't lock this exclusively.
    Not,
}

fn lock_upload(tree: &Tree, path: &TreePath, handle: &OwnedFd, wait: Duration) -> Result<Lockable> {
    match lock_within(handle, FlockOperation::NonBlockingLockExclusive, wait) {
        Ok(true) => Ok(Lockable::Locked),
        Ok(false) => {
            let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
            let ourselves = |holder: &Holder| holder.pid == std::process::id() && holder.host == host;
            let others = holders(tree).into_iter().filter(|holder| !ourselves(holder));
            Err(Error::Locked { path: tree.locate(path), holders: others.collect() })
        }
        Err(Errno::BADF) => Ok(Lockable::Not),
        Err(errno) => Err(Error::io("lock", tree.locate(path), errno)),
    }
}
