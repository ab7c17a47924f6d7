//! Why content stays: the shortest way that leads to it.

use std::collections::{HashMap, VecDeque};

use serde::Serialize;

use super::action::{Action, Kind};
use super::mark::Marker;
use super::plan::Plan;
use super::{Options, age};
use crate::digest::Digest;
use crate::error::Result;
use crate::scan::{Name, Scan, Scanned, Tag};
use crate::tree::{Neighbours, Tree};

/// A step of the way to some content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Step {
    /// A repository, by its path.
    Repository {
        /// The path.
        name: String,
    },
    /// A tag of it.
    Tag {
        /// What it is called.
        name: String,
    },
    /// A manifest that it links.
    Manifest {
        /// What it is called.
        digest: Digest,
    },
    /// A link to content, by itself.
    Link {
        /// What it links.
        digest: Digest,
    },
    /// Content that a manifest names, or that another of its names leads to.
    Content {
        /// What it is called.
        digest: Digest,
    },
}

/// Why content stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// A tag leads to it.
    Tagged,
    /// A manifest of a repository leads to it.
    Linked,
    /// The repository is one in which something can't be followed, or from which nothing may be removed.
    Untouchable,
    /// It is young, or what leads to it is.
    Young,
    /// It was named, or what leads to it was.
    Named,
    /// There may be links that can't be seen.
    Unseen,
}

/// What becomes of content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The tree has no such content.
    Absent,
    /// It stays.
    Kept {
        /// Why.
        reason: Reason,
        /// The shortest way that leads to it.
        way: Vec<Step>,
        /// Until when, if it is for its age alone.
        until: Option<jiff::Timestamp>,
    },
    /// Nothing needs it.
    Goes,
    /// Nothing needs it, but it is not as content has to be, which is for `fsck`.
    Strange,
}

/// Says what becomes of some content, as `plan` has it, and which links to it go.
pub fn explain<'p>(
    tree: &Tree,
    scan: &Scan,
    options: &Options,
    plan: &'p Plan,
    digest: &Digest,
) -> Result<(Fate, Vec<&'p Action>)> {
    let about = plan.actions.iter().filter(|action| action.digest.as_ref() == Some(digest));
    let (going, links): (Vec<&Action>, Vec<&Action>) = about.partition(|action| action.kind == Kind::Blob);
    let Some(target) = scan.names.find(digest) else { return Ok((Fate::Absent, links)) };
    let kept = |(reason, way)| Fate::Kept { reason, way, until: None };
    let fate = if !going.is_empty() {
        Fate::Goes
    } else if let Some(found) = shortest(scan, options, plan, target) {
        kept(found)
    } else if !scan.names.is_blob(target) {
        Fate::Absent
    } else if let Some(found) = beside(scan, options, plan, target) {
        let (reason, way) = found;
        let until = if reason == Reason::Young { until(tree, options, digest)? } else { None };
        Fate::Kept { reason, way, until }
    } else if plan.blind {
        kept((Reason::Unseen, Vec::new()))
    } else {
        Fate::Strange
    };
    Ok((fate, links))
}

type Found = (Reason, Vec<Step>);

/// The shortest way from any repository; of those of one length, one with a tag.
fn shortest(scan: &Scan, options: &Options, plan: &Plan, target: Name) -> Option<Found> {
    let marker = Marker::new(scan, options, &plan.reserve);
    let aliases = marker.aliases();
    let found = scan.repositories.iter().enumerate().filter_map(|(index, repository)| {
        let untouchable = plan.reserve.opaque[index] || !options.may_remove_from(repository);
        let mut roots = marker.roots(index, repository, untouchable);
        let tags: HashMap<Name, &Tag> = repository
            .tags
            .iter()
            .rev()
            .filter_map(|tag| Some((scan.names.find(tag.target.as_ref()?)?, tag)))
            .collect();
        // What a tag points to first, so that of several ways the one from a tag is found.
        roots.sort_by_key(|name| (!tags.contains_key(name), *name));
        let local = local(scan, options, repository, untouchable);
        let way = search(roots.into_iter(), target, |name| {
            let mut next = references(scan, name);
            next.extend(local.get(&name).into_iter().chain(aliases.get(&name)).flatten());
            next
        });
        let young = |name: Name| plan.reserve.revisions.get(&index).is_some_and(|young| young.contains(&name));
        let mut steps = vec![Step::Repository { name: repository.text().to_owned() }];
        if let Some(way) = way {
            let tag = tags.get(&way[0]);
            let reason = match tag {
                Some(_) => Reason::Tagged,
                None if untouchable => Reason::Untouchable,
                None if young(way[0]) => Reason::Young,
                None => Reason::Linked,
            };
            steps.extend(tag.map(|tag| Step::Tag { name: tag.name.clone() }));
            steps.extend(way.iter().map(|name| step(scan, *name)));
            if let (Some(Step::Content { digest }), 2) = (steps.last().cloned(), steps.len()) {
                steps[1] = Step::Link { digest };
            }
            return Some((reason, steps));
        }
        let links = plan.reserve.links.get(&index);
        let reason = if untouchable && is_linked(scan, repository, target) {
            Reason::Untouchable
        } else if links.is_some_and(|links| links.contains(&target)) {
            Reason::Young
        } else {
            return None;
        };
        steps.push(Step::Link { digest: scan.names.digest(target) });
        Some((reason, steps))
    });
    found.min_by_key(|(reason, way)| (way.len() - usize::from(*reason == Reason::Tagged), *reason != Reason::Tagged))
}

