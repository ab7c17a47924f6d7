//! Garbage collection: [`plan()`] decides what to remove, and changes nothing; [`sweep()`] removes it.
//!
//! # The plan: what is needed
//!
//! 1. A scan reads all links and manifests of the tree. Content that the tree needs and that is in the
//!    [quarantine](crate::quarantine) counts as present: the sweep puts it back first.
//! 2. **When in doubt, regtree keeps.** Where links may be hidden, no content is removed at all. A repository in which
//!    something can't be followed keeps everything that it links.
//! 3. Links and content that changed within [`Options::min_age`] are kept, with everything that they reference: another
//!    process may be about to use them.
//! 4. Marking starts from the roots and follows every reference. The roots are what steps 2 and 3 keep, what
//!    [`Options::keep`] names, and every manifest of every repository; with [`Options::delete_untagged`] only the
//!    manifests that tags point to.
//! 5. The plan lists everything that was not marked: links first, then content, old uploads and empty directories.
//!
//! A [`Plan`] owns its options, its scan and its limits. [`Plan::explain`] says why content is kept. [`Plan::check`]
//! refuses a plan that looks like a mistake.
//!
//! # The sweep: three looks
//!
//! 1. The sweep puts back content from the quarantine, reads the repositories again in full, and decides again. It skips
//!    what is needed by now. Directory times would not do: old registries rewrite links in place.
//! 2. It removes links. Before it removes the first blob, it reads the repositories and decides once more: a blob must
//!    be unneeded in the plan and in both later decisions.
//! 3. It looks at each link, blob, upload and directory right before it removes that, and skips what is young by then
//!    or has changed.
//!
//! # What a crash leaves
//!
//! **Links are removed, and that is on the disk, before content is removed.** So a crash leaves garbage for the next
//! run, and never a link without content. When a link can't be removed, no content is removed either.
//!
//! # The race that is left
//!
//! The sweep holds the tree's lock alone, but a registry takes no lock. When a registry runs nevertheless, and tells a
//! client in the moment after the last look that an old layer is already there, that layer can still be lost. Only a
//! registry that is stopped or read-only rules that out.

mod action;
mod age;
mod dangling;
mod disposal;
mod doubt;
mod empty;
mod explain;
mod foresee;
mod history;
mod kept;
mod plan;
mod removal;
mod safety;
mod sparse;
mod sweep;
mod unlinked;
mod unread;
mod untagged;
mod uses;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub use action::{Action, Finding, Kind};
pub use dangling::DanglingTags;
pub use explain::{Fate, Reason, Step};
pub(crate) use foresee::{Foresight, Freeable, TagOf};
pub use kept::{Kept, KeptReferrers};
pub use plan::{Plan, plan};
pub use sparse::UnlinkedChildren;
pub use sweep::{Did, Swept, sweep};
pub use untagged::Untagged;
pub(crate) use uses::{Needs, uses};

use crate::digest::Digest;
use crate::error::Result;
use crate::finding::is_in_future;
pub use crate::limit::Limit;
use crate::pattern::{Pattern, Patterns};
use crate::reach::Policy;
use crate::scan::{Doubt, Scan};
use crate::upload::Upload;

