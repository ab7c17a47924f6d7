//! Finding the repositories, and reading what each of them links.

use std::ffi::OsString;
use std::os::fd::AsFd;

use rayon::prelude::*;

use super::damage::{Damage, Doubt};
use super::names::Name;
use crate::digest::Digest;
use crate::error::{Error, LinkFault, Result};
use crate::layout::{self, Area, Form, KeyedDirectory, Place, TreePath};
use crate::name::{NameError, RepositoryName};
use crate::repository::find::is_alpha;
use crate::repository::{LINK_MAX, parse_target};
use crate::stream::Interrupt;
use crate::tree::{Kind, Listed, Tree, digests};

/// A repository, as it lies there.
#[derive(Debug)]
pub struct Scanned {
    /// Where it lies.
    pub(crate) place: Place,
    /// Its name, or why its path is none.
    pub name: Result<RepositoryName, NameError>,
    /// Its manifests.
    pub revisions: Vec<Revision>,
    /// Whether there is a directory of manifests.
    pub has_revisions: bool,
    /// Revision directories without a link: what deleting a manifest leaves.
    pub emptied: Vec<Digest>,
    /// Its tags.
    pub tags: Vec<Tag>,
    /// Whether there is a directory of tags.
    pub has_tags: bool,
    /// The layer links that are sha256; those say by their names what they link, and are not opened. One whose file is gone
    /// is among them.
    pub layers: Vec<Name>,
    /// The other layer links, each with what it links.
    pub aliases: Vec<(Digest, Digest)>,
    /// Those of which only the directory is left.
    pub hollow_aliases: Vec<Digest>,
    /// Whether it has each of its own folders: layers, manifests, uploads.
    pub folders: [bool; 3],
}

/// What makes a manifest a repository's.
#[derive(Clone, Debug)]
pub struct Revision {
    /// What it is called.
    pub digest: Digest,
    /// Whether its link lies among those of layers, where registry 2.1.0 put it.
    pub misplaced: bool,
    /// Whether signatures are stored beside it.
    pub signatures: Vec<Digest>,
}

/// A tag.
#[derive(Clone, Debug)]
pub struct Tag {
    /// What it is called; possibly no tag's name.
    pub name: String,
    /// What it points to, where that can be told.
    pub target: Option<Digest>,
}

/// What a repository's path says.
impl Scanned {
    /// The path, for messages: the name of a repository whose name is one.
    pub fn text(&self) -> &str {
        self.place.directory.below_area()
    }
}

/// A directory that may be a repository, or have some below it.
struct Visited {
    places: Vec<Place>,
    below: Vec<TreePath>,
    is_empty: bool,
    damage: Vec<Damage>,
}

/// What lies below `repositories/`.
#[derive(Default)]
pub(super) struct Found {
    /// The repositories, sorted by path.
    pub(super) places: Vec<Place>,
    /// Directories with nothing in them.
    pub(super) hollow: Vec<TreePath>,
    pub(super) damage: Vec<Damage>,
}

/// Finds all repositories below `repositories/`, level by level.
pub(super) fn find(tree: &Tree, interrupt: &Interrupt) -> Found {
    let mut found = Found::default();
    let mut level = vec![Area::Repositories.path()];
    while !level.is_empty() && interrupt.signal().is_none() {
        let visited: Vec<Visited> = level.par_iter().map(|directory| visit(tree, directory)).collect();
        for (directory, visited) in std::mem::take(&mut level).into_iter().zip(visited) {
            found.places.extend(visited.places);
            found.damage.extend(visited.damage);
            // An alpha's own folders can't be told from others when nothing is in them.
            let plain = !directory.below_area().split('/').any(|part| Form::Alpha.owns(part));
            if visited.is_empty && plain && directory.parent().is_some() {
                found.hollow.push(directory);
            }
            level.extend(visited.below);
        }
    }
    found.places.sort();
    found
}

fn visit(tree: &Tree, directory: &TreePath) -> Visited {
    let mut visited = Visited { places: Vec::new(), below: Vec::new(), is_empty: false, damage: Vec::new() };
    let unseen = |error| Damage { repository: None, of_content: false, doubt: Doubt::Tree, error };
    let listed = match tree.list(directory) {
        Ok(listed) => listed.unwrap_or_default(),
        Err(error) => {
            visited.damage.push(unseen(error));
            return visited;
        }
    };
    visited.is_empty = listed.is_empty();
    let has = |form: Form| listed.iter().any(|entry| entry.text().is_some_and(|name| form.owns(name)));
    if has(Form::Current) {
        visited.places.push(Place { directory: directory.clone(), form: Form::Current });
    }
    if has(Form::Alpha) {
        match is_alpha(tree, directory) {
            Ok(true) => visited.places.push(Place { directory: directory.clone(), form: Form::Alpha }),
            Ok(false) => {}
            Err(error) => visited.damage.push(unseen(error)),
        }
    }
    for entry in listed {
        let Some(path) = entry.text().and_then(|name| directory.child(name)) else {
            if entry.kind != Kind::File {
                visited.damage.push(unseen(misnamed(tree, directory, &entry.name)));
            }
            continue;
        };
        match entry.kind {
            // Its own folders, and whatever else begins so: a registry looks into none of these for repositories.
            Kind::Directory if path.file_name().starts_with('_') => {}
            Kind::Directory => visited.below.push(path),
            Kind::File => {}
            kind => visited.damage.push(unseen(tree.wrong_kind(&path, "a directory", kind))),
        }
    }
    visited
}

