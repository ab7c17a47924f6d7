//! Counts what the removal of untagged manifests would remove.

use serde::Serialize;

use super::Options;
use super::action::Kind;
use super::plan::{Plan, decide};
use crate::error::Result;
use crate::reach::{Edges, mark};
use crate::scan::Scan;
use crate::stream::Interrupt;
use crate::tree::Tree;

/// Up to so many untagged manifests are always looked at: that takes little time.
const LOOKED_AT: u64 = 1000;

/// What would be removed besides what a plan removes, if manifests were removed too that no tag leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Untagged {
    /// Manifests.
    pub revisions: u64,
    /// Blobs.
    pub blobs: u64,
    /// The bytes of these blobs, if the blobs were looked at. If not, some may be too young to be removed.
    pub bytes: Option<u64>,
    /// More blobs, which would be removed only with [`Options::min_age`] zero.
    pub blobs_too_young: u64,
    /// The bytes of these.
    pub bytes_too_young: u64,
}

impl Plan {
    /// Counts what [`Options::delete_untagged`] would remove in addition. Where there are many manifests, only with
    /// `sizes` this looks at ages and sizes.
    pub(crate) fn untagged(&mut self, tree: &Tree, sizes: bool, interrupt: &Interrupt) -> Result<Untagged> {
        let options = Options { delete_untagged: true, ..self.options.clone() };
        let counted = count_untagged(&self.scan, &options, self);
        if counted.revisions == 0 || !sizes && counted.revisions > LOOKED_AT {
            return Ok(counted);
        }
        let all = decide(tree, &mut self.scan, &options, interrupt)?;
        let more = |kind: Kind| {
            let (all, planned) = (kind.count(&all.actions), self.count(kind));
            (all.0.saturating_sub(planned.0), all.1.saturating_sub(planned.1))
        };
        let (blobs, bytes) = more(Kind::Blob);
        let blobs_too_young = all.kept.young_blobs.saturating_sub(self.kept.young_blobs);
        let bytes_too_young = all.kept.young_bytes.saturating_sub(self.kept.young_bytes);
        Ok(Untagged { revisions: more(Kind::Revision).0, blobs, bytes: Some(bytes), blobs_too_young, bytes_too_young })
    }
}

fn count_untagged(scan: &Scan, options: &Options, planned: &Plan) -> Untagged {
    let mut revisions = 0;
    let needed = mark(&Edges::new(scan, options.policy(), &planned.must_keep), |_, repository, used| {
        let names = repository.revisions.iter().filter_map(|revision| scan.digests.find(&revision.digest));
        revisions += names.filter(|name| !used.is_kept(*name)).count() as u64;
    });
    let unneeded = scan.digests.blobs().filter(|name| !needed.contains(*name)).count() as u64;
    let gone = scan.digests.blob_count() as u64 - planned.kept.blobs;
    let blobs = if planned.keep_all_content { 0 } else { unneeded.saturating_sub(gone) };
    Untagged { revisions, blobs, bytes: None, blobs_too_young: 0, bytes_too_young: 0 }
}
