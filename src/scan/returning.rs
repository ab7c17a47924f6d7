//! Content that comes back to the tree before anything else is changed in it.

use std::fmt;
use std::fs::File;

use crate::digest::Digest;
use crate::error::Result;
use crate::tree::Tree;

/// Content that the tree lacks, and that a plan takes for the tree's own: it is put into its place first.
pub trait Returning: fmt::Debug + Send + Sync {
    /// What comes back.
    fn digests(&self) -> Vec<Digest>;

    /// How it will be in its place; `None` for content that does not come back.
    fn returned(&self, digest: &Digest) -> Option<Returned>;

    /// Opens it where it is now. `None` when it is gone.
    fn open(&self, tree: &Tree, digest: &Digest) -> Result<Option<File>>;
}

/// How content will be in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Returned {
    /// Its bytes.
    pub size: u64,
    /// The newest time of its file and directory.
    pub newest: jiff::Timestamp,
}

/// Nothing comes back.
#[derive(Clone, Copy, Debug)]
pub struct Nothing;

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
