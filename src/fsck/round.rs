//! One look at repositories, from their folders to what their manifests say.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use super::Options;
use super::blobs::Blobs;
use super::clue::{Blocks, Clue, lies_below};
use super::eye::Eye;
use super::judge::{Judge, is_modern};
use super::manifests::{self, Manifests};
use super::repository::{self, Repo};
use crate::digest::Digest;
use crate::error::Result;
use crate::finding::Code;
use crate::judge::content::{self, Stored};
use crate::judge::manifest::Read;
use crate::judge::references::OtherSize;
use crate::layout::{Place, TreePath};
use crate::scan::DigestSet;
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
    present: DigestSet,
    /// What is not there as it should be.
    absent: HashSet<Digest>,
}

impl Needed {
    pub(super) fn contains(&self, blobs: &Blobs<'_>, digest: &Digest) -> bool {
        let present = blobs.digests.find(digest).is_some_and(|name| self.present.contains(name));
        present || self.absent.contains(digest)
    }

    /// Whether some of it should lie below `place`, and is not there as it should be.
    pub(super) fn is_any_below(&self, place: &TreePath) -> bool {
        self.absent.iter().any(|digest| lies_below(place, digest))
    }

    fn insert(&mut self, blobs: &Blobs<'_>, digest: &Digest) {
        match blobs.digests.find(digest) {
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
    let manifests = manifests::read(blobs, &repositories, interrupt);
    interrupt.check()?;
    let is_modern = is_modern(&repositories);
    let judged: Vec<_> = repositories
        .par_iter()
        .map(|repository| {
            let judge = Judge::new(eye, repository, blobs, &manifests, is_modern).judge();
            (judge.eye.clues, judge.sizes, judge.needed)
        })
        .collect();
    let mut needed = Needed { present: DigestSet::new(&blobs.digests), absent: HashSet::new() };
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
    clues.extend(compare_sizes(eye, blobs, sizes, &manifests, watch)?);
    Ok(Round { repositories, manifests, clues: dedup(clues), needed })
}

/// Says of each size that is another than was stated whether the content or the descriptor is wrong.
fn compare_sizes(
    eye: &Eye<'_>,
    blobs: &Blobs<'_>,
    sizes: Vec<OtherSize>,
    manifests: &Manifests,
    watch: &Watch<'_>,
) -> Result<Vec<Clue>> {
    let mut by_target: BTreeMap<Digest, Vec<OtherSize>> = BTreeMap::new();
    for size in sizes {
        by_target.entry(size.target).or_default().push(size);
    }
    let watch = Watch { progress: &Silent, interrupt: watch.interrupt.clone() };
    let by_target: Vec<_> = by_target.into_iter().collect();
    let told: Vec<Vec<Clue>> = by_target
        .into_par_iter()
        .map_init(
            || vec![0; content::BUFFER],
            |buffer, (target, sizes)| {
                let stored = match manifests.get(&target) {
                    Some(Read::Right(_)) => Stored::Right,
                    // That is reported where the manifest is judged.
                    Some(Read::Wrong(_)) => return Vec::new(),
                    None if blobs.is_returning(&target) => Stored::Right,
                    // Who asks to stop is told below.
                    None => {
                        content::hash(eye.tree, target, buffer, &watch).map_or(Stored::Missing, |(stored, _)| stored)
                    }
                };
                match stored {
                    Stored::Right => sizes.into_iter().map(|size| Clue::new(size.finding, size.blocks)).collect(),
                    stored @ Stored::Corrupt { .. } => wrong(eye, target, stored, &sizes).into_iter().collect(),
                    // What can't be read is reported where it lies.
                    _ => Vec::new(),
                }
            },
        )
        .collect();
    watch.interrupt.check()?;
    Ok(told.into_iter().flatten().collect())
}

fn wrong(eye: &Eye<'_>, target: Digest, stored: Stored, sizes: &[OtherSize]) -> Option<Clue> {
    let expected = sizes.iter().map(|size| size.expected).max().unwrap_or_default();
    let finding = stored.by_size(expected).finding(eye.tree, target, true)?;
    // Where it was come upon is where it is looked for again.
    let mut repositories = sizes.iter().filter_map(|size| size.finding.repository());
    let finding = match repositories.next() {
        Some(repository) => finding.in_repository(repository),
        None => finding,
    };
    Some(Clue { also: repositories.map(str::to_owned).collect(), ..Clue::new(finding, Blocks::Blob(target)) })
}

/// Content is told of once, however many repositories have it.
fn dedup(clues: Vec<Clue>) -> Vec<Clue> {
    let truncated: HashSet<_> = clues
        .iter()
        .filter(|clue| clue.finding.code == Code::BlobTruncated)
        .filter_map(|clue| clue.finding.place())
        .collect();
    let mut seen: HashMap<(Code, TreePath), usize> = HashMap::new();
    let mut kept: Vec<Clue> = Vec::with_capacity(clues.len());
    for clue in clues {
        let finding = &clue.finding;
        let Some(place) = finding.place().filter(|_| clue.is_content()) else {
            kept.push(clue);
            continue;
        };
        // How it is corrupt says more.
        if finding.code == Code::BlobCorrupt && truncated.contains(&place) {
            continue;
        }
        match seen.entry((finding.code, place)) {
            Entry::Occupied(first) => kept[*first.get()].also.extend(finding.repository().map(str::to_owned)),
            Entry::Vacant(first) => {
                first.insert(kept.len());
                kept.push(clue);
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Finding, Harm, Subject};
    use crate::registry::Registry;

    #[test]
    fn content_is_told_of_once_and_looked_for_wherever_it_was_come_upon() {
        let root = tempfile::tempdir().expect("a directory");
        let (registry, _) = Registry::create(root.path()).expect("a tree");
        let digest = Digest::of(b"");
        let clue = |name: &str, manifest: &[u8]| {
            let subject = Subject::Blob(digest);
            let finding = Finding::new(registry.tree(), subject, Code::BlobMissing, Harm::Certain, "");
            Clue::new(finding.in_repository(name).of_manifest(Digest::of(manifest)), Blocks::Blob(digest))
        };
        let kept = dedup(vec![clue("a", b"1"), clue("b", b"2"), clue("c", b"3")]);
        assert_eq!((kept.len(), &*kept[0].also), (1, &["b".to_owned(), "c".to_owned()][..]));
        assert_eq!(kept[0].mark(), clue("c", b"3").mark());
    }
}
