//! Finds the children of indexes that no repository links, as the deletion of one platform leaves them.

use std::collections::HashSet;

use crate::scan::{DigestId, Scan, Scanned};
use crate::tree::Tree;

/// The children of indexes of which the tree has the content, and no repository a link as a manifest or as a layer. A
/// link that is broken, or can't be looked at, is one.
pub(super) fn children(tree: &Tree, scan: &Scan) -> HashSet<DigestId> {
    let children = scan.graph.nodes().flat_map(|(_, node)| scan.graph.children(node));
    let mut children: HashSet<DigestId> = children.copied().filter(|child| scan.digests.is_blob(*child)).collect();
    for repository in &scan.repositories {
        if children.is_empty() {
            return children;
        }
        for revision in &repository.revisions {
            scan.digests.find(&revision.digest).map(|name| children.remove(&name));
        }
    }
    for repository in &scan.repositories {
        children.retain(|child| !is_layer(tree, scan, repository, *child));
    }
    children
}

fn is_layer(tree: &Tree, scan: &Scan, repository: &Scanned, child: DigestId) -> bool {
    let digest = scan.digests.digest(child);
    let is_alias = repository.aliases.iter().any(|(key, target)| *key == digest || *target == digest);
    // The removal of a link may leave its directory.
    let is_link = || tree.metadata(&repository.place.layer_link(&digest)).map_or(true, |found| found.is_some());
    is_alias || repository.layers.contains(&child) && is_link()
}
