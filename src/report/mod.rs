//! Puts together what a page about a whole tree shows: where the space is, and what is wrong.
//!
//! **No figure is computed here**: the sums are those of [`du`], what a collection frees is the plan of
//! [`gc`], and the findings are those of [`fsck`], without hashing content. This room only groups
//! them, so that a tree of any size gives a page that a person can look at.

mod collection;
mod health;
mod map;

use std::collections::HashMap;
use std::time::Duration;

pub(crate) use collection::Collection;
pub(crate) use health::{Group, Health};
pub(crate) use map::{Node, NodeKind};

use crate::du::{self, TagUsage, Usage};
use crate::error::Result;
use crate::registry::Registry;
use crate::stream::Watch;

/// How many of the largest layers are shown, with the repositories that share them.
const LAYERS: usize = 25;
/// How many tags are shown: those of which most would be freed.
const TAGS: usize = 25;

/// What a page about a tree shows.
#[derive(Debug)]
pub(crate) struct Report {
    /// Where the space is. Repositories and tags are sorted by what they alone take, the largest first; of the tags only
    /// the first are here.
    pub(crate) usage: Usage,
    /// How many tags each repository has, in the order of the repositories.
    pub(crate) tag_counts: Vec<u64>,
    /// The whole tree, divided: each node has the bytes of its children.
    pub(crate) map: Node,
    /// What a collection would free, without and with the deletion of untagged manifests.
    pub(crate) collections: [Collection; 2],
    /// What is wrong.
    pub(crate) health: Health,
}

impl Report {
    /// Whether anything is wrong enough for an operator to look at it: an error, an image that can't be pulled, or
    /// something that could not be read or followed.
    pub(crate) fn is_bad(&self) -> bool {
        let Health { errors, broken, is_partial, .. } = &self.health;
        let keeps = self.collections.iter().any(|collection| collection.is_doubtful);
        *errors > 0 || !broken.is_empty() || *is_partial || keeps || !self.usage.findings.is_empty()
    }
}

/// Looks at the whole tree. `pauses` are those of [`fsck`](crate::fsck). `Err(Interrupted)` when a signal came.
pub(crate) fn look(
    registry: &Registry,
    now: jiff::Timestamp,
    pauses: Vec<Duration>,
    watch: &Watch<'_>,
) -> Result<Report> {
    let options = du::Options { tags: true, layers: LAYERS, divided: true, ..du::Options::default() };
    let mut usage = du::measure(registry.tree(), options, &|_| true, watch)?;
    let counts = tag_counts(&usage.tags);
    let map = map::of(&usage);
    // A large tree has one share for each tag.
    usage.shares = Vec::new();
    // The rows come sorted by name, and a stable sort keeps that order among equal rows.
    usage.repositories.sort_by_key(|row| std::cmp::Reverse((row.amount.unique, row.amount.total)));
    usage.tags.sort_by_key(|row| std::cmp::Reverse((row.amount.unique, row.amount.total)));
    usage.tags.truncate(TAGS);
    let tag_counts = usage.repositories.iter().map(|row| counts.get(&row.name).copied().unwrap_or_default()).collect();
    let collections = [false, true].map(|untagged| Collection::plan(registry, now, untagged, watch));
    let [plain, untagged] = collections;
    let health = Health::look(registry.tree(), now, pauses, watch)?;
    Ok(Report { usage, tag_counts, map, collections: [plain?, untagged?], health })
}

/// How many tags each repository has.
fn tag_counts(tags: &[TagUsage]) -> HashMap<String, u64> {
    let mut counts = HashMap::new();
    for tag in tags {
        *counts.entry(tag.repository.clone()).or_default() += 1;
    }
    counts
}
