//! Describes what can be moved out of the tree.

use serde::Deserialize;

use crate::digest::Digest;
use crate::error::Result;
use crate::layout::{self, TreePath};
use crate::named::named;
use crate::tree::{self, EntryKind, Listed, Tree};

named! {
    /// What an item is. The kinds are in the order in which items are put back: content before the links that grant it.
    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    #[non_exhaustive]
    pub enum ItemKind {
        /// A blob's directory, or only the blob where other files lie in its directory.
        Blob = "blob",
        /// Any other directory.
        Directory = "directory",
        /// Any other file, or a symbolic link.
        File = "file",
        /// An upload's directory.
        Upload = "upload",
        /// A layer link's directory.
        LayerLink = "layer-link",
        /// A manifest revision's directory.
        Revision = "revision",
        /// One entry of a tag's index.
        TagIndex = "tag-index",
        /// A tag's directory.
        Tag = "tag",
    }
}

/// What is removed with a blob: its whole directory, or only the blob's own files if foreign files are there too.
pub(crate) enum BlobParts {
    Directory,
    Files,
}

impl BlobParts {
    /// Looks into the directory of a blob.
    pub(crate) fn of(tree: &Tree, digest: &Digest) -> Result<Self> {
        let listed = tree.list(&layout::blob_directory(digest))?.unwrap_or_default();
        Ok(if listed.iter().all(Self::is_own) { Self::Directory } else { Self::Files })
    }

    /// The path that is moved. A directory that can't be listed may contain foreign files.
    pub(crate) fn path(tree: &Tree, digest: &Digest) -> TreePath {
        let directory = layout::blob_directory(digest);
        match Self::of(tree, digest) {
            Ok(Self::Directory) => directory,
            Ok(Self::Files) | Err(_) => directory.data(),
        }
    }

    /// Whether an entry in a blob's directory is the blob's own: the content, or a temporary file that an interrupted
    /// write of it left.
    pub(crate) fn is_own(entry: &Listed) -> bool {
        let is_temporary = || entry.text().and_then(layout::temporary_of) == Some(layout::DATA);
        entry.name == layout::DATA || entry.kind == EntryKind::File && is_temporary()
    }
}

impl ItemKind {
    /// Whether an item of this kind grants content.
    pub(super) const fn is_link(self) -> bool {
        matches!(self, Self::LayerLink | Self::Revision | Self::TagIndex | Self::Tag)
    }
}

/// A file or directory of the tree that is to be moved out of it. A directory is moved with everything in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What the item is.
    pub kind: ItemKind,
    /// Where it is in the tree.
    pub path: TreePath,
    /// The repository that it belongs to. This is text, because a damaged repository may have an invalid name.
    pub repository: Option<String>,
    /// The digest in its name.
    pub digest: Option<Digest>,
    /// Its size in bytes.
    pub size: u64,
}

impl Item {
    /// The item at `path`, which belongs to no repository, and has no digest and no size.
    pub fn new(kind: ItemKind, path: TreePath) -> Self {
        Self { kind, path, repository: None, digest: None, size: 0 }
    }

    /// Sets the repository.
    #[must_use]
    pub fn repository(mut self, name: impl Into<String>) -> Self {
        self.repository = Some(name.into());
        self
    }

    /// Sets the digest.
    #[must_use]
    pub fn digest(mut self, digest: Digest) -> Self {
        self.digest = Some(digest);
        self
    }

    /// Sets the size in bytes.
    #[must_use]
    pub fn size(mut self, size: u64) -> Self {
        self.size = size;
        self
    }
}

/// An item that a journal names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotedItem {
    /// The item as it was in the tree.
    pub item: Item,
    /// Its name in the quarantine.
    pub(super) name: String,
    /// Whether it is a file or a directory.
    pub(super) form: tree::EntryKind,
}
