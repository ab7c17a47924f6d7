//! Reads an archive to its end, and stages what an import may need of it.
//!
//! An archive from a pipe may name its images last. So every file that can be content of an image is staged, unless the
//! tree has it already: a blob under its digest, a layer of a docker archive compressed. Only what an image needs then
//! enters the tree, by a rename.
//!
//! - This file reads the archive, and stages its blobs.
//! - `staged` is what was staged.
//! - `layers` stages the files of a docker archive, of which layers are compressed.

mod layers;
mod staged;

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;

pub(super) use staged::{Layer, Staged, name_of};
use staged::{Named, StagedContent};

use super::archive::{Archive, Member, MemberKind, fingerprint};
use super::layout;
use super::reading::{ReadSource, SourceFormat};
use super::{DOCKER_MANIFEST, DOCKER_NAMES};
use crate::blob;
use crate::count;
use crate::digest::hash::Hashed;
use crate::digest::{Algorithm, Digest, Hasher};
use crate::durable::{EarlySync, Identity, Staging};
use crate::error::{Error, Result};
use crate::manifest::{MAX_PUT, Manifest};
use crate::stream::{self, StreamError};

/// How many descriptors of indexes and manifests are kept, to know the size of a blob before it comes. More are checked later.
const DESCRIPTORS_MAX: usize = 50_000;

/// Reads an archive to its end.
pub(super) struct Stager<'s> {
    archive: Archive,
    how: &'s ReadSource<'s>,
    staged: Staged,
    /// The sizes that indexes and manifests say, for blobs that come after them.
    sizes: HashMap<Digest, u64>,
}

impl<'s> Stager<'s> {
    pub(super) fn new(archive: Archive, staging: Arc<Staging>, how: &'s ReadSource<'s>) -> Self {
        let staged = Staged::new(staging);
        Self { archive, how, staged, sizes: HashMap::new() }
    }

    /// Reads all of the archive.
    ///
    /// `Err(SourceInvalid)` when the archive is malformed, or a file is not what its name says.
    pub(super) fn read(mut self) -> Result<Self> {
        while let Some(member) = self.archive.next()? {
            self.how.watch.interrupt.check()?;
            self.member(member)?;
        }
        Ok(self)
    }

    /// What was staged. The names of files are needed no more.
    pub(super) fn into_staged(self) -> Staged {
        Staged { files: HashMap::new(), index: None, docker_manifest: None, ..self.staged }
    }

    pub(super) fn staged(&self) -> &Staged {
        &self.staged
    }

    /// The entries of the index, if it is a layout and not read as a docker archive.
    pub(super) fn take_index(&mut self) -> Option<Vec<layout::Entry>> {
        self.staged.index.take()
    }

    fn member(&mut self, Member { name, kind }: Member) -> Result<()> {
        let size = match kind {
            MemberKind::File { size } => size,
            MemberKind::Link { target } => {
                let target = blob_digest(&target).map_or_else(|| Named::Link(fingerprint(&target)), Named::Content);
                self.staged.files.insert(fingerprint(&name), target);
                return Ok(());
            }
        };
        if let Some(digest) = blob_digest(&name) {
            return self.blob(&name, digest, size);
        }
        match &*name {
            layout::MARKER => self.staged.is_layout = true,
            layout::INDEX => {
                self.staged.is_layout = true;
                self.index(&name, size)?;
            }
            DOCKER_MANIFEST => self.staged.docker_manifest = Some(self.small(&name, size, MAX_PUT as u64)?),
            DOCKER_NAMES => {}
            _ if self.may_be_layer(&name) => self.file(&name, size)?,
            _ => {}
        }
        Ok(())
    }

    /// The index of a layout.
    fn index(&mut self, name: &str, size: u64) -> Result<()> {
        let content = self.small(name, size, layout::INDEX_MAX)?;
        if self.how.format == Some(SourceFormat::DockerArchive) {
            return Ok(());
        }
        let entries = layout::entries(&content).map_err(|reason| self.archive.invalid(name, reason))?;
        for entry in &entries {
            self.note_size(entry.digest, entry.size);
        }
        self.staged.index = Some(entries);
        Ok(())
    }

    /// Whether a file may be a part of an image of a docker archive.
    fn may_be_layer(&self, name: &str) -> bool {
        let is_legacy = matches!(name.rsplit_once('/'), Some((_, "json" | "VERSION")));
        let is_layout = self.staged.is_layout || self.how.format == Some(SourceFormat::Oci);
        !is_legacy && (!is_layout || self.how.format == Some(SourceFormat::DockerArchive))
    }

