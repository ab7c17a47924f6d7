//! Explains why content is kept, by the shortest way that leads to it.

use std::collections::HashMap;

use serde::Serialize;

use super::action::{Action, Kind};
use super::age;
use super::plan::Plan;
use crate::digest::Digest;
use crate::error::Result;
use crate::reach::{Edge, Edges, shortest};
use crate::scan::{DigestId, Scan, ScannedTag};
use crate::tree::{Neighbours, Tree};

/// A step of the way to some content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Step {
    /// A repository.
    Repository {
        /// Its path.
        name: String,
    },
    /// A tag of the repository.
    Tag {
        /// Its name.
        name: String,
    },
    /// A manifest that another repository keeps, and that what follows is about.
    Subject {
        /// Its digest.
        digest: Digest,
    },
    /// A manifest.
    Manifest {
        /// Its digest.
        digest: Digest,
    },
    /// A layer link that is kept on its own, not for a manifest.
    Link {
        /// The content that it links.
        digest: Digest,
    },
    /// Content that a manifest names, or that an alias leads to.
    Content {
        /// Its digest.
        digest: Digest,
    },
}

/// Why content is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Reason {
    /// A tag leads to it.
    Tagged,
    /// A manifest of a repository leads to it.
    Linked,
    /// It is about a manifest that another repository keeps, as a signature is, or what leads to it is.
    Referrer,
    /// A repository leads to it in which something can't be followed, or from which nothing may be removed.
    Untouchable,
    /// It is young, or what leads to it is.
    Young,
    /// [`Options::keep`](super::Options::keep) names it, or what leads to it.
    Named,
    /// There may be hidden links to it.
    Unseen,
}

/// What a plan does with content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "fate", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Fate {
    /// The tree has no such content.
    Absent,
    /// The plan keeps it.
    Kept {
        /// Why.
        reason: Reason,
        /// The shortest way that leads to it.
        way: Vec<Step>,
        /// Until when it is kept, if only its age keeps it.
        until: Option<jiff::Timestamp>,
    },
    /// Nothing needs it, and the plan removes it.
    #[serde(rename = "goes")]
    Removed,
    /// Nothing needs it, but it is not a regular file in its place. gc leaves that to `fsck`.
    Strange,
}

type Way = (Reason, Vec<Step>);

impl Plan {
    /// Says what the plan does with some content, and which links to it the plan removes.
    pub fn explain(&self, tree: &Tree, digest: &Digest) -> Result<(Fate, Vec<&Action>)> {
        let scan = &self.scan;
        let about = self.actions.iter().filter(|action| action.digest.as_ref() == Some(digest));
        let (removal, links): (Vec<&Action>, Vec<&Action>) = about.partition(|action| action.kind == Kind::Blob);
        let Some(target) = scan.digests.find(digest) else { return Ok((Fate::Absent, links)) };
        let kept = |(reason, way)| Fate::Kept { reason, way, until: None };
        let edges = Edges::new(scan, self.options.policy(), &self.must_keep);
        let fate = if !removal.is_empty() {
            Fate::Removed
        } else if let Some(found) = self.by_repositories(&edges, target) {
            kept(found)
        } else if !scan.digests.is_blob(target) {
            Fate::Absent
        } else if let Some(found) = self.beside(&edges, target) {
            let (reason, way) = found;
            let until = if reason == Reason::Young { self.until(tree, digest)? } else { None };
            Fate::Kept { reason, way, until }
        } else if self.keep_all_content {
            kept((Reason::Unseen, Vec::new()))
        } else {
            Fate::Strange
        };
        Ok((fate, links))
    }

    /// The shortest way from any repository. Of ways with the same length, one that begins with a tag.
    fn by_repositories(&self, edges: &Edges<'_>, target: DigestId) -> Option<Way> {
        let Self { scan, options, must_keep, .. } = self;
        let found = scan.repositories.iter().enumerate().filter_map(|(index, repository)| {
            let within = edges.within(index);
            let untouchable = must_keep.keeps_all(&options.policy(), index, repository);
            let mut steps = vec![Step::Repository { name: repository.text().to_owned() }];
            let tags = edges.targets(repository).filter(|(tag, _)| untouchable || within.is_root(tag));
            let mut first: HashMap<DigestId, &ScannedTag> = HashMap::new();
            for (tag, target) in tags {
                first.entry(target).or_insert(tag);
            }
            let mut roots = edges.roots(&within, index, repository);
            // Manifests with a tag come first, so that of several ways the one from a tag is found.
            roots.sort_by_key(|name| (!first.contains_key(name), *name));
            if let Some(way) = shortest(&within, roots.into_iter().map(Edge::Manifest), target) {
                let tag = first.get(&way[0]);
                let subject = edges.followed(index, way[0]).filter(|_| tag.is_none() && !untouchable);
                let young = || must_keep.revisions.get(&index).is_some_and(|young| young.contains(&way[0]));
                let reason = match tag {
                    Some(_) => Reason::Tagged,
                    None if untouchable => Reason::Untouchable,
                    None if young() => Reason::Young,
                    None if subject.is_some() => Reason::Referrer,
                    None if options.delete_untagged => Reason::Named,
                    None => Reason::Linked,
                };
                steps.extend(tag.map(|tag| Step::Tag { name: tag.name.clone() }));
                steps.extend(subject.map(|subject| Step::Subject { digest: scan.digests.digest(subject) }));
                steps.extend(way.iter().map(|name| step(scan, *name)));
                if let (Some(Step::Content { digest }), 2) = (steps.last().cloned(), steps.len()) {
                    steps[1] = Step::Link { digest };
                }
                return Some((reason, steps));
            }
            let loose = edges.loose(index, repository);
            let way = shortest(&within, loose.into_iter().map(Edge::Content), target)?;
            steps.push(Step::Link { digest: scan.digests.digest(way[0]) });
            steps.extend(way[1..].iter().map(|name| step(scan, *name)));
            Some((if untouchable { Reason::Untouchable } else { Reason::Young }, steps))
        });
        found
            .min_by_key(|(reason, way)| (way.len() - usize::from(*reason == Reason::Tagged), *reason != Reason::Tagged))
    }

    /// The shortest way from a root that belongs to no repository.
    fn beside(&self, edges: &Edges<'_>, target: DigestId) -> Option<Way> {
        let Self { scan, options, must_keep, .. } = self;
        let within = edges.beside();
        let named: Vec<DigestId> = options.keep.iter().filter_map(|digest| scan.digests.find(digest)).collect();
        let young: Vec<DigestId> = must_keep.blobs.iter().copied().collect();
        let found = [(Reason::Named, named), (Reason::Young, young)].into_iter().find_map(|(reason, roots)| {
            Some((reason, shortest(&within, roots.into_iter().map(Edge::Manifest), target)?))
        });
        found.map(|(reason, way)| (reason, way.into_iter().map(|name| step(scan, name)).collect()))
    }

    fn until(&self, tree: &Tree, digest: &Digest) -> Result<Option<jiff::Timestamp>> {
        let blobs = &mut Neighbours::new(tree);
        let age::FoundBlob::File(file) = age::look_at(blobs, &self.scan, digest)? else { return Ok(None) };
        Ok(file.newest.checked_add(self.options.min_age).ok())
    }
}

fn step(scan: &Scan, name: DigestId) -> Step {
    let digest = scan.digests.digest(name);
    if scan.graph.node(name).is_some() { Step::Manifest { digest } } else { Step::Content { digest } }
}
