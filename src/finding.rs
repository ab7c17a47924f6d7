//! What is found to be wrong in a tree.
//!
//! A code is stable: scripts go by it, and it says what can be done. Text and JSON show the same value.

use std::fmt;
use std::path::PathBuf;

use serde::{Serialize, Serializer};

use crate::digest::Digest;
use crate::error::{Error, LinkFault};
use crate::layout::TreePath;
use crate::tree::Kind;

/// What a finding keeps from being served: with its code, all that its severity follows from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Harm {
    /// Nothing.
    None,
    /// Nothing that is known to be needed, or nothing for most clients and registries.
    Possible,
    /// Something that a tag, a manifest or an index needs.
    Certain,
}

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

/// A tagged image, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Image {
    /// In which repository.
    pub repository: String,
    /// The tag.
    pub tag: String,
    /// For which platform, of an index.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.repository, self.tag)?;
        self.platform.as_ref().map_or(Ok(()), |platform| write!(f, " ({platform})"))
    }
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What.
    pub code: Code,
    /// How bad.
    pub severity: Severity,
    /// In which repository, or in what is called like one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// Of which tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// In which manifest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest: Option<Digest>,
    /// Which content it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Where it lies.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_text")]
    pub path: Option<PathBuf>,
    /// The same in the tree, for who mends it; `None` where no path of the tree can say it.
    #[serde(skip)]
    pub place: Option<TreePath>,
    /// What should be there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
    /// The tagged images that it hits, as far as that was looked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Image>,
    /// What mends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repair: Option<Repair>,
    /// Whether that is done without being asked for by name.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub safe: bool,
    /// All of it in a sentence.
    pub message: String,
}

/// A path may be no text, and is told all the same.
#[expect(clippy::ref_option, reason = "serde calls it so")]
fn as_text<S: Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
    path.as_ref().map(|path| path.to_string_lossy()).serialize(serializer)
}

impl Finding {
    /// A finding of which no more is known.
    pub fn new(code: Code, harm: Harm, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.severity(harm),
            repository: None,
            tag: None,
            manifest: None,
            digest: None,
            path: None,
            place: None,
            expected: None,
            found: None,
            images: Vec::new(),
            repair: None,
            safe: false,
            message: message.into(),
        }
    }

    /// What, of which manifest, where, and why: all but the severity.
    pub fn about(&self) -> String {
        let of = match (&self.repository, &self.manifest) {
            (Some(repository), Some(manifest)) => format!(" {repository}@{manifest}"),
            (Some(repository), None) => format!(" {repository}"),
            (None, _) => String::new(),
        };
        let path = self.path.as_ref().map(|path| format!("{}: ", path.display())).unwrap_or_default();
        format!("{}{of}: {path}{}", self.code, self.message)
    }

    /// The same, as bad as `harm` makes it.
    #[must_use]
    pub fn harms(self, harm: Harm) -> Self {
        Self { severity: self.code.severity(harm), ..self }
    }

    /// Mended so.
    #[must_use]
    pub fn mended_by(self, repair: Repair) -> Self {
        Self { repair: Some(repair), safe: repair.is_safe(self.code), ..self }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.severity, self.about())
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
                Self::of_link(fault)
            }
            Error::WrongKind { found, .. } if *found == Kind::Symlink.describe() => Self::Symlink,
            Error::WrongKind { .. } | Error::Misplaced { .. } => Self::FileUnexpected,
            Error::Incomplete { .. } => Self::RepositoryIncomplete,
            _ => Self::Unreadable,
        }
    }
}