/// What to collect.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
#[non_exhaustive]
pub struct Options {
    /// The time from which ages are counted.
    pub now: jiff::Timestamp,
    /// Everything that is younger is kept, with what it references; zero turns that off.
    pub min_age: Duration,
    /// Whether to remove manifests that no tag leads to.
    pub delete_untagged: bool,
    /// Whether to remove tags that were made for a manifest which is removed, or which was in the tree once and is gone,
    /// such as those of its signatures.
    pub delete_dangling_referrers: bool,
    /// Whether to remove tags whose manifest their repository does not link. Otherwise such a tag keeps the manifest,
    /// while that is whole.
    pub delete_dangling_tags: bool,
    /// Whether an index may have children that are missing. A child that no repository links is removed then, with what
    /// only that needs.
    pub allow_sparse_indexes: bool,
    /// Content to keep, with what it references.
    pub keep: HashSet<Digest>,
    /// How old an upload must be to be removed; `None` keeps them all.
    pub uploads_older_than: Option<Duration>,
    /// Whether to keep repositories with nothing in them.
    pub keep_empty_repositories: bool,
    /// Whether to move to the [quarantine](crate::quarantine) instead of removing for good.
    pub quarantine: bool,
    /// How much content may be removed. `None` allows up to 19 blobs, up to 99 with at most nine tenths of all bytes,
    /// and any number with at most half of them.
    pub max_delete: Option<Limit>,
    /// Whether to remove content even when nothing needs any of the tree's content.
    pub allow_rootless: bool,
    /// The repositories to remove from; without patterns that is all of them.
    pub only: Patterns,
    /// Whether something was kept because its time is in the future.
    pub(crate) future: Arc<AtomicBool>,
}

impl Options {
    /// The usual age below which everything is kept. Below it, what a registry has just answered for may go.
    pub(crate) const MIN_AGE: Duration = Duration::from_hours(24);
    /// The usual age from which uploads are removed.
    pub(crate) const UPLOAD_AGE: Duration = Duration::from_hours(7 * 24);

    /// The options of a plain run at `now`.
    pub fn new(now: jiff::Timestamp) -> Self {
        Self {
            now,
            min_age: Self::MIN_AGE,
            delete_untagged: false,
            delete_dangling_referrers: false,
            delete_dangling_tags: false,
            allow_sparse_indexes: false,
            keep: HashSet::new(),
            uploads_older_than: Some(Self::UPLOAD_AGE),
            keep_empty_repositories: false,
            quarantine: false,
            max_delete: None,
            allow_rootless: false,
            only: Patterns::default(),
            future: Arc::default(),
        }
    }

    /// Whether something that changed at `modified` is young. A time in the future is young.
    fn is_young(&self, modified: jiff::Timestamp) -> bool {
        if self.min_age.is_zero() {
            return false;
        }
        self.note(modified);
        // An age that reaches before all representable times keeps everything.
        self.now.checked_sub(self.min_age).ok().is_none_or(|limit| modified > limit)
    }

    /// Whether an upload is over: cancelled, or begun too long ago.
    fn is_over(&self, upload: &Upload) -> bool {
        let limit = self.uploads_older_than.and_then(|age| self.now.checked_sub(age).ok());
        upload.since().into_iter().for_each(|since| self.note(since));
        upload.cancelled || upload.since().zip(limit).is_some_and(|(since, limit)| since < limit)
    }

    fn note(&self, time: jiff::Timestamp) {
        if is_in_future(time, self.now) {
            self.future.store(true, Ordering::Relaxed);
        }
    }

    /// Whether something that would be removed if it were old has a time in the future.
    pub(crate) fn saw_future(&self) -> bool {
        self.future.load(Ordering::Relaxed)
    }

    /// The rules by which a collection decides what is needed.
    fn policy(&self) -> Policy<'_> {
        let Self { delete_untagged, delete_dangling_referrers, delete_dangling_tags, allow_sparse_indexes, .. } = *self;
        let (only, keep) = (&self.only, &self.keep);
        Policy { delete_untagged, delete_dangling_referrers, allow_sparse_indexes, delete_dangling_tags, only, keep }
    }
}

/// Returns `Err(NoMatch)` when a pattern matches no repository, unless a repository that it matches may be hidden.
fn check_patterns(scan: &Scan, options: &Options) -> Result<()> {
    let is_hidden = scan.damage.iter().any(|damage| damage.doubt == Doubt::Tree);
    let matches = |pattern: &Pattern| scan.repositories.iter().any(|repository| pattern.is_match(repository.text()));
    options.only.check(|pattern| is_hidden || matches(pattern))
}
