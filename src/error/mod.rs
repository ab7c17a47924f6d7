//! Defines what can fail, with one variant for each failure that a caller can act on.
//!
//! A message names the item and, where two differ, what was expected and what was found. The command line maps
//! variants to exit codes and hints. The code strings are those of the registry API where it has one (layout.md §8).

mod code;
mod digest_of;
mod holder;
mod link_fault;
mod refusal;
mod text;

use std::borrow::Cow;
use std::io;
use std::path::PathBuf;

use crate::count;
use crate::digest::{Digest, DigestPrefix, GivenDigest};
use crate::name::{NameError, RepositoryName, Tag, UploadId};

pub use digest_of::DigestOf;
pub use holder::{Holder, Mode};
pub use link_fault::LinkFault;
pub use refusal::{Refusal, RefusalCode};

/// The result of a function of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused an operation.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// The operation, as a verb.
        action: &'static str,
        /// The path that it was tried on.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The root is missing, or there is no tree in it.
    #[error("{} is not a registry tree: {reason}", path.display())]
    NotATree {
        /// The root as it was given.
        path: PathBuf,
        /// What was expected there.
        reason: String,
    },
    /// The root can't hold a tree: a disk isn't mounted, or a file is in the place of a directory.
    #[error("{} can't be used as a registry tree: {reason}", path.display())]
    UnusableTree {
        /// The root as it was given.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The registry's own configuration can't be used.
    #[error("cannot use {} as a registry's configuration: {reason}", path.display())]
    Configuration {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no such repository.
    #[error("repository {repository} is unknown: there is no {}", path.display())]
    RepositoryUnknown {
        /// Its name.
        repository: RepositoryName,
        /// The path that it would have.
        path: PathBuf,
    },
    /// No repository matches a pattern.
    #[error("no repository matches {pattern:?}")]
    NoMatch {
        /// The pattern.
        pattern: String,
    },
    /// A directory contains what a repository contains, and its name is no repository name.
    #[error("{} is not a repository: {name:?} is not a repository name: {source}", path.display())]
    RepositoryNameInvalid {
        /// Its path.
        path: PathBuf,
        /// Its name.
        name: String,
        /// The rule that the name breaks.
        source: NameError,
    },
    /// Something is in a place where it does not belong.
    #[error("{} does not belong there: {reason}", path.display())]
    Misplaced {
        /// Its path.
        path: PathBuf,
        /// The reason why it does not belong there.
        reason: &'static str,
    },
    /// A line of a list of digests is no digest.
    #[error("line {line} of {} is not a digest: {reason}", path.display())]
    NoDigest {
        /// The list.
        path: PathBuf,
        /// The number of the line; the first is 1.
        line: usize,
        /// Why.
        reason: String,
    },
    /// A directory is missing that others depend on.
    #[error("there is no {}, though {reason}", path.display())]
    Incomplete {
        /// The path of the missing directory.
        path: PathBuf,
        /// What depends on it.
        reason: &'static str,
    },
    /// The repository has no link to the blob.
    #[error(
        "blob {digest} is unknown in repository {repository}: {}there is no {}",
        if *manifest { "it is a manifest there, and as a layer " } else { "" },
        path.display()
    )]
    BlobUnknown {
        /// The repository.
        repository: RepositoryName,
        /// The digest asked for.
        digest: Digest,
        /// The path of the link that would grant it.
        path: PathBuf,
        /// Whether the repository has it as a manifest.
        manifest: bool,
        /// Whether the content exists in the tree nevertheless.
        content: bool,
    },
    /// The repository has a link, but the content is gone.
    #[error("blob {digest} is linked in repository {repository}, but its content is missing: there is no {}", path.display())]
    ContentMissing {
        /// The repository.
        repository: RepositoryName,
        /// The digest that the link names.
        digest: Digest,
        /// The path that the content would have.
        path: PathBuf,
    },
    /// No repository links the blob.
    #[error("no repository links blob {digest}{}", text::nowhere(*content, manifest_of))]
    LinkedNowhere {
        /// The digest asked for.
        digest: Digest,
        /// The repositories that have it as a manifest.
        manifest_of: Vec<RepositoryName>,
        /// Whether the content exists in the tree nevertheless.
        content: bool,
    },
    /// A link does not say what a link with its path must say.
    #[error("the link {} of {digest} in repository {repository} is broken: {fault}", path.display())]
    BrokenLink {
        /// The repository.
        repository: RepositoryName,
        /// The digest in the link's path.
        digest: Digest,
        /// The link.
        path: PathBuf,
        /// What is wrong with it.
        fault: LinkFault,
    },
    /// A link that a scan read does not say what a link with its path must say.
    #[error("the link {} is broken: {fault}", path.display())]
    StrangeLink {
        /// The digest in its path, if there is one.
        digest: Option<Digest>,
        /// The link.
        path: PathBuf,
        /// What is wrong with it.
        fault: LinkFault,
    },
    /// The repository has no such manifest.
    #[error("manifest {digest} is unknown in repository {repository}: {}", text::manifest_unknown(path, *missing))]
    ManifestUnknown {
        /// The repository.
        repository: RepositoryName,
        /// The digest asked for.
        digest: Digest,
        /// The path of what is missing.
        path: PathBuf,
        /// Which part of the manifest is missing.
        missing: Missing,
    },
    /// The repository has no such tag.
    #[error("tag {tag} is unknown in repository {repository}: there is no {}", path.display())]
    TagUnknown {
        /// The repository.
        repository: RepositoryName,
        /// The tag.
        tag: Tag,
        /// The path of the link that would say what it points to.
        path: PathBuf,
    },
    /// What may be a tag or a shortened digest is neither.
    #[error("{text} is neither a tag of repository {repository} nor the beginning of a digest of its manifests")]
    TargetUnknown {
        /// The repository.
        repository: RepositoryName,
        /// What was given.
        text: Tag,
    },
    /// No digest begins with a shortened one.
    #[error("no {of} {} has a digest that begins with {prefix}", text::place(repository.as_ref()))]
    PrefixUnknown {
        /// What was given.
        prefix: DigestPrefix,
        /// The repository that was searched; `None` for the whole tree.
        repository: Option<RepositoryName>,
        /// What was searched for.
        of: DigestOf,
    },
    /// Several digests begin with a shortened one.
    #[error("{prefix} is ambiguous {}: {}", text::place(repository.as_ref()), text::candidates(candidates))]
    DigestAmbiguous {
        /// What was given.
        prefix: DigestPrefix,
        /// The repository that was searched; `None` for the whole tree.
        repository: Option<RepositoryName>,
        /// Every digest that begins with it, sorted.
        candidates: Vec<Digest>,
    },
    /// A digest is shortened where it must be whole.
    #[error("{prefix} is shortened: a command that changes something wants the whole digest")]
    DigestShortened {
        /// What was given.
        prefix: DigestPrefix,
        /// The only digest that begins with it, if there is one.
        whole: Option<Digest>,
    },
    /// A tag points to another digest than the reference has beside it.
    #[error("tag {tag} of repository {repository} points to {found}, not to {expected}")]
    TagElsewhere {
        /// The repository.
        repository: RepositoryName,
        /// The tag.
        tag: Tag,
        /// The digest in the reference.
        expected: GivenDigest,
        /// The digest that the tag points to.
        found: Digest,
    },
    /// A tag's link does not say what the tag points to.
    #[error("the link {} of tag {tag} in repository {repository} is broken: {fault}", path.display())]
    BrokenTag {
        /// The repository.
        repository: RepositoryName,
        /// The tag.
        tag: Tag,
        /// The link.
        path: PathBuf,
        /// What is wrong with it.
        fault: LinkFault,
    },
    /// A registry would refuse the manifest.
    #[error("{what} is refused in repository {repository}: {}", text::refusals(refusals))]
    ManifestInvalid {
        /// Its source.
        what: String,
        /// The repository that it was meant for.
        repository: RepositoryName,
        /// The reasons, in the registry's order; never empty.
        refusals: Vec<Refusal>,
    },
    /// Content in the tree can't be read as the manifest that it should be.
    #[error("manifest {digest} in repository {repository} can't be read: {reason}")]
    ManifestMalformed {
        /// The repository.
        repository: RepositoryName,
        /// The manifest.
        digest: Digest,
        /// Why not.
        reason: String,
    },
    /// An index has no child for a platform.
    #[error("manifest {digest} in repository {repository} has nothing for {platform}; it has {}", available.join(", "))]
    PlatformUnknown {
        /// The repository.
        repository: RepositoryName,
        /// The index.
        digest: Digest,
        /// The platform that was asked for.
        platform: String,
        /// The platforms that the index has.
        available: Vec<String>,
    },
    /// An index has several platforms, and there is room for one.
    #[error("manifest {digest} in repository {repository} is an index, expected one platform of it; it has {}", available.join(", "))]
    PlatformWanted {
        /// The repository.
        repository: RepositoryName,
        /// The index.
        digest: Digest,
        /// The platforms that the index has.
        available: Vec<String>,
    },
    /// A docker archive can't hold an image.
    #[error("a docker archive can't hold {digest} of repository {repository}: {reason}")]
    NotHeld {
        /// The repository.
        repository: RepositoryName,
        /// The manifest, its config or its layer.
        digest: Digest,
        /// Why not.
        reason: String,
    },
    /// No signatures of the manifest are stored.
    #[error("no signatures of manifest {digest} are stored in repository {repository}")]
    SignaturesUnknown {
        /// The repository.
        repository: RepositoryName,
        /// The manifest.
        digest: Digest,
    },
    /// Something is in use, so it was not removed.
    #[error("{what} in repository {repository} is needed by {}", by.join(", "))]
    InUse {
        /// The blob or manifest.
        what: String,
        /// The repository.
        repository: RepositoryName,
        /// The digest of the blob or manifest.
        digest: Digest,
        /// The manifests or tags that need it.
        by: Vec<String>,
        /// The option that removes it nevertheless.
        override_option: &'static str,
    },
    /// Something else is in the place of a file or directory of the tree.
    #[error("{} is {found}, expected {expected}", path.display())]
    WrongKind {
        /// Its path.
        path: PathBuf,
        /// What belongs there, with an article.
        expected: &'static str,
        /// What is there, with an article.
        found: &'static str,
    },
    /// There is no such upload.
    #[error("upload {id} is unknown in repository {repository}: there is no {}", path.display())]
    UploadUnknown {
        /// The repository.
        repository: RepositoryName,
        /// The upload.
        id: UploadId,
        /// The path that it would have.
        path: PathBuf,
    },
    /// An upload has received more or fewer bytes than the caller said.
    #[error("upload {id} in repository {repository} is at offset {found}, not {expected}")]
    OffsetMismatch {
        /// The repository.
        repository: RepositoryName,
        /// The upload.
        id: UploadId,
        /// How many bytes the caller said that it has.
        expected: u64,
        /// How many bytes it has.
        found: u64,
    },
    /// Content in the tree does not match the digest under which it is stored or linked.
    #[error(
        "{} does not match its digest in repository {repository}: expected {expected}, found {found} ({})",
        path.display(),
        count::bytes(*size)
    )]
    Corrupt {
        /// The path of the content.
        path: PathBuf,
        /// The repository that it was read through.
        repository: RepositoryName,
        /// The digest it should have.
        expected: Digest,
        /// The digest it has.
        found: Digest,
        /// How many bytes it has.
        size: u64,
    },
    /// Content was hashed in two ways, and the hashes differ though it did not change. This is no damage of the content.
    #[error(
        "internal error: {} hashes to {expected} alone and to {found} beside other content, though it did not change",
        path.display()
    )]
    HashesDiffer {
        /// The path of the content.
        path: PathBuf,
        /// The digest that was computed alone.
        expected: Digest,
        /// The digest that was computed beside those of other content.
        found: Digest,
    },
    /// Content that was to be stored does not match the digest that was given for it.
    #[error(
        "{what} does not match its digest in repository {repository}: expected {expected}, found {found} ({})",
        count::bytes(*size)
    )]
    DigestMismatch {
        /// Its source.
        what: String,
        /// The repository that it was meant for.
        repository: RepositoryName,
        /// The digest it should have.
        expected: Digest,
        /// The digest it has.
        found: Digest,
        /// How many bytes it has.
        size: u64,
    },
    /// Content in the tree is linked by a tarsum, or stored under one, and has none.
    #[error(
        "{} does not match its digest in repository {repository}: expected {expected}, and it has no tarsum: {reason}",
        path.display()
    )]
    NotAnArchive {
        /// The path of the content.
        path: PathBuf,
        /// The repository that it was read through.
        repository: RepositoryName,
        /// The tarsum it should have.
        expected: Digest,
        /// Why it has none.
        reason: String,
    },
    /// Content that was to be stored can't be compared with the tarsum that was given for it.
    #[error("{what} has no tarsum to compare in repository {repository}: expected {expected}, found none: {reason}")]
    TarsumUnknown {
        /// Its source.
        what: String,
        /// The repository that it was meant for.
        repository: RepositoryName,
        /// The tarsum it should have.
        expected: Digest,
        /// Why it has none.
        reason: String,
    },
    /// Content does not have the size that was given for it.
    #[error("{what} has the wrong size in repository {repository}: expected {}, found {}{found}", count::bytes(*expected), if *more { "at least " } else { "" })]
    SizeMismatch {
        /// The content: its path in the tree, or its source.
        what: String,
        /// The repository that it is in, or was meant for.
        repository: RepositoryName,
        /// How many bytes it should have.
        expected: u64,
        /// How many bytes it has.
        found: u64,
        /// Whether there may be more bytes than `found`, because reading stopped there.
        more: bool,
    },
    /// An image can't be exported.
    #[error("cannot export {image}")]
    NotExported {
        /// Its repository, with its tag or digest.
        image: String,
        /// Why.
        source: Box<Error>,
    },
    /// A source of images is malformed, or lacks what it names.
    #[error("{entry} of {} can't be imported: {reason}", path.display())]
    SourceInvalid {
        /// The source.
        path: PathBuf,
        /// The file, image or manifest in it.
        entry: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A source is not on a disk.
    #[error(
        "{source_name} is not on this disk: a source is a registry's tree, an image layout, an archive or a directory"
    )]
    SourceElsewhere {
        /// The source, as it was given.
        source_name: String,
    },
    /// Nothing says to which repository an image of a source belongs.
    #[error("image {digest} of {} names no repository{}", path.display(), tag.as_ref().map_or(String::new(), |tag| format!(", only the tag {tag:?}")))]
    ImageUnnamed {
        /// The source.
        path: PathBuf,
        /// The image.
        digest: Digest,
        /// The tag that it names.
        tag: Option<String>,
    },
    /// Two images of the sources have one name.
    #[error(
        "two images have the name {name}: {} of {} and {} of {}", first.1, first.0.display(), second.1, second.0.display()
    )]
    NameTwice {
        /// The repository and the tag.
        name: String,
        /// One source, and the image in it.
        first: (PathBuf, Digest),
        /// The other.
        second: (PathBuf, Digest),
    },
    /// A byte range that the content does not have.
    #[error("range {range} is outside of blob {digest}, which has {}", count::bytes(*size))]
    RangeInvalid {
        /// The range asked for.
        range: String,
        /// The blob.
        digest: Digest,
        /// How many bytes it has.
        size: u64,
    },
    /// A digest is valid, but content can't be stored or named by it.
    #[error("{digest} can't be used to {action}: a tarsum is not a hash of the bytes")]
    DigestUnusable {
        /// The digest.
        digest: Digest,
        /// The use that it was meant for.
        action: &'static str,
    },
    /// Another process holds the lock.
    #[error("{} is locked by {}", path.display(), text::holders(holders))]
    Locked {
        /// The path of what is locked.
        path: PathBuf,
        /// The processes that hold the lock, as far as they left a note.
        holders: Vec<Holder>,
    },
    /// The quarantine has no such run, or the run has nothing with that digest.
    #[error("{what} is not in the quarantine: there is nothing of it in {}", path.display())]
    NotQuarantined {
        /// The run or the digest.
        what: String,
        /// The path that it would have.
        path: PathBuf,
    },
    /// A line of a quarantine's journal can't be read. What the line is about is not moved.
    #[error("line {line} of the journal {} can't be read: {reason}", path.display())]
    JournalMalformed {
        /// The journal.
        path: PathBuf,
        /// The number of the line; the first is 1.
        line: u64,
        /// Why not.
        reason: String,
    },
    /// Something in the quarantine can't be put back to its former path.
    #[error("{} can't be put back: {reason}; it is kept in {}", path.display(), kept.display())]
    NotPutBack {
        /// Its former path.
        path: PathBuf,
        /// Its path in the quarantine.
        kept: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A change that a repair made can't be undone.
    #[error("the change of {} is not undone: {reason}", path.display())]
    NotUndone {
        /// What was changed.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A safety check failed.
    #[error("refused: {reason}")]
    Refused {
        /// Why.
        reason: String,
    },
    /// A safety limit stopped a command that may be a mistake.
    #[error("refused: {reason}")]
    SafetyLimit {
        /// Why.
        reason: String,
        /// The option that lifts the limit, with its value.
        override_option: Cow<'static, str>,
    },
    /// A database, and not the tree, knows what the tree's content is needed for.
    #[error("refused: {reason}")]
    InDatabase {
        /// Whose database: `gitlab` or `harbor`.
        database: &'static str,
        /// What says so.
        reason: String,
        /// The file that says so, if it is to be removed once the database is no longer used.
        path: Option<PathBuf>,
    },
    /// A signal stopped the command; nothing half-done is left.
    #[error("interrupted ({})", if *signal == 15 { "SIGTERM" } else { "SIGINT" })]
    Interrupted {
        /// The number of the signal: SIGINT (2) or SIGTERM (15).
        signal: usize,
    },
}

/// The part of a manifest that is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// The link that makes it the repository's.
    Link,
    /// The content that the link leads to.
    Content,
}

impl Error {
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>, source: impl Into<io::Error>) -> Self {
        Self::Io { action, path: path.into(), source: source.into() }
    }
}
