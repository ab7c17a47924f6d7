//! What a collection would free.

use crate::error::{Error, Result};
use crate::gc::{self, Kept, Kind, Options};
use crate::registry::Registry;
use crate::stream::Watch;

/// What a collection would free, by its plan.
#[derive(Debug)]
pub(crate) struct Collection {
    /// Whether it deletes untagged manifests.
    pub(crate) delete_untagged: bool,
    /// How many of each kind it removes, and how many bytes with them.
    pub(crate) removed: Vec<(Kind, (u64, u64))>,
    /// How much it keeps.
    pub(crate) kept: Kept,
    /// Why it would be refused, if it would.
    pub(crate) refusal: Option<String>,
    /// Whether it keeps anything because that can't be followed or read.
    pub(crate) is_doubtful: bool,
}

impl Collection {
    /// Plans a collection with the usual ages. Nothing is removed.
    pub(super) fn plan(
        registry: &Registry,
        now: jiff::Timestamp,
        delete_untagged: bool,
        watch: &Watch<'_>,
    ) -> Result<Self> {
        let plan = gc::plan(registry.tree(), Options { delete_untagged, ..Options::new(now) }, watch)?;
        let removed = Kind::ALL.map(|kind| (kind, plan.count(kind)));
        let is_doubtful = plan.is_doubtful() || plan.is_partial() || !plan.recall.damage.is_empty();
        let refused = registry.check_database();
        let refused = if delete_untagged { refused.and_then(|()| registry.check_tags()) } else { refused };
        let refusal = match refused.and_then(|()| plan.check(registry.tree())) {
            Ok(()) => None,
            Err(refusal @ (Error::InDatabase { .. } | Error::SafetyLimit { .. })) => Some(refusal.to_string()),
            Err(error) => return Err(error),
        };
        Ok(Self { delete_untagged, removed: removed.to_vec(), kept: plan.kept, refusal, is_doubtful })
    }

    /// The bytes of all that it removes.
    pub(crate) fn bytes(&self) -> u64 {
        self.removed.iter().map(|(_, (_, bytes))| bytes).sum()
    }
}
