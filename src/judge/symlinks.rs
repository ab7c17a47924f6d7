//! Reads through symbolic links, as a registry does. This serves only to judge what a registry serves: **nothing is
//! ever written through a link.**

use std::fs::File;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use crate::error::Error;
use crate::layout::TreePath;
use crate::tree::{Tree, patiently};

/// The metadata of what `path` leads to.
pub(crate) fn stat(tree: &Tree, path: &TreePath) -> rustix::io::Result<Stat> {
    let area = tree.area(path.area()).map_err(|_| Errno::IO)?.ok_or(Errno::NOENT)?;
    rustix::fs::statat(area, path.below_area(), AtFlags::empty())
}

/// Opens what `path` leads to, if that is a regular file. `None` when nothing is there.
pub(crate) fn open(tree: &Tree, path: &TreePath) -> crate::error::Result<Option<File>> {
    match tree.open_file(path) {
        Err(Error::WrongKind { .. }) if stat(tree, path).is_ok_and(|stat| is_file(&stat)) => {}
        opened => return opened,
    }
    let Some(area) = tree.area(path.area())? else { return Ok(None) };
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = patiently(|| rustix::fs::openat(area, path.below_area(), flags, Mode::empty()));
    opened.map(|file| Some(file.into())).map_err(|errno| Error::io("open", tree.locate(path), errno))
}

pub(crate) fn is_file(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
}

pub(crate) fn is_directory(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::Directory
}

pub(crate) fn size(stat: &Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or_default()
}

/// Whether `errno` means that nothing is there.
pub(crate) fn is_nothing(errno: Errno) -> bool {
    matches!(errno, Errno::NOENT | Errno::NOTDIR | Errno::LOOP)
}
