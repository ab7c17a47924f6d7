//! Reads what each repository links.

use std::collections::HashSet;
use std::os::fd::AsFd;

use rayon::prelude::*;

use super::damage::{Damage, Doubt};
use super::digests::{DigestId, Digests};
use crate::digest::Digest;
use crate::error::{Error, LinkFault, Result};
use crate::layout::{self, KeyedDirectory, Place, TreePath};
use crate::name::{NameError, RepositoryName};
use crate::repository::link;
use crate::tree::{EntryKind, Listed, Tree, digests};

/// A repository, as it is on disk.
#[derive(Debug)]
pub(crate) struct Scanned {
    /// Its directory and layout.
    pub(crate) place: Place,
    /// Its name, or why its path is no repository name.
    pub name: Result<RepositoryName, NameError>,
    /// Its manifests.
    pub revisions: Vec<ScannedRevision>,
    /// Whether there is a directory of manifests.
    pub has_revisions: bool,
    /// Revision directories without a link, as the removal of a manifest leaves them.
    pub deleted_revisions: Vec<Digest>,
    /// Its tags.
    pub tags: Vec<ScannedTag>,
    /// The layer links with a sha256. Their paths say what they link, so they are not opened. A directory without its
    /// link counts too.
    pub layers: Vec<DigestId>,
    /// The other layer links: the digest in the path, and the digest in the link.
    pub aliases: Vec<(Digest, Digest)>,
    /// The other layer links of which only the directory is left.
    pub empty_aliases: Vec<Digest>,
    /// Whether it has each of its own folders, in this order: layers, manifests, uploads.
    pub folders: [bool; 3],
    /// Those of its layer links whose content some manifest names with `urls`.
    pub(super) elsewhere: LinkedElsewhere,
}

/// The layer links of a repository whose content some manifest names with `urls`. Only such a link shows that the
/// repository has the content, so these are looked at.
#[derive(Debug)]
pub(super) enum LinkedElsewhere {
    /// Any, because the links can't be seen.
    Any,
    /// Those that are there. A link that is broken or can't be looked at counts too.
    These(HashSet<DigestId>),
}

/// A manifest of a repository.
#[derive(Clone, Debug)]
pub(crate) struct ScannedRevision {
    /// Its digest.
    pub digest: Digest,
    /// Whether its link is among the layer links, where registry 2.1.0 put it.
    pub misplaced: bool,
    /// Whether it has no link of its own, and only the link of another manifest names it.
    pub only_named: bool,
    /// The digests of the signatures that are stored beside it.
    pub signatures: Vec<Digest>,
}

impl ScannedRevision {
    fn linked(digest: Digest) -> Self {
        Self { digest, misplaced: false, only_named: false, signatures: Vec::new() }
    }
}

/// A tag.
#[derive(Clone, Debug)]
pub(crate) struct ScannedTag {
    /// The name of its directory, which need not be a valid tag.
    pub name: String,
    /// The manifest that it points to, if its link can be read.
    pub target: Option<Digest>,
    /// Where it has lost its link: the manifests that its history names.
    pub past: Vec<Digest>,
    /// Whether the repository does not link the manifest that it points to.
    pub is_dangling: bool,
}

impl Scanned {
    /// Whether it links content that a manifest names with `urls`.
    pub(crate) fn links_elsewhere(&self, content: DigestId) -> bool {
        match &self.elsewhere {
            LinkedElsewhere::Any => true,
            LinkedElsewhere::These(linked) => linked.contains(&content),
        }
    }

    /// Looks at the layer links to the content in `wanted`.
    pub(super) fn look_elsewhere(&mut self, tree: &Tree, names: &Digests, wanted: &HashSet<DigestId>) {
        let LinkedElsewhere::These(linked) = &mut self.elsewhere else { return };
        let is_linked = |digest: &Digest| {
            let found = tree.metadata(&self.place.layer_link(digest));
            found.map_or(true, |found| found.is_some())
        };
        let layers = self.layers.iter().copied().filter(|name| wanted.contains(name));
        let layers = layers.filter(|name| is_linked(&names.digest(*name)));
        // The links of aliases were read.
        let aliases = self.aliases.iter().filter_map(|(key, _)| names.find(key));
        *linked = layers.chain(aliases.filter(|name| wanted.contains(name))).collect();
    }

    /// The path below `repositories/`, for messages. It is the repository's name, if that is valid.
    pub(crate) fn text(&self) -> &str {
        self.place.directory.below_area()
    }
}

pub(super) struct ReadRepository {
    /// The repository, without its canonical layer links.
    pub(super) scanned: Scanned,
    /// The hashes of its canonical layer links, which have no ids yet.
    pub(super) layers: Vec<[u8; 32]>,
    pub(super) damage: Vec<Damage>,
}

