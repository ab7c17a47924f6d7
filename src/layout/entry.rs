//! The files of the tree, each by what it is.

use super::{Form, Place, TreePath, blob_directory, keyed, temporary_suffix};
use crate::digest::{Algorithm, Digest};
use crate::name::{RepositoryName, Tag, UploadId};

/// A file that belongs in the tree.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Entry {
    /// `blobs/…/data`: content.
    Blob(Digest),
    /// A file of one repository.
    InRepository {
        /// Whose it is.
        repository: RepositoryName,
        /// Which layout it lies in.
        form: Form,
        /// What it is.
        item: Item,
    },
    /// `<file>.<uuid>.tmp`: what an interrupted small write left beside its place (3.1 and later, and regtree).
    LeftOver {
        /// The file that was to be written.
        of: Box<Entry>,
        /// What made the name unique.
        id: uuid::Uuid,
    },
}

/// A file of a repository, by its place below the repository's directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Item {
    /// Grants the repository a blob. For an alias the digest in the path differs from the one inside.
    LayerLink(Digest),
    /// Makes a manifest the repository's.
    RevisionLink(Digest),
    /// One stored signature of a schema1 manifest (alpha.0 to 2.4).
    SignatureLink {
        /// The manifest signed.
        revision: Digest,
        /// The signature's own blob.
        signature: Digest,
    },
    /// What a tag points to now.
    TagCurrent(Tag),
    /// What a tag has ever pointed to.
    TagIndex(Tag, Digest),
    /// When an upload began.
    UploadStartedAt(UploadId),
    /// What an upload has received.
    UploadData(UploadId),
    /// The hash's inner state after so many bytes.
    HashState {
        /// The upload.
        upload: UploadId,
        /// The hash.
        algorithm: Algorithm,
        /// How many bytes the state stands for.
        offset: u64,
    },
}

impl Entry {
    /// The blob's content.
    pub fn blob(digest: Digest) -> Self {
        Self::Blob(digest)
    }

    /// A file of `repository` in the current layout.
    pub fn in_repository(repository: &RepositoryName, item: Item) -> Self {
        Self::InRepository { repository: repository.clone(), form: Form::Current, item }
    }

    /// Where registry 2.1.0 put the link of a manifest revision: where a layer link belongs (layout.md §1.4).
    pub fn misplaced_revision_link(repository: &RepositoryName, revision: Digest) -> Self {
        Self::in_repository(repository, Item::LayerLink(revision))
    }

    /// Where it lies.
    pub fn path(&self) -> TreePath {
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
