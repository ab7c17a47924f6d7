//! Divides a tree for a treemap: lines of the breakdown, then repositories, tags and layers.
//!
//! **Each node has exactly the bytes of its children**, so the whole is what [`du`](crate::du) counts. What is too small
//! to be seen is one node with the rest.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::Serialize;

use crate::count::plural;
use crate::du::{Share, Usage};
use crate::named::named;

/// How many repositories of a line are nodes of their own.
const REPOSITORIES: usize = 100;
/// How many tags of a repository are.
const TAGS: usize = 12;
/// How many layers of a tag are.
const LAYERS: usize = 8;

named! {
    /// What a node is.
    pub(crate) enum NodeKind {
        /// The whole tree.
        Tree = "tree",
        /// A line of the breakdown.
        Line = "line",
        /// What one repository needs alone.
        Repository = "repository",
        /// What one tag alone leads to.
        Tag = "tag",
        /// One blob.
        Layer = "layer",
        /// All others beside it.
        Rest = "rest",
    }
}

/// A part of the tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Node {
    /// What it is.
    pub(crate) kind: NodeKind,
    /// The name of the line, repository or tag, or the digest; for a rest, what it is.
    pub(crate) name: String,
    /// Its bytes.
    pub(crate) bytes: u64,
    /// Its parts, the largest first; none if it is not divided.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) children: Vec<Node>,
}

/// The whole tree.
pub(super) fn of(usage: &Usage) -> Node {
    let lines = usage.tree.lines().into_iter().map(|(name, bytes)| {
        let shares = usage.shares.iter().filter(|share| share.line.name() == name);
        Node { bytes, ..Node::divided(NodeKind::Line, name, line(shares)) }
    });
    Node { kind: NodeKind::Tree, name: String::new(), bytes: usage.tree.total(), children: lines.collect() }
}

impl Node {
    /// A node with these parts.
    fn divided(kind: NodeKind, name: &str, mut children: Vec<Self>) -> Self {
        let bytes = children.iter().map(|child| child.bytes).sum();
        sort(&mut children);
        // A rest beside nothing says no more than the node itself.
        if children.iter().all(|child| child.kind == NodeKind::Rest) {
            children.clear();
        }
        Self { kind, name: name.to_owned(), bytes, children }
    }

    /// A node that is not divided.
    fn whole(kind: NodeKind, name: &impl ToString, bytes: u64) -> Self {
        Self { kind, name: name.to_string(), bytes, children: Vec::new() }
    }
}

/// The largest first.
fn sort(nodes: &mut [Node]) {
    nodes.sort_by(|a, b| (Reverse(a.bytes), &a.name).cmp(&(Reverse(b.bytes), &b.name)));
}

/// The parts of a line: the repositories that need content alone, and the content of none or several.
fn line<'s>(shares: impl Iterator<Item = &'s Share>) -> Vec<Node> {
    let mut repositories: BTreeMap<&str, Vec<&Share>> = BTreeMap::new();
    let mut parts = Vec::new();
    for share in shares {
        match &share.repository {
            Some(repository) => repositories.entry(repository).or_default().push(share),
            None => parts.extend(content(share)),
        }
    }
    let repositories = repositories.into_iter().map(|(name, shares)| repository(name, &shares));
    parts.extend(first(repositories.collect(), REPOSITORIES, "repository"));
    parts
}

/// A repository: its tags, and the content to which none or several of them lead.
fn repository(name: &str, shares: &[&Share]) -> Node {
    let (mut tags, mut parts) = (Vec::new(), Vec::new());
    for share in shares {
        match &share.tag {
            Some(tag) => tags.push(Node::divided(NodeKind::Tag, tag, content(share))),
            None => parts.extend(content(share)),
        }
    }
    parts.extend(first(tags, TAGS, "tag"));
    Node::divided(NodeKind::Repository, name, parts)
}