pub(super) fn read(tree: &Tree, place: Place, index: usize) -> ReadRepository {
    let mut reading = Reading { tree, index, damage: Vec::new() };
    let [layers, manifests, uploads] = place.own();
    // A plain file contains no links. In the place of the manifests it hides which layers the repository needs.
    let folders = [
        reading.is_there(&layers, Doubt::Repository),
        reading.is_there(&manifests, Doubt::Tree),
        reading.is_there(&uploads, Doubt::None),
    ];
    let Layers { canonical: layers, aliases, empty: empty_aliases } =
        if folders[0] { reading.layers(&place) } else { Layers::default() };
    let (revisions, deleted_revisions) =
        if folders[1] { reading.revisions(&place, &layers) } else { Default::default() };
    let has_revisions = !revisions.is_empty()
        || !deleted_revisions.is_empty()
        || folders[1] && reading.is_there(&place.revisions(), Doubt::Tree);
    let mut tags = if folders[1] { reading.tags(&place, has_revisions) } else { Vec::new() };
    if !tags.is_empty() {
        let linked: HashSet<Digest> = revisions.iter().map(|revision| revision.digest).collect();
        for tag in &mut tags {
            tag.is_dangling = tag.target.is_some_and(|target| !linked.contains(&target));
        }
    }
    let name = place.directory.below_area().parse();
    let elsewhere = if folders[0] { LinkedElsewhere::These(HashSet::new()) } else { LinkedElsewhere::Any };
    let scanned = Scanned {
        place,
        name,
        revisions,
        has_revisions,
        deleted_revisions,
        tags,
        layers: Vec::new(),
        aliases,
        empty_aliases,
        folders,
        elsewhere,
    };
    ReadRepository { scanned, layers, damage: once(reading.damage) }
}

/// Keeps one damage for each path, the one that keeps the most.
fn once(mut damage: Vec<Damage>) -> Vec<Damage> {
    damage.sort_by(|a, b| (a.error.path(), b.doubt).cmp(&(b.error.path(), a.doubt)));
    damage.dedup_by(|again, first| again.error.path() == first.error.path());
    damage
}

#[derive(Default)]
struct Layers {
    canonical: Vec<[u8; 32]>,
    aliases: Vec<(Digest, Digest)>,
    empty: Vec<Digest>,
}

struct Reading<'t> {
    tree: &'t Tree,
    index: usize,
    damage: Vec<Damage>,
}

