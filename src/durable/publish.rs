//! Moves content to the place of its blob.
//!
//! A rename does that, and costs nothing. But a rename can't reach another file system. And a process that has the file
//! open for writing still has it open after a rename: it could go on, and write to the blob. In both cases the content
//! is copied instead, and hashed on the way. **A copy that has another digest than expected is not published.**
//!
//! A process may open the file between the check for that and the rename. So the check is made again after the rename.
//! If it fails then, a copy replaces the renamed file.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;

use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::parents::{self, Parents};
use super::{Identity, Staging, Sync, Writer, ownership, parent, write_proof};
use crate::digest::{Digest, HashingReader};
use crate::error::{Error, Result};
use crate::layout::{Entry, TreePath};
use crate::stream::Interrupt;
use crate::tree::Tree;

/// Content that was hashed, and must not have changed since.
pub(crate) struct HashedContent<'c> {
    /// Where its file is, which is synced.
    pub(crate) place: ContentPlace<'c>,
    /// The same file, open for writing.
    pub(crate) file: &'c File,
    /// The digest that it was hashed to.
    pub(crate) digest: Digest,
    /// Identity and state of the file when it was hashed.
    pub(crate) identity: Identity,
}

/// Where content is before it is moved to the place of its blob.
#[derive(Clone, Copy)]
pub(crate) enum ContentPlace<'c> {
    /// In the tree, such as in an upload.
    Tree(&'c TreePath),
    /// A file that an import staged.
    Staged(&'c Staging, &'c str),
}

impl ContentPlace<'_> {
    fn locate(&self, tree: &Tree) -> PathBuf {
        match self {
            Self::Tree(path) => tree.locate(path),
            Self::Staged(staging, name) => staging.locate(name),
        }
    }

    fn file_name(&self) -> &str {
        match self {
            Self::Tree(path) => path.file_name(),
            Self::Staged(_, name) => name,
        }
    }
}

impl Writer<'_> {
    /// Moves `content` to `to`, over any file there, and syncs. If it has to be copied, the old file is removed at the
    /// end. A copy may take long, so `interrupt` can stop it.
    ///
    /// `Err(Refused)` when the content has changed. Then it stays where it is.
    pub(crate) fn publish(&self, content: &HashedContent<'_>, to: &TreePath, interrupt: &Interrupt) -> Result<()> {
        let gone = || Error::io("open", content.place.locate(self.tree), Errno::NOENT);
        let parents;
        let source = match content.place {
            ContentPlace::Tree(path) => {
                parents = Parents::open(self.tree, &parent(path))?.ok_or_else(gone)?;
                parents.last()
            }
            ContentPlace::Staged(staging, _) => staging.handle(),
        };
        parents::retry_vanished(|| {
            let target = Parents::make(self.tree, &parent(to))?;
            let moving = Move { tree: self.tree, content, source, target: &target, to, interrupt };
            moving.rename_or_copy().inspect_err(|_| target.forget())
        })
    }
}

impl Writer<'_> {
    /// Writes content from outside of the tree to the place of its blob, and syncs. Returns its size in bytes.
    ///
    /// The content is hashed on the way. `Err(Refused)` when it does not have the digest; then nothing of it stays.
    pub(crate) fn fill(&self, digest: Digest, source: impl Read, interrupt: &Interrupt) -> Result<u64> {
        let to = Entry::Blob(digest).path();
        let parents = Parents::make(self.tree, &parent(&to))?;
        let fill = || {
            let (temporary, size) = self.stage_right(&parents, &digest, source, interrupt)?;
            let placed = parents.rename(&temporary, to.file_name());
            let placed = placed.map_err(|errno| Error::io("write", self.tree.locate(&to), errno));
            placed.inspect_err(|_| parents.discard(&temporary))?;
            Ok(size)
        };
        let size = fill().inspect_err(|_| parents.forget())?;
        parents.sync()?;
        Ok(size)
    }

    /// Exchanges the content in the place of a blob with the right content from outside of the tree, and syncs. So one
    /// of the two is in the place at any moment. Returns where the former content is then: beside its place, as a
    /// temporary file. `None` where the file system can't exchange files, and nothing was changed.
    ///
    /// `Err(Refused)` when the content from outside does not have the digest; then nothing of it stays.
    pub(crate) fn exchange(
        &self,
        digest: Digest,
        source: impl Read,
        interrupt: &Interrupt,
    ) -> Result<Option<TreePath>> {
        let to = Entry::Blob(digest).path();
        let directory = parent(&to);
        let Some(parents) = Parents::open(self.tree, &directory)? else { return Ok(None) };
        let (temporary, _) = self.stage_right(&parents, &digest, source, interrupt)?;
        match parents.exchange(&temporary, to.file_name()) {
            Ok(()) => {}
            Err(errno) => {
                parents.discard(&temporary);
                let is_unable = matches!(errno, Errno::INVAL | Errno::NOSYS | Errno::NOTSUP);
                return if is_unable { Ok(None) } else { Err(Error::io("write", self.tree.locate(&to), errno)) };
            }
        }
        parents.sync()?;
        Ok(directory.child(&temporary))
    }

    /// Writes content to a temporary file beside the place of its blob. Returns the name of that file, and its size.
    fn stage_right(
        &self,
        parents: &Parents<'_>,
        digest: &Digest,
        source: impl Read,
        interrupt: &Interrupt,
    ) -> Result<(String, u64)> {
        let to = Entry::Blob(*digest).path();
        let mut source = HashingReader::new(interrupt.stops(source), digest.algorithm());
        let staged = parents.stage(to.file_name(), Sync::Now, |file| std::io::copy(&mut source, file).map(drop));
        let failed = |error: std::io::Error| interrupt.or(Error::io("write", self.tree.locate(&to), error));
        let temporary = staged.map_err(failed)?;
        let hashed = source.finish();
        if digest.algorithm().and_then(|algorithm| hashed.by(algorithm)) == Some(*digest) {
            return Ok((temporary, hashed.size));
        }
        parents.discard(&temporary);
        Err(Error::Refused { reason: format!("what was to be {digest} is something else") })
    }
}

