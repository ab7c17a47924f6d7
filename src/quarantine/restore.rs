//! Puts items back where they were.
//!
//! The items in the quarantine are the work that is left, so a killed restore is finished by running it again.
//!
//! - **Content is put back before the links that grant it**, with a sync in between. Within a kind, the last item taken
//!   is put back first, so that a directory is there before its entries.
//! - If an item's place already has all of it, or the right content for a wrong blob, the place is synced and the item
//!   is dropped.
//! - If its place has something else, the item stays.
//! - A plain directory, such as a repository's, is merged: missing entries move over.
//! - **A link stays in the quarantine when its content is gone or could not be put back**, and with it the revisions and tags of its
//!   repository. The same holds when anything else of the repository failed.
//! - A link stays in the quarantine while its content is in another run, because it would dangle. That happens when a
//!   collection was killed and run again. The link of a deletion stays too when its content was collected since.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::os::fd::AsFd;

use rustix::fs::OFlags;

use super::id::RunId;
use super::index::{Held, lacks};
use super::item::{Item, ItemKind, NotedItem};
use super::journal::Lines;
use super::mover::is_deletion;
use super::record::NotedChange;
use super::run_directory::{Home, RunDirectory, Spot};
use super::verdict::{RestoreOutcome, RestoreVerdict, SOMETHING_ELSE, judge, stays};
use crate::digest::Digest;
use crate::durable::{ExclusiveWriter, Moved};
use crate::error::{Error, Result};
use crate::layout::TreePath;
use crate::stream::Interrupt;
use crate::tree::{self, EntryKind, Tree};

const ELSEWHERE: &str = "its place is on another file system now; copy it there";

/// The result of a restore.
#[derive(Debug)]
#[non_exhaustive]
pub struct Restored {
    /// Each item with its result. An item whose restore failed stays in the quarantine.
    pub items: Vec<(NotedItem, Result<RestoreOutcome>)>,
    /// The places whose change was undone, or should have been. A change that can't be undone stays.
    pub undone: Vec<(TreePath, Result<()>)>,
    /// Whether the run became empty and was removed.
    pub emptied: bool,
    /// The signal that stopped the restore early, if one came.
    pub interrupted: Option<usize>,
}

/// A restore of a whole run, or of the items and changes in it that have one of some digests.
#[derive(Debug)]
#[must_use = "a restore does nothing until `run` is called"]
pub struct Restore<'t> {
    directory: RunDirectory<'t>,
    items: Vec<NotedItem>,
    /// The wanted changes, the last first.
    changes: Vec<NotedChange>,
    /// The changes that are not wanted.
    other_changes: Vec<NotedChange>,
    faults: Vec<Error>,
    /// The content that links in this run name, and that neither the run nor the tree has: why they wait for it.
    missing: HashMap<Digest, String>,
    verify: bool,
    interrupt: Interrupt,
}

impl<'t> Restore<'t> {
    /// Prepares the restore of `run`: all of it if `digests` is empty, or else what has one of `digests`.
    ///
    /// `Err(NotQuarantined)` when there is no such run, or when nothing in it has one of the digests.
    pub fn new(tree: &'t Tree, run: &RunId, digests: &[Digest]) -> Result<Self> {
        let directory = RunDirectory::find_run(tree, run)?;
        let journal = directory.journal()?;
        for digest in digests {
            let is_changed = journal.changes.iter().any(|changed| changed.digest == Some(*digest));
            if !is_changed && !journal.noted.iter().any(|noted| noted.item.digest == Some(*digest)) {
                return Err(Error::NotQuarantined { what: digest.to_string(), path: directory.path() });
            }
        }
        let is_wanted = |digest: Option<Digest>| digests.is_empty() || digest.is_some_and(|it| digests.contains(&it));
        let wanted = |noted: &NotedItem| is_wanted(noted.item.digest);
        let mut items: Vec<(usize, NotedItem)> = journal.noted.into_iter().filter(wanted).enumerate().collect();
        let changes = journal.changes.into_iter().rev();
        let (changes, other_changes) = changes.partition(|changed| is_wanted(changed.digest));
        items.sort_by_key(|(number, noted)| (noted.item.kind, Reverse(*number)));
        let items: Vec<NotedItem> = items.into_iter().map(|(_, noted)| noted).collect();
        let missing = missing(tree, run, &items, journal.kind.as_deref().is_some_and(is_deletion))?;
        let (faults, interrupt) = (journal.faults, Interrupt::default());
        Ok(Self { directory, items, changes, other_changes, faults, missing, verify: false, interrupt })
    }

