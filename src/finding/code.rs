//! Defines the codes of what is wrong, and how bad each is.

use super::{Harm, Severity};
use crate::error::{Error, LinkFault};
use crate::named::named;
use crate::tree::EntryKind;

named! {
    /// What is wrong.
    #[non_exhaustive]
    pub enum Code {
        /// Content has another digest than its name says.
        BlobCorrupt = "blob-corrupt",
        /// Content is shorter than a descriptor says, or a manifest that ends in the middle, and has another digest
        /// than its name says.
        BlobTruncated = "blob-truncated",
        /// A link names content that is missing.
        BlobMissing = "blob-missing",
        /// The content or the link of a needed manifest is missing.
        ManifestMissing = "manifest-missing",
        /// A registry would refuse the manifest, or can't read it.
        ManifestInvalid = "manifest-invalid",
        /// A manifest of a kind that no registry knows.
        ManifestUnknownKind = "manifest-unknown-kind",
        /// Two readers may see different things in a manifest.
        ManifestAmbiguous = "manifest-ambiguous",
        /// A manifest is written strangely, but every reader understands it in the same way.
        ManifestOdd = "manifest-odd",
        /// A manifest is nested deeper than a registry reads.
        ManifestDeep = "manifest-deep",
        /// A manifest is larger than a registry from 2.7 on serves.
        ManifestTooLarge = "manifest-too-large",
        /// A manifest references content that is not in its repository.
        ReferenceMissing = "reference-missing",
        /// A manifest references content whose link was deleted: the directory of the link is left.
        ReferenceDeleted = "reference-deleted",
        /// A manifest references content, and says another size than that has.
        ReferenceSizeMismatch = "reference-size-mismatch",
        /// The content that a descriptor embeds as `data` is not what its digest and size say.
        ReferenceDataMismatch = "reference-data-mismatch",
        /// An index gives a child another media type than the child has. Some clients go by it.
        ReferenceMediaTypeMismatch = "reference-media-type-mismatch",
        /// A manifest says another size of its `subject` than that has. No pull looks at it.
        SubjectSizeWrong = "subject-size-wrong",
        /// A child of an index is missing.
        IndexChildMissing = "index-child-missing",
        /// A schema1 signature does not fit its payload, or can't be read.
        SignatureInvalid = "signature-invalid",
        /// A schema1 signature was not verified: this build has no feature `schema1-signatures`.
        SignatureNotVerified = "signature-not-verified",
        /// Content that is linked by an alias, or stored under a tarsum, has another digest of that kind.
        AliasMismatch = "alias-mismatch",
        /// Whether content has the tarsum that it is called by can't be told.
        TarsumNotVerified = "tarsum-not-verified",
        /// The link of a stored signature names content that is missing.
        SignatureDangling = "signature-dangling",
        /// A link is empty.
        LinkEmpty = "link-empty",
        /// A link does not contain a digest.
        LinkMalformed = "link-malformed",
        /// A link contains another digest than its path.
        LinkMismatch = "link-mismatch",
        /// Links have several hard links: a push through a registry that writes in place changes every one.
        LinkShared = "link-shared",
        /// The link of an alias names content that is missing, or is not a canonical digest.
        AliasBroken = "alias-broken",
        /// A tag points to a manifest that the repository does not have.
        TagDangling = "tag-dangling",
        /// A directory of a repository is missing, so a registry or a collector does not see all of the repository.
        RepositoryIncomplete = "repository-incomplete",
        /// There is content, but no `repositories` directory.
        RepositoriesMissing = "repositories-missing",
        /// The path of a repository is not a valid name.
        NameInvalid = "name-invalid",
        /// Something is in a place where it does not belong, such as a directory in the place of a file.
        FileUnexpected = "file-unexpected",
        /// Something can't be read.
        Unreadable = "unreadable",
        /// A look at something failed, and a later one did not: not everything there was checked.
        NotChecked = "not-checked",
        /// Content is empty, but its digest is that of other bytes.
        BlobEmpty = "blob-empty",
        /// Content is in a directory in which no registry looks for it.
        BlobMisplaced = "blob-misplaced",
        /// A tag has no link that says what it points to now.
        TagWithoutCurrent = "tag-without-current",
        /// A tag's history names a manifest that the repository no longer has.
        TagIndexDangling = "tag-index-dangling",
        /// A link names a manifest whose content is missing, and to which no tag leads.
        RevisionDangling = "revision-dangling",
        /// A tag points to a manifest that is whole, but whose link is missing.
        RevisionLinkMissing = "revision-link-missing",
        /// The link of a manifest is among those of layers, where registry 2.1.0 put it.
        RevisionMisplaced = "revision-misplaced",
        /// A layer link names content that is missing, and that no manifest of the repository needs.
        LayerLinkDangling = "layer-link-dangling",
        /// An upload began long ago.
        UploadStale = "upload-stale",
        /// An upload does not say when it began.
        UploadWithoutStartedat = "upload-without-startedat",
        /// A saved hash state is not that of what the upload has received.
        HashStateInvalid = "hash-state-invalid",
        /// A symbolic link is in the place of a file or directory.
        Symlink = "symlink",
        /// An interrupted write left a temporary file.
        TemporaryLeftOver = "temporary-left-over",
        /// The directory of a blob, link or repository is empty.
        DirectoryEmpty = "directory-empty",
        /// A manifest that some registries can't read: schema1 by those from 3.0 on, and an OCI index with `features` that
        /// are not texts by those before.
        ManifestForeign = "manifest-foreign",
        /// A manifest that calls a layer by another digest than it is stored under: a registry's collector would lose
        /// it.
        ReferenceByAlias = "reference-by-alias",
        /// The tree's owner may not read something.
        Permissions = "permissions",
        /// Something has a time in the future: it counts as young until then.
        TimeInFuture = "time-in-future",
        /// A repository is in the layout of the first alphas.
        LegacyLayout = "legacy-layout",
    }
}

