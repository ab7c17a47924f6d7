//! The files that belong in the tree: one variant for each kind, and the path of each.

use super::{Form, Place, TreePath, blob_directory, keyed, temporary_suffix};
use crate::digest::{Algorithm, Digest};
use crate::name::{RepositoryName, Tag, UploadId};

/// A file that belongs in the tree.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Entry {
    /// `blobs/…/data`: content.
    Blob(Digest),
    /// A file of one repository.
    InRepository {
        /// The repository that it belongs to.
        repository: RepositoryName,
        /// The layout that its path follows.
        form: Form,
        /// What it is.
        item: Item,
    },
    /// `<file>.<uuid>.tmp`: what an interrupted small write left beside the file (3.1 and later, and regtree).
    LeftOver {
        /// The file that the write was for.
        of: Box<Entry>,
        /// The part of the name that makes it unique.
        id: uuid::Uuid,
    },
}

/// A file of a repository, by its path below the repository's directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Item {
    /// The link that grants the repository a blob. In an alias the link holds another digest than its path.
    LayerLink(Digest),
    /// The link that makes a manifest the repository's.
    RevisionLink(Digest),
    /// The link to one stored signature of a schema1 manifest (alpha.0 to 2.4).
    SignatureLink {
        /// The manifest that it signs.
        revision: Digest,
        /// The signature's own blob.
        signature: Digest,
    },
    /// The link to the manifest that a tag points to now.
    TagCurrent(Tag),
    /// The link to a manifest that a tag has pointed to at any time.
    TagIndex(Tag, Digest),
    /// The time at which an upload began.
    UploadStartedAt(UploadId),
    /// The bytes that an upload has received.
    UploadData(UploadId),
    /// The inner state of the hash after `offset` bytes of an upload.
    HashState {
        /// The upload.
        upload: UploadId,
        /// The algorithm of the hash.
        algorithm: Algorithm,
        /// How many bytes were hashed.
        offset: u64,
    },
}

impl Entry {
    /// A file of `repository` in the current layout.
    pub(crate) fn in_repository(repository: &RepositoryName, item: Item) -> Self {
        Self::InRepository { repository: repository.clone(), form: Form::Current, item }
    }

    /// Its path.
    pub(crate) fn path(&self) -> TreePath {
        match self {
            Self::Blob(digest) => blob_directory(digest).data(),
            Self::InRepository { repository, form, item } => item.path(repository, *form),
            Self::LeftOver { of, id } => {
                let mut path = of.path();
                path.below.push_str(&temporary_suffix(*id));
                path
            }
        }
    }
}

impl Item {
    fn path(&self, repository: &RepositoryName, form: Form) -> TreePath {
        let place = Place::of(repository, form);
        match self {
            Self::LayerLink(digest) => place.layer_link(digest),
            Self::RevisionLink(digest) => place.revision_link(digest),
            Self::SignatureLink { revision, signature } => keyed(&place.signatures(revision), signature).link(),
            Self::TagCurrent(tag) => place.tag(tag.as_str()).current().link(),
            Self::TagIndex(tag, digest) => place.past(tag.as_str(), digest).link(),
            Self::UploadStartedAt(id) => place.upload(id).started_at(),
            Self::UploadData(id) => place.upload(id).data(),
            Self::HashState { upload, algorithm, offset } => {
                place.upload(upload).hash_states().join(algorithm.name()).join(&offset.to_string())
            }
        }
    }
}
