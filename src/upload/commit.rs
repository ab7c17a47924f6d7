//! Turns a received upload into a blob.

use std::io::Read;

use super::{Session, record};
use crate::blob::{Expected, Outcome, Stored, store};
use crate::descriptor::Descriptor;
use crate::digest::hash::{Hashed, Match};
use crate::digest::{Digest, Hasher};
use crate::durable::{ContentPlace, HashedContent, Identity, WriteProof};
use crate::error::{Error, Result};
use crate::name::RepositoryName;
use crate::stream::{Interrupt, Watch};

/// How to commit an upload.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Commit {
    /// What the caller expects of the content.
    pub expected: Expected,
    /// Whether to read the received data even if its hash is known.
    pub rehash: bool,
    /// Whether to compare only the size of a blob that the tree already has, and not to read it.
    pub trust_existing: bool,
}

impl Session<'_> {
    /// Receives the whole content of a new upload and commits it. Call [`Session::finish`] after it.
    pub(crate) fn store(
        &mut self,
        source: impl Read + Send + 'static,
        name: &str,
        how: Commit,
        watch: &Watch<'_>,
    ) -> Result<Stored> {
        let source = source.take(how.expected.room());
        let hashed = self.receive(source, name, Hasher::of(how.expected.digest), watch)?.finish();
        check(&hashed, how.expected, name, &self.repository)?;
        let identity = self.identity(hashed.size)?;
        self.publish(&hashed, identity, how, &watch.interrupt)
    }

    /// Turns what the upload has received, with `last` appended, into a blob. Call [`Session::finish`] after it.
    ///
    /// If our record proves the hash of the data, the data is not read again. `Err(SizeMismatch)`, `Err(DigestMismatch)`
    /// and `Err(TarsumUnknown)` leave the session as it was. So does `Err(Refused)`, when the upload changed meanwhile.
    pub fn commit(
        &mut self,
        last: Option<(impl Read + Send + 'static, &str)>,
        how: Commit,
        watch: &Watch<'_>,
    ) -> Result<Stored> {
        if let Some(stored) = self.commit_again(how, &watch.interrupt)? {
            return Ok(stored);
        }
        self.or_as_it_was(|session, proof| {
            let (hashed, identity) = session.complete(last, how, proof, watch)?;
            let (tree, repository, id) = (session.writer.tree(), session.repository.clone(), session.id.clone());
            record::intend(tree, &repository, &id, hashed.canonical());
            let stored = session.publish(&hashed, identity, how, &watch.interrupt);
            if stored.is_err() && !session.published {
                record::give_up(tree, &repository, &id);
            }
            stored
        })
    }

    /// Receives the last bytes. Returns the digests of all data, and the identity of the data that they are for.
    fn complete(
        &mut self,
        last: Option<(impl Read + Send + 'static, &str)>,
        how: Commit,
        proof: Option<&WriteProof>,
        watch: &Watch<'_>,
    ) -> Result<(Hashed, Identity)> {
        let expected = how.expected;
        // A registry's hash state is never trusted here. This only reports one that is malformed.
        self.hint(self.offset()?);
        // Only a SHA-256 has a saved state.
        let trusts_state = !how.rehash && expected.digest.is_some_and(|digest| digest.is_canonical());
        let known = if trusts_state { self.known()? } else { None };
        let known = known.map(|(state, identity)| (Hasher::resume(state), identity));
        let capped = last.is_some();
        let known = match last {
            None => known,
            Some((source, name)) => self.receive_last(source, name, known, expected, proof, watch)?,
        };
        self.check_size(expected, capped)?;
        // A registry may have written the data without syncing it.
        self.data.sync_all().map_err(|error| self.failed("sync", error))?;
        let name = format!("upload {}", self.id);
        if let Some((hasher, identity)) = known {
            let hashed = hasher.finish();
            // If the digest is not the expected one, the data is read to be sure.
            if check(&hashed, expected, &name, &self.repository).is_ok() {
                return Ok((hashed, identity));
            }
        }
        let (hasher, identity) = self.read_all(expected.digest, &watch.interrupt)?;
        let hashed = hasher.finish();
        check(&hashed, expected, &name, &self.repository)?;
        Ok((hashed, identity))
    }

    /// Appends the last bytes. Returns the hash of all data and its identity, if they are proven.
    fn receive_last(
        &mut self,
        source: impl Read + Send + 'static,
        name: &str,
        known: Option<(Hasher, Identity)>,
        expected: Expected,
        proof: Option<&WriteProof>,
        watch: &Watch<'_>,
    ) -> Result<Option<(Hasher, Identity)>> {
        // Read one byte too many at most: it shows that the source is too long, and an endless one can't fill the disk.
        let begin = self.offset()?;
        let room = expected.size.map_or(u64::MAX, |size| size.saturating_sub(begin).saturating_add(1));
        let proof = known.as_ref().and(proof);
        let hasher = known.map_or_else(|| Hasher::new([]), |(hasher, _)| hasher);
        let hasher = self.receive(source.take(room), name, hasher, watch)?;
        if proof.is_some() {
            record::settle(&self.data);
        }
        let identity = self.identity(begin + self.written)?;
        // Take the proof after the identity: a later write changes the identity.
        Ok(proof.filter(|proof| proof.holds()).map(|_| (hasher, identity)))
    }

    /// Finishes a commit that was killed after all content was moved to its place and before the session was removed.
    /// The recorded intent decides this, because a process that looked at the session may have made an empty `data`.
    fn commit_again(&mut self, how: Commit, interrupt: &Interrupt) -> Result<Option<Stored>> {
        let Some(wanted) = how.expected.digest else { return Ok(None) };
        if self.offset()? > 0 {
            return Ok(None);
        }
        let intended = record::intended(self.writer.tree(), &self.repository, &self.id);
        let Some(digest) = intended.filter(Digest::is_canonical) else { return Ok(None) };
        let Some(size) = store::sound_size(self.writer, digest, wanted, interrupt)? else { return Ok(None) };
        if how.expected.size.is_some_and(|expected| expected != size) || size == 0 {
            return Ok(None);
        }
        let alias = (wanted != digest).then_some(wanted);
        store::sync_content(self.writer, digest)?;
        store::stage_links(self.writer, &self.repository, digest, alias)?.place()?;
        let descriptor = Descriptor::blob(digest, size);
        Ok(Some(Stored { descriptor, alias, outcome: Outcome::Existed }))
    }

    /// Checks the size before the data is read, because the size is known at once.
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

    fn publish(&mut self, hashed: &Hashed, identity: Identity, how: Commit, interrupt: &Interrupt) -> Result<Stored> {
        let digest = hashed.canonical();
        let alias = how.expected.digest.filter(|alias| *alias != digest);
        // Everything that can fail for lack of space or permission comes before the content is published.
        let links = store::stage_links(self.writer, &self.repository, digest, alias)?;
        let content = HashedContent { place: ContentPlace::Tree(&self.path), file: &self.data, digest, identity };
        self.published = true;
        let placed = store::place(self.writer, &content, how.trust_existing, interrupt);
        if placed.is_err() {
            self.published = !self.writer.tree().is_in_place(&self.path, &self.data)?;
        }
        let outcome = placed?;
        links.place()?;
        Ok(Stored { descriptor: Descriptor::blob(digest, hashed.size), alias, outcome })
    }
}

/// Checks the size before the digest, because a wrong size says more about what went wrong.
pub(super) fn check(hashed: &Hashed, expected: Expected, name: &str, repository: &RepositoryName) -> Result<()> {
    let (what, repository) = (name.to_owned(), repository.clone());
    let (size, found) = (hashed.size, hashed.size);
    if let Some(expected) = expected.size.filter(|expected| *expected != found) {
        return Err(Error::SizeMismatch { what, repository, expected, found, more: found > expected });
    }
    let Some(expected) = expected.digest else { return Ok(()) };
    let unknown =
        |reason| Error::TarsumUnknown { what: what.clone(), repository: repository.clone(), expected, reason };
    match hashed.compare(&expected) {
        Match::Right => Ok(()),
        Match::NoTarsum(fault) => Err(unknown(fault.to_string())),
        Match::Unknown(reason) => Err(unknown(reason)),
        Match::Other(found) => Err(Error::DigestMismatch { what, repository, expected, found, size }),
    }
}
