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
use std::fs::File;
use std::os::fd::AsFd;

use rustix::fs::OFlags;

use super::change::Changed;
use super::compare::{At, absent};
use super::id::RunId;
use super::item::{ItemKind, Noted};
use super::journal::Lines;
use super::needed::{lacks, named};
use super::shelf::{Home, Shelf, Spot};
use crate::digest::{Algorithm, Digest, HashingReader};
use crate::durable::{Moved, Writer};
use crate::error::{Error, Result};
use crate::layout::{Entry, TreePath};
use crate::stream::Interrupt;
use crate::tree::{self, Kind, Tree};

const SOMETHING_ELSE: &str = "something else is there";
const ELSEWHERE: &str = "its place is on another file system now; copy it there";

/// What becomes of a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It goes back.
    PutBack,
    /// Its place has all of it again, so the copy in the quarantine goes.
    AlreadyThere,
    /// It is not in the quarantine: it was never taken, or is back already.
    NotHeld,
}

/// What became of a restore.
#[derive(Debug)]
pub struct Restored {
    /// Each thing, with what became of it; a failure leaves it in the quarantine.
    pub things: Vec<(Noted, Result<Outcome>)>,
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
    shelf: Shelf<'t>,
    things: Vec<Noted>,
    /// The last first.
    changes: Vec<Changed>,
    /// Those that are not wanted.
    other_changes: Vec<Changed>,
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
        let shelf = Shelf::find_run(tree, run)?;
        let journal = shelf.journal()?;
        for digest in digests {
            let is_changed = journal.changes.iter().any(|changed| changed.digest == Some(*digest));
            if !is_changed && !journal.noted.iter().any(|noted| noted.item.digest == Some(*digest)) {
                return Err(Error::NotQuarantined { what: digest.to_string(), path: shelf.path() });
            }
        }
        let is_wanted = |digest: Option<Digest>| digests.is_empty() || digest.is_some_and(|it| digests.contains(&it));
        let wanted = |noted: &Noted| is_wanted(noted.item.digest);
        let mut things: Vec<(usize, Noted)> = journal.noted.into_iter().filter(wanted).enumerate().collect();
        let changes = journal.changes.into_iter().rev();
        let (changes, other_changes) = changes.partition(|changed| is_wanted(changed.digest));
        things.sort_by_key(|(number, noted)| (noted.item.kind, Reverse(*number)));
        let things: Vec<Noted> = things.into_iter().map(|(_, noted)| noted).collect();
        let elsewhere = elsewhere(tree, run, &things)?;
        let (faults, interrupt) = (journal.faults, Interrupt::default());
        Ok(Self { shelf, things, changes, other_changes, faults, elsewhere, verify: false, interrupt })
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

    fn judge(&self, noted: &Noted) -> Result<Verdict> {
        let verdict = judge(&self.shelf, noted, self.verify, &self.interrupt)?;
        if let Verdict::Free(spot, _) = &verdict
            && noted.item.kind.is_link()
            && let Some(run) = noted.item.digest.and_then(|digest| self.elsewhere.get(&digest))
        {
            let reason = format!("its content is in run {run}, which is to be restored first");
            return Err(stays(&self.shelf, noted, *spot, &reason));
        }
        Ok(verdict)
    }

    /// Says what would become of each thing, and changes nothing.
    pub fn look(self) -> Restored {
        let mut things = Vec::with_capacity(self.things.len());
        for noted in self.things.clone() {
            let verdict = self.judge(&noted);
            things.push((noted, verdict.map(Verdict::outcome)));
            if self.interrupt.signal().is_some() {
                break;
            }
        }
        let standing = self.changes.iter().map(|changed| (changed, changed.stands(self.shelf.tree)));
        let undone = told(standing).collect();
        Restored { things, undone, emptied: false, interrupted: self.interrupt.signal() }
    }

