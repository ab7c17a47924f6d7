//! One pass over a whole tree, which `gc`, `fsck` and `du` share.
//!
//! Directories are read in parallel, and their own records say what their entries are. Content is opened only where it
//! is a manifest; each manifest is read, hashed and parsed once for the whole tree. **Damage is data**: it is recorded
//! with its path, never ends the pass, and never looks like absence.

mod blobs;
mod damage;
mod digests;
mod manifests;
mod repositories;
mod returning;

use std::sync::Arc;

use rayon::prelude::*;

pub(crate) use damage::{Damage, Doubt};
use digests::LookedUp;
pub(crate) use digests::{DigestId, DigestSet, Digests};
use manifests::Source;
pub(crate) use manifests::{Fault, FaultKind, Graph};
pub(crate) use repositories::{Scanned, ScannedRevision, ScannedTag};
pub(crate) use returning::{Nothing, Returned, Returning};

use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::layout::TreePath;
use crate::repository::cache;
use crate::repository::find::{self, FoundPlaces};
use crate::stream::{Interrupt, Watch};
use crate::tree::{self, Tree};

/// What a tree holds.
#[derive(Debug)]
pub(crate) struct Scan {
    /// Every known digest; those of the tree's content come first.
    pub digests: Digests,
    /// The empty fan-out directories of blobs.
    pub(crate) empty_fan_outs: Vec<TreePath>,
    /// Every repository, sorted by path.
    pub repositories: Vec<Scanned>,
    /// The empty directories below `repositories/`.
    pub(crate) empty_repositories: Vec<TreePath>,
    /// What the manifests reference.
    pub graph: Graph,
    /// What is wrong.
    pub damage: Vec<Damage>,
    /// Whether the tree is one of a pull-through cache.
    pub(crate) is_cache: bool,
    /// Content that counts as the tree's because it will be put back first.
    returning: Arc<dyn Returning>,
}

impl Scan {
    /// Reads the tree. Returns `Err(Interrupted)` when a signal came.
    pub(crate) fn read(tree: &Tree, watch: &Watch<'_>) -> Result<Self> {
        Self::read_with(tree, Arc::new(Nothing), &[], watch)
    }

    /// Reads the tree as it will be when the content in `returning` is put back. What manifests say of the content in
    /// `also` is remembered, though the tree may not have it.
    pub(crate) fn read_with(
        tree: &Tree,
        returning: Arc<dyn Returning>,
        also: &[Digest],
        watch: &Watch<'_>,
    ) -> Result<Self> {
        let read_blobs = || blobs::read(tree, returning.digests(), &watch.interrupt);
        let (blobs, found) = rayon::join(read_blobs, || read_repositories(tree, watch));
        let mut scan = Self {
            digests: blobs.digests,
            empty_fan_outs: blobs.empty,
            returning,
            repositories: Vec::new(),
            empty_repositories: Vec::new(),
            graph: Graph::new(),
            damage: Vec::new(),
            is_cache: cache::is_cache(tree),
        };
        for digest in also {
            scan.digests.add(*digest);
        }
        scan.take(found);
        // Where content can't be listed, it is unknown which manifests are there and what they reference.
        let unread = blobs.unread.into_iter();
        scan.damage.extend(unread.map(|error| Damage { of_content: true, ..Damage::new(None, Doubt::Tree, error) }));
        let foreign = blobs.foreign.into_iter();
        scan.damage.extend(foreign.map(|error| Damage { of_content: true, ..Damage::new(None, Doubt::None, error) }));
        scan.read_manifests(tree, watch)?;
        Ok(scan)
    }

    /// The size and time of content that will be put back, as they will be then; `None` for all other content.
    pub(crate) fn returned(&self, digest: &Digest) -> Option<Returned> {
        self.returning.returned(digest)
    }

    /// Notes that all returning content is now in its place.
    pub(crate) fn has_all_back(&mut self) {
        self.returning = Arc::new(Nothing);
    }

