//! What is found to be wrong in a tree.
//!
//! A code is stable: scripts go by it, and it says what can be done. Text and JSON show the same value.

use std::fmt;
use std::path::PathBuf;

use serde::{Serialize, Serializer};

use crate::digest::Digest;
use crate::error::{Error, LinkFault};
use crate::name::RepositoryName;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Strange, but what it is about can be served.
    Warning,
    /// Content can't be served as it was pushed.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// What is wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[$doc])* $variant,)*
        }

        impl Code {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Its stable name.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

codes! {
    /// Content has another digest than its name says.
    BlobCorrupt = "blob-corrupt",
    /// Content is shorter than a descriptor says, and has another digest than its name says.
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
    /// A child of an index is not there.
    IndexChildMissing = "index-child-missing",
    /// A schema1 signature does not fit its payload, or can't be read.
    SignatureInvalid = "signature-invalid",
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
    /// A repository whose path is no name.
    NameInvalid = "name-invalid",
    /// Something else than a file or directory of the tree, such as a symbolic link.
    FileUnexpected = "file-unexpected",
    /// The system refuses to read something.
    Unreadable = "unreadable",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What.
    pub code: Code,
    /// How bad.
    pub severity: Severity,
    /// In which repository.
    pub repository: RepositoryName,
    /// In which manifest.
    pub manifest: Digest,
    /// Which content it is about, if that is not the manifest itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Where it lies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// What should be there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
    /// All of it in a sentence.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} {}@{}: {}", self.severity, self.code, self.repository, self.manifest, self.message)
    }
}

impl Code {
    /// What a failure to read something is a finding of.
    pub fn of(error: &Error) -> Self {
        match error {
            Error::Corrupt { .. } => Self::BlobCorrupt,
            Error::ContentMissing { .. } => Self::BlobMissing,
            Error::BlobUnknown { .. } => Self::ReferenceMissing,
            Error::ManifestUnknown { .. } => Self::ManifestMissing,
            Error::ManifestMalformed { .. } => Self::ManifestInvalid,
            Error::BrokenLink { fault, .. } | Error::BrokenTag { fault, .. } | Error::StrangeLink { fault, .. } => {
                match fault {
                    LinkFault::Empty => Self::LinkEmpty,
                    LinkFault::Malformed { .. } => Self::LinkMalformed,
                    LinkFault::Mismatch { .. } => Self::LinkMismatch,
                    LinkFault::Alias { .. } => Self::AliasBroken,
                }
            }
            Error::WrongKind { .. } | Error::Misplaced { .. } => Self::FileUnexpected,
            Error::Incomplete { .. } => Self::RepositoryIncomplete,
            _ => Self::Unreadable,
        }
    }
}
