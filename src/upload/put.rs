//! Stores content in one step, with an upload session that starts and ends here.

use std::io::Read;

use super::{Commit, Session, commit};
use crate::blob::{Expected, Stored, store};
use crate::descriptor::Descriptor;
use crate::digest::Hasher;
use crate::durable::{Sync, Writer};
use crate::error::{Error, Result};
use crate::name::RepositoryName;
use crate::stream::{self, Watch};
use crate::tree::Tree;

/// What to store, and how.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Put<'a> {
    /// The name of the source in errors.
    pub source_name: &'a str,
    /// What the caller expects of the content.
    pub expected: Expected,
    /// The likely size of the content in bytes, for showing progress.
    pub size_hint: Option<u64>,
    /// Whether to compare only the size of a blob that the tree already has, and not to read it.
    pub trust_existing: bool,
}

impl<'a> Put<'a> {
    /// A put of content about which nothing is known, from a source that errors call `source_name`.
    pub fn new(source_name: &'a str) -> Self {
        Self { source_name, expected: Expected::default(), size_hint: None, trust_existing: false }
    }

    /// Reads and checks the content of `source` as [`store`](Self::store) does, and says what storing it in `repository`
    /// would do. Nothing is written.
    pub fn check(
        &self,
        tree: &Tree,
        repository: &RepositoryName,
        source: impl Read,
        watch: &Watch<'_>,
    ) -> Result<Stored> {
        let source = source.take(self.expected.room());
        watch.progress.begin("hashing", self.expected.size.or(self.size_hint));
        let hashed = stream::hash(source, Hasher::of(self.expected.digest), &mut vec![0; stream::BUFFER], watch);
        watch.progress.end();
        let failed = |error| watch.interrupt.or(Error::io("read", self.source_name, error));
        let hashed = hashed.map_err(failed)?.finish();
        commit::check(&hashed, self.expected, self.source_name, repository)?;
        let digest = hashed.canonical();
        let outcome = store::outcome(tree, digest, hashed.size, self.trust_existing, &watch.interrupt)?;
        let alias = self.expected.digest.filter(|alias| *alias != digest);
        Ok(Stored { descriptor: Descriptor::blob(digest, hashed.size), alias, outcome })
    }

    /// Stores the content of `source` in `repository`. The content is linked by its sha256, and also by the expected
    /// digest if that has another algorithm or is a tarsum.
    ///
    /// The content arrives in an upload session that starts at `now`; a process that is killed leaves this session
    /// behind. After `Err` the session is removed. `Err(SizeMismatch)` and `Err(DigestMismatch)` give both values,
    /// `Err(TarsumUnknown)` says why content has no tarsum to compare.
    pub fn store(
        &self,
        writer: &Writer<'_>,
        repository: &RepositoryName,
        source: impl Read + Send + 'static,
        now: jiff::Timestamp,
        watch: &Watch<'_>,
    ) -> Result<Stored> {
        let mut session = Session::begin(writer, repository, now, Sync::Later)?;
        let how = Commit { expected: self.expected, rehash: false, trust_existing: self.trust_existing };
        watch.progress.begin("storing", self.expected.size.or(self.size_hint));
        let stored = session.store(source, self.source_name, how, watch);
        watch.progress.end();
        match stored {
            Ok(stored) => session.finish().map(|()| stored),
            Err(error) => {
                // The first error is the one to report. A session that can't be removed is an upload like any other.
                let _ = session.cancel();
                Err(error)
            }
        }
    }
}
