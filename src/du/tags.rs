//! Finds the content that each tag leads to, and the part of it that nothing else leads to.
//!
//! A tag leads where a collection of untagged manifests follows it: from its manifest to everything that it references,
//! to the referrers of each manifest on the way, to signatures, and to the targets of aliases.

use std::collections::HashMap;

use super::holdings::{SEVERAL, alone, keep};
use super::{Amount, TagUsage};
use crate::gc::Needs;
use crate::reach::PerTag;
use crate::scan::{DigestId, Scan};

/// The content of all tags. Tags of one repository that point to the same target are counted together.
#[derive(Debug)]
pub(super) struct Tagged {
    walk: PerTag,
    /// For each blob, the number of the one target that leads to it.
    keepers: Vec<u32>,
    /// For each target, the bytes that it leads to.
    totals: Vec<u64>,
    /// For each repository, the numbers of its targets, from 1 on.
    targets: Vec<HashMap<DigestId, u32>>,
}

impl Tagged {
    pub(super) fn new(scan: &Scan) -> Self {
        let keepers = vec![0; scan.digests.blob_count()];
        Self { walk: PerTag::default(), keepers, totals: Vec::new(), targets: Vec::new() }
    }

    /// Adds the tags of the next repository.
    pub(super) fn add(&mut self, scan: &Scan, needs: Needs<'_>, sizes: &[u64]) {
        let Self { walk, keepers, totals, targets } = self;
        let mut note = |names: &[DigestId], who| {
            for name in names {
                // Only blobs have a keeper and bytes.
                if let Some(keeper) = keepers.get_mut(name.index()) {
                    keep(keeper, who);
                }
            }
        };
        if needs.opaque {
            // No tag of this repository keeps anything alone.
            note(needs.names, SEVERAL);
        }
        let mut numbers = HashMap::new();
        walk.each(scan, needs.within, &scan.repositories[needs.repository], |target, tags, reached| {
            let number = u32::try_from(totals.len() + 1).expect("fewer than 2^32 tags");
            numbers.insert(target, number);
            totals.push(reached.iter().filter_map(|name| sizes.get(name.index())).sum());
            note(reached, if tags == 1 { number } else { SEVERAL });
        });
        targets.push(numbers);
    }

    /// The target of each number, as its repository and one of its tags. Only a target with one tag keeps anything.
    pub(super) fn named<'s>(&self, scan: &'s Scan) -> Vec<(&'s str, &'s str)> {
        let mut named = vec![("", ""); self.totals.len()];
        for (repository, targets) in scan.repositories.iter().zip(&self.targets) {
            for tag in &repository.tags {
                let number = tag.target.and_then(|digest| targets.get(&scan.digests.find(&digest)?));
                if let Some(number) = number {
                    named[*number as usize - 1] = (repository.text(), &tag.name);
                }
            }
        }
        named
    }

    /// The number of the one target that leads to a blob.
    pub(super) fn keeper(&self, name: DigestId) -> Option<usize> {
        match self.keepers[name.index()] {
            0 | SEVERAL => None,
            number => Some(number as usize - 1),
        }
    }

    /// The tags of the chosen repositories, sorted.
    pub(super) fn rows(&self, scan: &Scan, sizes: &[u64], chosen: &dyn Fn(&str) -> bool) -> Vec<TagUsage> {
        let unique = alone(&self.keepers, sizes, self.totals.len());
        let mut rows = Vec::new();
        let repositories = scan.repositories.iter().zip(&self.targets);
        for (repository, targets) in repositories.filter(|(repository, _)| chosen(repository.text())) {
            for tag in &repository.tags {
                let number = tag.target.and_then(|digest| targets.get(&scan.digests.find(&digest)?));
                let amount = number.map(|number| *number as usize - 1);
                let amount = amount.map(|at| Amount { total: self.totals[at], unique: unique[at] }).unwrap_or_default();
                let (repository, tag, digest) = (repository.text().to_owned(), tag.name.clone(), tag.target);
                rows.push(TagUsage { repository, tag, digest, amount });
            }
        }
        rows
    }
}
