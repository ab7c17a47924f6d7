//! Keeps regtree's own state in `<root>/.regtree/`. It is outside of the tree, so a registry never sees it.
//!
//! There are records, small files that only save reading something again, and notes that name the holders of the tree's
//! lock. A note is a small JSON file. The process that it names keeps it locked for as long as it lives, so a note that
//! can be locked is stale. The quarantine's runs are here too ([`quarantine`](crate::quarantine)).
//!
//! **A file here may be a trap.** Whoever owns the tree can put one here, and regtree may run as
//! root. So [`trusted`] opens regular files with one link only, and mode and owner are set only of what was just made.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, FileType, FlockOperation, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::parents::open_in;
use super::{Sync, ownership};
use crate::layout;
use crate::tree::Tree;

const NOTES: &str = "holders";
/// A note or record has a few hundred bytes. regtree did not write a longer one.
const NOTE_MAX: u64 = 4096;

/// An empty note that is older than this will never be written: its process died before it could.
const BIRTH: Duration = Duration::from_mins(1);

/// How long a record's lock is waited for, and how often it is tried.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);
const LOCK_POLL: Duration = Duration::from_millis(10);

/// A note, which is removed when this is dropped.
#[derive(Debug)]
#[must_use = "the note is removed when it is dropped"]
pub(crate) struct Note {
    directory: OwnedFd,
    name: String,
    _locked: File,
}

impl Drop for Note {
    fn drop(&mut self) {
        // This is best effort: a note that stays is recognized as stale.
        let _ = rustix::fs::unlinkat(&self.directory, &*self.name, AtFlags::empty());
    }
}

/// Opens a directory of our state, and makes it if it is missing.
fn make(tree: &Tree, kind: &str) -> std::io::Result<OwnedFd> {
    make_all(tree, &[layout::PRIVATE, kind])
}

/// Opens a directory below the root, with one name for each step. Makes the directories that are missing.
pub(super) fn make_all(tree: &Tree, names: &[&str]) -> std::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut directory = rustix::fs::openat(rustix::fs::CWD, tree.root(), flags, Mode::empty())?;
    for name in names {
        let inner = match rustix::fs::mkdirat(&directory, *name, ownership::PRIVATE_DIRECTORY) {
            Ok(()) => {
                let inner = open_in(directory.as_fd(), name)?;
                ownership::adopt(inner.as_fd(), directory.as_fd(), FileType::Directory)?;
                inner
            }
            Err(Errno::EXIST) => open_in(directory.as_fd(), name)?,
            Err(errno) => return Err(errno.into()),
        };
        directory = inner;
    }
    Ok(directory)
}

/// Opens a directory of our state. `ENOENT` when it does not exist.
fn open(tree: &Tree, kind: &str) -> rustix::io::Result<OwnedFd> {
    open_all(tree, &[layout::PRIVATE, kind])
}

/// Opens a directory below the root, with one name for each step. Follows no symbolic link.
pub(crate) fn open_all(tree: &Tree, names: &[&str]) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = rustix::fs::openat(rustix::fs::CWD, tree.root(), flags, Mode::empty())?;
    names.iter().try_fold(root, |directory, name| open_in(directory.as_fd(), name))
}

/// Writes a record whole. It replaces an existing one of that name.
pub(crate) fn write_record(tree: &Tree, kind: &str, name: &str, content: &[u8], sync: Sync) -> std::io::Result<()> {
    let directory = make(tree, kind)?;
    let temporary = format!("{name}{}", layout::temporary_suffix(uuid::Uuid::new_v4()));
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = File::from(rustix::fs::openat(&directory, &*temporary, flags, ownership::PRIVATE_FILE)?);
    let written = ownership::adopt(file.as_fd(), directory.as_fd(), FileType::RegularFile)
        .map_err(std::io::Error::from)
        .and_then(|()| file.write_all(content))
        .and_then(|()| if sync == Sync::Now { file.sync_all() } else { Ok(()) })
        .and_then(|()| Ok(rustix::fs::renameat(&directory, &*temporary, &directory, name)?));
    if sync == Sync::Now && written.is_ok() {
        rustix::fs::fsync(&directory)?;
    }
    if written.is_err() {
        let _ = rustix::fs::unlinkat(&directory, &*temporary, AtFlags::empty());
    }
    written
}

/// Locks a record against changes by other processes until the file is dropped. Each holds the lock only for a moment.
/// `Err(WouldBlock)` when one holds it for longer.
pub(crate) fn lock_record(tree: &Tree, kind: &str, name: &str) -> std::io::Result<File> {
    let directory = make(tree, kind)?;
    let (name, begin) = (format!("{name}.lock"), Instant::now());
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let lock = match rustix::fs::openat(&directory, &*name, flags, ownership::PRIVATE_FILE) {
        Ok(made) => {
            ownership::adopt(made.as_fd(), directory.as_fd(), FileType::RegularFile)?;
            File::from(made)
        }
        Err(Errno::EXIST) => trusted(tree, directory.as_fd(), &name, OFlags::RDWR)?,
        Err(errno) => return Err(errno.into()),
    };
    loop {
        match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) if begin.elapsed() < LOCK_PATIENCE => std::thread::sleep(LOCK_POLL),
            locked => return locked.map(|()| lock).map_err(Into::into),
        }
    }
}

