//! Putting things back where they were.
//!
//! What lies in the quarantine is what there is to do, so a restore that was killed is finished by running it again. Content
//! goes back before the links that grant it, with a sync between; within a kind the last taken goes first, so that a
//! directory is there before what was in it. A thing whose place has all of it again is dropped, after that place is synced, and so
//! is wrong content whose place has the right one; one whose place has something else stays. A mere directory, such as that of a repository, gives its place what
//! that lacks. A link stays whose content another run has, as happens when a collection was killed and run again: it would
//! lie.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::os::fd::AsFd;

use rustix::fs::OFlags;

use super::id::RunId;
use super::index::{lacks, named};
use super::item::{ItemKind, NotedItem};
use super::journal::Lines;
use super::record::NotedChange;
use super::run_directory::{Home, RunDirectory, Spot};
use super::verdict::{RestoreOutcome, RestoreVerdict, SOMETHING_ELSE, judge, stays};
use crate::digest::Digest;
use crate::durable::{ExclusiveWriter, Moved};
use crate::error::{Error, Result};
use crate::layout::TreePath;
use crate::stream::Interrupt;
use crate::tree::{self, Kind, Tree};

const ELSEWHERE: &str = "its place is on another file system now; copy it there";

/// What became of a restore.
#[derive(Debug)]
pub struct Restored {
    /// Each thing, with what became of it; a failure leaves it in the quarantine.
    pub things: Vec<(NotedItem, Result<RestoreOutcome>)>,
    /// Where something had been changed that is now as it was; a failure leaves it.
    pub undone: Vec<(TreePath, Result<()>)>,
    /// Whether the run is empty now, and gone.
    pub emptied: bool,
    /// The signal that ended it early, if one did.
    pub interrupted: Option<usize>,
}

/// A restore of a run, or of what is called by some digests in it.
#[derive(Debug)]
pub struct Restore<'t> {
    directory: RunDirectory<'t>,
    things: Vec<NotedItem>,
    /// The last first.
    changes: Vec<NotedChange>,
    /// Those that are not wanted.
    other_changes: Vec<NotedChange>,
    faults: Vec<Error>,
    /// Content that links in this run name, and another run has.
    elsewhere: HashMap<Digest, RunId>,
    verify: bool,
    interrupt: Interrupt,
}