    /// A whole small file.
    fn small(&self, name: &str, size: u64, limit: u64) -> Result<Vec<u8>> {
        if size > limit {
            let [size, limit] = [size, limit].map(count::bytes);
            return Err(self.archive.invalid(name, format!("it has {size}, {limit} at most are read")));
        }
        let mut content = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
        let read = self.archive.content().read_to_end(&mut content);
        read.map_err(|error| self.archive.failed(name, error))?;
        Ok(content)
    }

    /// A blob of a layout, which has its digest in its name.
    fn blob(&mut self, name: &str, digest: Digest, size: u64) -> Result<()> {
        let expected = self.sizes.get(&digest).copied().filter(|expected| *expected != size);
        if let Some(expected) = expected {
            let [expected, found] = [expected, size].map(count::bytes);
            return Err(self.archive.invalid(name, format!("expected {expected}, found {found}")));
        }
        self.check_layer_size(name, size)?;
        if size <= MAX_PUT as u64 {
            let content = self.small(name, size, MAX_PUT as u64)?;
            let hashed = hash(&content, digest.algorithm());
            self.check(name, digest, &hashed)?;
            return self.keep_small(digest, &hashed, &content);
        }
        let mut content = StagedContent { canonical: digest, size, file: None, is_in_tree: false };
        if self.is_in_tree(digest, size)? {
            content.is_in_tree = true;
            self.hash_only(name, digest)?;
        } else if let Some(identity) = self.left(digest, size)? {
            content.file = Some(identity);
            self.hash_only(name, digest)?;
        } else if self.how.writer.is_none() {
            content.canonical = self.hash_only(name, digest)?.canonical();
        } else {
            (content.canonical, content.file) = self.write(name, digest)?;
        }
        self.staged.contents.insert(digest, Box::new(content));
        Ok(())
    }

    fn check_layer_size(&self, name: &str, size: u64) -> Result<()> {
        let limit = self.how.layer_max;
        if size <= limit {
            return Ok(());
        }
        let [size, limit] = [size, limit].map(count::bytes);
        Err(self.archive.invalid(name, format!("it has {size}, and a layer may have {limit} (--max-layer-size)")))
    }

    /// Whether the tree has the content, right as far as is asked for.
    fn is_in_tree(&self, digest: Digest, size: u64) -> Result<bool> {
        let Some(writer) = self.how.writer.filter(|_| digest.is_canonical()) else { return Ok(false) };
        if blob::content_size(writer.tree(), digest)? != Some(size) {
            return Ok(false);
        }
        if self.how.trust_existing {
            return Ok(true);
        }
        Ok(blob::sound_size(writer, digest, digest, &self.how.watch.interrupt)?.is_some())
    }

    /// The content that an import staged before it was killed, if it is right.
    fn left(&self, digest: Digest, size: u64) -> Result<Option<Identity>> {
        // Of another digest, the canonical one would have to be known.
        let Some(file) = self.staged.staging.open_file(&name_of(&digest))?.filter(|_| digest.is_canonical()) else {
            return Ok(None);
        };
        let failed = |error| Error::io("read", self.staged.staging.locate(&name_of(&digest)), error);
        let identity = Identity::of(&file).map_err(failed)?;
        if identity.size != size {
            return Ok(None);
        }
        let interrupt = &self.how.watch.interrupt;
        let hashed = stream::hash_file(file, None, interrupt).map_err(|error| interrupt.or(failed(error)))?;
        Ok((hashed.canonical() == digest).then_some(identity))
    }

    /// Hashes the content of the member, and checks it.
    fn hash_only(&self, name: &str, digest: Digest) -> Result<Hashed> {
        let hashed = self.pass(name, &mut io::sink(), Hasher::new(digest.algorithm()))?;
        self.check(name, digest, &hashed).map(|()| hashed)
    }

    /// Writes the content of the member. Returns its canonical digest, and the identity of its file.
    fn write(&self, name: &str, digest: Digest) -> Result<(Digest, Option<Identity>)> {
        let unfinished = self.staged.staging.begin()?;
        let failed = |error| Error::io("write", unfinished.path(), error);
        let mut sink = EarlySync::new(&unfinished.file);
        let hashed = self.copy(name, &mut sink, Hasher::new(digest.algorithm()), &unfinished.path())?;
        sink.finish().map_err(failed)?;
        self.check(name, digest, &hashed)?;
        Ok((hashed.canonical(), Some(unfinished.keep(&name_of(&digest))?)))
    }

