//! Removes runs for good.

use std::os::fd::AsFd;

use super::id::RunId;
use super::run_directory::RunDirectory;
use crate::durable::ExclusiveWriter;
use crate::error::{Error, Result};
use crate::layout::{self, Area};

/// Removes a run with everything in it. `Err(NotQuarantined)` when there is no such run.
///
/// **The journal is removed last**: what a killed purge leaves is still described, and can be purged or put back.
pub fn purge(writer: &ExclusiveWriter<'_>, run: &RunId) -> Result<()> {
    let directory = RunDirectory::find_run(writer.tree(), run)?;
    for area in [Area::Blobs, Area::Repositories] {
        let Some(beside) = writer.tree().open_directory(&layout::quarantine_beside(area))? else { continue };
        writer.discard(beside.as_fd(), run.as_str(), &writer.tree().locate(&directory.beside(area)))?;
    }
    writer.discard(directory.handle(), layout::THINGS, &directory.path().join(layout::THINGS))?;
    if writer.remove_empty_run(run.as_str())? {
        return Ok(());
    }
    Err(Error::Misplaced { path: directory.path(), reason: "it contains something that is not the quarantine's" })
}
