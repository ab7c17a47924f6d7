//! One pass over a whole tree: what `gc`, `fsck` and `du` read from.
//!
//! Directories are read in parallel, by their entries' own types; content is looked at only where it is a manifest, and
//! that is read, hashed and parsed once for the whole tree. **Damage is data**: it is recorded with its path, never ends
//! the pass, and never looks like absence.

mod blobs;
mod damage;
mod digests;
mod manifests;
mod repositories;
mod returning;

use std::sync::Arc;

use rayon::prelude::*;

pub use damage::{Damage, Doubt};
use digests::LookedUp;
pub use digests::{DigestId, DigestSet, Digests};
use manifests::Source;
pub use manifests::{Fault, Graph, Node};
pub use repositories::{Revision, Scanned, Tag};
pub use returning::{Nothing, Returned, Returning};

use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::layout::TreePath;
use crate::repository::find::{self, FoundPlaces};
use crate::stream::Interrupt;
use crate::tree::{self, Tree};

/// What a tree holds.
#[derive(Debug)]
pub struct Scan {
    /// Every digest that is known, the content first.
    pub digests: Digests,
    /// The directories for blobs with nothing in them.
    pub(crate) empty_fan_outs: Vec<TreePath>,
    /// Every repository, sorted by path.
    pub repositories: Vec<Scanned>,
    /// The directories below `repositories/` with nothing in them.
    pub(crate) empty_repositories: Vec<TreePath>,
    /// What the manifests reference.
    pub graph: Graph,
    /// What is wrong.
    pub damage: Vec<Damage>,
    /// Content that was taken for the tree's, and that comes back first.
    returning: Arc<dyn Returning>,
}

impl Scan {
    /// Reads the tree. `Err(Interrupted)` when a signal came.
    pub fn read(tree: &Tree, interrupt: &Interrupt) -> Result<Self> {
        Self::read_with(tree, Arc::new(Nothing), interrupt)
    }

    /// Reads the tree as it will be when it has that content back.
    pub fn read_with(tree: &Tree, returning: Arc<dyn Returning>, interrupt: &Interrupt) -> Result<Self> {
        let read_blobs = || blobs::read(tree, returning.digests(), interrupt);
        let (blobs, found) = rayon::join(read_blobs, || read_repositories(tree, interrupt));
        let mut scan = Self {
            digests: blobs.digests,
            empty_fan_outs: blobs.empty,
            returning,
            repositories: Vec::new(),
            empty_repositories: Vec::new(),
            graph: Graph::new(),
            damage: Vec::new(),
        };
        scan.take(found);
        // Who can't list content can't tell what manifests are among it, and what they reference.
        let unread = blobs.unread.into_iter();
        scan.damage.extend(unread.map(|error| Damage {
            repository: None,
            of_content: true,
            doubt: Doubt::Tree,
            error,
        }));
        scan.read_manifests(tree, interrupt)?;
        Ok(scan)
    }

    /// How content will be in its place that comes back; `None` for all that is there.
    pub fn returned(&self, digest: &Digest) -> Option<Returned> {
        self.returning.returned(digest)
    }

    /// All that was to come back is in its place now.
    pub(crate) fn has_all_back(&mut self) {
        self.returning = Arc::new(Nothing);
    }

    /// Reads the repositories again, and the manifests that are new in them.
    pub fn read_again(&mut self, tree: &Tree, interrupt: &Interrupt) -> Result<()> {
        self.damage.retain(|damage| damage.of_content);
        self.take(read_repositories(tree, interrupt));
        self.read_manifests(tree, interrupt)
    }

    /// Gives names to the layer links of what was found.
    fn take(&mut self, found: Found) {
        let names = &self.digests;
        let look_up = |hashes: Vec<[u8; 32]>| LookedUp::of(names, hashes.into_iter().map(Digest::from_sha256));
        let layers: Vec<LookedUp> = found.layers.into_par_iter().map(look_up).collect();
        (self.repositories, self.empty_repositories) = (found.scanned, found.empty);
        for (repository, layers) in self.repositories.iter_mut().zip(layers) {
            repository.layers = layers.named(&mut self.digests);
        }
        self.damage.extend(found.damage);
    }

