//! Reads an archive to its end, and stages what an import may need of it.
//!
//! An archive from a pipe may name its images last. So every file that can be content of an image is staged, unless the
//! tree has it already: a blob under its digest, a layer of a docker archive compressed. Only what an image needs then
//! enters the tree, by a rename.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, Write};
use std::path::Path;
use std::sync::Arc;

use super::archive::{Archive, Member, MemberKind, fingerprint};
use super::compression::{self, Compression, Encoder};
use super::layout;
use super::reading::{ReadSource, SourceFormat};
use crate::blob;
use crate::count;
use crate::digest::hash::Hashed;
use crate::digest::{Algorithm, Digest, Hasher};
use crate::durable::{EarlySync, Identity, Staging, Unfinished};
use crate::error::{Error, Result};
use crate::manifest::{MAX_PUT, Manifest};
use crate::stream::{self, StreamError};

/// How many descriptors of indexes and manifests are kept, to know the size of a blob before it comes. More are checked later.
const DESCRIPTORS_MAX: usize = 50_000;
/// The most symbolic links from one file of a docker archive to the next.
const LINKS_MAX: usize = 16;

/// The files of a docker archive that say nothing of an image in the new form.
const DOCKER_MANIFEST: &str = "manifest.json";
const DOCKER_NAMES: &str = "repositories";

/// What an archive has, staged.
#[derive(Debug)]
pub(super) struct Staged {
    staging: Arc<Staging>,
    // In boxes, because a map has more room than it uses.
    contents: HashMap<Digest, Box<StagedContent>>,
    /// The files of a docker archive by the fingerprints of their names.
    files: HashMap<u128, Named>,
    /// `oci-layout` or `index.json` is there.
    is_layout: bool,
    index: Option<Vec<layout::Entry>>,
    pub(super) docker_manifest: Option<Vec<u8>>,
}

/// Content that has its digest.
#[derive(Clone, Copy, Debug)]
pub(super) struct StagedContent {
    /// The digest under which a tree stores it.
    pub(super) canonical: Digest,
    /// In bytes.
    pub(super) size: u64,
    /// The file, if it was staged.
    file: Option<Identity>,
    /// Whether it was not staged because the tree has it, and it is right there.
    pub(super) is_in_tree: bool,
}

/// A file of a docker archive, which is no blob of a layout at the same time.
#[derive(Clone, Debug)]
enum Named {
    /// A file that is content as it is.
    Content(Digest),
    Layer(Box<Layer>),
    /// A link to the file of this name.
    Link(u128),
}

/// A layer of a docker archive.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layer {
    /// The digest of the blob that it became.
    pub(super) digest: Digest,
    /// The size of that in bytes.
    pub(super) size: u64,
    /// The SHA-256 of the layer without compression.
    pub(super) diff_id: Digest,
    pub(super) compression: Compression,
}

impl Staged {
    /// Whether the images are those of an image layout, also where it is a docker archive at the same time.
    pub(super) fn is_layout(&self) -> bool {
        self.is_layout
    }

    /// What the archive has under a digest.
    pub(super) fn content(&self, digest: &Digest) -> Option<&StagedContent> {
        self.contents.get(digest).map(|content| &**content)
    }

    /// Opens a staged file for reading and writing, with its identity when it was hashed. `None` where it was not
    /// staged, or was moved to the tree.
    pub(super) fn open(&self, digest: &Digest) -> Result<Option<(File, Identity)>> {
        let Some(identity) = self.contents.get(digest).and_then(|content| content.file) else { return Ok(None) };
        Ok(self.staging.open_file(&name_of(digest))?.map(|file| (file, identity)))
    }

    pub(super) fn staging(&self) -> &Staging {
        &self.staging
    }
}

