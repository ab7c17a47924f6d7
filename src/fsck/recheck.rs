//! Looks up again what was found, because a running registry changes the tree meanwhile.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::Options;
use super::about_content;
use super::blobs::{self, Blobs};
use super::candidate::{Candidate, Mark};
use super::find;
use super::inspect::Inspector;
use super::pass::{self, Pass};
use crate::error::{Error, Result};
use crate::finding::{Code, Severity};
use crate::layout::{Area, TreePath};
use crate::scan::Nothing;
use crate::stream::{Silent, Watch};
use crate::tree::Moment;

/// The pauses before each further look where a registry may run. There is one look in any case. The others follow only
/// while something that was found may be in the making: small files are synced one after the other, which takes a while
/// on a busy disk.
pub(crate) const PAUSES: [Duration; 4] =
    [Duration::from_millis(50), Duration::from_millis(250), Duration::from_millis(700), Duration::from_secs(2)];
/// What changed within this time before the check may be in the making.
const LATELY: jiff::SignedDuration = jiff::SignedDuration::from_secs(3);
/// The codes of what a push in progress leaves for a moment.
const PASSING: [Code; 5] = [
    Code::TemporaryLeftOver,
    Code::TagWithoutCurrent,
    Code::UploadWithoutStartedat,
    Code::RepositoryIncomplete,
    Code::LinkEmpty,
];

/// Looks up again what a first pass found.
pub(super) struct Recheck<'a, 't> {
    pub(super) inspector: &'a Inspector<'t>,
    pub(super) blobs: &'a Blobs<'t>,
    pub(super) first: &'a Pass,
    pub(super) options: &'a Options,
    pub(super) watch: &'a Watch<'a>,
    /// When the check began.
    pub(super) moment: Moment,
}

impl Recheck<'_, '_> {
    /// Keeps the candidates that are found again when their repositories, and the fan-outs of their content, are read
    /// again.
    pub(super) fn retain(&self, candidates: &mut Vec<Candidate>) -> Result<()> {
        if candidates.is_empty() {
            return Ok(());
        }
        for pause in &self.options.pauses {
            std::thread::sleep(*pause);
            self.once(candidates)?;
            if !candidates.iter().any(|candidate| is_in_the_making(self.inspector, candidate, self.options.now)) {
                break;
            }
        }
        Ok(())
    }

    /// Keeps the candidates that one more look finds.
    pub(super) fn once(&self, candidates: &mut Vec<Candidate>) -> Result<()> {
        let is_empty = |candidate: &Candidate| candidate.finding.code == Code::DirectoryEmpty;
        candidates.retain(|candidate| !is_empty(candidate) || is_still_empty(self.inspector, candidate));
        let passing: Vec<&Candidate> = candidates.iter().filter(|candidate| may_pass(candidate)).collect();
        if passing.is_empty() {
            return Ok(());
        }
        let tree = self.inspector.tree;
        let before: HashSet<PathBuf> = paths(&tree.unread_since(self.moment));
        let stands = self.look(&passing)?;
        // What could not be looked up again is not gone.
        let failed = paths(&tree.unread_since(self.moment));
        if failed.iter().all(|path| path.ancestors().any(|above| before.contains(above))) {
            candidates.retain(|candidate| !may_pass(candidate) || stands.contains(&candidate.mark()));
        }
        Ok(())
    }

    /// The marks of everything that is found where the candidates were found.
    fn look(&self, candidates: &[&Candidate]) -> Result<HashSet<Mark>> {
        let Self { inspector, blobs, first, options, watch, .. } = *self;
        let quiet = Watch { progress: &Silent, interrupt: watch.interrupt.clone() };
        let named = |candidate: &&Candidate| {
            let also = candidate.also.iter().map(String::as_str);
            candidate.finding.repository().into_iter().chain(also).map(str::to_owned).collect::<Vec<_>>()
        };
        let suspects: HashSet<String> = candidates.iter().flat_map(named).collect();
        let concerned = first.repositories.iter().filter(|repository| suspects.contains(&repository.text));
        let again = concerned.map(|repository| repository.place.clone()).collect();
        let second = pass::look(inspector, again, blobs, options, &quiet)?;
        let fan_outs: HashSet<TreePath> = candidates.iter().filter_map(|candidate| fan_out(candidate)).collect();
        let (fresh, content) = Blobs::walk(inspector, Some(&fan_outs), Arc::new(Nothing), &quiet);
        let content = about_content(inspector, &fresh, content, |digest| first.needed.contains(blobs, digest));
        let is_between = |candidate: &&Candidate| {
            candidate.finding.repository().is_none() || candidate.finding.code == Code::LegacyLayout
        };
        let between =
            if candidates.iter().any(is_between) { find::find(inspector, &watch.interrupt).1 } else { Vec::new() };
        let without = super::without_repositories(inspector, blobs)?;
        let beside = super::beside_the_areas(inspector)?;
        watch.interrupt.check()?;
        Ok(second
            .candidates
            .iter()
            .chain(&content)
            .chain(&between)
            .chain(&without)
            .chain(&beside)
            .map(Candidate::mark)
            .collect())
    }
}

fn paths(errors: &[Error]) -> HashSet<PathBuf> {
    errors.iter().filter_map(|error| error.path().map(Path::to_owned)).collect()
}

/// Whether a finding may be gone a moment later because another process is at work. What is only worth knowing is not
/// looked up again: that would read every repository twice in which one upload was left.
fn may_pass(candidate: &Candidate) -> bool {
    candidate.finding.severity != Severity::Info || PASSING.contains(&candidate.finding.code)
}

fn is_in_the_making(inspector: &Inspector<'_>, candidate: &Candidate, now: jiff::Timestamp) -> bool {
    let parent = candidate.finding.place().and_then(|place| place.parent());
    let Some(parent) = parent.filter(|_| PASSING.contains(&candidate.finding.code)) else { return false };
    let modified = inspector.tree.metadata(&parent).ok().flatten().map(|found| found.modified);
    modified.is_some_and(|modified| now.duration_since(modified) < LATELY)
}

fn is_still_empty(inspector: &Inspector<'_>, candidate: &Candidate) -> bool {
    let Some(place) = candidate.finding.place() else { return true };
    inspector.tree.list(&place).is_ok_and(|listed| listed.is_some_and(|listed| listed.is_empty()))
}

fn fan_out(candidate: &Candidate) -> Option<TreePath> {
    blobs::fan_out(&candidate.finding.place().filter(|place| place.area() == Area::Blobs)?)
}
