//! Looking again at what was found: a registry that runs changes things meanwhile.

use std::collections::HashSet;
use std::time::Duration;

use super::Options;
use super::about_content;
use super::blobs::{self, Blobs, check_signal};
use super::clue::Clue;
use super::eye::Eye;
use super::places;
use super::round::{self, Round};
use crate::error::Result;
use crate::finding::Code;
use crate::layout::{Area, TreePath};
use crate::stream::{Silent, Watch};

/// Longer than a registry takes from one small file to the next.
const PAUSE: Duration = Duration::from_millis(50);

/// Keeps the clues that stand when their repositories, and the fan-outs of their content, are looked at again.
pub(super) fn retain(
    eye: &Eye<'_>,
    blobs: &Blobs<'_>,
    clues: &mut Vec<Clue>,
    first: &Round,
    options: &Options,
    watch: &Watch<'_>,
) -> Result<()> {
    clues.retain(|clue| clue.finding.code != Code::DirectoryEmpty || is_still_empty(eye, clue));
    if clues.iter().all(|clue| clue.finding.code == Code::DirectoryEmpty) {
        return Ok(());
    }
    std::thread::sleep(PAUSE);
    let suspects: HashSet<&str> = clues.iter().filter_map(|clue| clue.finding.repository.as_deref()).collect();
    let concerned = first.repositories.iter().filter(|repository| suspects.contains(repository.text.as_str()));
    let again = concerned.map(|repository| repository.place.clone()).collect();
    let second = round::look(eye, again, blobs, options, watch)?;
    let quiet = Watch { progress: &Silent, interrupt: watch.interrupt.clone() };
    let fan_outs: HashSet<TreePath> = clues.iter().filter_map(fan_out).collect();
    let (fresh, content) = Blobs::walk(eye, Some(&fan_outs), &quiet);
    let content = about_content(eye, &fresh, content, |digest| first.needed.contains(blobs, digest));
    let is_between = |clue: &Clue| clue.finding.repository.is_none() || clue.finding.code == Code::LegacyLayout;
    let between = if clues.iter().any(is_between) { places::find(eye, &watch.interrupt).1 } else { Vec::new() };
    check_signal(&watch.interrupt)?;
    let stands: HashSet<_> = second.clues.iter().chain(&content).chain(&between).map(Clue::mark).collect();
    clues.retain(|clue| clue.finding.code == Code::DirectoryEmpty || stands.contains(&clue.mark()));
    Ok(())
}

fn is_still_empty(eye: &Eye<'_>, clue: &Clue) -> bool {
    let Some(place) = &clue.finding.place else { return true };
    eye.tree.list(place).is_ok_and(|listed| listed.is_some_and(|listed| listed.is_empty()))
}

fn fan_out(clue: &Clue) -> Option<TreePath> {
    let place = clue.finding.place.as_ref().filter(|place| place.area() == Area::Blobs)?;
    blobs::fan_out(place)
}
