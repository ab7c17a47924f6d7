//! Finds which repositories link a blob.

use super::Registry;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::layout::Entry;
use crate::name::RepositoryName;
use crate::repository::Repository;

/// The error for a digest that no repository links, [`Error::LinkedNowhere`]. It says whether the digest is a manifest
/// somewhere, and whether its content exists. `Err` when a repository can't be read.
pub(crate) fn linked_nowhere(registry: &Registry, digest: Digest) -> Result<Error> {
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

/// The repositories that link `digest`, each with the digest in its link's path, and the damage that is found on the
/// way.
///
/// For a sha256 a repository counts too that has only an alias for it.
pub(crate) fn linked_in(registry: &Registry, digest: Digest) -> (Vec<(RepositoryName, Digest)>, Vec<Error>) {
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