    /// Puts everything back, at the time `now`. `writer` is to hold the lock alone.
    pub fn run(self, writer: &Writer<'_>, now: jiff::Timestamp) -> Result<Restored> {
        let mut things = Vec::with_capacity(self.things.len());
        let mut superfluous = Vec::new();
        let mut unsynced_content = false;
        let mut undone = self.undo(writer, false);
        for noted in self.things.clone() {
            if self.interrupt.signal().is_some() {
                break;
            }
            if unsynced_content && noted.item.kind != ItemKind::Blob {
                sync(writer, &self.shelf)?;
                unsynced_content = false;
            }
            let verdict = self.judge(&noted);
            let done = verdict.and_then(|verdict| {
                match &verdict {
                    Verdict::Free(spot, to) => put_back(writer, &self.shelf, &noted, *spot, to)?,
                    Verdict::Same(spot) => superfluous.push((noted.name.clone(), *spot)),
                    Verdict::Partly(spot, to, lacking) => {
                        complete(writer, &self.shelf, &noted, *spot, to, lacking)?;
                        superfluous.push((noted.name.clone(), *spot));
                    }
                    Verdict::NotHeld => {}
                }
                Ok(verdict.outcome())
            });
            unsynced_content |= noted.item.kind == ItemKind::Blob && matches!(done, Ok(Outcome::PutBack));
            things.push((noted, done));
        }
        undone.extend(self.undo(writer, true));
        sync(writer, &self.shelf)?;
        for (name, spot) in superfluous {
            let home = self.shelf.home_found(spot.home)?;
            writer.discard(home, &name, &self.shelf.locate(spot.home, &name))?;
        }
        let failed = things.iter().any(|(_, done)| done.is_err()) || undone.iter().any(|(_, done)| done.is_err());
        let emptied = !failed && !self.has_changes()? && writer.remove_empty_run(self.shelf.id.as_str())?;
        if !emptied {
            note(writer, &self.shelf, &things, now)?;
        }
        Ok(Restored { things, undone, emptied, interrupted: self.interrupt.signal() })
    }

    /// Takes back what was changed; `last` those changes for which all else has to wait.
    fn undo(&self, writer: &Writer<'_>, last: bool) -> Vec<(TreePath, Result<()>)> {
        let wanted = self.changes.iter().filter(|changed| changed.is_last() == last);
        let wanted = wanted.take_while(|_| self.interrupt.signal().is_none());
        told(wanted.map(|changed| (changed, changed.undo(writer)))).collect()
    }