/// The name of a staged file.
pub(super) fn name_of(digest: &Digest) -> String {
    digest.to_string().replace(':', "-")
}

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
        let staged = Staged {
            staging,
            contents: HashMap::new(),
            files: HashMap::new(),
            is_layout: false,
            index: None,
            docker_manifest: None,
        };
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
        if is_document || self.how.writer.is_some() {
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

    /// A file of a docker archive: a config, or a layer.
    fn file(&mut self, name: &str, size: u64) -> Result<()> {
        if size <= MAX_PUT as u64 {
            let content = self.small(name, size, MAX_PUT as u64)?;
            if is_document(&content) {
                let hashed = hash(&content, None);
                self.keep_small(hashed.canonical(), &hashed, &content)?;
                self.staged.files.insert(fingerprint(name), Named::Content(hashed.canonical()));
                return Ok(());
            }
            return self.layer(name, io::Cursor::new(content));
        }
        self.check_layer_size(name, size)?;
        let content = self.archive.content();
        self.layer(name, content)
    }

    /// Stages a layer of a docker archive, compressed.
    fn layer(&mut self, name: &str, source: impl Read + Send + 'static) -> Result<()> {
        if self.how.only_names {
            return Ok(());
        }
        let layer = self.stage_layer(name, source)?;
        self.staged.files.insert(fingerprint(name), Named::Layer(Box::new(layer)));
        Ok(())
    }

    fn stage_layer(&mut self, name: &str, source: impl Read + Send + 'static) -> Result<Layer> {
        let (found, source) = compression::peek(source).map_err(|error| self.archive.failed(name, error))?;
        // A registry knows no layers of other kinds.
        let is_kept = matches!(found, Compression::Gzip | Compression::Zstd);
        let (layer, file) = if is_kept { self.keep_layer(name, source, found)? } else { self.compress(name, source)? };
        let content = StagedContent { canonical: layer.digest, size: layer.size, file, is_in_tree: false };
        self.staged.contents.insert(layer.digest, Box::new(content));
        Ok(layer)
    }

    /// Compresses a layer on its way.
    fn compress(&self, name: &str, source: impl Read + Send + 'static) -> Result<(Layer, Option<Identity>)> {
        let compression = self.how.compression;
        let (_, source) = compression::decoder(buffered(source)).map_err(|error| self.archive.failed(name, error))?;
        let source = source.take(self.how.layer_max.saturating_add(1));
        let unfinished = self.staged.staging.begin()?;
        let failed = |error| Error::io("write", unfinished.path(), error);
        let file = self.how.writer.map(|_| EarlySync::new(&unfinished.file));
        let sink = HashingSink { inner: file, hasher: Hasher::new([]) };
        let mut encoder = Encoder::new(sink, compression).map_err(failed)?;
        let raw = self.copy_from(name, source, &mut encoder, Hasher::new([]), &unfinished.path())?;
        let sink = encoder.finish().map_err(failed)?;
        self.check_layer_size(name, raw.size)?;
        sink.inner.map_or(Ok(()), EarlySync::finish).map_err(failed)?;
        let blob = sink.hasher.finish();
        let layer = Layer { digest: blob.canonical(), size: blob.size, diff_id: raw.canonical(), compression };
        Ok((layer, self.keep_content(unfinished, layer.digest)?))
    }

    /// Stages a layer that is compressed already.
    fn keep_layer(
        &self,
        name: &str,
        source: impl Read + Send + 'static,
        compression: Compression,
    ) -> Result<(Layer, Option<Identity>)> {
        let unfinished = self.staged.staging.begin()?;
        let failed = |error| Error::io("write", unfinished.path(), error);
        let mut sink = EarlySync::new(&unfinished.file);
        let blob = self.copy_from(name, source, &mut sink, Hasher::new([]), &unfinished.path())?;
        sink.finish().map_err(failed)?;
        let diff_id = self.diff_id(name, &unfinished.file)?;
        let layer = Layer { digest: blob.canonical(), size: blob.size, diff_id, compression };
        Ok((layer, self.keep_content(unfinished, layer.digest)?))
    }

    /// Keeps a file for the tree, if there is one.
    fn keep_content(&self, unfinished: Unfinished<'_>, digest: Digest) -> Result<Option<Identity>> {
        self.how.writer.map(|_| unfinished.keep(&name_of(&digest))).transpose()
    }

    /// The digest of a staged layer without its compression.
    fn diff_id(&self, name: &str, file: &File) -> Result<Digest> {
        let failed = |error| self.archive.failed(name, error);
        let mut file = file.try_clone().map_err(failed)?;
        file.rewind().map_err(failed)?;
        let (_, source) = compression::decoder(buffered(file)).map_err(failed)?;
        let source = source.take(self.how.layer_max.saturating_add(1));
        let raw = self.copy_from(name, source, &mut io::sink(), Hasher::new([]), Path::new(name))?;
        self.check_layer_size(name, raw.size)?;
        Ok(raw.canonical())
    }

    /// The bytes of a file of a docker archive that is a JSON document, and its digest.
    pub(super) fn document(&self, name: &str) -> Result<(Digest, Vec<u8>)> {
        match self.find(name)? {
            Named::Content(digest) => Ok((digest, self.bytes(name, digest)?)),
            _ => Err(self.archive.invalid(name, "it is no JSON document")),
        }
    }

    fn bytes(&self, name: &str, digest: Digest) -> Result<Vec<u8>> {
        let no_document = || self.archive.invalid(name, "it is no JSON document");
        let (file, _) = self.staged.open(&digest)?.ok_or_else(no_document)?;
        let mut bytes = Vec::new();
        let read = file.take(MAX_PUT as u64 + 1).read_to_end(&mut bytes);
        read.map_err(|error| Error::io("read", self.staged.staging.locate(&name_of(&digest)), error))?;
        if bytes.len() > MAX_PUT { Err(no_document()) } else { Ok(bytes) }
    }

    /// A layer of a docker archive by the name that its manifest gives.
    pub(super) fn find_layer(&mut self, name: &str) -> Result<Layer> {
        match self.find(name)? {
            Named::Layer(layer) => Ok(*layer),
            // In the new form it is a blob under its digest.
            Named::Content(digest) => {
                let missing = || self.archive.invalid(name, "it is no layer");
                let (file, _) = self.staged.open(&digest)?.ok_or_else(missing)?;
                let layer = self.stage_layer(name, file)?;
                self.staged.files.insert(fingerprint(name), Named::Layer(Box::new(layer)));
                Ok(layer)
            }
            Named::Link(_) => Err(self.archive.invalid(name, "it is no layer")),
        }
    }

    /// The file of a name, through links.
    fn find(&self, name: &str) -> Result<Named> {
        let name = name.strip_prefix("./").unwrap_or(name);
        let mut at = fingerprint(name);
        for _ in 0..LINKS_MAX {
            match self.staged.files.get(&at) {
                Some(Named::Link(target)) => at = *target,
                Some(named) => return Ok(named.clone()),
                None => {
                    let blob = blob_digest(name).filter(|digest| self.staged.contents.contains_key(digest));
                    let missing =
                        || self.archive.invalid(name, format!("it is missing, and {DOCKER_MANIFEST} needs it"));
                    return blob.map(Named::Content).ok_or_else(missing);
                }
            }
        }
        Err(self.archive.invalid(name, "it is a link that leads nowhere"))
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

fn buffered<R: Read>(source: R) -> BufReader<R> {
    BufReader::with_capacity(stream::BUFFER, source)
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

/// A writer that hashes what goes through it, and may throw it away.
struct HashingSink<W> {
    inner: Option<W>,
    hasher: Hasher,
}

impl<W: Write> Write for HashingSink<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.inner.as_mut().map_or(Ok(bytes.len()), |inner| inner.write(bytes))?;
        self.hasher.update(&bytes[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.as_mut().map_or(Ok(()), Write::flush)
    }
}
