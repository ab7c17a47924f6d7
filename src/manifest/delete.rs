//! Removes a manifest from a repository. Its content stays until a collection removes it.

use std::collections::HashSet;

use super::dependents::{Check, Needed, ToRemove, split};
use crate::digest::Digest;
use crate::durable::ExclusiveRemover;
use crate::error::{Error, Missing, Result};
use crate::layout::{Entry, Form, Item, TreePath};
use crate::name::Tag;
use crate::repository::revision::{self, Revision};
use crate::repository::{Repository, Unreadable};
use crate::tag;
use crate::tree::EntryKind;

/// A manifest to remove.
#[derive(Debug)]
pub struct Removal {
    /// The manifest.
    pub digest: Digest,
    /// The tags that are removed before it.
    pub tags: Vec<tag::Removal>,
    links: Vec<TreePath>,
    directory: TreePath,
}

impl Removal {
    /// Whether the manifest has lost its links already, because an earlier run was cut short.
    fn is_begun(&self) -> bool {
        self.links.is_empty()
    }
}

/// Removes several manifests: first all tags, then the links that make the manifests the repository's, then the rest of
/// their directories. So a run that was cut short can be repeated. An empty directory must not stay: with a layer link
/// of the same digest it looks like a manifest of registry 2.1.0.
pub fn delete(remover: &(impl ExclusiveRemover + ?Sized), removals: &[Removal]) -> Result<()> {
    removals.iter().try_for_each(|removal| tag::delete(remover, &removal.tags))?;
    for link in removals.iter().flat_map(|removal| &removal.links) {
        remover.take_file(link)?;
    }
    removals.iter().try_for_each(|removal| remover.take_directory(&removal.directory))
}

/// Whether tags that point to a manifest keep it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tags {
    /// They keep it.
    Keep,
    /// They are removed with it.
    Remove,
}

/// What deleting `digests` from `repository` removes, and the damage found on the way.
///
/// All errors come before anything is removed. `Err(ManifestUnknown)` when a digest is not a revision of the
/// repository. What a run left that was cut short is removed too: directories of manifests and, with [`Tags::Remove`],
/// of tags; and if all other manifests have lost their links, those that are gone are skipped. With [`Tags::Keep`], `Err(InUse)` when tags point to one. With [`Needed::Keep`], `Err(InUse)` when an
/// index or another manifest that stays needs one. With [`Unreadable::Refuse`], `Err(SafetyLimit)` when a tag or
/// manifest can't be read, because it may need one; else that is part of the damage.
pub fn plan_delete(
    repository: &Repository<'_>,
    digests: &[Digest],
    tags: Tags,
    needed: Needed,
    unreadable: Unreadable,
) -> Result<(Vec<Removal>, Vec<Error>)> {
    let found = tag::tags(repository);
    let left_over = if tags == Tags::Remove { tag::left_over(repository, &found)? } else { Vec::new() };
    let (found, unread, mut damage) = split(found);
    let is_removed = |error: &Error| match error {
        Error::TagUnknown { tag, .. } => left_over.iter().any(|removal| removal.tag == *tag),
        _ => false,
    };
    damage.retain(|error| !is_removed(error));
    let mut gone = None;
    let (mut removals, mut to_remove): (Vec<Removal>, Vec<ToRemove>) = (Vec::new(), Vec::new());
    for &digest in digests {
        if removals.iter().any(|removal| removal.digest == digest) {
            continue;
        }
        let (links, misplaced) = links(repository, digest)?;
        let directory = repository.place(Form::Current).revision(&digest);
        if links.is_empty() && !is_directory(repository, &directory)? {
            gone.get_or_insert(digest);
            continue;
        }
        let pointing: Vec<Tag> =
            found.iter().filter(|(_, target)| *target == digest).map(|(tag, _)| tag.clone()).collect();
        if tags == Tags::Keep && !pointing.is_empty() {
            let by = pointing.iter().map(|tag| format!("tag {tag}")).collect();
            let (what, repository) = (format!("manifest {digest}"), repository.name().clone());
            return Err(Error::InUse { what, repository, digest, by, override_option: "--with-tags" });
        }
        let tags = tag::plan_delete(repository, &pointing)?;
        removals.push(Removal { digest, tags, links, directory });
        to_remove.push(ToRemove { digest, misplaced });
    }
    if let Some(digest) = gone.filter(|_| removals.is_empty() || !removals.iter().all(Removal::is_begun)) {
        let known = repository.exists()?;
        let unknown = || repository.manifest_unknown(digest, Missing::Link);
        return Err(if known { unknown() } else { repository.unknown() });
    }
    if let Some(first) = removals.first_mut() {
        first.tags.extend(left_over);
    }
    let all: HashSet<Digest> = to_remove.iter().map(|removed| removed.digest).collect();
    let check = Check { repository, what: "manifest", to_remove: &all, tags: &found, needed, unreadable };
    damage.extend(check.manifests(unread, &to_remove)?);
    Ok((removals, damage))
}

fn is_directory(repository: &Repository<'_>, path: &TreePath) -> Result<bool> {
    Ok(repository.tree().metadata(path)?.is_some_and(|found| found.kind == EntryKind::Directory))
}

/// Every link, even a broken one, that makes `digest` a manifest of `repository`, and whether it is a layer link.
fn links(repository: &Repository<'_>, digest: Digest) -> Result<(Vec<TreePath>, bool)> {
    let mut links = Vec::new();
    for form in Form::ALL {
        let item = Item::RevisionLink(digest);
        let path = Entry::InRepository { repository: repository.name().clone(), form, item }.path();
        if repository.tree().metadata(&path)?.is_some() {
            links.push(path);
        }
    }
    let misplaced = links.is_empty();
    if misplaced {
        links.extend(revision::find(repository, digest)?.map(|Revision { path, .. }| path));
    }
    Ok((links, misplaced))
}