    /// Reads the repositories again, and the manifests that are new in them. Content is not listed again.
    pub(crate) fn read_again(&mut self, tree: &Tree, watch: &Watch<'_>) -> Result<()> {
        self.damage.retain(|damage| damage.of_content);
        self.take(read_repositories(tree, watch));
        self.read_manifests(tree, watch)
    }

    /// Takes over the repositories, and gives an id to the digest of each layer link.
    fn take(&mut self, found: ReadRepositories) {
        let names = &self.digests;
        let look_up = |hashes: Vec<[u8; 32]>| LookedUp::of(names, hashes.into_iter().map(Digest::from_sha256));
        let layers: Vec<LookedUp> = found.layers.into_par_iter().map(look_up).collect();
        (self.repositories, self.empty_repositories) = (found.scanned, found.empty);
        for (repository, layers) in self.repositories.iter_mut().zip(layers) {
            repository.layers = layers.named(&mut self.digests);
        }
        self.damage.extend(found.damage);
    }

    fn read_manifests(&mut self, tree: &Tree, watch: &Watch<'_>) -> Result<()> {
        // What a manifest names is remembered only if it has an id by then.
        self.name_links();
        let mut wanted = Vec::new();
        for repository in &self.repositories {
            wanted.extend(repository.revisions.iter().map(|revision| self.digests.add(revision.digest)));
        }
        wanted.extend(self.repositories.iter().flat_map(|repository| {
            let named = repository.tags.iter().flat_map(|tag| tag.target.iter().chain(&tag.past));
            named.filter_map(|digest| self.digests.find(digest)).collect::<Vec<_>>()
        }));
        self.read_graph(tree, wanted, watch);
        self.look_elsewhere(tree);
        self.read_signatures(tree);
        watch.interrupt.check()
    }

    /// The id of a digest, which gets one if it has none.
    pub(crate) fn name(&mut self, digest: Digest) -> DigestId {
        self.digests.add(digest)
    }

    /// Reads more manifests, which need not be linked.
    pub(crate) fn read_more(&mut self, tree: &Tree, wanted: Vec<DigestId>, interrupt: &Interrupt) {
        let before = self.graph.all_elsewhere().len();
        self.read_graph(tree, wanted, &Watch::silent(interrupt));
        if self.graph.all_elsewhere().len() > before {
            self.look_elsewhere(tree);
        }
    }

    /// Finds out which repositories link what manifests name with `urls`.
    fn look_elsewhere(&mut self, tree: &Tree) {
        let (names, wanted) = (&self.digests, self.graph.all_elsewhere());
        if !wanted.is_empty() {
            self.repositories.par_iter_mut().for_each(|repository| repository.look_elsewhere(tree, names, wanted));
        }
    }

    fn read_graph(&mut self, tree: &Tree, wanted: Vec<DigestId>, watch: &Watch<'_>) {
        let source = Source { tree, returning: &*self.returning };
        self.graph.read(source, &mut self.digests, wanted, watch);
    }

    /// Gives an id to every digest in an alias or a tag.
    fn name_links(&mut self) {
        for repository in &self.repositories {
            for (key, target) in &repository.aliases {
                self.digests.add(*key);
                self.digests.add(*target);
            }
            for named in repository.tags.iter().flat_map(|tag| tag.target.iter().chain(&tag.past)) {
                self.digests.add(*named);
            }
        }
    }

