//! Blobs in the quarantine that are needed again.

use std::collections::{BTreeMap, BTreeSet};

use super::id::RunId;
use super::item::{ItemKind, Noted};
use super::restore::{Verdict, judge, put_back, sync};
use super::shelf::Shelf;
use super::survey;
use crate::digest::Digest;
use crate::durable::Writer;
use crate::error::{Error, Result};
use crate::stream::Interrupt;
use crate::tree::Tree;

/// The blobs that lie in the quarantine.
#[derive(Debug, Default)]
pub struct Held {
    /// Where each is, the newest run first.
    blobs: BTreeMap<Digest, Vec<(RunId, Noted)>>,
    /// What could not be read.
    pub damage: Vec<Error>,
}

impl Held {
    /// Whether there is a blob of that digest. It may be a damaged one.
    pub fn contains(&self, digest: &Digest) -> bool {
        self.blobs.contains_key(digest)
    }

    /// The digests, sorted.
    pub fn digests(&self) -> impl Iterator<Item = &Digest> {
        self.blobs.keys()
    }

    /// The runs that hold a blob, the newest first.
    pub fn runs(&self, digest: &Digest) -> impl Iterator<Item = &RunId> {
        self.blobs.get(digest).into_iter().flatten().map(|(run, _)| run)
    }
}

/// Every blob in the quarantine.
pub fn find(tree: &Tree) -> Result<Held> {
    let mut held = Held::default();
    for id in survey::ids(tree, &mut held.damage)?.into_iter().rev() {
        if let Err(error) = look_into(tree, &id, &mut held) {
            held.damage.push(error);
        }
    }
    Ok(held)
}

fn look_into(tree: &Tree, id: &RunId, held: &mut Held) -> Result<()> {
    let Some(shelf) = Shelf::open(tree, id)? else { return Ok(()) };
    let journal = shelf.journal()?;
    held.damage.extend(journal.faults);
    for noted in journal.noted.into_iter().filter(|noted| noted.item.kind == ItemKind::Blob) {
        if let Some(digest) = noted.item.digest
            && shelf.find(&noted)?.is_some()
        {
            held.blobs.entry(digest).or_default().push((id.clone(), noted));
        }
    }
    Ok(())
}

/// Puts blobs back that are needed again, and syncs. Each is hashed first, for what `repair` took is damaged: of several
/// the newest that is whole goes back.
///
/// Says for each what run it came from; `None` when there was none to put back, or its place has it already.
pub fn restore_blobs(
    writer: &Writer<'_>,
    held: &Held,
    digests: impl IntoIterator<Item = Digest>,
    interrupt: &Interrupt,
) -> Result<Vec<(Digest, Result<Option<RunId>>)>> {
    let mut done = Vec::new();
    let mut touched = BTreeSet::new();
    for digest in digests {
        let outcome = restore_blob(writer, held, &digest, interrupt);
        if let Ok(Some(run)) = &outcome {
            touched.insert(run.clone());
        }
        done.push((digest, outcome));
        if let Some(signal) = interrupt.signal() {
            return Err(Error::Interrupted { signal });
        }
    }
    for run in &touched {
        if let Some(shelf) = Shelf::open(writer.tree(), run)? {
            sync(writer, &shelf)?;
            writer.remove_empty_run(run.as_str())?;
        }
    }
    Ok(done)
}

fn restore_blob(writer: &Writer<'_>, held: &Held, digest: &Digest, interrupt: &Interrupt) -> Result<Option<RunId>> {
    let mut failed = None;
    for (run, noted) in held.blobs.get(digest).into_iter().flatten() {
        let Some(shelf) = Shelf::open(writer.tree(), run)? else { continue };
        let done = match judge(&shelf, noted, true, interrupt) {
            Ok(Verdict::Free(spot, to)) => put_back(writer, &shelf, noted, spot, &to).map(|()| true),
            Ok(Verdict::Same(_)) => return Ok(None),
            Ok(Verdict::NotHeld | Verdict::Partly(..)) => Ok(false),
            Err(error) => Err(error),
        };
        match done {
            Ok(true) => return Ok(Some(run.clone())),
            Ok(false) => {}
            Err(error) => failed = Some(error),
        }
    }
    failed.map_or(Ok(None), Err)
}
