//! Gives the registry API's code for a failure, and the path that it is about.

use std::path::Path;

use super::{DigestOf, Error, Refusal};

impl Error {
    /// The registry API's code for this failure, or regtree's own where that API has none.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } | Self::HashesDiffer { .. } => "UNKNOWN",
            Self::NotATree { .. } | Self::UnusableTree { .. } | Self::Configuration { .. } => "NOT_A_TREE",
            Self::RepositoryUnknown { .. } | Self::NoMatch { .. } => "NAME_UNKNOWN",
            Self::BlobUnknown { .. }
            | Self::ContentMissing { .. }
            | Self::LinkedNowhere { .. }
            | Self::PrefixUnknown { of: DigestOf::Blob, .. } => "BLOB_UNKNOWN",
            Self::RepositoryNameInvalid { .. } | Self::ImageUnnamed { .. } | Self::NameTwice { .. } => "NAME_INVALID",
            Self::BrokenLink { .. }
            | Self::BrokenTag { .. }
            | Self::StrangeLink { .. }
            | Self::ManifestMalformed { .. }
            | Self::WrongKind { .. }
            | Self::Misplaced { .. }
            | Self::Incomplete { .. }
            | Self::JournalMalformed { .. }
            | Self::NotAnArchive { .. }
            | Self::Corrupt { .. } => "DAMAGED",
            Self::NotQuarantined { .. } => "QUARANTINE_UNKNOWN",
            Self::ManifestUnknown { .. }
            | Self::PrefixUnknown { of: DigestOf::Manifest, .. }
            | Self::TargetUnknown { .. }
            | Self::TagUnknown { .. }
            | Self::PlatformUnknown { .. }
            | Self::SignaturesUnknown { .. } => "MANIFEST_UNKNOWN",
            Self::ManifestInvalid { refusals, .. } => refusals.first().map_or("MANIFEST_INVALID", Refusal::code),
            Self::DigestMismatch { .. }
            | Self::TarsumUnknown { .. }
            | Self::DigestUnusable { .. }
            | Self::DigestAmbiguous { .. }
            | Self::DigestShortened { .. }
            | Self::TagElsewhere { .. }
            | Self::NoDigest { .. } => "DIGEST_INVALID",
            Self::SizeMismatch { .. } => "SIZE_INVALID",
            Self::NotExported { source, .. } => source.code(),
            Self::SourceInvalid { .. } => "SOURCE_INVALID",
            Self::PlatformWanted { .. } => "PLATFORM_WANTED",
            Self::NotHeld { .. } | Self::SourceElsewhere { .. } => "UNSUPPORTED",
            Self::UploadUnknown { .. } => "BLOB_UPLOAD_UNKNOWN",
            Self::RangeInvalid { .. } | Self::OffsetMismatch { .. } => "RANGE_INVALID",
            Self::Locked { .. } => "LOCKED",
            Self::Refused { .. }
            | Self::SafetyLimit { .. }
            | Self::InDatabase { .. }
            | Self::InUse { .. }
            | Self::NotPutBack { .. }
            | Self::NotUndone { .. } => "REFUSED",
            Self::Interrupted { .. } => "INTERRUPTED",
        }
    }

    /// What the operating system said, if it refused something.
    pub(crate) fn io_kind(&self) -> Option<std::io::ErrorKind> {
        if let Self::Io { source, .. } = self { Some(source.kind()) } else { None }
    }

    /// The path that the failure is about, if it is about one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Io { path, .. }
            | Self::NotATree { path, .. }
            | Self::SourceInvalid { path, .. }
            | Self::ImageUnnamed { path, .. }
            | Self::UnusableTree { path, .. }
            | Self::Configuration { path, .. }
            | Self::RepositoryUnknown { path, .. }
            | Self::BlobUnknown { path, .. }
            | Self::ContentMissing { path, .. }
            | Self::RepositoryNameInvalid { path, .. }
            | Self::Misplaced { path, .. }
            | Self::NoDigest { path, .. }
            | Self::Incomplete { path, .. }
            | Self::BrokenLink { path, .. }
            | Self::ManifestUnknown { path, .. }
            | Self::TagUnknown { path, .. }
            | Self::BrokenTag { path, .. }
            | Self::StrangeLink { path, .. }
            | Self::UploadUnknown { path, .. }
            | Self::Corrupt { path, .. }
            | Self::NotAnArchive { path, .. }
            | Self::HashesDiffer { path, .. }
            | Self::WrongKind { path, .. }
            | Self::NotQuarantined { path, .. }
            | Self::JournalMalformed { path, .. }
            | Self::NotPutBack { path, .. }
            | Self::NotUndone { path, .. }
            | Self::Locked { path, .. } => Some(path),
            Self::NotExported { source, .. } => source.path(),
            Self::InDatabase { path, .. } => path.as_deref(),
            _ => None,
        }
    }
}
