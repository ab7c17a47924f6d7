//! Decides whether a file is still the one that was looked at, with the same content.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

/// A file and its state at one moment: device, inode, size and times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    device: u64,
    inode: u64,
    pub(crate) size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Identity {
    /// Reads the identity of an open file.
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

    /// The inode, and when the content last changed.
    pub(crate) fn inode_and_modified(&self) -> (u64, (i64, i64)) {
        (self.inode, self.modified)
    }

    /// When anything about the file last changed, even its mode or a name.
    pub(crate) fn status_changed(&self) -> (i64, i64) {
        self.changed
    }

    /// Whether the content is of the same file, size and age as that of `other`. Name, owner and mode may differ.
    pub(crate) fn has_content_of(&self, other: &Self) -> bool {
        let content = |of: &Self| (of.device, of.inode, of.size, of.modified);
        content(self) == content(other)
    }

    /// When anything about the file last changed. `None` when the file system may keep only whole seconds, because a
    /// second change within one would not show.
    pub(crate) fn changed(&self) -> Option<SystemTime> {
        let (seconds, nanoseconds) = self.changed;
        let (seconds, nanoseconds) = (u64::try_from(seconds).ok()?, u32::try_from(nanoseconds).ok()?);
        (nanoseconds != 0).then(|| SystemTime::UNIX_EPOCH + Duration::new(seconds, nanoseconds))
    }
}
