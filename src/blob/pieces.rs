//! Reads a blob piece by piece for someone who sends it on, and gives the last piece out only if the content is right.

use std::io::{Read, Seek, SeekFrom};

use super::get::OpenBlob;
use crate::digest::Hasher;
use crate::error::{Error, Result};
use crate::stream::Interrupt;

/// The bytes of a piece while all content is checked before a part of it is given out.
const PIECE: usize = 256 * 1024;

/// The content of a blob, or a part of it, that is yet to be read.
#[derive(Debug)]
pub struct Pieces {
    blob: OpenBlob,
    /// Where the next piece begins, which is the position of the file, and where the last one ends.
    at: u64,
    end: u64,
    /// Hashes what is read, if it is to be checked.
    hasher: Option<Hasher>,
    /// Why the content could not be verified, though it was read to its end.
    unverified: Option<String>,
}

impl OpenBlob {
    /// All of the content. With `verify` it is checked while it is read.
    pub fn pieces(self, verify: bool) -> Pieces {
        let (end, hasher) = (self.descriptor().size, verify.then(|| self.hasher()));
        Pieces { blob: self, at: 0, end, hasher, unverified: None }
    }

    /// The part of the content that begins at `first` and has `length` bytes. With `verify`, all content is read and
    /// checked first, with the errors of [`Pieces::next_piece`]; a signal ends that with `Err(Interrupted)`.
    ///
    /// `Err(RangeInvalid)` when the blob does not have these bytes.
    pub fn part(self, first: u64, length: u64, verify: bool, interrupt: &Interrupt) -> Result<Pieces> {
        let size = self.descriptor().size;
        let Some(end) = first.checked_add(length).filter(|&end| end <= size) else {
            let range = format!("{first}-{}", first.saturating_add(length).saturating_sub(1));
            return Err(Error::RangeInvalid { range, digest: self.asked(), size });
        };
        let mut all = self.pieces(verify);
        if verify {
            while all.next_piece(PIECE)?.is_some() {
                interrupt.check()?;
            }
        }
        let sought = all.blob.file.seek(SeekFrom::Start(first));
        sought.map_err(|error| Error::io("read", &all.blob.path, error))?;
        Ok(Pieces { at: first, end, hasher: None, ..all })
    }
}

impl Pieces {
    /// The number of bytes that are yet to be read.
    pub fn left(&self) -> u64 {
        self.end - self.at
    }

    /// Why the content could not be verified, if so: of some archives it can't be told which tarsum they had.
    pub fn unverified(&self) -> Option<&str> {
        self.unverified.as_deref()
    }

