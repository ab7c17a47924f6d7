//! A finding that is not confirmed yet, and what it makes unavailable.

use std::path::PathBuf;

use crate::digest::Digest;
use crate::finding::{Code, Finding};
pub(super) use crate::judge::Blocks;
use crate::layout::{Area, Entry, TreePath};

/// A finding that may still go away when it is looked up again.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) finding: Finding,
    pub(super) blocks: Blocks,
    /// The other repositories in which it was found: the first may be gone before it is looked up again.
    pub(super) also: Vec<String>,
}

/// Whether the place of the content `digest` is below `place`.
pub(super) fn is_below(place: &TreePath, digest: &Digest) -> bool {
    Entry::Blob(*digest).path().is_within(place)
}

/// Identifies a candidate: two passes that find the same fault give equal marks.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Mark(Code, PathBuf, Option<String>, Option<Digest>, Option<Digest>);

impl Candidate {
    pub(super) fn new(finding: Finding, blocks: Blocks) -> Self {
        Self { finding, blocks, also: Vec::new() }
    }

    pub(super) fn mark(&self) -> Mark {
        let finding = &self.finding;
        // A finding about content is the same whichever manifest needs the content.
        let manifest = finding.manifest().filter(|_| !self.is_content());
        Mark(finding.code, finding.path(), finding.tag().map(str::to_owned), finding.digest(), manifest)
    }

    /// The directory below `repositories/` that may contain repositories which can't be seen, if this is about one.
    pub(super) fn hides_repositories(&self) -> Option<TreePath> {
        use Code::{Permissions, RepositoriesMissing, Symlink, Unreadable};
        let hides = matches!(self.finding.code, Unreadable | Permissions | Symlink | RepositoriesMissing);
        self.finding.place().filter(|place| hides && place.area() == Area::Repositories)
    }

    pub(super) fn is_content(&self) -> bool {
        self.finding.place().is_some_and(|place| place.area() == Area::Blobs)
    }
}