    fn read_manifests(&mut self, tree: &Tree, interrupt: &Interrupt) -> Result<()> {
        let mut wanted = Vec::new();
        for repository in &self.repositories {
            wanted.extend(repository.revisions.iter().map(|revision| self.digests.add(revision.digest)));
        }
        wanted.extend(self.repositories.iter().flat_map(|repository| {
            repository.tags.iter().filter_map(|tag| self.digests.find(tag.target.as_ref()?)).collect::<Vec<_>>()
        }));
        self.read_more(tree, wanted, interrupt);
        self.name_links();
        self.read_signatures(tree);
        match interrupt.signal() {
            Some(signal) => Err(Error::Interrupted { signal }),
            None => Ok(()),
        }
    }

    /// The name of a digest, which gets one if it has none.
    pub(crate) fn name(&mut self, digest: Digest) -> DigestId {
        self.digests.add(digest)
    }

    /// Reads more manifests, that nobody links.
    pub(crate) fn read_more(&mut self, tree: &Tree, wanted: Vec<DigestId>, interrupt: &Interrupt) {
        let source = Source { tree, returning: &*self.returning };
        self.graph.read(source, &mut self.digests, wanted, interrupt);
    }

    /// Gives a name to whatever is linked.
    fn name_links(&mut self) {
        for repository in &self.repositories {
            for (key, target) in &repository.aliases {
                self.digests.add(*key);
                self.digests.add(*target);
            }
            for target in repository.tags.iter().filter_map(|tag| tag.target) {
                self.digests.add(target);
            }
        }
    }

    /// Only schema1 has any.
    fn read_signatures(&mut self, tree: &Tree) {
        let (names, graph) = (&self.digests, &self.graph);
        let is_schema1 =
            |digest: &Digest| names.find(digest).and_then(|name| graph.node(name)).is_none_or(|node| node.is_schema1);
        let mut found: Vec<(Vec<Digest>, Vec<Damage>)> = Vec::new();
        found.par_extend(self.repositories.par_iter_mut().enumerate().map(|(index, repository)| {
            let (mut digests, mut damage) = (Vec::new(), Vec::new());
            for revision in repository.revisions.iter_mut().filter(|revision| is_schema1(&revision.digest)) {
                let directory = repository.place.revision(&revision.digest).signatures();
                for signature in tree::digests::keyed(tree, &directory) {
                    match signature {
                        Ok(signature) => revision.signatures.push(signature),
                        Err(error) => {
                            damage.push(Damage {
                                repository: Some(index),
                                of_content: false,
                                doubt: Doubt::Repository,
                                error,
                            });
                        }
                    }
                }
                digests.extend(&revision.signatures);
            }
            (digests, damage)
        }));
        for (digests, damage) in found {
            for digest in digests {
                self.digests.add(digest);
            }
            self.damage.extend(damage);
        }
    }
}

/// What lies below `repositories/`.
struct Found {
    scanned: Vec<Scanned>,
    /// The canonical layer links of each.
    layers: Vec<Vec<[u8; 32]>>,
    empty: Vec<TreePath>,
    damage: Vec<Damage>,
}

fn read_repositories(tree: &Tree, interrupt: &Interrupt) -> Found {
    let FoundPlaces { places, empty, unseen, in_the_way } = find::places(tree, interrupt);
    let of = |doubt| move |error| Damage { repository: None, of_content: false, doubt, error };
    let unseen = unseen.into_iter().map(of(Doubt::Tree));
    let mut damage: Vec<Damage> = unseen.chain(in_the_way.into_iter().map(of(Doubt::None))).collect();
    let (mut scanned, mut layers) = (Vec::with_capacity(places.len()), Vec::with_capacity(places.len()));
    let read: Vec<_> = places
        .into_par_iter()
        .enumerate()
        .filter(|_| interrupt.signal().is_none())
        .map(|(index, place)| repositories::read(tree, place, index))
        .collect();
    for repository in read {
        scanned.push(repository.scanned);
        layers.push(repository.layers);
        damage.extend(repository.damage);
    }
    Found { scanned, layers, empty, damage }
}
