//! The manifests of a repository, by their links.

use super::Repository;
use crate::digest::{Digest, DigestPrefix};
use crate::error::{Error, Result};
use crate::layout::{self, Form, TreePath};
use crate::tree::{EntryKind, Metadata, Neighbours, digests};

/// A manifest that a repository has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// The digest by which clients ask for it, and under which it is stored.
    pub digest: Digest,
    /// The path of its link.
    pub path: TreePath,
    /// The layout of the link's path.
    pub form: Form,
    /// Whether the link is among the layer links, where registry 2.1.0 put it (layout.md §1.4).
    pub misplaced: bool,
}

impl Revision {
    /// Reads the link. `Err(BrokenLink)` when it does not say the digest of its path.
    pub fn check(&self, repository: &Repository<'_>) -> Result<()> {
        // A misplaced link was already read when it was found.
        if self.misplaced { Ok(()) } else { repository.is_linked(self.digest, &self.path).map(drop) }
    }
}

/// The revision `digest` of `repository`; `None` when there is none. `Err(BrokenLink)` when its link says another
/// digest.
pub(crate) fn find(repository: &Repository<'_>, digest: Digest) -> Result<Option<Revision>> {
    for form in Form::ALL {
        let path = repository.place(form).revision_link(&digest);
        if repository.is_linked(digest, &path)? {
            return Ok(Some(Revision { digest, path, form, misplaced: false }));
        }
    }
    misplaced(repository, digest)
}

/// Finds a revision whose directory has no link, and whose digest is linked as a layer.
fn misplaced(repository: &Repository<'_>, digest: Digest) -> Result<Option<Revision>> {
    let form = Form::Current;
    let directory = repository.place(form).revision(&digest);
    if repository.tree().metadata(&directory)?.is_none_or(|found| found.kind != EntryKind::Directory) {
        return Ok(None);
    }
    let link = repository.find_link(digest)?.filter(|link| !link.is_alias());
    Ok(link.map(|link| Revision { digest, path: link.path, form, misplaced: true }))
}

/// The digests that name the directories of revisions in one place, sorted, and the damage there.
pub(crate) struct Keyed {
    /// The layout of the place.
    pub(crate) form: Form,
    /// The digests. [`look`] says which of them are revisions.
    pub(crate) digests: Vec<Digest>,
    pub(crate) damage: Vec<Error>,
}

/// The digests that name the directories of revisions, in each layout and for each algorithm.
pub(crate) fn keyed(repository: &Repository<'_>) -> impl Iterator<Item = Keyed> {
    Form::ALL.into_iter().flat_map(move |form| {
        let places = digests::there(repository.tree(), &repository.place(form).revisions());
        places.into_iter().map(move |place| {
            let (digests, damage) = digests::keyed_in(repository.tree(), &place);
            Keyed { form, digests, damage }
        })
    })
}

/// The revision in a directory that is named by `digest`; `None` when it has no link. The link is not read.
pub(crate) fn look(
    repository: &Repository<'_>,
    form: Form,
    digest: Digest,
    neighbours: &mut Neighbours<'_>,
) -> Result<Option<Revision>> {
    let link = neighbours.metadata_in(&repository.place(form).revision(&digest), "link")?;
    in_place(repository, form, digest, link)
}

/// Every revision of `repository`, sorted within each layout and algorithm, and the damage among them. The links must
/// exist, but are not read; [`Revision::check`] reads one.
pub(crate) fn revisions<'r>(repository: &'r Repository<'_>) -> impl Iterator<Item = Result<Revision>> + 'r {
    Form::ALL.into_iter().flat_map(move |form| revisions_in(repository, form))
}

/// The revisions in one layout.
pub(crate) fn revisions_in<'r>(
    repository: &'r Repository<'_>,
    form: Form,
) -> impl Iterator<Item = Result<Revision>> + 'r {
    revisions_with(repository, form, |_, _| ()).map(|found| found.map(|(revision, ())| revision))
}

/// The revisions in one layout, each with what `look` finds beside its link.
pub(crate) fn revisions_with<'r, T: 'r>(
    repository: &'r Repository<'_>,
    form: Form,
    look: impl Fn(&Revision, &mut Neighbours<'_>) -> T + Copy + 'r,
) -> impl Iterator<Item = Result<(Revision, T)>> + 'r {
    let place = repository.place(form);
    digests::there(repository.tree(), &place.revisions()).into_iter().flat_map(move |algorithm| {
        let mut neighbours = Neighbours::new(repository.tree());
        let (digests, damage) = digests::keyed_before(&mut neighbours, &algorithm);
        let found = digests.into_iter().filter_map(move |digest| {
            let revision = self::look(repository, form, digest, &mut neighbours).transpose()?;
            Some(revision.map(|revision| {
                let beside = look(&revision, &mut neighbours);
                (revision, beside)
            }))
        });
        found.chain(damage.into_iter().map(Err))
    })
}

/// The digests of the revisions of `repository` that begin with `prefix`. One whose link is damaged counts.
pub(crate) fn beginning_with(repository: &Repository<'_>, prefix: &DigestPrefix) -> Result<Vec<Digest>> {
    let mut found = Vec::new();
    for form in Form::ALL {
        let directory = layout::keyed_directory(&repository.place(form).revisions(), prefix.parts());
        let digests = digests::beginning_with(repository.tree(), &directory, prefix.hex())?;
        for digest in digests {
            let link = repository.tree().metadata(&repository.place(form).revision_link(&digest));
            if !matches!(link.and_then(|link| in_place(repository, form, digest, link)), Ok(None)) {
                found.push(digest);
            }
        }
    }
    Ok(found)
}

/// The revision whose `link` is what was found in the place of that.
fn in_place(
    repository: &Repository<'_>,
    form: Form,
    digest: Digest,
    link: Option<Metadata>,
) -> Result<Option<Revision>> {
    let path = repository.place(form).revision_link(&digest);
    match link {
        Some(found) if found.kind == EntryKind::File => Ok(Some(Revision { digest, path, form, misplaced: false })),
        Some(found) => Err(repository.tree().wrong_kind(&path, "a regular file", found.kind)),
        None if form == Form::Current => misplaced(repository, digest),
        None => Ok(None),
    }
}
