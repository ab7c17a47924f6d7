//! What shows which registries wrote a tree (layout.md §1.4). Most of what registries write is the same in all versions.

use crate::layout::{self, Form, Place};
use crate::named::named;
use crate::repository::revision::Revision;
use crate::tree::{Neighbours, Tree};
use crate::upload::Upload;

named! {
    /// Something in a tree that only some versions of the registry write.
    pub enum Mark {
        /// Folders of a repository without an underscore.
        AlphaFolders = "alpha-folders",
        /// Blobs that are stored by a tarsum.
        TarsumBlobs = "tarsum-blobs",
        /// Layers that are linked by a tarsum.
        TarsumLinks = "tarsum-links",
        /// Stored signatures of schema1 manifests.
        Signatures = "signatures",
        /// Links of manifests in the place of layer links.
        MisplacedRevisions = "misplaced-revisions",
        /// Ids of uploads that begin with the time.
        TimedUploads = "timed-uploads",
    }
}

impl Mark {
    /// The versions of the registry that write it.
    pub fn versions(self) -> &'static str {
        match self {
            Self::AlphaFolders => "2.0.0-alpha.0 and alpha.1",
            Self::TarsumBlobs => "2.0.0-alpha.0 to alpha.2",
            Self::TarsumLinks => "2.0.0-alpha.0 to 2.2",
            Self::Signatures => "2.0 to 2.4",
            Self::MisplacedRevisions => "2.1.0",
            Self::TimedUploads => "3.1 or later",
        }
    }

    /// What a revision shows. `neighbours` looks at the revisions of its repository.
    pub(super) fn of_revision(place: &Place, revision: &Revision, neighbours: &mut Neighbours<'_>) -> Vec<Self> {
        let directory = place.revision(&revision.digest);
        let signatures = neighbours.metadata_in(&directory, place.signatures(&revision.digest).file_name());
        let has_signatures = signatures.is_ok_and(|found| found.is_some());
        let marks = [(has_signatures, Self::Signatures), (revision.misplaced, Self::MisplacedRevisions)];
        marks.into_iter().filter_map(|(is_there, mark)| is_there.then_some(mark)).collect()
    }

    pub(super) fn of_upload(upload: &Upload) -> Option<Self> {
        let id = uuid::Uuid::parse_str(upload.id.as_str()).ok()?;
        (id.get_version_num() == 7).then_some(Self::TimedUploads)
    }

    /// What the folders of a repository show.
    pub(super) fn of_folders(tree: &Tree, place: &Place) -> Vec<Self> {
        let mut marks = Vec::new();
        if place.form == Form::Alpha {
            marks.push(Self::AlphaFolders);
        }
        let tarsums = place.layers().child(layout::TARSUM);
        if tarsums.is_some_and(|path| tree.open_directory(&path).is_ok_and(|found| found.is_some())) {
            marks.push(Self::TarsumLinks);
        }
        marks
    }
}