    /// The next bytes, at most so many; `None` at the end.
    ///
    /// In place of the last piece, `Err(Corrupt)` when the content has another digest than the one that it is stored
    /// under or the one that was asked for, and `Err(NotAnArchive)` when that is a tarsum and the content has none.
    /// `Err(SizeMismatch)` when the file has become shorter.
    pub fn next_piece(&mut self, most: usize) -> Result<Option<Vec<u8>>> {
        let length = self.left().min(most as u64);
        let mut piece = Vec::with_capacity(usize::try_from(length).unwrap_or(most));
        let read = (&self.blob.file).take(length).read_to_end(&mut piece);
        let read = read.map_err(|error| Error::io("read", &self.blob.path, error))? as u64;
        if read < length {
            return Err(self.blob.ended(self.at + read));
        }
        self.at += length;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&piece);
        }
        // An empty blob is checked too, though there is no byte to withhold.
        if self.left() == 0
            && let Some(hasher) = self.hasher.take()
        {
            self.unverified = self.blob.check(&hasher.finish())?;
        }
        Ok(Some(piece).filter(|piece| !piece.is_empty()))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::digest::Digest;
    use crate::stream::Watch;
    use crate::{Registry, upload};

    /// A tree with one blob, whose bytes are then replaced by others.
    fn planted(content: &[u8], replaced: &[u8]) -> (tempfile::TempDir, Registry, Digest) {
        let directory = tempfile::tempdir().unwrap();
        let (registry, _) = Registry::create(directory.path()).unwrap();
        let now = jiff::Timestamp::UNIX_EPOCH;
        let writer = registry.writer("test", now, Duration::ZERO).unwrap();
        let put = upload::Put::new("test");
        let source = std::io::Cursor::new(content.to_vec());
        let digest = put.store(&writer, &"a".parse().unwrap(), source, now, &Watch::none()).unwrap().descriptor.digest;
        drop(writer);
        let path = registry.tree().locate(&crate::layout::Entry::Blob(digest).path());
        std::os::unix::fs::FileExt::write_all_at(
            &std::fs::OpenOptions::new().write(true).truncate(true).open(path).unwrap(),
            replaced,
            0,
        )
        .unwrap();
        (directory, registry, digest)
    }

    fn open(registry: &Registry, digest: Digest) -> OpenBlob {
        OpenBlob::open(&registry.repository(&"a".parse().unwrap()).unwrap(), digest).unwrap()
    }

    fn read(mut pieces: Pieces) -> (Vec<u8>, Option<Error>) {
        let mut bytes = Vec::new();
        loop {
            match pieces.next_piece(PIECE) {
                Ok(Some(piece)) => bytes.extend(piece),
                Ok(None) => return (bytes, None),
                Err(error) => return (bytes, Some(error)),
            }
        }
    }

    #[test]
    fn right_content_is_given_whole_and_wrong_content_without_its_end() {
        for size in [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE] {
            let right = vec![7; size];
            let (_directory, registry, digest) = planted(&right, &right);
            let (bytes, error) = read(open(&registry, digest).pieces(true));
            assert!(bytes == right && error.is_none(), "{size}: {error:?}");

            let mut wrong = right.clone();
            wrong.pop();
            wrong.push(8);
            let (_directory, registry, digest) = planted(&right, &wrong);
            let (bytes, error) = read(open(&registry, digest).pieces(true));
            assert!(matches!(error, Some(Error::Corrupt { .. })), "{size}: {error:?}");
            assert!(bytes.len() < wrong.len() && wrong.starts_with(&bytes), "{size}: {} bytes", bytes.len());
            assert!(read(open(&registry, digest).pieces(false)).0 == wrong);
        }
    }

    #[test]
    fn a_part_is_given_only_of_right_content() {
        let content: Vec<u8> = (0..=255).cycle().take(2 * PIECE + 9).collect();
        let (_directory, registry, digest) = planted(&content, &content);
        let part = |first, length, verify| {
            open(&registry, digest).part(first, length, verify, &Interrupt::default()).map(read)
        };
        let size = content.len() as u64;
        for verify in [true, false] {
            let (bytes, _) = part(5, size - 6, verify).unwrap();
            assert!(bytes == content[5..content.len() - 1]);
        }
        assert!(matches!(part(5, size - 4, true), Err(Error::RangeInvalid { .. })));
        assert!(matches!(part(u64::MAX, 2, true), Err(Error::RangeInvalid { .. })));

        let (_directory, registry, digest) = planted(b"right", b"wrong");
        let part = open(&registry, digest).part(0, 1, true, &Interrupt::default());
        assert!(matches!(part, Err(Error::Corrupt { .. })));
    }

    #[test]
    fn a_file_that_becomes_shorter_is_an_error() {
        let (_directory, registry, digest) = planted(b"content", b"content");
        let blob = open(&registry, digest);
        let path = blob.path.clone();
        std::fs::OpenOptions::new().write(true).open(path).unwrap().set_len(3).unwrap();
        let (bytes, error) = read(blob.pieces(false));
        assert!(bytes.is_empty() && matches!(error, Some(Error::SizeMismatch { .. })), "{error:?}");
    }
}