/// Opens a file of our state: a regular file with one link, which belongs to root, to the owner of the tree, or to us.
/// `Err(InvalidData)` for any other. No symbolic link is followed, and no device is opened.
pub(crate) fn trusted(tree: &Tree, directory: BorrowedFd<'_>, name: &str, access: OFlags) -> std::io::Result<File> {
    let flags = access | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let refused = |reason: &str| std::io::Error::new(ErrorKind::InvalidData, reason);
    let is_file = |stat: &Stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
    // Opening a device may already do something.
    if !is_file(&rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)?) {
        return Err(refused("it is not a regular file"));
    }
    let file = File::from(rustix::fs::openat(directory, name, flags, Mode::empty())?);
    let (found, owner) = (rustix::fs::fstat(&file)?, rustix::fs::fstat(tree.v2())?.st_uid);
    if !is_file(&found) {
        return Err(refused("it is not a regular file"));
    }
    if found.st_nlink > 1 {
        return Err(refused("it has more than one hard link"));
    }
    if ![0, owner, rustix::process::geteuid().as_raw()].contains(&found.st_uid) {
        return Err(refused("it belongs to a user who does not own the tree"));
    }
    Ok(file)
}

/// Opens a record of any length. `None` when there is none that can be read and trusted.
pub(crate) fn open_record(tree: &Tree, kind: &str, name: &str) -> Option<File> {
    trusted(tree, open(tree, kind).ok()?.as_fd(), name, OFlags::RDONLY).ok()
}

/// Reads a record. `None` when there is none that can be read.
pub(crate) fn read_record(tree: &Tree, kind: &str, name: &str) -> Option<Vec<u8>> {
    let file = open_record(tree, kind, name)?;
    let mut content = Vec::new();
    file.take(NOTE_MAX).read_to_end(&mut content).ok()?;
    Some(content)
}

/// Removes a record. A failure does no harm: a record that stays agrees with no file, and is not used.
pub(crate) fn forget_record(tree: &Tree, kind: &str, name: &str) {
    if let Ok(directory) = open(tree, kind) {
        let _ = rustix::fs::unlinkat(directory, name, AtFlags::empty());
    }
}

/// Leaves a note. `Err` when `.regtree` can't be written, for example on a full disk.
pub(crate) fn leave_note(tree: &Tree, text: &str) -> std::io::Result<Note> {
    let directory = make(tree, NOTES)?;
    let name = format!("{}.json", uuid::Uuid::new_v4());
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = File::from(rustix::fs::openat(&directory, &*name, flags, ownership::PRIVATE_FILE)?);
    ownership::adopt(file.as_fd(), directory.as_fd(), FileType::RegularFile)?;
    let locked = file.try_clone()?;
    // From here on the file is removed when the note is dropped, even if it can't be written.
    let note = Note { directory, name, _locked: locked };
    rustix::fs::flock(&file, FlockOperation::LockExclusive)?;
    // An empty note means "about to be written". So the content is written after the lock is taken.
    file.write_all(text.as_bytes())?;
    Ok(note)
}

/// Returns the notes of living processes, and removes those of dead ones. Best effort: a note that can't be read is
/// passed over.
pub(crate) fn live_notes(tree: &Tree) -> Vec<String> {
    let notes = || -> rustix::io::Result<Vec<String>> {
        let directory = open(tree, NOTES)?;
        let mut notes = Vec::new();
        for entry in rustix::fs::Dir::read_from(&directory)? {
            notes.extend(read_live(tree, &directory, &entry?));
        }
        Ok(notes)
    };
    notes().unwrap_or_default()
}

fn read_live(tree: &Tree, directory: &OwnedFd, entry: &rustix::fs::DirEntry) -> Option<String> {
    let name =
        entry.file_name().to_str().ok().filter(|name| name.rsplit_once('.').is_some_and(|(_, end)| end == "json"))?;
    let file = trusted(tree, directory.as_fd(), name, OFlags::RDONLY).ok()?;
    let stale = rustix::fs::flock(&file, FlockOperation::NonBlockingLockShared).is_ok();
    let mut text = String::new();
    (&file).take(NOTE_MAX).read_to_string(&mut text).ok()?;
    if !stale {
        return Some(text);
    }
    let age = file.metadata().and_then(|metadata| metadata.modified()).ok().and_then(|time| time.elapsed().ok());
    if !text.is_empty() || age.is_some_and(|age| age > BIRTH) {
        let _ = rustix::fs::unlinkat(directory, name, AtFlags::empty());
    }
    None
}
