//! Proves that no other process wrote to a file while we did, or has it open now.
//!
//! A registry does not know our lock on an upload, and our own writes move the file's times. So nothing in the file
//! shows that a registry wrote to it too. But the kernel can show it: it grants a write lease only on a file that no
//! other process has open, and it reports every close of a handle that could write. **A lease at the start, a lease at
//! the end, and no such close between the two are the proof.** Each lease is given back at once; a process that opens
//! the file in that moment waits for microseconds.
//!
//! The proof needs a kernel that sees every writer, which is so on local file systems. On others there is no proof. An
//! overlay does not count as local: it does not see who writes to its upper directory.
//!
//! A process can also cut a file by its path, with `truncate(2)`, without opening it. We append, so a file that was cut
//! has the wrong size in the end, and that is found. Not covered: another process truncates the file by path and
//! extends it to the same size again while we write. Its zeros would go unseen. No registry does that.

use std::fs::File;
use std::io::ErrorKind;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::io::Errno;

/// Local file systems, by the numbers that `statfs` gives them: ext2 to ext4, XFS, Btrfs, F2FS, ZFS, tmpfs.
const LOCAL: [u32; 6] = [0xef53, 0x5846_5342, 0x9123_683e, 0xf2f5_2010, 0x2fc1_2fc1, 0x0102_1994];
/// A file counts as open elsewhere if it stays open for this long. Shorter than that, a process only looks at it, or
/// makes the same check as we do.
const MOMENT: Duration = Duration::from_millis(100);
const POLL: Duration = Duration::from_millis(5);

/// A watch over a file that we write to.
#[derive(Debug)]
#[must_use = "a watch proves nothing unless it is asked in the end"]
pub(crate) struct WriteProof {
    file: File,
    closings: OwnedFd,
}

impl WriteProof {
    /// Starts to watch `file`, which this process must have opened exactly once, for writing. `None` when another
    /// process may write to it, or when that can't be found out.
    pub(crate) fn watch(file: &File) -> Option<Self> {
        if !is_local(file) {
            return None;
        }
        let closings = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).ok()?;
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        inotify::add_watch(&closings, path, WatchFlags::CLOSE_WRITE).ok()?;
        let file = file.try_clone().ok()?;
        lease::try_out(&file).is_ok().then_some(Self { file, closings })
    }

    /// Whether it is proven that no other process has written since the watch began, or can write now.
    pub(crate) fn holds(&self) -> bool {
        let alone = lease::try_out(&self.file).is_ok();
        let mut event = [0_u8; 512];
        alone && rustix::io::read(&self.closings, &mut event) == Err(Errno::AGAIN)
    }
}

/// Whether another process is known to have `file` open. This process must have opened it exactly once, for writing.
/// `false` when that can't be found out.
pub(super) fn is_open_elsewhere(file: &File) -> bool {
    if !is_local(file) {
        return false;
    }
    let begin = Instant::now();
    loop {
        match lease::try_out(file) {
            Err(error) if error.kind() != ErrorKind::WouldBlock => return false,
            Err(_) if begin.elapsed() >= MOMENT => return true,
            Err(_) => std::thread::sleep(POLL),
            Ok(()) => return false,
        }
    }
}

/// Whether the kernel sees every process that writes to `file`.
pub(super) fn is_local(file: &File) -> bool {
    let kind = rustix::fs::fstatfs(file).ok().and_then(|stat| u32::try_from(stat.f_type).ok());
    kind.is_some_and(|kind| LOCAL.contains(&kind))
}

/// The two system calls that no safe library offers.
#[expect(unsafe_code, reason = "fcntl with a number and no pointer can't harm memory")]
pub(super) mod lease {
    use std::ffi::c_int;
    use std::fs::File;
    use std::io::{Error, Result};
    use std::os::fd::AsRawFd;

    /// `libc` does not name it on every system. It is the same on all that Rust supports, except PA-RISC.
    const F_SETSIG: c_int = 10;

    /// Takes a write lease and gives it back. `WouldBlock` when another process has the file open.
    pub(super) fn try_out(file: &File) -> Result<()> {
        take(file)?;
        give_back(file)
    }

    /// Takes a write lease. Until it is given back, a process that opens the file waits, or gets `EWOULDBLOCK`.
    pub(in crate::durable) fn take(file: &File) -> Result<()> {
        // If another process opens the file meanwhile, the kernel sends us this signal. By default it is ignored; the
        // usual one would kill us.
        set(file, F_SETSIG, libc::SIGURG)?;
        set(file, libc::F_SETLEASE, libc::F_WRLCK)
    }

    /// Gives the lease back.
    pub(in crate::durable) fn give_back(file: &File) -> Result<()> {
        set(file, libc::F_SETLEASE, libc::F_UNLCK)
    }

    fn set(file: &File, what: c_int, value: c_int) -> Result<()> {
        // SAFETY: the handle stays open while `file` is borrowed, and the argument is a number.
        let done = unsafe { libc::fcntl(file.as_raw_fd(), what, value) };
        if done == 0 { Ok(()) } else { Err(Error::last_os_error()) }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests {
    use std::io::Write;

    use super::*;

    /// A new file. `None` where nothing can be proven.
    fn file() -> Option<(tempfile::TempDir, File)> {
        let place = tempfile::tempdir().unwrap();
        let file = File::options().create_new(true).read(true).write(true).open(place.path().join("file")).unwrap();
        is_local(&file).then_some((place, file))
    }

    fn open(place: &tempfile::TempDir) -> File {
        File::options().write(true).open(place.path().join("file")).unwrap()
    }

    #[test]
    fn our_own_writes_prove_nothing_against_us() {
        let Some((_place, file)) = file() else { return };
        let proof = WriteProof::watch(&file).unwrap();
        (&file).write_all(b"ours").unwrap();
        file.try_clone().unwrap().write_all(b"ours").unwrap();
        file.sync_all().unwrap();
        assert!(proof.holds());
        assert!(proof.holds(), "asked twice");
    }

    #[test]
    fn whoever_has_it_open_may_write() {
        let Some((place, file)) = file() else { return };
        let other = open(&place);
        assert!(WriteProof::watch(&file).is_none());
        drop(other);
        let proof = WriteProof::watch(&file).unwrap();
        let _other = open(&place);
        assert!(!proof.holds());
    }

    #[test]
    fn whoever_had_it_open_may_have_written() {
        let Some((place, file)) = file() else { return };
        let proof = WriteProof::watch(&file).unwrap();
        drop(open(&place));
        assert!(!proof.holds());
    }

    #[test]
    fn what_only_reads_changes_nothing() {
        let Some((place, file)) = file() else { return };
        let proof = WriteProof::watch(&file).unwrap();
        drop(File::open(place.path().join("file")).unwrap());
        assert!(proof.holds());
    }

    #[test]
    fn who_has_it_open_is_told_from_who_had() {
        let Some((place, file)) = file() else { return };
        assert!(!is_open_elsewhere(&file));
        let other = open(&place);
        assert!(is_open_elsewhere(&file));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(MOMENT / 4);
                drop(other);
            });
            assert!(!is_open_elsewhere(&file), "who looks at it for a moment");
        });
    }
}
