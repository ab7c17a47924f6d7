//! Describes a manifest and which of its references exist.

use super::model::{Reference, Role};
use super::{Manifest, get};
use crate::blob;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::name::Tag;
use crate::repository::{Repository, revision};
use crate::tag;

/// What a repository knows about a manifest.
#[derive(Debug)]
#[non_exhaustive]
pub struct ManifestStat {
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// What it says.
    pub manifest: Manifest,
    /// What it references, in its order, or mentions.
    pub parts: Vec<Part>,
    /// The tags that point to it.
    pub tags: Vec<Tag>,
}

/// A reference of a manifest.
#[derive(Debug)]
pub struct Part {
    /// How the manifest describes it.
    pub reference: Reference,
    /// The size of the content in bytes; `None` when the repository does not have it.
    pub found: Option<u64>,
}

/// The size in bytes of the manifest `digest`, whose link was already found; 0 when its content is missing.
pub(crate) fn size(repository: &Repository<'_>, digest: Digest) -> Result<u64> {
    Ok(blob::content_size(repository.tree(), digest)?.unwrap_or_default())
}

/// Describes the manifest `digest` of `repository`, and returns the damage found on the way. The errors are those of
/// [`read`](super::read).
pub fn stat(repository: &Repository<'_>, digest: Digest) -> Result<(ManifestStat, Vec<Error>)> {
    let (bytes, manifest) = get::read(repository, digest)?;
    let mut damage = Vec::new();
    let tags = tag::pointing_to(repository, digest, &mut damage);
    let mut parts = Vec::with_capacity(manifest.references.len());
    for reference in manifest.references.iter().cloned().chain(manifest.mentions()) {
        let found = reference.digest.ok().map(|digest| look(repository, reference.role, digest)).transpose();
        let found = found.unwrap_or_else(|error| {
            damage.push(error);
            None
        });
        parts.push(Part { reference, found: found.flatten() });
    }
    Ok((ManifestStat { digest, size: bytes.len() as u64, manifest, parts, tags }, damage))
}

fn look(repository: &Repository<'_>, role: Role, digest: Digest) -> Result<Option<u64>> {
    let manifest = || Ok(revision::find(repository, digest)?.map(|revision| revision.digest));
    let content = || Ok(repository.find_link(digest)?.map(|link| link.target));
    let target = match role {
        // A build cache is an index whose children are layers.
        Role::Child | Role::Mention => manifest()?.map_or_else(content, |digest| Ok(Some(digest)))?,
        _ => content()?,
    };
    target.map_or(Ok(None), |target| blob::content_size(repository.tree(), target))
}