    /// Copies the content of the member to `sink`, which can't fail.
    fn pass(&self, name: &str, sink: &mut impl Write, hasher: Hasher) -> Result<Hashed> {
        self.copy(name, sink, hasher, Path::new(""))
    }

    /// Copies the content of the member to `sink`, which errors call `path`.
    fn copy(&self, name: &str, sink: &mut impl Write, hasher: Hasher, path: &Path) -> Result<Hashed> {
        self.copy_from(name, self.archive.content(), sink, hasher, path)
    }

    fn copy_from(
        &self,
        name: &str,
        source: impl Read + Send + 'static,
        sink: &mut impl Write,
        hasher: Hasher,
        path: &Path,
    ) -> Result<Hashed> {
        let copied = stream::copy_hashed(source, sink, hasher, self.how.watch);
        let hasher = copied.map_err(|error| match error {
            StreamError::Read(error) => self.archive.failed(name, error),
            error => error.between(name, path),
        })?;
        Ok(hasher.finish())
    }

    fn check(&self, name: &str, digest: Digest, hashed: &Hashed) -> Result<()> {
        let found = digest.algorithm().and_then(|algorithm| hashed.by(algorithm));
        if found == Some(digest) {
            return Ok(());
        }
        let (found, size) = (found.unwrap_or_else(|| hashed.canonical()), count::bytes(hashed.size));
        Err(self.archive.invalid(name, format!("it does not match its digest: found {found} ({size})")))
    }

    /// Keeps small content. Without a writer only what may be a manifest or a config.
    fn keep_small(&mut self, digest: Digest, hashed: &Hashed, bytes: &[u8]) -> Result<()> {
        if self.staged.contents.contains_key(&digest) {
            return Ok(());
        }
        let is_document = is_document(bytes);
        if is_document {
            self.note_sizes(bytes);
        }
        let mut content =
            StagedContent { canonical: hashed.canonical(), size: hashed.size, file: None, is_in_tree: false };
        if !is_document && self.is_in_tree(digest, hashed.size)? {
            content.is_in_tree = true;
        } else if is_document || self.how.writer.is_some() {
            let mut unfinished = self.staged.staging.begin()?;
            let written = unfinished.file.write_all(bytes);
            written.map_err(|error| Error::io("write", unfinished.path(), error))?;
            content.file = Some(unfinished.keep(&name_of(&digest))?);
        }
        self.staged.contents.insert(digest, Box::new(content));
        Ok(())
    }

    fn note_sizes(&mut self, bytes: &[u8]) {
        let Ok(manifest) = Manifest::read(bytes) else { return };
        for reference in &manifest.references {
            let size = reference.size.and_then(|size| u64::try_from(size).ok());
            if let (Ok(digest), Some(size)) = (reference.digest, size) {
                self.note_size(digest, size);
            }
        }
    }

    fn note_size(&mut self, digest: Digest, size: u64) {
        if self.sizes.len() < DESCRIPTORS_MAX {
            self.sizes.entry(digest).or_insert(size);
        }
    }

    /// Keeps a document that was made of what the archive says. Returns its digest.
    pub(super) fn add(&mut self, bytes: &[u8]) -> Result<Digest> {
        let hashed = hash(bytes, None);
        self.keep_small(hashed.canonical(), &hashed, bytes).map(|()| hashed.canonical())
    }

    /// An error about a file of the archive.
    pub(super) fn invalid(&self, entry: &str, reason: impl Into<String>) -> Error {
        self.archive.invalid(entry, reason)
    }
}

/// Whether small content may be a manifest or a config.
fn is_document(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().first() == Some(&b'{')
}

fn hash(bytes: &[u8], algorithm: Option<Algorithm>) -> Hashed {
    let mut hasher = Hasher::new(algorithm);
    hasher.update(bytes);
    hasher.finish()
}

/// The digest of a blob of a layout by its name in an archive.
fn blob_digest(name: &str) -> Option<Digest> {
    let (algorithm, hex) = name.strip_prefix(layout::BLOBS)?.strip_prefix('/')?.split_once('/')?;
    format!("{algorithm}:{hex}").parse().ok()
}
