//! Making what was received a blob.

use std::io::Read;

use super::Session;
use super::append::Progressed;
use super::record::Identity;
use crate::blob::{Expected, Stored, store};
use crate::descriptor::Descriptor;
use crate::digest::hash::Hashed;
use crate::digest::{Algorithm, Hasher};
use crate::error::{Error, Result};
use crate::name::RepositoryName;
use crate::stream::{Interrupt, Watch};

/// How to commit an upload.
#[derive(Clone, Copy, Debug, Default)]
pub struct Commit {
    /// What the content must be.
    pub expected: Expected,
    /// Read it, whatever is known of its hash.
    pub rehash: bool,
    /// Whether to read a blob that the tree has already, rather than to go by its size.
    pub verify_existing: bool,
}

impl Session<'_> {
    /// Takes in the whole content of an upload that has just begun, and commits it. [`Session::finish`] comes after.
    pub(crate) fn store(
        &mut self,
        source: impl Read + Send + 'static,
        name: &str,
        how: Commit,
        watch: &Watch<'_>,
    ) -> Result<Stored> {
        let algorithms = how.expected.digest.and_then(|digest| digest.algorithm());
        // One byte too many says that it is too long; a stream without end must not fill the disk first.
        let source = source.take(how.expected.size.map_or(u64::MAX, |size| size.saturating_add(1)));
        let hashed = self.receive(source, name, Hasher::new(algorithms), watch)?.finish();
        check(&hashed, how.expected, name, &self.repository)?;
        self.publish(&hashed, how, &watch.interrupt)
    }

    /// Makes what the upload has received, and `last` after it, a blob. [`Session::finish`] comes after.
    ///
    /// `Err(SizeMismatch)` and `Err(DigestMismatch)` leave the session as it was.
    pub fn commit(
        &mut self,
        last: Option<(impl Read + Send + 'static, &str)>,
        how: Commit,
        watch: &Watch<'_>,
    ) -> Result<Stored> {
        how.expected.check_usable()?;
        self.or_as_it_was(|session| session.commit_or_fail(last, how, watch))
    }

    fn commit_or_fail(
        &mut self,
        last: Option<(impl Read + Send + 'static, &str)>,
        how: Commit,
        watch: &Watch<'_>,
    ) -> Result<Stored> {
        let others = how.expected.digest.and_then(|digest| digest.algorithm()).filter(|&by| by != Algorithm::Sha256);
        // For another hash all of it is read in the end; until then nothing need be known.
        let mut at = match others {
            None => self.progressed(how.rehash, &watch.interrupt)?,
            Some(_) => Progressed { hasher: Hasher::new([]), trusted: false },
        };
        if let Some((source, name)) = last {
            at.hasher = self.receive(source, name, at.hasher, watch)?;
        }
        self.check_size(how.expected)?;
        let before = self.identity()?;
        // A state that is only said to be the data's publishes nothing, and of another hash there is none.
        let hasher = if at.trusted { at.hasher } else { self.read_all(others, &watch.interrupt)? };
        let hashed = hasher.finish();
        if self.identity()? != before {
            let reason = format!("upload {} of repository {} changed while it was read", self.id, self.repository);
            return Err(Error::Refused { reason });
        }
        check(&hashed, how.expected, &format!("upload {}", self.id), &self.repository)?;
        // A registry may have written it, and not synced.
        self.data.sync_all().map_err(|error| self.failed("sync", error))?;
        self.publish(&hashed, how, &watch.interrupt)
    }

    /// Before anything is read: a length is known at once.
    fn check_size(&self, expected: Expected) -> Result<()> {
        let found = self.offset()?;
        match expected.size {
            Some(expected) if expected != found => {
                let (what, repository) = (format!("upload {}", self.id), self.repository.clone());
                Err(Error::SizeMismatch { what, repository, expected, found, more: false })
            }
            _ => Ok(()),
        }
    }

    fn identity(&self) -> Result<Identity> {
        Identity::of(&self.data).map_err(|error| self.failed("look at", error))
    }

    fn publish(&mut self, hashed: &Hashed, how: Commit, interrupt: &Interrupt) -> Result<Stored> {
        let digest = hashed.canonical();
        let alias = how.expected.digest.filter(|alias| *alias != digest);
        // Whatever may be refused comes before the content is published.
        let links = store::stage_links(self.writer, &self.repository, digest, alias)?;
        let outcome = store::place(self.writer, &self.path, digest, hashed.size, how.verify_existing, interrupt)?;
        links.place()?;
        Ok(Stored { descriptor: Descriptor::blob(digest, hashed.size), alias, outcome })
    }
}

/// The length first: it says more about what went wrong.
fn check(hashed: &Hashed, expected: Expected, name: &str, repository: &RepositoryName) -> Result<()> {
    let (what, repository) = (name.to_owned(), repository.clone());
    let (size, found) = (hashed.size, hashed.size);
    if let Some(expected) = expected.size.filter(|expected| *expected != found) {
        return Err(Error::SizeMismatch { what, repository, expected, found, more: found > expected });
    }
    let Some(expected) = expected.digest else { return Ok(()) };
    match expected.algorithm().and_then(|algorithm| hashed.by(algorithm)) {
        Some(found) if found == expected => Ok(()),
        Some(found) => Err(Error::DigestMismatch { what, repository, expected, found, size }),
        None => Err(Error::DigestUnusable { digest: expected, action: "check content" }),
    }
}