/// A move of content from one open directory to another.
struct Move<'m> {
    tree: &'m Tree,
    content: &'m HashedContent<'m>,
    source: BorrowedFd<'m>,
    target: &'m Parents<'m>,
    to: &'m TreePath,
    interrupt: &'m Interrupt,
}

impl Move<'_> {
    fn rename_or_copy(&self) -> Result<()> {
        let content = self.content;
        self.target.refuse_symlink(self.to.file_name()).map_err(|errno| self.failed(errno))?;
        // The order matters: a process that had the file open until a moment ago may have written to it, and its
        // identity shows that.
        let alone = !write_proof::is_open_elsewhere(content.file);
        self.check_identity()?;
        let adopted = ownership::adopt(content.file.as_fd(), self.target.last(), FileType::RegularFile);
        adopted.map_err(|errno| self.failed(errno))?;
        if alone && self.rename()? {
            return if self.is_untouched()? { self.target.sync() } else { self.replace_by_copy() };
        }
        self.copy()?;
        // Only after the sync: if the two are on different file systems, the removal could reach the disk before the
        // copy.
        self.target.sync()?;
        let removed = rustix::fs::unlinkat(self.source, content.place.file_name(), AtFlags::empty());
        removed.map_err(|errno| Error::io("remove", content.place.locate(self.tree), errno))
    }

    /// Renames the content to its place. `false` when that is on another file system.
    fn rename(&self) -> Result<bool> {
        let (from, to) = (self.content.place.file_name(), self.to.file_name());
        match rustix::fs::renameat(self.source, from, self.target.last(), to) {
            Ok(()) => Ok(true),
            Err(Errno::XDEV) => Ok(false),
            Err(errno) => Err(self.failed(errno)),
        }
    }

    /// Whether no other process opened or changed the content while it was renamed.
    fn is_untouched(&self) -> Result<bool> {
        let alone = !write_proof::is_open_elsewhere(self.content.file);
        let found = Identity::of(self.content.file).map_err(|error| self.failed(error))?;
        Ok(alone && found.has_content_of(&self.content.identity))
    }

    /// Replaces the renamed file by a copy. Another process may have linked to the blob already, so the file is renamed
    /// back only if the copy fails.
    fn replace_by_copy(&self) -> Result<()> {
        if let Err(error) = self.copy() {
            let (from, to) = (self.content.place.file_name(), self.to.file_name());
            let taken_back = rustix::fs::renameat(self.target.last(), to, self.source, from);
            return Err(taken_back.map_or_else(|errno| self.failed(errno), |()| error));
        }
        self.target.sync()
    }

    /// Copies the content to its place, if it still has its digest.
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
        let failed = |error: std::io::Error| Error::io("look at", self.content.place.locate(self.tree), error);
        // The file is not opened for reading: that would have to wait for any process that checks whether it is alone
        // with it.
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let handle = rustix::fs::openat(self.source, self.content.place.file_name(), flags, Mode::empty());
        let found = Identity::of(&File::from(handle.map_err(|errno| failed(errno.into()))?)).map_err(failed)?;
        if found == self.content.identity { Ok(()) } else { Err(self.changed()) }
    }

    fn failed(&self, error: impl Into<std::io::Error>) -> Error {
        Error::io("move content to", self.tree.locate(self.to), error)
    }

    fn changed(&self) -> Error {
        let reason = format!("{} changed meanwhile", self.content.place.locate(self.tree).display());
        Error::Refused { reason }
    }
}
