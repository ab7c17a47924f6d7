//! Reads a blob and checks it against its digest.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::str::FromStr;

use super::stat::content_missing;
use crate::descriptor::Descriptor;
use crate::digest::hash::{Hashed, Match};
use crate::digest::{Digest, Hasher};
use crate::error::{Error, Result};
use crate::layout::Entry;
use crate::name::RepositoryName;
use crate::repository::Repository;
use crate::stream::{self, Interrupt, Watch};

/// A blob's content, open for reading.
#[derive(Debug)]
pub struct OpenBlob {
    repository: RepositoryName,
    pub(super) file: File,
    pub(super) path: PathBuf,
    descriptor: Descriptor,
    asked: Digest,
}

impl OpenBlob {
    /// Opens the blob that `repository` links as `digest`. The errors are those of `stat`.
    pub fn open(repository: &Repository<'_>, digest: Digest) -> Result<Self> {
        let link = repository.link(digest)?;
        let (tree, path) = (repository.tree(), Entry::Blob(link.target).path());
        let Some(file) = tree.open_file(&path)? else { return Err(content_missing(repository, &link)) };
        let path = tree.locate(&path);
        let size = file.metadata().map_err(|error| Error::io("look at", &path, error))?.len();
        let descriptor = Descriptor::blob(link.target, size);
        Ok(Self { repository: repository.name().clone(), file, path, descriptor, asked: digest })
    }

    /// The media type, the size, and the digest that the content is stored under.
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// The digest that was asked for.
    pub(super) fn asked(&self) -> Digest {
        self.asked
    }

    /// The first 8192 bytes, or fewer.
    pub(crate) fn beginning(&self) -> Result<Vec<u8>> {
        let failed = |error| Error::io("read", &self.path, error);
        let mut beginning = vec![0; 8192];
        let n = self.file.read_at(&mut beginning, 0).map_err(failed)?;
        beginning.truncate(n);
        Ok(beginning)
    }

    /// Copies all content to `sink`, then checks it. `Err(Corrupt)` when its digest is not the one that it is stored
    /// under, or not the one that was asked for; `Err(NotAnArchive)` when that is a tarsum, and it has none.
    ///
    /// Returns why it was not verified, if so: of some archives it can't be told which tarsum they had.
    pub fn copy_to(
        self,
        sink: &mut impl Write,
        sink_name: &std::path::Path,
        watch: &Watch<'_>,
    ) -> Result<Option<String>> {
        let file = self.file.try_clone().map_err(|error| Error::io("read", &self.path, error))?;
        watch.progress.begin("reading", Some(self.descriptor.size));
        let copied = stream::copy_hashed(file, sink, self.hasher(), watch);
        watch.progress.end();
        self.check(&copied.map_err(|error| error.between(&self.path, sink_name))?.finish())
    }

    /// A hasher for all that the content is [checked](Self::check) against.
    pub(super) fn hasher(&self) -> Hasher {
        Hasher::of([self.descriptor.digest, self.asked])
    }

    /// Checks the content, which was hashed. The errors and the reason are those of [`copy_to`](Self::copy_to).
    pub(super) fn check(&self, hashed: &Hashed) -> Result<Option<String>> {
        let (path, repository) = (self.path.clone(), self.repository.clone());
        let mut unverified = None;
        for expected in [self.descriptor.digest, self.asked] {
            match hashed.compare(&expected) {
                Match::Right => {}
                Match::Unknown(reason) => unverified = Some(reason),
                Match::Other(found) => {
                    return Err(Error::Corrupt { path, repository, expected, found, size: hashed.size });
                }
                Match::NoTarsum(fault) => {
                    return Err(Error::NotAnArchive { path, repository, expected, reason: fault.to_string() });
                }
            }
        }
        Ok(unverified)
    }

    /// The error for content that ends after `found` bytes, which is too early.
    pub(super) fn ended(&self, found: u64) -> Error {
        let (what, repository) = (self.path.display().to_string(), self.repository.clone());
        Error::SizeMismatch { what, repository, expected: self.descriptor.size, found, more: false }
    }

    /// Copies the bytes of `range` to `sink`. They are not checked, because part of a blob has no digest.
    ///
    /// `Err(RangeInvalid)`, with nothing written, when the blob does not have all of these bytes.
    pub fn copy_range(
        mut self,
        range: ByteRange,
        sink: &mut impl Write,
        sink_name: &std::path::Path,
        interrupt: &Interrupt,
    ) -> Result<()> {
        let size = self.descriptor.size;
        let last = range.last.unwrap_or(size.saturating_sub(1));
        if range.first >= size || last >= size {
            return Err(Error::RangeInvalid { range: range.to_string(), digest: self.asked, size });
        }
        let wanted = last - range.first + 1;
        self.file.seek(SeekFrom::Start(range.first)).map_err(|error| Error::io("read", &self.path, error))?;
        let copied = stream::copy((&self.file).take(wanted), sink, interrupt);
        let copied = copied.map_err(|error| error.between(&self.path, sink_name))?;
        if copied == wanted { Ok(()) } else { Err(self.ended(range.first + copied)) }
    }
}

/// The bytes from `first` to `last`, both included and counted from 0; without `last`, to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteRange {
    first: u64,
    last: Option<u64>,
}

/// The error for a text that is not a byte range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected A-B or A-, in bytes counted from 0, with A not above B")]
pub struct RangeError;

impl FromStr for ByteRange {
    type Err = RangeError;

    fn from_str(text: &str) -> Result<Self, RangeError> {
        let number = |text: &str| {
            // The standard parser accepts a sign.
            let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            digits.then(|| text.parse::<u64>().ok()).flatten().ok_or(RangeError)
        };
        let (first, last) = text.split_once('-').ok_or(RangeError)?;
        let first = number(first)?;
        let last = if last.is_empty() { None } else { Some(number(last)?) };
        if last.is_some_and(|last| last < first) {
            return Err(RangeError);
        }
        Ok(Self { first, last })
    }
}

impl std::fmt::Display for ByteRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-", self.first)?;
        self.last.map_or(Ok(()), |last| write!(f, "{last}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_two_numbers_in_order() {
        assert_eq!("0-9".parse(), Ok(ByteRange { first: 0, last: Some(9) }));
        assert_eq!("7-7".parse(), Ok(ByteRange { first: 7, last: Some(7) }));
        assert_eq!("7-".parse(), Ok(ByteRange { first: 7, last: None }));
        for text in ["", "-", "-5", "5", "9-0", "a-b", "0-+9", "0x0-9", "1-2-3", "0-99999999999999999999"] {
            assert_eq!(text.parse::<ByteRange>(), Err(RangeError), "{text:?}");
        }
    }
}
