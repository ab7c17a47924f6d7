//! Whether a quarantined thing can go back to its place, and whether a blob is what it is called.

use std::fs::File;
use std::os::fd::AsFd;

use rustix::fs::OFlags;

use super::compare::{At, absent};
use super::item::{ItemKind, Noted};
use super::shelf::{Shelf, Spot};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::judge::content::{self, Stored};
use crate::layout::{Entry, TreePath};
use crate::stream::{Interrupt, Silent, Watch};
use crate::tree::{self, Kind};

pub(super) const SOMETHING_ELSE: &str = "something else is there";

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
    pub(super) fn outcome(self) -> Outcome {
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
    let Some(file) = shelf.tree.open_file(&Entry::blob(digest).path())? else { return Ok(false) };
    Ok(!digest.is_tarsum() && hash(file, &digest, interrupt)? == Stored::Right)
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

fn hash(file: File, digest: &Digest, interrupt: &Interrupt) -> Result<Stored> {
    let watch = Watch { progress: &Silent, interrupt: interrupt.clone() };
    content::hash_file(file, digest, &mut vec![0; content::BUFFER], &watch)
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
        Some(fault) => Err(stays(shelf, noted, spot, &fault.to_string())),
    }
}

/// What is wrong with a quarantined blob, by its hash.
fn fault(shelf: &Shelf<'_>, noted: &Noted, spot: Spot, interrupt: &Interrupt) -> Result<Option<Stored>> {
    let Some(digest) = noted.item.digest.filter(|_| noted.item.kind == ItemKind::Blob) else { return Ok(None) };
    let Some(file) = shelf.open_content(noted, spot)? else { return Ok(Some(Stored::Missing)) };
    match hash(file, &digest, interrupt)? {
        Stored::Right => Ok(None),
        // Nobody can say what it is.
        stored @ Stored::Unreadable(_) => Err(stays(shelf, noted, spot, &stored.to_string())),
        stored => Ok(Some(stored)),
    }
}

pub(super) fn stays(shelf: &Shelf<'_>, noted: &Noted, spot: Spot, reason: &str) -> Error {
    let path = shelf.tree.locate(&noted.item.path);
    Error::NotPutBack { path, kept: shelf.locate(spot.home, &noted.name), reason: reason.to_owned() }
}
