//! Follows references, to find what is needed and why. Every command uses the same edges.
//!
//! [`Edges`] is the one set of edges. In a repository a manifest leads to:
//!
//! - the children that it names as an index, and all content that it names or only mentions; but what it names with
//!   `urls` only where the repository has a layer link to it;
//! - the signatures that are stored beside it;
//! - the same content under other digests, as alias links have them;
//! - where untagged manifests are removed: the manifests of the repository whose `subject` it is, or whose tag was made
//!   for it; and manifests that it names as layers.
//!
//! What another repository keeps has referrers too: `across` finds them, and they are roots of their repositories.
//!
//! Four drivers follow the edges: [`mark()`] finds all that is needed, [`shortest()`] finds one shortest way, [`ways()`]
//! finds all, and [`PerTag`] shows what each tag leads to. [`walk`] and [`shortest()`] work with any [`References`]: `fsck` reads
//! manifests itself, and asks what a pull needs.

mod across;
mod edges;
mod mark;
mod per_tag;
mod shortest;
mod subject;
mod ways;

use std::collections::{HashMap, HashSet};

pub(crate) use edges::{Edges, Within};
pub(crate) use mark::{Use, mark};
pub(crate) use per_tag::PerTag;
pub(crate) use shortest::shortest;
pub(crate) use subject::{beginning_of_subject, made_for_others, named_by_tags, subject_of, subjects_by_name};
pub(crate) use ways::{Way, ways};

use crate::digest::Digest;
use crate::pattern::Patterns;
use crate::scan::{DigestId, Scan, Scanned};

/// Which edges count, and what is needed in any case.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
pub(crate) struct Policy<'p> {
    /// Whether a manifest is kept only if a tag leads to it.
    pub(crate) delete_untagged: bool,
    /// Whether a tag that was made for a manifest is kept only with that manifest. It counts only with
    /// `delete_untagged`.
    pub(crate) delete_dangling_referrers: bool,
    /// Whether an index does not keep a child that no repository links.
    pub(crate) allow_sparse_indexes: bool,
    /// Whether a tag keeps nothing whose manifest its repository does not link.
    pub(crate) delete_dangling_tags: bool,
    /// The repositories from which something may be removed.
    pub(crate) only: &'p Patterns,
    /// Content that is needed in any case, with what it references.
    pub(crate) keep: &'p HashSet<Digest>,
}

/// What must be kept besides what the manifests lead to.
#[derive(Clone, Debug, Default)]
pub(crate) struct MustKeep {
    /// For each repository, whether something in it can't be followed, so that everything that it links is needed.
    pub(crate) opaque: Vec<bool>,
    /// Whether all content is needed, because links may be hidden.
    pub(crate) all_content: bool,
    /// The children of indexes that no repository links. They stay, unless the policy allows sparse indexes.
    pub(crate) unlinked: HashSet<DigestId>,
    /// Manifests, by the number of their repository.
    pub(crate) revisions: HashMap<usize, HashSet<DigestId>>,
    /// Layer links, by the number of their repository.
    pub(crate) links: HashMap<usize, HashSet<DigestId>>,
    /// Content that is needed, with what it references.
    pub(crate) blobs: HashSet<DigestId>,
}

impl MustKeep {
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
    /// A manifest, which leads to more.
    Manifest(N),
    /// Content, which leads to nothing.
    Content(N),
}

impl<N> Edge<N> {
    pub(crate) fn target(self) -> N {
        let (Self::Manifest(target) | Self::Content(target)) = self;
        target
    }
}

pub(crate) trait References {
    type Node: Copy;

    /// Calls `show` for each edge of a manifest.
    fn each(&self, manifest: Self::Node, show: impl FnMut(Edge<Self::Node>));

    /// The same content under other digests.
    fn aliases(&self, _content: Self::Node) -> &[Self::Node] {
        &[]
    }
}

/// A receiver for what a walk finds.
pub(crate) trait Visit<N> {
    /// Notes a manifest, and that its own content is needed. Returns `false` if it was entered before.
    fn enter(&mut self, manifest: N) -> bool;

    /// Notes other content, each time that something leads to it.
    fn need(&mut self, content: N);
}

/// Follows manifests to everything that they lead to. It uses a stack of its own, because an index may nest deeply. It
/// enters no manifest twice, because an index may lead back to itself.
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