    /// Whether to hash each blob before it is put back. One that does not match its digest stays.
    pub fn verify(self, verify: bool) -> Self {
        Self { verify, ..self }
    }

    /// Sets the interrupt. A signal stops the restore between two items.
    pub fn interrupt(self, interrupt: Interrupt) -> Self {
        Self { interrupt, ..self }
    }

    /// The lines of the journal that can't be read. Their items stay in the quarantine.
    pub fn faults(&self) -> &[Error] {
        &self.faults
    }

    fn judge(&self, noted: &NotedItem, missed: &Missed) -> Result<RestoreVerdict> {
        let verdict = judge(&self.directory, noted, self.verify, &self.interrupt)?;
        let (RestoreVerdict::Free(spot, _) | RestoreVerdict::Partly(spot, ..)) = &verdict else { return Ok(verdict) };
        let digest = noted.item.digest.filter(|_| noted.item.kind.is_link());
        let missing = digest.and_then(|digest| self.missing.get(&digest));
        match missed.reason(&noted.item).or(missing.map(String::as_str)) {
            Some(reason) => Err(stays(&self.directory, noted, *spot, reason)),
            None => Ok(verdict),
        }
    }

    /// Whether a blob has no content after its restore: it was lost, from the quarantine or from its place. What another
    /// run has is not lost: a collection that was killed and run again took it.
    fn is_lost(&self, noted: &NotedItem, verdict: &RestoreVerdict) -> Result<bool> {
        let Some(digest) = noted.item.digest.filter(|_| noted.item.kind == ItemKind::Blob) else { return Ok(false) };
        match verdict {
            RestoreVerdict::Free(spot, _) => Ok(self.directory.open_content(noted, *spot)?.is_none()),
            _ if !lacks(self.directory.tree, &digest) => Ok(false),
            _ => {
                let tree = self.directory.tree;
                let run = &self.directory.id;
                Ok(Held::read(tree).newest(tree, &digest, Some(run))?.is_none())
            }
        }
    }

    /// Says what a restore would do with each item, and changes nothing.
    pub fn look(self) -> Restored {
        let (mut items, mut missed) = (Vec::with_capacity(self.items.len()), Missed::default());
        for noted in self.items.clone() {
            let verdict = self.judge(&noted, &missed);
            let lost = verdict.as_ref().map_or(Ok(true), |verdict| self.is_lost(&noted, verdict));
            missed.add(&noted.item, verdict.is_err(), lost.unwrap_or(true));
            items.push((noted, verdict.map(RestoreVerdict::outcome)));
            if self.interrupt.signal().is_some() {
                break;
            }
        }
        let undoable = self.changes.iter().map(|changed| (changed, changed.can_be_undone(self.directory.tree)));
        let undone = undone(undoable).collect();
        Restored { items, undone, emptied: false, interrupted: self.interrupt.signal() }
    }

