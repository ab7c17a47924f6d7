//! Finds out whether a database, and not the tree, knows what the tree's content is needed for.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use crate::error::{Error, Result};
use crate::layout::DATABASE_IN_USE;

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
        format!("a database of GitLab's registry knows what this tree's content is needed for, not the tree: {cause}");
    Err(Error::InDatabase { database: "gitlab", reason, path: Some(path) })
}
