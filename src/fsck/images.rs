//! Finds the tagged images that can't be pulled whole, and the findings that hit each.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::candidate::{Blocks, Candidate, is_below};
use super::manifests::Manifests;
use super::repository::{LinkTarget, RepositoryView};
use crate::digest::Digest;
use crate::finding::{Code, Image, Severity};
use crate::judge::manifest::Read;
use crate::layout::TreePath;
use crate::manifest::Role;
use crate::reach::{Edge, References, Visit, walk};

/// The candidates, by what each makes unavailable.
#[derive(Default)]
struct Blockers<'c> {
    blobs: HashMap<Digest, Vec<usize>>,
    /// By repository.
    others: HashMap<&'c str, HashMap<Key<'c>, Vec<usize>>>,
    /// By the directory above the content.
    areas: Vec<(TreePath, Vec<usize>)>,
}

#[derive(PartialEq, Eq, Hash)]
enum Key<'c> {
    Layer(Digest),
    Revision(Digest),
    Tag(&'c str),
    Repository,
}

impl<'c> Blockers<'c> {
    fn of(candidates: &'c [Candidate]) -> Self {
        let mut blockers = Self::default();
        for (index, Candidate { finding, blocks, .. }) in candidates.iter().enumerate() {
            let tag = finding.tag();
            let key = match blocks {
                Blocks::Blob(digest) => {
                    blockers.blobs.entry(*digest).or_default().push(index);
                    continue;
                }
                Blocks::Layer(digest) => Some(Key::Layer(*digest)),
                Blocks::Revision(digest) => Some(Key::Revision(*digest)),
                Blocks::Tag => tag.map(Key::Tag),
                Blocks::Repository => Some(Key::Repository),
                Blocks::Area => {
                    blockers.areas.extend(finding.place().map(|place| (place, vec![index])));
                    continue;
                }
                Blocks::None => None,
            };
            if let (Some(key), Some(repository)) = (key, finding.repository()) {
                blockers.others.entry(repository).or_default().entry(key).or_default().push(index);
            }
        }
        blockers
    }

    fn is_empty(&self) -> bool {
        self.others.is_empty() && !self.has_content()
    }

    /// Whether content is unavailable, which any repository may need.
    fn has_content(&self) -> bool {
        !self.blobs.is_empty() || !self.areas.is_empty()
    }
}

/// Writes into each finding the images that it hits. Returns the images that can't be pulled whole.
pub(super) fn find(repositories: &[RepositoryView], manifests: &Manifests, candidates: &mut [Candidate]) -> Vec<Image> {
    let mut hits: Vec<BTreeSet<Image>> = vec![BTreeSet::new(); candidates.len()];
    let blockers = Blockers::of(candidates);
    if !blockers.is_empty() {
        // A registry serves no image of a repository whose name is invalid.
        for repository in repositories.iter().filter(|repository| repository.is_named) {
            Search { repository, manifests, blockers: &blockers, hits: &mut hits }.run();
        }
    }
    let mut broken = BTreeSet::new();
    for (candidate, hits) in candidates.iter_mut().zip(hits) {
        // No registry answers for a tag without `current`, although that is only a warning.
        if candidate.finding.severity == Severity::Error || candidate.finding.code == Code::TagWithoutCurrent {
            broken.extend(hits.iter().cloned());
        }
        candidate.finding.images = hits.into_iter().collect();
    }
    broken.into_iter().collect()
}

struct Search<'s, 'c> {
    repository: &'s RepositoryView,
    manifests: &'s Manifests,
    blockers: &'s Blockers<'c>,
    hits: &'s mut [BTreeSet<Image>],
}

impl Search<'_, '_> {
    fn run(&mut self) {
        let (repository, manifests) = (self.repository, self.manifests);
        if !self.blockers.others.contains_key(repository.text.as_str()) && !self.blockers.has_content() {
            return;
        }
        // The same is true of a tag whose name is invalid.
        for tag in repository.tags.iter().filter(|tag| tag.name.parse::<crate::name::Tag>().is_ok()) {
            for key in [Key::Tag(&tag.name), Key::Repository] {
                self.local(&key, &tag.name, None);
            }
            if let Some(digest) = tag.current {
                let mut pull = Pull { search: self, tag: &tag.name, seen: HashSet::new() };
                walk(&manifests, vec![(digest, None)], &mut pull);
            }
        }
    }

    fn hit(&mut self, candidates: Option<&Vec<usize>>, tag: &str, platform: Option<&str>) {
        for index in candidates.into_iter().flatten() {
            let (repository, tag) = (self.repository.text.clone(), tag.to_owned());
            self.hits[*index].insert(Image { repository, tag, platform: platform.map(str::to_owned) });
        }
    }

    fn local(&mut self, key: &Key<'_>, tag: &str, platform: Option<&str>) {
        let local = self.blockers.others.get(self.repository.text.as_str());
        self.hit(local.and_then(|local| local.get(key)), tag, platform);
    }

    fn content(&mut self, digest: &Digest, tag: &str, platform: Option<&str>) {
        let blockers = self.blockers;
        self.hit(blockers.blobs.get(digest), tag, platform);
        for (_, candidates) in blockers.areas.iter().filter(|(place, _)| is_below(place, digest)) {
            self.hit(Some(candidates), tag, platform);
        }
    }
}

/// What a client fetches when it pulls a tag: what the manifests name, and nothing else.
struct Pull<'s, 'p, 'c> {
    search: &'p mut Search<'s, 'c>,
    tag: &'p str,
    seen: HashSet<Digest>,
}

/// A digest that is pulled, and the platform that it is for.
type Pulled<'m> = (Digest, Option<&'m str>);

impl<'m> References for &'m Manifests {
    type Node = Pulled<'m>;

    fn each(&self, (manifest, platform): Pulled<'m>, mut show: impl FnMut(Edge<Pulled<'m>>)) {
        let Some(Read::Right(form)) = self.get(&manifest) else { return };
        for part in &form.parts {
            show(match part.role {
                Role::Child => Edge::Manifest((part.digest(), part.platform.as_deref().or(platform))),
                _ => Edge::Content((part.digest(), platform)),
            });
        }
    }
}

impl<'m> Visit<Pulled<'m>> for Pull<'_, '_, '_> {
    fn enter(&mut self, (manifest, platform): Pulled<'m>) -> bool {
        let is_new = self.seen.insert(manifest);
        if is_new {
            self.search.local(&Key::Revision(manifest), self.tag, platform);
            self.search.content(&manifest, self.tag, platform);
        }
        is_new
    }

    fn need(&mut self, (content, platform): Pulled<'m>) {
        self.search.local(&Key::Layer(content), self.tag, platform);
        let target = match self.search.repository.layers.target(&content) {
            LinkTarget::To(target) => target,
            _ => content,
        };
        self.search.content(&target, self.tag, platform);
    }
}
