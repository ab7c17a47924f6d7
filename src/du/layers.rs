//! Finds the largest layers, and the repositories that share them.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::LayerUsage;
use super::holdings::{self, Holding, Owners};
use crate::scan::{DigestId, DigestSet, Scan};
use crate::stream::Interrupt;
use crate::tree::Tree;

/// The `count` largest layers of the chosen repositories, the largest first.
pub(super) fn largest(
    tree: &Tree,
    scan: &mut Scan,
    sizes: &[u64],
    count: usize,
    chosen: &dyn Fn(&str) -> bool,
    interrupt: &Interrupt,
) -> Vec<LayerUsage> {
    if count == 0 {
        return Vec::new();
    }
    let owners = Owners::of(scan);
    let mut theirs = DigestSet::new(&scan.digests);
    holdings::each(tree, scan, &owners, interrupt, |Holding { owner, name, first, .. }| {
        if first && chosen(owners.name(owner)) {
            theirs.insert(name);
        }
    });
    let mut layers: Vec<DigestId> = scan.digests.blobs().filter(|name| theirs.contains(*name)).collect();
    layers.retain(|name| scan.graph.node(*name).is_none());
    layers.sort_by_key(|name| (Reverse(sizes[name.index()]), *name));
    layers.truncate(count);
    let mut sharers: HashMap<DigestId, Vec<u32>> = layers.iter().map(|name| (*name, Vec::new())).collect();
    // This is a second pass. A single one would have to remember the repositories of every layer.
    holdings::each(tree, scan, &owners, interrupt, |Holding { owner, name, first, .. }| {
        if first && let Some(sharers) = sharers.get_mut(&name) {
            sharers.push(owner);
        }
    });
    let named = |owners_of: &[u32]| owners_of.iter().map(|owner| owners.name(*owner).to_owned()).collect();
    let usage = |name: DigestId| LayerUsage {
        digest: scan.digests.digest(name),
        bytes: sizes[name.index()],
        repositories: sharers.get(&name).map(|owners_of| named(owners_of)).unwrap_or_default(),
    };
    layers.into_iter().map(usage).collect()
}
