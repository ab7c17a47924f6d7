//! Finds the repositories of a tree. Every command uses this one rule.
//!
//! A repository is a directory in which `_layers`, `_manifests` or `_uploads` is a directory. Registries 2.x look for
//! the first, 3.x for the second (layout.md §1.6), and each misses some repositories. A plain file with such a name
//! makes no repository: no registry sees one there, and a plain file contains no links. A symbolic link makes none
//! either, but what it leads to may contain links that are not seen.

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::layout::{self, Area, Form, Place, TreePath};
use crate::name::RepositoryName;
use crate::stream::Watch;
#[cfg(feature = "dynamic-completion")]
use crate::tree::Neighbours;
use crate::tree::{EntryKind, Listed, Tree};

/// The repositories of a tree by name.
#[derive(Debug, Default)]
pub struct FoundRepositories {
    /// Their names, sorted.
    pub repositories: Vec<RepositoryName>,
    /// What could not be read, and directories whose names are no repository names.
    pub damage: Vec<Error>,
}

/// Lists every repository, sorted by name, and the damage where one might be. Damage never ends the listing.
pub(crate) fn repositories(tree: &Tree, watch: &Watch<'_>) -> FoundRepositories {
    let FoundPlaces { places, unseen: mut damage, in_the_way, foreign, .. } = places(tree, watch);
    damage.extend(in_the_way.into_iter().chain(foreign));
    let mut directories: Vec<TreePath> = places.into_iter().map(|place| place.directory).collect();
    directories.dedup();
    let mut repositories = Vec::with_capacity(directories.len());
    for directory in directories {
        let (path, name) = (tree.locate(&directory), directory.below_area().to_owned());
        match name.parse() {
            Ok(name) => repositories.push(name),
            Err(source) => damage.push(Error::RepositoryNameInvalid { path, name, source }),
        }
    }
    repositories.sort();
    damage.sort_by(|a, b| a.path().cmp(&b.path()));
    FoundRepositories { repositories, damage }
}

#[derive(Default)]
pub(crate) struct FoundPlaces {
    /// The repositories, sorted by path. One with folders of both layouts is there twice.
    pub(crate) places: Vec<Place>,
    pub(crate) empty: Vec<TreePath>,
    /// Paths below which repositories may be that can't be seen, each once.
    pub(crate) unseen: Vec<Error>,
    /// Plain files in the place of a repository's own folder.
    pub(crate) in_the_way: Vec<Error>,
    /// Directories that can't be listed, and whose names are no repository's: nothing that a registry serves is there.
    pub(crate) foreign: Vec<Error>,
}

/// Whether a directory can be a repository or contain some, by the grammar of any registry. One such as `lost+found`
/// can't.
pub(crate) fn may_be_repository(directory: &TreePath) -> bool {
    let path = directory.below_area();
    let is_name = |text: &str| text.parse::<RepositoryName>().is_ok();
    // A name of one part may be too long, or a domain, which only another part makes a name.
    path.is_empty() || is_name(path) || is_name(&format!("{path}/a"))
}

/// The names of repositories that begin with `text`, sorted. Only directories are opened that can be one of these or
/// contain some. Where more than `many` are side by side or would have to be opened below others, these are named
/// instead, with a slash if repositories are below them. What can't be read is left out.
#[cfg(feature = "dynamic-completion")]
pub(crate) fn beginning_with(tree: &Tree, text: &str, many: usize) -> Vec<String> {
    let above = text.rsplit_once('/').map_or("", |(above, _)| above);
    let mut parts = above.split('/').filter(|part| !part.is_empty());
    let Some(start) = parts.try_fold(Area::Repositories.path(), |path, part| path.child(part)) else {
        return Vec::new();
    };
    let (_, mut level) = visit(tree, start);
    level.retain(|directory| directory.below_area().starts_with(text));
    if level.len() > many {
        return side_by_side(tree, &level);
    }
    let mut names = Vec::new();
    while !level.is_empty() {
        let visited: Vec<_> =
            level.into_par_iter().map(|directory| (visit(tree, directory.clone()), directory)).collect();
        let found = visited.iter().flat_map(|((found, _), _)| &found.places).map(|place| place.directory.below_area());
        names.extend(found.filter(|name| name.parse::<RepositoryName>().is_ok()).map(str::to_owned));
        if visited.iter().map(|((_, below), _)| below.len()).sum::<usize>() > many {
            let open = visited.iter().filter(|((_, below), _)| !below.is_empty());
            names.extend(open.map(|(_, directory)| format!("{}/", directory.below_area())));
            break;
        }
        level = visited.into_iter().flat_map(|((_, below), _)| below).collect();
    }
    names.sort();
    names.dedup();
    names
}

