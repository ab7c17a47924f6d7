//! Content of images on its way out of the tree: read once, and checked against its digests.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read, Seek, Take, Write};
use std::path::{Path, PathBuf};

use crate::digest::{Algorithm, Digest, Hasher};
use crate::error::{Error, Result};
use crate::image::whole::{Content, Image};
use crate::image::{compression, layout};
use crate::layout::Entry;
use crate::repository::Repository;
use crate::stream::{self, StreamError, Watch};

/// Content that is open for reading.
#[derive(Debug)]
pub(super) struct Outgoing<'o> {
    repository: &'o Repository<'o>,
    content: Content,
    /// The file.
    pub(super) file: File,
    /// Where it is.
    pub(super) path: PathBuf,
}

impl<'o> Outgoing<'o> {
    /// Opens content of a repository. `Err(ContentMissing)` when there is none.
    pub(super) fn open(repository: &'o Repository<'o>, content: &Content) -> Result<Self> {
        let (tree, path) = (repository.tree(), Entry::Blob(content.target).path());
        let missing = || Error::ContentMissing {
            repository: repository.name().clone(),
            digest: content.key,
            path: tree.locate(&path),
        };
        let file = tree.open_file(&path)?.ok_or_else(missing)?;
        Ok(Self { repository, content: *content, file, path: tree.locate(&path) })
    }

    /// In bytes.
    pub(super) fn size(&self) -> u64 {
        self.content.size
    }

    /// A hasher for all of its digests.
    pub(super) fn hasher(&self) -> Hasher {
        let digests = [self.content.key, self.content.target];
        Hasher::new(digests.iter().filter_map(Digest::algorithm).collect::<BTreeSet<Algorithm>>())
    }

    /// Copies it to `sink`, never more than its size, and checks it.
    pub(super) fn copy(&self, sink: &mut impl Write, sink_name: &Path, watch: &Watch<'_>) -> Result<()> {
        if self.content.size <= stream::BUFFER as u64 {
            return self.copy_small(sink, sink_name, watch);
        }
        let copied = stream::copy_hashed(self.reader()?, sink, self.hasher(), watch);
        self.check(copied.map_err(|error| error.between(&self.path, sink_name))?)
    }

    /// Does the same for what fits into a buffer, for which threads cost more than they gain.
    fn copy_small(&self, sink: &mut impl Write, sink_name: &Path, watch: &Watch<'_>) -> Result<()> {
        watch.interrupt.check()?;
        let (mut bytes, mut hasher) = (Vec::new(), self.hasher());
        self.reader()?.read_to_end(&mut bytes).map_err(|error| Error::io("read", &self.path, error))?;
        hasher.update(&bytes);
        self.check(hasher)?;
        watch.progress.advance(bytes.len() as u64);
        sink.write_all(&bytes).map_err(|error| Error::io("write", sink_name, error))
    }

    /// Reads it, and checks it.
    pub(super) fn verify(&self, watch: &Watch<'_>) -> Result<()> {
        let hashed = stream::hash(self.reader()?, self.hasher(), &mut vec![0; stream::BUFFER], watch);
        self.check(hashed.map_err(|error| watch.interrupt.or(Error::io("read", &self.path, error)))?)
    }

    /// Decompresses it to `sink`, and checks that the result has the digest `diff_id`. Returns its size.
    pub(super) fn decompress(
        &self,
        diff_id: &Digest,
        sink: &mut impl Write,
        sink_name: &Path,
        watch: &Watch<'_>,
    ) -> Result<u64> {
        let (repository, digest) = (self.repository.name().clone(), self.content.key);
        let source = BufReader::with_capacity(stream::BUFFER, self.reader()?);
        let decoder = compression::decoder(source).map_err(|error| Error::io("read", &self.path, error));
        let copied = stream::copy_hashed(decoder?.1, sink, Hasher::new(diff_id.algorithm()), watch);
        let hashed = copied.map_err(|error| match error {
            StreamError::Read(error) if is_malformed(&error) => {
                Error::NotHeld { repository: repository.clone(), digest, reason: error.to_string() }
            }
            error => error.between(&self.path, sink_name),
        })?;
        let hashed = hashed.finish();
        match diff_id.algorithm().and_then(|algorithm| hashed.by(algorithm)) {
            Some(found) if found != *diff_id => {
                let what = format!("the uncompressed content of {}", self.path.display());
                Err(Error::DigestMismatch { what, repository, expected: *diff_id, found, size: hashed.size })
            }
            _ => Ok(hashed.size),
        }
    }

    /// A reader of its bytes, from the first on.
    fn reader(&self) -> Result<Take<File>> {
        let mut file = self.file.try_clone().map_err(|error| Error::io("open", &self.path, error))?;
        file.rewind().map_err(|error| Error::io("read", &self.path, error))?;
        Ok(file.take(self.content.size))
    }

    /// Checks what was hashed. `Err(Corrupt)` when a digest is another one.
    pub(super) fn check(&self, hasher: Hasher) -> Result<()> {
        let hashed = hasher.finish();
        for expected in [self.content.key, self.content.target] {
            let found = expected.algorithm().and_then(|algorithm| hashed.by(algorithm));
            if let Some(found) = found.filter(|found| *found != expected) {
                let (path, repository, size) = (self.path.clone(), self.repository.name().clone(), hashed.size);
                return Err(Error::Corrupt { path, repository, expected, found, size });
            }
        }
        Ok(())
    }
}

/// The path of content in a layout. `Err(DigestUnusable)` for a tarsum, which no layout can have.
pub(super) fn layout_path(digest: &Digest) -> Result<PathBuf> {
    let unusable = || Error::DigestUnusable { digest: *digest, action: "name content of an image layout" };
    layout::content_path(digest).ok_or_else(unusable)
}

/// The bytes of the content of these images, each counted once.
pub(super) fn total(images: &[Image]) -> u64 {
    let contents: BTreeSet<&Content> = images.iter().flat_map(|image| &image.whole.contents).collect();
    contents.iter().map(|content| content.size).sum()
}

/// Whether a decoder says that its source is malformed.
fn is_malformed(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof)
}

/// Whether an error is about content that the tree does not have right, and not about the destination.
pub(super) fn is_damage(error: &Error) -> bool {
    matches!(
        error,
        Error::Corrupt { .. }
            | Error::ContentMissing { .. }
            | Error::DigestMismatch { .. }
            | Error::DigestUnusable { .. }
            | Error::NotHeld { .. }
            | Error::WrongKind { .. }
    )
}

/// The error for damage, with the image that it is in.
pub(super) fn blame(error: Error, image: impl FnOnce() -> String) -> Error {
    if is_damage(&error) {
        return Error::NotExported { image: image(), source: Box::new(error) };
    }
    error
}
