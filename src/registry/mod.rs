//! A registry's tree as a whole. This module opens, creates and locks it, and lists, counts, copies and
//! removes its repositories.

mod census;
mod copy;
mod database;
mod delete;
mod linked;

use std::path::Path;
use std::time::Duration;

pub use census::Census;
pub use copy::{Copied, Copy, plan_copy};
pub use delete::{Removal, plan_delete};
pub(crate) use linked::{linked_in, linked_nowhere};

use crate::durable::lock::{Holder, Mode, TreeLock};
use crate::durable::{self, ExclusiveWriter, Writer};
use crate::error::Result;
use crate::layout;
use crate::name::RepositoryName;
pub use crate::repository::find::FoundRepositories;
use crate::repository::{Repository, find};
use crate::stream::Watch;
use crate::tree::{Configuration, Tree};

/// A registry's tree on disk.
#[derive(Debug)]
pub struct Registry {
    tree: Tree,
}

impl Registry {
    /// Opens the tree in `root`, which is the registry's `rootdirectory` or its `docker/registry/v2`. Creates nothing.
    ///
    /// Returns `Err(NotATree)` when there is no tree.
    pub fn open(root: impl AsRef<Path>) -> Result<Self> {
        Tree::open(root.as_ref()).map(|tree| Self { tree })
    }

    /// Notes what the registry's configuration says about the tree.
    pub(crate) fn configure(&mut self, configuration: Configuration) {
        self.tree.configure(configuration);
    }

    /// Creates an empty tree in `root`, and opens it. The flag is `false` when there was a tree already.
    /// `Err(InDatabase)` when that is in use by a database.
    pub fn create(root: impl AsRef<Path>) -> Result<(Self, bool)> {
        let root = root.as_ref();
        // The path `…/docker/registry/v2` means the root three levels above it.
        let root = if root.ends_with(layout::PREFIX) { root.ancestors().nth(3).unwrap_or(root) } else { root };
        let root = if root.as_os_str().is_empty() { Path::new(".") } else { root };
        if let Ok(found) = Self::open(root) {
            found.check_database()?;
        }
        let created = durable::create_tree(root)?;
        Ok((Self::open(root)?, created))
    }

    /// The tree itself.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Takes the tree's lock to add and unlink, and shares it with others that do the same. Waits up to `wait` for it.
    /// `command` names this process to others that find the lock held. `Err(InDatabase)` when a database, and not the
    /// tree, knows what the tree's content is needed for.
    pub fn writer(&self, command: &str, now: jiff::Timestamp, wait: Duration) -> Result<Writer<'_>> {
        self.lock(&Holder::this_process(command, Mode::Shared, now), wait)
    }

    /// Takes the tree's lock alone, to remove content, or to move it to the quarantine and back. Waits up to `wait` for
    /// it. `Err(InDatabase)` as for [`Self::writer`].
    pub fn exclusive_writer(&self, command: &str, now: jiff::Timestamp, wait: Duration) -> Result<ExclusiveWriter<'_>> {
        self.lock(&Holder::this_process(command, Mode::Exclusive, now), wait).map(ExclusiveWriter::new)
    }

    fn lock(&self, holder: &Holder, wait: Duration) -> Result<Writer<'_>> {
        self.check_database()?;
        let writer = Writer::new(&self.tree, TreeLock::acquire(&self.tree, holder, wait)?);
        // The wait for the lock may have been long.
        self.check_database()?;
        Ok(writer)
    }

    /// Returns `Err(InDatabase)` when a database, and not the tree, knows what the tree's content is needed for.
    pub(crate) fn check_database(&self) -> Result<()> {
        database::check_gitlab(self.tree.root())
    }

    /// Returns `Err(InDatabase)` when a database, and not the tree, knows what is tagged. Then nothing may be removed for
    /// want of a tag, and no tag or manifest behind the back of that database.
    pub(crate) fn check_tags(&self) -> Result<()> {
        database::check_harbor(&self.tree)
    }

    /// The repository `name`. `Err(RepositoryUnknown)` when the tree has none of that name.
    pub fn repository(&self, name: &RepositoryName) -> Result<Repository<'_>> {
        let repository = Repository::new(&self.tree, name.clone());
        if repository.exists()? {
            return Ok(repository);
        }
        Err(repository.unknown())
    }

    /// Lists every repository, sorted by name, and the damage where one might be. Damage never ends the listing.
    pub fn repositories(&self) -> FoundRepositories {
        find::repositories(&self.tree, &Watch::none())
    }
}
