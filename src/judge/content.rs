//! Judges what is stored under a digest.

use std::fmt;
use std::fs::File;
use std::os::fd::AsFd;

use rustix::fs::Advice;

use super::{link, symlinks};
use crate::count;
use crate::digest::hash::{Hashed, Match};
use crate::digest::{Digest, Hasher};
use crate::durable::Identity;
use crate::error::{Error, Result};
use crate::finding::{Code, Finding, Harm, Repair, Subject};
use crate::layout::{Entry, Place, TreePath};
use crate::stream::{self, Silent, Watch};
use crate::tree::{EntryKind, Tree};

/// The size of the buffer to hash with, one for each thread: large enough that calls cost little, small enough for a
/// cache.
pub(crate) const BUFFER: usize = 512 * 1024;
/// The kernel gets a hint about how a file is read if the file has more bytes than this.
const LONG: u64 = 4 * 1024 * 1024;

/// What is stored under a digest, as far as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stored {
    /// The content that its digest says.
    Right,
    /// Nothing.
    Missing,
    /// An empty file, where the digest is not that of no bytes.
    Empty,
    /// Other content than its digest says, and too short.
    Truncated {
        found: Digest,
        size: u64,
        /// The bytes that it should have, if a descriptor says so.
        expected: Option<u64>,
    },
    /// Other content than its digest says.
    Corrupt { found: Digest, size: u64 },
    /// Other content than its tarsum says.
    OtherTarsum {
        /// The tarsum that it has, if it has one.
        found: Option<Digest>,
        /// What it is instead.
        reason: String,
    },
    /// Content of which it can't be told whether it has its tarsum, with the reason.
    Untold(String),
    /// Something else than a file. A registry follows a symbolic link; `leads` says whether it finds a file then. That
    /// file is not read.
    NotAFile { path: TreePath, kind: &'static str, leads: bool },
    /// A file that can't be read, with the reason.
    Unreadable(String),
}

impl Stored {
    /// The code of the finding about it; `None` when it is right.
    pub(crate) fn code(&self) -> Option<Code> {
        match self {
            Self::Right => None,
            Self::Missing => Some(Code::BlobMissing),
            Self::Empty => Some(Code::BlobEmpty),
            Self::Truncated { .. } => Some(Code::BlobTruncated),
            Self::Corrupt { .. } => Some(Code::BlobCorrupt),
            Self::OtherTarsum { .. } => Some(Code::AliasMismatch),
            Self::Untold(_) => Some(Code::TarsumNotVerified),
            Self::NotAFile { kind, .. } => Some(link::odd_code(kind)),
            Self::Unreadable(_) => Some(Code::Unreadable),
        }
    }

    /// Whether all bytes were read to know it.
    pub(super) fn is_by_hash(&self) -> bool {
        !matches!(self, Self::Missing | Self::NotAFile { .. } | Self::Unreadable(_))
    }

    /// Calls corrupt content truncated if it is shorter than the `expected` bytes of a descriptor.
    pub(crate) fn by_size(self, expected: i64) -> Self {
        let expected = u64::try_from(expected).unwrap_or_default();
        match self {
            Self::Corrupt { found, size } if size < expected => {
                Self::Truncated { found, size, expected: Some(expected) }
            }
            stored => stored,
        }
    }

    /// The finding about what is stored under `digest`; `None` when it is right. It harms more if a manifest needs the
    /// content.
    pub(crate) fn finding(&self, tree: &Tree, digest: Digest, is_needed: bool) -> Option<Finding> {
        let harm = if is_needed { Harm::Certain } else { Harm::Possible };
        let finding = Finding::new(tree, Subject::Blob(digest), self.code()?, harm, self.to_string());
        Some(match self {
            Self::NotAFile { path, kind, leads } => link::odd_file(tree, path, kind, *leads, harm).of_content(digest),
            Self::Empty => wrong(finding, digest, Digest::of(b"")),
            Self::Truncated { found, .. } | Self::Corrupt { found, .. } => wrong(finding, digest, *found),
            Self::OtherTarsum { found, .. } => other(finding, digest, *found),
            Self::Right | Self::Missing | Self::Untold(_) | Self::Unreadable(_) => finding,
        })
    }

