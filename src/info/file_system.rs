//! The file system that something is on, and the room that is left on it.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// A file system.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileSystem {
    /// Its type, such as `ext4`; `None` where the kernel does not say.
    pub kind: Option<String>,
    /// Where it is mounted, if the kernel says so.
    pub mount_point: Option<PathBuf>,
    /// How many bytes it has.
    pub size: u64,
    /// How many of these a user who is not root can still fill.
    pub available: u64,
    /// How many files it can have; `None` where there is no limit.
    pub inodes: Option<u64>,
    /// How many more it can have.
    pub inodes_available: Option<u64>,
    /// Whether it can only be read.
    pub read_only: bool,
    pub(super) device: u64,
}

impl FileSystem {
    /// The file system that `path` is on, or leads to.
    pub(super) fn of(path: &Path) -> Result<Self> {
        let failed = |errno: rustix::io::Errno| Error::io("look at the file system of", path, errno);
        let stat = rustix::fs::statvfs(path).map_err(failed)?;
        let device = rustix::fs::stat(path).map_err(failed)?.st_dev;
        let mount = std::fs::canonicalize(path).ok().and_then(|path| mount_of(&path, device));
        let (mount_point, kind) = mount.unzip();
        let is_counted = stat.f_files > 0;
        Ok(Self {
            kind,
            mount_point,
            size: stat.f_blocks.saturating_mul(stat.f_frsize),
            available: stat.f_bavail.saturating_mul(stat.f_frsize),
            inodes: is_counted.then_some(stat.f_files),
            inodes_available: is_counted.then_some(stat.f_favail),
            read_only: stat.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY),
            device,
        })
    }
}

/// A line of `mountinfo`.
#[derive(Debug, PartialEq, Eq)]
struct Mount {
    device: (u32, u32),
    point: PathBuf,
    kind: String,
}

/// The mount that a canonical path is below, and the type of its file system. `None` where that is another device: the
/// path may be in another namespace, through `/proc`. The last of several mounts in one place is on top.
fn mount_of(path: &Path, device: u64) -> Option<(PathBuf, String)> {
    let mounts = std::fs::read("/proc/self/mountinfo").ok()?;
    let mounts = mounts.split(|&byte| byte == b'\n').filter_map(mount);
    let below = mounts.filter(|mount| path.starts_with(&mount.point));
    let found = below.max_by_key(|mount| mount.point.components().count())?;
    let is_same = found.device == (rustix::fs::major(device), rustix::fs::minor(device));
    // Each subvolume of btrfs is a device of its own.
    (is_same || found.kind == "btrfs").then_some((found.point, found.kind))
}

/// Reads a line: the third field is the device, the fifth is where it is mounted, the first after the hyphen is the type.
fn mount(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|&byte| byte == b' ');
    let (major, minor) = std::str::from_utf8(fields.nth(2)?).ok()?.split_once(':')?;
    let point = unescaped(fields.nth(1)?);
    let kind = fields.skip_while(|field| *field != b"-").nth(1)?;
    let device = (major.parse().ok()?, minor.parse().ok()?);
    Some(Mount { device, point: OsString::from_vec(point).into(), kind: String::from_utf8_lossy(kind).into_owned() })
}

/// A path without the kernel's escapes: `\040` is a space.
fn unescaped(field: &[u8]) -> Vec<u8> {
    let mut path = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&first, after)) = rest.split_first() {
        let escape = if first == b'\\' { after.get(..3) } else { None };
        let byte = escape.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        path.push(byte.unwrap_or(first));
        rest = if byte.is_some() { &after[3..] } else { after };
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_mountinfo_says_where_and_of_which_type() {
        let line = b"36 35 98:7 /mnt1 /srv/a\\040disk\\134x rw,noatime master:1 - ext3 /dev/root rw,errors=continue";
        let expected = |point: &str, kind: &str| Mount { device: (98, 7), point: point.into(), kind: kind.to_owned() };
        assert_eq!(mount(line), Some(expected("/srv/a disk\\x", "ext3")));
        assert_eq!(mount(b"36 35 98:7 / / rw - overlay overlay rw"), Some(expected("/", "overlay")));
        assert_eq!(mount(b""), None);
        assert_eq!(mount(b"36 35 98:7 / / rw"), None);
        assert_eq!(unescaped(b"a\\04"), b"a\\04");
    }
}
