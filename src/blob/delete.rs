//! Removes a blob's links from a repository. The content stays until a collection removes it.

use crate::digest::Digest;
use crate::durable::ExclusiveRemover;
use crate::error::{Error, Result};
use crate::layout::{Form, TreePath};
use crate::repository::Repository;
use crate::tree::EntryKind;

/// A link to remove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// The digest in the link's path, by which clients ask for the blob.
    pub key: Digest,
    path: TreePath,
}

impl Removal {
    /// Removes the link; `false` when it is already gone. Its directory stays, as a registry leaves it.
    pub fn execute(&self, remover: &(impl ExclusiveRemover + ?Sized)) -> Result<bool> {
        remover.take_file(&self.path)
    }
}

/// The links that deleting `digests` from `repository` removes, each once.
///
/// `Err(BlobUnknown)`, before anything is removed, when a digest has no link, not even a broken one. But a digest whose
/// link was removed earlier is skipped when another digest still has one, so that a run that was cut short can be
/// repeated. With `all_aliases`, all other links to the same content are removed too. They are removed first, for the
/// same reason. A broken link is then `Err(BrokenLink)`, because it does not say which content it is a link to.
pub fn plan_delete(repository: &Repository<'_>, digests: &[Digest], all_aliases: bool) -> Result<Vec<Removal>> {
    let mut removals: Vec<Removal> = Vec::new();
    let mut missing = Vec::new();
    for &digest in digests {
        let given = existing_links(repository, digest)?;
        if given.is_empty() {
            missing.push(digest);
            continue;
        }
        let others = if all_aliases { other_names(repository, digest)? } else { Vec::new() };
        for removal in others.into_iter().filter(|other| other.key != digest).chain(given) {
            if !removals.contains(&removal) {
                removals.push(removal);
            }
        }
    }
    for digest in missing {
        if removals.is_empty() || !was_deleted(repository, digest)? {
            let known = repository.exists()?;
            return Err(if known { repository.blob_unknown(digest)? } else { repository.unknown() });
        }
    }
    Ok(removals)
}

/// Whether a link with this key was deleted: a deleted link leaves its directory (layout.md §1.1).
fn was_deleted(repository: &Repository<'_>, key: Digest) -> Result<bool> {
    for form in Form::ALL {
        let directory = repository.link_path(key, form).parent().expect("a link is in a directory");
        if repository.tree().metadata(&directory)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn existing_links(repository: &Repository<'_>, key: Digest) -> Result<Vec<Removal>> {
    let mut removals = Vec::new();
    for form in Form::ALL {
        let path = repository.link_path(key, form);
        match repository.tree().metadata(&path)? {
            Some(found) if found.kind == EntryKind::File => removals.push(Removal { key, path }),
            Some(found) => return Err(repository.tree().wrong_kind(&path, "a regular file", found.kind)),
            None => {}
        }
    }
    Ok(removals)
}

/// The canonical link of the content that `digest` names, and every alias of it.
fn other_names(repository: &Repository<'_>, digest: Digest) -> Result<Vec<Removal>> {
    let target = repository.link(digest)?.target;
    let mut removals = existing_links(repository, target)?;
    let mut damage: Vec<Error> = Vec::new();
    let aliases = repository.aliases_of(target, &mut damage);
    if let Some(error) = damage.into_iter().next() {
        return Err(error);
    }
    removals.extend(aliases.into_iter().map(|link| Removal { key: link.key, path: link.path }));
    Ok(removals)
}
