//! What a directory entry is, and what the file system says of it.

use std::ffi::OsString;

use rustix::fs::FileType;

use crate::named::named;

named! {
    /// What a directory entry is.
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "kebab-case")]
    pub(crate) enum EntryKind {
        /// A regular file.
        File = "file",
        /// A directory.
        Directory = "directory",
        /// A symbolic link, which is damage.
        Symlink = "symlink",
        /// A socket, a pipe or a device, which is damage.
        Other = "other",
    }
}

impl EntryKind {
    /// Its name in a message, with an article.
    pub(crate) const fn describe(self) -> &'static str {
        match self {
            Self::File => "a regular file",
            Self::Directory => "a directory",
            Self::Symlink => "a symbolic link",
            Self::Other => "a special file",
        }
    }
}

impl From<FileType> for EntryKind {
    fn from(kind: FileType) -> Self {
        match kind {
            FileType::RegularFile => Self::File,
            FileType::Directory => Self::Directory,
            FileType::Symlink => Self::Symlink,
            _ => Self::Other,
        }
    }
}

/// One name in a directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Listed {
    /// The name, which need not be text.
    pub name: OsString,
    /// What it is, by the directory's own record.
    pub kind: EntryKind,
}

impl Listed {
    /// The name, if it is text.
    pub(crate) fn text(&self) -> Option<&str> {
        self.name.to_str()
    }
}

/// What `statx` returns for a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Metadata {
    /// What it is.
    pub kind: EntryKind,
    /// Its length in bytes.
    pub size: u64,
    /// When its content last changed.
    pub modified: jiff::Timestamp,
}