impl Code {
    /// The severity of a finding, whichever command reports it.
    pub(crate) const fn severity(self, harm: Harm) -> Severity {
        match self {
            // No client can get the content.
            Self::BlobMissing
            | Self::ManifestMissing
            | Self::ManifestInvalid
            | Self::ReferenceSizeMismatch
            | Self::RepositoriesMissing
            | Self::SignatureInvalid
            | Self::TagDangling => Severity::Error,
            Self::BlobMisplaced
            | Self::HashStateInvalid
            | Self::LayerLinkDangling
            | Self::LinkShared
            | Self::ManifestAmbiguous
            | Self::ManifestDeep
            | Self::ManifestOdd
            | Self::ManifestUnknownKind
            | Self::NameInvalid
            | Self::ReferenceDataMismatch
            | Self::ReferenceMediaTypeMismatch
            | Self::RevisionDangling
            | Self::RevisionMisplaced
            | Self::SignatureDangling
            | Self::SignatureNotVerified
            | Self::SubjectSizeWrong
            | Self::TagWithoutCurrent
            | Self::TimeInFuture
            | Self::UploadWithoutStartedat => Severity::Warning,
            Self::DirectoryEmpty
            | Self::LegacyLayout
            | Self::TagIndexDangling
            | Self::TarsumNotVerified
            | Self::TemporaryLeftOver => Severity::Info,
            // These depend on what needs the content.
            _ => match harm {
                Harm::Certain => Severity::Error,
                Harm::Possible => Severity::Warning,
                Harm::None => Severity::Info,
            },
        }
    }

    /// Whether it says of something that it is absent, and nothing else.
    pub(crate) const fn is_absence(self) -> bool {
        matches!(
            self,
            Self::BlobMissing
                | Self::IndexChildMissing
                | Self::LayerLinkDangling
                | Self::ManifestMissing
                | Self::ReferenceDeleted
                | Self::ReferenceMissing
                | Self::RepositoryIncomplete
                | Self::RevisionDangling
                | Self::RevisionLinkMissing
                | Self::SignatureDangling
                | Self::TagDangling
        )
    }

    /// Whether its repair writes a link that the repository lacks.
    pub(crate) const fn grants(self) -> bool {
        matches!(self, Self::ReferenceMissing | Self::ReferenceDeleted | Self::ReferenceByAlias)
    }

    /// The code for a broken link.
    pub(crate) const fn of_link(fault: &LinkFault) -> Self {
        match fault {
            LinkFault::Empty => Self::LinkEmpty,
            LinkFault::Malformed { .. } => Self::LinkMalformed,
            LinkFault::Mismatch { .. } => Self::LinkMismatch,
            LinkFault::Alias { .. } => Self::AliasBroken,
        }
    }

    /// The code for a failure to read something.
    pub(crate) fn of(error: &Error) -> Self {
        match error {
            Error::Corrupt { .. } => Self::BlobCorrupt,
            Error::NotAnArchive { .. } => Self::AliasMismatch,
            Error::ContentMissing { .. } => Self::BlobMissing,
            Error::BlobUnknown { .. } => Self::ReferenceMissing,
            Error::ManifestUnknown { .. } => Self::ManifestMissing,
            Error::ManifestMalformed { .. } => Self::ManifestInvalid,
            Error::BrokenLink { fault, .. } | Error::BrokenTag { fault, .. } | Error::StrangeLink { fault, .. } => {
                Self::of_link(fault)
            }
            Error::WrongKind { found, .. } if *found == EntryKind::Symlink.describe() => Self::Symlink,
            Error::WrongKind { .. } | Error::Misplaced { .. } => Self::FileUnexpected,
            Error::Incomplete { .. } => Self::RepositoryIncomplete,
            _ => Self::Unreadable,
        }
    }
}
