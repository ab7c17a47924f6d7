//! The writer that holds the tree's lock alone.

use std::ops::Deref;

use super::Writer;

/// May change a tree while nobody else does: it holds the tree's lock alone until it is dropped.
///
/// Only this one sweeps, repairs, deletes, or moves anything to the quarantine and back; for everything else it is a
/// [`Writer`] as well. A shared writer is not one:
///
/// ```compile_fail,E0308
/// use std::time::Duration;
///
/// use regtree::quarantine::{RunId, purge};
/// use regtree::{Registry, Result};
///
/// fn purge_with_a_shared_writer(registry: &Registry, run: &RunId, now: jiff::Timestamp) -> Result<()> {
///     purge(&registry.writer("example", now, Duration::ZERO)?, run)
/// }
/// ```
///
/// The same with the lock held alone:
///
/// ```
/// use std::time::Duration;
///
/// use regtree::quarantine::{RunId, purge};
/// use regtree::{Registry, Result};
///
/// fn purge_with_the_lock_held_alone(registry: &Registry, run: &RunId, now: jiff::Timestamp) -> Result<()> {
///     purge(&registry.exclusive_writer("example", now, Duration::ZERO)?, run)
/// }
/// ```
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
