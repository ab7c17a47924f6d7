//! Content of images on its way out of the tree: read once, and checked against its digests.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use crate::digest::{Algorithm, Digest, Hasher};
use crate::error::{Error, Result};
use crate::image::layout;
use crate::image::whole::{Content, Image};
use crate::layout::Entry;
use crate::repository::Repository;
use crate::stream::{self, Watch};

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

    /// A hasher for all of its digests.
    pub(super) fn hasher(&self) -> Hasher {
        let digests = [self.content.key, self.content.target];
        Hasher::new(digests.iter().filter_map(Digest::algorithm).collect::<BTreeSet<Algorithm>>())
    }

    /// Copies it to `sink`, never more than its size, and checks it.
    pub(super) fn copy(&self, sink: &mut impl Write, sink_name: &Path, watch: &Watch<'_>) -> Result<()> {
        let source = self.file.try_clone().map_err(|error| Error::io("open", &self.path, error))?;
        let copied = stream::copy_hashed(source.take(self.content.size), sink, self.hasher(), watch);
        self.check(copied.map_err(|error| error.between(&self.path, sink_name))?)
    }

    /// Reads it, and checks it.
    pub(super) fn verify(&self, watch: &Watch<'_>) -> Result<()> {
        let hashed = stream::hash(&self.file, self.hasher(), &mut vec![0; stream::BUFFER], watch);
        self.check(hashed.map_err(|error| watch.interrupt.or(Error::io("read", &self.path, error)))?)
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

/// Whether an error is about content that the tree does not have right, and not about the destination.
pub(super) fn is_damage(error: &Error) -> bool {
    matches!(
        error,
        Error::Corrupt { .. } | Error::ContentMissing { .. } | Error::DigestUnusable { .. } | Error::WrongKind { .. }
    )
}
