//! Blobs in the quarantine that the tree needs again.
//!
//! A registry that runs during a collection may link content in the very moment in which it goes. Nothing can prevent that,
//! but the next run sees a link or a manifest that names content which the tree lacks and the quarantine has.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::id::RunId;
use super::index::{Named, lacks, named};
use super::item::Noted;
use super::restore::{put_back as move_back, sync};
use super::shelf::Shelf;
use super::verdict::{Verdict, is_whole, judge};
use crate::digest::Digest;
use crate::durable::ExclusiveWriter;
use crate::error::{Error, Result};
use crate::pattern::Patterns;
use crate::reach::{Edges, Policy, Reserve, mark};
use crate::scan::Scan;
use crate::stream::Interrupt;
use crate::tree::Tree;

/// What the tree needs again.
#[derive(Debug, Default)]
pub struct Needed {
    /// Each blob, sorted, with the newest run that has it whole.
    pub blobs: BTreeMap<Digest, RunId>,
    /// What could not be read, or not be put back.
    pub damage: Vec<Error>,
}

/// Finds the blobs that a manifest or link of the tree needs, and that only the quarantine has. Each is hashed, for what
/// `repair` took is damaged.
///
/// What a manifest references that is itself in the quarantine is not known before that is back.
pub fn needed(tree: &Tree, scan: &Scan, interrupt: &Interrupt) -> Result<Needed> {
    look(tree, scan, interrupt).map(|found| found.0)
}

/// Puts back all that the tree needs, and syncs; `scan` is read again then.
pub fn put_back(writer: &ExclusiveWriter<'_>, scan: &mut Scan, interrupt: &Interrupt) -> Result<Needed> {
    let tree = writer.tree();
    let mut done = Needed::default();
    loop {
        let (found, lines) = look(tree, scan, interrupt)?;
        let (mut failures, before) = (found.damage, done.blobs.len());
        for (digest, run) in found.blobs {
            match restore(writer, &run, &lines[&digest], interrupt) {
                Ok(()) => drop(done.blobs.insert(digest, run)),
                Err(error) => failures.push(error),
            }
        }
        // The last look has seen all that is wrong.
        done.damage = failures;
        if done.blobs.len() == before {
            return Ok(done);
        }
        let touched: BTreeSet<&RunId> = done.blobs.values().collect();
        for run in touched {
            if let Some(shelf) = Shelf::open(tree, run)? {
                sync(writer, &shelf)?;
                if !shelf.read_journal()?.changes.is_empty() {
                    continue;
                }
                writer.remove_empty_run(run.as_str())?;
            }
        }
        // A manifest that is back may need more.
        *scan = Scan::read(tree, interrupt)?;
    }
}

fn look(tree: &Tree, scan: &Scan, interrupt: &Interrupt) -> Result<(Needed, HashMap<Digest, Noted>)> {
    let (mut needed, mut lines) = (Needed::default(), HashMap::new());
    // A quarantine that can't be read keeps nobody from collecting.
    let named = named(tree, &mut needed.damage).unwrap_or_else(|error| {
        needed.damage.push(error);
        Named::new()
    });
    if named.is_empty() {
        return Ok((needed, lines));
    }
    for digest in referenced(tree, scan, &named) {
        if !lacks(tree, &digest) {
            continue;
        }
        for (run, noted) in &named[&digest] {
            if let Some(signal) = interrupt.signal() {
                return Err(Error::Interrupted { signal });
            }
            match is_held(tree, run, noted, interrupt) {
                Ok(false) => {}
                Ok(true) => {
                    needed.blobs.insert(digest, run.clone());
                    lines.insert(digest, noted.clone());
                    break;
                }
                Err(error) => needed.damage.push(error),
            }
        }
    }
    Ok((needed, lines))
}

/// Those of `named` that a manifest or link of the tree names.
fn referenced(tree: &Tree, scan: &Scan, named: &Named) -> Vec<Digest> {
    let mut reserve = Reserve::new(scan);
    for (index, repository) in scan.repositories.iter().enumerate() {
        let find = |digest: &Digest| scan.names.find(digest);
        let tagged = repository.tags.iter().filter_map(|tag| find(tag.target.as_ref()?));
        reserve.revisions.insert(index, tagged.collect());
        // A directory without its link is what deleting a layer leaves.
        let is_linked = |digest: &Digest| {
            let link = || tree.metadata(&repository.place.layer_link(digest));
            named.contains_key(digest) && link().is_ok_and(|found| found.is_some())
        };
        let linked = repository.layers.iter().copied().filter(|name| is_linked(&scan.names.digest(*name)));
        let aliased = repository.aliases.iter().filter_map(|(_, target)| find(target));
        reserve.links.insert(index, linked.chain(aliased).collect());
    }
    let (only, keep) = (Patterns::default(), HashSet::new());
    let policy = Policy { delete_untagged: false, delete_dangling_referrers: false, only: &only, keep: &keep };
    let needed = mark(&Edges::new(scan, policy), &reserve, |_, _, _| {});
    let is_needed = |digest: &Digest| scan.names.find(digest).is_some_and(|name| needed.contains(name));
    named.keys().copied().filter(is_needed).collect()
}

/// Whether a run has the blob, and it is what it is called.
fn is_held(tree: &Tree, run: &RunId, noted: &Noted, interrupt: &Interrupt) -> Result<bool> {
    let Some(shelf) = Shelf::open(tree, run)? else { return Ok(false) };
    match shelf.find(noted)? {
        Some(spot) => is_whole(&shelf, noted, spot, interrupt),
        None => Ok(false),
    }
}

fn restore(writer: &ExclusiveWriter<'_>, run: &RunId, noted: &Noted, interrupt: &Interrupt) -> Result<()> {
    let shelf = Shelf::find_run(writer.tree(), run)?;
    match judge(&shelf, noted, false, interrupt)? {
        Verdict::Free(spot, to) => move_back(writer, &shelf, noted, spot, &to),
        // It was seen a moment ago, and nobody else changes the quarantine.
        Verdict::Same(_) | Verdict::Partly(..) | Verdict::NotHeld => Ok(()),
    }
}
