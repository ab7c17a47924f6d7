//! A registry's tree as a whole: opened, created, and its repositories found.

use std::path::Path;
use std::time::Duration;

use crate::durable::lock::{Holder, Mode, TreeLock};
use crate::durable::{self, ExclusiveWriter, Writer};
use crate::error::{Error, Result};
use crate::layout::{self, Area, Form, TreePath};
use crate::name::RepositoryName;
use crate::repository::Repository;
use crate::tree::{Kind, Listed, Tree};

/// A registry's tree on disk.
#[derive(Debug)]
pub struct Registry {
    tree: Tree,
}

impl Registry {
    /// Opens the tree in `root`, which is the registry's `rootdirectory` or its `docker/registry/v2`.
    ///
    /// `Err(NotATree)` when there is none; nothing is ever created.
    pub fn open(root: impl AsRef<Path>) -> Result<Self> {
        Tree::open(root.as_ref()).map(|tree| Self { tree })
    }

    /// Creates an empty tree in `root`, and opens it. The flag is `false` when there was one already.
    pub fn create(root: impl AsRef<Path>) -> Result<(Self, bool)> {
        let root = root.as_ref();
        // Who names `…/docker/registry/v2` means the root three levels above.
        let root = if root.ends_with(layout::PREFIX) { root.ancestors().nth(3).unwrap_or(root) } else { root };
        let root = if root.as_os_str().is_empty() { Path::new(".") } else { root };
        let created = durable::create_tree(root)?;
        Ok((Self::open(root)?, created))
    }

    /// The tree itself.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Locks the tree together with others that add and unlink, waiting up to `wait`. `command` is what this process is
    /// called for others that find the lock held.
    pub fn writer(&self, command: &str, now: jiff::Timestamp, wait: Duration) -> Result<Writer<'_>> {
        self.lock(&Holder::this_process(command, Mode::Shared, now), wait)
    }

    /// Locks the tree alone, waiting up to `wait`: to remove content, or to move it to the quarantine and back.
    pub fn exclusive_writer(&self, command: &str, now: jiff::Timestamp, wait: Duration) -> Result<ExclusiveWriter<'_>> {
        self.lock(&Holder::this_process(command, Mode::Exclusive, now), wait).map(ExclusiveWriter::new)
    }

    fn lock(&self, holder: &Holder, wait: Duration) -> Result<Writer<'_>> {
        Ok(Writer::new(&self.tree, TreeLock::acquire(&self.tree, holder, wait)?))
    }

    /// The repository called `name`. `Err(RepositoryUnknown)` when the tree has none of that name.
    pub fn repository(&self, name: &RepositoryName) -> Result<Repository<'_>> {
        let repository = Repository::new(&self.tree, name.clone());
        if repository.exists()? {
            return Ok(repository);
        }
        Err(repository.unknown())
    }

    /// Every repository, sorted by name, and what is damaged where one might be: that never ends the listing.
    ///
    /// A repository is a directory with `_layers`, `_manifests` or `_uploads`: registries 2.x go by the first, 3.x by
    /// the second (layout.md §1.6), and each would miss some.
    pub fn repositories(&self) -> Found {
        let mut found = Found::default();
        let mut pending = vec![Area::Repositories.path()];
        while let Some(directory) = pending.pop() {
            match self.tree.list(&directory) {
                Ok(listed) => self.look_into(&directory, listed.unwrap_or_default(), &mut found, &mut pending),
                Err(error) => found.damage.push(error),
            }
        }
        found.repositories.sort();
        found.damage.sort_by(|a, b| a.path().cmp(&b.path()));
        found
    }

    fn look_into(&self, directory: &TreePath, listed: Vec<Listed>, found: &mut Found, pending: &mut Vec<TreePath>) {
        let own = |entry: &Listed| entry.text().is_some_and(|name| Form::Current.owns(name));
        let is_current = listed.iter().any(|entry| own(entry) && entry.kind == Kind::Directory);
        let maybe_alpha = listed.iter().any(|entry| entry.text().is_some_and(|name| Form::Alpha.owns(name)));
        let is_alpha = maybe_alpha
            && is_alpha(&self.tree, directory).unwrap_or_else(|error| {
                found.damage.push(error);
                false
            });
        if is_current || is_alpha {
            match directory.below_area().parse() {
                Ok(name) => found.repositories.push(name),
                Err(source) => found.damage.push(Error::RepositoryNameInvalid {
                    path: self.tree.locate(directory),
                    name: directory.below_area().to_owned(),
                    source,
                }),
            }
        }
        for entry in listed {
            let Some(path) = entry.text().and_then(|name| directory.child(name)) else {
                if entry.kind == Kind::Directory {
                    let path = self.tree.locate(directory).join(&entry.name);
                    found.damage.push(Error::Misplaced { path, reason: "its name is no text" });
                }
                continue;
            };
            match entry.kind {
                Kind::Symlink => found.damage.push(self.tree.wrong_kind(&path, "a directory", entry.kind)),
                Kind::Directory if !path.file_name().starts_with('_') => pending.push(path),
                _ => {}
            }
        }
    }
}

/// What a look for repositories came upon.
#[derive(Debug, Default)]
pub struct Found {
    /// Their names, sorted.
    pub repositories: Vec<RepositoryName>,
    /// What could not be looked into, or is no repository for its name.
    pub damage: Vec<Error>,
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
