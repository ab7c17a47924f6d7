//! Tarsums: sums of what a tar archive says, which registries up to 2.2 took for digests of layers.
//!
//! A tarsum does not depend on the order of the entries, on padding, or on whether the archive is compressed. Each entry
//! has a hash, of the fields of its header that count and of its content. The sum is the hash of these hashes, in hex and
//! sorted (docker's `pkg/tarsum`).
//!
//! The programs of the time did not all read a tar archive alike, so an archive may have more than one sum. This room
//! computes those of all [`Reading`]s at once, while the bytes stream in. They nearly always agree. **It remembers a hash
//! and the hash of a name for each entry, and nothing else of the content.**
//!
//! `archive` finds the entries, `header` reads their fields, `summing` hashes, and `order` sorts.

mod archive;
mod header;
mod order;
mod summing;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests;

use std::fmt;
use std::io::Write;

use flate2::write::MultiGzDecoder;
use sha2::{Digest, Sha256, Sha384, Sha512};

use archive::Archive;
use summing::Summing;

use crate::count;

/// The version of the rules that a tarsum was made by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Version {
    /// Version 0, which a digest omits and a path spells `v0`. The times of the entries count, extended attributes don't.
    V0,
    /// Version 1, which the alpha registries stored layers under.
    V1,
    /// The development version that became version 1.
    Dev,
}

impl Version {
    /// Every known version.
    pub(crate) const ALL: [Self; 3] = [Self::V0, Self::V1, Self::Dev];

    /// The name of the version's directory.
    pub(crate) const fn directory(self) -> &'static str {
        match self {
            Self::V0 => "v0",
            Self::V1 => "v1",
            Self::Dev => "dev",
        }
    }

    /// The version whose directory is called `name`.
    pub(crate) fn from_directory(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.directory() == name)
    }

    /// What a digest of this version begins with.
    pub(crate) const fn prefix(self) -> &'static str {
        match self {
            Self::V0 => "tarsum+",
            Self::V1 => "tarsum.v1+",
            Self::Dev => "tarsum.dev+",
        }
    }
}

/// How a program read archives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reading {
    /// Whether the names of owners count. They don't since docker 18.04.
    owners: bool,
    /// Whether headers are read as by Go from 1.11 on, and not as in 2014.
    modern: bool,
}

impl Reading {
    /// All, the one of the registries first. Docker was built with a newer Go than they, and others built them with theirs.
    const ALL: [Self; 4] = [
        Self { owners: true, modern: false },
        Self { owners: false, modern: true },
        Self { owners: true, modern: true },
        Self { owners: false, modern: false },
    ];
}

/// The hash function of a tarsum. Docker took the first and the last; registries only the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    Sha256,
    Sha384,
    Sha512,
}

/// Computes the tarsums of an archive, plain or gzip, while its bytes stream in.
pub(crate) struct Tarsum(Box<dyn Stream>);

impl Tarsum {
    /// The tarsums of no bytes yet.
    pub(crate) fn new(version: Version, function: Function) -> Self {
        Self(match function {
            Function::Sha256 => Box::new(Input::<Sha256>::new(version)),
            Function::Sha384 => Box::new(Input::<Sha384>::new(version)),
            Function::Sha512 => Box::new(Input::<Sha512>::new(version)),
        })
    }

    /// Takes in the next bytes. What is wrong with them is kept for the end.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The sums of all bytes; `Err` when they are not an archive that can be summed.
    pub(crate) fn finish(self) -> Result<Sums, Fault> {
        self.0.finish()
    }
}

impl fmt::Debug for Tarsum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tarsum").finish_non_exhaustive()
    }
}

/// The tarsums of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sums {
    /// Each sum that some program may have computed, that of the registries first. There is one at least.
    pub(crate) all: Vec<Vec<u8>>,
    /// Whether there may be others: entries of one name may be in an order that depends on how a program sorted.
    pub(crate) is_open: bool,
}