    /// Puts everything back. The journal records it with the time `now`.
    pub fn run(self, writer: &ExclusiveWriter<'_>, now: jiff::Timestamp) -> Result<Restored> {
        let (mut items, mut missed) = (Vec::with_capacity(self.items.len()), Missed::default());
        let mut superfluous = Vec::new();
        let mut unsynced_content = false;
        let mut undone = self.undo(writer, false);
        for noted in self.items.clone() {
            if self.interrupt.signal().is_some() {
                break;
            }
            if unsynced_content && noted.item.kind != ItemKind::Blob {
                sync(writer, &self.directory)?;
                unsynced_content = false;
            }
            let verdict = self.judge(&noted, &missed);
            let lost = verdict.as_ref().map_or(Ok(true), |verdict| self.is_lost(&noted, verdict));
            let done = verdict.and_then(|verdict| {
                match &verdict {
                    RestoreVerdict::Free(spot, to) => put_back(writer, &self.directory, &noted, *spot, to)?,
                    RestoreVerdict::Same(spot) => superfluous.push((noted.name.clone(), *spot)),
                    RestoreVerdict::Partly(spot, to, lacking) => {
                        complete(writer, &self.directory, &noted, *spot, to, lacking)?;
                        superfluous.push((noted.name.clone(), *spot));
                    }
                    RestoreVerdict::NotHeld => {}
                }
                Ok(verdict.outcome())
            });
            missed.add(&noted.item, done.is_err(), lost.unwrap_or(true));
            unsynced_content |= noted.item.kind == ItemKind::Blob && matches!(done, Ok(RestoreOutcome::PutBack));
            items.push((noted, done));
        }
        undone.extend(self.undo(writer, true));
        sync(writer, &self.directory)?;
        for (name, spot) in superfluous {
            let home = self.directory.home_found(spot.home)?;
            writer.discard(home, &name, &self.directory.locate(spot.home, &name))?;
        }
        let failed = items.iter().any(|(_, done)| done.is_err()) || undone.iter().any(|(_, done)| done.is_err());
        let emptied = !failed && !self.has_changes()? && writer.remove_empty_run(self.directory.id.as_str())?;
        if !emptied {
            note(writer, &self.directory, &items, now)?;
        }
        Ok(Restored { items, undone, emptied, interrupted: self.interrupt.signal() })
    }

    /// Undoes changes: those that come last if `last` is true, or else the others.
    fn undo(&self, writer: &ExclusiveWriter<'_>, last: bool) -> Vec<(TreePath, Result<()>)> {
        let wanted = self.changes.iter().filter(|changed| changed.is_last() == last);
        let wanted = wanted.take_while(|_| self.interrupt.signal().is_none());
        undone(wanted.map(|changed| (changed, changed.undo(writer)))).collect()
    }