/// The names of the repositories among many directories that have one parent, and with a slash those of the directories
/// that only contain some. A repository has `_manifests`, or `_layers` at least, and is known by these without a list.
#[cfg(feature = "dynamic-completion")]
fn side_by_side(tree: &Tree, level: &[TreePath]) -> Vec<String> {
    let pieces = level.par_chunks(256).map(|piece| {
        let mut neighbours = Neighbours::new(tree);
        piece.iter().filter_map(|directory| part(&mut neighbours, directory)).collect::<Vec<_>>()
    });
    let mut names = pieces.flatten_iter().collect::<Vec<_>>();
    names.sort();
    names
}

/// The name of a repository, or with a slash that of a directory that only contains some.
#[cfg(feature = "dynamic-completion")]
fn part(neighbours: &mut Neighbours<'_>, directory: &TreePath) -> Option<String> {
    let name = directory.below_area();
    let [layers, manifests, _] = Place { directory: directory.clone(), form: Form::Current }.own();
    let mut has = |own: &TreePath| {
        let found = neighbours.metadata_in(directory, own.file_name());
        matches!(found, Ok(Some(found)) if found.kind == EntryKind::Directory)
    };
    if has(&manifests) || has(&layers) {
        return name.parse::<RepositoryName>().is_ok().then(|| name.to_owned());
    }
    let (found, below) = visit(neighbours.tree(), directory.clone());
    if !found.places.is_empty() && name.parse::<RepositoryName>().is_ok() {
        return Some(name.to_owned());
    }
    (!below.is_empty()).then(|| format!("{name}/"))
}

/// Finds all repositories, level by level.
pub(crate) fn places(tree: &Tree, watch: &Watch<'_>) -> FoundPlaces {
    let mut all = FoundPlaces::default();
    let counting = watch.count("looking for repositories", None);
    let mut level = vec![Area::Repositories.path()];
    while !level.is_empty() && watch.interrupt.signal().is_none() {
        let visit = |directory| {
            let visited = visit(tree, directory);
            counting.add(1);
            visited
        };
        let visited: Vec<_> = level.into_par_iter().map(visit).collect();
        level = Vec::new();
        for (found, below) in visited {
            all.places.extend(found.places);
            all.empty.extend(found.empty);
            all.unseen.extend(found.unseen);
            all.in_the_way.extend(found.in_the_way);
            all.foreign.extend(found.foreign);
            level.extend(below);
        }
    }
    all.places.sort();
    all.unseen.sort_by(|a, b| a.path().cmp(&b.path()));
    all.unseen.dedup_by(|a, b| a.path() == b.path());
    all
}

fn visit(tree: &Tree, directory: TreePath) -> (FoundPlaces, Vec<TreePath>) {
    let (mut found, mut below) = (FoundPlaces::default(), Vec::new());
    let listed = match tree.list(&directory) {
        Ok(listed) => listed.unwrap_or_default(),
        Err(error) => {
            let errors = if may_be_repository(&directory) { &mut found.unseen } else { &mut found.foreign };
            errors.push(error);
            return (found, below);
        }
    };
    let sight = Sight::of(tree, &directory, &listed).unwrap_or_else(|(sight, error)| {
        found.unseen.push(error);
        sight
    });
    found.places = sight.places(&directory);
    for entry in &listed {
        match sight.role(&directory, entry) {
            Role::Own(path) => below.extend(path),
            Role::Below(path) => below.push(path),
            Role::InTheWay(path) => found.in_the_way.push(tree.wrong_kind(&path, "a directory", entry.kind)),
            Role::Odd(path) => found.unseen.push(tree.wrong_kind(&path, "a directory", entry.kind)),
            Role::Nameless if entry.kind != EntryKind::File => {
                let path = tree.locate(&directory).join(&entry.name);
                found.unseen.push(Error::Misplaced { path, reason: "its name is not UTF-8" });
            }
            Role::Hidden(_) | Role::File | Role::Nameless => {}
        }
    }
    // An empty directory with the name of an alpha's own folder may be one, so it is not counted as empty.
    let is_plain = !directory.below_area().split('/').any(|part| Form::Alpha.owns(part));
    if listed.is_empty() && is_plain && directory.parent().is_some() {
        found.empty.push(directory);
    }
    (found, below)
}

