//! Defines what repairs a finding.

use super::Code;
use crate::named::named;

/// The codes that can be repaired.
pub const REPAIRABLE: [Code; 25] = [
    Code::BlobCorrupt,
    Code::BlobTruncated,
    Code::BlobEmpty,
    Code::BlobMissing,
    Code::ManifestMissing,
    Code::ReferenceMissing,
    Code::ReferenceDeleted,
    Code::ReferenceByAlias,
    Code::IndexChildMissing,
    Code::LinkEmpty,
    Code::LinkMalformed,
    Code::LinkMismatch,
    Code::RevisionLinkMissing,
    Code::RevisionMisplaced,
    Code::LayerLinkDangling,
    Code::RevisionDangling,
    Code::SignatureDangling,
    Code::TagDangling,
    Code::TagWithoutCurrent,
    Code::TagIndexDangling,
    Code::UploadStale,
    Code::UploadWithoutStartedat,
    Code::TemporaryLeftOver,
    Code::RepositoryIncomplete,
    Code::Permissions,
];

named! {
    /// What repairs a finding.
    #[non_exhaustive]
    pub enum Repair {
        /// Write a link from what its path says.
        RewriteLink = "rewrite-link",
        /// Write the link of a manifest where it belongs.
        LinkRevision = "link-revision",
        /// Let a tag point to the newest manifest of its history.
        SetTag = "set-tag",
        /// Move content away, so that the next push puts it back.
        QuarantineBlob = "quarantine-blob",
        /// Copy content from another tree.
        RefillBlob = "refill-blob",
        /// Move a link away.
        QuarantineLink = "quarantine-link",
        /// Move a tag away.
        QuarantineTag = "quarantine-tag",
        /// Move a temporary file away.
        QuarantineFile = "quarantine-file",
        /// Move an upload away.
        QuarantineUpload = "quarantine-upload",
        /// Make a directory.
        MakeDirectory = "make-directory",
        /// Let the tree's owner read it.
        FixPermissions = "fix-permissions",
    }
}

impl Repair {
    /// The order of the repairs: directories are made readable first, and content comes before the links that grant it.
    pub(crate) const ORDER: [Self; 11] = [
        Self::FixPermissions,
        Self::MakeDirectory,
        Self::QuarantineBlob,
        Self::RefillBlob,
        Self::RewriteLink,
        Self::LinkRevision,
        Self::SetTag,
        Self::QuarantineLink,
        Self::QuarantineTag,
        Self::QuarantineUpload,
        Self::QuarantineFile,
    ];

    /// Whether `--all-safe` includes it for a finding with this code: it takes away nothing that may still be wanted,
    /// and grants nothing that no link grants.
    pub(crate) const fn is_safe(self, code: Code) -> bool {
        match self {
            Self::RefillBlob | Self::QuarantineTag | Self::SetTag => false,
            Self::LinkRevision => !matches!(code, Code::RevisionLinkMissing),
            Self::QuarantineLink => matches!(code, Code::LayerLinkDangling),
            // It is unknown which of the two digests was meant.
            Self::RewriteLink => !code.grants() && !matches!(code, Code::LinkMismatch),
            _ => true,
        }
    }
}
