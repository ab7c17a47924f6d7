//! Finds which repositories have which content.

use super::{Amount, RepositoryUsage};
use crate::digest::Digest;
use crate::gc::{self, Finding, Needs};
use crate::layout::TreePath;
use crate::scan::{DigestId, Scan, Scanned};
use crate::stream::Interrupt;
use crate::tree::Tree;

/// In place of the number of the owner, if several need something.
pub(super) const SEVERAL: u32 = u32::MAX;

/// Records that `who` needs something.
pub(super) fn keep(keeper: &mut u32, who: u32) {
    *keeper = if *keeper == 0 || *keeper == who { who } else { SEVERAL };
}

/// The options of a collection without a minimum age.
pub(super) fn options() -> gc::Options {
    gc::Options { min_age: std::time::Duration::ZERO, ..gc::Options::new(jiff::Timestamp::UNIX_EPOCH) }
}

/// One blob that a repository has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Holding {
    /// The number of the repository, counting from 1.
    pub(super) owner: u32,
    pub(super) name: DigestId,
    /// Whether the repository needs it. Otherwise it only links it.
    pub(super) needed: bool,
    /// Whether this is the first time that the blob is shown with this repository.
    pub(super) first: bool,
}

/// The repositories by number. A repository that is there in the layouts of alphas and of today has one number.
#[derive(Debug)]
pub(super) struct Owners {
    /// The number of each scanned repository, by its position.
    numbers: Vec<u32>,
    /// The names, from number 1 on.
    names: Vec<String>,
}

impl Owners {
    pub(super) fn of(scan: &Scan) -> Self {
        let (mut numbers, mut names): (Vec<u32>, Vec<String>) = (Vec::new(), Vec::new());
        // The repositories are sorted by path.
        for repository in &scan.repositories {
            if names.last().is_none_or(|last| last != repository.text()) {
                names.push(repository.text().to_owned());
            }
            numbers.push(u32::try_from(names.len()).expect("fewer than 2^32 repositories"));
        }
        Self { numbers, names }
    }

    /// Counts as one owner, number 1, all repositories that are chosen. The names mean nothing then.
    pub(super) fn joined(scan: &Scan, chosen: impl Fn(&str) -> bool) -> Self {
        let mut owners = Self::of(scan);
        for (number, repository) in owners.numbers.iter_mut().zip(&scan.repositories) {
            *number = if chosen(repository.text()) { 1 } else { *number + 1 };
        }
        owners
    }

    pub(super) fn name(&self, owner: u32) -> &str {
        &self.names[owner as usize - 1]
    }
}

/// Calls `show` with all content that each repository has, and returns the findings.
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

/// The content that a repository links but does not need, with the path of the link if it was not read yet.
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

/// Whether a link exists. One that can't be looked at counts as existing.
fn is_there(tree: &Tree, link: &TreePath) -> bool {
    tree.metadata(link).map_or(true, |found| found.is_some())
}

/// The content of all repositories.
#[derive(Debug)]
pub(super) struct Holdings {
    owners: Owners,
    totals: Vec<u64>,
    /// For each blob, the number of the one repository that needs it.
    keepers: Vec<u32>,
    /// For each blob, whether any repository has it.
    held: Vec<bool>,
    /// The content that repositories link but do not need.
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

    /// The repository that needs a blob: none (0), one, or [`SEVERAL`].
    pub(super) fn keeper(&self, name: DigestId) -> u32 {
        self.keepers[name.index()]
    }

    /// The name of the one repository that needs a blob.
    pub(super) fn keeper_name(&self, name: DigestId) -> Option<&str> {
        match self.keeper(name) {
            0 | SEVERAL => None,
            owner => Some(self.owners.name(owner)),
        }
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
            // Other repositories may link it too, but a link alone does not keep it.
            if self.keeper(*name) == 0 {
                unique[*owner as usize - 1] += sizes[name.index()];
            }
        }
        let amounts = self.totals.iter().zip(unique).map(|(total, unique)| Amount { total: *total, unique });
        let named = self.owners.names.iter().zip(amounts).filter(|(name, _)| chosen(name));
        named.map(|(name, amount)| RepositoryUsage { name: name.clone(), amount }).collect()
    }
}

/// The bytes that each of `count` keepers needs alone.
pub(super) fn alone(keepers: &[u32], sizes: &[u64], count: usize) -> Vec<u64> {
    let mut alone = vec![0; count];
    for (keeper, size) in keepers.iter().zip(sizes) {
        if !matches!(*keeper, 0 | SEVERAL) {
            alone[*keeper as usize - 1] += size;
        }
    }
    alone
}
