//! Where the quarantine keeps things.
//!
//! That is `<root>/.regtree/quarantine/<run>/`: the `journal`, and below `things` what was moved there. What lies on
//! another file system than `<root>` can't be renamed to it, and goes to a directory of its own area instead, which no
//! registry may take for one of its own:
//! - `blobs/.regtree-quarantine/<run>/`: a registry finds blobs by files called `data`, and ends its collection at one in a
//!   directory that is no digest's (layout.md §1.3). So a blob's content lies there flat, under another name.
//! - `repositories/_regtree-quarantine/<run>/`: no registry descends into a name that begins with an underscore, neither
//!   to list repositories nor to purge uploads (layout.md §1.6), so whole directories may lie there.

use super::{Area, PRIVATE, TreePath};
use crate::digest::Digest;

/// The directory of all runs, below `<root>`.
pub(crate) const QUARANTINE: [&str; 2] = [PRIVATE, "quarantine"];
/// What a run moved, and where it came from.
pub(crate) const JOURNAL: &str = "journal";
/// What it moved.
pub(crate) const THINGS: &str = "things";

/// The quarantine on the file system of an area.
pub fn quarantine_beside(area: Area) -> TreePath {
    area.path().join(match area {
        Area::Blobs => ".regtree-quarantine",
        Area::Repositories => "_regtree-quarantine",
    })
}

/// Whether `path` lies in the quarantine of its area, which is no part of the tree.
pub fn is_in_quarantine(path: &TreePath) -> bool {
    let own = quarantine_beside(path.area());
    path.below_area().split('/').next() == Some(own.file_name())
}

/// What a blob is called in the quarantine: `sha256-<hex>`.
pub(crate) fn quarantined_blob(digest: &Digest) -> String {
    digest.to_string().replace([':', '+', '.'], "-")
}
