//! What is in use.
//!
//! Reachability is by content: an index keeps its children, and their configs and layers, wherever in the tree they lie.
//! What a link is needed for is a matter of its repository: so each is gone through on its own, and what it reaches is
//! stamped with its number.

use std::collections::{HashMap, HashSet};

use super::Options;
use crate::digest::Digest;
use crate::scan::{Name, NameSet, Revision, Scan, Scanned};

/// What must be left alone, beside what the manifests lead to.
#[derive(Clone, Debug, Default)]
pub(super) struct Reserve {
    /// Repositories in which something can't be followed: all that they link stays.
    pub(super) opaque: Vec<bool>,
    /// Manifests of a repository, by its number.
    pub(super) revisions: HashMap<usize, HashSet<Name>>,
    /// Layer links of a repository.
    pub(super) links: HashMap<usize, HashSet<Name>>,
    /// Content, with what it references.
    pub(super) blobs: HashSet<Name>,
}

/// Goes through the graph.
pub(super) struct Marker<'s> {
    scan: &'s Scan,
    options: &'s Options,
    reserve: &'s Reserve,
    /// All content that is in use.
    needed: NameSet,
    /// By name, the last repository that reached it as a manifest.
    visited: Vec<u32>,
    /// By name, the last repository that needed a link to it.
    linked: Vec<u32>,
    /// What the present repository needs, each once.
    reached: Vec<Name>,
}

/// What a repository calls content by other digests, and the signatures of its manifests.
struct Local<'s> {
    stamp: u32,
    aliases: HashMap<Name, Name>,
    signatures: HashMap<Name, &'s Revision>,
}

/// What one repository uses.
pub(super) struct Use<'m> {
    stamp: u32,
    visited: &'m [u32],
    linked: &'m [u32],
    /// All that is needed in the repository, be it there or not, each once.
    pub(super) reached: &'m [Name],
}

impl Use<'_> {
    /// Whether a manifest is kept in the repository.
    pub(super) fn keeps(&self, manifest: Name) -> bool {
        self.visited[manifest.index()] == self.stamp
    }

    /// Whether a link to it is needed in the repository.
    pub(super) fn links(&self, content: Name) -> bool {
        self.linked[content.index()] == self.stamp
    }
}

impl<'s> Marker<'s> {
    pub(super) fn new(scan: &'s Scan, options: &'s Options, reserve: &'s Reserve) -> Self {
        let names = scan.names.len();
        let (visited, linked) = (vec![0; names], vec![0; names]);
        Self { scan, options, reserve, needed: NameSet::new(&scan.names), visited, linked, reached: Vec::new() }
    }

