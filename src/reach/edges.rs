//! Defines the edges of a scanned tree: what each manifest leads to.

use std::collections::{HashMap, HashSet};

use super::subject::{Referrer, Subjects};
use super::{Edge, MustKeep, Policy, References};
use crate::scan::{DigestId, Scan, Scanned, ScannedRevision, ScannedTag};

#[derive(Debug)]
pub(crate) struct Edges<'s> {
    pub(super) scan: &'s Scan,
    pub(super) policy: Policy<'s>,
    pub(super) must_keep: &'s MustKeep,
    /// The same content under other digests, by the alias links of all repositories: a child may be in another
    /// repository.
    aliases: HashMap<DigestId, Vec<DigestId>>,
    pub(super) subjects: Subjects<'s>,
    /// The manifests that stay because another repository keeps what they are about, by the number of their repository.
    pub(super) followers: HashMap<usize, Vec<Referrer>>,
}

#[derive(Debug)]
pub(crate) struct Within<'e> {
    edges: &'e Edges<'e>,
    /// `None` outside of all repositories.
    repository: Option<&'e Scanned>,
    signatures: HashMap<DigestId, &'e ScannedRevision>,
    /// The manifests of the repository. Filled only where untagged manifests are removed: a tag counts there only if it
    /// points to one of them.
    linked: HashSet<DigestId>,
    /// For each manifest, the manifests of the repository that are kept with it.
    referrers: HashMap<DigestId, Vec<DigestId>>,
    /// The children that no index of the repository keeps.
    freed: Option<&'e HashSet<DigestId>>,
    /// The tags that keep nothing on their own.
    dependent: Option<&'e HashSet<&'e str>>,
}

impl<'s> Edges<'s> {
    /// The edges of each repository apart from what the others keep.
    pub(super) fn apart(scan: &'s Scan, policy: Policy<'s>, must_keep: &'s MustKeep) -> Self {
        let mut aliases: HashMap<DigestId, Vec<DigestId>> = HashMap::new();
        for (key, target) in scan.repositories.iter().flat_map(|repository| &repository.aliases) {
            if let Some((key, target)) = scan.digests.find(key).zip(scan.digests.find(target)) {
                aliases.entry(key).or_default().push(target);
            }
        }
        let subjects = Subjects::new(scan, policy, must_keep);
        Self { scan, policy, must_keep, aliases, subjects, followers: HashMap::new() }
    }

    /// The edges outside of all repositories.
    pub(crate) fn beside(&self) -> Within<'_> {
        let (signatures, linked, referrers) = (HashMap::new(), HashSet::new(), HashMap::new());
        Within { edges: self, repository: None, signatures, linked, referrers, freed: None, dependent: None }
    }

    /// The edges in the repository with this number.
    pub(crate) fn within(&self, index: usize) -> Within<'_> {
        let repository = &self.scan.repositories[index];
        let find = |revision: &ScannedRevision| self.scan.digests.find(&revision.digest);
        let signed = repository.revisions.iter().filter(|revision| !revision.signatures.is_empty());
        let signatures = signed.filter_map(|revision| Some((find(revision)?, revision))).collect();
        let mut within = Within { repository: Some(repository), signatures, ..self.beside() };
        let (policy, must_keep) = (&self.policy, self.must_keep);
        if policy.allow_sparse_indexes && !must_keep.all_content && !must_keep.keeps_all(policy, index, repository) {
            within.freed = Some(&must_keep.unlinked);
        }
        if self.policy.delete_untagged {
            within.linked = repository.revisions.iter().filter_map(find).collect();
            for Referrer { manifest, subject } in self.subjects.of(index) {
                within.referrers.entry(*subject).or_default().push(*manifest);
            }
            within.dependent = self.subjects.dependent(index);
        }
        within
    }

    /// The manifests of a repository from which marking starts.
    pub(crate) fn roots(&self, within: &Within<'_>, index: usize, repository: &Scanned) -> Vec<DigestId> {
        let (names, must_keep) = (&self.scan.digests, self.must_keep);
        let mut roots: Vec<DigestId> = must_keep.revisions.get(&index).into_iter().flatten().copied().collect();
        if !self.policy.delete_untagged || must_keep.keeps_all(&self.policy, index, repository) {
            roots.extend(repository.revisions.iter().filter_map(|revision| names.find(&revision.digest)));
            // Where nothing may be removed, the target of a tag counts even without a link to it.
            let counts_all = must_keep.keeps_all(&self.policy, index, repository);
            let targets = self.targets(repository);
            let targets = targets.filter(|(tag, target)| counts_all || self.keeps_unlinked(tag, *target));
            roots.extend(targets.map(|(_, target)| target));
            return roots;
        }
        roots.extend(within.tagged(repository).filter(|(tag, _)| within.is_root(tag)).map(|(_, target)| target));
        let kept = self.policy.keep.iter().filter_map(|digest| names.find(digest));
        roots.extend(kept.filter(|name| within.linked.contains(name)));
        roots.extend(self.followers.get(&index).into_iter().flatten().map(|follower| follower.manifest));
        roots
    }

    /// What a manifest is about, if it stays because another repository keeps that.
    pub(crate) fn followed(&self, index: usize, manifest: DigestId) -> Option<DigestId> {
        let followers = self.followers.get(&index)?;
        followers.iter().find(|follower| follower.manifest == manifest).map(|follower| follower.subject)
    }

    /// The content that a repository needs links to though no manifest names it: the links that must stay and, if the
    /// repository keeps everything, each digest in the path or the content of any of its links.
    pub(crate) fn loose(&self, index: usize, repository: &Scanned) -> Vec<DigestId> {
        let must_keep = self.must_keep;
        let mut loose: Vec<DigestId> = must_keep.links.get(&index).into_iter().flatten().copied().collect();
        if must_keep.keeps_all(&self.policy, index, repository) {
            let aliases = repository.aliases.iter().flat_map(|(key, target)| [*key, *target]);
            let signatures = repository.revisions.iter().flat_map(|revision| revision.signatures.iter().copied());
            let others = aliases.chain(repository.deleted_revisions.iter().copied()).chain(signatures);
            loose.extend(repository.layers.iter().copied());
            loose.extend(others.filter_map(|digest| self.scan.digests.find(&digest)));
        }
        loose
    }

    /// The repositories in which every tag stays that was made for another manifest, because none of these was ever in
    /// the tree; each with the number of such tags.
    pub(crate) fn elsewhere(&self) -> &[(usize, usize)] {
        self.subjects.elsewhere()
    }

    /// The manifests that tags point to; for a tag that has lost its link, those that its history names.
    pub(crate) fn targets<'t>(&self, repository: &'t Scanned) -> impl Iterator<Item = (&'t ScannedTag, DigestId)> {
        let named =
            repository.tags.iter().flat_map(|tag| tag.target.iter().chain(&tag.past).map(move |named| (tag, named)));
        named.filter_map(|(tag, named)| Some((tag, self.scan.digests.find(named)?)))
    }

    /// Whether a tag keeps a manifest that it names though the repository does not link it: the manifest is whole. In a
    /// pull-through cache a tag whose manifest has lost its link has expired.
    fn keeps_unlinked(&self, tag: &ScannedTag, manifest: DigestId) -> bool {
        let is_let_go = tag.is_dangling && (self.policy.delete_dangling_tags || self.scan.is_cache);
        !is_let_go && self.scan.graph.is_whole(manifest)
    }
}

