//! The paths of the quarantine.
//!
//! A run's directory is `<root>/.regtree/quarantine/<run>/`. It contains the `journal`, and below `things` what the run
//! moved there. An area may be on another file system than `<root>`, so that a rename to this directory fails. Then the
//! run moves to a directory of the area instead, which no registry may take for one of its own:
//! - `blobs/.regtree-quarantine/<run>/`. A registry finds blobs by files with the name `data`, and aborts its
//!   collection at one whose directory is not named by a digest (layout.md §1.3). So the content of a blob is a file of
//!   another name here, without a directory of its own.
//! - `repositories/_regtree-quarantine/<run>/`. No registry descends into a name that begins with an underscore,
//!   neither to list repositories nor to purge uploads (layout.md §1.6). So whole directories can be moved here.

use super::{Area, PRIVATE, TreePath};
use crate::digest::Digest;

/// The directory of all runs, as path components below `<root>`.
pub(crate) const QUARANTINE: [&str; 2] = [PRIVATE, "quarantine"];
/// The file that lists what a run moved, and where that was.
pub(crate) const JOURNAL: &str = "journal";
/// The directory of what a run moved.
pub(crate) const THINGS: &str = "things";

/// The quarantine that is on the file system of an area.
pub(crate) fn quarantine_beside(area: Area) -> TreePath {
    area.path().join(match area {
        Area::Blobs => ".regtree-quarantine",
        Area::Repositories => "_regtree-quarantine",
    })
}

/// Whether `path` is in the quarantine of its area, which is no part of the tree.
pub(crate) fn is_in_quarantine(path: &TreePath) -> bool {
    let own = quarantine_beside(path.area());
    path.below_area().split('/').next() == Some(own.file_name())
}

/// The name of a blob in the quarantine: `sha256-<hex>`.
pub(crate) fn quarantined_blob(digest: &Digest) -> String {
    digest.to_string().replace([':', '+', '.'], "-")
}
