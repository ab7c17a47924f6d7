//! Writes a directory outside of the tree, such as an image layout, so that it is whole at every moment.
//!
//! A new directory is filled beside its place, under a name of its own, and renamed at the end. An existing one gets
//! files, each of which appears whole, and last of all the file that names them. Two processes never fill the same one:
//! each locks the file that marks the directory.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;
use rustix::io::Errno;

use super::parents::sync_directory;
use crate::error::{Error, Result};

/// What is added to the name of a directory or file that is not whole yet.
const PARTIAL: &str = ".regtree-partial";

/// What is added to the name of a file of a directory that is not whole yet.
pub(crate) const TEMPORARY: &str = ".tmp";

/// A directory that is being filled, and locked.
#[derive(Debug)]
pub(crate) struct OutputDirectory {
    /// Where it is filled.
    path: PathBuf,
    /// Where it will be. The same as `path` if it was there before.
    place: PathBuf,
    done: bool,
    /// The marker.
    lock: File,
}

impl OutputDirectory {
    /// Opens the directory `place`, which has the file `marker`, or begins a new one with a marker of this text.
    ///
    /// `Err(Refused)` when something else is in its place, or another process fills it.
    pub(crate) fn open(place: &Path, marker: &str, text: &str) -> Result<Self> {
        let refused = |reason: String| Error::Refused { reason: format!("{}: {reason}", place.display()) };
        let path = match std::fs::read_dir(place) {
            Ok(_) if place.join(marker).is_file() => place.to_owned(),
            Ok(mut listed) => match listed.next() {
                Some(_) => return Err(refused(format!("it is not empty, and has no {marker}"))),
                None => partial(place),
            },
            Err(error) if error.kind() == ErrorKind::NotFound => partial(place),
            Err(error) if error.kind() == ErrorKind::NotADirectory => {
                return Err(refused("it is not a directory".to_owned()));
            }
            Err(error) => return Err(Error::io("open", place, error)),
        };
        if path != place {
            make_directory(&path)?;
        }
        let lock = lock(&path.join(marker)).map_err(|error| {
            if path != place {
                // Only an empty one goes, so not one that another process fills.
                let _ = std::fs::remove_dir(&path);
            }
            match error.kind() {
                ErrorKind::WouldBlock => refused("another process is writing it".to_owned()),
                _ => Error::io("lock", path.join(marker), error),
            }
        })?;
        let mut directory = Self { path, place: place.to_owned(), done: false, lock };
        if directory.is_new() {
            let file = &mut directory.lock;
            let written = file.set_len(0).and_then(|()| file.write_all(text.as_bytes()));
            written.map_err(|error| Error::io("write", directory.path.join(marker), error))?;
        }
        Ok(directory)
    }