impl Within<'_> {
    /// The manifests that tags point to, as [`Edges::targets`] finds them.
    pub(crate) fn targets<'t>(&self, repository: &'t Scanned) -> impl Iterator<Item = (&'t ScannedTag, DigestId)> {
        self.edges.targets(repository)
    }

    /// The tags that point to manifests of the repository, or keep manifests that it does not link.
    pub(super) fn tagged<'t>(&self, repository: &'t Scanned) -> impl Iterator<Item = (&'t ScannedTag, DigestId)> {
        let targets = self.edges.targets(repository);
        targets.filter(|(tag, target)| self.linked.contains(target) || self.edges.keeps_unlinked(tag, *target))
    }

    /// Whether a tag on its own keeps what it points to. One that was made for another manifest stays only with that.
    pub(crate) fn is_root(&self, tag: &ScannedTag) -> bool {
        self.dependent.is_none_or(|dependent| !dependent.contains(tag.name.as_str()))
    }

    /// The manifests that are about another one, in all repositories.
    pub(super) fn about(&self, subject: DigestId) -> &[DigestId] {
        self.edges.subjects.about(subject)
    }
}

impl References for Within<'_> {
    type Node = DigestId;

    fn each(&self, manifest: DigestId, mut show: impl FnMut(Edge<DigestId>)) {
        let Edges { scan, policy, .. } = self.edges;
        let signatures = self.signatures.get(&manifest).into_iter().flat_map(|revision| &revision.signatures);
        for signature in signatures.filter_map(|digest| scan.digests.find(digest)) {
            show(Edge::Content(signature));
        }
        for referrer in self.referrers.get(&manifest).into_iter().flatten() {
            show(Edge::Manifest(*referrer));
        }
        let Some(node) = scan.graph.node(manifest) else { return };
        // What is named with `urls` is needed where the repository has a link to it, and only there.
        let has_it = |content: &&DigestId| self.repository.is_none_or(|it| it.links_elsewhere(**content));
        let elsewhere = scan.graph.elsewhere(node).iter().filter(has_it);
        for content in scan.graph.contents(node).iter().chain(elsewhere) {
            show(Edge::Content(*content));
            // A manifest may be named as a layer, or in a field that regtree does not know. Where untagged manifests
            // are kept this does not matter: every manifest is a root.
            if policy.delete_untagged && scan.graph.node(*content).is_some() {
                show(Edge::Manifest(*content));
            }
        }
        let is_freed = |child: &DigestId| self.freed.is_some_and(|freed| freed.contains(child));
        for child in scan.graph.children(node).iter().filter(|child| !is_freed(child)) {
            show(Edge::Manifest(*child));
        }
    }

    fn aliases(&self, content: DigestId) -> &[DigestId] {
        self.edges.aliases.get(&content).map_or(&[], Vec::as_slice)
    }
}
