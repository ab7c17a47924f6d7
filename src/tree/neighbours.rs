//! Reads the metadata of many directories that have one parent.

use std::os::fd::{AsFd, OwnedFd};

use super::handle::metadata_at;
use super::{Listed, Metadata, Tree};
use crate::error::Result;
use crate::layout::TreePath;

/// Reads the metadata of many directories through a handle of their parent: the fast way when they are sorted.
pub(crate) struct Neighbours<'t> {
    tree: &'t Tree,
    /// The parent of the last directory, and its handle if it is there.
    parent: Option<(TreePath, Option<OwnedFd>)>,
}

impl<'t> Neighbours<'t> {
    pub(crate) fn new(tree: &'t Tree) -> Self {
        Self { tree, parent: None }
    }

    /// The tree that contains them.
    pub(crate) fn tree(&self) -> &'t Tree {
        self.tree
    }

    /// The metadata of a directory; `None` when it isn't there.
    pub(crate) fn metadata(&mut self, directory: &TreePath) -> Result<Option<Metadata>> {
        self.look(directory, directory.file_name())
    }

    /// The metadata of the entry `name` of a directory. The caller knows that it is a directory.
    pub(crate) fn metadata_in(&mut self, directory: &TreePath, name: &str) -> Result<Option<Metadata>> {
        self.look(directory, &format!("{}/{name}", directory.file_name()))
    }

    /// Lists the parent of directories that are looked at next. Empty when it isn't there.
    pub(crate) fn list(&mut self, parent: &TreePath) -> Result<Vec<Listed>> {
        let Some((handle, listed)) = self.tree.open_and_list(parent)? else { return Ok(Vec::new()) };
        self.parent = Some((parent.clone(), Some(handle)));
        Ok(listed)
    }

    fn look(&mut self, directory: &TreePath, below: &str) -> Result<Option<Metadata>> {
        let parent = directory.parent().expect("an area has no neighbours");
        if self.parent.as_ref().is_none_or(|(path, _)| *path != parent) {
            let handle = self.tree.open_directory(&parent)?;
            self.parent = Some((parent, handle));
        }
        let Some((_, Some(parent))) = &self.parent else { return Ok(None) };
        metadata_at(parent.as_fd(), below)
            .map_err(|errno| self.tree.explain(directory, "a directory", "look at", errno))
    }
}