impl Reading<'_> {
    fn note(&mut self, doubt: Doubt, error: Error) {
        self.damage.push(Damage::new(Some(self.index), doubt, error));
    }

    /// Whether there is such a directory. A plain file in its place is damage with `doubt`.
    fn is_there(&mut self, path: &TreePath, doubt: Doubt) -> bool {
        match self.tree.metadata(path) {
            Ok(None) => false,
            Ok(Some(found)) if found.kind == EntryKind::Directory => true,
            Ok(Some(found)) => {
                let doubt = if found.kind == EntryKind::File { doubt } else { Doubt::Tree };
                self.note(doubt, self.tree.wrong_kind(path, "a directory", found.kind));
                false
            }
            Err(error) => {
                self.note(Doubt::Tree, error);
                false
            }
        }
    }

    /// The entries of a directory. Empty when there is no such directory, or when it can't be listed, which is noted.
    fn list(&mut self, path: &TreePath) -> Vec<Listed> {
        match self.tree.list(path) {
            Ok(listed) => listed.unwrap_or_default(),
            Err(error) => {
                self.note(Doubt::Tree, error);
                Vec::new()
            }
        }
    }

    /// The digests that name the directories in `algorithm`.
    fn keyed(&mut self, algorithm: &KeyedDirectory) -> Vec<Digest> {
        let (digests, damage) = digests::keyed_in(self.tree, algorithm);
        for error in damage {
            let doubt = if matches!(error, Error::Misplaced { .. }) { Doubt::None } else { Doubt::Tree };
            self.note(doubt, error);
        }
        digests
    }

    fn layers(&mut self, place: &Place) -> Layers {
        let mut read = Layers::default();
        for algorithm in layout::algorithm_directories(&place.layers()) {
            for digest in self.keyed(&algorithm) {
                if let Some(hash) = digest.sha256() {
                    read.canonical.push(hash);
                } else if let Some(target) = self.alias(place, digest) {
                    read.aliases.push((digest, target));
                } else {
                    read.empty.push(digest);
                }
            }
        }
        read
    }

    /// The target of a link whose path has no sha256; `None` without a link. A link that can't be read targets the
    /// digest in its path.
    fn alias(&mut self, place: &Place, key: Digest) -> Option<Digest> {
        let path = place.layer_link(&key);
        match link::read(self.tree, &path) {
            Ok(None) => None,
            Ok(Some(said)) => {
                let target = said.clone().unwrap_or(key);
                if let Err(fault) = said.and_then(|target| link::check_layer(&key, target)) {
                    self.broken(key, &path, fault);
                }
                Some(target)
            }
            Err(error) => {
                self.note(Doubt::Repository, error);
                Some(key)
            }
        }
    }

    fn broken(&mut self, digest: Digest, path: &TreePath, fault: LinkFault) {
        let path = self.tree.locate(path);
        self.note(Doubt::Repository, Error::StrangeLink { digest: Some(digest), path, fault });
    }

    fn revisions(&mut self, place: &Place, layers: &[[u8; 32]]) -> (Vec<ScannedRevision>, Vec<Digest>) {
        let (mut revisions, mut deleted_revisions) = (Vec::new(), Vec::new());
        for algorithm in layout::algorithm_directories(&place.revisions()) {
            let digests = self.keyed(&algorithm);
            if digests.is_empty() {
                continue;
            }
            let handle = match self.tree.open_directory(&algorithm.path) {
                Ok(Some(handle)) => handle,
                Ok(None) => continue,
                Err(error) => {
                    self.note(Doubt::Tree, error);
                    continue;
                }
            };
            let read: Vec<_> = digests
                .par_iter()
                .with_min_len(64)
                .map(|digest| link::read_below(handle.as_fd(), &format!("{}/link", digest.hex())))
                .collect();
            for (digest, link) in digests.into_iter().zip(read) {
                let path = place.revision(&digest).link();
                match link {
                    Ok(Ok(target)) => {
                        if target != digest {
                            self.broken(digest, &path, LinkFault::Mismatch { found: target });
                            // It is unknown which digest is meant, so both are kept.
                            revisions.push(ScannedRevision { only_named: true, ..ScannedRevision::linked(target) });
                        }
                        revisions.push(ScannedRevision::linked(digest));
                    }
                    Ok(Err(fault)) => {
                        self.broken(digest, &path, fault);
                        revisions.push(ScannedRevision::linked(digest));
                    }
                    Err(rustix::io::Errno::NOENT) => {
                        let linked = digest.sha256().is_some_and(|hash| layers.binary_search(&hash).is_ok());
                        if linked && self.is_file(&place.layer_link(&digest)) {
                            revisions.push(ScannedRevision { misplaced: true, ..ScannedRevision::linked(digest) });
                        } else {
                            deleted_revisions.push(digest);
                        }
                    }
                    Err(errno) => {
                        let error = self.tree.explain(&path, "a regular file", "read", errno);
                        self.note(Doubt::Repository, error);
                        revisions.push(ScannedRevision::linked(digest));
                    }
                }
            }
        }
        (revisions, deleted_revisions)
    }

    fn is_file(&mut self, path: &TreePath) -> bool {
        match self.tree.metadata(path) {
            Ok(found) => found.is_some_and(|found| found.kind == EntryKind::File),
            Err(error) => {
                self.note(Doubt::Repository, error);
                true
            }
        }
    }

    fn tags(&mut self, place: &Place, has_revisions: bool) -> Vec<ScannedTag> {
        let directory = place.tags();
        let mut listed = self.list(&directory);
        listed.sort();
        if listed.iter().any(|entry| entry.kind == EntryKind::Directory) && !has_revisions {
            let path = self.tree.locate(&place.revisions());
            self.note(Doubt::Tree, Error::Incomplete { path, reason: "there are tags" });
        }
        let mut names = Vec::new();
        for entry in listed {
            if let (EntryKind::Directory, Some(name)) = (entry.kind, entry.text()) {
                names.push(name.to_owned());
                continue;
            }
            let path = self.tree.locate(&directory).join(&entry.name);
            match entry.kind {
                EntryKind::Directory => {
                    self.note(Doubt::Repository, Error::Misplaced { path, reason: "its name is not UTF-8" });
                }
                EntryKind::File => {
                    self.note(Doubt::None, Error::Misplaced { path, reason: "it is a file among the tags" });
                }
                kind => {
                    self.note(Doubt::Tree, Error::WrongKind { path, expected: "a directory", found: kind.describe() });
                }
            }
        }
        let targets = self.sound_targets(&directory, &names);
        let tags = names.into_iter().zip(targets).map(|(name, target)| {
            let (target, past) = match target {
                Some(target) => (Some(target), Vec::new()),
                None => self.target(place, &name),
            };
            ScannedTag { name, target, past, is_dangling: false }
        });
        tags.collect()
    }

    /// The targets of tags whose links are sound. The other links are read again by [`Self::target`], which notes
    /// damage.
    fn sound_targets(&self, directory: &TreePath, names: &[String]) -> Vec<Option<Digest>> {
        let Ok(Some(handle)) = self.tree.open_directory(directory) else { return vec![None; names.len()] };
        let read = |name: &String| {
            let said = link::read_below(handle.as_fd(), &format!("{name}/current/link"));
            said.ok()?.ok()
        };
        names.par_iter().with_min_len(64).map(read).collect()
    }

    /// What a tag points to or, if there is no link that says that, all that its history names.
    fn target(&mut self, place: &Place, tag: &str) -> (Option<Digest>, Vec<Digest>) {
        let path = place.tag(tag).current().link();
        match link::read(self.tree, &path) {
            Ok(None) => {
                let history = layout::algorithm_directories(&place.history(tag));
                return (None, history.iter().flat_map(|algorithm| self.keyed(algorithm)).collect());
            }
            Ok(Some(Ok(target))) => return (Some(target), Vec::new()),
            Ok(Some(Err(fault))) => {
                let path = self.tree.locate(&path);
                self.note(Doubt::Repository, Error::StrangeLink { digest: None, path, fault });
            }
            Err(error) => self.note(Doubt::Repository, error),
        }
        (None, Vec::new())
    }
}
