//! Finds out whether a database, and not the tree, knows what the tree's content is needed for, or which manifests are
//! tagged.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use crate::error::{Error, Result};
use crate::layout::{BESIDE_HARBOR, DATABASE_IN_USE};
use crate::tree::Tree;

/// Returns `Err(InDatabase)` when GitLab's registry uses a database for the tree in `root`. What can't be looked at
/// counts as in use.
pub(super) fn check_gitlab(root: &Path) -> Result<()> {
    let path = root.join(DATABASE_IN_USE);
    let folder = path.parent().expect("the file is in a folder");
    let cause = match (fs::symlink_metadata(folder), fs::symlink_metadata(&path)) {
        (Err(error), _) if error.kind() == ErrorKind::NotFound => return Ok(()),
        // A folder that is a symbolic link to nowhere says nothing.
        (Ok(_), Err(error)) if error.kind() == ErrorKind::NotFound && folder.is_dir() => return Ok(()),
        (Ok(_), Ok(_)) => format!("{} says so", path.display()),
        (Err(error), _) | (_, Err(error)) => format!("{} can't be looked at: {error}", path.display()),
    };
    let reason =
        format!("a database of GitLab's registry knows which content is needed, and this tree does not: {cause}");
    Err(Error::InDatabase { database: "gitlab", reason, path: Some(path) })
}

/// Returns `Err(InDatabase)` when the tree is a Harbor's. Harbor has its tags in a database, and newer versions of it
/// write none to the tree.
pub(super) fn check_harbor(tree: &Tree) -> Result<()> {
    let is_configured = tree.configuration().is_some_and(|configuration| configuration.is_harbor);
    let beside = beside(tree.root());
    let cause = match beside.as_slice() {
        _ if is_configured => "the registry's configuration has Harbor's realm".to_owned(),
        [] | [_] => return Ok(()),
        names => format!("{} lie beside {}", names.join(" and "), tree.root().display()),
    };
    let reason =
        format!("this is the tree of a Harbor, which keeps its tags in a database, and not in the tree: {cause}");
    Err(Error::InDatabase { database: "harbor", reason, path: None })
}

/// Which of Harbor's directories lie beside `root`, as it is named or where that leads to.
fn beside(root: &Path) -> Vec<&'static str> {
    let resolved = fs::canonicalize(root).ok();
    let places = [Some(root), resolved.as_deref()].into_iter().flatten().filter_map(Path::parent);
    let lists = places.map(|parent| BESIDE_HARBOR.into_iter().filter(|name| parent.join(name).is_dir()).collect());
    lists.max_by_key(Vec::len).unwrap_or_default()
}
