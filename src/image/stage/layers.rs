//! Stages the files of a docker archive: configs as they are, and layers compressed.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, Write};
use std::path::Path;

use super::staged::{Layer, Named, StagedContent, name_of};
use super::{Stager, blob_digest, hash, is_document};
use crate::digest::{Digest, Hasher};
use crate::durable::{EarlySync, Identity, Unfinished};
use crate::error::{Error, Result};
use crate::image::DOCKER_MANIFEST;
use crate::image::archive::fingerprint;
use crate::image::compression::{self, Compression, Encoder};
use crate::layout::Entry;
use crate::manifest::MAX_PUT;
use crate::stream;

/// The most symbolic links from one file of a docker archive to the next.
const LINKS_MAX: usize = 16;

impl Stager<'_> {
    /// A file of a docker archive: a config, or a layer.
    pub(super) fn file(&mut self, name: &str, size: u64) -> Result<()> {
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
    pub(in crate::image) fn document(&self, name: &str) -> Result<(Digest, Vec<u8>)> {
        match self.find(name)? {
            Named::Content(digest) => Ok((digest, self.bytes(name, digest)?)),
            _ => Err(self.archive.invalid(name, "it is not a JSON document")),
        }
    }

    fn bytes(&self, name: &str, digest: Digest) -> Result<Vec<u8>> {
        let no_document = || self.archive.invalid(name, "it is not a JSON document");
        let (file, _) = self.staged.open(&digest)?.ok_or_else(no_document)?;
        let mut bytes = Vec::new();
        let read = file.take(MAX_PUT as u64 + 1).read_to_end(&mut bytes);
        read.map_err(|error| Error::io("read", self.staged.staging.locate(&name_of(&digest)), error))?;
        if bytes.len() > MAX_PUT { Err(no_document()) } else { Ok(bytes) }
    }

    /// A layer of a docker archive by the name that its manifest gives.
    pub(in crate::image) fn find_layer(&mut self, name: &str) -> Result<Layer> {
        match self.find(name)? {
            Named::Layer(layer) => Ok(*layer),
            // In the new form it is a blob under its digest.
            Named::Content(digest) => {
                let not_kept = || {
                    let reason = "a dry run keeps no blob of this size, and can't say what layer it becomes";
                    self.archive.invalid(name, reason)
                };
                let file = match self.staged.open(&digest)? {
                    Some((file, _)) => file,
                    None => self.in_tree(digest)?.ok_or_else(not_kept)?,
                };
                let layer = self.stage_layer(name, file)?;
                self.staged.files.insert(fingerprint(name), Named::Layer(Box::new(layer)));
                Ok(layer)
            }
            Named::Link(_) => Err(self.archive.invalid(name, "it is not a layer")),
        }
    }

    /// Opens content that was not staged because the tree has it.
    fn in_tree(&self, digest: Digest) -> Result<Option<File>> {
        let is_there = self.staged.content(&digest).is_some_and(|content| content.is_in_tree);
        let Some(writer) = self.how.writer.filter(|_| is_there) else { return Ok(None) };
        writer.tree().open_file(&Entry::Blob(digest).path())
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
        Err(self.archive.invalid(name, "it is a dangling link"))
    }
}

fn buffered<R: Read>(source: R) -> BufReader<R> {
    BufReader::with_capacity(stream::BUFFER, source)
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
