//! Moving content to the place of its blob.
//!
//! That is a rename, which costs nothing. But a rename does not lead to another file system, and it takes along who has
//! the file open: a process that may write to it could go on, and write to the blob. In both cases the content is copied
//! instead, and hashed on the way: another content than was expected is not let through.

use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::os::fd::AsFd;

use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::chain::{self, Chain};
use super::{Identity, Sync, Writer, ownership, parent, sole};
use crate::digest::{Digest, HashingReader};
use crate::error::{Error, Result};
use crate::layout::TreePath;
use crate::stream::Interrupt;

/// Content that was hashed, and that nobody has touched since.
pub(crate) struct Content<'c> {
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
    pub(crate) fn publish(&self, content: &Content<'_>, to: &TreePath, interrupt: &Interrupt) -> Result<()> {
        let gone = || Error::io("open", self.tree.locate(content.path), Errno::NOENT);
        let source = Chain::open(self.tree, &parent(content.path))?.ok_or_else(gone)?;
        chain::retry_vanished(|| {
            let target = Chain::make(self.tree, &parent(to))?;
            let moved = self.rename_or_copy(&source, content, &target, to, interrupt);
            moved.inspect_err(|_| target.forget())
        })
    }

    fn rename_or_copy(
        &self,
        source: &Chain<'_>,
        content: &Content<'_>,
        target: &Chain<'_>,
        to: &TreePath,
        interrupt: &Interrupt,
    ) -> Result<()> {
        let failed = |errno: Errno| Error::io("move content to", self.tree.locate(to), errno);
        target.refuse_symlink(to.file_name()).map_err(failed)?;
        // In this order: who had it open until a moment ago may have written, and that shows in its identity.
        let rename = !sole::is_open_elsewhere(content.file);
        self.check_identity(source, content)?;
        ownership::adopt(content.file.as_fd(), target.last(), FileType::RegularFile).map_err(failed)?;
        if rename {
            match rustix::fs::renameat(source.last(), content.path.file_name(), target.last(), to.file_name()) {
                Err(Errno::XDEV) => {}
                renamed => return renamed.map_err(failed).and_then(|()| target.sync()),
            }
        }
        self.copy(content, target, to, interrupt)?;
        // Only now: of two file systems, the one with the copy may be the slower to keep it.
        target.sync()?;
        let removed = rustix::fs::unlinkat(source.last(), content.path.file_name(), AtFlags::empty());
        removed.map_err(|errno| Error::io("remove", self.tree.locate(content.path), errno))
    }

    fn copy(&self, content: &Content<'_>, target: &Chain<'_>, to: &TreePath, interrupt: &Interrupt) -> Result<()> {
        let failed = |error| interrupt.or(Error::io("move content to", self.tree.locate(to), error));
        let mut source = content.file;
        source.seek(SeekFrom::Start(0)).map_err(failed)?;
        let mut source = HashingReader::new(interrupt.stops(source), []);
        let staged = target.stage(to.file_name(), Sync::Now, |file| std::io::copy(&mut source, file).map(drop));
        let temporary = staged.map_err(failed)?;
        let placed = if source.finish().canonical() == content.digest {
            target.rename(&temporary, to.file_name()).map_err(|errno| failed(errno.into()))
        } else {
            Err(self.changed(content.path))
        };
        placed.inspect_err(|_| target.discard(&temporary))
    }

    fn check_identity(&self, source: &Chain<'_>, content: &Content<'_>) -> Result<()> {
        let failed = |error: std::io::Error| Error::io("look at", self.tree.locate(content.path), error);
        // Not to read it, which would have to wait for whoever asks whether he is alone with it.
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let handle = rustix::fs::openat(source.last(), content.path.file_name(), flags, Mode::empty());
        let found = Identity::of(&File::from(handle.map_err(|errno| failed(errno.into()))?)).map_err(failed)?;
        if found == content.identity { Ok(()) } else { Err(self.changed(content.path)) }
    }

    fn changed(&self, path: &TreePath) -> Error {
        let reason = format!("{} changed meanwhile", self.tree.locate(path).display());
        Error::Refused { reason }
    }
}
