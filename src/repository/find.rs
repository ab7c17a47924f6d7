//! What a repository is, and where in a tree they are.

use crate::error::{Error, Result};
use crate::layout::{self, Area, Form, TreePath};
use crate::name::RepositoryName;
use crate::tree::{Kind, Listed, Tree};

/// What a look for repositories came upon.
#[derive(Debug, Default)]
pub struct Found {
    /// Their names, sorted.
    pub repositories: Vec<RepositoryName>,
    /// What could not be looked into, or is no repository for its name.
    pub damage: Vec<Error>,
}

/// Every repository, sorted by name, and what is damaged where one might be: that never ends the listing.
///
/// A repository is a directory with `_layers`, `_manifests` or `_uploads`: registries 2.x go by the first, 3.x by
/// the second (layout.md §1.6), and each would miss some.
pub(crate) fn repositories(tree: &Tree) -> Found {
    let mut found = Found::default();
    let mut pending = vec![Area::Repositories.path()];
    while let Some(directory) = pending.pop() {
        match tree.list(&directory) {
            Ok(listed) => look_into(tree, &directory, listed.unwrap_or_default(), &mut found, &mut pending),
            Err(error) => found.damage.push(error),
        }
    }
    found.repositories.sort();
    found.damage.sort_by(|a, b| a.path().cmp(&b.path()));
    found
}

fn look_into(tree: &Tree, directory: &TreePath, listed: Vec<Listed>, found: &mut Found, pending: &mut Vec<TreePath>) {
    let own = |entry: &Listed| entry.text().is_some_and(|name| Form::Current.owns(name));
    let is_current = listed.iter().any(|entry| own(entry) && entry.kind == Kind::Directory);
    let maybe_alpha = listed.iter().any(|entry| entry.text().is_some_and(|name| Form::Alpha.owns(name)));
    let is_alpha = maybe_alpha
        && is_alpha(tree, directory).unwrap_or_else(|error| {
            found.damage.push(error);
            false
        });
    if is_current || is_alpha {
        match directory.below_area().parse() {
            Ok(name) => found.repositories.push(name),
            Err(source) => found.damage.push(Error::RepositoryNameInvalid {
                path: tree.locate(directory),
                name: directory.below_area().to_owned(),
                source,
            }),
        }
    }
    for entry in listed {
        let Some(path) = entry.text().and_then(|name| directory.child(name)) else {
            if entry.kind == Kind::Directory {
                let path = tree.locate(directory).join(&entry.name);
                found.damage.push(Error::Misplaced { path, reason: "its name is no text" });
            }
            continue;
        };
        match entry.kind {
            Kind::Symlink => found.damage.push(tree.wrong_kind(&path, "a directory", entry.kind)),
            Kind::Directory if !path.file_name().starts_with('_') => pending.push(path),
            _ => {}
        }
    }
}

/// Whether the directory at `path` is a repository as alpha.0 and alpha.1 laid them out.
///
/// `lib/layers` may just as well be a repository of today, so something must lie where only the alphas put it.
pub(crate) fn is_alpha(tree: &Tree, path: &TreePath) -> Result<bool> {
    for directory in layout::alpha_directories(path) {
        let is_keyed = |entry: &Listed| entry.text().is_some_and(|name| directory.digest(name).is_some());
        if tree.list(&directory.path)?.is_some_and(|listed| listed.iter().any(is_keyed)) {
            return Ok(true);
        }
    }
    // Nothing but uploads, each with its `startedat`.
    let uploads = layout::alpha_uploads(path);
    for entry in tree.list(&uploads)?.unwrap_or_default() {
        let started = entry.text().and_then(|name| Some(uploads.child(name)?.started_at()));
        if entry.kind == Kind::Directory
            && let Some(path) = started
            && tree.metadata(&path)?.is_some_and(|found| found.kind == Kind::File)
        {
            return Ok(true);
        }
    }
    Ok(false)
}
