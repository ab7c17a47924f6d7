//! Looks up a blob without reading its content.

use serde::Serialize;

use crate::descriptor::Descriptor;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::layout::{Entry, TreePath};
use crate::repository::{Link, Repository};
use crate::tree::{EntryKind, Tree};

/// What a repository knows about a blob.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BlobStat {
    /// The media type, the size, and the digest that the content is stored under.
    #[serde(flatten)]
    pub descriptor: Descriptor,
    /// The digest that was asked for.
    pub asked: Digest,
    /// Whether the digest that was asked for is an alias of the one that the content is stored under.
    pub alias: bool,
}

/// Looks up `digest` in `repository`.
///
/// `Err(BlobUnknown)` when there is no link, `Err(BrokenLink)` when the link is bad, `Err(ContentMissing)` when the
/// link is good but the content is missing.
pub fn stat(repository: &Repository<'_>, digest: Digest) -> Result<BlobStat> {
    let link = repository.link(digest)?;
    let size = size_of(repository, &link)?;
    Ok(BlobStat { descriptor: Descriptor::blob(link.target, size), asked: digest, alias: link.is_alias() })
}

/// The size in bytes of the content that `link` points to.
pub(crate) fn size_of(repository: &Repository<'_>, link: &Link) -> Result<u64> {
    content_size(repository.tree(), link.target)?.ok_or_else(|| content_missing(repository, link))
}

/// The size in bytes of the content stored under `digest`; `None` when there is none.
pub(crate) fn content_size(tree: &Tree, digest: Digest) -> Result<Option<u64>> {
    file_size(tree, &Entry::Blob(digest).path())
}

/// The size in bytes of the regular file at `path`; `None` when nothing is there.
fn file_size(tree: &Tree, path: &TreePath) -> Result<Option<u64>> {
    match tree.metadata(path)? {
        Some(found) if found.kind == EntryKind::File => Ok(Some(found.size)),
        Some(found) => Err(tree.wrong_kind(path, "a regular file", found.kind)),
        None => Ok(None),
    }
}

pub(crate) fn content_missing(repository: &Repository<'_>, link: &Link) -> Error {
    let path = repository.tree().locate(&Entry::Blob(link.target).path());
    Error::ContentMissing { repository: repository.name().clone(), digest: link.target, path }
}
