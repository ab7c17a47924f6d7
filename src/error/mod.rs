//! What can go wrong, one variant for each failure that a caller can act on.
//!
//! Messages name the thing and, where there are two, what was expected and what was found. The front end maps
//! variants to exit codes and hints; the code strings are the registry API's own where it has one (layout.md §8).

mod code;
mod detail;
mod holder;
mod refusal;

use std::io;
use std::path::PathBuf;

use crate::digest::Digest;
use crate::name::{NameError, RepositoryName, Tag, UploadId};

pub use holder::{Holder, Mode};
pub use refusal::{Refusal, RefusalCode};

/// The result of everything in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The root is missing, or there is no tree in it.
    #[error("{} is no registry tree: {reason}", path.display())]
    NotATree {
        /// The root as it was given.
        path: PathBuf,
        /// What was looked for.
        reason: String,
    },
    /// The root is in the way of a tree: a disk that isn't mounted, or a file where a directory belongs.
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
        /// Where it would be.
        path: PathBuf,
    },
    /// No repository is called as a pattern asks for.
    #[error("no repository matches {pattern:?}")]
    NoMatch {
        /// The pattern.
        pattern: String,
    },
    /// A directory that is a repository by what lies in it, and none by its name.
    #[error("{} is no repository: {name:?} is no repository name: {source}", path.display())]
    RepositoryNameInvalid {
        /// Where it lies.
        path: PathBuf,
        /// What it is called.
        name: String,
        /// The rule that the name breaks.
        source: NameError,
    },
    /// Something that has no place where it lies.
    #[error("{} has no place there: {reason}", path.display())]
    Misplaced {
        /// Where it lies.
        path: PathBuf,
        /// Why it does not belong there.
        reason: &'static str,
    },
    /// A line of a list of digests is none.
    #[error("line {line} of {} is no digest: {reason}", path.display())]
    NoDigest {
        /// The list.
        path: PathBuf,
        /// The number of the line, from 1.
        line: usize,
        /// Why.
        reason: String,
    },
    /// A directory is missing without which other things make no sense.
    #[error("there is no {}, though {reason}", path.display())]
    Incomplete {
        /// What is missing.
        path: PathBuf,
        /// What asks for it.
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
        /// The link that would grant it.
        path: PathBuf,
        /// Whether the repository has it as a manifest.
        manifest: bool,
        /// Whether the content exists in the tree all the same.
        content: bool,
    },
    /// The repository has a link, but the content is gone.
    #[error("blob {digest} is linked in repository {repository}, but its content is missing: there is no {}", path.display())]
    ContentMissing {
        /// The repository.
        repository: RepositoryName,
        /// The digest that the link names.
        digest: Digest,
        /// Where the content would be.
        path: PathBuf,
    },
    /// No repository links the blob.
    #[error("no repository links blob {digest}{}", nowhere_text(*content, manifest_of))]
    LinkedNowhere {
        /// The digest asked for.
        digest: Digest,
        /// The repositories that have it as a manifest, which is in use.
        manifest_of: Vec<RepositoryName>,
        /// Whether the content exists in the tree all the same.
        content: bool,
    },
    /// A link that does not say what a link in its place must say.
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
    /// A link that a scan came upon, and that does not say what it must.
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
    #[error("manifest {digest} is unknown in repository {repository}: {}", manifest_unknown_text(path, *missing))]
    ManifestUnknown {
        /// The repository.
        repository: RepositoryName,
        /// The digest asked for.
        digest: Digest,
        /// What is not there.
        path: PathBuf,
        /// Which part of it that is.
        missing: Missing,
    },
    /// The repository has no such tag.
    #[error("tag {tag} is unknown in repository {repository}: there is no {}", path.display())]
    TagUnknown {
        /// The repository.
        repository: RepositoryName,
        /// The tag.
        tag: Tag,
        /// The link that would say what it points to.
        path: PathBuf,
    },
    /// A tag's link that does not say what it points to.
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
    /// A manifest that a registry would refuse.
    #[error("{what} is refused in repository {repository}: {}", refusals_text(refusals))]
    ManifestInvalid {
        /// Where it came from.
        what: String,
        /// The repository that it was to go into.
        repository: RepositoryName,
        /// Why, in the order in which the registry tells it; never empty.
        refusals: Vec<Refusal>,
    },
    /// A manifest in the tree that can't be read as one.
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
        /// What was asked for.
        platform: String,
        /// What there is.
        available: Vec<String>,
    },
    /// A manifest of which no signatures are stored.
    #[error("no signatures of manifest {digest} are stored in repository {repository}")]
    SignaturesUnknown {
        /// The repository.
        repository: RepositoryName,
        /// The manifest.
        digest: Digest,
    },
    /// Something that is in use, and was not to be removed then.
    #[error("{what} in repository {repository} is needed by {}", by.join(", "))]
    InUse {
        /// The blob or manifest.
        what: String,
        /// The repository.
        repository: RepositoryName,
        /// The digest of it.
        digest: Digest,
        /// The manifests or tags that need it.
        by: Vec<String>,
        /// The option that lets it go all the same.
        release: &'static str,
    },
    /// Something else lies where a file or directory of the tree belongs.
    #[error("{} is {found}, expected {expected}", path.display())]
    WrongKind {
        /// Where.
        path: PathBuf,
        /// What belongs there.
        expected: &'static str,
        /// What is there.
        found: &'static str,
    },
    /// There is no such upload.
    #[error("upload {id} is unknown in repository {repository}: there is no {}", path.display())]
    UploadUnknown {
        /// The repository.
        repository: RepositoryName,
        /// The upload.
        id: UploadId,
        /// Where it would be.
        path: PathBuf,
    },
    /// An upload has received more or less than was said.
    #[error("upload {id} in repository {repository} is at another offset: expected {expected} bytes, found {found}")]
    OffsetMismatch {
        /// The repository.
        repository: RepositoryName,
        /// The upload.
        id: UploadId,
        /// The bytes it was said to have.
        expected: u64,
        /// The bytes it has.
        found: u64,
    },
    /// Content in the tree is not what it is stored or linked as.
    #[error(
        "{} does not match its digest in repository {repository}: expected {expected}, found {found} ({size} bytes)",
        path.display()
    )]
    Corrupt {
        /// Where the content lies.
        path: PathBuf,
        /// The repository that it was read through.
        repository: RepositoryName,
        /// The digest it should have.
        expected: Digest,
        /// The digest it has.
        found: Digest,
        /// The bytes it has.
        size: u64,
    },
    /// Content that was to be stored is not what was said.
    #[error(
        "{what} does not match its digest in repository {repository}: expected {expected}, found {found} ({size} bytes)"
    )]
    DigestMismatch {
        /// Where it came from.
        what: String,
        /// The repository that it was to go into.
        repository: RepositoryName,
        /// The digest it should have.
        expected: Digest,
        /// The digest it has.
        found: Digest,
        /// The bytes it has.
        size: u64,
    },
    /// Content is not as long as was said.
    #[error("{what} has the wrong size in repository {repository}: expected {expected} bytes, found {}{found}", if *more { "at least " } else { "" })]
    SizeMismatch {
        /// The content: a path in the tree, or where it came from.
        what: String,
        /// The repository that it is in, or was to go into.
        repository: RepositoryName,
        /// The bytes it should have.
        expected: u64,
        /// The bytes it has.
        found: u64,
        /// Whether there may be more than those found: nobody looked.
        more: bool,
    },
    /// A byte range that the content does not have.
    #[error("range {range} lies outside of blob {digest}, which has {size} bytes")]
    RangeInvalid {
        /// The range asked for.
        range: String,
        /// The blob.
        digest: Digest,
        /// Its bytes.
        size: u64,
    },
    /// A digest that can be read, but that content can't be checked against or stored under.
    #[error("{digest} can't be used to {action}: a tarsum is no hash of the bytes")]
    DigestUnusable {
        /// The digest.
        digest: Digest,
        /// What it was to be used for.
        action: &'static str,
    },
    /// Another process holds the lock.
    #[error("{} is locked by {}", path.display(), holders_text(holders))]
    Locked {
        /// What is locked.
        path: PathBuf,
        /// Who holds it, as far as they left a note.
        holders: Vec<Holder>,
    },
    /// The quarantine has no such run, or the run has nothing of that digest.
    #[error("{what} is not in the quarantine: there is nothing of it in {}", path.display())]
    NotQuarantined {
        /// The run or the digest.
        what: String,
        /// Where it would be.
        path: PathBuf,
    },
    /// A line of a quarantine's journal that can't be read: what it is about stays where it lies.
    #[error("line {line} of the journal {} can't be read: {reason}", path.display())]
    JournalMalformed {
        /// The journal.
        path: PathBuf,
        /// Which line, from 1.
        line: u64,
        /// Why not.
        reason: String,
    },
    /// Something in the quarantine that can't go back to where it was.
    #[error("{} can't be put back: {reason}; it stays in {}", path.display(), kept.display())]
    NotPutBack {
        /// Where it was.
        path: PathBuf,
        /// Where it lies now.
        kept: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A safety check says no.
    #[error("refused: {reason}")]
    Refused {
        /// Why.
        reason: String,
    },
    /// A brake holds: what was asked for may be a mistake.
    #[error("refused: {reason}")]
    Brake {
        /// Why.
        reason: String,
        /// The option that lets it go on.
        release: &'static str,
    },
    /// A signal asked to stop; nothing half-done is left.
    #[error("interrupted ({})", if *signal == 15 { "SIGTERM" } else { "SIGINT" })]
    Interrupted {
        /// SIGINT (2) or SIGTERM (15).
        signal: usize,
    },
}

