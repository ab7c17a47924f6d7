//! The schema1 signatures that registries up to 2.4 store next to a manifest (layout.md §5.5).

use super::schema1::{self, Signed};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::layout::{Entry, Form, Item};
use crate::repository::Repository;
use crate::tree::digests;

/// The most bytes of a stored signature. One has some 430 bytes, or a few thousand with certificates.
const SIGNATURE_MAX: u64 = 1024 * 1024;

/// The digest and the bytes of each stored signature of the manifest `revision`.
///
/// `Err(BrokenLink)` when a link is wrong. `Err(ContentMissing)` or `Err(Corrupt)` when the content of a link is.
pub(crate) fn stored(repository: &Repository<'_>, revision: Digest) -> Result<Vec<(Digest, Vec<u8>)>> {
    let mut found = Vec::new();
    for form in Form::ALL {
        let directory = repository.place(form).signatures(&revision);
        for signature in digests::keyed(repository.tree(), &directory) {
            found.extend(read(repository, form, revision, signature?)?);
        }
    }
    Ok(found)
}

fn read(
    repository: &Repository<'_>,
    form: Form,
    revision: Digest,
    signature: Digest,
) -> Result<Option<(Digest, Vec<u8>)>> {
    let (tree, name) = (repository.tree(), repository.name().clone());
    let item = Item::SignatureLink { revision, signature };
    let link = Entry::InRepository { repository: name.clone(), form, item }.path();
    if !repository.is_linked(signature, &link)? {
        return Ok(None);
    }
    let path = Entry::Blob(signature).path();
    let Some(content) = tree.read_small(&path, SIGNATURE_MAX)? else {
        return Err(Error::ContentMissing { repository: name, digest: signature, path: tree.locate(&path) });
    };
    let found = Digest::of(&content);
    if found != signature {
        let (path, size) = (tree.locate(&path), content.len() as u64);
        return Err(Error::Corrupt { path, repository: name, expected: signature, found, size });
    }
    Ok(Some((signature, content)))
}

/// The manifest `payload` with the digest `revision` and its stored signatures. `Ok(None)` when none are stored.
///
/// `Err(ManifestMalformed)` when one of them can't be read.
pub(crate) fn merged(repository: &Repository<'_>, revision: Digest, payload: Vec<u8>) -> Result<Option<Signed>> {
    let stored: Vec<Vec<u8>> = stored(repository, revision)?.into_iter().map(|(_, content)| content).collect();
    if stored.is_empty() {
        return Ok(None);
    }
    schema1::from_stored(payload, &stored).map(Some).map_err(|error| Error::ManifestMalformed {
        repository: repository.name().clone(),
        digest: revision,
        reason: error.to_string(),
    })
}
