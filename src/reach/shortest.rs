//! Finds the shortest way to some content.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

use super::{Edge, References};

/// A shortest way from one of the `roots` to `target`, with both ends. Of several, one from an earlier root.
pub(crate) fn shortest<R>(
    references: &R,
    roots: impl Iterator<Item = Edge<R::Node>>,
    target: R::Node,
) -> Option<Vec<R::Node>>
where
    R: References<Node: Eq + Hash>,
{
    // An alias has no aliases itself, because a registry follows one link only.
    let (mut before, mut waiting) = (HashMap::new(), VecDeque::new());
    let mut enter = |place, from, waiting: &mut VecDeque<_>| {
        before.entry(place).or_insert_with(|| {
            waiting.push_back(place);
            from
        });
    };
    for root in roots {
        enter((root, false), None, &mut waiting);
    }
    while let Some(place) = waiting.pop_front() {
        let (edge, is_alias) = place;
        if edge.target() == target {
            let way = std::iter::successors(Some(place), |place| before[place]);
            let mut way: Vec<R::Node> = way.map(|(edge, _)| edge.target()).collect();
            way.reverse();
            return Some(way);
        }
        let aliases = if is_alias { &[] } else { references.aliases(edge.target()) };
        for alias in aliases {
            enter((Edge::Content(*alias), true), Some(place), &mut waiting);
        }
        if let Edge::Manifest(manifest) = edge {
            references.each(manifest, |next| enter((next, false), Some(place), &mut waiting));
        }
    }
    None
}