/// The largest blobs of a share, and the rest.
fn content(share: &Share) -> Vec<Node> {
    let largest = share.largest.iter().filter(|(_, bytes)| *bytes > 0).take(LAYERS);
    let mut nodes: Vec<Node> = largest.map(|(digest, bytes)| Node::whole(NodeKind::Layer, digest, *bytes)).collect();
    let shown: u64 = nodes.iter().map(|node| node.bytes).sum();
    nodes.extend(others(share.blobs - nodes.len() as u64, share.bytes - shown, "blob"));
    nodes
}

/// The first of these nodes by size, and one for all others.
fn first(mut nodes: Vec<Node>, most: usize, noun: &str) -> Vec<Node> {
    sort(&mut nodes);
    let rest = nodes.split_off(nodes.len().min(most));
    nodes.extend(others(rest.len() as u64, rest.iter().map(|node| node.bytes).sum(), noun));
    nodes
}

/// The node for what is left, if anything is.
fn others(count: u64, bytes: u64, noun: &str) -> Option<Node> {
    (count > 0).then(|| Node::whole(NodeKind::Rest, &format!("{} besides", plural(count, noun)), bytes))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests {
    use super::*;
    use crate::digest::Digest;
    use crate::du::Line;

    fn share(repository: Option<&str>, tag: Option<&str>, sizes: &[u64]) -> Share {
        let largest = sizes.iter().map(|size| (Digest::of(&size.to_be_bytes()), *size)).collect();
        let [repository, tag] = [repository, tag].map(|name| name.map(str::to_owned));
        Share { line: Line::Unique, repository, tag, blobs: sizes.len() as u64, bytes: sizes.iter().sum(), largest }
    }

    fn check(node: &Node) {
        if !node.children.is_empty() {
            assert_eq!(node.bytes, node.children.iter().map(|child| child.bytes).sum::<u64>(), "{}", node.name);
        }
        assert!(node.children.is_sorted_by_key(|child| Reverse(child.bytes)), "{node:?}");
        node.children.iter().for_each(check);
    }

    #[test]
    fn the_tail_is_one_node_and_no_byte_is_lost() {
        let names: Vec<String> = (0..REPOSITORIES + 30).map(|i| format!("r{i}")).collect();
        let tags: Vec<String> = (0..TAGS + 5).map(|i| format!("t{i}")).collect();
        let sizes: Vec<u64> = (0..LAYERS as u64 + 3).collect();
        let mut shares: Vec<Share> = names.iter().map(|name| share(Some(name), Some("v1"), &[7, 9])).collect();
        shares.extend(tags.iter().map(|tag| share(Some("big"), Some(tag), &sizes)));
        shares.push(share(Some("big"), None, &[1000, 2000]));
        let node = Node::divided(NodeKind::Line, "unique", line(shares.iter()));
        check(&node);
        assert_eq!(node.bytes, shares.iter().map(|share| share.bytes).sum::<u64>());
        assert_eq!((node.children.len(), &*node.children[0].name), (REPOSITORIES + 1, "big"));
        let rest = |node: &Node| node.children.iter().find(|child| child.kind == NodeKind::Rest).unwrap().name.clone();
        assert_eq!((rest(&node), rest(&node.children[0])), ("31 repositories besides".into(), "5 tags besides".into()));
        let tag = node.children[0].children.iter().find(|child| child.kind == NodeKind::Tag).unwrap();
        // Of eleven blobs one is empty.
        assert_eq!((tag.children.len(), rest(tag)), (LAYERS + 1, "3 blobs besides".into()));
    }

    #[test]
    fn what_has_no_part_with_a_name_is_not_divided() {
        let unnamed = Share { largest: Vec::new(), ..share(Some("lib"), None, &[5, 6]) };
        let node = Node::divided(NodeKind::Line, "unique", line([&unnamed].into_iter()));
        assert_eq!(node.children, [Node::whole(NodeKind::Repository, &"lib", 11)]);
    }
}
