//! Which tagged images cannot be pulled whole, and for which finding.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::clue::{Cause, Clue, lies_below};
use super::manifests::{Manifests, Read};
use super::repository::{Leads, Repo};
use crate::digest::Digest;
use crate::finding::{Code, Image, Severity};
use crate::layout::TreePath;
use crate::manifest::Role;

/// The clues by what can't be had for them.
#[derive(Default)]
struct Causes<'c> {
    blobs: HashMap<Digest, Vec<usize>>,
    /// By repository.
    others: HashMap<&'c str, HashMap<Key<'c>, Vec<usize>>>,
    /// By the place that content lies below.
    areas: Vec<(&'c TreePath, Vec<usize>)>,
}

#[derive(PartialEq, Eq, Hash)]
enum Key<'c> {
    Layer(Digest),
    Revision(Digest),
    Tag(&'c str),
    Repository,
}

impl<'c> Causes<'c> {
    fn of(clues: &'c [Clue]) -> Self {
        let mut causes = Self::default();
        for (index, Clue { finding, cause, .. }) in clues.iter().enumerate() {
            let tag = finding.tag.as_deref();
            let key = match cause {
                Cause::Blob(digest) => {
                    causes.blobs.entry(*digest).or_default().push(index);
                    continue;
                }
                Cause::Layer(digest) => Some(Key::Layer(*digest)),
                Cause::Revision(digest) => Some(Key::Revision(*digest)),
                Cause::Tag => tag.map(Key::Tag),
                Cause::Repository => Some(Key::Repository),
                Cause::Area => {
                    causes.areas.extend(finding.place.as_ref().map(|place| (place, vec![index])));
                    continue;
                }
                Cause::None => None,
            };
            if let (Some(key), Some(repository)) = (key, finding.repository.as_deref()) {
                causes.others.entry(repository).or_default().entry(key).or_default().push(index);
            }
        }
        causes
    }

    fn is_empty(&self) -> bool {
        self.others.is_empty() && !self.has_content()
    }

    /// Whether content is among them, which any repository may need.
    fn has_content(&self) -> bool {
        !self.blobs.is_empty() || !self.areas.is_empty()
    }
}

/// Writes into each finding which images it hits. Returns those that cannot be pulled whole.
pub(super) fn find(repositories: &[Repo], manifests: &Manifests, clues: &mut [Clue]) -> Vec<Image> {
    let mut hits: Vec<BTreeSet<Image>> = vec![BTreeSet::new(); clues.len()];
    let causes = Causes::of(clues);
    if !causes.is_empty() {
        // Nobody can ask for an image of what is no repository.
        for repository in repositories.iter().filter(|repository| repository.is_named) {
            Search { repository, manifests, causes: &causes, hits: &mut hits }.run();
        }
    }
    let mut broken = BTreeSet::new();
    for (clue, hits) in clues.iter_mut().zip(hits) {
        // No registry answers for such a tag, strange as it is rather than damaged.
        if clue.finding.severity == Severity::Error || clue.finding.code == Code::TagWithoutCurrent {
            broken.extend(hits.iter().cloned());
        }
        clue.finding.images = hits.into_iter().collect();
    }
    broken.into_iter().collect()
}

struct Search<'s, 'c> {
    repository: &'s Repo,
    manifests: &'s Manifests,
    causes: &'s Causes<'c>,
    hits: &'s mut [BTreeSet<Image>],
}

impl Search<'_, '_> {
    fn run(&mut self) {
        let repository = self.repository;
        let local = self.causes.others.get(repository.text.as_str());
        if local.is_none() && !self.causes.has_content() {
            return;
        }
        // Nor for what is no tag.
        for tag in repository.tags.iter().filter(|tag| tag.name.parse::<crate::name::Tag>().is_ok()) {
            for key in [Key::Tag(&tag.name), Key::Repository] {
                self.hit(local.and_then(|local| local.get(&key)), &tag.name, None);
            }
            if let Some(digest) = tag.current {
                self.descend(&tag.name, digest);
            }
        }
    }

    fn hit(&mut self, clues: Option<&Vec<usize>>, tag: &str, platform: Option<&str>) {
        for index in clues.into_iter().flatten() {
            let (repository, tag) = (self.repository.text.clone(), tag.to_owned());
            self.hits[*index].insert(Image { repository, tag, platform: platform.map(str::to_owned) });
        }
    }

    fn content(&mut self, digest: &Digest, tag: &str, platform: Option<&str>) {
        let causes = self.causes;
        self.hit(causes.blobs.get(digest), tag, platform);
        for (_, clues) in causes.areas.iter().filter(|(place, _)| lies_below(place, digest)) {
            self.hit(Some(clues), tag, platform);
        }
    }

    /// Over a stack of its own: an index may nest as deep as it likes, and lead back to itself.
    fn descend(&mut self, tag: &str, top: Digest) {
        let manifests = self.manifests;
        let local = self.causes.others.get(self.repository.text.as_str());
        let (mut seen, mut pending) = (HashSet::new(), vec![(top, None)]);
        while let Some((digest, platform)) = pending.pop() {
            if !seen.insert(digest) {
                continue;
            }
            self.hit(local.and_then(|local| local.get(&Key::Revision(digest))), tag, platform);
            self.content(&digest, tag, platform);
            let Some(Read::Right(form)) = manifests.get(&digest) else { continue };
            for part in &form.parts {
                if part.role == Role::Child {
                    pending.push((part.digest, part.platform.as_deref().or(platform)));
                    continue;
                }
                self.hit(local.and_then(|local| local.get(&Key::Layer(part.digest))), tag, platform);
                let target = match self.repository.layers.leads(&part.digest) {
                    Leads::To(target) => target,
                    _ => part.digest,
                };
                self.content(&target, tag, platform);
            }
        }
    }
}