/// Whether a directory is a repository, in each layout.
#[derive(Clone, Copy)]
pub(crate) struct Sight {
    is_current: bool,
    is_alpha: bool,
}

/// What an entry of a directory means for the search for repositories.
pub(crate) enum Role {
    /// One of the repository's own folders, or something in its place. Below an alpha's folder, which has this path,
    /// there may be other repositories.
    Own(Option<TreePath>),
    /// A directory that may be a repository, or contain some.
    Below(TreePath),
    /// A directory in which registries do not look for repositories.
    Hidden(TreePath),
    /// A plain file with the name of a repository's own folder, where there is no repository.
    InTheWay(TreePath),
    File,
    /// A symbolic link or special file.
    Odd(TreePath),
    /// An entry whose name is not UTF-8.
    Nameless,
}

impl Sight {
    /// Decides from the entries of `directory`. `Err` when a read fails that would show a repository of the alphas; the
    /// directory counts as none then.
    pub(crate) fn of(tree: &Tree, directory: &TreePath, listed: &[Listed]) -> Result<Self, (Self, Error)> {
        let has = |form: Form| {
            let own = |entry: &Listed| entry.text().is_some_and(|name| form.owns(name));
            listed.iter().any(|entry| entry.kind == EntryKind::Directory && own(entry))
        };
        let is_current = has(Form::Current);
        if !has(Form::Alpha) {
            return Ok(Self { is_current, is_alpha: false });
        }
        match is_alpha(tree, directory) {
            Ok(is_alpha) => Ok(Self { is_current, is_alpha }),
            Err(error) => Err((Self { is_current, is_alpha: false }, error)),
        }
    }

    /// The place of the repository, once for each layout that it has.
    pub(crate) fn places(self, directory: &TreePath) -> Vec<Place> {
        let forms = [(self.is_current, Form::Current), (self.is_alpha, Form::Alpha)];
        let forms = forms.into_iter().filter(|(is_one, _)| *is_one);
        forms.map(|(_, form)| Place { directory: directory.clone(), form }).collect()
    }

    /// What an entry of the directory is.
    pub(crate) fn role(self, directory: &TreePath, entry: &Listed) -> Role {
        let Some(path) = entry.text().and_then(|name| directory.child(name)) else { return Role::Nameless };
        let name = path.file_name();
        let is_own = Form::Current.owns(name);
        match entry.kind {
            _ if is_own && self.is_current => Role::Own(None),
            kind if self.is_alpha && Form::Alpha.owns(name) => {
                Role::Own(Some(path).filter(|_| kind == EntryKind::Directory))
            }
            EntryKind::File if is_own => Role::InTheWay(path),
            EntryKind::File => Role::File,
            EntryKind::Directory if name.starts_with('_') => Role::Hidden(path),
            EntryKind::Directory => Role::Below(path),
            EntryKind::Symlink | EntryKind::Other => Role::Odd(path),
        }
    }
}

/// Whether the directory at `path` is a repository in the layout of alpha.0 and alpha.1.
///
/// `lib/layers` may also be a repository in the current layout, so there must be something that only the alphas put
/// there.
pub(crate) fn is_alpha(tree: &Tree, path: &TreePath) -> Result<bool> {
    for directory in layout::alpha_directories(path) {
        let is_keyed = |entry: &Listed| entry.text().is_some_and(|name| directory.digest(name).is_some());
        if list_folder(tree, &directory.path)?.iter().any(is_keyed) {
            return Ok(true);
        }
    }
    // The repository may have only uploads, each with its `startedat`.
    let uploads = layout::alpha_uploads(path);
    for entry in list_folder(tree, &uploads)? {
        let started = entry.text().and_then(|name| Some(uploads.child(name)?.started_at()));
        if entry.kind == EntryKind::Directory
            && let Some(path) = started
            && tree.metadata(&path)?.is_some_and(|found| found.kind == EntryKind::File)
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The entries of an alpha's folder. None when a plain file is in the place of the folder, or of one above it.
fn list_folder(tree: &Tree, path: &TreePath) -> Result<Vec<Listed>> {
    match tree.list(path) {
        Err(Error::WrongKind { found, .. }) if found == EntryKind::File.describe() => Ok(Vec::new()),
        listed => listed.map(Option::unwrap_or_default),
    }
}
