//! Counts what is kept.

use std::collections::HashSet;

use serde::Serialize;

use super::action::{Action, Kind};
use crate::layout::TreePath;
use crate::scan::Scan;

/// How much a plan keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Kept {
    /// Repositories.
    pub repositories: u64,
    /// Manifests of repositories.
    pub revisions: u64,
    /// Tags.
    pub tags: u64,
    /// Links to layers.
    pub layer_links: u64,
    /// Blobs, of any kind.
    pub blobs: u64,
    /// Blobs that are kept only because they are young, or because what needs them is: with
    /// [`min_age`](super::Options::min_age) zero they would be removed.
    pub young_blobs: u64,
    /// The bytes of these blobs.
    pub young_bytes: u64,
    /// Unfinished uploads; none of them is counted where all are to be kept.
    pub uploads: u64,
    /// The bytes of these uploads.
    pub upload_bytes: u64,
}

/// What a tree has before a sweep.
pub(super) struct Before {
    kept: Kept,
    /// The directories that are removed as repositories, and are none.
    no_repositories: HashSet<TreePath>,
}

impl Kept {
    /// What is kept, together with what the `planned` removals take.
    pub(super) fn before(self, planned: &[Action], scan: &Scan) -> Before {
        let no_repositories = scan.empty_repositories.iter().cloned().collect();
        let mut before = Before { kept: self, no_repositories };
        before.count(planned, |count, planned| *count += planned);
        before
    }
}

impl Before {
    /// What is left when all in `removed` is gone.
    pub(super) fn without(mut self, removed: &[Action]) -> Kept {
        self.count(removed, |count, gone| *count = count.saturating_sub(gone));
        self.kept
    }

    fn count(&mut self, actions: &[Action], apply: impl Fn(&mut u64, u64)) {
        let Self { kept, no_repositories } = self;
        let is_counted = |action: &&Action| !no_repositories.contains(&action.path);
        let of = |kind: Kind| actions.iter().filter(is_counted).filter(|action| action.kind == kind).count() as u64;
        apply(&mut kept.repositories, of(Kind::Repository));
        apply(&mut kept.revisions, of(Kind::Revision));
        apply(&mut kept.tags, of(Kind::Tag));
        apply(&mut kept.layer_links, of(Kind::LayerLink));
        apply(&mut kept.blobs, of(Kind::Blob));
        apply(&mut kept.uploads, of(Kind::Upload));
        apply(&mut kept.upload_bytes, Kind::Upload.count(actions).1);
    }
}

/// A repository with tags that were made for manifests which are kept elsewhere, such as signatures of images of another
/// registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct KeptReferrers {
    /// Its path.
    pub repository: String,
    /// How many such tags it has.
    pub tags: u64,
}
