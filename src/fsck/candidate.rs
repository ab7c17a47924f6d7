//! A finding before it is told: with what it keeps from being served.

use std::path::PathBuf;

use crate::digest::Digest;
use crate::finding::{Code, Finding};
pub(super) use crate::judge::Blocks;
use crate::layout::{Area, Entry, TreePath};

/// What was seen.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) finding: Finding,
    pub(super) blocks: Blocks,
    /// Other repositories in which it was come upon: the first may go before it is looked for again.
    pub(super) also: Vec<String>,
}

/// Whether content of that name lies below `place`.
pub(super) fn is_below(place: &TreePath, digest: &Digest) -> bool {
    Entry::Blob(*digest).path().is_within(place)
}

/// What makes two clues the same, though they were come upon at different times.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Mark(Code, PathBuf, Option<String>, Option<Digest>, Option<Digest>);

impl Candidate {
    pub(super) fn new(finding: Finding, blocks: Blocks) -> Self {
        Self { finding, blocks, also: Vec::new() }
    }

    pub(super) fn mark(&self) -> Mark {
        let finding = &self.finding;
        // Any manifest that needs it says of content what there is to say.
        let manifest = finding.manifest().filter(|_| !self.is_content());
        Mark(finding.code, finding.path(), finding.tag().map(str::to_owned), finding.digest(), manifest)
    }

    /// The directory below `repositories/` of which nobody can tell what repositories it holds, if it is about such.
    pub(super) fn hides_repositories(&self) -> Option<TreePath> {
        use Code::{Permissions, RepositoriesMissing, Symlink, Unreadable};
        let hides = matches!(self.finding.code, Unreadable | Permissions | Symlink | RepositoriesMissing);
        self.finding.place().filter(|place| hides && place.area() == Area::Repositories)
    }

    pub(super) fn is_content(&self) -> bool {
        self.finding.place().is_some_and(|place| place.area() == Area::Blobs)
    }
}
