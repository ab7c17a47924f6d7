//! Marks what is needed.
//!
//! Content is needed if any repository needs it: an index keeps its children, and their configs and layers. A link is
//! needed only by its own repository. So each repository is followed on its own, and everything that it reaches is
//! stamped with its number.

use super::edges::{Edges, Within};
use super::{Visit, walk};
use crate::scan::{DigestId, DigestSet, Scanned};

/// What was reached, and under which stamp last.
#[derive(Debug, Default)]
pub(super) struct Stamps {
    stamp: u32,
    /// For each digest, the last stamp under which it was entered as a manifest.
    visited: Vec<u32>,
    /// For each digest, the last stamp under which it was needed.
    linked: Vec<u32>,
    /// Everything that is needed under the current stamp, each digest once.
    pub(super) reached: Vec<DigestId>,
}

impl Stamps {
    /// Begins again under another stamp, with room for `names` digests.
    pub(super) fn begin(&mut self, stamp: u32, names: usize) {
        self.stamp = stamp;
        self.visited.resize(names, 0);
        self.linked.resize(names, 0);
        self.reached.clear();
    }
}

impl Visit<DigestId> for Stamps {
    fn enter(&mut self, manifest: DigestId) -> bool {
        let is_new = std::mem::replace(&mut self.visited[manifest.index()], self.stamp) != self.stamp;
        if is_new {
            self.need(manifest);
        }
        is_new
    }

    fn need(&mut self, content: DigestId) {
        if std::mem::replace(&mut self.linked[content.index()], self.stamp) != self.stamp {
            self.reached.push(content);
        }
    }
}

/// What one repository needs.
#[derive(Debug)]
pub(crate) struct Use<'m> {
    stamps: &'m Stamps,
    pub(crate) within: &'m Within<'m>,
}

impl<'m> Use<'m> {
    /// Whether the repository keeps a manifest.
    pub(crate) fn is_kept(&self, manifest: DigestId) -> bool {
        self.stamps.visited[manifest.index()] == self.stamps.stamp
    }

    /// Whether the repository needs a link to this content.
    pub(crate) fn links(&self, content: DigestId) -> bool {
        self.stamps.linked[content.index()] == self.stamps.stamp
    }

    /// Everything that the repository needs, each digest once, whether or not the content is there.
    pub(crate) fn reached(&self) -> &'m [DigestId] {
        &self.stamps.reached
    }
}

/// Marks everything, and calls `look` with what each repository needs. Returns all content that is needed.
pub(crate) fn mark(edges: &Edges<'_>, mut look: impl FnMut(usize, &Scanned, &Use<'_>)) -> DigestSet {
    let scan = edges.scan;
    let (mut needed, mut stamps) = (DigestSet::new(&scan.digests), Stamps::default());
    for (index, repository) in scan.repositories.iter().enumerate() {
        let stamp = u32::try_from(index + 1).expect("fewer than 2^32 repositories");
        stamps.begin(stamp, scan.digests.len());
        let within = edges.within(index);
        for name in edges.loose(index, repository) {
            super::need(&within, name, &mut stamps);
        }
        walk(&within, edges.roots(&within, index, repository), &mut stamps);
        add(&mut needed, &stamps.reached);
        look(index, repository, &Use { stamps: &stamps, within: &within });
    }
    // These roots belong to no repository.
    stamps.begin(u32::MAX, scan.digests.len());
    let kept = edges.policy.keep.iter().filter_map(|digest| scan.digests.find(digest));
    walk(&edges.beside(), edges.must_keep.blobs.iter().copied().chain(kept).collect(), &mut stamps);
    add(&mut needed, &stamps.reached);
    needed
}

fn add(needed: &mut DigestSet, reached: &[DigestId]) {
    for name in reached {
        needed.insert(*name);
    }
}