    /// Whether the result of a change is still there.
    fn has_changes(&self) -> Result<bool> {
        for changed in self.changes.iter().chain(&self.other_changes) {
            if changed.is_in_place(self.directory.tree)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// What could not be put back.
#[derive(Default)]
struct Missed {
    content: HashSet<Digest>,
    repositories: HashSet<String>,
}

impl Missed {
    /// Adds what the failure of an item keeps back. A blob that is `lost` keeps its links back, though nothing failed.
    fn add(&mut self, item: &Item, failed: bool, lost: bool) {
        if failed || lost {
            self.content.extend(item.digest.filter(|_| item.kind == ItemKind::Blob));
        }
        if failed {
            self.repositories.extend(item.repository.clone());
        }
    }

    /// Why an item must not be put back now, if it must not.
    fn reason(&self, item: &Item) -> Option<&'static str> {
        if item.kind.is_link() && item.digest.is_some_and(|digest| self.content.contains(&digest)) {
            return Some("its content no longer exists, or could not be put back");
        }
        let names = matches!(item.kind, ItemKind::Revision | ItemKind::TagIndex | ItemKind::Tag);
        let is_hit = || item.repository.as_ref().is_some_and(|name| self.repositories.contains(name));
        (names && is_hit()).then_some("something of its repository could not be put back")
    }
}

/// The changes that were undone, or that should have been.
fn undone<'c>(
    changes: impl Iterator<Item = (&'c NotedChange, Result<bool>)>,
) -> impl Iterator<Item = (TreePath, Result<()>)> {
    changes.filter_map(|(changed, done)| match done {
        Ok(false) => None,
        Ok(true) => Some((changed.path.clone(), Ok(()))),
        Err(error) => Some((changed.path.clone(), Err(error))),
    })
}

/// The content that links in `items` name, and that neither `items` nor the tree has, each with the reason to wait for
/// it. A collection may have taken links whose content was missing already, so they wait only for what another run has.
/// A deletion notes the content of a link only if it is there; so if it is nowhere now, it was collected since.
fn missing(tree: &Tree, run: &RunId, items: &[NotedItem], is_deletion: bool) -> Result<HashMap<Digest, String>> {
    let of = |is_wanted: fn(ItemKind) -> bool| {
        items.iter().filter(move |noted| is_wanted(noted.item.kind)).filter_map(|noted| noted.item.digest)
    };
    let own: HashSet<Digest> = of(|kind| kind == ItemKind::Blob).collect();
    let links = of(ItemKind::is_link).filter(|digest| !own.contains(digest));
    let missing: HashSet<Digest> = links.filter(|digest| lacks(tree, digest)).collect();
    if missing.is_empty() {
        return Ok(HashMap::new());
    }
    // Damage in other runs does not concern this one.
    let held = Held::read(tree);
    let reason = |digest: Digest| {
        let reason = match held.newest(tree, &digest, Some(run))? {
            Some(other) => format!("its content is in run {other}, which must be restored first"),
            None if is_deletion => "its content was collected since".to_owned(),
            None => return Ok(None),
        };
        Ok(Some((digest, reason)))
    };
    missing.into_iter().filter_map(|digest| reason(digest).transpose()).collect()
}

/// Moves an item to its place, which was found to be free.
pub(super) fn put_back(
    writer: &ExclusiveWriter<'_>,
    directory: &RunDirectory<'_>,
    noted: &NotedItem,
    spot: Spot,
    to: &TreePath,
) -> Result<()> {
    match writer.move_back(directory.home_found(spot.home)?, &noted.name, spot.kind, to)? {
        Moved::Done => Ok(()),
        Moved::Gone => Err(stays(directory, noted, spot, "it has just vanished")),
        Moved::Occupied => Err(stays(directory, noted, spot, SOMETHING_ELSE)),
        Moved::CrossDevice => Err(stays(directory, noted, spot, ELSEWHERE)),
    }
}

/// Moves the entries of a directory that its place lacks.
fn complete(
    writer: &ExclusiveWriter<'_>,
    directory: &RunDirectory<'_>,
    noted: &NotedItem,
    spot: Spot,
    to: &TreePath,
    lacking: &[String],
) -> Result<()> {
    let home = directory.home_found(spot.home)?;
    for below in lacking {
        let whole = format!("{}{below}", noted.name);
        let failed = |errno| Error::io("open", directory.locate(spot.home, &whole), errno);
        let (parent, name) = whole.rsplit_once('/').unwrap_or((".", &whole));
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = tree::open_beneath(home, parent, flags).map_err(failed)?;
        let found = tree::metadata_at(opened.as_fd(), name).map_err(failed)?;
        let kind = found.map_or(EntryKind::File, |found| found.kind);
        let place = below.split('/').skip(1).try_fold(to.clone(), |path, name| path.child(name));
        let place = place.ok_or_else(|| stays(directory, noted, spot, SOMETHING_ELSE))?;
        match writer.move_back(opened.as_fd(), name, kind, &place)? {
            Moved::Done => {}
            Moved::CrossDevice => return Err(stays(directory, noted, spot, ELSEWHERE)),
            Moved::Gone | Moved::Occupied => return Err(stays(directory, noted, spot, SOMETHING_ELSE)),
        }
    }
    Ok(())
}

pub(super) fn sync(writer: &ExclusiveWriter<'_>, directory: &RunDirectory<'_>) -> Result<()> {
    match directory.home(Home::Private)? {
        Some(items) => writer.sync_moves(items),
        None => writer.sync_moves(directory.handle()),
    }
}

fn note(
    writer: &ExclusiveWriter<'_>,
    directory: &RunDirectory<'_>,
    items: &[(NotedItem, Result<RestoreOutcome>)],
    now: jiff::Timestamp,
) -> Result<()> {
    let mut lines = Lines::default();
    for (noted, done) in items {
        if matches!(done, Ok(RestoreOutcome::PutBack | RestoreOutcome::AlreadyThere)) {
            lines.restore(noted, now);
        }
    }
    if lines.as_bytes().is_empty() {
        return Ok(());
    }
    writer.append_to_journal(directory.handle(), &directory.journal_path(), lines.as_bytes())
}
