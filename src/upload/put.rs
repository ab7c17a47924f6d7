//! Storing content in one go: an upload that begins and ends here.

use std::io::Read;

use super::{Commit, Session};
use crate::blob::{Expected, Stored};
use crate::durable::{Sync, Writer};
use crate::error::Result;
use crate::name::RepositoryName;
use crate::stream::Watch;

/// What is to be stored, and how carefully.
#[derive(Clone, Copy, Debug)]
pub struct Put<'a> {
    /// What to call the source in an error.
    pub source_name: &'a str,
    /// What is known of the content.
    pub expected: Expected,
    /// How long the content is thought to be, in bytes, for whoever watches the progress.
    pub size_hint: Option<u64>,
    /// Whether to read a blob that the tree has already, rather than to go by its size.
    pub verify_existing: bool,
}

impl<'a> Put<'a> {
    /// A put from a source that errors call `source_name`, of which nothing is known.
    pub fn new(source_name: &'a str) -> Self {
        Self { source_name, expected: Expected::default(), size_hint: None, verify_existing: false }
    }

    /// Stores what `source` holds in `repository`, and links it by its sha256 and, if it was expected by another
    /// algorithm, by that digest too.
    ///
    /// It arrives in an upload session begun at `now`, which is what a killed process leaves behind. On `Err` the
    /// session is gone too; `Err(SizeMismatch)` and `Err(DigestMismatch)` say what was found instead of what was
    /// expected.
    pub fn store(
        &self,
        writer: &Writer<'_>,
        repository: &RepositoryName,
        source: impl Read + Send + 'static,
        now: jiff::Timestamp,
        watch: &Watch<'_>,
    ) -> Result<Stored> {
        self.expected.check_usable()?;
        let mut session = Session::start(writer, repository, now, Sync::Later)?;
        let how = Commit { expected: self.expected, verify_existing: self.verify_existing, rehash: false };
        watch.progress.begin("storing", self.expected.size.or(self.size_hint));
        let stored = session.store(source, self.source_name, how, watch);
        watch.progress.end();
        match stored {
            Ok(stored) => session.finish().map(|()| stored),
            Err(error) => {
                // What failed first is what gets reported; a session that stays is an upload like any other.
                let _ = session.cancel();
                Err(error)
            }
        }
    }
}
