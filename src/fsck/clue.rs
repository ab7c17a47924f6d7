//! A finding before it is told: with what it keeps from being served.

use std::path::PathBuf;

use crate::digest::Digest;
use crate::finding::{Code, Finding};

/// What can't be had, so that the images can be found that need it. In the finding's repository, but for content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Cause {
    /// Nothing in particular.
    None,
    /// Content, in the whole tree.
    Blob(Digest),
    /// A layer or config.
    Layer(Digest),
    /// A manifest.
    Revision(Digest),
    /// The finding's tag.
    Tag,
    /// All of the repository.
    Repository,
}

/// What was seen.
#[derive(Clone, Debug)]
pub(super) struct Clue {
    pub(super) finding: Finding,
    pub(super) cause: Cause,
}

/// What makes two clues the same, though they were come upon at different times.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Mark(Code, Option<PathBuf>, Option<String>, Option<Digest>, Option<Digest>);

impl Clue {
    pub(super) fn mark(&self) -> Mark {
        let Finding { code, path, tag, digest, manifest, .. } = &self.finding;
        Mark(*code, path.clone(), tag.clone(), *digest, *manifest)
    }
}
