//! Finds out where symbolic links lead, because a registry follows them. **Only metadata is looked at: nothing is ever
//! opened or written through a link.**

use rustix::fs::{AtFlags, FileType, Stat};
use rustix::io::Errno;

use crate::layout::TreePath;
use crate::tree::Tree;

/// The metadata of what `path` leads to.
pub(crate) fn stat(tree: &Tree, path: &TreePath) -> rustix::io::Result<Stat> {
    let area = tree.area(path.area()).map_err(|_| Errno::IO)?.ok_or(Errno::NOENT)?;
    let found = rustix::fs::statat(area, path.below_area(), AtFlags::empty());
    found.inspect_err(|errno| {
        if !is_nothing(*errno) {
            tree.note_unread(path, *errno);
        }
    })
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
