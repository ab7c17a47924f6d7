//! One pass over repositories: their folders, their links, and what their manifests say.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};

use rayon::prelude::*;

use super::Options;
use super::blobs::Blobs;
use super::candidate::{Blocks, Candidate, is_below};
use super::inspect::Inspector;
use super::judge::{Judge, is_modern};
use super::manifests::{self, Manifests};
use super::repository::{self, RepositoryView};
use crate::digest::Digest;
use crate::error::Result;
use crate::finding::Code;
use crate::judge::content::{self, Stored};
use crate::judge::manifest::Read;
use crate::judge::references::OtherSize;
use crate::layout::{Place, TreePath};
use crate::scan::{DigestId, DigestSet};
use crate::stream::{Silent, Watch};

/// The result of a pass.
pub(super) struct Pass {
    pub(super) repositories: Vec<RepositoryView>,
    pub(super) manifests: Manifests,
    pub(super) candidates: Vec<Candidate>,
    /// The content that manifests need, and the manifests themselves.
    pub(super) needed: Needed,
}

/// Content that is needed.
#[derive(Default)]
pub(super) struct Needed {
    present: DigestSet,
    /// The needed content that is missing, or not a file.
    absent: HashSet<Digest>,
}

impl Needed {
    pub(super) fn contains(&self, blobs: &Blobs<'_>, digest: &Digest) -> bool {
        let present = blobs.digests.find(digest).is_some_and(|name| self.present.contains(name));
        present || self.absent.contains(digest)
    }

    /// Whether some needed content that is missing belongs below `place`.
    pub(super) fn is_any_below(&self, place: &TreePath) -> bool {
        self.absent.iter().any(|digest| is_below(place, digest))
    }

    fn add(&mut self, needs: Needs) {
        for name in needs.present {
            self.present.insert(name);
        }
        self.absent.extend(needs.absent);
    }
}

/// The content that one repository needs, in four bytes each until all repositories are judged.
struct Needs {
    present: Vec<DigestId>,
    absent: Vec<Digest>,
}

impl Needs {
    fn of(blobs: &Blobs<'_>, digests: impl IntoIterator<Item = Digest>) -> Self {
        let mut needs = Self { present: Vec::new(), absent: Vec::new() };
        for digest in digests {
            match blobs.digests.find(&digest) {
                Some(name) => needs.present.push(name),
                None => needs.absent.push(digest),
            }
        }
        needs.present.shrink_to_fit();
        needs
    }
}

/// Reads and judges the repositories in `places`.
pub(super) fn look(
    inspector: &Inspector<'_>,
    places: Vec<Place>,
    blobs: &Blobs<'_>,
    options: &Options,
    watch: &Watch<'_>,
) -> Result<Pass> {
    let interrupt = &watch.interrupt;
    let counting = watch.count("reading repositories", Some(places.len()));
    let read: Vec<_> = places
        .into_par_iter()
        .filter(|_| interrupt.signal().is_none())
        .map(|place| {
            let mut inspector = inspector.another(None);
            let repository = repository::read(&mut inspector, place, options);
            counting.add(1);
            (repository, inspector.candidates)
        })
        .collect();
    drop(counting);
    let (mut repositories, mut candidates) = (Vec::with_capacity(read.len()), Vec::new());
    for (repository, reported) in read {
        repositories.push(repository);
        candidates.extend(reported);
    }
    let manifests = manifests::read(blobs, &repositories, interrupt);
    interrupt.check()?;
    let is_modern = is_modern(&repositories);
    let judged: Vec<_> = repositories
        .par_iter()
        .map(|repository| {
            let judge = Judge::new(inspector, repository, blobs, &manifests, is_modern).judge();
            let needs = Needs::of(blobs, judge.needed);
            (judge.inspector.candidates, judge.sizes, needs)
        })
        .collect();
    let mut needed = Needed { present: DigestSet::new(&blobs.digests), absent: HashSet::new() };
    for repository in &repositories {
        needed.add(Needs::of(blobs, repository.revisions.iter().map(|revision| revision.digest)));
    }
    let mut sizes = Vec::new();
    for (reported, other_sizes, needs) in judged {
        candidates.extend(reported);
        sizes.extend(other_sizes);
        needed.add(needs);
    }
    candidates.extend(compare_sizes(inspector, blobs, sizes, &manifests, watch)?);
    Ok(Pass { repositories, manifests, candidates: dedup(candidates), needed })
}

