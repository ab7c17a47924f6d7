//! Defines what a plan removes, and what it found to be wrong.

use std::path::PathBuf;
use std::sync::Arc;

use crate::digest::Digest;
use crate::finding::Code;
use crate::layout::TreePath;
use crate::name::UploadId;
use crate::named::named;
use crate::scan::Doubt;

named! {
    /// The kinds of what is removed, in the order in which they are removed.
    #[non_exhaustive]
    pub enum Kind {
        /// A tag that was made for another manifest, such as one of signatures, and whose own manifest is removed.
        Tag = "tag",
        /// The entry in a tag's history for a manifest which is removed.
        TagHistory = "tag-history",
        /// A manifest of a repository.
        Revision = "revision",
        /// A link that no manifest of its repository needs.
        LayerLink = "layer-link",
        /// Content that nothing needs.
        Blob = "blob",
        /// An upload that was not finished.
        Upload = "upload",
        /// A directory with nothing in it.
        Directory = "directory",
        /// A repository with nothing in it.
        Repository = "repository",
    }
}

impl Kind {
    /// How many of `actions` are of this kind, and how many bytes of content they remove.
    pub fn count(self, actions: &[Action]) -> (u64, u64) {
        let of_kind = actions.iter().filter(|action| action.kind == self);
        of_kind.fold((0, 0), |(count, bytes), action| (count + 1, bytes + action.size))
    }
}

/// One removal.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Action {
    /// What kind of item is removed.
    pub kind: Kind,
    /// The directory that is removed with its content.
    pub path: TreePath,
    /// The path of the repository that it belongs to.
    pub repository: Option<Arc<str>>,
    /// The tag that it is about.
    pub tag: Option<String>,
    /// The digest of the manifest or content.
    pub digest: Option<Digest>,
    /// The id of the upload.
    pub upload: Option<UploadId>,
    /// How many bytes of content are removed.
    pub size: u64,
    /// The newest time of a blob's file and directory, by which a sweep recognizes the blob.
    pub(super) newest: Option<jiff::Timestamp>,
}

impl Action {
    pub(super) fn new(kind: Kind, path: TreePath) -> Self {
        let (repository, tag, digest, upload, newest) = (None, None, None, None, None);
        Self { kind, path, repository, tag, digest, upload, size: 0, newest }
    }

    pub(super) fn of(kind: Kind, repository: &Arc<str>, path: TreePath, digest: Digest) -> Self {
        Self { repository: Some(Arc::clone(repository)), digest: Some(digest), ..Self::new(kind, path) }
    }
}

/// Something that is wrong in the tree, whether or not gc keeps anything because of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What is wrong.
    pub code: Code,
    /// What gc keeps because of it.
    pub doubt: Doubt,
    /// The path of the repository.
    pub repository: Option<String>,
    /// Where it is.
    pub path: Option<PathBuf>,
    /// What is wrong, in a sentence.
    pub message: String,
    /// Whether the path itself, or another tree, says what should be there.
    pub repairable: bool,
}