/// What is wrong with a link.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LinkFault {
    /// Zero bytes: what a crash leaves of a small write before 3.1.
    #[error("it is empty, expected a digest")]
    Empty,
    /// Something that is no digest.
    #[error("expected a digest and nothing else, found {found}")]
    Malformed {
        /// The beginning of what is there, quoted.
        found: String,
    },
    /// Another digest where the path's own belongs.
    #[error("expected the digest of its path, found {found}")]
    Mismatch {
        /// The digest inside.
        found: Digest,
    },
    /// An alias that names a digest that blobs are never stored under, as mounting by an alias leaves it (layout.md §4.3).
    #[error("expected the sha256 digest that it stands for, found {found}")]
    Alias {
        /// The digest inside.
        found: Digest,
    },
}

/// Which part of a manifest is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// The link that makes it the repository's.
    Link,
    /// The content that the link leads to.
    Content,
}

fn manifest_unknown_text(path: &std::path::Path, missing: Missing) -> String {
    match missing {
        Missing::Link => format!("there is no {}", path.display()),
        Missing::Content => format!("it is linked, but its content is missing: there is no {}", path.display()),
    }
}

/// One reason in full; several are told each on its own by whoever reports the error.
fn refusals_text(refusals: &[Refusal]) -> String {
    match refusals {
        [refusal] => refusal.to_string(),
        refusals => format!("{} reasons", refusals.len()),
    }
}

fn nowhere_text(content: bool, manifest_of: &[RepositoryName]) -> String {
    if manifest_of.is_empty() {
        let text = if content { ", though its content exists" } else { ", and there is no such content" };
        return text.to_owned();
    }
    let names: Vec<&str> = manifest_of.iter().map(RepositoryName::as_str).collect();
    format!(" as a layer, but it is a manifest of {}", names.join(", "))
}

fn holders_text(holders: &[Holder]) -> String {
    if holders.is_empty() {
        return "another process, which left no note".to_owned();
    }
    holders.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl Error {
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>, source: impl Into<io::Error>) -> Self {
        Self::Io { action, path: path.into(), source: source.into() }
    }
}