/// Why an archive has no tarsum.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at byte {offset} of the {}archive: {reason}", if *is_packed { "unpacked " } else { "" })]
pub(crate) struct Fault {
    /// Where it begins.
    offset: u64,
    /// Whether the archive is compressed, and the offset is that in what was unpacked.
    is_packed: bool,
    reason: Reason,
}

impl Fault {
    /// Whether another program may compute a tarsum of it.
    pub(crate) fn is_limit(&self) -> bool {
        matches!(self.reason, Reason::Sparse | Reason::Disputed(_) | Reason::Long(_) | Reason::Many)
    }
}

/// What is wrong with an archive.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum Reason {
    #[error("no tar header: its checksum is wrong")]
    Checksum,
    #[error("the {0} is not a number")]
    Number(&'static str),
    #[error("a pax header that can't be read")]
    Pax,
    #[error("the {0} is cut short")]
    Cut(&'static str),
    #[error("a block of zeros, and then something else")]
    AfterZeros,
    #[error("the gzip stream is damaged: {0}")]
    Gzip(String),
    #[error("a sparse file, of which regtree computes no tarsum")]
    Sparse,
    #[error("a link, device or directory that has {}: programs read that in different ways", count::bytes(*.0))]
    Disputed(u64),
    #[error("a pax header or long name has {}, and at most {} are read", count::bytes(*.0), count::bytes(archive::MAX_META))]
    Long(u64),
    #[error("more than {} hashes of entries", summing::MAX_SUMS)]
    Many,
}

trait Stream: Send {
    fn update(&mut self, bytes: &[u8]);
    fn finish(self: Box<Self>) -> Result<Sums, Fault>;
}

/// What gzip begins with (RFC 1952, 2.3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];

enum Input<H: Digest> {
    /// Fewer bytes than show whether the archive is compressed.
    Begun(Archive<H>, Vec<u8>),
    Plain(Archive<H>),
    Gzip(Box<MultiGzDecoder<Archive<H>>>),
    /// Decoding failed.
    Failed(Fault),
}

impl<H: Digest + Send> Input<H> {
    fn new(version: Version) -> Self {
        Self::Begun(Archive::new(Summing::new(version)), Vec::new())
    }

    fn begin(&mut self) {
        let Self::Begun(archive, first) = self else { return };
        let archive = std::mem::replace(archive, Archive::new(Summing::new(Version::V0)));
        let first = std::mem::take(first);
        *self = if first.starts_with(&GZIP) {
            Self::Gzip(Box::new(MultiGzDecoder::new(archive)))
        } else {
            Self::Plain(archive)
        };
        self.update(&first);
    }
}

/// The fault of an archive whose stream can't be decoded.
fn damaged<H: Digest>(archive: &Archive<H>, error: &std::io::Error) -> Fault {
    archive.fault().map_or_else(
        || Fault { offset: archive.offset(), is_packed: true, reason: Reason::Gzip(error.to_string()) },
        |fault| Fault { is_packed: true, ..fault.clone() },
    )
}

impl<H: Digest + Send> Stream for Input<H> {
    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Begun(_, first) => {
                first.extend_from_slice(bytes);
                if first.len() >= GZIP.len() {
                    self.begin();
                }
            }
            Self::Plain(archive) => archive.update(bytes),
            // Nothing after the end of the archive counts.
            Self::Gzip(decoder) if !decoder.get_ref().is_over() => {
                if let Err(error) = decoder.write_all(bytes) {
                    *self = Self::Failed(damaged(decoder.get_ref(), &error));
                }
            }
            Self::Gzip(_) | Self::Failed(_) => {}
        }
    }

    fn finish(mut self: Box<Self>) -> Result<Sums, Fault> {
        self.begin();
        match *self {
            Self::Begun(archive, _) | Self::Plain(archive) => archive.finish(),
            Self::Failed(fault) => Err(fault),
            Self::Gzip(decoder) => {
                let mut decoder = *decoder;
                if !decoder.get_ref().is_over()
                    && let Err(error) = decoder.try_finish()
                {
                    return Err(damaged(decoder.get_ref(), &error));
                }
                decoder.get_mut().take().finish().map_err(|fault| Fault { is_packed: true, ..fault })
            }
        }
    }
}
