//! Who may change the tree now.
//!
//! A kernel lock (flock) on `docker/registry/v2` itself: shared for those who add and unlink, exclusive for those who
//! remove content. It needs no free block on a full disk, and the kernel drops it when its holder dies, so there is
//! never a stale one to clear away. Readers and dry runs take none. The registry takes none either: it must be stopped
//! or read-only while content is removed.
//!
//! A held lock fails at once with the notes that its holders left in `.regtree/holders` (best effort), or is waited for
//! when asked. Lock order: the tree, then one upload, before anything of that is opened or made. On NFS a lock may hang
//! while its server is away.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::fs::FlockOperation;
use rustix::io::Errno;

use super::private::{self, Note};
use crate::error::{Error, Result};
use crate::layout::TreePath;
use crate::tree::Tree;

pub use crate::error::{Holder, Mode};

/// How often a waiting process looks again.
const POLL: Duration = Duration::from_millis(25);

/// The tree's lock, held until dropped.
#[derive(Debug)]
#[must_use = "the lock is released when it is dropped"]
pub struct TreeLock {
    // The note goes first, so that a note without a lock is never seen.
    _note: Option<Note>,
    _directory: OwnedFd,
    wait: Duration,
}

impl TreeLock {
    /// Locks `tree` for `holder`, waiting up to `wait` if another process has it.
    ///
    /// `Err(Locked)` names who holds it, as far as they left a note.
    pub fn acquire(tree: &Tree, holder: &Holder, wait: Duration) -> Result<Self> {
        let failed = |errno: Errno| Error::io("lock", tree.path(), errno);
        // Opened anew: a lock belongs to the open file, and a second one in this process must not share it.
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

    /// How long its holder is willing to wait for a lock.
    pub fn wait(&self) -> Duration {
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

/// Who holds the tree's lock now, as far as they left a note.
pub fn holders(tree: &Tree) -> Vec<Holder> {
    private::live_notes(tree).iter().filter_map(|text| serde_json::from_str(text).ok()).collect()
}

/// One upload's lock, held until dropped.
///
/// It is on the upload's directory, which is there for as long as the upload is: its `data` is made late, and goes to the
/// blob's place before a commit is over; and who only asks for the lock must not open it, for that is what a writer's
/// proof of being alone would find. Where a directory can't be locked alone (NFS wants a handle that may write), it is on
/// `data` after all.
#[derive(Debug)]
#[must_use = "the lock is released when it is dropped"]
pub struct UploadLock {
    _handle: OwnedFd,
}

impl UploadLock {
    /// Locks the upload in `directory`, waiting up to `wait` if another process works on it. `data` opens its data for
    /// writing, if need be.
    ///
    /// `None` when there is no such directory, or not any more once it was locked. `Err(Locked)` names who may be at it:
    /// all others that change the tree now, as far as they left a note.
    pub fn acquire(
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

    /// Who had the lock until now may have finished or cancelled the upload.
    fn of_what_is_in_place(tree: &Tree, path: &TreePath, handle: OwnedFd) -> Result<Option<Self>> {
        Ok(tree.is_in_place(path, &handle)?.then_some(Self { _handle: handle }))
    }
}

/// What became of an attempt to lock something.
enum Lockable {
    Locked,
    /// Its file system does not lock such a thing alone.
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
