//! What a blob is, without reading it.

use serde::Serialize;

use crate::descriptor::Descriptor;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::layout::{Entry, TreePath};
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
