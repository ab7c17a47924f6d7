//! Counts what a collection would free if some repositories were deleted.

use super::holdings::{Holding, Owners, each, keep};
use crate::error::Result;
use crate::layout::Entry;
use crate::scan::{DigestId, Doubt, Scan};
use crate::stream::{Interrupt, Watch};
use crate::tree::Tree;

/// Content that nothing would need.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Freed {
    /// Blobs.
    pub(crate) blobs: u64,
    /// Their bytes.
    pub(crate) bytes: u64,
}

/// Counts the content of the `chosen` repositories that a [collection](crate::gc) would remove if they were deleted: the
/// unique part of all of them together, with what they only link. `None` if there may be links that can't be read:
/// then a collection removes no content.
///
/// This reads the links of the whole tree, as a collection does, and looks at the sizes of what would be freed.
pub(crate) fn freed_without(
    tree: &Tree,
    chosen: impl Fn(&str) -> bool,
    interrupt: &Interrupt,
) -> Result<Option<Freed>> {
    const CHOSEN: u32 = 1;
    let mut scan = Scan::read(tree, &Watch::silent(interrupt))?;
    let owners = Owners::joined(&scan, chosen);
    let mut keepers = vec![0; scan.digests.blob_count()];
    let mut unneeded: Vec<DigestId> = Vec::new();
    let findings = each(tree, &mut scan, &owners, interrupt, |Holding { owner, name, needed, .. }| {
        if needed {
            keep(&mut keepers[name.index()], owner);
        } else if owner == CHOSEN {
            unneeded.push(name);
        }
    });
    interrupt.check()?;
    if findings.iter().any(|finding| finding.doubt == Doubt::Tree) {
        return Ok(None);
    }
    for name in unneeded {
        // Other repositories may link it too, but a link alone keeps nothing.
        let keeper = &mut keepers[name.index()];
        *keeper = if *keeper == 0 { CHOSEN } else { *keeper };
    }
    let mut freed = Freed::default();
    for name in scan.digests.blobs().filter(|name| keepers[name.index()] == CHOSEN) {
        let path = Entry::Blob(scan.digests.digest(name)).path();
        if let Some(found) = tree.metadata(&path)? {
            freed.blobs += 1;
            freed.bytes += found.size;
        }
    }
    Ok(Some(freed))
}
