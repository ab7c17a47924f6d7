//! Finds what a reference means in a tree.

use super::{Pinned, Target};
use crate::blob;
use crate::digest::{Digest, DigestPrefix, GivenDigest};
use crate::error::{DigestOf, Error, Result};
use crate::name::Tag;
use crate::repository::{Repository, find, revision};
use crate::stream::Watch;
use crate::tag;
use crate::tree::Tree;

/// Whether a digest may be shortened. A command that changes anything wants it whole, so that it changes nothing else
/// once the tree has more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shortened {
    /// It may.
    Expand,
    /// It may not: `Err(DigestShortened)`.
    Refuse,
}

/// The manifest that a target names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The tag that it was named by.
    pub tag: Option<Tag>,
    /// Its digest. If a user gave it whole, there need not be such a manifest.
    pub digest: Digest,
}

impl Target {
    /// Finds the manifest in `repository`.
    ///
    /// `Err(TagUnknown)` or `Err(BrokenTag)` when a tag does not give one, `Err(TargetUnknown)` when the text is neither
    /// a tag nor a shortened digest, `Err(TagElsewhere)` when the tag points to another digest than the one beside it.
    /// The errors for a shortened digest are those of [`blob`].
    pub fn resolve(&self, repository: &Repository<'_>, shortened: Shortened) -> Result<Resolved> {
        match self {
            Self::Digest(given) => {
                Ok(Resolved { tag: None, digest: in_repository(repository, given, DigestOf::Manifest, shortened)? })
            }
            Self::Tag(tag) => tag_or_digest(repository, tag, shortened),
            Self::Both(pinned) => {
                let digest = pinned.resolve(repository, shortened)?;
                Ok(Resolved { tag: Some(pinned.tag.clone()), digest })
            }
        }
    }
}

impl Pinned {
    /// The digest that the tag points to in `repository`. The errors are those of [`Target::resolve`].
    pub(crate) fn resolve(&self, repository: &Repository<'_>, shortened: Shortened) -> Result<Digest> {
        let Self { tag, digest: given } = self;
        let found = tag::get(repository, tag)?;
        check_whole(given, shortened, || Some(found).filter(|found| given.fits(found)))?;
        if given.fits(&found) {
            return Ok(found);
        }
        let repository = repository.name().clone();
        Err(Error::TagElsewhere { repository, tag: tag.clone(), expected: given.clone(), found })
    }
}

fn tag_or_digest(repository: &Repository<'_>, tag: &Tag, shortened: Shortened) -> Result<Resolved> {
    let unknown = match tag::get(repository, tag) {
        Ok(digest) => return Ok(Resolved { tag: Some(tag.clone()), digest }),
        Err(unknown @ Error::TagUnknown { .. }) => unknown,
        Err(error) => return Err(error),
    };
    let Ok(given) = tag.as_str().parse::<GivenDigest>() else { return Err(unknown) };
    match in_repository(repository, &given, DigestOf::Manifest, shortened) {
        Ok(digest) => Ok(Resolved { tag: None, digest }),
        Err(Error::PrefixUnknown { .. } | Error::DigestShortened { whole: None, .. }) => {
            Err(Error::TargetUnknown { repository: repository.name().clone(), text: tag.clone() })
        }
        Err(error) => Err(error),
    }
}

/// The digest of a blob that `repository` links.
///
/// `Err(PrefixUnknown)` when no digest begins with a shortened one, `Err(DigestAmbiguous)` when several do,
/// `Err(DigestShortened)` when it may not be shortened. A whole digest is returned as it is.
pub(crate) fn blob(repository: &Repository<'_>, given: &GivenDigest, shortened: Shortened) -> Result<Digest> {
    in_repository(repository, given, DigestOf::Blob, shortened)
}

fn in_repository(
    repository: &Repository<'_>,
    given: &GivenDigest,
    of: DigestOf,
    shortened: Shortened,
) -> Result<Digest> {
    let expand = |prefix: &DigestPrefix| {
        let found = match of {
            DigestOf::Manifest => revision::beginning_with(repository, prefix)?,
            DigestOf::Blob => repository.keys_beginning_with(prefix)?,
        };
        if !found.is_empty() {
            return the_one(prefix, found, Some(repository), of);
        }
        // The error for a digest that the tree has, and the repository lacks, says more than that it is unknown.
        match blob::beginning_with(repository.tree(), prefix)?[..] {
            [digest] => Ok(digest),
            _ => the_one(prefix, Vec::new(), Some(repository), of),
        }
    };
    match given {
        GivenDigest::Whole(digest) => Ok(*digest),
        GivenDigest::Shortened(prefix) => {
            check_whole(given, shortened, || expand(prefix).ok())?;
            expand(prefix)
        }
    }
}

/// The digest of content anywhere in the tree. The errors are those of [`blob`].
///
/// Where the tree stores no such content, the links of all repositories are searched: a digest may be an alias, or its
/// content may be missing.
pub(crate) fn content(tree: &Tree, given: &GivenDigest) -> Result<Digest> {
    let prefix = match given {
        GivenDigest::Whole(digest) => return Ok(*digest),
        GivenDigest::Shortened(prefix) => prefix,
    };
    let mut found = blob::beginning_with(tree, prefix)?;
    if found.is_empty() {
        for name in find::repositories(tree, &Watch::none()).repositories {
            let repository = Repository::new(tree, name);
            found.extend(repository.keys_beginning_with(prefix)?);
            found.extend(revision::beginning_with(&repository, prefix)?);
        }
    }
    the_one(prefix, found, None, DigestOf::Blob)
}

/// Refuses a shortened digest where it must be whole. The error names what `whole` finds.
fn check_whole(given: &GivenDigest, shortened: Shortened, whole: impl FnOnce() -> Option<Digest>) -> Result<()> {
    match given {
        GivenDigest::Shortened(prefix) if shortened == Shortened::Refuse => {
            Err(Error::DigestShortened { prefix: prefix.clone(), whole: whole() })
        }
        _ => Ok(()),
    }
}

fn the_one(
    prefix: &DigestPrefix,
    mut found: Vec<Digest>,
    repository: Option<&Repository<'_>>,
    of: DigestOf,
) -> Result<Digest> {
    found.sort_unstable();
    found.dedup();
    let (prefix, repository) = (prefix.clone(), repository.map(|repository| repository.name().clone()));
    match found[..] {
        [digest] => Ok(digest),
        [] => Err(Error::PrefixUnknown { prefix, repository, of }),
        _ => Err(Error::DigestAmbiguous { prefix, repository, candidates: found }),
    }
}
