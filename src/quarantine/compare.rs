//! Compares a quarantined item with what is in its place now.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

use crate::tree;

/// An entry of an open directory.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    pub(super) directory: BorrowedFd<'a>,
    pub(super) name: &'a str,
}

impl At<'_> {
    fn open(self, more: OFlags) -> std::io::Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | more;
        Ok(rustix::fs::openat(self.directory, self.name, flags, Mode::empty())?)
    }
}

/// The entries of `item` that `place` lacks, as paths below `item`; the empty path is `item` itself. `None` when
/// `place` holds something that differs. Modes and times are not compared.
pub(super) fn absent(place: At<'_>, item: At<'_>) -> std::io::Result<Option<Vec<String>>> {
    let mut absent = Vec::new();
    Ok(look(place, item, "", &mut absent)?.then_some(absent))
}

fn look(place: At<'_>, item: At<'_>, below: &str, absent: &mut Vec<String>) -> std::io::Result<bool> {
    let ours = rustix::fs::statat(item.directory, item.name, AtFlags::SYMLINK_NOFOLLOW)?;
    let theirs = match rustix::fs::statat(place.directory, place.name, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => {
            absent.push(below.to_owned());
            return Ok(true);
        }
        found => found?,
    };
    let kind = FileType::from_raw_mode(ours.st_mode);
    if kind != FileType::from_raw_mode(theirs.st_mode) {
        return Ok(false);
    }
    match kind {
        FileType::RegularFile => Ok(ours.st_size == theirs.st_size && same_bytes(place, item)?),
        FileType::Directory => look_into(place, item, below, absent),
        FileType::Symlink => {
            let read = |at: At<'_>| rustix::fs::readlinkat(at.directory, at.name, Vec::new());
            Ok(read(place)? == read(item)?)
        }
        _ => Ok(false),
    }
}

fn look_into(place: At<'_>, item: At<'_>, below: &str, absent: &mut Vec<String>) -> std::io::Result<bool> {
    let (theirs, ours) = (place.open(OFlags::DIRECTORY)?, item.open(OFlags::DIRECTORY)?);
    for entry in tree::list_handle(ours.as_fd())? {
        let Some(name) = entry.text() else { return Ok(false) };
        let (place, item) = (At { directory: theirs.as_fd(), name }, At { directory: ours.as_fd(), name });
        if !look(place, item, &format!("{below}/{name}"), absent)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn same_bytes(place: At<'_>, item: At<'_>) -> std::io::Result<bool> {
    let open =
        |at: At<'_>| at.open(OFlags::empty()).map(|handle| BufReader::with_capacity(64 * 1024, File::from(handle)));
    let (mut a, mut b) = (open(place)?, open(item)?);
    loop {
        let (left, right) = (a.fill_buf()?, b.fill_buf()?);
        let length = left.len().min(right.len());
        if length == 0 {
            return Ok(left.len() == right.len());
        }
        if left[..length] != right[..length] {
            return Ok(false);
        }
        a.consume(length);
        b.consume(length);
    }
}
