//! Defines what a finding is about. Its place in the tree, and what can repair it, follow from that.

use std::ffi::OsString;

use crate::digest::Digest;
use crate::layout::{self, Place, TreePath};

/// A part of the tree, by what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// Content.
    Blob(Digest),
    /// The link of a layer or config.
    Layer(Place, Digest),
    /// The link of a manifest.
    Revision(Place, Digest),
    /// The link of a manifest among those of layers, where registry 2.1.0 put it.
    MisplacedRevision(Place, Digest),
    /// The document of a manifest, by the manifest's link.
    Document(Box<Self>),
    /// The link of a stored signature of a manifest.
    Signature { repository: Place, manifest: Digest, signature: Digest },
    /// The current link of a tag.
    Tag(Place, String),
    /// An entry of a tag's history.
    PastTag(Place, String, Digest),
    /// An upload, by its directory.
    Upload(TreePath),
    /// The start time of an upload, by the upload's directory.
    UploadStart(TreePath),
    /// Another file or directory.
    Other(TreePath),
    /// An entry of `docker/registry/v2` beside the areas.
    Beside(OsString),
    /// An entry of a directory whose name is not UTF-8.
    Nameless(TreePath, OsString),
}

impl Subject {
    /// What a removal moves: the directory of a link, for example. `None` if the name is not UTF-8.
    pub(crate) fn whole(&self) -> Option<TreePath> {
        Some(match self {
            Self::Blob(digest) => layout::blob_directory(digest),
            Self::Layer(repository, digest) | Self::MisplacedRevision(repository, digest) => repository.layer(digest),
            Self::Revision(repository, digest) => repository.revision(digest),
            Self::Signature { repository, manifest, signature } => {
                layout::keyed(&repository.signatures(manifest), signature)
            }
            Self::Tag(repository, tag) => repository.tag(tag),
            Self::PastTag(repository, tag, digest) => repository.past(tag, digest),
            Self::Upload(path) | Self::UploadStart(path) | Self::Other(path) => path.clone(),
            Self::Document(link) => link.whole()?,
            Self::Beside(_) | Self::Nameless(..) => return None,
        })
    }

    /// The file or directory that a finding names. `None` if the name is not UTF-8.
    pub(crate) fn place(&self) -> Option<TreePath> {
        let whole = self.whole()?;
        Some(match self {
            Self::Blob(_) => whole.data(),
            Self::Tag(..) => whole.current().link(),
            Self::UploadStart(_) => whole.started_at(),
            Self::Upload(_) | Self::Other(_) | Self::Beside(_) | Self::Nameless(..) => whole,
            Self::Layer(..)
            | Self::Revision(..)
            | Self::MisplacedRevision(..)
            | Self::Document(_)
            | Self::Signature { .. }
            | Self::PastTag(..) => whole.link(),
        })
    }

    /// The repository that it is a part of.
    pub(crate) fn repository(&self) -> Option<&Place> {
        match self {
            Self::Layer(repository, _)
            | Self::Revision(repository, _)
            | Self::MisplacedRevision(repository, _)
            | Self::Signature { repository, .. }
            | Self::Tag(repository, _)
            | Self::PastTag(repository, ..) => Some(repository),
            Self::Document(link) => link.repository(),
            Self::Blob(_)
            | Self::Upload(_)
            | Self::UploadStart(_)
            | Self::Other(_)
            | Self::Beside(_)
            | Self::Nameless(..) => None,
        }
    }

    /// The tag that it is a part of.
    pub(crate) fn tag(&self) -> Option<&str> {
        match self {
            Self::Tag(_, tag) | Self::PastTag(_, tag, _) => Some(tag),
            _ => None,
        }
    }

    /// The digest in its path.
    pub(crate) fn digest(&self) -> Option<Digest> {
        match self {
            Self::Blob(digest)
            | Self::Layer(_, digest)
            | Self::Revision(_, digest)
            | Self::MisplacedRevision(_, digest)
            | Self::Signature { signature: digest, .. }
            | Self::PastTag(_, _, digest) => Some(*digest),
            _ => None,
        }
    }
}

impl From<TreePath> for Subject {
    fn from(path: TreePath) -> Self {
        Self::Other(path)
    }
}

impl From<&TreePath> for Subject {
    fn from(path: &TreePath) -> Self {
        Self::Other(path.clone())
    }
}
