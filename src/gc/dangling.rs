//! Counts what tags keep whose manifest has no link.

use serde::Serialize;

use super::Options;
use super::action::Kind;
use super::plan::{Extent, Plan, decide};
use crate::error::Result;
use crate::finding::Code;
use crate::stream::Watch;
use crate::tree::Tree;

/// The tags that keep a manifest which their repository does not link, and what they alone keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DanglingTags {
    /// Tags.
    pub tags: u64,
    /// Blobs.
    pub blobs: u64,
    /// The bytes of these blobs.
    pub bytes: u64,
}

impl Plan {
    /// Counts what [`Options::delete_dangling_tags`] lets go; `None` if it makes no difference.
    pub(crate) fn dangling_tags(&mut self, tree: &Tree, watch: &Watch<'_>) -> Result<Option<DanglingTags>> {
        let tags = self.findings.iter().filter(|finding| finding.code == Code::RevisionLinkMissing).count() as u64;
        if tags == 0 {
            return Ok(None);
        }
        let options = Options { delete_dangling_tags: true, ..self.options.clone() };
        let without = decide(tree, &mut self.scan, &options, Extent::Content, watch)?;
        // What is young is kept, but not by the tags alone.
        let ((blobs, bytes), (planned_blobs, planned_bytes)) =
            (Kind::Blob.count(&without.actions), self.count(Kind::Blob));
        let blobs = (blobs + without.kept.young_blobs).saturating_sub(planned_blobs + self.kept.young_blobs);
        let bytes = (bytes + without.kept.young_bytes).saturating_sub(planned_bytes + self.kept.young_bytes);
        Ok(Some(DanglingTags { tags, blobs, bytes }))
    }
}
