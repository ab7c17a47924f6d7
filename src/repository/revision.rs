//! The links that make a manifest a repository's.

use super::Repository;
use crate::digest::Digest;
use crate::error::Result;
use crate::layout::{Form, TreePath};
use crate::tree::Kind;
use crate::tree::digests::keyed;

/// A manifest that a repository has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// What it is asked for by, and stored under.
    pub digest: Digest,
    /// Its link.
    pub path: TreePath,
    /// Which layout the link lies in.
    pub form: Form,
    /// Whether the link lies among those of layers, where registry 2.1.0 put it (layout.md §1.4).
    pub misplaced: bool,
}

impl Revision {
    /// Reads the link. `Err(BrokenLink)` when it says something else than its place does.
    pub fn check(&self, repository: &Repository<'_>) -> Result<()> {
        // One among those of layers was read when it was found.
        if self.misplaced { Ok(()) } else { repository.is_linked(self.digest, &self.path).map(drop) }
    }
}

/// The revision `digest` of `repository`; `None` when there is none. `Err(BrokenLink)` when its link says something else.
pub fn find(repository: &Repository<'_>, digest: Digest) -> Result<Option<Revision>> {
    for form in Form::ALL {
        let path = repository.place(form).revision_link(&digest);
        if repository.is_linked(digest, &path)? {
            return Ok(Some(Revision { digest, path, form, misplaced: false }));
        }
    }
    misplaced(repository, digest)
}

/// A revision directory without a link of its own, whose digest is linked as a layer.
fn misplaced(repository: &Repository<'_>, digest: Digest) -> Result<Option<Revision>> {
    let form = Form::Current;
    let directory = repository.place(form).revision(&digest);
    if repository.tree().metadata(&directory)?.is_none_or(|found| found.kind != Kind::Directory) {
        return Ok(None);
    }
    let link = repository.find_link(digest)?.filter(|link| !link.is_alias());
    Ok(link.map(|link| Revision { digest, path: link.path, form, misplaced: true }))
}

/// Every revision of `repository`, sorted within each layout and algorithm, and what is damaged among them. The links are
/// looked at, and not read: [`Revision::check`] does.
pub fn revisions<'r>(repository: &'r Repository<'_>) -> impl Iterator<Item = Result<Revision>> + 'r {
    Form::ALL.into_iter().flat_map(move |form| {
        let directory = repository.place(form).revisions();
        keyed(repository.tree(), &directory).filter_map(move |found| match found {
            Ok(digest) => in_place(repository, form, digest).transpose(),
            Err(error) => Some(Err(error)),
        })
    })
}

fn in_place(repository: &Repository<'_>, form: Form, digest: Digest) -> Result<Option<Revision>> {
    let path = repository.place(form).revision_link(&digest);
    match repository.tree().metadata(&path)? {
        Some(found) if found.kind == Kind::File => Ok(Some(Revision { digest, path, form, misplaced: false })),
        Some(found) => Err(repository.tree().wrong_kind(&path, "a regular file", found.kind)),
        None if form == Form::Current => misplaced(repository, digest),
        None => Ok(None),
    }
}
