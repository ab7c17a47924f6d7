//! Looking again at what was found: a registry that runs changes things meanwhile.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::Options;
use super::about_content;
use super::blobs::{self, Blobs};
use super::clue::{Clue, Mark};
use super::eye::Eye;
use super::places;
use super::round::{self, Round};
use crate::error::Result;
use crate::finding::Code;
use crate::layout::{Area, TreePath};
use crate::scan::Nothing;
use crate::stream::{Silent, Watch};

/// How long to wait before each further look where a registry may run. Only what may be in the making is looked at more
/// than once more: small files are synced on their way, which takes a busy disk a while.
pub const PAUSES: [Duration; 4] =
    [Duration::from_millis(50), Duration::from_millis(250), Duration::from_millis(700), Duration::from_secs(2)];
/// What changed so long before the look began may be in the making.
const LATELY: jiff::SignedDuration = jiff::SignedDuration::from_secs(3);
/// What a push in progress leaves for a moment.
const PASSING: [Code; 5] = [
    Code::TemporaryLeftOver,
    Code::TagWithoutCurrent,
    Code::UploadWithoutStartedat,
    Code::RepositoryIncomplete,
    Code::LinkEmpty,
];

/// Looks again at what was found in a first round.
pub(super) struct Again<'a, 't> {
    pub(super) eye: &'a Eye<'t>,
    pub(super) blobs: &'a Blobs<'t>,
    pub(super) first: &'a Round,
    pub(super) options: &'a Options,
    pub(super) watch: &'a Watch<'a>,
}

impl Again<'_, '_> {
    /// Keeps the clues that stand when their repositories, and the fan-outs of their content, are looked at again.
    pub(super) fn retain(&self, clues: &mut Vec<Clue>) -> Result<()> {
        if clues.is_empty() {
            return Ok(());
        }
        for pause in &self.options.pauses {
            std::thread::sleep(*pause);
            self.once(clues)?;
            if !clues.iter().any(|clue| is_in_the_making(self.eye, clue, self.options.now)) {
                break;
            }
        }
        Ok(())
    }

    /// Keeps the clues that stand at one more look.
    pub(super) fn once(&self, clues: &mut Vec<Clue>) -> Result<()> {
        let is_empty = |clue: &Clue| clue.finding.code == Code::DirectoryEmpty;
        clues.retain(|clue| !is_empty(clue) || is_still_empty(self.eye, clue));
        if clues.iter().all(is_empty) {
            return Ok(());
        }
        let stands = self.look(clues)?;
        clues.retain(|clue| is_empty(clue) || stands.contains(&clue.mark()));
        Ok(())
    }

    /// What is found where something was found.
    fn look(&self, clues: &[Clue]) -> Result<HashSet<Mark>> {
        let Self { eye, blobs, first, options, watch } = *self;
        let quiet = Watch { progress: &Silent, interrupt: watch.interrupt.clone() };
        let named = |clue: &'_ Clue| {
            let also = clue.also.iter().map(String::as_str);
            clue.finding.repository().into_iter().chain(also).map(str::to_owned).collect::<Vec<_>>()
        };
        let suspects: HashSet<String> = clues.iter().flat_map(named).collect();
        let concerned = first.repositories.iter().filter(|repository| suspects.contains(&repository.text));
        let again = concerned.map(|repository| repository.place.clone()).collect();
        let second = round::look(eye, again, blobs, options, &quiet)?;
        let fan_outs: HashSet<TreePath> = clues.iter().filter_map(fan_out).collect();
        let (fresh, content) = Blobs::walk(eye, Some(&fan_outs), Arc::new(Nothing), &quiet);
        let content = about_content(eye, &fresh, content, |digest| first.needed.contains(blobs, digest));
        let is_between = |clue: &Clue| clue.finding.repository().is_none() || clue.finding.code == Code::LegacyLayout;
        let between = if clues.iter().any(is_between) { places::find(eye, &watch.interrupt).1 } else { Vec::new() };
        let without = super::without_repositories(eye, blobs)?;
        watch.interrupt.check()?;
        Ok(second.clues.iter().chain(&content).chain(&between).chain(&without).map(Clue::mark).collect())
    }
}

fn is_in_the_making(eye: &Eye<'_>, clue: &Clue, now: jiff::Timestamp) -> bool {
    let parent = clue.finding.place().and_then(|place| place.parent());
    let Some(parent) = parent.filter(|_| PASSING.contains(&clue.finding.code)) else { return false };
    let modified = eye.tree.metadata(&parent).ok().flatten().map(|found| found.modified);
    modified.is_some_and(|modified| now.duration_since(modified) < LATELY)
}

fn is_still_empty(eye: &Eye<'_>, clue: &Clue) -> bool {
    let Some(place) = clue.finding.place() else { return true };
    eye.tree.list(&place).is_ok_and(|listed| listed.is_some_and(|listed| listed.is_empty()))
}

fn fan_out(clue: &Clue) -> Option<TreePath> {
    blobs::fan_out(&clue.finding.place().filter(|place| place.area() == Area::Blobs)?)
}
