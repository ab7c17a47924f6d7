//! Storing content in one go: an upload that begins and ends here.

use std::io::Read;

use serde::Serialize;

use super::store::Outcome;
use crate::descriptor::Descriptor;
use crate::digest::Digest;
use crate::durable::{Sync, Writer};
use crate::error::{Error, Result};
use crate::name::RepositoryName;
use crate::stream::Watch;
use crate::upload::{Commit, Session};

/// What the caller says that the content is; whatever is said is checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// Its digest, by any algorithm.
    pub digest: Option<Digest>,
    /// Its length in bytes.
    pub size: Option<u64>,
}

impl Expected {
    /// A tarsum can't be checked: `Err(DigestUnusable)`.
    pub fn check_usable(&self) -> Result<()> {
        match self.digest {
            Some(digest) if digest.is_tarsum() => Err(Error::DigestUnusable { digest, action: "store content" }),
            _ => Ok(()),
        }
    }
}

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

/// What was stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stored {
    /// Type, length and canonical digest.
    #[serde(flatten)]
    pub descriptor: Descriptor,
    /// The other digest that it can be asked for by from now on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias: Option<Digest>,
    /// Whether the content was new.
    #[serde(flatten)]
    pub outcome: Outcome,
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
