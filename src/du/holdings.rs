//! Which repositories have which content.

use super::{Amount, RepositoryUsage};
use crate::digest::Digest;
use crate::gc::{self, Finding, Needs};
use crate::layout::TreePath;
use crate::scan::{DigestId, Scan, Scanned};
use crate::stream::Interrupt;
use crate::tree::Tree;

/// In the place of the one who needs something, where there are several.
pub(super) const SEVERAL: u32 = u32::MAX;

/// Notes that `who` needs something.
pub(super) fn keep(keeper: &mut u32, who: u32) {
    *keeper = if *keeper == 0 || *keeper == who { who } else { SEVERAL };
}

/// As a collection to which nothing is too young.
pub(super) fn options() -> gc::Options {
    gc::Options { min_age: std::time::Duration::ZERO, ..gc::Options::new(jiff::Timestamp::UNIX_EPOCH) }
}

/// That a repository has some content.
#[derive(Clone, Copy, Debug)]
pub(super) struct Holding {
    /// Whose it is, counting from 1.
    pub(super) owner: u32,
    pub(super) name: DigestId,
    /// Whether it is needed; otherwise it is only linked.
    pub(super) needed: bool,
    /// Whether that owner was not shown with it before.
    pub(super) first: bool,
}

/// The repositories by their numbers. One that lies there both as alphas and as registries of today lay it out is one.
#[derive(Debug)]
pub(super) struct Owners {
    /// By a repository's place among those scanned.
    numbers: Vec<u32>,
    /// From number 1.
    names: Vec<String>,
}

impl Owners {
    pub(super) fn of(scan: &Scan) -> Self {
        let (mut numbers, mut names): (Vec<u32>, Vec<String>) = (Vec::new(), Vec::new());
        // They are sorted by path.
        for repository in &scan.repositories {
            if names.last().is_none_or(|last| last != repository.text()) {
                names.push(repository.text().to_owned());
            }
            numbers.push(u32::try_from(names.len()).expect("fewer than 2^32 repositories"));
        }
        Self { numbers, names }
    }

    pub(super) fn name(&self, owner: u32) -> &str {
        &self.names[owner as usize - 1]
    }
}

/// Shows all content that each repository has, and returns what is wrong.
pub(super) fn each(
    tree: &Tree,
    scan: &mut Scan,
    owners: &Owners,
    interrupt: &Interrupt,
    mut show: impl FnMut(Holding),
) -> Vec<Finding> {
    let mut last: Vec<u32> = vec![0; scan.digests.blob_count()];
    let mut hold = |scan: &Scan, owner: u32, name: DigestId, needed: bool| {
        if scan.digests.is_blob(name) {
            let first = std::mem::replace(&mut last[name.index()], owner) != owner;
            if first || needed {
                show(Holding { owner, name, needed, first });
            }
        }
    };
    let uses = gc::uses(tree, scan, &options(), interrupt, |scan, Needs { repository, names, .. }| {
        let owner = owners.numbers[repository];
        for name in names {
            hold(scan, owner, *name, true);
        }
        for (name, link) in unneeded(scan, &scan.repositories[repository], names) {
            if link.is_none_or(|link| is_there(tree, &link)) {
                hold(scan, owner, name, false);
            }
        }
    });
    uses.findings
}

/// The content that a repository links without a need, and where, if the link was not read yet.
fn unneeded(scan: &Scan, repository: &Scanned, needed: &[DigestId]) -> Vec<(DigestId, Option<TreePath>)> {
    let mut sorted = needed.to_vec();
    sorted.sort_unstable();
    let is_unneeded = |name: &DigestId| scan.digests.is_blob(*name) && sorted.binary_search(name).is_err();
    let find = |digest: &Digest| scan.digests.find(digest).filter(is_unneeded);
    let layers = repository.layers.iter().copied().filter(is_unneeded).map(|name| {
        let link = repository.place.layer(&scan.digests.digest(name)).link();
        (name, Some(link))
    });
    let aliases = repository.aliases.iter().flat_map(|(key, target)| [key, target]);
    layers.chain(aliases.filter_map(|digest| Some((find(digest)?, None)))).collect()
}

/// Whether a link is there; what can't be looked at is.
fn is_there(tree: &Tree, link: &TreePath) -> bool {
    tree.metadata(link).map_or(true, |found| found.is_some())
}

/// How much each repository has.
#[derive(Debug)]
pub(super) struct Holdings {
    owners: Owners,
    totals: Vec<u64>,
    /// By blob, the one repository that needs it.
    keepers: Vec<u32>,
    /// By blob, whether any repository has it.
    held: Vec<bool>,
    /// What repositories link without a need.
    unneeded: Vec<(u32, DigestId)>,
}

impl Holdings {
    pub(super) fn take(tree: &Tree, scan: &mut Scan, sizes: &[u64], interrupt: &Interrupt) -> (Self, Vec<Finding>) {
        let owners = Owners::of(scan);
        let (mut totals, mut unneeded) = (vec![0; owners.names.len()], Vec::new());
        let (mut keepers, mut held) = (vec![0; sizes.len()], vec![false; sizes.len()]);
        let findings = each(tree, scan, &owners, interrupt, |Holding { owner, name, needed, first }| {
            if first {
                totals[owner as usize - 1] += sizes[name.index()];
                held[name.index()] = true;
            }
            if needed {
                keep(&mut keepers[name.index()], owner);
            } else {
                unneeded.push((owner, name));
            }
        });
        (Self { owners, totals, keepers, held, unneeded }, findings)
    }

    /// Who needs it: nobody (0), one repository, or [`SEVERAL`].
    pub(super) fn keeper(&self, name: DigestId) -> u32 {
        self.keepers[name.index()]
    }

    pub(super) fn totals(&self) -> u64 {
        self.totals.iter().sum()
    }

    pub(super) fn stored(&self, sizes: &[u64]) -> u64 {
        self.held.iter().zip(sizes).filter(|(held, _)| **held).map(|(_, size)| size).sum()
    }

    pub(super) fn repositories(&self, sizes: &[u64], chosen: &dyn Fn(&str) -> bool) -> Vec<RepositoryUsage> {
        let mut unique = alone(&self.keepers, sizes, self.totals.len());
        for (owner, name) in &self.unneeded {
            // Whoever else links it does not keep it either.
            if self.keeper(*name) == 0 {
                unique[*owner as usize - 1] += sizes[name.index()];
            }
        }
        let amounts = self.totals.iter().zip(unique).map(|(total, unique)| Amount { total: *total, unique });
        let named = self.owners.names.iter().zip(amounts).filter(|(name, _)| chosen(name));
        named.map(|(name, amount)| RepositoryUsage { name: name.clone(), amount }).collect()
    }
}

/// How much each of the keepers, of which there are `count`, keeps alone.
pub(super) fn alone(keepers: &[u32], sizes: &[u64], count: usize) -> Vec<u64> {
    let mut alone = vec![0; count];
    for (keeper, size) in keepers.iter().zip(sizes) {
        if !matches!(*keeper, 0 | SEVERAL) {
            alone[*keeper as usize - 1] += size;
        }
    }
    alone
}
