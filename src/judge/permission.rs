//! Says what shows that a repository had content that it does not link.
//!
//! **A link is a permission**: a registry serves content to everyone who may read a repository that links it. So a
//! repository gets a link that it lacks only where something shows that it had the link:
//!
//! - A manifest of the repository names the content, and every registry looks for it when the manifest is pushed. That
//!   is the config, and each layer without `urls`. A child of an index, a `subject`, and a mention in a manifest of an
//!   unknown kind show nothing. In a pull-through cache no manifest shows anything, because it is stored unchecked.
//! - The file of the link is there, and lost its content in a crash.
//! - A tree that the operator names as a source has the link in the same repository.
//!
//! The directory of a link without the link is what a deletion through the API leaves. It shows that there was a link,
//! and that it was not wanted any more.

use super::manifest::Part;
use crate::digest::Digest;
use crate::error::Result;
use crate::layout::{self, Place};
use crate::manifest::Role;
use crate::repository::{cache, link};
use crate::tree::Tree;

/// Whether a manifest that names `part` shows that its repository had it.
pub(crate) fn is_shown(tree: &Tree, part: &Part) -> bool {
    !part.elsewhere && matches!(part.role, Role::Config | Role::Layer) && manifests_show(tree)
}

/// Whether the manifests of a tree show anything: the tree is not one of a pull-through cache, and never was.
pub(crate) fn manifests_show(tree: &Tree) -> bool {
    let state = tree.root().join(layout::SCHEDULER_STATE);
    let is_left = match rustix::fs::lstat(&state) {
        Ok(_) => true,
        Err(rustix::io::Errno::NOENT) => false,
        Err(errno) => {
            // The tree remembers that this is unknown.
            let _ = tree.failed_at("look at", state, errno);
            true
        }
    };
    !is_left && !cache::is_cache(tree)
}

/// Whether the same repository of another tree has this layer link.
pub(crate) fn has_link(source: &Tree, repository: &Place, digest: &Digest) -> Result<bool> {
    Ok(link::read(source, &repository.layer_link(digest))? == Some(Ok(*digest)))
}
