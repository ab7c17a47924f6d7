//! Finds the referrers that stay because another repository keeps what they are about.

use std::collections::{HashMap, HashSet};

use super::edges::{Edges, Within};
use super::mark::mark;
use super::subject::Referrer;
use super::{MustKeep, Policy, Visit, walk};
use crate::scan::{DigestId, Scan};

impl<'s> Edges<'s> {
    /// The edges of a tree. Where there are referrers, this marks everything once.
    pub(crate) fn new(scan: &'s Scan, policy: Policy<'s>, must_keep: &'s MustKeep) -> Self {
        let mut edges = Self::apart(scan, policy, must_keep);
        edges.followers = kept_elsewhere(&edges);
        edges
    }
}

/// Finds the referrers that nothing in their own repository keeps, and whose subject is kept all the same, because of
/// another repository. Returns them by the number of their repository.
fn kept_elsewhere(edges: &Edges<'_>) -> HashMap<usize, Vec<Referrer>> {
    let mut kept: HashMap<usize, Vec<Referrer>> = HashMap::new();
    if edges.subjects.is_empty() {
        return kept;
    }
    let mut waiting: HashMap<DigestId, Vec<(usize, Referrer)>> = HashMap::new();
    let mut needed = mark(edges, |index, _, used| {
        for referrer in edges.subjects.of(index).iter().filter(|referrer| !used.is_kept(referrer.manifest)) {
            waiting.entry(referrer.subject).or_default().push((index, *referrer));
        }
    });
    let is_needed = |(subject, _): &(&DigestId, &mut Vec<_>)| needed.contains(**subject);
    let mut ready: Vec<(usize, Referrer)> =
        waiting.iter_mut().filter(is_needed).flat_map(|(_, all)| all.drain(..)).collect();
    // What comes to be kept may be the subject of more, in other repositories again.
    let (mut within, mut reached) = (HashMap::new(), Reached::default());
    while let Some((index, referrer)) = ready.pop() {
        if reached.manifests.contains(&(index, referrer.manifest)) {
            continue;
        }
        kept.entry(index).or_default().push(referrer);
        let within: &Within<'_> = within.entry(index).or_insert_with(|| edges.within(index));
        reached.repository = index;
        walk(within, vec![referrer.manifest], &mut reached);
        for name in reached.names.drain(..).filter(|name| needed.insert(*name)) {
            ready.extend(waiting.remove(&name).into_iter().flatten());
        }
    }
    kept
}

/// What the walks reached so far, each manifest once for its repository.
#[derive(Default)]
struct Reached {
    repository: usize,
    manifests: HashSet<(usize, DigestId)>,
    names: Vec<DigestId>,
}

impl Visit<DigestId> for Reached {
    fn enter(&mut self, manifest: DigestId) -> bool {
        self.names.push(manifest);
        self.manifests.insert((self.repository, manifest))
    }

    fn need(&mut self, content: DigestId) {
        self.names.push(content);
    }
}
