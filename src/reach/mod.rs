//! What leads on from a manifest, for everything that asks what is needed.
//!
//! [`Edges`] is the one set of edges. In a repository a manifest leads to:
//!
//! - the manifests that an index names, and all content that a manifest names or only mentions;
//! - the signatures that are stored beside it;
//! - other digests of that content, which links call it by;
//! - where untagged manifests are deleted: the manifests that are about it, by their `subject` or by a tag that was made
//!   for it; and manifests that are named as layers.
//!
//! Three drivers follow them: [`mark()`] finds all that is needed, [`shortest()`] finds one shortest way, and [`PerTag`]
//! shows what each tag leads to. [`walk`] and [`shortest()`] also follow whatever else has edges: `fsck` reads manifests by
//! itself, and asks what a pull needs.

mod edges;
mod mark;
mod per_tag;
mod shortest;

use std::collections::{HashMap, HashSet};

pub(crate) use edges::{Edges, Within, subject_of};
pub(crate) use mark::{Use, mark};
pub(crate) use per_tag::PerTag;
pub(crate) use shortest::shortest;

use crate::digest::Digest;
use crate::pattern::Patterns;
use crate::scan::{DigestId, Scan, Scanned};

/// Which edges count, and what is needed in any case.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy<'p> {
    /// Whether a manifest needs a tag that leads to it.
    pub(crate) delete_untagged: bool,
    /// Whether a tag that was made for a manifest is kept only with that manifest.
    pub(crate) delete_dangling_referrers: bool,
    /// The repositories that things may be removed from.
    pub(crate) only: &'p Patterns,
    /// Content that is needed, with what it references.
    pub(crate) keep: &'p HashSet<Digest>,
}

/// What is needed besides what the manifests lead to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reserve {
    /// By repository, whether something in it can't be followed: all that it links is needed.
    pub(crate) opaque: Vec<bool>,
    /// Manifests of a repository, by its number.
    pub(crate) revisions: HashMap<usize, HashSet<DigestId>>,
    /// Layer links of a repository.
    pub(crate) links: HashMap<usize, HashSet<DigestId>>,
    /// Content, with what it references.
    pub(crate) blobs: HashSet<DigestId>,
}

impl Reserve {
    /// Nothing yet, for the repositories of `scan`.
    pub(crate) fn new(scan: &Scan) -> Self {
        Self { opaque: vec![false; scan.repositories.len()], ..Self::default() }
    }

    /// Whether nothing may be removed from a repository.
    pub(crate) fn keeps_all(&self, policy: &Policy<'_>, index: usize, repository: &Scanned) -> bool {
        self.opaque[index] || !policy.only.is_match(repository.text())
    }
}

/// What a manifest leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Edge<N> {
    /// A manifest, which leads on.
    Manifest(N),
    /// Content, which does not.
    Content(N),
}

impl<N> Edge<N> {
    /// What it leads to.
    pub(crate) fn target(self) -> N {
        let (Self::Manifest(target) | Self::Content(target)) = self;
        target
    }
}

/// Where edges come from.
pub(crate) trait References {
    /// What manifests and content are called.
    type Node: Copy;

    /// Shows all that a manifest leads to.
    fn each(&self, manifest: Self::Node, show: impl FnMut(Edge<Self::Node>));

    /// Other names of the same content.
    fn aliases(&self, _content: Self::Node) -> &[Self::Node] {
        &[]
    }
}

/// Who is shown what a walk finds.
pub(crate) trait Visit<N> {
    /// Takes note of a manifest, its content included; `false` if it was entered before.
    fn enter(&mut self, manifest: N) -> bool;

    /// Takes note of other content, each time that something leads to it.
    fn need(&mut self, content: N);
}

/// Follows manifests to all that they lead to, on a stack of its own: an index may nest deeply, and lead back to itself.
pub(crate) fn walk<R: References>(references: &R, roots: Vec<R::Node>, visit: &mut impl Visit<R::Node>) {
    let mut pending = roots;
    while let Some(manifest) = pending.pop() {
        if !visit.enter(manifest) {
            continue;
        }
        for alias in references.aliases(manifest) {
            visit.need(*alias);
        }
        references.each(manifest, |edge| match edge {
            Edge::Manifest(manifest) => pending.push(manifest),
            Edge::Content(content) => need(references, content, visit),
        });
    }
}

fn need<R: References>(references: &R, content: R::Node, visit: &mut impl Visit<R::Node>) {
    visit.need(content);
    for alias in references.aliases(content) {
        visit.need(*alias);
    }
}
