//! What a blob is, without reading it.

use serde::Serialize;

use crate::descriptor::Descriptor;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::layout::{Entry, TreePath};
use crate::name::RepositoryName;
use crate::registry::Registry;
use crate::repository::{Link, Repository};
use crate::tree::{Kind, Tree};

/// What a repository knows of a blob.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BlobStat {
    /// Type, length and the digest that the content is stored under.
    #[serde(flatten)]
    pub descriptor: Descriptor,
    /// The digest asked for.
    pub asked: Digest,
    /// Whether that is an alias for the one it is stored under.
    pub alias: bool,
}

/// Looks up `digest` in `repository`.
///
/// `Err(BlobUnknown)` without a link, `Err(BrokenLink)` behind a bad one, `Err(ContentMissing)` without content.
pub fn stat(repository: &Repository<'_>, digest: Digest) -> Result<BlobStat> {
    let link = repository.link(digest)?;
    let size = size_of(repository, &link)?;
    Ok(BlobStat { descriptor: Descriptor::blob(link.target, size), asked: digest, alias: link.is_alias() })
}

/// The length in bytes of what `link` leads to.
pub(crate) fn size_of(repository: &Repository<'_>, link: &Link) -> Result<u64> {
    content_size(repository.tree(), link.target)?.ok_or_else(|| content_missing(repository, link))
}

/// The length in bytes of the content stored under `digest`; `None` when there is none.
pub fn content_size(tree: &Tree, digest: Digest) -> Result<Option<u64>> {
    file_size(tree, &Entry::Blob(digest).path())
}

/// The length of the regular file at `path`; `None` when nothing is there.
fn file_size(tree: &Tree, path: &TreePath) -> Result<Option<u64>> {
    match tree.metadata(path)? {
        Some(found) if found.kind == Kind::File => Ok(Some(found.size)),
        Some(found) => Err(tree.wrong_kind(path, "a regular file", found.kind)),
        None => Ok(None),
    }
}

pub(crate) fn content_missing(repository: &Repository<'_>, link: &Link) -> Error {
    let path = repository.tree().locate(&Entry::Blob(link.target).path());
    Error::ContentMissing { repository: repository.name().clone(), digest: link.target, path }
}

/// Why a digest that no repository links is not just unknown: `Err(LinkedNowhere)`, with what it is instead.
pub fn linked_nowhere(registry: &Registry, digest: Digest) -> Result<Error> {
    let content = registry.tree().metadata(&Entry::Blob(digest).path())?.is_some();
    let mut manifest_of = registry.repositories().repositories;
    let mut failed = None;
    manifest_of.retain(|name| {
        let found = Repository::new(registry.tree(), name.clone()).has_revision(digest);
        found.unwrap_or_else(|error| {
            failed = Some(error);
            false
        })
    });
    failed.map_or(Ok(Error::LinkedNowhere { digest, manifest_of, content }), Err)
}

/// The repositories that link `digest`, each with the digest that its link is called by, and the damage met on the way.
///
/// Asked for a sha256, a repository counts too that has only an alias for it.
pub fn linked_in(registry: &Registry, digest: Digest) -> (Vec<(RepositoryName, Digest)>, Vec<Error>) {
    let found = registry.repositories();
    let mut damage = found.damage;
    let mut linked = Vec::new();
    for name in found.repositories {
        let repository = Repository::new(registry.tree(), name);
        match linking_key(&repository, digest, &mut damage) {
            Ok(Some(key)) => linked.push((repository.name().clone(), key)),
            Ok(None) => {}
            Err(error) => damage.push(error),
        }
    }
    (linked, damage)
}

fn linking_key(repository: &Repository<'_>, digest: Digest, damage: &mut Vec<Error>) -> Result<Option<Digest>> {
    if let Some(link) = repository.find_link(digest)? {
        return Ok(Some(link.key));
    }
    Ok(repository.aliases_of(digest, damage).into_iter().next().map(|link| link.key))
}
