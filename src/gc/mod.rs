//! Garbage collection: a plan that can be read, and a sweep that can be trusted.
//!
//! A [scan](crate::scan) says what is there, and what the [quarantine](crate::quarantine) gives back. **Marking** follows everything that is in use from its roots: every
//! manifest of every repository, or with [`Options::delete_untagged`] what tags point to; and whatever is young, for
//! somebody may be about to use it. **Planning** lists what is left, links before content. A [`Plan`] owns its options, its
//! scan and its limits: it explains itself, and refuses to be swept when it looks like a mistake. The **sweep** takes it,
//! puts back first what the tree needs again, reads the repositories once more, drops from the plan what is needed by now,
//! and removes the rest, looking at each once more.
//!
//! **Doubt keeps.** Where links may be unseen, no content goes at all; a repository in which something can't be followed
//! keeps all that it links.

mod action;
mod age;
mod disposal;
mod doubt;
mod empty;
mod explain;
mod history;
mod plan;
mod safety;
mod sweep;
mod uses;

use std::collections::HashSet;
use std::time::Duration;

pub use action::{Action, Finding, Kind};
pub use explain::{Fate, Reason, Step};
pub use plan::{Kept, Plan, Untagged, plan};
pub use safety::Limit;
pub use sweep::{Did, Swept, sweep};
pub use uses::{Needs, Uses, uses};

use crate::digest::Digest;
use crate::error::Result;
use crate::pattern::{Pattern, Patterns};
use crate::reach::Policy;
use crate::scan::{Doubt, Scan};
use crate::upload::Upload;

/// What to collect.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
pub struct Options {
    /// The time that ages count from.
    pub now: jiff::Timestamp,
    /// Nothing younger goes, and whatever is younger keeps what it references; zero turns that off.
    pub min_age: Duration,
    /// Whether manifests go that no tag leads to.
    pub delete_untagged: bool,
    /// Whether tags go that were made for a manifest which is gone, such as those of its signatures.
    pub delete_dangling_referrers: bool,
    /// Whether an index may have children that are not there.
    pub allow_sparse_indexes: bool,
    /// Content that stays, with what it references.
    pub keep: HashSet<Digest>,
    /// How old an upload must be to go; `None` keeps them all.
    pub uploads_older_than: Option<Duration>,
    /// Whether repositories stay that have nothing in them.
    pub keep_empty_repositories: bool,
    /// Whether what goes is moved to the [quarantine](crate::quarantine).
    pub quarantine: bool,
    /// How much content may be removed; any amount if `None`.
    pub max_delete: Option<Limit>,
    /// Whether content is removed though nothing needs any.
    pub allow_rootless: bool,
    /// The repositories that things may be removed from; all, if there is none.
    pub only: Patterns,
}

impl Options {
    /// What a plain run does at `now`.
    pub fn new(now: jiff::Timestamp) -> Self {
        Self {
            now,
            min_age: Duration::from_hours(24),
            delete_untagged: false,
            delete_dangling_referrers: false,
            allow_sparse_indexes: false,
            keep: HashSet::new(),
            uploads_older_than: Some(Duration::from_hours(7 * 24)),
            keep_empty_repositories: false,
            quarantine: false,
            max_delete: None,
            allow_rootless: false,
            only: Patterns::default(),
        }
    }

    /// Whether something that changed at `modified` is young. What comes from the future is.
    fn is_young(&self, modified: jiff::Timestamp) -> bool {
        // An age that reaches beyond all times keeps everything.
        !self.min_age.is_zero() && self.now.checked_sub(self.min_age).ok().is_none_or(|limit| modified > limit)
    }

    /// Whether an upload is over: cancelled, or begun too long ago.
    fn is_over(&self, upload: &Upload) -> bool {
        let limit = self.uploads_older_than.and_then(|age| self.now.checked_sub(age).ok());
        upload.cancelled || upload.since().zip(limit).is_some_and(|(since, limit)| since < limit)
    }

    /// What a collection takes for needed.
    fn policy(&self) -> Policy<'_> {
        let Self { delete_untagged, delete_dangling_referrers, .. } = *self;
        Policy { delete_untagged, delete_dangling_referrers, only: &self.only, keep: &self.keep }
    }
}

/// `Err(NoMatch)` when one of the patterns matches no repository, and none is hidden that it may match.
fn check_patterns(scan: &Scan, options: &Options) -> Result<()> {
    let is_hidden = scan.damage.iter().any(|damage| damage.doubt == Doubt::Tree);
    let matches = |pattern: &Pattern| scan.repositories.iter().any(|repository| pattern.is_match(repository.text()));
    options.only.check(|pattern| is_hidden || matches(pattern))
}