fn misnamed(tree: &Tree, directory: &TreePath, name: &OsString) -> Error {
    Error::Misplaced { path: tree.locate(directory).join(name), reason: "its name is no text" }
}

/// A repository that was read.
pub(super) struct Read {
    /// All of it but its canonical layer links.
    pub(super) scanned: Scanned,
    /// These, for when they have names.
    pub(super) layers: Vec<[u8; 32]>,
    pub(super) damage: Vec<Damage>,
}

/// Reads one repository.
pub(super) fn read(tree: &Tree, place: Place, index: usize) -> Read {
    let mut reading = Reading { tree, index, damage: Vec::new() };
    let own = place.own();
    let folders = own.map(|path| reading.is_there(&path));
    let Layers { canonical: layers, aliases, hollow: hollow_aliases } = reading.layers(&place);
    let (revisions, emptied) = reading.revisions(&place, &layers);
    let has_revisions = !revisions.is_empty() || !emptied.is_empty() || reading.is_there(&place.revisions());
    let tags = reading.tags(&place, has_revisions);
    let has_tags = !tags.is_empty() || reading.is_there(&place.tags());
    let name = place.directory.below_area().parse();
    let scanned = Scanned {
        place,
        name,
        revisions,
        has_revisions,
        emptied,
        tags,
        has_tags,
        layers: Vec::new(),
        aliases,
        hollow_aliases,
        folders,
    };
    Read { scanned, layers, damage: reading.damage }
}

/// The layer links of a repository.
#[derive(Default)]
struct Layers {
    canonical: Vec<[u8; 32]>,
    aliases: Vec<(Digest, Digest)>,
    hollow: Vec<Digest>,
}

/// A repository being read.
struct Reading<'t> {
    tree: &'t Tree,
    index: usize,
    damage: Vec<Damage>,
}

