//! Defines the writer that holds the tree's lock alone.

use std::ops::Deref;

use super::Writer;

/// Changes a tree while no other writer does: it holds the tree's lock alone until it is dropped.
///
/// It is needed to sweep, to repair, to delete, and to move anything to the quarantine and back. It also serves as a
/// [`Writer`] for everything else. [`Registry::exclusive_writer`](crate::Registry::exclusive_writer) makes one.
#[derive(Debug)]
#[must_use = "the lock is released when the writer is dropped"]
pub struct ExclusiveWriter<'t>(Writer<'t>);

impl<'t> ExclusiveWriter<'t> {
    /// Makes one from a writer whose lock was taken in [`Mode::Exclusive`](crate::durable::lock::Mode::Exclusive).
    pub(crate) fn new(writer: Writer<'t>) -> Self {
        Self(writer)
    }
}

impl<'t> Deref for ExclusiveWriter<'t> {
    type Target = Writer<'t>;

    fn deref(&self) -> &Writer<'t> {
        &self.0
    }
}
