//! What each tag leads to, and what nothing else leads to.
//!
//! As for a collection of untagged manifests: from a tag's manifest to all that it references, to the referrers of each
//! manifest on the way, to signatures, and to what aliases stand for.

use std::collections::{HashMap, HashSet};

use super::holdings::{SEVERAL, alone, keep};
use super::{Amount, TagUsage};
use crate::gc::Needs;
use crate::scan::{Name, Revision, Scan, Scanned};

/// All tags, target by target.
#[derive(Debug)]
pub(super) struct Tagged {
    /// By name, the last target that reached it as a manifest.
    visited: Vec<u32>,
    /// By blob, the last target that reached it at all.
    counted: Vec<u32>,
    /// By blob, the one target that leads to it.
    keepers: Vec<u32>,
    /// By target, the bytes that it leads to.
    totals: Vec<u64>,
    /// By repository, the numbers of its targets from 1.
    targets: Vec<HashMap<Name, u32>>,
}

/// What leads on from a manifest in one repository only.
struct Local<'s> {
    aliases: HashMap<Name, Name>,
    signatures: HashMap<Name, &'s Revision>,
    linked: HashSet<Name>,
    /// The manifests that are about another.
    referrers: HashMap<Name, Vec<Name>>,
}

impl<'s> Local<'s> {
    fn new(scan: &'s Scan, repository: &'s Scanned) -> Self {
        let names = &scan.names;
        let aliases = repository.aliases.iter();
        let mut local = Self {
            aliases: aliases.filter_map(|(key, target)| Some((names.find(key)?, names.find(target)?))).collect(),
            signatures: HashMap::new(),
            linked: HashSet::new(),
            referrers: HashMap::new(),
        };
        for revision in &repository.revisions {
            let Some(name) = names.find(&revision.digest) else { continue };
            local.linked.insert(name);
            if !revision.signatures.is_empty() {
                local.signatures.insert(name, revision);
            }
            if let Some(subject) = scan.graph.node(name).and_then(|node| node.subject) {
                local.referrers.entry(subject).or_default().push(name);
            }
        }
        local
    }
}

impl Tagged {
    pub(super) fn new(scan: &Scan) -> Self {
        let blobs = scan.names.blob_count();
        let (counted, keepers) = (vec![0; blobs], vec![0; blobs]);
        Self { visited: Vec::new(), counted, keepers, totals: Vec::new(), targets: Vec::new() }
    }

    /// Goes through the tags of the next repository.
    pub(super) fn add(&mut self, scan: &Scan, needs: Needs<'_>, sizes: &[u64]) {
        // A look for doubts may have given names to more.
        self.visited.resize(scan.names.len(), 0);
        let repository = &scan.repositories[needs.repository];
        if needs.opaque {
            // No tag of it keeps anything alone.
            for name in needs.names.iter().filter(|name| scan.names.is_blob(**name)) {
                self.keepers[name.index()] = SEVERAL;
            }
        }
        let local = Local::new(scan, repository);
        let mut tags: HashMap<Name, usize> = HashMap::new();
        for target in repository.tags.iter().filter_map(|tag| scan.names.find(tag.target.as_ref()?)) {
            *tags.entry(target).or_default() += 1;
        }
        // A tag keeps what its repository has a link for.
        tags.retain(|target, _| local.linked.contains(target));
        let mut targets = HashMap::new();
        for (target, tags) in tags {
            self.totals.push(0);
            let number = u32::try_from(self.totals.len()).expect("fewer than 2^32 tags");
            targets.insert(target, number);
            let mut walk = Walk { tagged: self, number, sizes, keeper: if tags == 1 { number } else { SEVERAL } };
            walk.follow(scan, &local, target);
        }
        self.targets.push(targets);
    }

    /// The tags of the repositories that are `chosen`, sorted.
    pub(super) fn rows(&self, scan: &Scan, sizes: &[u64], chosen: &dyn Fn(&str) -> bool) -> Vec<TagUsage> {
        let unique = alone(&self.keepers, sizes, self.totals.len());
        let mut rows = Vec::new();
        let repositories = scan.repositories.iter().zip(&self.targets);
        for (repository, targets) in repositories.filter(|(repository, _)| chosen(repository.text())) {
            for tag in &repository.tags {
                let number = tag.target.and_then(|digest| targets.get(&scan.names.find(&digest)?));
                let amount = number.map(|number| *number as usize - 1);
                let amount = amount.map(|at| Amount { total: self.totals[at], unique: unique[at] }).unwrap_or_default();
                let (repository, tag, digest) = (repository.text().to_owned(), tag.name.clone(), tag.target);
                rows.push(TagUsage { repository, tag, digest, amount });
            }
        }
        rows
    }
}

/// The way from one target.
struct Walk<'t> {
    tagged: &'t mut Tagged,
    number: u32,
    sizes: &'t [u64],
    /// Who keeps what is reached: the target, or several tags of it.
    keeper: u32,
}

impl Walk<'_> {
    fn follow(&mut self, scan: &Scan, local: &Local<'_>, target: Name) {
        let mut pending = vec![target];
        while let Some(name) = pending.pop() {
            if std::mem::replace(&mut self.tagged.visited[name.index()], self.number) == self.number {
                continue;
            }
            self.count(local, name);
            let signatures = local.signatures.get(&name).into_iter().flat_map(|revision| &revision.signatures);
            for signature in signatures.filter_map(|digest| scan.names.find(digest)) {
                self.count(local, signature);
            }
            pending.extend(local.referrers.get(&name).into_iter().flatten());
            let Some(node) = scan.graph.node(name) else { continue };
            for content in scan.graph.contents(node) {
                self.count(local, *content);
            }
            pending.extend(scan.graph.children(node));
        }
    }

    fn count(&mut self, local: &Local<'_>, name: Name) {
        for name in [Some(name), local.aliases.get(&name).copied()].into_iter().flatten() {
            // What is no blob has no bytes.
            let Some(counted) = self.tagged.counted.get_mut(name.index()) else { continue };
            if std::mem::replace(counted, self.number) != self.number {
                self.tagged.totals[self.number as usize - 1] += self.sizes[name.index()];
                keep(&mut self.tagged.keepers[name.index()], self.keeper);
            }
        }
    }
}
