//! Lists directories whose entries are named by digests: `<alg>/<hex>/link` and `<alg>/hh/<hex>/data`.
//!
//! Names and types come from the directories themselves; no file is opened. Directories are read one at a time, in the
//! order of the digests, and what is in them is looked at on all threads, a few at a time. So a sorted listing of a whole
//! tree streams in little memory. Damage is an item of the listing, and does not end it.

use std::os::fd::{AsFd, BorrowedFd};

use super::{EntryKind, Listed, Neighbours, Tree, metadata_at};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::layout::{self, Area, KeyedDirectory, TreePath};
use crate::ordered;

type Item = Result<(Digest, TreePath)>;

/// How many directories each thread looks into at a time.
const LEAVES: usize = 128;

/// The digests that name the directories below each `<alg>`.
pub(crate) fn keyed<'t>(tree: &'t Tree, directory: &TreePath) -> impl Iterator<Item = Result<Digest>> + use<'t> {
    there(tree, directory).into_iter().flat_map(move |algorithm| {
        let (digests, damage) = keyed_in(tree, &algorithm);
        digests.into_iter().map(Ok).chain(damage.into_iter().map(Err))
    })
}

/// The directories below `directory` for each kind of digest that it has an entry for. All kinds where it can't be
/// listed: each then says why.
pub(crate) fn there(tree: &Tree, directory: &TreePath) -> Vec<KeyedDirectory> {
    let listed = match tree.list(directory) {
        Ok(None) => return Vec::new(),
        Ok(Some(listed)) => listed,
        Err(_) => return layout::algorithm_directories(directory),
    };
    layout::algorithm_directories_among(directory, |name| listed.iter().any(|entry| entry.name == name))
}

/// The digests that name the directories in `algorithm`, sorted, and the damage there. Plain files are skipped.
pub(crate) fn keyed_in(tree: &Tree, algorithm: &KeyedDirectory) -> (Vec<Digest>, Vec<Error>) {
    keyed_before(&mut Neighbours::new(tree), algorithm)
}

/// As [`keyed_in`], before `neighbours` looks at the directories.
pub(crate) fn keyed_before(neighbours: &mut Neighbours<'_>, algorithm: &KeyedDirectory) -> (Vec<Digest>, Vec<Error>) {
    let tree = neighbours.tree();
    let mut listed = match neighbours.list(&algorithm.path) {
        Ok(listed) => listed,
        Err(error) => return (Vec::new(), vec![error]),
    };
    listed.sort_unstable();
    let (mut digests, mut damage) = (Vec::with_capacity(listed.len()), Vec::new());
    for entry in listed {
        let path = || tree.locate(&algorithm.path).join(&entry.name);
        match (entry.kind, entry.text().and_then(|name| algorithm.digest(name))) {
            (EntryKind::Directory, Some(digest)) => digests.push(digest),
            (EntryKind::Directory, None) => {
                let reason = "its name is not the hex digits of a digest";
                damage.push(Error::Misplaced { path: path(), reason });
            }
            (EntryKind::File, _) => {}
            (kind, _) => {
                damage.push(Error::WrongKind { path: path(), expected: "a directory", found: kind.describe() });
            }
        }
    }
    (digests, damage)
}

/// The digests that name the directories in `algorithm` and begin with `digits`, sorted. All else is skipped, so this is
/// cheap where there are many.
pub(crate) fn beginning_with(tree: &Tree, algorithm: &KeyedDirectory, digits: &str) -> Result<Vec<Digest>> {
    let names = tree.list_beginning_with(&algorithm.path, digits)?;
    let mut digests: Vec<Digest> = names.iter().filter_map(|name| algorithm.digest(name)).collect();
    digests.sort_unstable();
    Ok(digests)
}

/// Every link below a directory of links, with its path.
pub(crate) fn links<'t>(tree: &'t Tree, directory: &TreePath) -> impl Iterator<Item = Item> + use<'t> {
    links_in(tree, there(tree, directory))
}