    /// Marks everything, and shows what each repository uses to `look`. Returns all content that is in use.
    pub(super) fn mark(mut self, mut look: impl FnMut(usize, &Scanned, &Use<'_>)) -> NameSet {
        let scan = self.scan;
        for (index, repository) in scan.repositories.iter().enumerate() {
            let stamp = u32::try_from(index + 1).expect("fewer than 2^32 repositories");
            self.reached.clear();
            self.mark_repository(index, repository, stamp);
            let Self { visited, linked, reached, .. } = &self;
            look(index, repository, &Use { stamp, visited, linked, reached });
        }
        // Whatever no repository accounts for.
        let kept = self.options.keep.iter().filter_map(|digest| scan.names.find(digest));
        let extra = self.reserve.blobs.iter().copied().chain(kept).collect();
        self.walk(&Local { stamp: u32::MAX, aliases: HashMap::new(), signatures: HashMap::new() }, extra);
        self.needed
    }

    fn mark_repository(&mut self, index: usize, repository: &'s Scanned, stamp: u32) {
        let names = &self.scan.names;
        let aliases = repository.aliases.iter();
        let signed = repository.revisions.iter().filter(|revision| !revision.signatures.is_empty());
        let local = Local {
            stamp,
            aliases: aliases.filter_map(|(key, target)| Some((names.find(key)?, names.find(target)?))).collect(),
            signatures: signed.filter_map(|revision| Some((names.find(&revision.digest)?, revision))).collect(),
        };
        let keeps_all = self.reserve.opaque[index] || !self.options.may_remove_from(repository);
        if keeps_all {
            self.keep_all(repository, &local);
        }
        for name in self.reserve.links.get(&index).into_iter().flatten() {
            self.need(&local, *name);
        }
        let roots = self.roots(index, repository, keeps_all);
        self.walk(&local, roots);
        if self.options.delete_untagged && !keeps_all {
            self.follow(index, repository, &local);
        }
    }

    /// All that the repository links by any path or content.
    fn keep_all(&mut self, repository: &Scanned, local: &Local<'_>) {
        let names = &self.scan.names;
        let layers = repository.layers.iter().map(|hash| Digest::from_sha256(*hash));
        let aliases = repository.aliases.iter().flat_map(|(key, target)| [*key, *target]);
        let signatures = repository.revisions.iter().flat_map(|revision| revision.signatures.iter().copied());
        let all = layers.chain(aliases).chain(repository.emptied.iter().copied()).chain(signatures);
        let all: Vec<Name> = all.filter_map(|digest| names.find(&digest)).collect();
        for name in all {
            self.need(local, name);
        }
    }

    /// The manifests that everything in the repository hangs on.
    pub(super) fn roots(&self, index: usize, repository: &Scanned, keeps_all: bool) -> Vec<Name> {
        let names = &self.scan.names;
        let revisions = repository.revisions.iter().filter_map(|revision| names.find(&revision.digest));
        let tags = || repository.tags.iter().filter_map(|tag| Some((tag, names.find(tag.target.as_ref()?)?)));
        let mut roots: Vec<Name> = self.reserve.revisions.get(&index).into_iter().flatten().copied().collect();
        if keeps_all || !self.options.delete_untagged {
            roots.extend(revisions);
            if self.reserve.opaque[index] {
                // Nothing else is sure here, so what a tag says counts without a link too.
                roots.extend(tags().map(|(_, target)| target));
            }
            return roots;
        }
        let linked: HashSet<Name> = revisions.collect();
        let spares = |tag: &str| !self.options.delete_dangling_referrers || subject_of(tag).is_none();
        let tagged = tags().filter(|(tag, target)| linked.contains(target) && spares(&tag.name));
        roots.extend(tagged.map(|(_, target)| target));
        let kept = self.options.keep.iter().filter_map(|digest| names.find(digest));
        roots.extend(kept.filter(|name| linked.contains(name)));
        roots
    }

    /// Manifests whose subject is kept are kept too, and with them what they lead to; and so are those under a tag that
    /// was made for a manifest which is kept.
    fn follow(&mut self, index: usize, repository: &Scanned, local: &Local<'_>) {
        let scan = self.scan;
        let subject = |name: Name| scan.graph.node(name).and_then(|node| node.subject);
        let revisions = repository.revisions.iter().filter_map(|revision| scan.names.find(&revision.digest));
        let linked: HashSet<Name> = revisions.collect();
        let mut waiting: Vec<(Name, Name)> = linked.iter().filter_map(|name| Some((subject(*name)?, *name))).collect();
        if self.options.delete_dangling_referrers && !self.reserve.opaque[index] {
            waiting.extend(repository.tags.iter().filter_map(|tag| {
                let target = scan.names.find(tag.target.as_ref()?).filter(|target| linked.contains(target))?;
                Some((scan.names.find(&subject_of(&tag.name)?)?, target))
            }));
        }
        loop {
            let is_kept = |(subject, _): &(Name, Name)| self.visited[subject.index()] == local.stamp;
            let (found, rest): (Vec<_>, Vec<_>) = waiting.into_iter().partition(is_kept);
            if found.is_empty() {
                return;
            }
            waiting = rest;
            self.walk(local, found.into_iter().map(|(_, referrer)| referrer).collect());
        }
    }

    /// Follows manifests to all that they reference, on a stack of its own.
    fn walk(&mut self, local: &Local<'_>, roots: Vec<Name>) {
        let scan = self.scan;
        let mut pending = roots;
        while let Some(name) = pending.pop() {
            if std::mem::replace(&mut self.visited[name.index()], local.stamp) == local.stamp {
                continue;
            }
            self.need(local, name);
            let signatures = local.signatures.get(&name).into_iter().flat_map(|revision| &revision.signatures);
            for signature in signatures.filter_map(|digest| scan.names.find(digest)) {
                self.need(local, signature);
            }
            let Some(node) = scan.graph.node(name) else { continue };
            for content in scan.graph.contents(node) {
                self.need(local, *content);
            }
            pending.extend(scan.graph.children(node));
        }
    }

    fn need(&mut self, local: &Local<'_>, name: Name) {
        for name in [Some(name), local.aliases.get(&name).copied()].into_iter().flatten() {
            self.needed.insert(name);
            if std::mem::replace(&mut self.linked[name.index()], local.stamp) != local.stamp {
                self.reached.push(name);
            }
        }
    }
}

/// The manifest that a client made a tag for: `sha256-<hex>`, as referrers are listed, and cosign's of that with `.sig`,
/// `.att` or `.sbom`.
pub(super) fn subject_of(tag: &str) -> Option<Digest> {
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