/// The shortest way from what no repository accounts for.
fn beside(scan: &Scan, options: &Options, plan: &Plan, target: Name) -> Option<Found> {
    let named = options.keep.iter().filter_map(|digest| scan.names.find(digest));
    let young = plan.reserve.blobs.iter().copied();
    let follow = |name| references(scan, name);
    let named = search(named, target, follow).map(|way| (Reason::Named, way));
    let found = named.or_else(|| search(young, target, follow).map(|way| (Reason::Young, way)));
    found.map(|(reason, way)| (reason, way.into_iter().map(|name| step(scan, name)).collect()))
}

/// Goes as wide as it can before it goes deeper.
fn search(roots: impl Iterator<Item = Name>, target: Name, follow: impl Fn(Name) -> Vec<Name>) -> Option<Vec<Name>> {
    let mut before: HashMap<Name, Option<Name>> = HashMap::new();
    let mut waiting: VecDeque<Name> = VecDeque::new();
    for root in roots {
        before.entry(root).or_insert_with(|| {
            waiting.push_back(root);
            None
        });
    }
    while let Some(name) = waiting.pop_front() {
        if name == target {
            let mut way: Vec<Name> = std::iter::successors(Some(name), |name| before[name]).collect();
            way.reverse();
            return Some(way);
        }
        for next in follow(name) {
            before.entry(next).or_insert_with(|| {
                waiting.push_back(next);
                Some(name)
            });
        }
    }
    None
}

fn references(scan: &Scan, name: Name) -> Vec<Name> {
    let Some(node) = scan.graph.node(name) else { return Vec::new() };
    scan.graph.children(node).iter().chain(scan.graph.contents(node)).copied().collect()
}

/// What else leads on in a repository: stored signatures, and referrers of what is kept.
fn local(scan: &Scan, options: &Options, repository: &Scanned, untouchable: bool) -> HashMap<Name, Vec<Name>> {
    let find = |digest: &Digest| scan.names.find(digest);
    let mut local: HashMap<Name, Vec<Name>> = HashMap::new();
    for revision in &repository.revisions {
        let Some(name) = find(&revision.digest) else { continue };
        if !revision.signatures.is_empty() {
            local.entry(name).or_default().extend(revision.signatures.iter().filter_map(find));
        }
        let subject = scan.graph.node(name).and_then(|node| node.subject);
        if let Some(subject) = subject.filter(|_| options.delete_untagged && !untouchable) {
            local.entry(subject).or_default().push(name);
        }
    }
    local
}

fn is_linked(scan: &Scan, repository: &Scanned, target: Name) -> bool {
    let digest = scan.names.digest(target);
    repository.layers.contains(&target)
        || repository.aliases.iter().any(|(key, target)| *key == digest || *target == digest)
        || repository.emptied.contains(&digest)
        || repository.revisions.iter().any(|revision| revision.signatures.contains(&digest))
}

fn step(scan: &Scan, name: Name) -> Step {
    let digest = scan.names.digest(name);
    if scan.graph.node(name).is_some() { Step::Manifest { digest } } else { Step::Content { digest } }
}

fn until(tree: &Tree, options: &Options, digest: &Digest) -> Result<Option<jiff::Timestamp>> {
    let age::Found::Blob(lying) = age::look_at(&mut Neighbours::new(tree), digest)? else { return Ok(None) };
    Ok(lying.newest.checked_add(options.min_age).ok())
}
