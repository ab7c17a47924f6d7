//! Making what was received a blob.

use std::io::Read;

use super::Session;
use crate::blob::{Expected, Outcome, Stored, store};
use crate::descriptor::Descriptor;
use crate::digest::hash::Hashed;
use crate::digest::{Digest, Hasher};
use crate::error::{Error, Result};
use crate::name::RepositoryName;
use crate::stream::{Interrupt, Watch};

/// How to commit an upload.
#[derive(Clone, Copy, Debug, Default)]
pub struct Commit {
    /// What the content must be.
    pub expected: Expected,
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
    /// The content is read anew, whatever is known of its hash: while it was received, a registry may have written to it
    /// too. `Err(SizeMismatch)` and `Err(DigestMismatch)` leave the session as it was, and so does `Err(Refused)`, when it
    /// changed meanwhile.
    pub fn commit(
        &mut self,
        last: Option<(impl Read + Send + 'static, &str)>,
        how: Commit,
        watch: &Watch<'_>,
    ) -> Result<Stored> {
        how.expected.check_usable()?;
        if last.is_none()
            && let Some(stored) = self.commit_again(how, &watch.interrupt)?
        {
            return Ok(stored);
        }
        self.or_as_it_was(|session| {
            let hashed = session.complete(last, how.expected, watch)?;
            session.publish(&hashed, how, &watch.interrupt)
        })
    }

    /// Takes in the last bytes, and reads all of it.
    fn complete(
        &mut self,
        last: Option<(impl Read + Send + 'static, &str)>,
        expected: Expected,
        watch: &Watch<'_>,
    ) -> Result<Hashed> {
        // No state is believed here; but one that is malformed is told.
        self.hint(self.offset()?);
        match last {
            None => self.check_size(expected, false)?,
            Some((source, name)) => {
                // One byte too many says that it is too long; a stream without end must not fill the disk first.
                let room = expected.size.map(|size| size.saturating_sub(self.offset().unwrap_or_default()));
                let source = source.take(room.map_or(u64::MAX, |room| room.saturating_add(1)));
                self.receive(source, name, Hasher::new([]), watch)?;
                self.check_size(expected, true)?;
            }
        }
        let algorithm = expected.digest.and_then(|digest| digest.algorithm());
        let hashed = self.read_all(algorithm, &watch.interrupt)?.finish();
        check(&hashed, expected, &format!("upload {}", self.id), &self.repository)?;
        // A registry may have written it, and not synced.
        self.data.sync_all().map_err(|error| self.failed("sync", error))?;
        Ok(hashed)
    }

    /// Finishes a commit that was killed after it had moved the content to its place, and before the session was gone.
    fn commit_again(&mut self, how: Commit, interrupt: &Interrupt) -> Result<Option<Stored>> {
        let Some(digest) = how.expected.digest.filter(Digest::is_canonical) else { return Ok(None) };
        if !self.was_missing || self.offset()? > 0 {
            return Ok(None);
        }
        let Some(size) = store::sound_size(self.writer, digest, interrupt)? else { return Ok(None) };
        if how.expected.size.is_some_and(|expected| expected != size) || size == 0 {
            return Ok(None);
        }
        store::sync_content(self.writer, digest)?;
        store::stage_links(self.writer, &self.repository, digest, None)?.place()?;
        let descriptor = Descriptor::blob(digest, size);
        Ok(Some(Stored { descriptor, alias: None, outcome: Outcome::Existed }))
    }

    /// Before anything is read: a length is known at once.
    fn check_size(&self, expected: Expected, capped: bool) -> Result<()> {
        let found = self.offset()?;
        match expected.size {
            Some(expected) if expected != found => {
                let (what, repository) = (format!("upload {}", self.id), self.repository.clone());
                Err(Error::SizeMismatch { what, repository, expected, found, more: capped && found > expected })
            }
            _ => Ok(()),
        }
    }

    fn publish(&mut self, hashed: &Hashed, how: Commit, interrupt: &Interrupt) -> Result<Stored> {
        let digest = hashed.canonical();
        let alias = how.expected.digest.filter(|alias| *alias != digest);
        // Whatever may be refused comes before the content is published.
        let links = store::stage_links(self.writer, &self.repository, digest, alias)?;
        let content = store::Content { path: &self.path, digest, identity: self.identity(hashed.size)? };
        self.published = true;
        let placed = store::place(self.writer, &content, how.verify_existing, interrupt);
        if placed.is_err() {
            self.published = !self.writer.is_in_place(&self.path, &self.data)?;
        }
        let outcome = placed?;
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
