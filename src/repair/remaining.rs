//! The errors that remain after a repair, and what helps against them.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::PathBuf;

use super::{Action, Plan};
use crate::digest::Digest;
use crate::error::Result;
use crate::finding::{Code, Finding, Image, REPAIRABLE, Repair, Severity, Subject};
use crate::fsck;
use crate::layout::TreePath;
use crate::stream::Watch;
use crate::tree::Tree;

/// Identifies an error: two checks that find the same error give equal keys.
pub(super) type Key = (Code, PathBuf, Option<String>, Option<Digest>);

pub(super) fn key(finding: &Finding) -> Key {
    (finding.code, finding.path(), finding.tag().map(str::to_owned), finding.digest())
}

/// The errors that a tree has after a repair, as far as it was checked.
#[derive(Debug, Default)]
pub struct Remaining {
    /// All errors.
    pub errors: Vec<Finding>,
    /// The errors that were not there before, or could not be seen.
    pub new: Vec<Finding>,
    /// The tagged images that they hit.
    pub images: BTreeSet<Image>,
    /// The errors for which a reason was given why they stay.
    explained: HashSet<Key>,
    /// What helps against errors whose content was found, or not looked for in the source.
    ways_out: HashMap<Key, Remedy>,
    /// Whether there was a source.
    pub has_source: bool,
}

/// What helps against a remaining error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Remedy {
    /// Its content: push it again, or put it in with `--from`.
    Content,
    /// Naming its code with `--only`.
    Name,
    /// Naming its code with `--only`, with the same source.
    Source,
    /// Setting the tag again.
    SetTag,
    /// Nothing here: a reason was given.
    Explained,
    /// No repair is known.
    None,
}

/// What a plan repairs without being asked to.
struct ByTheWay<'p> {
    /// The directories in which links are written. Those that are missing are made.
    made: HashSet<TreePath>,
    /// The paths that are moved. Everything in them moves too.
    moved: HashSet<&'p TreePath>,
    /// The links that the operator grants, and those of manifests: a child with a link is not missing.
    granted: HashSet<&'p TreePath>,
    linked: HashSet<&'p TreePath>,
}

impl<'p> ByTheWay<'p> {
    fn of(plan: &'p Plan<'_>) -> Self {
        let writes =
            |action: &&Action| matches!(action.repair, Repair::RewriteLink | Repair::LinkRevision | Repair::SetTag);
        let made = plan.actions.iter().filter(writes).flat_map(|action| action.path.ancestors()).collect();
        let paths = |chosen: fn(&Action) -> bool| {
            plan.actions.iter().filter(move |action| chosen(action)).map(|action| &action.path).collect()
        };
        Self {
            made,
            moved: paths(Action::is_move),
            granted: paths(|action| action.also_in.is_some()),
            linked: paths(|action| action.repair == Repair::LinkRevision),
        }
    }

    fn repairs(&self, error: &Finding) -> bool {
        let Some(place) = error.place() else { return false };
        let is_made = error.code == Code::RepositoryIncomplete && self.made.contains(&place);
        let is_linked = error.code == Code::IndexChildMissing && self.linked.contains(&place);
        is_made
            || is_linked
            || self.granted.contains(&place)
            || place.ancestors().any(|path| self.moved.contains(&path))
    }
}

impl Remaining {
    fn of(plan: &Plan<'_>, errors: Vec<Finding>, new: Vec<Finding>) -> Self {
        let images = errors.iter().flat_map(|error| error.images.iter().cloned()).collect();
        let explained = plan.left.iter().map(|left| key(&left.finding)).collect();
        let has_source = plan.options.source.is_some();
        // The source was searched for what was asked for only.
        let is_unsearched = |error: &&Finding| {
            has_source && error.repair == Some(Repair::RefillBlob) && !plan.options.wanted.includes(error.code)
        };
        let unsearched = errors.iter().filter(is_unsearched).map(|error| (key(error), Remedy::Source));
        let ways_out = unsearched.chain(plan.ways_out.clone()).collect();
        Self { errors, new, images, explained, ways_out, has_source }
    }

