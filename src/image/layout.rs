//! Reads an OCI image layout: a directory with `oci-layout`, `index.json`, and content at `blobs/<algorithm>/<hex>`
//! (image-spec, image-layout.md).
//!
//! **A layout may be hostile.** So its index is read up to a limit, content is opened only if it is a regular file, and
//! nothing is taken from it unless it has the digest and the size that its descriptor says.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::whole::Image;
use super::{CONTAINERD_NAME, REF_NAME, REPOSITORY, SIGNATURE_OF, invalid};
use crate::count;
use crate::digest::{Digest, Hasher};
use crate::error::{Error, Result};
use crate::manifest::MAX_PUT;

/// The file that every layout has.
pub(crate) const MARKER: &str = "oci-layout";
/// What is in it.
pub(crate) const MARKER_TEXT: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;
/// The file that names the images.
pub(crate) const INDEX: &str = "index.json";
/// The directory of the content.
pub(crate) const BLOBS: &str = "blobs";

/// The most bytes of an index: some 500 for each image.
pub(super) const INDEX_MAX: u64 = 32 * 1024 * 1024;
/// The most images of an index.
pub(super) const ENTRIES_MAX: usize = 65_536;

/// A layout that is open for reading.
#[derive(Debug)]
pub(crate) struct Layout {
    path: PathBuf,
}

/// An image in the index of a layout.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) digest: Digest,
    /// In bytes.
    pub(crate) size: u64,
    pub(crate) media_type: Option<String>,
    pub(super) ref_name: Option<String>,
    pub(super) containerd_name: Option<String>,
    pub(super) own_repository: Option<String>,
    /// The manifest that it is a signature of, and no image.
    pub(super) signature_of: Option<Digest>,
    /// The entry as it is written, so that what regtree does not know stays as it is.
    pub(super) raw: Option<Box<RawValue>>,
}

/// An image in a layout, as its index describes it.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Listed<'l> {
    /// The name that the layout gives it: a tag, or a reference.
    pub name: Option<&'l str>,
    /// The repository that regtree exported it from.
    pub repository: Option<&'l str>,
    /// The digest of its manifest; `None` for an image of a docker archive, of which no manifest was made yet.
    pub digest: Option<Digest>,
    /// The size of its manifest in bytes.
    pub size: Option<u64>,
    /// The media type of its manifest.
    pub media_type: Option<&'l str>,
}

impl<'l> Listed<'l> {
    pub(super) fn of(entry: &'l Entry) -> Self {
        Self {
            name: entry.containerd_name.as_deref().or(entry.ref_name.as_deref()),
            repository: entry.own_repository.as_deref(),
            digest: Some(entry.digest),
            size: Some(entry.size),
            media_type: entry.media_type.as_deref(),
        }
    }

    /// An image of which only the name is known.
    pub(super) fn named(name: Option<&'l str>) -> Self {
        Self { name, repository: None, digest: None, size: None, media_type: None }
    }
}

#[derive(Deserialize)]
struct IndexDocument {
    #[serde(default)]
    manifests: Entries,
}

/// Entries that are each read as they come, so that a great many malformed ones take no memory.
#[derive(Default)]
struct Entries(Vec<Entry>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Self::default())
    }
}

impl<'de> Visitor<'de> for Entries {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of manifests")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<Self, A::Error> {
        while let Some(raw) = list.next_element::<&RawValue>()? {
            if self.0.len() == ENTRIES_MAX {
                return Err(A::Error::custom(format_args!("it names more than {ENTRIES_MAX} images")));
            }
            let number = self.0.len() + 1;
            let entry = Entry::read(raw);
            self.0.push(entry.map_err(|reason| A::Error::custom(format_args!("entry {number}: {reason}")))?);
        }
        Ok(self)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EntryDocument {
    #[serde(default)]
    media_type: Option<String>,
    digest: String,
    size: u64,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

/// An entry of our own.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Written<'w> {
    pub(super) media_type: &'w str,
    pub(super) digest: Digest,
    pub(super) size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) artifact_type: Option<&'w str>,
    pub(super) annotations: BTreeMap<&'static str, String>,
}

impl Entry {
    /// An image of which only the manifest is known, with its size in bytes.
    pub(super) fn new(digest: Digest, size: u64) -> Self {
        Self {
            digest,
            size,
            media_type: None,
            ref_name: None,
            containerd_name: None,
            own_repository: None,
            signature_of: None,
            raw: None,
        }
    }

    /// An image of a tree.
    pub(super) fn of_image(image: &Image) -> Self {
        Self {
            digest: image.whole.digest,
            size: image.whole.size,
            media_type: Some(image.whole.media_type.clone()),
            ref_name: image.name(),
            containerd_name: None,
            own_repository: Some(image.repository.to_string()),
            signature_of: None,
            raw: None,
        }
    }

    /// Whether anything names it.
    pub(super) fn is_named(&self) -> bool {
        self.ref_name.is_some() || self.containerd_name.is_some() || self.own_repository.is_some()
    }

    /// Its name, or its repository and digest.
    pub(super) fn describe(&self) -> String {
        let repository = self.own_repository.as_deref().unwrap_or_default();
        self.ref_name.clone().unwrap_or_else(|| format!("{repository}@{}", self.digest))
    }

    fn read(raw: &RawValue) -> Result<Self, String> {
        let document: EntryDocument = serde_json::from_str(raw.get()).map_err(|error| error.to_string())?;
        let digest = document.digest.parse().map_err(|error| format!("{:?}: {error}", document.digest))?;
        let mut annotations = document.annotations;
        Ok(Self {
            digest,
            size: document.size,
            media_type: document.media_type,
            ref_name: annotations.remove(REF_NAME),
            containerd_name: annotations.remove(CONTAINERD_NAME),
            own_repository: annotations.remove(REPOSITORY),
            signature_of: annotations.remove(SIGNATURE_OF).and_then(|digest| digest.parse().ok()),
            raw: Some(raw.to_owned()),
        })
    }
}

