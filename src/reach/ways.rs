//! Finds every way from one manifest to some content.

use std::collections::HashMap;

use super::{Edge, References, Visit, Within, walk};
use crate::scan::DigestId;

/// Manifests, each of which names the next.
pub(crate) type Way = Vec<DigestId>;

/// The manifests from `root` to each one that names `content`, or the same content under another digest. The way to `root`
/// itself is empty. Of several ways to a manifest, the first that is found counts.
pub(crate) fn ways(within: &Within<'_>, root: DigestId, content: DigestId) -> Vec<Way> {
    let mut search = Search { within, content, parents: HashMap::new(), ends: Vec::new() };
    walk(&Named { within }, vec![Step { digest: root, parent: None }], &mut search);
    let Search { parents, mut ends, .. } = search;
    ends.sort_unstable();
    ends.dedup();
    let way = |end: Option<DigestId>| {
        let mut way: Way = std::iter::successors(end, |manifest| parents.get(manifest).copied().flatten()).collect();
        way.reverse();
        way
    };
    ends.into_iter().map(way).collect()
}

/// A digest, and the manifest that names it.
#[derive(Clone, Copy)]
struct Step {
    digest: DigestId,
    parent: Option<DigestId>,
}

/// The edges in a repository, with where each begins.
struct Named<'w> {
    within: &'w Within<'w>,
}

impl References for Named<'_> {
    type Node = Step;

    fn each(&self, manifest: Step, mut show: impl FnMut(Edge<Step>)) {
        let step = |digest| Step { digest, parent: Some(manifest.digest) };
        self.within.each(manifest.digest, |edge| {
            show(match edge {
                Edge::Manifest(digest) => Edge::Manifest(step(digest)),
                Edge::Content(digest) => Edge::Content(step(digest)),
            });
        });
    }
}

struct Search<'w> {
    within: &'w Within<'w>,
    content: DigestId,
    /// Each manifest that was entered, with the one that named it first.
    parents: HashMap<DigestId, Option<DigestId>>,
    /// The manifests that name the content; `None` where it is the root itself.
    ends: Vec<Option<DigestId>>,
}

impl Search<'_> {
    fn note(&mut self, step: Step) {
        let aliases = |digest| self.within.aliases(digest);
        let is_same = step.digest == self.content
            || aliases(step.digest).contains(&self.content)
            || aliases(self.content).contains(&step.digest);
        if is_same {
            self.ends.push(step.parent);
        }
    }
}

impl Visit<Step> for Search<'_> {
    fn enter(&mut self, manifest: Step) -> bool {
        self.note(manifest);
        let is_new = !self.parents.contains_key(&manifest.digest);
        self.parents.entry(manifest.digest).or_insert(manifest.parent);
        is_new
    }

    fn need(&mut self, content: Step) {
        self.note(content);
    }
}
