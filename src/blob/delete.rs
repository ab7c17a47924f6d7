//! Taking a blob away from a repository. Its content stays until it is collected.

use crate::digest::Digest;
use crate::durable::{ExclusiveWriter, Sync};
use crate::error::{Error, Result};
use crate::layout::{Form, TreePath};
use crate::repository::Repository;
use crate::tree::Kind;

/// A link that is to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// The digest that the blob is asked for by.
    pub key: Digest,
    path: TreePath,
}

impl Removal {
    /// Removes the link; `false` when it is gone already. The directory around it stays, as a registry leaves it.
    pub fn execute(&self, writer: &ExclusiveWriter<'_>) -> Result<bool> {
        writer.remove_file(&self.path, Sync::Now)
    }
}

/// The links that deleting `digests` from `repository` removes, each once.
///
/// `Err(BlobUnknown)`, before anything is removed, for a digest without a link, sound or broken; but one whose link was
/// removed before is passed over beside others that are still there, so that a run that was cut short can be run again.
/// With `all_aliases`, whatever else the repository calls the same content goes too, and first, for the same reason; a
/// broken link then is `Err(BrokenLink)`, for it does not say what it is an alias of.
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

/// A deleted link leaves its directory (layout.md §1.1).
fn was_deleted(repository: &Repository<'_>, key: Digest) -> Result<bool> {
    for form in Form::ALL {
        let directory = repository.link_path(key, form).parent().expect("a link lies in a directory");
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
            Some(found) if found.kind == Kind::File => removals.push(Removal { key, path }),
            Some(found) => return Err(repository.tree().wrong_kind(&path, "a regular file", found.kind)),
            None => {}
        }
    }
    Ok(removals)
}

/// The canonical link and every alias of what `digest` stands for.
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