/// Whether there is a layout at `path`.
pub(crate) fn is_layout(path: &Path) -> bool {
    path.join(MARKER).is_file()
}

/// The path of content in a layout; `None` for a tarsum, which no layout can have.
pub(crate) fn content_path(digest: &Digest) -> Option<PathBuf> {
    let algorithm = digest.algorithm()?;
    Some(Path::new(BLOBS).join(algorithm.name()).join(&*digest.hex()))
}

/// The digest that the path of content names; `None` for any other path.
pub(super) fn digest_of(path: &Path) -> Option<Digest> {
    let mut names = path.strip_prefix(BLOBS).ok()?.iter().map(|name| name.to_str());
    let digest = format!("{}:{}", names.next()??, names.next()??).parse().ok()?;
    (content_path(&digest).as_deref() == Some(path)).then_some(digest)
}

impl Layout {
    /// Opens the layout in the directory `path`. `Err(SourceInvalid)` when there is none.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let layout = Self { path: path.to_owned() };
        if is_layout(path) {
            return Ok(layout);
        }
        std::fs::metadata(path).map_err(|error| Error::io("open", path, error))?;
        Err(layout.invalid(MARKER, "it is missing, so this is not an image layout".to_owned()))
    }

    /// The entries of its index.
    pub(super) fn read_index(&self) -> Result<Vec<Entry>> {
        let path = self.path.join(INDEX);
        let file = open_regular(&path)?;
        let file = file.ok_or_else(|| self.invalid(INDEX, "it is missing".to_owned()))?;
        let failed = |error| Error::io("read", &path, error);
        let size = file.metadata().map_err(failed)?.len();
        // Room for what is read, and not for twice as much. It may grow meanwhile.
        let mut content = Vec::with_capacity(usize::try_from(size.min(INDEX_MAX)).unwrap_or_default() + 1);
        if size <= INDEX_MAX {
            file.take(INDEX_MAX + 1).read_to_end(&mut content).map_err(failed)?;
        }
        if size.max(content.len() as u64) > INDEX_MAX {
            let reason = format!("it has more than the {INDEX_MAX} bytes that are read of an index");
            return Err(self.invalid(INDEX, reason));
        }
        entries(&content).map_err(|reason| self.invalid(INDEX, reason))
    }

    /// Opens content; `None` when the layout does not have it.
    pub(super) fn open_content(&self, digest: &Digest) -> Result<Option<(File, PathBuf)>> {
        let Some(path) = content_path(digest).map(|path| self.path.join(path)) else { return Ok(None) };
        Ok(open_regular(&path)?.map(|file| (file, path)))
    }

    /// The bytes of a manifest. `Err(SourceInvalid)` when they are missing, too many, or have another digest.
    pub(super) fn manifest(&self, digest: Digest) -> Result<Vec<u8>> {
        let entry = format!("manifest {digest}");
        let Some((file, path)) = self.open_content(&digest)? else {
            return Err(self.invalid(&entry, "its content is missing".to_owned()));
        };
        read_manifest(file, &path, digest, |reason| self.invalid(&entry, reason))
    }

    fn invalid(&self, entry: &str, reason: String) -> Error {
        invalid(&self.path, entry, reason)
    }
}

/// The entries of an index, or why it has none.
pub(super) fn entries(content: &[u8]) -> Result<Vec<Entry>, String> {
    let text = std::str::from_utf8(content).map_err(|_| "it is not UTF-8".to_owned())?;
    let document: IndexDocument = serde_json::from_str(text).map_err(|error| error.to_string())?;
    Ok(document.manifests.0)
}

/// Reads a manifest from its file. `invalid` makes the error when it is too large, or has another digest.
pub(super) fn read_manifest(
    file: File,
    path: &Path,
    digest: Digest,
    invalid: impl Fn(String) -> Error,
) -> Result<Vec<u8>> {
    let content = read_bounded(file, path, &invalid)?;
    let mut hasher = Hasher::new(digest.algorithm());
    hasher.update(&content);
    let hashed = hasher.finish();
    let found = digest.algorithm().and_then(|algorithm| hashed.by(algorithm)).unwrap_or_else(|| hashed.canonical());
    if found == digest {
        return Ok(content);
    }
    let size = count::bytes(hashed.size);
    Err(invalid(format!("it does not match its digest: found {found} ({size})")))
}

/// Reads a manifest from its file, whatever its digest. `invalid` makes the error when it is too large.
pub(super) fn read_bounded(file: File, path: &Path, invalid: impl Fn(String) -> Error) -> Result<Vec<u8>> {
    let mut content = Vec::new();
    let read = file.take(MAX_PUT as u64 + 1).read_to_end(&mut content);
    read.map_err(|error| Error::io("read", path, error))?;
    if content.len() > MAX_PUT {
        return Err(invalid(format!("it has more than the {MAX_PUT} bytes that a registry accepts")));
    }
    Ok(content)
}

/// Opens a file. `None` when there is none. Something that is not a regular file is an error, and is not waited for.
pub(crate) fn open_regular(path: &Path) -> Result<Option<File>> {
    let failed = |error: std::io::Error| Error::io("open", path, error);
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR) => return Ok(None),
        Err(errno) => return Err(failed(errno.into())),
    };
    if file.metadata().map_err(failed)?.is_file() {
        return Ok(Some(file));
    }
    Err(failed(std::io::Error::other("it is not a regular file")))
}
