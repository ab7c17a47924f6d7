//! What each tag leads to.

use std::collections::HashMap;

use super::edges::Within;
use super::mark::Stamps;
use super::walk;
use crate::scan::{DigestId, Scan, Scanned};

/// Follows tags, manifest by manifest that they point to.
#[derive(Debug, Default)]
pub(crate) struct PerTag {
    stamps: Stamps,
    targets: u32,
}

impl PerTag {
    /// Shows what the manifests of a repository lead to that tags point to: each with how many tags do, and with all that it
    /// leads to, each once.
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
            walk(within, vec![target], &mut self.stamps);
            show(target, tags, &self.stamps.reached);
        }
    }
}