    /// The finding about content that is right, and also linked in a repository as `alias`, if this is what is stored by
    /// that digest. What is wrong with the content itself is reported elsewhere.
    pub(crate) fn alias_finding(
        &self,
        tree: &Tree,
        repository: &Place,
        (alias, target): (Digest, Digest),
        is_needed: bool,
    ) -> Option<Finding> {
        let harm = if is_needed { Harm::Certain } else { Harm::Possible };
        let finding = |code, message| {
            Finding::new(
                tree,
                Subject::Layer(repository.clone(), alias),
                code,
                harm,
                format!("it leads to {target}, {message}"),
            )
        };
        let wrong = || finding(Code::AliasMismatch, format!("whose content does not match it: {self}"));
        match self {
            Self::OtherTarsum { found, .. } => Some(other(wrong(), alias, *found)),
            Self::Corrupt { found, .. } => Some(other(wrong(), alias, Some(*found))),
            Self::Empty => Some(other(wrong(), alias, None)),
            Self::Untold(_) => Some(finding(Code::TarsumNotVerified, format!("and {self}"))),
            _ => None,
        }
    }
}

/// A tarsum that does not match is no reason to take the content away: a program may have read the archive otherwise.
fn other(finding: Finding, expected: Digest, found: Option<Digest>) -> Finding {
    let finding = finding.expects(&expected);
    match found {
        Some(found) => finding.found(&found),
        None => finding,
    }
}

fn wrong(finding: Finding, expected: Digest, found: Digest) -> Finding {
    finding.expects(&expected).found(&found).repaired_by(Repair::QuarantineBlob)
}

impl fmt::Display for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Right => f.write_str("it is right"),
            Self::Missing => f.write_str("its content is missing"),
            Self::Empty => f.write_str("it has no bytes"),
            Self::Truncated { size, expected: Some(expected), .. } => {
                write!(f, "it has {size} of {}", count::bytes(*expected))
            }
            Self::Truncated { size, expected: None, .. } => {
                write!(f, "it ends in the middle, after {}", count::bytes(*size))
            }
            Self::Corrupt { found, size } => write!(f, "it has {} and hashes to {found}", count::bytes(*size)),
            Self::OtherTarsum { reason, .. } => write!(f, "it {reason}"),
            Self::Untold(reason) => write!(f, "its tarsum was not verified: {reason}"),
            Self::NotAFile { kind, .. } => write!(f, "{kind} is in its place"),
            Self::Unreadable(reason) => write!(f, "it can't be read: {reason}"),
        }
    }
}

/// What is in the place of content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Occupant {
    /// A file with this many bytes.
    File(u64),
    /// Something else, which is reported on its own.
    Other,
    /// Nothing.
    Absent,
}

/// Returns what is in the place of `digest` now, and what is wrong with that. The content is not read.
pub(crate) fn look(tree: &Tree, digest: &Digest) -> (Occupant, Stored) {
    let path = Entry::Blob(*digest).path();
    let (path, kind) = match tree.metadata(&path) {
        Ok(None) => return (Occupant::Absent, Stored::Missing),
        Ok(Some(found)) if found.kind == EntryKind::File => {
            let is_empty = found.size == 0 && !is_of_nothing(digest);
            return (Occupant::File(found.size), if is_empty { Stored::Empty } else { Stored::Right });
        }
        Ok(Some(found)) => (path, found.kind.describe()),
        Err(Error::WrongKind { path: above, found, .. }) => (tree.find(&above).unwrap_or(path), found),
        Err(error) => return (Occupant::Other, Stored::Unreadable(reason(&error))),
    };
    // A registry follows a symbolic link, and sees the file that it leads to.
    let found = symlinks::stat(tree, &Entry::Blob(*digest).path()).ok().filter(symlinks::is_file);
    let occupant = found.as_ref().map_or(Occupant::Other, |stat| Occupant::File(symlinks::size(stat)));
    (occupant, Stored::NotAFile { path, kind, leads: found.is_some() })
}

/// Whether `digest` is that of no bytes.
pub(crate) fn is_of_nothing(digest: &Digest) -> bool {
    Hasher::of([*digest]).finish().is(digest)
}

