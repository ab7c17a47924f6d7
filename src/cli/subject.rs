//! Adds what a command was about to failures that only know a path.

use std::fmt;

use crate::digest::Digest;
use crate::error::Error;
use crate::name::RepositoryName;

/// A repository, or a blob or manifest of one.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) repository: RepositoryName,
    pub(super) digest: Option<Digest>,
    /// What the digest is of.
    word: &'static str,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(digest) = self.digest {
            write!(f, "{} {digest} of ", self.word)?;
        }
        write!(f, "repository {}", self.repository)
    }
}

/// Adds the subject to an I/O failure; all other errors name it themselves.
pub(super) trait About<T> {
    /// The failure with its subject.
    fn about(self, repository: &RepositoryName, digest: impl Into<Option<Digest>>) -> anyhow::Result<T>;

    /// The same, where the digest is that of a manifest.
    fn about_manifest(self, repository: &RepositoryName, digest: impl Into<Option<Digest>>) -> anyhow::Result<T>;
}

impl<T> About<T> for crate::error::Result<T> {
    fn about(self, repository: &RepositoryName, digest: impl Into<Option<Digest>>) -> anyhow::Result<T> {
        self.map_err(|error| with_subject(error, repository, digest.into(), "blob"))
    }

    fn about_manifest(self, repository: &RepositoryName, digest: impl Into<Option<Digest>>) -> anyhow::Result<T> {
        self.map_err(|error| with_subject(error, repository, digest.into(), "manifest"))
    }
}

fn with_subject(
    error: Error,
    repository: &RepositoryName,
    digest: Option<Digest>,
    word: &'static str,
) -> anyhow::Error {
    match error {
        Error::Io { .. } | Error::WrongKind { .. } => {
            let subject = Subject { repository: repository.clone(), digest, word };
            anyhow::Error::new(error).context(subject)
        }
        error => error.into(),
    }
}
