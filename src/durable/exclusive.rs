//! The writer that holds the tree's lock alone.

use std::ops::Deref;

use super::Writer;

/// May change a tree while nobody else does: it holds the tree's lock alone until it is dropped.
///
/// Only this one sweeps, repairs, deletes, or moves anything to the quarantine and back; for everything else it is a
/// [`Writer`] as well. [`Registry::exclusive_writer`](crate::Registry::exclusive_writer) makes one.
#[derive(Debug)]
#[must_use = "the lock is released when the writer is dropped"]
pub struct ExclusiveWriter<'t>(Writer<'t>);

impl<'t> ExclusiveWriter<'t> {
    /// A writer whose lock was taken in [`Mode::Exclusive`](crate::durable::lock::Mode::Exclusive).
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
