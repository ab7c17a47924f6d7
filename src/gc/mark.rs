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
    /// What links anywhere call content by other digests: a child may lie in another repository.
    aliases: HashMap<Name, Vec<Name>>,
    /// All content that is in use.
    needed: NameSet,
    /// By name, the last repository that reached it as a manifest.
    visited: Vec<u32>,
    /// By name, the last repository that needed a link to it.
    linked: Vec<u32>,
    /// What the present repository needs, each once.
    reached: Vec<Name>,
}

/// What hangs on the manifests of a repository.
struct Local<'s> {
    stamp: u32,
    signatures: HashMap<Name, &'s Revision>,
    referrers: HashMap<Name, Vec<Name>>,
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
        let mut aliases: HashMap<Name, Vec<Name>> = HashMap::new();
        for (key, target) in scan.repositories.iter().flat_map(|repository| &repository.aliases) {
            if let Some((key, target)) = scan.names.find(key).zip(scan.names.find(target)) {
                aliases.entry(key).or_default().push(target);
            }
        }
        let (needed, reached) = (NameSet::new(&scan.names), Vec::new());
        Self { scan, options, reserve, aliases, needed, visited, linked, reached }
    }

    /// What content is called otherwise.
    pub(super) fn aliases(&self) -> &HashMap<Name, Vec<Name>> {
        &self.aliases
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
        self.walk(&Local { stamp: u32::MAX, signatures: HashMap::new(), referrers: HashMap::new() }, extra);
        self.needed
    }

    fn mark_repository(&mut self, index: usize, repository: &'s Scanned, stamp: u32) {
        let names = &self.scan.names;
        let signed = repository.revisions.iter().filter(|revision| !revision.signatures.is_empty());
        let keeps_all = self.reserve.opaque[index] || !self.options.may_remove_from(repository);
        let follows = self.options.delete_untagged && !keeps_all;
        let local = Local {
            stamp,
            signatures: signed.filter_map(|revision| Some((names.find(&revision.digest)?, revision))).collect(),
            referrers: if follows { self.referrers(repository) } else { HashMap::new() },
        };
        if keeps_all {
            self.keep_all(repository, &local);
        }
        for name in self.reserve.links.get(&index).into_iter().flatten() {
            self.need(&local, *name);
        }
        let roots = self.roots(index, repository, keeps_all);
        self.walk(&local, roots);
    }

    /// All that the repository links by any path or content.
    fn keep_all(&mut self, repository: &Scanned, local: &Local<'_>) {
        let names = &self.scan.names;
        let aliases = repository.aliases.iter().flat_map(|(key, target)| [*key, *target]);
        let signatures = repository.revisions.iter().flat_map(|revision| revision.signatures.iter().copied());
        let others = aliases.chain(repository.emptied.iter().copied()).chain(signatures);
        let others: Vec<Name> = others.filter_map(|digest| names.find(&digest)).collect();
        for name in repository.layers.iter().copied().chain(others) {
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

    /// By manifest, those that are kept with it: they have it as their subject, or are under a tag that was made for it.
    fn referrers(&self, repository: &Scanned) -> HashMap<Name, Vec<Name>> {
        let scan = self.scan;
        let revisions = repository.revisions.iter().filter_map(|revision| scan.names.find(&revision.digest));
        let linked: HashSet<Name> = revisions.collect();
        let mut referrers: HashMap<Name, Vec<Name>> = HashMap::new();
        for name in &linked {
            if let Some(subject) = scan.graph.node(*name).and_then(|node| node.subject) {
                referrers.entry(subject).or_default().push(*name);
            }
        }
        if self.options.delete_dangling_referrers {
            for tag in &repository.tags {
                let target = tag.target.as_ref().and_then(|target| scan.names.find(target));
                let subject = subject_of(&tag.name).and_then(|subject| scan.names.find(&subject));
                if let Some((subject, target)) = subject.zip(target.filter(|target| linked.contains(target))) {
                    referrers.entry(subject).or_default().push(target);
                }
            }
        }
        referrers
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
            pending.extend(local.referrers.get(&name).into_iter().flatten());
            let Some(node) = scan.graph.node(name) else { continue };
            for content in scan.graph.contents(node) {
                self.need(local, *content);
                // A manifest may be named as a layer, or in a field that nobody knows.
                if self.options.delete_untagged && scan.graph.node(*content).is_some() {
                    pending.push(*content);
                }
            }
            pending.extend(scan.graph.children(node));
        }
    }

    fn need(&mut self, local: &Local<'_>, name: Name) {
        let Self { aliases, needed, linked, reached, .. } = self;
        let others = aliases.get(&name).map_or(&[][..], Vec::as_slice);
        for name in std::iter::once(&name).chain(others) {
            needed.insert(*name);
            if std::mem::replace(&mut linked[name.index()], local.stamp) != local.stamp {
                reached.push(*name);
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
