//! What was staged of an archive.

use std::collections::HashMap;
use std::fs::File;
use std::sync::Arc;

use crate::digest::Digest;
use crate::durable::{Identity, Staging};
use crate::error::Result;
use crate::image::compression::Compression;
use crate::image::layout;

/// What an archive has, staged.
#[derive(Debug)]
pub(in crate::image) struct Staged {
    pub(super) staging: Arc<Staging>,
    // In boxes, because a map has more room than it uses.
    pub(super) contents: HashMap<Digest, Box<StagedContent>>,
    /// The files of a docker archive by the fingerprints of their names.
    pub(super) files: HashMap<u128, Named>,
    /// `oci-layout` or `index.json` is there.
    pub(super) is_layout: bool,
    pub(super) index: Option<Vec<layout::Entry>>,
    pub(in crate::image) docker_manifest: Option<Vec<u8>>,
}

/// Content that has its digest.
#[derive(Clone, Copy, Debug)]
pub(in crate::image) struct StagedContent {
    /// The digest under which a tree stores it.
    pub(in crate::image) canonical: Digest,
    /// In bytes.
    pub(in crate::image) size: u64,
    /// The file, if it was staged.
    pub(super) file: Option<Identity>,
    /// Whether it was not staged because the tree has it, and it is right there.
    pub(in crate::image) is_in_tree: bool,
}

/// A file of a docker archive, which is no blob of a layout at the same time.
#[derive(Clone, Debug)]
pub(super) enum Named {
    /// A file that is content as it is.
    Content(Digest),
    Layer(Box<Layer>),
    /// A link to the file of this name.
    Link(u128),
}

/// A layer of a docker archive.
#[derive(Clone, Copy, Debug)]
pub(in crate::image) struct Layer {
    /// The digest of the blob that it became.
    pub(in crate::image) digest: Digest,
    /// The size of that in bytes.
    pub(in crate::image) size: u64,
    /// The SHA-256 of the layer without compression.
    pub(in crate::image) diff_id: Digest,
    pub(in crate::image) compression: Compression,
}

impl Staged {
    pub(super) fn new(staging: Arc<Staging>) -> Self {
        Self {
            staging,
            contents: HashMap::new(),
            files: HashMap::new(),
            is_layout: false,
            index: None,
            docker_manifest: None,
        }
    }

    /// Whether the images are those of an image layout, also where it is a docker archive at the same time.
    pub(in crate::image) fn is_layout(&self) -> bool {
        self.is_layout
    }

    /// What the archive has under a digest.
    pub(in crate::image) fn content(&self, digest: &Digest) -> Option<&StagedContent> {
        self.contents.get(digest).map(|content| &**content)
    }

    /// Opens a staged file for reading and writing, with its identity when it was hashed. `None` where it was not
    /// staged, or was moved to the tree.
    pub(in crate::image) fn open(&self, digest: &Digest) -> Result<Option<(File, Identity)>> {
        let Some(identity) = self.contents.get(digest).and_then(|content| content.file) else { return Ok(None) };
        Ok(self.staging.open_file(&name_of(digest))?.map(|file| (file, identity)))
    }

    pub(in crate::image) fn staging(&self) -> &Staging {
        &self.staging
    }
}

/// The name of a staged file.
pub(in crate::image) fn name_of(digest: &Digest) -> String {
    digest.to_string().replace(':', "-")
}