impl<'t> Restore<'t> {
    /// Of all of `run`, or of what is called by one of `digests`.
    ///
    /// `Err(NotQuarantined)` when there is no such run, or nothing of one of the digests in it.
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
        let mut things: Vec<(usize, NotedItem)> = journal.noted.into_iter().filter(wanted).enumerate().collect();
        let changes = journal.changes.into_iter().rev();
        let (changes, other_changes) = changes.partition(|changed| is_wanted(changed.digest));
        things.sort_by_key(|(number, noted)| (noted.item.kind, Reverse(*number)));
        let things: Vec<NotedItem> = things.into_iter().map(|(_, noted)| noted).collect();
        let elsewhere = elsewhere(tree, run, &things)?;
        let (faults, interrupt) = (journal.faults, Interrupt::default());
        Ok(Self { directory, things, changes, other_changes, faults, elsewhere, verify: false, interrupt })
    }

    /// Hashes each blob before it goes back: one that is not what it is called stays.
    #[must_use]
    pub fn verify(self, verify: bool) -> Self {
        Self { verify, ..self }
    }

    /// Stops between two things when a signal came.
    #[must_use]
    pub fn interrupt(self, interrupt: Interrupt) -> Self {
        Self { interrupt, ..self }
    }

    /// The lines of the journal that can't be read: what they are about stays.
    pub fn faults(&self) -> &[Error] {
        &self.faults
    }

    fn judge(&self, noted: &NotedItem) -> Result<RestoreVerdict> {
        let verdict = judge(&self.directory, noted, self.verify, &self.interrupt)?;
        if let RestoreVerdict::Free(spot, _) = &verdict
            && noted.item.kind.is_link()
            && let Some(run) = noted.item.digest.and_then(|digest| self.elsewhere.get(&digest))
        {
            let reason = format!("its content is in run {run}, which is to be restored first");
            return Err(stays(&self.directory, noted, *spot, &reason));
        }
        Ok(verdict)
    }

    /// Says what would become of each thing, and changes nothing.
    pub fn look(self) -> Restored {
        let mut things = Vec::with_capacity(self.things.len());
        for noted in self.things.clone() {
            let verdict = self.judge(&noted);
            things.push((noted, verdict.map(RestoreVerdict::outcome)));
            if self.interrupt.signal().is_some() {
                break;
            }
        }
        let undoable = self.changes.iter().map(|changed| (changed, changed.can_be_undone(self.directory.tree)));
        let undone = undone(undoable).collect();
        Restored { things, undone, emptied: false, interrupted: self.interrupt.signal() }
    }

    /// Puts everything back, at the time `now`.
    pub fn run(self, writer: &ExclusiveWriter<'_>, now: jiff::Timestamp) -> Result<Restored> {
        let mut things = Vec::with_capacity(self.things.len());
        let mut superfluous = Vec::new();
        let mut unsynced_content = false;
        let mut undone = self.undo(writer, false);
        for noted in self.things.clone() {
            if self.interrupt.signal().is_some() {
                break;
            }
            if unsynced_content && noted.item.kind != ItemKind::Blob {
                sync(writer, &self.directory)?;
                unsynced_content = false;
            }
            let verdict = self.judge(&noted);
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
            unsynced_content |= noted.item.kind == ItemKind::Blob && matches!(done, Ok(RestoreOutcome::PutBack));
            things.push((noted, done));
        }
        undone.extend(self.undo(writer, true));
        sync(writer, &self.directory)?;
        for (name, spot) in superfluous {
            let home = self.directory.home_found(spot.home)?;
            writer.discard(home, &name, &self.directory.locate(spot.home, &name))?;
        }
        let failed = things.iter().any(|(_, done)| done.is_err()) || undone.iter().any(|(_, done)| done.is_err());
        let emptied = !failed && !self.has_changes()? && writer.remove_empty_run(self.directory.id.as_str())?;
        if !emptied {
            note(writer, &self.directory, &things, now)?;
        }
        Ok(Restored { things, undone, emptied, interrupted: self.interrupt.signal() })
    }

    /// Takes back what was changed; `last` those changes for which all else has to wait.
    fn undo(&self, writer: &ExclusiveWriter<'_>, last: bool) -> Vec<(TreePath, Result<()>)> {
        let wanted = self.changes.iter().filter(|changed| changed.is_last() == last);
        let wanted = wanted.take_while(|_| self.interrupt.signal().is_none());
        undone(wanted.map(|changed| (changed, changed.undo(writer)))).collect()
    }

    /// Whether there is still something that can be taken back.
    fn has_changes(&self) -> Result<bool> {
        for changed in self.changes.iter().chain(&self.other_changes) {
            if changed.can_be_undone(self.directory.tree)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Those changes that are taken back, or should be.
fn undone<'c>(
    changes: impl Iterator<Item = (&'c NotedChange, Result<bool>)>,
) -> impl Iterator<Item = (TreePath, Result<()>)> {
    changes.filter_map(|(changed, done)| match done {
        Ok(false) => None,
        Ok(true) => Some((changed.path.clone(), Ok(()))),
        Err(error) => Some((changed.path.clone(), Err(error))),
    })
}

/// The content that links among `things` name, that neither they nor the tree have, and that another run has.
fn elsewhere(tree: &Tree, run: &RunId, things: &[NotedItem]) -> Result<HashMap<Digest, RunId>> {
    let of = |is_wanted: fn(ItemKind) -> bool| {
        things.iter().filter(move |noted| is_wanted(noted.item.kind)).filter_map(|noted| noted.item.digest)
    };
    let own: HashSet<Digest> = of(|kind| kind == ItemKind::Blob).collect();
    let links = of(ItemKind::is_link).filter(|digest| !own.contains(digest));
    let missing: HashSet<Digest> = links.filter(|digest| lacks(tree, digest)).collect();
    if missing.is_empty() {
        return Ok(HashMap::new());
    }
    // What is wrong with other runs is no matter of this one.
    let named = named(tree, &mut Vec::new())?;
    let mut elsewhere = HashMap::new();
    for digest in missing {
        for (other, noted) in named.get(&digest).into_iter().flatten().filter(|(other, _)| other != run) {
            if let Some(directory) = RunDirectory::open(tree, other)?
                && directory.find(noted)?.is_some()
            {
                elsewhere.insert(digest, other.clone());
                break;
            }
        }
    }
    Ok(elsewhere)
}

/// Moves a thing to its place, which was found to be free.
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

/// Moves what the place of a directory lacks.
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
        let kind = found.map_or(Kind::File, |found| found.kind);
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
        Some(things) => writer.sync_moves(things),
        None => writer.sync_moves(directory.handle()),
    }
}

fn note(
    writer: &ExclusiveWriter<'_>,
    directory: &RunDirectory<'_>,
    things: &[(NotedItem, Result<RestoreOutcome>)],
    now: jiff::Timestamp,
) -> Result<()> {
    let mut lines = Lines::default();
    for (noted, done) in things {
        if matches!(done, Ok(RestoreOutcome::PutBack | RestoreOutcome::AlreadyThere)) {
            lines.restore(noted, now);
        }
    }
    if lines.as_bytes().is_empty() {
        return Ok(());
    }
    writer.append_to_journal(directory.handle(), &directory.journal_path(), lines.as_bytes())
}
