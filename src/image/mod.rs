//! Images in and out of the tree.
//!
//! A tree's images can be [exported](export()) to an OCI image layout or a docker archive, which skopeo and other tools
//! read, and images can be [imported](import()) from these, or from another tree. Digests stay as they are: a manifest is
//! stored and written byte for byte.
//!
//! - `layout` reads an image layout and its index; `durable` writes it.
//! - `archive` reads a tar archive, `stage` keeps what an import may need of it, and `docker` makes images of a docker
//!   archive.
//! - `dir` reads what skopeo calls `dir:`.
//! - `source` is what images come from, and `reading` says how to read it.
//! - `compression` reads and writes compressed layers and archives.
//! - `nested` finds images in indexes that lie in an index.
//! - `names` decides which repository and tag an image of a layout gets.
//! - `platform` chooses what an image has for some platforms.
//! - `whole` finds all that belongs to an image of the tree.

mod archive;
mod compression;
mod dir;
mod docker;
mod export;
mod import;
pub(crate) mod layout;
mod names;
mod nested;
mod platform;
mod reading;
mod source;
mod stage;
pub(crate) mod transport;
mod whole;

use std::path::Path;

pub use crate::durable::{Leftovers, leftovers};
pub use compression::Compression;
pub use export::{Destination, Export, Exported, Format, Pruned, Selection, export};
pub use import::{Import, Imported, TakenTag, import};
pub use layout::Listed;
pub use names::{Names, Rename, RenameError};
pub use reading::{LAYER_MAX, ReadSource, SourceFormat};
pub use source::Source;

use crate::error::Error;

/// How deep indexes may lie in each other. No registry has a limit, and no tool makes more than a few.
const MAX_DEPTH: usize = 32;

/// The annotation with which regtree notes the repository of an image that it exported.
const REPOSITORY: &str = "io.github.regtree.repository";
/// The annotation with the name of an image: a tag, or a whole reference (image-spec, annotations.md).
const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// The annotation with the whole reference of an image, as containerd and buildx write it.
const CONTAINERD_NAME: &str = "io.containerd.image.name";
/// The annotation of a signature that a registry up to 2.4 stored: the schema1 manifest that it belongs to.
const SIGNATURE_OF: &str = "io.github.regtree.signature-of";
/// The file that names the images of a docker archive.
const DOCKER_MANIFEST: &str = "manifest.json";
/// The file that named them before Docker 1.10: by repository and tag, the topmost layer.
const DOCKER_NAMES: &str = "repositories";

/// An error about an entry of a source: a file, an image or a manifest.
fn invalid(source: &Path, entry: impl Into<String>, reason: impl Into<String>) -> Error {
    Error::SourceInvalid { path: source.to_owned(), entry: entry.into(), reason: reason.into() }
}
