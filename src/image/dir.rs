//! Reads what skopeo calls `dir:`: a directory with one image, whose content lies side by side.
//!
//! - `version` says what the directory is.
//! - `manifest.json` is the manifest or index of the image, `<hex>.manifest.json` one that an index names.
//! - `<hex>` is a config or a layer.
//! - `signature-1` and so on are signatures that skopeo makes, and that a registry has no place for.
//!
//! Nothing in it names the image. It may be as hostile as a layout.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::invalid;
use super::layout::{self, Entry};
use crate::digest::{Algorithm, Digest};
use crate::error::Result;
use crate::manifest::{Kind, Manifest};

const VERSION: &str = "version";
/// What is in it, before a number.
const VERSION_TEXT: &[u8] = b"Directory Transport Version: ";
const MANIFEST: &str = "manifest.json";

/// Such a directory, open for reading.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    /// The image's own manifest.
    digest: Digest,
}

/// Whether there is such a directory at `path`.
pub(super) fn is_directory(path: &Path) -> bool {
    let mut text = Vec::new();
    let version = layout::open_regular(&path.join(VERSION)).ok().flatten();
    let read = version.map(|version| version.take(VERSION_TEXT.len() as u64).read_to_end(&mut text));
    matches!(read, Some(Ok(_))) && text == VERSION_TEXT
}

impl Directory {
    /// Opens the directory at `path`, and returns its image. `Err(SourceInvalid)` when there is none.
    pub(super) fn open(path: &Path) -> Result<(Self, Entry)> {
        let invalid = |entry: &str, reason: &str| invalid(path, entry, reason);
        if !is_directory(path) {
            return Err(invalid(VERSION, "it is missing, or does not say that skopeo wrote the directory"));
        }
        let manifest = path.join(MANIFEST);
        let file = layout::open_regular(&manifest)?.ok_or_else(|| invalid(MANIFEST, "it is missing"))?;
        let bytes = layout::read_bounded(file, &manifest, |reason| super::invalid(path, MANIFEST, reason))?;
        if Manifest::read(&bytes).is_ok_and(|manifest| manifest.kind == Kind::Schema1) {
            let reason = "it is a signed schema1 manifest: put in its layers with blob put, then it with manifest put";
            return Err(invalid(MANIFEST, reason));
        }
        let digest = Digest::of(&bytes);
        Ok((Self { path: path.to_owned(), digest }, Entry::new(digest, bytes.len() as u64)))
    }

    /// The bytes of a manifest. `Err(SourceInvalid)` when they are missing, too many, or have another digest.
    pub(super) fn manifest(&self, digest: Digest) -> Result<Vec<u8>> {
        let entry = format!("manifest {digest}");
        let name = match name_of(&digest) {
            _ if digest == self.digest => Some(MANIFEST.to_owned()),
            name => name.map(|name| format!("{name}.{MANIFEST}")),
        };
        let path = name.map(|name| self.path.join(name));
        let found = path.map(|path| Ok((layout::open_regular(&path)?, path))).transpose()?;
        let Some((Some(file), path)) = found else {
            return Err(invalid(&self.path, entry, "its content is missing"));
        };
        layout::read_manifest(file, &path, digest, |reason| invalid(&self.path, &*entry, reason))
    }

    /// Opens content; `None` when the directory does not have it.
    pub(super) fn open_content(&self, digest: &Digest) -> Result<Option<(File, PathBuf)>> {
        let Some(path) = name_of(digest).map(|name| self.path.join(name)) else { return Ok(None) };
        Ok(layout::open_regular(&path)?.map(|file| (file, path)))
    }
}

/// The file's name of content. skopeo knows only one kind of digest in such a directory.
fn name_of(digest: &Digest) -> Option<String> {
    (digest.algorithm() == Some(Algorithm::Sha256)).then(|| digest.hex().to_string())
}
