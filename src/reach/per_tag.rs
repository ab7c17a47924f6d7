//! Finds what each tag leads to.

use std::collections::HashMap;

use super::edges::Within;
use super::mark::Stamps;
use super::{Edge, References, walk};
use crate::scan::{DigestId, Scan, Scanned};

/// Follows each manifest that tags point to.
#[derive(Debug, Default)]
pub(crate) struct PerTag {
    stamps: Stamps,
    targets: u32,
}

impl PerTag {
    /// Calls `show` for each manifest of a repository that a tag points to. The arguments are the manifest, how many
    /// tags point to it, and everything that it leads to, each digest once.
    pub(crate) fn each(
        &mut self,
        scan: &Scan,
        within: &Within<'_>,
        repository: &Scanned,
        mut show: impl FnMut(DigestId, usize, &[DigestId]),
    ) {
        let mut targets: HashMap<DigestId, usize> = HashMap::new();
        for (_, target) in within.tagged(repository) {
            *targets.entry(target).or_default() += 1;
        }
        for (target, tags) in targets {
            self.targets += 1;
            self.stamps.begin(self.targets, scan.digests.len());
            walk(&Across { within }, vec![target], &mut self.stamps);
            show(target, tags, &self.stamps.reached);
        }
    }
}

/// The edges in a repository, and those to referrers in other repositories.
struct Across<'w> {
    within: &'w Within<'w>,
}

impl References for Across<'_> {
    type Node = DigestId;

    fn each(&self, manifest: DigestId, mut show: impl FnMut(Edge<DigestId>)) {
        let about = |subject| self.within.about(subject).iter().copied().map(Edge::Manifest);
        about(manifest).for_each(&mut show);
        self.within.each(manifest, |edge| {
            show(edge);
            // A referrer stays with content too that is read as no manifest anywhere.
            about(edge.target()).for_each(&mut show);
        });
    }

    fn aliases(&self, content: DigestId) -> &[DigestId] {
        self.within.aliases(content)
    }
}
