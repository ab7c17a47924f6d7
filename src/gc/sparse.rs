//! Counts what is kept only because an index names a manifest that no repository links.
//!
//! Such a child may have been deleted on purpose, or have lost its link. So a collection keeps it, unless the caller
//! accepts indexes with missing children.

use serde::Serialize;

use super::Options;
use super::age::{self, FoundBlob};
use super::plan::Plan;
use crate::error::Result;
use crate::reach::{Edges, mark};
use crate::scan::{DigestId, DigestSet};
use crate::stream::Watch;
use crate::tree::Tree;

/// What a plan keeps only because an index names a manifest that no repository links.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct UnlinkedChildren {
    /// Such manifests.
    pub manifests: u64,
    /// Blobs, these manifests among them.
    pub blobs: u64,
    /// The bytes of these blobs.
    pub bytes: u64,
}

impl Plan {
    /// Counts what [`Options::allow_sparse_indexes`] would remove in addition. `None` when that is nothing.
    pub(crate) fn unlinked_children(&self, tree: &Tree) -> Result<Option<UnlinkedChildren>> {
        let Self { scan, options, must_keep, .. } = self;
        if options.allow_sparse_indexes || self.keep_all_content || must_keep.unlinked.is_empty() {
            return Ok(None);
        }
        let needed =
            |options: &Options| -> DigestSet { mark(&Edges::new(scan, options.policy(), must_keep), |_, _, _| {}) };
        let without = needed(&Options { allow_sparse_indexes: true, ..options.clone() });
        let with = needed(options);
        let names = scan.digests.blobs().filter(|name| with.contains(*name) && !without.contains(*name));
        let names: Vec<DigestId> = names.collect();
        let mut counted = UnlinkedChildren { manifests: 0, blobs: 0, bytes: 0 };
        for (name, found) in names.iter().zip(age::look_at_blobs(tree, scan, &names, &Watch::none())?) {
            if let FoundBlob::File(file) = found
                && !options.is_young(file.newest)
            {
                counted.manifests += u64::from(must_keep.unlinked.contains(name));
                counted.blobs += 1;
                counted.bytes += file.size;
            }
        }
        Ok((counted.blobs > 0).then_some(counted))
    }
}
