//! Keeps content that an import may need in `<root>/.regtree/import/`, until it is moved to the place of its blob.
//!
//! An archive names what it needs only at its end, perhaps. So what comes before lies here. Each import has a directory
//! of its own, and locks it. One that is not locked was left by an import that was killed: the next import takes it
//! over and reads again what is in it, or removes it.
//!
//! **A file here may be a trap**, as everywhere in [`private`]. So no link is followed, and what was found here is hashed
//! before it is used.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::time::Duration;

use rustix::fs::{AtFlags, FileType, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::{Identity, TEMPORARY, Writer, ownership, parents, private};
use crate::error::{Error, Result};
use crate::layout::IMPORTS;
use crate::stream::Interrupt;
use crate::tree::{self, EntryKind, Tree};

/// The directory of one import, which is locked. It is removed when this is dropped, unless a signal ended the import:
/// then the next one goes on from it.
#[derive(Debug)]
pub(crate) struct Staging {
    directory: OwnedFd,
    path: PathBuf,
    imports: OwnedFd,
    interrupt: Interrupt,
}

/// A file that is being written. Dropping it removes it, unless it is kept.
#[derive(Debug)]
#[must_use = "the file is removed unless it is kept"]
pub(crate) struct Unfinished<'s> {
    pub(crate) file: File,
    name: String,
    staging: &'s Staging,
    is_kept: bool,
}

/// What imports left when they were killed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Leftovers {
    /// How many files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Staging {
    /// Opens a directory for an import: one that was left, if there is one, or else a new one. Others that were left are
    /// removed.
    pub(crate) fn open(writer: &Writer<'_>, interrupt: &Interrupt) -> Result<Self> {
        let path = imports_of(writer.tree());
        let failed = |error: std::io::Error| Error::io("write", &path, error);
        let imports = private::make_all(writer.tree(), &IMPORTS).map_err(failed)?;
        let mut own = None;
        for (name, directory) in left(&imports).map_err(|errno| failed(errno.into()))? {
            match own {
                None => own = Some((name, directory)),
                // One that can't be removed is tried again by the next import, and by `upload purge`, which says why.
                Some(_) => drop(remove(&imports, &name, &directory)),
            }
        }
        let (name, directory) = match own {
            Some(own) => own,
            None => create(&imports).map_err(|errno| failed(errno.into()))?,
        };
        Ok(Self { directory, path: path.join(name), imports, interrupt: interrupt.clone() })
    }

    /// A directory outside of any tree, for what is read only to look at it.
    pub(crate) fn scratch(interrupt: &Interrupt) -> Result<Self> {
        let path = std::env::temp_dir();
        let failed = |errno: Errno| Error::io("write", &path, errno);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let around = rustix::fs::open(&path, flags, Mode::empty()).map_err(failed)?;
        let name = format!("regtree-{}", uuid::Uuid::new_v4());
        rustix::fs::mkdirat(&around, &*name, ownership::PRIVATE_DIRECTORY).map_err(failed)?;
        let directory = parents::open_in(around.as_fd(), &name).map_err(failed)?;
        Ok(Self { directory, path: path.join(name), imports: around, interrupt: interrupt.clone() })
    }

    pub(crate) fn locate(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Opens a file for reading and writing. `None` when there is none of this name that was written here.
    pub(crate) fn open_file(&self, name: &str) -> Result<Option<File>> {
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let failed = |errno: Errno| Error::io("open", self.locate(name), errno);
        match tree::metadata_at(self.directory.as_fd(), name).map_err(failed)? {
            Some(found) if found.kind == EntryKind::File => {}
            _ => return Ok(None),
        }
        match rustix::fs::openat(&self.directory, name, flags, Mode::empty()) {
            Ok(handle) if rustix::fs::fstat(&handle).map_err(failed)?.st_nlink == 1 => Ok(Some(File::from(handle))),
            Ok(_) | Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(failed(errno)),
        }
    }

    /// Begins a new file.
    pub(crate) fn begin(&self) -> Result<Unfinished<'_>> {
        let name = format!("{}{TEMPORARY}", uuid::Uuid::new_v4());
        let failed = |errno: Errno| Error::io("write", self.locate(&name), errno);
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let handle = rustix::fs::openat(&self.directory, &*name, flags, ownership::PRIVATE_FILE).map_err(failed)?;
        ownership::adopt(handle.as_fd(), self.directory.as_fd(), FileType::RegularFile).map_err(failed)?;
        Ok(Unfinished { file: File::from(handle), name, staging: self, is_kept: false })
    }

    pub(super) fn handle(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if self.interrupt.signal().is_some() {
            return;
        }
        if let Some(name) = self.path.file_name().and_then(|name| name.to_str()) {
            // What stays is a leftover, which the next import removes.
            let _ = remove(&self.imports, name, &self.directory);
        }
    }
}

impl Unfinished<'_> {
    /// Where it is, for errors.
    pub(crate) fn path(&self) -> PathBuf {
        self.staging.locate(&self.name)
    }

    /// Keeps the file under `name`, in the place of any that has it. Returns its identity then.
    pub(crate) fn keep(mut self, name: &str) -> Result<Identity> {
        let directory = &self.staging.directory;
        let renamed = rustix::fs::renameat(directory, &*self.name, directory, name);
        renamed.map_err(|errno| Error::io("write", self.staging.locate(name), errno))?;
        self.is_kept = true;
        Identity::of(&self.file).map_err(|error| Error::io("look at", self.staging.locate(name), error))
    }
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if !self.is_kept {
            // The error that led here is the one to report; the directory is removed with all that is in it.
            let _ = rustix::fs::unlinkat(&self.staging.directory, &*self.name, AtFlags::empty());
        }
    }
}

