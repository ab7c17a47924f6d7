//! Opens, reads and lists files below an open directory.

use std::ffi::OsStr;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags, StatxFlags};
use rustix::io::Errno;

use super::{EntryKind, Listed, Metadata};

/// How long to wait for such a check by another process, which takes microseconds.
const PATIENCE: Duration = Duration::from_secs(1);
const POLL: Duration = Duration::from_millis(1);

/// Repeats `open` while another process checks whether it is alone with the file, as regtree does when it writes
/// (`durable`). `open` itself must not block: it would wait for the other end of a pipe.
pub(crate) fn patiently<T>(mut open: impl FnMut() -> rustix::io::Result<T>) -> rustix::io::Result<T> {
    let begin = Instant::now();
    loop {
        match open() {
            Err(Errno::AGAIN) if begin.elapsed() < PATIENCE => std::thread::sleep(POLL),
            opened => return opened,
        }
    }
}

/// Opens the small file `below` an open directory, without following any link: the fast way to open many.
pub(crate) fn open_small(directory: BorrowedFd<'_>, below: &str) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    patiently(|| open_beneath(directory, below, flags))
}

/// Reads the beginning of a file into `buffer`. When the buffer is not filled, that is the whole file.
pub(crate) fn read_start<'b>(file: BorrowedFd<'_>, buffer: &'b mut [u8]) -> rustix::io::Result<&'b [u8]> {
    let mut length = 0;
    while length < buffer.len() {
        let room = buffer.len() - length;
        let read = rustix::io::retry_on_intr(|| rustix::io::read(file, &mut buffer[length..]))?;
        length += read;
        // A regular file returns less only at its end. Another read to see the end would be every third call of a scan.
        if read < room {
            break;
        }
    }
    Ok(&buffer[..length])
}

/// Opens `below` without following any symbolic link on the way: `ELOOP` when there is one.
pub(crate) fn open_beneath(area: BorrowedFd<'_>, below: &str, flags: OFlags) -> rustix::io::Result<OwnedFd> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    match rustix::fs::openat2(area, below, flags, Mode::empty(), resolve) {
        // Kernels before 5.6 don't have the call, and some sandboxes refuse it.
        Err(Errno::NOSYS | Errno::PERM) => open_step_by_step(area, below, flags),
        opened => opened,
    }
}

pub(super) fn open_step_by_step(area: BorrowedFd<'_>, below: &str, flags: OFlags) -> rustix::io::Result<OwnedFd> {
    let on_the_way = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let (parents, name) = below.rsplit_once('/').unwrap_or(("", below));
    let mut directory: Option<OwnedFd> = None;
    for parent in parents.split('/').filter(|parent| !parent.is_empty()) {
        let here = directory.as_ref().map_or(area, AsFd::as_fd);
        directory = Some(rustix::fs::openat(here, parent, on_the_way, Mode::empty())?);
    }
    let here = directory.as_ref().map_or(area, AsFd::as_fd);
    rustix::fs::openat(here, name, flags | OFlags::NOFOLLOW, Mode::empty())
}

pub(crate) fn metadata_at(directory: BorrowedFd<'_>, name: &str) -> rustix::io::Result<Option<Metadata>> {
    match statx(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(found) => Ok(Some(found)),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(errno),
    }
}

/// The metadata of what is open.
pub(crate) fn metadata_of(handle: BorrowedFd<'_>) -> rustix::io::Result<Metadata> {
    statx(handle, "", AtFlags::EMPTY_PATH)
}

fn statx(directory: BorrowedFd<'_>, name: &str, flags: AtFlags) -> rustix::io::Result<Metadata> {
    let wanted = StatxFlags::TYPE | StatxFlags::SIZE | StatxFlags::MTIME;
    let stat = rustix::fs::statx(directory, name, flags, wanted)?;
    let kind = FileType::from_raw_mode(stat.stx_mode.into()).into();
    let nanoseconds = i32::try_from(stat.stx_mtime.tv_nsec).unwrap_or_default();
    Ok(Metadata { kind, size: stat.stx_size, modified: timestamp(stat.stx_mtime.tv_sec, nanoseconds) })
}

/// A file's time. Some file systems store times that no calendar has. Such a time counts as the nearest that one has:
/// what is too far in the future has to stay young, and is not to be removed as if it were old.
fn timestamp(seconds: i64, nanoseconds: i32) -> jiff::Timestamp {
    let nearest = if seconds < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
    jiff::Timestamp::new(seconds, nanoseconds).unwrap_or(nearest)
}

pub(crate) fn list_handle(directory: BorrowedFd<'_>) -> rustix::io::Result<Vec<Listed>> {
    // A handle that was listed before is at its end.
    rustix::fs::seek(directory, rustix::fs::SeekFrom::Start(0))?;
    list_opened(directory)
}

/// Lists a directory that was just opened.
pub(crate) fn list_opened(directory: BorrowedFd<'_>) -> rustix::io::Result<Vec<Listed>> {
    let mut buffer = Vec::with_capacity(32 * 1024);
    let mut listed = Vec::new();
    visit_handle(directory, buffer.spare_capacity_mut(), |name, kind| {
        listed.push(Listed { name: OsStr::from_bytes(name).to_owned(), kind });
    })?;
    Ok(listed)
}

/// Calls `each` for every entry of a directory. One buffer serves for many directories. A directory that was removed after
/// it was opened has no entries.
pub(crate) fn visit_handle(
    directory: BorrowedFd<'_>,
    buffer: &mut [MaybeUninit<u8>],
    mut each: impl FnMut(&[u8], EntryKind),
) -> rustix::io::Result<()> {
    let mut entries = rustix::fs::RawDir::new(directory, buffer);
    while let Some(entry) = entries.next() {
        let entry = match entry {
            Err(Errno::NOENT) => return Ok(()),
            entry => entry?,
        };
        let name = entry.file_name().to_bytes();
        if name == b"." || name == b".." {
            continue;
        }
        let kind = match entry.file_type() {
            // Some file systems don't record the type in the directory.
            FileType::Unknown => {
                match rustix::fs::statat(directory, OsStr::from_bytes(name), AtFlags::SYMLINK_NOFOLLOW) {
                    Ok(stat) => FileType::from_raw_mode(stat.st_mode),
                    // It was removed after it was listed.
                    Err(Errno::NOENT) => continue,
                    Err(errno) => return Err(errno),
                }
            }
            kind => kind,
        };
        each(name, kind.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_outside_of_the_calendar_is_the_nearest() {
        assert_eq!(timestamp(i64::MAX, 0), jiff::Timestamp::MAX);
        assert_eq!(timestamp(i64::MIN, 999_999_999), jiff::Timestamp::MIN);
        assert_eq!(timestamp(1, 2), jiff::Timestamp::constant(1, 2));
    }
}
