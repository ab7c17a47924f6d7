//! Describes content that will be put back into the tree before anything else is changed in it.

use std::fmt;
use std::fs::File;

use crate::digest::Digest;
use crate::error::Result;
use crate::tree::Tree;

/// Content that the tree lacks and that a plan counts as present, because it is put back first.
pub(crate) trait Returning: fmt::Debug + Send + Sync {
    /// The digests of the content that will be put back.
    fn digests(&self) -> Vec<Digest>;

    /// The size and time of the content when it is in its place; `None` for content that is not put back.
    fn returned(&self, digest: &Digest) -> Option<Returned>;

    /// Opens the content where it is now. `None` when it is gone.
    fn open(&self, tree: &Tree, digest: &Digest) -> Result<Option<File>>;
}

/// The size and time of content when it is in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Returned {
    /// Its size in bytes.
    pub size: u64,
    /// The newest time of its file and directory.
    pub newest: jiff::Timestamp,
}

/// No content is put back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nothing;

impl Returning for Nothing {
    fn digests(&self) -> Vec<Digest> {
        Vec::new()
    }

    fn returned(&self, _: &Digest) -> Option<Returned> {
        None
    }

    fn open(&self, _: &Tree, _: &Digest) -> Result<Option<File>> {
        Ok(None)
    }
}