/// The reason of an error, without what was tried.
pub(crate) fn reason(error: &Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

/// Hashes what is stored under `digest`. It hashes wrong content twice, because a registry may just be writing it. For
/// right content it returns the identity of the file too. `Err(Interrupted)` when a signal came.
pub(crate) fn hash(
    tree: &Tree,
    digest: Digest,
    buffer: &mut [u8],
    watch: &Watch<'_>,
) -> Result<(Stored, Option<Identity>)> {
    match hash_once(tree, digest, buffer, watch)? {
        (Stored::Corrupt { .. } | Stored::Empty | Stored::OtherTarsum { .. }, _) => {
            hash_once(tree, digest, buffer, &Watch { progress: &Silent, ..watch.clone() })
        }
        hashed => Ok(hashed),
    }
}

fn hash_once(tree: &Tree, digest: Digest, buffer: &mut [u8], watch: &Watch<'_>) -> Result<(Stored, Option<Identity>)> {
    let (file, identity) = match open(tree, &digest) {
        Ok(opened) => opened,
        Err(stored) => return Ok((stored, None)),
    };
    match stream::hash(file, Hasher::of([digest]), buffer, watch) {
        Ok(hasher) => Ok(with_identity(verdict(&digest, &hasher.finish()), identity)),
        Err(error) => Ok((unread(tree, &digest, error, watch)?, None)),
    }
}

/// Judges what is stored under `target` by another digest that leads to it. `Err(Interrupted)` when a signal came.
pub(crate) fn hash_as(
    tree: &Tree,
    alias: &Digest,
    target: &Digest,
    buffer: &mut [u8],
    watch: &Watch<'_>,
) -> Result<Stored> {
    let file = match open(tree, target) {
        Ok((file, _)) => file,
        Err(stored) => return Ok(stored),
    };
    match stream::hash(file, Hasher::of([*alias]), buffer, &Watch { progress: &Silent, ..watch.clone() }) {
        Ok(hasher) => Ok(verdict(alias, &hasher.finish())),
        Err(error) => unread(tree, target, error, watch),
    }
}

/// Opens what is stored under `digest`, to read all of it.
pub(super) fn open(tree: &Tree, digest: &Digest) -> Result<(File, Identity), Stored> {
    let path = Entry::Blob(*digest).path();
    let file = tree.open_file(&path).map_err(|error| unopened(tree, digest, &error))?.ok_or(Stored::Missing)?;
    let identity = Identity::of(&file).map_err(|error| {
        let stored = Stored::Unreadable(error.to_string());
        tree.note_unread(&path, error);
        stored
    })?;
    if identity.size > LONG {
        // This is only a hint, so a failure does not matter.
        let _ = rustix::fs::fadvise(file.as_fd(), 0, None, Advice::Sequential);
    }
    Ok((file, identity))
}

/// A verdict, with the identity of the file if that is right.
pub(super) fn with_identity(stored: Stored, identity: Identity) -> (Stored, Option<Identity>) {
    let is_right = stored == Stored::Right;
    (stored, is_right.then_some(identity))
}

/// Judges content that can't be read to its end. `Err(Interrupted)` when a signal came.
pub(super) fn unread(tree: &Tree, digest: &Digest, error: std::io::Error, watch: &Watch<'_>) -> Result<Stored> {
    watch.interrupt.check()?;
    let stored = Stored::Unreadable(error.to_string());
    tree.note_unread(&Entry::Blob(*digest).path(), error);
    Ok(stored)
}

/// Judges content that can't be opened.
pub(crate) fn unopened(tree: &Tree, digest: &Digest, error: &Error) -> Stored {
    match (error, look(tree, digest).1) {
        (Error::WrongKind { .. }, stored @ Stored::NotAFile { .. }) => stored,
        _ => Stored::Unreadable(reason(error)),
    }
}

/// Hashes a file that should match `digest`, in any place. A tarsum is no hash of the bytes, so a file under a tarsum is
/// called right if it can be read. `Err(Interrupted)` when a signal came.
pub(crate) fn hash_file(file: File, digest: &Digest, buffer: &mut [u8], watch: &Watch<'_>) -> Result<Stored> {
    match stream::hash(file, Hasher::new(digest.algorithm()), buffer, watch) {
        Ok(_) if digest.is_tarsum() => Ok(Stored::Right),
        Ok(hasher) => Ok(verdict(digest, &hasher.finish())),
        Err(error) => match watch.interrupt.signal() {
            Some(signal) => Err(Error::Interrupted { signal }),
            None => Ok(Stored::Unreadable(error.to_string())),
        },
    }
}

/// Judges content by its hash, or by its tarsum.
pub(super) fn verdict(digest: &Digest, hashed: &Hashed) -> Stored {
    match hashed.compare(digest) {
        Match::Right => Stored::Right,
        Match::Other(_) if hashed.size == 0 => Stored::Empty,
        Match::Other(found) if found.is_tarsum() => {
            Stored::OtherTarsum { found: Some(found), reason: format!("has the tarsum {found}") }
        }
        Match::Other(found) => Stored::Corrupt { found, size: hashed.size },
        Match::NoTarsum(fault) => Stored::OtherTarsum { found: None, reason: format!("has no tarsum: {fault}") },
        Match::Unknown(reason) => Stored::Untold(reason),
    }
}

/// What is in the place of content, and what its hash says of it.
pub(crate) fn look_and_hash(tree: &Tree, digest: &Digest, watch: &Watch<'_>) -> Result<(Occupant, Stored)> {
    let looked = look(tree, digest);
    let (occupant @ Occupant::File(_), Stored::Right) = looked else { return Ok(looked) };
    let watch = Watch { progress: &Silent, ..watch.clone() };
    Ok((occupant, hash(tree, *digest, &mut vec![0; BUFFER], &watch)?.0))
}
