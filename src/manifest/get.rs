//! Reads manifests and checks them against their digests.

use std::io::Read;

use super::{MAX_READ, Manifest};
use crate::count;
use crate::digest::{Digest, Hasher};
use crate::error::{Error, Missing, Result};
use crate::layout::Entry;
use crate::repository::Repository;
use crate::repository::revision::{self, Revision};

/// The bytes of the manifest `digest`, as they were pushed.
///
/// `Err(ManifestUnknown)` when the repository has no link to it, or its content is missing; `Err(Corrupt)` when the
/// bytes have another digest; `Err(ManifestMalformed)` when there are more than [`MAX_READ`] bytes.
pub fn get(repository: &Repository<'_>, digest: Digest) -> Result<Vec<u8>> {
    match revision::find(repository, digest)? {
        Some(_) => content(repository, digest),
        None if repository.exists()? => Err(repository.manifest_unknown(digest, Missing::Link)),
        None => Err(repository.unknown()),
    }
}

/// The bytes of a manifest whose link was already found. The errors are those of [`get`].
pub(crate) fn content(repository: &Repository<'_>, digest: Digest) -> Result<Vec<u8>> {
    let (tree, path) = (repository.tree(), Entry::Blob(digest).path());
    let Some(file) = tree.open_file(&path)? else {
        return Err(repository.manifest_unknown(digest, Missing::Content));
    };
    let size = file.metadata().map_err(|error| Error::io("look at", tree.locate(&path), error))?.len();
    if size > MAX_READ as u64 {
        let reason = format!("it has {}, at most {MAX_READ} are read", count::bytes(size));
        return Err(Error::ManifestMalformed { repository: repository.name().clone(), digest, reason });
    }
    let mut content = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    let read = file.take(MAX_READ as u64 + 1).read_to_end(&mut content);
    read.map_err(|error| Error::io("read", tree.locate(&path), error))?;
    let mut hasher = Hasher::new(digest.algorithm());
    hasher.update(&content);
    match digest.algorithm().and_then(|algorithm| hasher.finish().by(algorithm)) {
        Some(found) if found != digest => {
            let (path, repository) = (tree.locate(&path), repository.name().clone());
            Err(Error::Corrupt { path, repository, expected: digest, found, size: content.len() as u64 })
        }
        _ => Ok(content),
    }
}

/// The bytes of the manifest `digest`, and what they say. The errors are those of [`get`], and `Err(ManifestMalformed)`
/// when the bytes are not a JSON object.
pub fn read(repository: &Repository<'_>, digest: Digest) -> Result<(Vec<u8>, Manifest)> {
    let content = get(repository, digest)?;
    let manifest = parse(repository, digest, &content)?;
    Ok((content, manifest))
}

pub(crate) fn parse(repository: &Repository<'_>, digest: Digest, content: &[u8]) -> Result<Manifest> {
    Manifest::read(content).map_err(|fault| Error::ManifestMalformed {
        repository: repository.name().clone(),
        digest,
        reason: fault.to_string(),
    })
}

/// Every manifest of `repository`, or the error with which it can't be read.
pub fn manifests<'r>(repository: &'r Repository<'_>) -> impl Iterator<Item = Result<(Revision, Manifest)>> + 'r {
    revision::revisions(repository).map(move |found| {
        let revision = found?;
        let manifest = of_revision(repository, &revision)?;
        Ok((revision, manifest))
    })
}

/// The manifest of a revision whose link was not read yet.
pub(super) fn of_revision(repository: &Repository<'_>, revision: &Revision) -> Result<Manifest> {
    revision.check(repository)?;
    let content = content(repository, revision.digest)?;
    parse(repository, revision.digest, &content)
}
