//! Defines how a part of the tree is taken away: removed for good, or moved to the quarantine.
//!
//! The stores decide what goes and in which order, and need not know where it goes.

use super::{ExclusiveWriter, Sync, Writer};
use crate::error::Result;
use crate::layout::TreePath;

/// Takes files and directories out of the tree. What it has taken is on the disk when a call returns.
pub trait Remover {
    /// The writer that holds the tree's lock.
    fn writer(&self) -> &Writer<'_>;

    /// Takes a file. `false` when it does not exist.
    fn take_file(&self, path: &TreePath) -> Result<bool>;

    /// Takes a directory with everything in it. One that does not exist is no error.
    fn take_directory(&self, path: &TreePath) -> Result<()>;

    /// Takes each of these directories that is empty, the last first.
    fn take_empty(&self, directories: &[TreePath]) -> Result<()>;
}

/// A [`Remover`] that holds the tree's lock alone.
pub trait ExclusiveRemover: Remover {}

impl Remover for Writer<'_> {
    fn writer(&self) -> &Writer<'_> {
        self
    }

    fn take_file(&self, path: &TreePath) -> Result<bool> {
        self.remove_file(path, Sync::Now)
    }

    fn take_directory(&self, path: &TreePath) -> Result<()> {
        self.remove_directory(path, Sync::Now)
    }

    fn take_empty(&self, directories: &[TreePath]) -> Result<()> {
        self.unmake_directories(directories)
    }
}

impl Remover for ExclusiveWriter<'_> {
    fn writer(&self) -> &Writer<'_> {
        self
    }

    fn take_file(&self, path: &TreePath) -> Result<bool> {
        (**self).take_file(path)
    }

    fn take_directory(&self, path: &TreePath) -> Result<()> {
        (**self).take_directory(path)
    }

    fn take_empty(&self, directories: &[TreePath]) -> Result<()> {
        (**self).take_empty(directories)
    }
}

impl ExclusiveRemover for ExclusiveWriter<'_> {}
