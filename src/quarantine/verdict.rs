//! Judges whether a quarantined item can be put back, and whether a quarantined blob matches its digest.

use std::fs::File;
use std::os::fd::AsFd;

use rustix::fs::OFlags;

use super::compare::{At, absent};
use super::item::{ItemKind, NotedItem};
use super::run_directory::{RunDirectory, Spot};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::judge::content::{self, Stored};
use crate::layout::{Entry, TreePath};
use crate::stream::{Interrupt, Silent, Watch};
use crate::tree::{self, EntryKind};

pub(super) const SOMETHING_ELSE: &str = "something else is in its place";

/// What a restore does with an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RestoreOutcome {
    /// The item is put back.
    PutBack,
    /// Its place already has all of it, so the copy in the quarantine is removed.
    AlreadyThere,
    /// The item is not in the quarantine: it was never taken, or is already back.
    NotHeld,
}

/// What to do with an item.
pub(super) enum RestoreVerdict {
    /// It can be moved to this place.
    Free(Spot, TreePath),
    /// Its place already has all of it.
    Same(Spot),
    /// Its place is a directory too, and lacks these entries.
    Partly(Spot, TreePath, Vec<String>),
    /// The item is not in the quarantine.
    NotHeld,
}

impl RestoreVerdict {
    pub(super) fn outcome(self) -> RestoreOutcome {
        match self {
            Self::Free(..) | Self::Partly(..) => RestoreOutcome::PutBack,
            Self::Same(_) => RestoreOutcome::AlreadyThere,
            Self::NotHeld => RestoreOutcome::NotHeld,
        }
    }
}

/// Looks at an item and its place. Hashes a blob if `verify` is true and its place is free. `Err(NotPutBack)` when the
/// item has to stay.
pub(super) fn judge(
    directory: &RunDirectory<'_>,
    noted: &NotedItem,
    verify: bool,
    interrupt: &Interrupt,
) -> Result<RestoreVerdict> {
    let Some(spot) = directory.find(noted)? else { return Ok(RestoreVerdict::NotHeld) };
    let to = directory.place_of(noted, spot)?;
    let Some(found) = directory.tree.metadata(&to)? else {
        if verify {
            check(directory, noted, spot, interrupt)?;
        }
        return Ok(RestoreVerdict::Free(spot, to));
    };
    // An empty directory in the place of a directory is as good as free: its entries were removed or moved by
    // themselves.
    if spot.kind == EntryKind::Directory
        && found.kind == EntryKind::Directory
        && directory.tree.list(&to)?.is_some_and(|listed| listed.is_empty())
    {
        if verify {
            check(directory, noted, spot, interrupt)?;
        }
        return Ok(RestoreVerdict::Free(spot, to));
    }
    match lacking(directory, noted, spot, &to)? {
        Some(lacking) if lacking.is_empty() => Ok(RestoreVerdict::Same(spot)),
        Some(lacking) if noted.item.kind == ItemKind::Directory => Ok(RestoreVerdict::Partly(spot, to, lacking)),
        _ if is_mere_content(directory, noted, spot)? && is_healed(directory, noted, interrupt)? => {
            Ok(RestoreVerdict::Same(spot))
        }
        _ => Err(stays(directory, noted, spot, SOMETHING_ELSE)),
    }
}

/// Whether the tree has the right content for this blob, which a repair took because its content was wrong.
fn is_healed(directory: &RunDirectory<'_>, noted: &NotedItem, interrupt: &Interrupt) -> Result<bool> {
    let Some(digest) = noted.item.digest.filter(|_| noted.item.kind == ItemKind::Blob) else { return Ok(false) };
    let Some(file) = directory.tree.open_file(&Entry::Blob(digest).path())? else { return Ok(false) };
    Ok(!digest.is_tarsum() && hash(file, &digest, interrupt)? == Stored::Right)
}

/// Whether an item is content and nothing else. Then nothing of it is lost if the tree has the right content.
fn is_mere_content(directory: &RunDirectory<'_>, noted: &NotedItem, spot: Spot) -> Result<bool> {
    if spot.kind != EntryKind::Directory {
        return Ok(spot.kind == EntryKind::File);
    }
    let failed = |errno| Error::io("list", directory.locate(spot.home, &noted.name), errno);
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = tree::open_beneath(directory.home_found(spot.home)?, &noted.name, flags).map_err(failed)?;
    let listed = tree::list_handle(opened.as_fd()).map_err(failed)?;
    Ok(listed.iter().all(|entry| entry.name == "data" && entry.kind == EntryKind::File))
}

fn hash(file: File, digest: &Digest, interrupt: &Interrupt) -> Result<Stored> {
    let watch = Watch { progress: &Silent, interrupt: interrupt.clone() };
    content::hash_file(file, digest, &mut vec![0; content::BUFFER], &watch)
}

fn lacking(directory: &RunDirectory<'_>, noted: &NotedItem, spot: Spot, to: &TreePath) -> Result<Option<Vec<String>>> {
    let parent = to.parent().expect("an area is never taken");
    let Some(around) = directory.tree.open_directory(&parent)? else { return Ok(None) };
    let place = At { directory: around.as_fd(), name: to.file_name() };
    let item = At { directory: directory.home_found(spot.home)?, name: &noted.name };
    absent(place, item).map_err(|error| Error::io("compare", directory.tree.locate(to), error))
}

/// Whether a quarantined blob matches its digest.
pub(super) fn is_whole(
    directory: &RunDirectory<'_>,
    noted: &NotedItem,
    spot: Spot,
    interrupt: &Interrupt,
) -> Result<bool> {
    Ok(fault(directory, noted, spot, interrupt)?.is_none())
}

fn check(directory: &RunDirectory<'_>, noted: &NotedItem, spot: Spot, interrupt: &Interrupt) -> Result<()> {
    match fault(directory, noted, spot, interrupt)? {
        None => Ok(()),
        Some(fault) => Err(stays(directory, noted, spot, &fault.to_string())),
    }
}

/// Hashes a quarantined blob, and says what is wrong with it. `None` when it is right, or when the item is no blob.
/// `Err(NotPutBack)` when it can't be read.
fn fault(directory: &RunDirectory<'_>, noted: &NotedItem, spot: Spot, interrupt: &Interrupt) -> Result<Option<Stored>> {
    let Some(digest) = noted.item.digest.filter(|_| noted.item.kind == ItemKind::Blob) else { return Ok(None) };
    let Some(file) = directory.open_content(noted, spot)? else { return Ok(Some(Stored::Missing)) };
    match hash(file, &digest, interrupt)? {
        Stored::Right => Ok(None),
        // Whether it is right is unknown.
        stored @ Stored::Unreadable(_) => Err(stays(directory, noted, spot, &stored.to_string())),
        stored => Ok(Some(stored)),
    }
}

pub(super) fn stays(directory: &RunDirectory<'_>, noted: &NotedItem, spot: Spot, reason: &str) -> Error {
    let path = directory.tree.locate(&noted.item.path);
    Error::NotPutBack { path, kept: directory.locate(spot.home, &noted.name), reason: reason.to_owned() }
}
