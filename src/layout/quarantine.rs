//! Where the quarantine keeps things.

use super::{Area, PRIVATE, TreePath};

/// The directory of all runs, below `<root>`.
pub(crate) const QUARANTINE: [&str; 2] = [PRIVATE, "quarantine"];

/// The quarantine on the file system of an area.
pub fn quarantine_beside(area: Area) -> TreePath {
    area.path().join(match area {
        Area::Blobs => ".regtree-quarantine",
        Area::Repositories => "_regtree-quarantine",
    })
}
