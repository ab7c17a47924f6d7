//! Moving content to the place of its blob.
//!
//! That is a rename, which costs nothing. But a rename does not lead to another file system, and it takes along who has
//! the file open: a process that may write to it could go on, and write to the blob. In both cases the content is copied
//! instead, and hashed on the way: another content than was expected is not let through. Whoever opens the file in the
//! moment between that question and the rename is seen after it, and the copy then takes the place of what was renamed.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::fd::AsFd;

use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::parents::{self, Parents};
use super::{Identity, Sync, Writer, ownership, parent, write_proof};
use crate::digest::{Digest, HashingReader};
use crate::error::{Error, Result};
use crate::layout::{Entry, TreePath};
use crate::stream::Interrupt;
use crate::tree::Tree;

/// Content that was hashed, and that nobody has touched since.
pub(crate) struct HashedContent<'c> {
    /// Where it lies, synced.
    pub(crate) path: &'c TreePath,
    /// The file there, open for writing.
    pub(crate) file: &'c File,
    /// What it hashed to.
    pub(crate) digest: Digest,
    /// Which file it was, in which condition.
    pub(crate) identity: Identity,
}

impl Writer<'_> {
    /// Moves `content` to `to`, in place of any file there, and syncs. Where it has to be copied, which may take long and
    /// looks at `interrupt`, the old file is removed in the end.
    ///
    /// `Err(Refused)` when it is not any more what it was: it stays where it is then.
    pub(crate) fn publish(&self, content: &HashedContent<'_>, to: &TreePath, interrupt: &Interrupt) -> Result<()> {
        let gone = || Error::io("open", self.tree.locate(content.path), Errno::NOENT);
        let source = Parents::open(self.tree, &parent(content.path))?.ok_or_else(gone)?;
        parents::retry_vanished(|| {
            let target = Parents::make(self.tree, &parent(to))?;
            let moving = Move { tree: self.tree, content, source: &source, target: &target, to, interrupt };
            moving.rename_or_copy().inspect_err(|_| target.forget())
        })
    }
}

impl Writer<'_> {
    /// Writes content from outside of the tree to the place of its blob, and syncs; returns how many bytes it has.
    ///
    /// It is hashed on the way: `Err(Refused)` when it is not what it is called, and nothing is left of it then.
    pub(crate) fn fill(&self, digest: Digest, source: impl Read, interrupt: &Interrupt) -> Result<u64> {
        let to = Entry::Blob(digest).path();
        let failed = |error: std::io::Error| interrupt.or(Error::io("write", self.tree.locate(&to), error));
        let wrong = || Error::Refused { reason: format!("what was to be {digest} is something else") };
        let mut source = HashingReader::new(interrupt.stops(source), digest.algorithm());
        let parents = Parents::make(self.tree, &parent(&to))?;
        let fill = || {
            let copied = parents.stage(to.file_name(), Sync::Now, |file| std::io::copy(&mut source, file).map(drop));
            let temporary = copied.map_err(failed)?;
            let hashed = source.finish();
            let is_right = digest.algorithm().and_then(|algorithm| hashed.by(algorithm)) == Some(digest);
            let placed = if is_right {
                parents.rename(&temporary, to.file_name()).map_err(|errno| failed(errno.into()))
            } else {
                Err(wrong())
            };
            placed.inspect_err(|_| parents.discard(&temporary))?;
            Ok(hashed.size)
        };
        let size = fill().inspect_err(|_| parents.forget())?;
        parents.sync()?;
        Ok(size)
    }
}

/// A move of content, from one open directory to another.
struct Move<'m> {
    tree: &'m Tree,
    content: &'m HashedContent<'m>,
    source: &'m Parents<'m>,
    target: &'m Parents<'m>,
    to: &'m TreePath,
    interrupt: &'m Interrupt,
}

impl Move<'_> {
    fn rename_or_copy(&self) -> Result<()> {
        let content = self.content;
        self.target.refuse_symlink(self.to.file_name()).map_err(|errno| self.failed(errno))?;
        // In this order: who had it open until a moment ago may have written, and that shows in its identity.
        let alone = !write_proof::is_open_elsewhere(content.file);
        self.check_identity()?;
        let adopted = ownership::adopt(content.file.as_fd(), self.target.last(), FileType::RegularFile);
        adopted.map_err(|errno| self.failed(errno))?;
        if alone && self.rename()? {
            return if self.is_untouched()? { self.target.sync() } else { self.replace_by_copy() };
        }
        self.copy()?;
        // Only now: of two file systems, the one with the copy may be the slower to keep it.
        self.target.sync()?;
        let removed = rustix::fs::unlinkat(self.source.last(), content.path.file_name(), AtFlags::empty());
        removed.map_err(|errno| Error::io("remove", self.tree.locate(content.path), errno))
    }

    /// `false` when the two lie on different file systems.
    fn rename(&self) -> Result<bool> {
        let (from, to) = (self.content.path.file_name(), self.to.file_name());
        match rustix::fs::renameat(self.source.last(), from, self.target.last(), to) {
            Ok(()) => Ok(true),
            Err(Errno::XDEV) => Ok(false),
            Err(errno) => Err(self.failed(errno)),
        }
    }

    /// Whether nobody has opened or changed the content while it was renamed.
    fn is_untouched(&self) -> Result<bool> {
        let alone = !write_proof::is_open_elsewhere(self.content.file);
        let found = Identity::of(self.content.file).map_err(|error| self.failed(error))?;
        Ok(alone && found.has_content_of(&self.content.identity))
    }

    /// Puts a copy in the place of what was renamed. Another process may have linked to it already, so it is taken back
    /// only when that fails.
    fn replace_by_copy(&self) -> Result<()> {
        if let Err(error) = self.copy() {
            let (from, to) = (self.content.path.file_name(), self.to.file_name());
            let taken_back = rustix::fs::renameat(self.target.last(), to, self.source.last(), from);
            return Err(taken_back.map_or_else(|errno| self.failed(errno), |()| error));
        }
        self.target.sync()
    }

    /// Copies the content to its place, if it is still what it was.
    fn copy(&self) -> Result<()> {
        let (mut source, name) = (self.content.file, self.to.file_name());
        source.seek(SeekFrom::Start(0)).map_err(|error| self.failed(error))?;
        let mut source = HashingReader::new(self.interrupt.stops(source), []);
        let staged = self.target.stage(name, Sync::Now, |file| std::io::copy(&mut source, file).map(drop));
        let temporary = staged.map_err(|error| self.interrupt.or(self.failed(error)))?;
        let placed = if source.finish().canonical() == self.content.digest {
            self.target.rename(&temporary, name).map_err(|errno| self.failed(errno))
        } else {
            Err(self.changed())
        };
        placed.inspect_err(|_| self.target.discard(&temporary))
    }

    fn check_identity(&self) -> Result<()> {
        let failed = |error: std::io::Error| Error::io("look at", self.tree.locate(self.content.path), error);
        // Not to read it, which would have to wait for whoever asks whether he is alone with it.
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let handle = rustix::fs::openat(self.source.last(), self.content.path.file_name(), flags, Mode::empty());
        let found = Identity::of(&File::from(handle.map_err(|errno| failed(errno.into()))?)).map_err(failed)?;
        if found == self.content.identity { Ok(()) } else { Err(self.changed()) }
    }

    fn failed(&self, error: impl Into<std::io::Error>) -> Error {
        Error::io("move content to", self.tree.locate(self.to), error)
    }

    fn changed(&self) -> Error {
        let reason = format!("{} changed meanwhile", self.tree.locate(self.content.path).display());
        Error::Refused { reason }
    }
}
