//! What is done about a finding.

use super::Code;
use crate::named::named;

/// The codes of which there is something that mends them.
pub const REPAIRABLE: [Code; 21] = [
    Code::BlobCorrupt,
    Code::BlobTruncated,
    Code::BlobEmpty,
    Code::BlobMissing,
    Code::ManifestMissing,
    Code::ReferenceMissing,
    Code::ReferenceByAlias,
    Code::IndexChildMissing,
    Code::LinkEmpty,
    Code::LinkMalformed,
    Code::RevisionMisplaced,
    Code::LayerLinkDangling,
    Code::RevisionDangling,
    Code::SignatureDangling,
    Code::TagDangling,
    Code::TagIndexDangling,
    Code::UploadStale,
    Code::UploadWithoutStartedat,
    Code::TemporaryLeftOver,
    Code::RepositoryIncomplete,
    Code::Permissions,
];

named! {
    /// What mends it.
    #[non_exhaustive]
    pub enum Repair {
        /// Write a link from what its path says.
        RewriteLink = "rewrite-link",
        /// Write the link of a manifest where it belongs.
        LinkRevision = "link-revision",
        /// Move content away, so that the next push of it heals.
        QuarantineBlob = "quarantine-blob",
        /// Copy content from another tree.
        RefillBlob = "refill-blob",
        /// Remove a link.
        RemoveLink = "remove-link",
        /// Remove a tag.
        RemoveTag = "remove-tag",
        /// Remove a temporary file.
        RemoveTemporary = "remove-temporary",
        /// Remove an upload.
        PurgeUpload = "purge-upload",
        /// Make a directory.
        MakeDirectory = "make-directory",
        /// Let the tree's owner read it.
        FixPermissions = "fix-permissions",
    }
}

impl Repair {
    /// The order in which things are done: what must be readable first, content before the links that grant it.
    pub const ORDER: [Self; 10] = [
        Self::FixPermissions,
        Self::MakeDirectory,
        Self::QuarantineBlob,
        Self::RefillBlob,
        Self::RewriteLink,
        Self::LinkRevision,
        Self::RemoveLink,
        Self::RemoveTag,
        Self::PurgeUpload,
        Self::RemoveTemporary,
    ];

    /// Whether it is done for such a finding without being asked for by name: nothing that somebody may want goes, and
    /// nobody is granted what no link grants.
    pub const fn is_safe(self, code: Code) -> bool {
        match self {
            Self::RefillBlob | Self::RemoveTag => false,
            Self::RemoveLink => matches!(code, Code::LayerLinkDangling),
            Self::RewriteLink => !matches!(code, Code::ReferenceMissing | Code::ReferenceByAlias),
            _ => true,
        }
    }
}
