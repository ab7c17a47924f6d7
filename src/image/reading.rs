//! How to read a source: what it is, and what becomes of an archive.

use super::compression::Compression;
use crate::durable::Writer;
use crate::named::named;
use crate::stream::Watch;

/// The most bytes of a layer of an archive, unless the caller says otherwise: 100 GiB.
pub const LAYER_MAX: u64 = 100 * 1024 * 1024 * 1024;

named! {
    /// What a source is.
    #[non_exhaustive]
    pub enum SourceFormat {
        /// An OCI image layout, in a directory or a tar archive.
        Oci = "oci",
        /// What `docker save` writes.
        DockerArchive = "docker-archive",
        /// What skopeo calls `dir:`.
        Dir = "dir",
        /// The root of a registry's tree.
        Tree = "tree",
    }
}

/// How to read a source.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ReadSource<'r> {
    /// What it is, if that is not to be recognised by its content.
    pub format: Option<SourceFormat>,
    /// How to compress the layers of a docker archive.
    pub compression: Compression,
    /// The most bytes of a layer of an archive, without compression.
    pub layer_max: u64,
    /// Whether content of an archive that the tree has already is not read there, but compared by its size.
    pub trust_existing: bool,
    /// Changes the tree into which the images of an archive are imported. Without it, only manifests and configs are
    /// kept, in a temporary directory, and sizes.
    pub writer: Option<&'r Writer<'r>>,
    /// Whether only the names are asked for.
    pub only_names: bool,
    /// Where progress is reported, and what can stop it.
    pub watch: &'r Watch<'r>,
}

impl<'r> ReadSource<'r> {
    /// The way to read a source without changes to a tree.
    pub fn new(watch: &'r Watch<'r>) -> Self {
        Self {
            format: None,
            compression: Compression::Gzip,
            layer_max: LAYER_MAX,
            trust_existing: false,
            writer: None,
            only_names: false,
            watch,
        }
    }
}
