//! Whether nobody else wrote to a file while we did.
//!
//! Our lock on an upload is not known to a registry, and our own writes move the file's times, so nothing in the file
//! tells that a registry wrote to it too. The kernel does: it grants a write lease only on a file that no other process has
//! open for writing, and tells of every handle that could write and was closed. So a lease at the begin, a lease at the
//! end, and no such closing between the two are the proof. Each lease is given back at once; what another process opens
//! in that moment waits for microseconds.
//!
//! This holds where the kernel sees every writer, which is on local file systems; on others there is no proof. Nor does it
//! cover a file that is cut by its path, without being opened: no registry does that.

use std::fs::File;
use std::os::fd::{AsRawFd, OwnedFd};

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::io::Errno;

/// Local file systems, by the numbers that `statfs` gives them: ext2 to ext4, XFS, Btrfs, F2FS, ZFS, tmpfs, overlay.
const LOCAL: [u32; 7] = [0xef53, 0x5846_5342, 0x9123_683e, 0xf2f5_2010, 0x2fc1_2fc1, 0x0102_1994, 0x794c_7630];

/// A watch over a file that we write to.
#[derive(Debug)]
pub(crate) struct SoleWriter {
    file: File,
    closings: OwnedFd,
}

impl SoleWriter {
    /// Begins to watch `file`, which must have been opened for writing once. `None` when another process may write to it,
    /// or when it could not be told.
    pub(crate) fn watch(file: &File) -> Option<Self> {
        let kind = rustix::fs::fstatfs(file).ok()?.f_type;
        if !LOCAL.into_iter().any(|local| u32::try_from(kind).is_ok_and(|kind| kind == local)) {
            return None;
        }
        let closings = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).ok()?;
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        inotify::add_watch(&closings, path, WatchFlags::CLOSE_WRITE).ok()?;
        let file = file.try_clone().ok()?;
        lease::is_ours_alone(&file).then_some(Self { file, closings })
    }

    /// Whether nobody else has written since, nor can now.
    pub(crate) fn is_proven(&self) -> bool {
        let alone = lease::is_ours_alone(&self.file);
        let mut event = [0_u8; 512];
        alone && rustix::io::read(&self.closings, &mut event) == Err(Errno::AGAIN)
    }
}

/// The two calls that no safe library offers.
#[expect(unsafe_code, reason = "fcntl with a number and no pointer can't harm memory")]
mod lease {
    use std::ffi::c_int;
    use std::fs::File;
    use std::os::fd::AsRawFd;

    /// Not named by `libc` on every system; the same on all that Rust knows of, but PA-RISC.
    const F_SETSIG: c_int = 10;

    /// Takes a write lease and gives it back.
    pub(super) fn is_ours_alone(file: &File) -> bool {
        // Who opens the file meanwhile has this signal sent to us: one that nobody minds, in place of one that kills.
        set(file, F_SETSIG, libc::SIGURG)
            && set(file, libc::F_SETLEASE, libc::F_WRLCK)
            && set(file, libc::F_SETLEASE, libc::F_UNLCK)
    }

    fn set(file: &File, what: c_int, value: c_int) -> bool {
        // SAFETY: the handle is open for as long as `file` is borrowed, and the argument is a number.
        unsafe { libc::fcntl(file.as_raw_fd(), what, value) == 0 }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests {
    use std::io::Write;

    use super::*;

    fn file() -> (tempfile::TempDir, File) {
        let place = tempfile::tempdir().unwrap();
        let file = File::options().create_new(true).read(true).write(true).open(place.path().join("file")).unwrap();
        (place, file)
    }

    fn open(place: &tempfile::TempDir) -> File {
        File::options().write(true).open(place.path().join("file")).unwrap()
    }

    #[test]
    fn our_own_writes_prove_nothing_against_us() {
        let (_place, file) = file();
        let sole = SoleWriter::watch(&file).unwrap();
        (&file).write_all(b"ours").unwrap();
        file.try_clone().unwrap().write_all(b"ours").unwrap();
        file.sync_all().unwrap();
        assert!(sole.is_proven());
        assert!(sole.is_proven(), "asked twice");
    }

    #[test]
    fn whoever_has_it_open_may_write() {
        let (place, file) = file();
        let other = open(&place);
        assert!(SoleWriter::watch(&file).is_none());
        drop(other);
        let sole = SoleWriter::watch(&file).unwrap();
        let _other = open(&place);
        assert!(!sole.is_proven());
    }

    #[test]
    fn whoever_had_it_open_may_have_written() {
        let (place, file) = file();
        let sole = SoleWriter::watch(&file).unwrap();
        drop(open(&place));
        assert!(!sole.is_proven());
    }

    #[test]
    fn what_only_reads_changes_nothing() {
        let (place, file) = file();
        let sole = SoleWriter::watch(&file).unwrap();
        drop(File::open(place.path().join("file")).unwrap());
        assert!(sole.is_proven());
    }
}
