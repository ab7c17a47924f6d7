//! What a collection could free in addition, by what keeps it, and the one command to type next.

use std::time::Duration;

use crate::cli::count::{human_bytes, plural};
use crate::finding::Code;
use crate::gc::{DanglingTags, Kept, UnlinkedChildren, Untagged};

/// From here on, what unfinished uploads hold is worth a word.
const NOTEWORTHY: u64 = 1 << 20;

/// What is kept only because of an option, or for want of one.
#[derive(Clone, Copy)]
pub(super) struct More {
    pub(super) min_age: Duration,
    pub(super) kept: Kept,
    pub(super) untagged: Option<Untagged>,
    pub(super) unlinked_children: Option<UnlinkedChildren>,
    pub(super) dangling: Option<DanglingTags>,
}

/// The options that would free more, and how many bytes.
pub(super) struct Sum {
    pub(super) bytes: u64,
    pub(super) options: &'static str,
}

impl More {
    /// What --min-age 0 and --delete-untagged would free, if that is anything. Other options are chosen for other reasons
    /// than space.
    pub(super) fn sum(self) -> Option<Sum> {
        let untagged = self.untagged.unwrap_or_default();
        let (young, old) = (self.kept.young_bytes, untagged.bytes);
        let (bytes, options) = match (young, old, untagged.bytes_too_young) {
            (0, 0, 0) => return None,
            (_, 0, 0) => (young, "--min-age 0"),
            // A grace period is not given up for little.
            (_, _, both) if young + both < old / 10 => (old, "--delete-untagged"),
            (_, _, both) => (young + old + both, "--delete-untagged --min-age 0"),
        };
        Some(Sum { bytes, options })
    }

    /// The bytes of unfinished uploads, if that is worth a word.
    pub(super) fn in_uploads(self) -> Option<u64> {
        Some(self.kept.upload_bytes).filter(|bytes| *bytes >= NOTEWORTHY)
    }

    /// Says what keeps what, a line for each.
    pub(super) fn reasons(self) -> Vec<String> {
        let age = format!(" ({})", super::age(self.min_age));
        let blobs = |blobs: u64, bytes: u64| format!("{} ({})", plural(blobs, "blob"), human_bytes(bytes));
        let mut reasons = Vec::new();
        let Kept { young_blobs, young_bytes, uploads, upload_bytes, .. } = self.kept;
        if young_blobs > 0 {
            reasons.push(format!("{} only because of --min-age{age}", blobs(young_blobs, young_bytes)));
        }
        let untagged = self.untagged.unwrap_or_default();
        let no_tag = "--delete-untagged is not given";
        let manifests = plural(untagged.revisions, "manifest");
        match (untagged.blobs, untagged.revisions) {
            (0, 0) => {}
            (0, _) => reasons.push(format!("{manifests}, but no blob, only because {no_tag}: no tag leads there")),
            (count, _) => {
                let blobs = blobs(count, untagged.bytes);
                reasons.push(format!("{manifests}, {blobs} only because {no_tag}: no tag leads there"));
            }
        }
        if untagged.blobs_too_young > 0 {
            let blobs = blobs(untagged.blobs_too_young, untagged.bytes_too_young);
            reasons.push(format!("{blobs} only because of --min-age{age}, and {no_tag}"));
        }
        if let Some(UnlinkedChildren { manifests, bytes, .. }) = self.unlinked_children {
            let manifests = plural(manifests, "manifest");
            let bytes = human_bytes(bytes);
            reasons.push(format!(
                "{manifests} ({bytes} in all) that an index names and no repository links, only because \
                 --allow-sparse-indexes is not given"
            ));
        }
        if let Some(DanglingTags { tags, blobs: count, bytes }) = self.dangling {
            let (tags, repair) = (plural(tags, "tag"), Code::RevisionLinkMissing);
            reasons.push(format!(
                "{} only because of {tags} whose manifest has no link: repair --only {repair} links it again, \
                 --delete-dangling-tags lets it go",
                blobs(count, bytes)
            ));
        }
        if self.in_uploads().is_some() {
            let (uploads, bytes) = (plural(uploads, "unfinished upload"), human_bytes(upload_bytes));
            reasons.push(format!("{uploads} ({bytes}), which upload purge --older-than 0 removes"));
        }
        reasons
    }
}
