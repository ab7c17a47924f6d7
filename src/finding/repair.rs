//! What is done about a finding.

use serde::Serialize;

use super::Code;

/// The codes of which there is something that mends them.
pub const REPAIRABLE: [Code; 20] = [
    Code::BlobCorrupt,
    Code::BlobTruncated,
    Code::BlobEmpty,
    Code::BlobMissing,
    Code::ManifestMissing,
    Code::ReferenceMissing,
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

/// What mends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Repair {
    /// Write a link from what its path says.
    RewriteLink,
    /// Write the link of a manifest where it belongs.
    LinkRevision,
    /// Move content away, so that the next push of it heals.
    QuarantineBlob,
    /// Copy content from another tree.
    RefillBlob,
    /// Remove a link.
    RemoveLink,
    /// Remove a tag.
    RemoveTag,
    /// Remove a temporary file.
    RemoveTemporary,
    /// Remove an upload.
    PurgeUpload,
    /// Make a directory.
    MakeDirectory,
    /// Let the tree's owner read it.
    FixPermissions,
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

    /// Its stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RewriteLink => "rewrite-link",
            Self::LinkRevision => "link-revision",
            Self::QuarantineBlob => "quarantine-blob",
            Self::RefillBlob => "refill-blob",
            Self::RemoveLink => "remove-link",
            Self::RemoveTag => "remove-tag",
            Self::RemoveTemporary => "remove-temporary",
            Self::PurgeUpload => "purge-upload",
            Self::MakeDirectory => "make-directory",
            Self::FixPermissions => "fix-permissions",
        }
    }

    /// Whether it is done for such a finding without being asked for by name: nothing that somebody may want goes, and
    /// nobody is granted what no link grants.
    pub const fn is_safe(self, code: Code) -> bool {
        match self {
            Self::RefillBlob | Self::RemoveTag => false,
            Self::RemoveLink => matches!(code, Code::LayerLinkDangling),
            Self::RewriteLink => !matches!(code, Code::ReferenceMissing),
            _ => true,
        }
    }
}