/// The links whose path has another digest than a sha256: they may be aliases. The directories of sha256 links are not
/// opened.
pub(crate) fn other_links<'t>(tree: &'t Tree, directory: &TreePath) -> impl Iterator<Item = Item> + use<'t> {
    let mut algorithms = there(tree, directory);
    algorithms.retain(|algorithm| !algorithm.is_canonical());
    links_in(tree, algorithms)
}

fn links_in(tree: &Tree, algorithms: Vec<KeyedDirectory>) -> impl Iterator<Item = Item> {
    algorithms.into_iter().flat_map(move |algorithm| {
        let path = algorithm.path.clone();
        leaves(tree, algorithm, &path, "link")
    })
}

/// The directories in `directory` that are named by hex digits and contain a file `wanted`.
pub(crate) fn leaves<'t>(
    tree: &'t Tree,
    algorithm: KeyedDirectory,
    directory: &TreePath,
    wanted: &'static str,
) -> impl Iterator<Item = Item> + use<'t> {
    let (opened, failed) = match tree.open_and_list(directory) {
        Ok(opened) => (opened, None),
        Err(error) => (None, Some(Err(error))),
    };
    let directory = directory.clone();
    let found = opened.into_iter().flat_map(move |(handle, listed)| {
        let algorithm = algorithm.clone();
        let look = move |entry: Result<(Listed, TreePath)>| match entry {
            Ok((entry, path)) if entry.kind == EntryKind::Directory => {
                leaf(tree, &algorithm, handle.as_fd(), &path, wanted).transpose()
            }
            Ok((entry, path)) => stray(tree, &path, entry.kind),
            Err(error) => Some(Err(error)),
        };
        ordered::map(named(tree, &directory, listed), LEAVES, look).flatten()
    });
    failed.into_iter().chain(found)
}

fn leaf(
    tree: &Tree,
    algorithm: &KeyedDirectory,
    parent: BorrowedFd<'_>,
    path: &TreePath,
    wanted: &str,
) -> Result<Option<(Digest, TreePath)>> {
    let file = path.child(wanted).expect("a plain name");
    // One look, where a list of the directory would take four calls.
    let found = metadata_at(parent, &format!("{}/{wanted}", path.file_name()));
    let found = found.map_err(|errno| tree.explain(&file, "a regular file", "look at", errno))?;
    let Some(found) = found else { return Ok(None) };
    if found.kind != EntryKind::File {
        return Err(tree.wrong_kind(&file, "a regular file", found.kind));
    }
    let misplaced = |reason| Error::Misplaced { path: tree.locate(&file), reason };
    let digest = algorithm
        .digest(path.file_name())
        .ok_or_else(|| misplaced("the name of its directory is not the hex digits of a digest"))?;
    if file.area() == Area::Blobs && layout::blob_directory(&digest) != *path {
        return Err(misplaced("its directory is not the one of its first two hex digits"));
    }
    Ok(Some((digest, file)))
}

/// The error for an entry that is no directory where directories belong. A plain file is ignored.
pub(crate) fn stray(tree: &Tree, path: &TreePath, kind: EntryKind) -> Option<Item> {
    (kind != EntryKind::File).then(|| Err(tree.wrong_kind(path, "a directory", kind)))
}

/// The entries of a directory, sorted by name, with their paths.
pub(crate) fn sorted<'t>(
    tree: &'t Tree,
    directory: &TreePath,
) -> impl Iterator<Item = Result<(Listed, TreePath)>> + use<'t> {
    let (listed, failed) = match tree.list(directory) {
        Ok(listed) => (listed.unwrap_or_default(), None),
        Err(error) => (Vec::new(), Some(Err(error))),
    };
    failed.into_iter().chain(named(tree, directory, listed))
}

fn named<'t>(
    tree: &'t Tree,
    directory: &TreePath,
    mut listed: Vec<Listed>,
) -> impl Iterator<Item = Result<(Listed, TreePath)>> + use<'t> {
    let directory = directory.clone();
    listed.sort();
    listed.into_iter().map(move |entry| match entry.text().and_then(|name| directory.child(name)) {
        Some(path) => Ok((entry, path)),
        None => {
            Err(Error::Misplaced { path: tree.locate(&directory).join(&entry.name), reason: "its name is not UTF-8" })
        }
    })
}