    /// Whether there is still something that can be taken back.
    fn has_changes(&self) -> Result<bool> {
        for changed in self.changes.iter().chain(&self.other_changes) {
            if changed.stands(self.shelf.tree)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Those changes that are taken back, or should be.
fn told<'c>(
    changes: impl Iterator<Item = (&'c Changed, Result<bool>)>,
) -> impl Iterator<Item = (TreePath, Result<()>)> {
    changes.filter_map(|(changed, done)| match done {
        Ok(false) => None,
        Ok(true) => Some((changed.path.clone(), Ok(()))),
        Err(error) => Some((changed.path.clone(), Err(error))),
    })
}

/// The content that links among `things` name, that neither they nor the tree have, and that another run has.
fn elsewhere(tree: &Tree, run: &RunId, things: &[Noted]) -> Result<HashMap<Digest, RunId>> {
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
            if let Some(shelf) = Shelf::open(tree, other)?
                && shelf.find(noted)?.is_some()
            {
                elsewhere.insert(digest, other.clone());
                break;
            }
        }
    }
    Ok(elsewhere)
}

/// What is to be done with a thing.
pub(super) enum Verdict {
    /// It can go to its place.
    Free(Spot, TreePath),
    /// Its place has all of it.
    Same(Spot),
    /// Its place is a directory too, and lacks these.
    Partly(Spot, TreePath, Vec<String>),
    /// It is not in the quarantine.
    NotHeld,
}

impl Verdict {
    fn outcome(self) -> Outcome {
        match self {
            Self::Free(..) | Self::Partly(..) => Outcome::PutBack,
            Self::Same(_) => Outcome::AlreadyThere,
            Self::NotHeld => Outcome::NotHeld,
        }
    }
}

/// Looks at a thing and its place.
pub(super) fn judge(shelf: &Shelf<'_>, noted: &Noted, verify: bool, interrupt: &Interrupt) -> Result<Verdict> {
    let Some(spot) = shelf.find(noted)? else { return Ok(Verdict::NotHeld) };
    let to = shelf.place_of(noted, spot)?;
    let Some(found) = shelf.tree.metadata(&to)? else {
        if verify {
            check(shelf, noted, spot, interrupt)?;
        }
        return Ok(Verdict::Free(spot, to));
    };
    // The place of a directory may be one that is empty: whatever was in it has gone another way.
    if spot.kind == Kind::Directory
        && found.kind == Kind::Directory
        && shelf.tree.list(&to)?.is_some_and(|listed| listed.is_empty())
    {
        if verify {
            check(shelf, noted, spot, interrupt)?;
        }
        return Ok(Verdict::Free(spot, to));
    }
    match lacking(shelf, noted, spot, &to)? {
        Some(lacking) if lacking.is_empty() => Ok(Verdict::Same(spot)),
        Some(lacking) if noted.item.kind == ItemKind::Directory => Ok(Verdict::Partly(spot, to, lacking)),
        _ if is_mere_content(shelf, noted, spot)? && is_healed(shelf, noted, interrupt)? => Ok(Verdict::Same(spot)),
        _ => Err(stays(shelf, noted, spot, SOMETHING_ELSE)),
    }
}

/// Whether the tree has the content that a thing should have been: a repair took it for being something else.
fn is_healed(shelf: &Shelf<'_>, noted: &Noted, interrupt: &Interrupt) -> Result<bool> {
    let Some(digest) = noted.item.digest.filter(|_| noted.item.kind == ItemKind::Blob) else { return Ok(false) };
    let (path, Some(algorithm)) = (Entry::blob(digest).path(), digest.algorithm()) else { return Ok(false) };
    let Some(file) = shelf.tree.open_file(&path)? else { return Ok(false) };
    let failed = |error| interrupt.or(Error::io("read", shelf.tree.locate(&path), error));
    Ok(hash(file, algorithm, interrupt).map_err(failed)? == Some(digest))
}

/// Whether a thing is content and nothing else, so that all of it may be had again.
fn is_mere_content(shelf: &Shelf<'_>, noted: &Noted, spot: Spot) -> Result<bool> {
    if spot.kind != Kind::Directory {
        return Ok(spot.kind == Kind::File);
    }
    let failed = |errno| Error::io("list", shelf.locate(spot.home, &noted.name), errno);
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = tree::open_beneath(shelf.home_found(spot.home)?, &noted.name, flags).map_err(failed)?;
    let listed = tree::list_handle(directory.as_fd()).map_err(failed)?;
    Ok(listed.iter().all(|entry| entry.name == "data" && entry.kind == Kind::File))
}

fn hash(file: File, algorithm: Algorithm, interrupt: &Interrupt) -> std::io::Result<Option<Digest>> {
    let mut reader = HashingReader::new(interrupt.stops(file), [algorithm]);
    std::io::copy(&mut reader, &mut std::io::sink())?;
    Ok(reader.finish().by(algorithm))
}

/// Moves a thing to its place, which was found to be free.
pub(super) fn put_back(writer: &Writer<'_>, shelf: &Shelf<'_>, noted: &Noted, spot: Spot, to: &TreePath) -> Result<()> {
    match writer.move_back(shelf.home_found(spot.home)?, &noted.name, spot.kind, to)? {
        Moved::Done => Ok(()),
        Moved::Gone => Err(stays(shelf, noted, spot, "it has just vanished")),
        Moved::Occupied => Err(stays(shelf, noted, spot, SOMETHING_ELSE)),
        Moved::CrossDevice => Err(stays(shelf, noted, spot, ELSEWHERE)),
    }
}

/// Moves what the place of a directory lacks.
fn complete(
    writer: &Writer<'_>,
    shelf: &Shelf<'_>,
    noted: &Noted,
    spot: Spot,
    to: &TreePath,
    lacking: &[String],
) -> Result<()> {
    let home = shelf.home_found(spot.home)?;
    for below in lacking {
        let whole = format!("{}{below}", noted.name);
        let failed = |errno| Error::io("open", shelf.locate(spot.home, &whole), errno);
        let (parent, name) = whole.rsplit_once('/').unwrap_or((".", &whole));
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = tree::open_beneath(home, parent, flags).map_err(failed)?;
        let found = tree::metadata_at(directory.as_fd(), name).map_err(failed)?;
        let kind = found.map_or(Kind::File, |found| found.kind);
        let place = below.split('/').skip(1).try_fold(to.clone(), |path, name| path.child(name));
        let place = place.ok_or_else(|| stays(shelf, noted, spot, SOMETHING_ELSE))?;
        match writer.move_back(directory.as_fd(), name, kind, &place)? {
            Moved::Done => {}
            Moved::CrossDevice => return Err(stays(shelf, noted, spot, ELSEWHERE)),
            Moved::Gone | Moved::Occupied => return Err(stays(shelf, noted, spot, SOMETHING_ELSE)),
        }
    }
    Ok(())
}

pub(super) fn sync(writer: &Writer<'_>, shelf: &Shelf<'_>) -> Result<()> {
    match shelf.home(Home::Private)? {
        Some(things) => writer.sync_moves(things),
        None => writer.sync_moves(shelf.directory()),
    }
}

fn note(
    writer: &Writer<'_>,
    shelf: &Shelf<'_>,
    things: &[(Noted, Result<Outcome>)],
    now: jiff::Timestamp,
) -> Result<()> {
    let mut lines = Lines::default();
    for (noted, done) in things {
        if matches!(done, Ok(Outcome::PutBack | Outcome::AlreadyThere)) {
            lines.restore(noted, now);
        }
    }
    if lines.as_bytes().is_empty() {
        return Ok(());
    }
    writer.append_to_journal(shelf.directory(), &shelf.journal_path(), lines.as_bytes())
}

fn lacking(shelf: &Shelf<'_>, noted: &Noted, spot: Spot, to: &TreePath) -> Result<Option<Vec<String>>> {
    let parent = to.parent().expect("an area is never taken");
    let Some(directory) = shelf.tree.open_directory(&parent)? else { return Ok(None) };
    let place = At { directory: directory.as_fd(), name: to.file_name() };
    let thing = At { directory: shelf.home_found(spot.home)?, name: &noted.name };
    absent(place, thing).map_err(|error| Error::io("compare", shelf.tree.locate(to), error))
}

/// Whether a quarantined blob is what it is called.
pub(super) fn is_whole(shelf: &Shelf<'_>, noted: &Noted, spot: Spot, interrupt: &Interrupt) -> Result<bool> {
    Ok(fault(shelf, noted, spot, interrupt)?.is_none())
}

fn check(shelf: &Shelf<'_>, noted: &Noted, spot: Spot, interrupt: &Interrupt) -> Result<()> {
    match fault(shelf, noted, spot, interrupt)? {
        None => Ok(()),
        Some(fault) => Err(stays(shelf, noted, spot, &fault)),
    }
}

/// Hashes a quarantined blob, and says what is wrong with it. A tarsum is no hash of the bytes, and is believed.
fn fault(shelf: &Shelf<'_>, noted: &Noted, spot: Spot, interrupt: &Interrupt) -> Result<Option<String>> {
    let Some(digest) = noted.item.digest.filter(|_| noted.item.kind == ItemKind::Blob) else { return Ok(None) };
    let Some(file) = shelf.open_content(noted, spot)? else { return Ok(Some("it has no content".to_owned())) };
    let Some(algorithm) = digest.algorithm() else { return Ok(None) };
    let failed = |error| interrupt.or(Error::io("read", shelf.locate(spot.home, &noted.name), error));
    let found = hash(file, algorithm, interrupt).map_err(failed)?.filter(|found| *found != digest);
    Ok(found.map(|found| format!("its content hashes to {found}")))
}

fn stays(shelf: &Shelf<'_>, noted: &Noted, spot: Spot, reason: &str) -> Error {
    let path = shelf.tree.locate(&noted.item.path);
    Error::NotPutBack { path, kept: shelf.locate(spot.home, &noted.name), reason: reason.to_owned() }
}
