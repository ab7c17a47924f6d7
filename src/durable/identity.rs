//! Which file, in which condition: whether it is still the one that was looked at.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

/// Which file, in which state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    device: u64,
    inode: u64,
    pub(crate) size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Identity {
    pub(crate) fn of(file: &File) -> std::io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })
    }

    /// Which file of its file system, and when its content changed last.
    pub(crate) fn inode_and_modified(&self) -> (u64, (i64, i64)) {
        (self.inode, self.modified)
    }

    /// When anything about it changed last, be it only its mode or a name.
    pub(crate) fn status_changed(&self) -> (i64, i64) {
        self.changed
    }

    /// Whether the content is as old and as long as that of `other`, whatever became of its name, owner and mode.
    pub(crate) fn has_content_of(&self, other: &Self) -> bool {
        let content = |of: &Self| (of.device, of.inode, of.size, of.modified);
        content(self) == content(other)
    }

    /// When it was changed last, if its file system keeps times finer than a second: else a change within the second
    /// would not show.
    pub(crate) fn changed(&self) -> Option<SystemTime> {
        let (seconds, nanoseconds) = self.changed;
        let (seconds, nanoseconds) = (u64::try_from(seconds).ok()?, u32::try_from(nanoseconds).ok()?);
        (nanoseconds != 0).then(|| SystemTime::UNIX_EPOCH + Duration::new(seconds, nanoseconds))
    }
}