/// Finds out, for each size that differs from a descriptor's, whether the content or the descriptor is wrong.
fn compare_sizes(
    inspector: &Inspector<'_>,
    blobs: &Blobs<'_>,
    sizes: Vec<OtherSize>,
    manifests: &Manifests,
    watch: &Watch<'_>,
) -> Result<Vec<Candidate>> {
    let mut by_target: BTreeMap<Digest, Vec<OtherSize>> = BTreeMap::new();
    for size in sizes {
        by_target.entry(size.target).or_default().push(size);
    }
    let watch = Watch { progress: &Silent, interrupt: watch.interrupt.clone() };
    let by_target: Vec<_> = by_target.into_iter().collect();
    let reported: Vec<Vec<Candidate>> = by_target
        .into_par_iter()
        .map_init(
            || vec![0; content::BUFFER],
            |buffer, (target, sizes)| {
                let stored = match manifests.get(&target) {
                    Some(Read::Right(_)) => Stored::Right,
                    // The manifest's own judgement reports it.
                    Some(Read::Wrong(_)) => return Vec::new(),
                    None if blobs.is_returning(&target) => Stored::Right,
                    // A signal is checked for below.
                    None => content::hash(inspector.tree, target, buffer, &watch)
                        .map_or(Stored::Missing, |(stored, _)| stored),
                };
                match stored {
                    // What is behind a symbolic link is not read. A registry serves it with the wrong size. A tarsum
                    // does not say that the content is another.
                    Stored::Right
                    | Stored::NotAFile { leads: true, .. }
                    | Stored::OtherTarsum { .. }
                    | Stored::Untold(_) => {
                        sizes.into_iter().map(|size| Candidate::new(size.finding, size.blocks)).collect()
                    }
                    stored @ Stored::Corrupt { .. } => wrong(inspector, target, stored, &sizes).into_iter().collect(),
                    // Unreadable content is already reported.
                    _ => Vec::new(),
                }
            },
        )
        .collect();
    watch.interrupt.check()?;
    Ok(reported.into_iter().flatten().collect())
}

fn wrong(inspector: &Inspector<'_>, target: Digest, stored: Stored, sizes: &[OtherSize]) -> Option<Candidate> {
    let expected = sizes.iter().map(|size| size.expected).max().unwrap_or_default();
    let finding = stored.by_size(expected).finding(inspector.tree, target, true)?;
    // It is looked up again in the repositories in which it was found.
    let mut repositories = sizes.iter().filter_map(|size| size.finding.repository());
    let finding = match repositories.next() {
        Some(repository) => finding.in_repository(repository),
        None => finding,
    };
    Some(Candidate { also: repositories.map(str::to_owned).collect(), ..Candidate::new(finding, Blocks::Blob(target)) })
}

/// Keeps each finding about content once, however many repositories have the content.
fn dedup(candidates: Vec<Candidate>) -> Vec<Candidate> {
    let truncated: HashSet<_> = candidates
        .iter()
        .filter(|candidate| candidate.finding.code == Code::BlobTruncated)
        .filter_map(|candidate| candidate.finding.place())
        .collect();
    let mut seen: HashMap<(Code, TreePath), usize> = HashMap::new();
    let mut kept: Vec<Candidate> = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        let finding = &candidate.finding;
        let Some(place) = finding.place().filter(|_| candidate.is_content()) else {
            kept.push(candidate);
            continue;
        };
        // That it is truncated says more.
        if finding.code == Code::BlobCorrupt && truncated.contains(&place) {
            continue;
        }
        match seen.entry((finding.code, place)) {
            Entry::Occupied(first) => kept[*first.get()].also.extend(finding.repository().map(str::to_owned)),
            Entry::Vacant(first) => {
                first.insert(kept.len());
                kept.push(candidate);
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
        let candidate = |name: &str, manifest: &[u8]| {
            let subject = Subject::Blob(digest);
            let finding = Finding::new(registry.tree(), subject, Code::BlobMissing, Harm::Certain, "");
            Candidate::new(finding.in_repository(name).of_manifest(Digest::of(manifest)), Blocks::Blob(digest))
        };
        let kept = dedup(vec![candidate("a", b"1"), candidate("b", b"2"), candidate("c", b"3")]);
        assert_eq!((kept.len(), &*kept[0].also), (1, &["b".to_owned(), "c".to_owned()][..]));
        assert_eq!(kept[0].mark(), candidate("c", b"3").mark());
    }
}