    /// Where its files are now.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn is_new(&self) -> bool {
        self.path != self.place
    }

    /// The size of a file in bytes; `None` when there is none.
    pub(crate) fn size(&self, name: &Path) -> Result<Option<u64>> {
        let path = self.path.join(name);
        match std::fs::symlink_metadata(&path) {
            Ok(found) if found.is_file() => Ok(Some(found.len())),
            // A file of ours replaces whatever else is there, except a directory.
            Ok(_) => Ok(None),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("look at", path, error)),
        }
    }

    /// Lets `fill` write a file, which appears under `name` only when that succeeded. Makes the directories above it.
    pub(crate) fn write_whole(&self, name: &Path, fill: impl FnOnce(&mut File) -> Result<()>) -> Result<()> {
        let path = self.path.join(name);
        let failed = |error| Error::io("write", &path, error);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|error| Error::io("create directory", parent, error))?;
        }
        let temporary = with_suffix(&path, TEMPORARY);
        // A process that was killed may have left one. This process alone fills the directory.
        let mut file = open_new(&temporary).map_err(failed)?;
        let filled = fill(&mut file).and_then(|()| std::fs::rename(&temporary, &path).map_err(failed));
        if filled.is_err() {
            // The first error is the one to report.
            let _ = std::fs::remove_file(&temporary);
        }
        filled
    }

    /// The files in the directories of `directory`, and their sizes in bytes. Nothing is looked at below those, and no
    /// symbolic link is followed.
    pub(crate) fn files(&self, directory: &Path) -> Result<Vec<(PathBuf, u64)>> {
        let mut files = Vec::new();
        for (inner, _) in self.list(directory)?.into_iter().filter(|(_, found)| found.is_dir()) {
            let below = self.list(&inner)?.into_iter().filter(|(_, found)| found.is_file());
            files.extend(below.map(|(name, found)| (name, found.len())));
        }
        Ok(files)
    }

    fn list(&self, directory: &Path) -> Result<Vec<(PathBuf, Metadata)>> {
        let path = self.path.join(directory);
        let failed = |error| Error::io("list", &path, error);
        let entries = match std::fs::read_dir(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(failed)?,
        };
        let described = entries.map(|entry| {
            let entry = entry?;
            Ok((directory.join(entry.file_name()), entry.metadata()?))
        });
        described.collect::<std::io::Result<_>>().map_err(failed)
    }

    /// Removes files. Call it after [`Self::finish`], so that nothing names them any more.
    pub(crate) fn remove<'n>(&self, names: impl Iterator<Item = &'n Path>) -> Result<()> {
        let mut directories = BTreeSet::new();
        for path in names.map(|name| self.path.join(name)) {
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(Error::io("remove", path, error)),
                _ => directories.extend(path.parent().map(Path::to_owned)),
            }
        }
        directories.iter().try_for_each(|directory| sync(directory))
    }

    /// Replaces the file `name`, after everything else is on the disk, and moves a new directory to its place.
    pub(crate) fn finish(&mut self, name: &Path, content: &[u8]) -> Result<()> {
        let synced = File::open(&self.path).and_then(|directory| Ok(rustix::fs::syncfs(directory)?));
        synced.map_err(|error| Error::io("sync", &self.path, error))?;
        self.write_whole(name, |file| {
            let written = file.write_all(content).and_then(|()| file.sync_all());
            written.map_err(|error| Error::io("write", self.path.join(name), error))
        })?;
        sync(&self.path)?;
        if self.is_new() {
            std::fs::rename(&self.path, &self.place).map_err(|error| Error::io("write", &self.place, error))?;
            self.path.clone_from(&self.place);
        }
        self.done = true;
        sync(parent(&self.place))
    }
}

impl Drop for OutputDirectory {
    fn drop(&mut self) {
        if !self.done && self.is_new() {
            // What is left would only fill the disk; the error that led here is the one to report.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

pub(super) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

pub(super) fn partial(place: &Path) -> PathBuf {
    with_suffix(place, PARTIAL)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    // A trailing slash would make the suffix a name of its own.
    while name.len() > 1 && name.as_encoded_bytes().ends_with(b"/") {
        name = Path::new(&name).components().collect::<PathBuf>().into_os_string();
    }
    name.push(suffix);
    name.into()
}

fn make_directory(path: &Path) -> Result<()> {
    match std::fs::create_dir(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        made => made.map_err(|error| Error::io("create directory", path, error)),
    }
}

/// Opens a file that this process alone writes. Whatever has its name is removed first, and never followed.
fn open_new(path: &Path) -> std::io::Result<File> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    OpenOptions::new().read(true).write(true).create_new(true).open(path)
}

pub(super) fn lock(path: &Path) -> std::io::Result<File> {
    let flags = rustix::fs::OFlags::NOFOLLOW.bits();
    let flags = i32::try_from(flags).map_err(std::io::Error::other)?;
    let file = OpenOptions::new().read(true).append(true).create(true).custom_flags(flags).open(path)?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::WOULDBLOCK) => Err(ErrorKind::WouldBlock.into()),
        locked => Ok(locked.map(|()| file)?),
    }
}

pub(super) fn sync(path: &Path) -> Result<()> {
    let directory = File::open(path).map_err(|error| Error::io("sync", path, error))?;
    sync_directory(std::os::fd::AsFd::as_fd(&directory), path)
}