impl Reading<'_> {
    fn note(&mut self, doubt: Doubt, error: Error) {
        self.damage.push(Damage { repository: Some(self.index), of_content: false, doubt, error });
    }

    fn is_there(&mut self, path: &TreePath) -> bool {
        match self.tree.metadata(path) {
            Ok(None) => false,
            Ok(Some(found)) if found.kind == Kind::Directory => true,
            Ok(Some(found)) => {
                let doubt = if found.kind == Kind::File { Doubt::None } else { Doubt::Tree };
                self.note(doubt, self.tree.wrong_kind(path, "a directory", found.kind));
                false
            }
            Err(error) => {
                self.note(Doubt::Tree, error);
                false
            }
        }
    }

    /// The entries of a directory; none where there is no such directory, or where it can't be listed.
    fn list(&mut self, path: &TreePath) -> Vec<Listed> {
        match self.tree.list(path) {
            Ok(listed) => listed.unwrap_or_default(),
            Err(error) => {
                self.note(Doubt::Tree, error);
                Vec::new()
            }
        }
    }

    /// The digests that the directories below `<algorithm>` are called by.
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
                    read.hollow.push(digest);
                }
            }
        }
        read
    }

    /// What a link that is no sha256 stands for; `None` without a link. A broken one stands for itself.
    fn alias(&mut self, place: &Place, key: Digest) -> Option<Digest> {
        let path = place.layer_link(&key);
        match self.link(key, &path) {
            Ok(None) => None,
            Ok(Some(target)) => {
                if target == key && !key.is_tarsum() {
                    self.broken(key, &path, LinkFault::Alias { found: target });
                }
                Some(target)
            }
            Err(error) => {
                self.note(Doubt::Repository, error);
                Some(key)
            }
        }
    }

    /// What a link says, whatever its place says.
    fn link(&self, key: Digest, path: &TreePath) -> Result<Option<Digest>> {
        let Some(content) = self.tree.read_small(path, LINK_MAX)? else { return Ok(None) };
        parse_target(&content).map(Some).map_err(|fault| self.fault(key, path, fault))
    }

    fn fault(&self, digest: Digest, path: &TreePath, fault: LinkFault) -> Error {
        Error::StrangeLink { digest: Some(digest), path: self.tree.locate(path), fault }
    }

    fn broken(&mut self, digest: Digest, path: &TreePath, fault: LinkFault) {
        let error = self.fault(digest, path, fault);
        self.note(Doubt::Repository, error);
    }

    fn revisions(&mut self, place: &Place, layers: &[[u8; 32]]) -> (Vec<Revision>, Vec<Digest>) {
        let (mut revisions, mut emptied) = (Vec::new(), Vec::new());
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
                .map(|digest| {
                    let mut buffer = [0; 256];
                    let below = format!("{}/link", digest.hex());
                    Tree::read_below(handle.as_fd(), &below, &mut buffer).map(parse_target)
                })
                .collect();
            for (digest, link) in digests.into_iter().zip(read) {
                let path = place.revision(&digest).link();
                match link {
                    Ok(Ok(target)) => {
                        if target != digest {
                            self.broken(digest, &path, LinkFault::Mismatch { found: target });
                            // Whatever is meant, both are kept.
                            revisions.push(Revision { digest: target, misplaced: false, signatures: Vec::new() });
                        }
                        revisions.push(Revision { digest, misplaced: false, signatures: Vec::new() });
                    }
                    Ok(Err(fault)) => {
                        self.broken(digest, &path, fault);
                        revisions.push(Revision { digest, misplaced: false, signatures: Vec::new() });
                    }
                    Err(rustix::io::Errno::NOENT) => {
                        let linked = digest.sha256().is_some_and(|hash| layers.binary_search(&hash).is_ok());
                        if linked && self.is_file(&place.layer_link(&digest)) {
                            revisions.push(Revision { digest, misplaced: true, signatures: Vec::new() });
                        } else {
                            emptied.push(digest);
                        }
                    }
                    Err(errno) => {
                        let error = self.tree.explain(&path, "a regular file", "read", errno);
                        self.note(Doubt::Repository, error);
                        revisions.push(Revision { digest, misplaced: false, signatures: Vec::new() });
                    }
                }
            }
        }
        (revisions, emptied)
    }

    fn is_file(&mut self, path: &TreePath) -> bool {
        match self.tree.metadata(path) {
            Ok(found) => found.is_some_and(|found| found.kind == Kind::File),
            Err(error) => {
                self.note(Doubt::Repository, error);
                true
            }
        }
    }

    fn tags(&mut self, place: &Place, has_revisions: bool) -> Vec<Tag> {
        let directory = place.tags();
        let mut listed = self.list(&directory);
        listed.sort();
        if listed.iter().any(|entry| entry.kind == Kind::Directory) && !has_revisions {
            let path = self.tree.locate(&place.revisions());
            self.note(Doubt::Tree, Error::Incomplete { path, reason: "there are tags" });
        }
        let mut names = Vec::new();
        for entry in listed {
            if let (Kind::Directory, Some(name)) = (entry.kind, entry.text()) {
                names.push(name.to_owned());
                continue;
            }
            let path = self.tree.locate(&directory).join(&entry.name);
            match entry.kind {
                Kind::Directory => {
                    self.note(Doubt::Repository, Error::Misplaced { path, reason: "its name is no text" });
                }
                Kind::File => {
                    self.note(Doubt::None, Error::Misplaced { path, reason: "it is a file among the tags" });
                }
                kind => {
                    self.note(Doubt::Tree, Error::WrongKind { path, expected: "a directory", found: kind.describe() });
                }
            }
        }
        let targets = self.sound_targets(&directory, &names);
        let tags = names.into_iter().zip(targets).map(|(name, target)| {
            let target = target.or_else(|| {
                let tag = directory.child(&name).expect("a directory's entry is a plain name");
                self.target(&tag.current().link())
            });
            Tag { name, target }
        });
        tags.collect()
    }

    /// What tags point to whose links say it plainly; the others are looked at again, by [`Self::target`].
    fn sound_targets(&self, directory: &TreePath, names: &[String]) -> Vec<Option<Digest>> {
        let Ok(Some(handle)) = self.tree.open_directory(directory) else { return vec![None; names.len()] };
        let read = |name: &String| {
            let mut buffer = [0; 256];
            let content = Tree::read_below(handle.as_fd(), &format!("{name}/current/link"), &mut buffer);
            parse_target(content.ok()?).ok()
        };
        names.par_iter().with_min_len(64).map(read).collect()
    }

    fn target(&mut self, link: &TreePath) -> Option<Digest> {
        match self.tree.read_small(link, LINK_MAX) {
            Ok(content) => match parse_target(&content?) {
                Ok(target) => Some(target),
                Err(fault) => {
                    let path = self.tree.locate(link);
                    self.note(Doubt::Repository, Error::StrangeLink { digest: None, path, fault });
                    None
                }
            },
            Err(error) => {
                self.note(Doubt::Repository, error);
                None
            }
        }
    }
}