/// What imports that were killed at least `age` ago left in a tree. With a `writer` it is removed.
pub fn leftovers(tree: &Tree, writer: Option<&Writer<'_>>, age: Duration) -> Result<Leftovers> {
    let path = imports_of(tree);
    let failed = |action, errno: Errno| Error::io(action, &path, errno);
    let imports = match private::open_all(tree, &IMPORTS) {
        Err(Errno::NOENT) => return Ok(Leftovers::default()),
        opened => opened.map_err(|errno| failed("open", errno))?,
    };
    let mut sum = Leftovers::default();
    for (name, directory) in left(&imports).map_err(|errno| failed("list", errno))? {
        let (found, youngest) = measure(&directory).map_err(|errno| failed("list", errno))?;
        if youngest.elapsed().is_ok_and(|elapsed| elapsed < age) {
            continue;
        }
        if writer.is_some() {
            remove(&imports, &name, &directory).map_err(|errno| failed("remove", errno))?;
        }
        sum.files += found.files;
        sum.bytes += found.bytes;
    }
    Ok(sum)
}

/// Where the directories of imports are, for errors.
fn imports_of(tree: &Tree) -> PathBuf {
    tree.root().join(IMPORTS.iter().collect::<PathBuf>())
}

/// The directories that no import has locked, each locked now.
fn left(imports: &OwnedFd) -> rustix::io::Result<Vec<(String, OwnedFd)>> {
    let mut left = Vec::new();
    for name in names(imports)? {
        let directory = match parents::open_in(imports.as_fd(), &name) {
            Ok(directory) => directory,
            // A file, or a link: nothing of ours.
            Err(Errno::NOTDIR | Errno::LOOP | Errno::NOENT | Errno::ACCESS) => continue,
            Err(errno) => return Err(errno),
        };
        // The import that had it may have ended, and removed it, just before.
        if lock(&directory) && is_in_place(imports, &name, &directory)? {
            left.push((name, directory));
        }
    }
    Ok(left)
}

fn create(imports: &OwnedFd) -> rustix::io::Result<(String, OwnedFd)> {
    loop {
        let name = uuid::Uuid::new_v4().to_string();
        rustix::fs::mkdirat(imports, &*name, ownership::PRIVATE_DIRECTORY)?;
        let directory = match parents::open_in(imports.as_fd(), &name) {
            // Another import took it for a leftover before it was locked.
            Err(Errno::NOENT) => continue,
            opened => opened?,
        };
        ownership::adopt(directory.as_fd(), imports.as_fd(), FileType::Directory)?;
        // Another error is of a file system that locks no directory. There, what is left stays until someone removes it.
        if rustix::fs::flock(&directory, FlockOperation::NonBlockingLockExclusive) == Err(Errno::WOULDBLOCK) {
            continue;
        }
        if is_in_place(imports, &name, &directory)? {
            return Ok((name, directory));
        }
    }
}

fn lock(directory: &OwnedFd) -> bool {
    rustix::fs::flock(directory, FlockOperation::NonBlockingLockExclusive).is_ok()
}

fn is_in_place(imports: &OwnedFd, name: &str, directory: &OwnedFd) -> rustix::io::Result<bool> {
    let ours = rustix::fs::fstat(directory)?;
    match rustix::fs::statat(imports, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(found) => Ok((found.st_dev, found.st_ino) == (ours.st_dev, ours.st_ino)),
        Err(Errno::NOENT) => Ok(false),
        Err(errno) => Err(errno),
    }
}

/// The names of what is in a directory.
fn names(directory: &OwnedFd) -> rustix::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in rustix::fs::Dir::read_from(directory)? {
        let entry = entry?;
        // No file of ours has another name than one in ASCII.
        names.extend(entry.file_name().to_str().ok().filter(|name| !matches!(*name, "." | "..")).map(str::to_owned));
    }
    Ok(names)
}

fn measure(directory: &OwnedFd) -> rustix::io::Result<(Leftovers, std::time::SystemTime)> {
    let modified = |stat: &rustix::fs::Stat| {
        let seconds = u64::try_from(stat.st_mtime).unwrap_or_default();
        std::time::UNIX_EPOCH + Duration::from_secs(seconds)
    };
    let (mut sum, mut youngest) = (Leftovers::default(), modified(&rustix::fs::fstat(directory)?));
    for name in names(directory)? {
        let stat = rustix::fs::statat(directory, &*name, AtFlags::SYMLINK_NOFOLLOW)?;
        sum.files += 1;
        sum.bytes += u64::try_from(stat.st_size).unwrap_or_default();
        youngest = youngest.max(modified(&stat));
    }
    Ok((sum, youngest))
}

/// Removes a directory of an import with the files in it.
fn remove(imports: &OwnedFd, name: &str, directory: &OwnedFd) -> rustix::io::Result<()> {
    for file in names(directory)? {
        rustix::fs::unlinkat(directory, &*file, AtFlags::empty())?;
    }
    rustix::fs::unlinkat(imports, name, AtFlags::REMOVEDIR)
}