    /// What remains if everything in the plan is done.
    pub fn expected(plan: &Plan<'_>) -> Self {
        let emptied = plan.until_pushed.iter().cloned().map(|error| error.repaired_by(Repair::RefillBlob));
        let by_the_way = ByTheWay::of(plan);
        let unmended = plan.unmended.iter().filter(|error| !by_the_way.repairs(error)).cloned();
        let mut expected = Self::of(plan, unmended.chain(emptied).collect(), Vec::new());
        let removed: HashSet<(&str, &str)> = plan
            .actions
            .iter()
            .filter(|action| action.repair == Repair::QuarantineTag)
            .filter_map(|action| Some((action.finding.repository()?, action.finding.tag()?)))
            .collect();
        expected.images.retain(|image| !removed.contains(&(&*image.repository, &*image.tag)));
        expected
    }

    /// Checks the whole tree again, because any repository may need what was changed. Nothing is hashed: what only
    /// hashing shows is known from the plan. `Err(Interrupted)` when a signal came.
    pub fn look(tree: &Tree, plan: &Plan<'_>, watch: &Watch<'_>) -> Result<Self> {
        let report = fsck::check(tree, &plan.options.look(None), watch)?;
        let is_error = |finding: &Finding| finding.severity == Severity::Error;
        let mut errors: Vec<Finding> = report.findings.into_iter().filter(is_error).collect();
        let before: HashSet<Key> = plan.unmended.iter().map(key).collect();
        let new = errors.iter().filter(|error| !before.contains(&key(error))).cloned().collect();
        let seen: HashSet<Key> = errors.iter().map(key).collect();
        let freed = plan.actions.iter().filter(|action| action.repair == Repair::FixPermissions);
        let freed: HashSet<&TreePath> = freed.map(|action| &action.path).collect();
        let is_hashed = |error: &&Finding| {
            let is_freed = |place: TreePath| place.ancestors().any(|path| freed.contains(&path));
            error.code == Code::BlobCorrupt || error.code == Code::Unreadable && !error.place().is_some_and(is_freed)
        };
        let hashed = plan.unmended.iter().filter(is_hashed).filter(|error| !seen.contains(&key(error)));
        errors.extend(hashed.cloned());
        let mut remaining = Self::of(plan, errors, new);
        // What was planned and is still there failed, or was outdated: both were reported.
        remaining.explained.extend(plan.actions.iter().map(|action| key(&action.finding)));
        Ok(remaining)
    }

    /// The images that lack content which nothing in the tree or in a source replaces.
    pub fn lacking(&self) -> BTreeSet<&Image> {
        use Code::{BlobMissing, IndexChildMissing, ManifestMissing, ReferenceDeleted, ReferenceMissing};
        let is_lacking = |error: &&Finding| {
            let lacks = matches!(
                error.code,
                BlobMissing | IndexChildMissing | ManifestMissing | ReferenceDeleted | ReferenceMissing
            );
            match self.remedy(error) {
                Remedy::Content => true,
                Remedy::Explained | Remedy::None => lacks && error.repair.is_none(),
                Remedy::Name | Remedy::Source | Remedy::SetTag => false,
            }
        };
        let lacking = self.errors.iter().filter(is_lacking).flat_map(|error| &error.images);
        lacking.filter(|image| self.images.contains(*image)).collect()
    }

    /// What helps against one of the errors.
    pub fn remedy(&self, error: &Finding) -> Remedy {
        if let Some(remedy) = self.ways_out.get(&key(error)) {
            return *remedy;
        }
        match error.repair {
            Some(Repair::RefillBlob) => Remedy::Content,
            None if matches!(error.subject, Subject::Tag(..)) && error.code != Code::TagDangling => Remedy::SetTag,
            _ if self.explained.contains(&key(error)) => Remedy::Explained,
            Some(_) if REPAIRABLE.contains(&error.code) => Remedy::Name,
            _ => Remedy::None,
        }
    }
}