    /// Lists the stored signatures. Only manifests of schema1 have any.
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
                        Err(error) => damage.push(Damage::new(Some(index), Doubt::Repository, error)),
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

/// The digests of all blobs, and what can't be read. No blob's own directory is opened.
pub(crate) fn list_blobs(tree: &Tree, interrupt: &Interrupt) -> (Vec<Digest>, Vec<Error>) {
    let blobs::Blobs { digests, unread, foreign, .. } = blobs::read(tree, Vec::new(), interrupt);
    let all = digests.blobs().map(|id| digests.digest(id)).collect();
    (all, unread.into_iter().chain(foreign).collect())
}

/// What was read below `repositories/`.
struct ReadRepositories {
    scanned: Vec<Scanned>,
    /// The hashes of the canonical layer links of each repository.
    layers: Vec<Vec<[u8; 32]>>,
    empty: Vec<TreePath>,
    damage: Vec<Damage>,
}

fn read_repositories(tree: &Tree, watch: &Watch<'_>) -> ReadRepositories {
    let FoundPlaces { places, empty, unseen, in_the_way, foreign } = find::places(tree, watch);
    let of = |doubt| move |error| Damage::new(None, doubt, error);
    let unseen = unseen.into_iter().map(of(Doubt::Tree));
    let mut damage: Vec<Damage> = unseen.chain(in_the_way.into_iter().chain(foreign).map(of(Doubt::None))).collect();
    let (mut scanned, mut layers) = (Vec::with_capacity(places.len()), Vec::with_capacity(places.len()));
    let counting = watch.count("reading repositories", Some(places.len()));
    let read: Vec<_> = places
        .into_par_iter()
        .enumerate()
        .filter(|_| watch.interrupt.signal().is_none())
        .map(|(index, place)| {
            let read = repositories::read(tree, place, index);
            counting.add(1);
            read
        })
        .collect();
    drop(counting);
    for repository in read {
        scanned.push(repository.scanned);
        layers.push(repository.layers);
        damage.extend(repository.damage);
    }
    ReadRepositories { scanned, layers, empty, damage }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may")]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::Registry;
    use crate::layout::{Entry, Form, Place};

    fn plant(path: &Path, content: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// One push may name any amount of content that is nowhere.
    #[test]
    fn what_manifests_name_and_the_tree_neither_has_nor_links_is_not_remembered() {
        let directory = tempfile::tempdir().unwrap();
        let (registry, _) = Registry::create(directory.path()).unwrap();
        let tree = registry.tree();
        let lib = Place::of(&"lib".parse().unwrap(), Form::Current);
        let [linked, stored, nowhere] = ["linked", "stored", "nowhere"].map(|text| Digest::of(text.as_bytes()));
        plant(&tree.locate(&lib.layer_link(&linked)), &linked.to_string());
        plant(&tree.locate(&Entry::Blob(stored).path()), "stored");
        let layer = |digest: &Digest, more: &str| format!(r#"{{"digest":"{digest}","size":9{more}}}"#);
        let urls = r#","urls":["https://example.com/layer"]"#;
        let layers = [&linked, &stored, &nowhere].map(|digest| [layer(digest, ""), layer(digest, urls)].join(","));
        let kind = "application/vnd.oci.image.manifest.v1+json";
        let (config, layers) = (layer(&nowhere, ""), layers.join(","));
        let manifest = format!(r#"{{"schemaVersion":2,"mediaType":"{kind}","config":{config},"layers":[{layers}]}}"#);
        let digest = Digest::of(manifest.as_bytes());
        plant(&tree.locate(&Entry::Blob(digest).path()), &manifest);
        plant(&tree.locate(&lib.revision_link(&digest)), &digest.to_string());

        let scan = Scan::read(tree, &Watch::none()).unwrap();
        assert!(scan.digests.find(&nowhere).is_none());
        let node = *scan.graph.node(scan.digests.find(&digest).unwrap()).unwrap();
        let known = [linked, stored].map(|digest| scan.digests.find(&digest).unwrap());
        assert_eq!((scan.graph.demanded(&node), scan.graph.elsewhere(&node)), (&known[..], &known[..]));
        assert_eq!(known.map(|name| scan.repositories[0].links_elsewhere(name)), [true, false]);
        // What a caller asks for is remembered all the same.
        let asked = Scan::read_with(tree, Arc::new(Nothing), &[nowhere], &Watch::none()).unwrap();
        let node = asked.graph.node(asked.digests.find(&digest).unwrap()).unwrap();
        assert_eq!((asked.graph.demanded(node).len(), asked.graph.elsewhere(node).len()), (4, 3));
    }
}
