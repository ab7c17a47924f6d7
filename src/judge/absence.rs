//! Judges what is absent: damage in a tree that takes pushes, and nothing of note in one of a pull-through cache.

use super::Blocks;
use crate::finding::Finding;
use crate::repository::cache;
use crate::tree::Tree;

/// Whether indexes may have children that are missing: the caller or the registry's configuration says so, or they are
/// fetched when they are pulled.
pub(crate) fn excuses_children(tree: &Tree) -> bool {
    tree.allows_sparse_indexes() || cache::is_cache(tree)
}

/// What a finding comes to in its tree. A cache fetches what it lacks when that is pulled, so nothing is unavailable.
pub(crate) fn judge(tree: &Tree, blocks: Blocks, finding: Finding) -> (Blocks, Finding) {
    if finding.code.is_absence() && cache::is_cache(tree) {
        (Blocks::None, finding.excused())
    } else {
        (blocks, finding)
    }
}
