//! One look at repositories, from their folders to what their manifests say.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use super::Options;
use super::blobs::{Blobs, check_signal};
use super::clue::{Cause, Clue};
use super::eye::Eye;
use super::hash::{self, Verdict};
use super::judge::{Judge, OtherSize, is_modern};
use super::manifests::{self, Manifests, Read};
use super::repository::{self, Repo};
use crate::digest::Digest;
use crate::error::Result;
use crate::finding::{Code, Finding, Repair, Severity};
use crate::layout::{Area, Entry, Place};
use crate::scan::NameSet;
use crate::stream::{Silent, Watch};

/// What was seen.
pub(super) struct Round {
    pub(super) repositories: Vec<Repo>,
    pub(super) manifests: Manifests,
    pub(super) clues: Vec<Clue>,
    /// The content that manifests need, and they themselves.
    pub(super) needed: Needed,
}

/// Content that is needed.
#[derive(Default)]
pub(super) struct Needed {
    present: NameSet,
    /// What is not there as it should be.
    absent: HashSet<Digest>,
}

impl Needed {
    pub(super) fn contains(&self, blobs: &Blobs<'_>, digest: &Digest) -> bool {
        let present = blobs.names.find(digest).is_some_and(|name| self.present.contains(name));
        present || self.absent.contains(digest)
    }

    fn insert(&mut self, blobs: &Blobs<'_>, digest: &Digest) {
        match blobs.names.find(digest) {
            Some(name) => self.present.insert(name),
            None => self.absent.insert(*digest),
        };
    }
}

/// Looks at the repositories in `places`.
pub(super) fn look(
    eye: &Eye<'_>,
    places: Vec<Place>,
    blobs: &Blobs<'_>,
    options: &Options,
    watch: &Watch<'_>,
) -> Result<Round> {
    let interrupt = &watch.interrupt;
    let (total, done) = (places.len() as u64, AtomicU64::new(0));
    watch.progress.begin("reading repositories", None);
    let read: Vec<_> = places
        .into_par_iter()
        .filter(|_| interrupt.signal().is_none())
        .map(|place| {
            let mut eye = eye.another(None);
            let repository = repository::read(&mut eye, place, options);
            watch.progress.items(done.fetch_add(1, Ordering::Relaxed) + 1, total);
            (repository, eye.clues)
        })
        .collect();
    watch.progress.end();
    let (mut repositories, mut clues) = (Vec::with_capacity(read.len()), Vec::new());
    for (repository, told) in read {
        repositories.push(repository);
        clues.extend(told);
    }
    let manifests = manifests::read(eye.tree, blobs, &repositories, interrupt);
    check_signal(interrupt)?;
    let is_modern = is_modern(&repositories);
    let judged: Vec<_> = repositories
        .par_iter()
        .map(|repository| {
            let judge = Judge::new(eye, repository, blobs, &manifests, is_modern).judge();
            (judge.eye.clues, judge.sizes, judge.needed)
        })
        .collect();
    let mut needed = Needed { present: NameSet::new(&blobs.names), absent: HashSet::new() };
    let linked = |repository: &Repo| repository.revisions.iter().map(|revision| revision.digest).collect::<Vec<_>>();
    repositories.iter().flat_map(linked).for_each(|digest| needed.insert(blobs, &digest));
    let mut sizes = Vec::new();
    for (told, other_sizes, digests) in judged {
        clues.extend(told);
        sizes.extend(other_sizes);
        for digest in &digests {
            needed.insert(blobs, digest);
        }
    }
    clues.extend(compare_sizes(eye, sizes, &manifests, watch)?);
    Ok(Round { repositories, manifests, clues: dedup(clues), needed })
}

/// Says of each size that is another than was stated whether the content or the descriptor is wrong.
fn compare_sizes(eye: &Eye<'_>, sizes: Vec<OtherSize>, manifests: &Manifests, watch: &Watch<'_>) -> Result<Vec<Clue>> {
    let mut by_target: BTreeMap<Digest, Vec<OtherSize>> = BTreeMap::new();
    for size in sizes {
        // What is empty and should not be is told as that.
        if size.found > 0 || size.target == Digest::of(b"") {
            by_target.entry(size.target).or_default().push(size);
        }
    }
    let watch = Watch { progress: &Silent, interrupt: watch.interrupt.clone() };
    let by_target: Vec<_> = by_target.into_iter().collect();
    let told: Vec<Vec<Clue>> = by_target
        .into_par_iter()
        .map_init(
            || vec![0; hash::BUFFER],
            |buffer, (target, sizes)| {
                let verdict = match manifests.get(&target) {
                    Some(Read::Right(_)) => None,
                    _ => Some(hash::verify(eye.tree, target, buffer, &watch)),
                };
                match verdict {
                    None | Some(Verdict::Right(_)) => sizes.into_iter().map(|size| size.clue).collect(),
                    Some(Verdict::Wrong { found, size }) => vec![wrong(eye, target, found, size, &sizes)],
                    // What can't be read is told where it lies.
                    Some(Verdict::Gone | Verdict::Stopped | Verdict::Unreadable(_)) => Vec::new(),
                }
            },
        )
        .collect();
    check_signal(&watch.interrupt)?;
    Ok(told.into_iter().flatten().collect())
}

fn wrong(eye: &Eye<'_>, target: Digest, found: Digest, size: u64, sizes: &[OtherSize]) -> Clue {
    let expected = sizes.iter().filter_map(|other| u64::try_from(other.expected).ok()).max().unwrap_or_default();
    let (code, message) = if size < expected {
        (Code::BlobTruncated, format!("it has {size} of {expected} bytes"))
    } else {
        (Code::BlobCorrupt, format!("its content hashes to {found}"))
    };
    let finding = eye.at(&Entry::Blob(target).path(), code, Severity::Error, message);
    let (expected, found) = (Some(target.to_string()), Some(found.to_string()));
    // Where it was come upon is where it is looked for again.
    let repository = sizes.first().and_then(|other| other.clue.finding.repository.clone());
    let finding = Finding { repository, digest: Some(target), expected, found, ..finding };
    Clue { finding: finding.mended_by(Repair::QuarantineBlob), cause: Cause::Blob(target) }
}

/// Content is told of once, however many repositories have it.
fn dedup(clues: Vec<Clue>) -> Vec<Clue> {
    let is_content = |clue: &Clue| clue.finding.place.as_ref().is_some_and(|place| place.area() == Area::Blobs);
    let truncated: HashSet<_> = clues
        .iter()
        .filter(|clue| clue.finding.code == Code::BlobTruncated)
        .filter_map(|clue| clue.finding.place.clone())
        .collect();
    let mut seen = HashSet::new();
    let mut kept = clues;
    kept.retain(|clue| {
        let finding = &clue.finding;
        let Some(place) = finding.place.as_ref().filter(|_| is_content(clue)) else { return true };
        // How it is corrupt says more.
        if finding.code == Code::BlobCorrupt && truncated.contains(place) {
            return false;
        }
        seen.insert((finding.code, place.clone()))
    });
    kept
}
