//! Decides which repositories may have content of the quarantine back.
//!
//! **To put content back is to serve it again**, and anybody may push a manifest that mentions it. So it comes back only
//! for a repository that shows that it had the content: it has a link to it, a run of the quarantine took its link to
//! it, or a manifest of it [shows](permission) that.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::index::Held;
use crate::digest::Digest;
use crate::judge::permission;
use crate::pattern::Patterns;
use crate::reach::{Edges, MustKeep, Policy, mark};
use crate::scan::{DigestId, Scan, Scanned};
use crate::tree::Tree;

/// The content of the quarantine that the tree names.
#[derive(Debug, Default)]
pub(super) struct Claims {
    /// What comes back.
    pub(super) entitled: BTreeSet<Digest>,
    /// What is only mentioned, with the repositories that do.
    pub(super) mentioned: BTreeMap<Digest, BTreeSet<String>>,
}

/// Finds what the repositories of a tree name of the content in `held`.
pub(super) fn claims(tree: &Tree, scan: &Scan, held: &Held) -> Claims {
    let find = |digest: &Digest| scan.digests.find(digest);
    let held_ids = held.blobs.keys().filter_map(|digest| Some((find(digest)?, *digest)));
    let search = Search { tree, scan, held, ids: held_ids.collect() };
    let mut must_keep = MustKeep::new(scan);
    for (index, repository) in scan.repositories.iter().enumerate() {
        let tagged = repository.tags.iter().filter_map(|tag| find(tag.target.as_ref()?));
        must_keep.revisions.insert(index, tagged.collect());
        must_keep.links.insert(index, search.linked_layers(repository).collect());
    }
    let (only, keep) = (Patterns::default(), HashSet::new());
    let policy = Policy {
        delete_untagged: false,
        delete_dangling_referrers: false,
        delete_dangling_tags: false,
        allow_sparse_indexes: false,
        only: &only,
        keep: &keep,
    };
    let mut claims = Claims::default();
    mark(&Edges::new(scan, policy, &must_keep), |_, repository, used| {
        search.of_repository(repository, used.reached(), &mut claims);
    });
    claims.mentioned.retain(|digest, _| !claims.entitled.contains(digest));
    claims
}

struct Search<'s> {
    tree: &'s Tree,
    scan: &'s Scan,
    held: &'s Held,
    /// What the quarantine has, by the numbers in the scan.
    ids: HashMap<DigestId, Digest>,
}

impl Search<'_> {
    fn of_repository(&self, repository: &Scanned, reached: &[DigestId], claims: &mut Claims) {
        let reached: Vec<(DigestId, Digest)> = self.held(reached.iter().copied()).collect();
        if !reached.is_empty() {
            let shown = self.shown(repository);
            for (name, digest) in reached {
                if shown.contains(&name) || self.held.had_link(repository.text(), &digest) {
                    claims.entitled.insert(digest);
                } else {
                    claims.mentioned.entry(digest).or_default().insert(repository.text().to_owned());
                }
            }
        }
        // What is named with `urls` and not linked leads nowhere, but a note says who names it.
        let graph = &self.scan.graph;
        let nodes = self.manifests(repository).filter_map(|name| graph.node(name));
        for (_, digest) in nodes.flat_map(|node| self.held(graph.elsewhere(node).iter().copied())) {
            claims.mentioned.entry(digest).or_default().insert(repository.text().to_owned());
        }
    }

    /// Those of `names` that the quarantine has.
    fn held(&self, names: impl Iterator<Item = DigestId>) -> impl Iterator<Item = (DigestId, Digest)> {
        names.filter_map(|name| Some((name, *self.ids.get(&name)?)))
    }

    fn manifests(&self, repository: &Scanned) -> impl Iterator<Item = DigestId> {
        repository.revisions.iter().filter_map(|revision| self.scan.digests.find(&revision.digest))
    }

    /// What a repository links, and what its manifests show that it had.
    fn shown(&self, repository: &Scanned) -> HashSet<DigestId> {
        let Self { tree, scan, .. } = self;
        let signatures = repository.revisions.iter().flat_map(|revision| &revision.signatures);
        let tagged = repository.tags.iter().filter_map(|tag| tag.target.as_ref());
        let mut shown: HashSet<DigestId> = self.manifests(repository).chain(self.linked_layers(repository)).collect();
        shown.extend(signatures.chain(tagged).filter_map(|digest| scan.digests.find(digest)));
        if permission::manifests_show(tree) {
            let nodes = self.manifests(repository).filter_map(|name| scan.graph.node(name));
            let demanded: Vec<DigestId> = nodes.flat_map(|node| scan.graph.demanded(node)).copied().collect();
            shown.extend(demanded);
        }
        shown
    }

    /// The content of the quarantine to which a repository has a layer link.
    fn linked_layers(&self, repository: &Scanned) -> impl Iterator<Item = DigestId> {
        // Deleting a layer leaves its directory without a link.
        let is_linked = |name: &DigestId| {
            let link = |digest: &Digest| self.tree.metadata(&repository.place.layer_link(digest));
            self.ids.get(name).is_some_and(|digest| link(digest).is_ok_and(|found| found.is_some()))
        };
        let linked = repository.layers.iter().copied().filter(is_linked);
        linked.chain(repository.aliases.iter().filter_map(|(_, target)| self.scan.digests.find(target)))
    }
}
