//! What is wrong: the codes, and how bad each is.

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
        /// Content is shorter than a descriptor says, or a manifest that ends in the middle, and has another digest than its
        /// name says.
        BlobTruncated = "blob-truncated",
        /// A link leads to content that isn't there.
        BlobMissing = "blob-missing",
        /// A manifest's link leads to content that isn't there, or there is no link.
        ManifestMissing = "manifest-missing",
        /// A registry would not take the manifest, or can't read it.
        ManifestInvalid = "manifest-invalid",
        /// A manifest of a kind that no registry knows.
        ManifestUnknownKind = "manifest-unknown-kind",
        /// Two readers may see different things in a manifest.
        ManifestAmbiguous = "manifest-ambiguous",
        /// A manifest says things in a strange way, which every reader takes the same.
        ManifestOdd = "manifest-odd",
        /// A manifest is nested deeper than a registry reads.
        ManifestDeep = "manifest-deep",
        /// A manifest is larger than a registry from 2.7 on serves.
        ManifestTooLarge = "manifest-too-large",
        /// What a manifest references is not in its repository.
        ReferenceMissing = "reference-missing",
        /// What a manifest references has another size than it says.
        ReferenceSizeMismatch = "reference-size-mismatch",
        /// The manifest that another is about has another size than that says: no pull looks at it.
        SubjectSizeWrong = "subject-size-wrong",
        /// A child of an index is not there.
        IndexChildMissing = "index-child-missing",
        /// A schema1 signature does not fit its payload, or can't be read.
        SignatureInvalid = "signature-invalid",
        /// A schema1 signature was not verified: this build has no feature `schema1-signatures`.
        SignatureNotVerified = "signature-not-verified",
        /// The link of a stored signature leads nowhere.
        SignatureDangling = "signature-dangling",
        /// A link of no bytes.
        LinkEmpty = "link-empty",
        /// A link that holds no digest.
        LinkMalformed = "link-malformed",
        /// A link that holds another digest than its place says.
        LinkMismatch = "link-mismatch",
        /// An alias that leads nowhere.
        AliasBroken = "alias-broken",
        /// A tag points to a manifest that the repository does not have.
        TagDangling = "tag-dangling",
        /// A directory of a repository is missing without which a registry, or a collector, sees something else.
        RepositoryIncomplete = "repository-incomplete",
        /// Content, and no directory of repositories.
        RepositoriesMissing = "repositories-missing",
        /// A repository whose path is no name.
        NameInvalid = "name-invalid",
        /// Something else than a file or directory of the tree, such as a symbolic link.
        FileUnexpected = "file-unexpected",
        /// The system refuses to read something.
        Unreadable = "unreadable",
        /// Content of no bytes under the name of some.
        BlobEmpty = "blob-empty",
        /// Content in a directory that its digest does not lead to.
        BlobMisplaced = "blob-misplaced",
        /// A tag without a link that says what it points to now.
        TagWithoutCurrent = "tag-without-current",
        /// An entry in a tag's history for a manifest that the repository no longer has.
        TagIndexDangling = "tag-index-dangling",
        /// The link of a manifest that no tag leads to, and whose content isn't there.
        RevisionDangling = "revision-dangling",
        /// The link of a manifest among those of layers, where registry 2.1.0 put it.
        RevisionMisplaced = "revision-misplaced",
        /// The link of a layer that no manifest of the repository needs, and whose content isn't there.
        LayerLinkDangling = "layer-link-dangling",
        /// An upload that began long ago.
        UploadStale = "upload-stale",
        /// An upload that does not say when it began.
        UploadWithoutStartedat = "upload-without-startedat",
        /// A hash state that does not stand for what an upload has received.
        HashStateInvalid = "hash-state-invalid",
        /// A symbolic link where the tree has files and directories of its own.
        Symlink = "symlink",
        /// What an interrupted small write left beside its place.
        TemporaryLeftOver = "temporary-left-over",
        /// A directory of a blob, link or repository that has nothing in it.
        DirectoryEmpty = "directory-empty",
        /// A manifest that registries from 3.0 on can't read.
        ManifestForeign = "manifest-foreign",
        /// A manifest that calls a layer by another digest than it is stored under: a registry's collector would lose it.
        ReferenceByAlias = "reference-by-alias",
        /// Something that the tree's owner may not read.
        Permissions = "permissions",
        /// A repository as the first alphas laid it out.
        LegacyLayout = "legacy-layout",
    }
}

impl Code {
    /// How bad a finding of it is, whichever command reports it.
    pub const fn severity(self, harm: Harm) -> Severity {
        match self {
            // No client gets it.
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
            | Self::ManifestAmbiguous
            | Self::ManifestDeep
            | Self::ManifestOdd
            | Self::ManifestUnknownKind
            | Self::NameInvalid
            | Self::RevisionDangling
            | Self::RevisionMisplaced
            | Self::SignatureDangling
            | Self::SignatureNotVerified
            | Self::SubjectSizeWrong
            | Self::TagWithoutCurrent
            | Self::UploadWithoutStartedat => Severity::Warning,
            Self::DirectoryEmpty | Self::LegacyLayout | Self::TagIndexDangling | Self::TemporaryLeftOver => {
                Severity::Info
            }
            // Of these it depends on who needs what they are about.
            _ => match harm {
                Harm::Certain => Severity::Error,
                Harm::Possible => Severity::Warning,
                Harm::None => Severity::Info,
            },
        }
    }

    /// What a broken link is a finding of.
    pub const fn of_link(fault: &LinkFault) -> Self {
        match fault {
            LinkFault::Empty => Self::LinkEmpty,
            LinkFault::Malformed { .. } => Self::LinkMalformed,
            LinkFault::Mismatch { .. } => Self::LinkMismatch,
            LinkFault::Alias { .. } => Self::AliasBroken,
        }
    }

    /// What a failure to read something is a finding of.
    pub fn of(error: &Error) -> Self {
        match error {
            Error::Corrupt { .. } => Self::BlobCorrupt,
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
