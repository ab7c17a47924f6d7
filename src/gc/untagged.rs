//! Counts what the removal of untagged manifests would remove.

use serde::Serialize;

use super::Options;
use super::action::Kind;
use super::plan::{Extent, Plan, decide};
use crate::error::Result;
use crate::reach::{Edges, mark};
use crate::scan::Scan;
use crate::stream::Watch;
use crate::tree::Tree;

/// What would be removed besides what a plan removes, if manifests were removed too that no tag leads to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Untagged {
    /// Manifests.
    pub revisions: u64,
    /// Blobs.
    pub blobs: u64,
    /// The bytes of these blobs.
    pub bytes: u64,
    /// More blobs, which would be removed only with [`Options::min_age`] zero.
    pub blobs_too_young: u64,
    /// The bytes of these.
    pub bytes_too_young: u64,
}

impl Plan {
    /// Counts what [`Options::delete_untagged`] would remove in addition. Looks at the ages and sizes of what that is.
    pub(crate) fn untagged(&mut self, tree: &Tree, watch: &Watch<'_>) -> Result<Untagged> {
        let options = Options { delete_untagged: true, ..self.options.clone() };
        if !has_untagged(&self.scan, &options, self) {
            return Ok(Untagged::default());
        }
        let all = decide(tree, &mut self.scan, &options, Extent::Content, watch)?;
        let more = |kind: Kind| {
            let (all, planned) = (kind.count(&all.actions), self.count(kind));
            (all.0.saturating_sub(planned.0), all.1.saturating_sub(planned.1))
        };
        let (blobs, bytes) = more(Kind::Blob);
        let blobs_too_young = all.kept.young_blobs.saturating_sub(self.kept.young_blobs);
        let bytes_too_young = all.kept.young_bytes.saturating_sub(self.kept.young_bytes);
        Ok(Untagged { revisions: more(Kind::Revision).0, blobs, bytes, blobs_too_young, bytes_too_young })
    }
}

/// Whether there is a manifest that no tag leads to.
fn has_untagged(scan: &Scan, options: &Options, planned: &Plan) -> bool {
    let mut found = false;
    mark(&Edges::new(scan, options.policy(), &planned.must_keep), |_, repository, used| {
        let mut names = repository.revisions.iter().filter_map(|revision| scan.digests.find(&revision.digest));
        found |= names.any(|name| !used.is_kept(name));
    });
    found
}
