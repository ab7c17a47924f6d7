//! What goes, each thing by its kind and place, and what keeps something from going.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::digest::Digest;
use crate::error::Result;
use crate::finding::Code;
use crate::layout::TreePath;
use crate::name::UploadId;
use crate::scan::Doubt;

/// What kind of thing goes, in the order in which they go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A tag that was made for a manifest which is gone.
    Tag,
    /// That a tag once pointed to a manifest which goes.
    TagHistory,
    /// A manifest of a repository.
    Revision,
    /// A link that no manifest of its repository needs.
    LayerLink,
    /// Content that nothing needs.
    Blob,
    /// An upload that nobody finished.
    Upload,
    /// A directory with nothing in it.
    Directory,
    /// A repository with nothing in it.
    Repository,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Tag,
        Self::TagHistory,
        Self::Revision,
        Self::LayerLink,
        Self::Blob,
        Self::Upload,
        Self::Directory,
        Self::Repository,
    ];

    /// Its stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tag => "tag",
            Self::TagHistory => "tag-history",
            Self::Revision => "revision",
            Self::LayerLink => "layer-link",
            Self::Blob => "blob",
            Self::Upload => "upload",
            Self::Directory => "directory",
            Self::Repository => "repository",
        }
    }

    /// How many of `actions` are of this kind, and how many bytes of content go with them.
    pub fn count(self, actions: &[Action]) -> (u64, u64) {
        let of_kind = actions.iter().filter(|action| action.kind == self);
        of_kind.fold((0, 0), |(count, bytes), action| (count + 1, bytes + action.size))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// Something that goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// What kind of thing it is.
    pub kind: Kind,
    /// Where it lies: a directory, that goes with what is in it.
    pub path: TreePath,
    /// Whose it is, by its path.
    pub repository: Option<Arc<str>>,
    /// The tag that it is about.
    pub tag: Option<String>,
    /// What it is called.
    pub digest: Option<Digest>,
    /// The upload.
    pub upload: Option<UploadId>,
    /// How many bytes of content go with it.
    pub size: u64,
    /// The newest time of a blob, by which it is known again.
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

/// Something that casts doubt, or that is strange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub code: Code,
    /// What it casts doubt on.
    pub doubt: Doubt,
    /// In which repository, by its path.
    pub repository: Option<String>,
    /// Where.
    pub path: Option<PathBuf>,
    /// All of it in a sentence.
    pub message: String,
    /// Whether its path or another tree says what should be there.
    pub mendable: bool,
}
