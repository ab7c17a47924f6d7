//! Writes a file outside of the tree, such as an archive, that appears whole or not at all.
//!
//! It is filled beside its place, under a name of its own, and renamed when it is whole and on the disk. What a killed
//! process left there is written over by the next. Two processes never fill the same one: each locks it.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::output::{lock, parent, partial, sync};
use crate::error::{Error, Result};

/// A file that is being filled, and locked. Unless it is finished, it is removed when it is dropped.
#[derive(Debug)]
pub(crate) struct OutputFile {
    /// Where it is filled.
    path: PathBuf,
    /// Where it will be.
    place: PathBuf,
    file: File,
    done: bool,
}

impl OutputFile {
    /// Begins the file that will replace the one at `place`, if there is one. A symbolic link stays, and what it leads to
    /// is replaced.
    ///
    /// `Err(Refused)` when something else is in its place, or another process fills it.
    pub(crate) fn create(place: &Path) -> Result<Self> {
        let refused = |reason: &str| Error::Refused { reason: format!("{}: {reason}", place.display()) };
        let place = resolve(place).map_err(|error| Error::io("open", place, error))?;
        let old = match std::fs::metadata(&place) {
            Ok(found) if found.is_file() => Some(found),
            Ok(found) if found.is_dir() => return Err(refused("it is a directory")),
            Ok(_) => return Err(refused("it is not a regular file")),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(Error::io("look at", place, error)),
        };
        let path = partial(&place);
        let file = lock_in_place(&path).map_err(|error| match error.kind() {
            ErrorKind::WouldBlock => refused("another process is writing it"),
            _ => Error::io("create", &path, error),
        })?;
        let output = Self { path, place, file, done: false };
        let emptied = output.file.set_len(0);
        let ready = emptied.and_then(|()| old.map_or(Ok(()), |old| output.file.set_permissions(old.permissions())));
        ready.map_err(|error| Error::io("write", &output.path, error))?;
        Ok(output)
    }

    /// What takes its content.
    pub(crate) fn sink(&mut self) -> &mut impl Write {
        &mut self.file
    }

    /// Moves it to its place, when it is on the disk.
    pub(crate) fn finish(mut self) -> Result<()> {
        self.file.sync_all().map_err(|error| Error::io("sync", &self.path, error))?;
        std::fs::rename(&self.path, &self.place).map_err(|error| Error::io("write", &self.place, error))?;
        self.done = true;
        sync(parent(&self.place))
    }
}

impl Drop for OutputFile {
    fn drop(&mut self) {
        if !self.done {
            // The error that led here is the one to report.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Makes or opens the file, and locks it. Whoever had the lock may have moved the file away meanwhile; then this is done
/// again.
fn lock_in_place(path: &Path) -> std::io::Result<File> {
    loop {
        let file = lock(path)?;
        let own = file.metadata()?;
        match std::fs::symlink_metadata(path) {
            Ok(found) if (found.dev(), found.ino()) == (own.dev(), own.ino()) => return Ok(file),
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
}

/// The path to which `path` leads, which need not exist yet. So a symbolic link stays, and its target is replaced.
pub(crate) fn resolve(path: &Path) -> std::io::Result<PathBuf> {
    match std::fs::canonicalize(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        resolved => return resolved,
    }
    let Ok(link) = std::fs::read_link(path) else { return Ok(path.to_owned()) };
    Ok(parent(path).join(link))
}
