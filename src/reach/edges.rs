//! Defines the edges of a scanned tree: what each manifest leads to.

use std::collections::{HashMap, HashSet};

use super::{Edge, MustKeep, Policy, References};
use crate::digest::Digest;
use crate::scan::{DigestId, Scan, Scanned, ScannedRevision, ScannedTag};

#[derive(Debug)]
pub(crate) struct Edges<'s> {
    pub(super) scan: &'s Scan,
    pub(super) policy: Policy<'s>,
    /// The same content under other digests, by the alias links of all repositories: a child may be in another
    /// repository.
    aliases: HashMap<DigestId, Vec<DigestId>>,
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
    /// For each manifest, the manifests that are kept with it.
    referrers: HashMap<DigestId, Vec<DigestId>>,
}

impl<'s> Edges<'s> {
    pub(crate) fn new(scan: &'s Scan, policy: Policy<'s>) -> Self {
        let mut aliases: HashMap<DigestId, Vec<DigestId>> = HashMap::new();
        for (key, target) in scan.repositories.iter().flat_map(|repository| &repository.aliases) {
            if let Some((key, target)) = scan.digests.find(key).zip(scan.digests.find(target)) {
                aliases.entry(key).or_default().push(target);
            }
        }
        Self { scan, policy, aliases }
    }

    /// The edges outside of all repositories.
    pub(crate) fn beside(&self) -> Within<'_> {
        let (signatures, linked, referrers) = (HashMap::new(), HashSet::new(), HashMap::new());
        Within { edges: self, repository: None, signatures, linked, referrers }
    }

    pub(crate) fn within<'e>(&'e self, repository: &'e Scanned) -> Within<'e> {
        let find = |revision: &ScannedRevision| self.scan.digests.find(&revision.digest);
        let signed = repository.revisions.iter().filter(|revision| !revision.signatures.is_empty());
        let signatures = signed.filter_map(|revision| Some((find(revision)?, revision))).collect();
        let mut within = Within { repository: Some(repository), signatures, ..self.beside() };
        if self.policy.delete_untagged {
            within.linked = repository.revisions.iter().filter_map(find).collect();
            within.referrers = within.referrers(repository);
        }
        within
    }

    /// The manifests of a repository from which marking starts.
    pub(crate) fn roots(
        &self,
        within: &Within<'_>,
        must_keep: &MustKeep,
        index: usize,
        repository: &Scanned,
    ) -> Vec<DigestId> {
        let names = &self.scan.digests;
        let mut roots: Vec<DigestId> = must_keep.revisions.get(&index).into_iter().flatten().copied().collect();
        if !self.policy.delete_untagged || must_keep.keeps_all(&self.policy, index, repository) {
            roots.extend(repository.revisions.iter().filter_map(|revision| names.find(&revision.digest)));
            if must_keep.opaque[index] {
                // Something here can't be followed, so the target of a tag counts even without a link to it.
                roots.extend(self.targets(repository).map(|(_, target)| target));
            }
            return roots;
        }
        roots.extend(within.tagged(repository).filter(|(tag, _)| self.is_root(tag)).map(|(_, target)| target));
        let kept = self.policy.keep.iter().filter_map(|digest| names.find(digest));
        roots.extend(kept.filter(|name| within.linked.contains(name)));
        roots
    }

    /// The content that a repository needs links to though no manifest names it: the links that must stay and, if the
    /// repository keeps everything, each digest in the path or the content of any of its links.
    pub(crate) fn loose(&self, must_keep: &MustKeep, index: usize, repository: &Scanned) -> Vec<DigestId> {
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

    /// Whether a tag on its own keeps what it points to.
    pub(crate) fn is_root(&self, tag: &ScannedTag) -> bool {
        let Policy { delete_untagged, delete_dangling_referrers, .. } = self.policy;
        !(delete_untagged && delete_dangling_referrers) || subject_of(&tag.name).is_none()
    }

    pub(crate) fn targets<'t>(&self, repository: &'t Scanned) -> impl Iterator<Item = (&'t ScannedTag, DigestId)> {
        repository.tags.iter().filter_map(|tag| Some((tag, self.scan.digests.find(tag.target.as_ref()?)?)))
    }
}

impl Within<'_> {
    /// The tags that point to manifests of the repository.
    pub(super) fn tagged<'t>(&self, repository: &'t Scanned) -> impl Iterator<Item = (&'t ScannedTag, DigestId)> {
        self.edges.targets(repository).filter(|(_, target)| self.linked.contains(target))
    }

    fn referrers(&self, repository: &Scanned) -> HashMap<DigestId, Vec<DigestId>> {
        let Edges { scan, policy, .. } = self.edges;
        let mut referrers: HashMap<DigestId, Vec<DigestId>> = HashMap::new();
        for name in &self.linked {
            if let Some(subject) = scan.graph.node(*name).and_then(|node| node.subject) {
                referrers.entry(subject).or_default().push(*name);
            }
        }
        if policy.delete_dangling_referrers {
            for (tag, target) in self.tagged(repository) {
                if let Some(subject) = subject_of(&tag.name).and_then(|subject| scan.digests.find(&subject)) {
                    referrers.entry(subject).or_default().push(target);
                }
            }
        }
        referrers
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
        for child in scan.graph.children(node) {
            show(Edge::Manifest(*child));
        }
    }

    fn aliases(&self, content: DigestId) -> &[DigestId] {
        self.edges.aliases.get(&content).map_or(&[], Vec::as_slice)
    }
}

/// The manifest that a client made a tag for: by `sha256-<hex>` clients list referrers, and cosign adds `.sig`, `.att`
/// or `.sbom`.
pub(crate) fn subject_of(tag: &str) -> Option<Digest> {
    let (algorithm, rest) = tag.split_once('-')?;
    let encoded = match rest.split_once('.') {
        Some((encoded, "sig" | "att" | "sbom")) => encoded,
        Some(_) => return None,
        None => rest,
    };
    format!("{algorithm}:{encoded}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_subject_of_a_tag_is_in_its_name() {
        let digest = Digest::of(b"subject");
        let tag = digest.to_string().replace(':', "-");
        for suffix in ["", ".sig", ".att", ".sbom"] {
            assert_eq!(subject_of(&format!("{tag}{suffix}")), Some(digest));
        }
        for other in ["v1", "latest-2", "sha256-abc", &format!("{tag}.txt"), &tag[1..]] {
            assert_eq!(subject_of(other), None, "{other}");
        }
    }
}
