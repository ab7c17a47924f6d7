//! The exit codes, on which scripts branch.

use std::process::ExitCode;

use crate::error::Error;

/// The end of every command's long help, and a section of its man page.
pub(super) const HELP: &str = "\
Exit codes:
  0    done
  1    failed: I/O, permission, no space
  2    wrong usage
  3    done, but damage was found or some items failed
  4    the repository, blob, upload, manifest or tag is unknown
  5    content does not match its digest or size, a link is broken, or a manifest is invalid
  10   the root is missing, or is not a registry tree
  11   another process holds the lock
  12   refused by a safety check
  130  interrupted (SIGINT); 143: terminated (SIGTERM)";

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// I/O or permission error, or no space.
    Failed = 1,
    /// Wrong usage.
    Usage = 2,
    /// Done, but damage was found or some items failed.
    Damage = 3,
    /// The repository, blob, upload, manifest or tag is unknown.
    Unknown = 4,
    /// Content does not match its digest or size, a link is broken, or a manifest is invalid.
    Invalid = 5,
    /// The root is missing, or is not a registry tree.
    NoTree = 10,
    /// Another process holds the lock.
    Locked = 11,
    /// Refused by a safety check.
    Refused = 12,
    /// Stopped by SIGINT.
    Interrupted = 130,
    /// Stopped by SIGTERM.
    Terminated = 143,
}

impl Exit {
    /// Every exit code.
    pub const ALL: [Self; 11] = [
        Self::Done,
        Self::Failed,
        Self::Usage,
        Self::Damage,
        Self::Unknown,
        Self::Invalid,
        Self::NoTree,
        Self::Locked,
        Self::Refused,
        Self::Interrupted,
        Self::Terminated,
    ];

    /// The number that the process ends with.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// [`Self::Done`], or [`Self::Damage`] if damage was found.
    pub(super) fn damage_if(damaged: bool) -> Self {
        if damaged { Self::Damage } else { Self::Done }
    }
}

impl From<&Error> for Exit {
    fn from(error: &Error) -> Self {
        match error {
            Error::Io { .. } | Error::HashesDiffer { .. } => Self::Failed,
            Error::NotATree { .. } | Error::UnusableTree { .. } | Error::Configuration { .. } => Self::NoTree,
            Error::RepositoryUnknown { .. }
            | Error::NoMatch { .. }
            | Error::BlobUnknown { .. }
            | Error::ContentMissing { .. }
            | Error::UploadUnknown { .. }
            | Error::ManifestUnknown { .. }
            | Error::TagUnknown { .. }
            | Error::TargetUnknown { .. }
            | Error::PrefixUnknown { .. }
            | Error::PlatformUnknown { .. }
            | Error::SignaturesUnknown { .. }
            | Error::NotQuarantined { .. }
            | Error::LinkedNowhere { .. } => Self::Unknown,
            Error::BrokenLink { .. }
            | Error::TagElsewhere { .. }
            | Error::BrokenTag { .. }
            | Error::StrangeLink { .. }
            | Error::ManifestInvalid { .. }
            | Error::ManifestMalformed { .. }
            | Error::WrongKind { .. }
            | Error::Corrupt { .. }
            | Error::NotAnArchive { .. }
            | Error::OffsetMismatch { .. }
            | Error::DigestMismatch { .. }
            | Error::TarsumUnknown { .. }
            | Error::SourceInvalid { .. }
            | Error::NotHeld { .. }
            | Error::SizeMismatch { .. } => Self::Invalid,
            // The image is known: what is missing of it is damage, and so is a digest that can't be verified.
            Error::NotExported { source, .. } => match Self::from(&**source) {
                Self::Unknown | Self::Usage => Self::Invalid,
                exit => exit,
            },
            Error::RangeInvalid { .. }
            | Error::DigestUnusable { .. }
            | Error::DigestAmbiguous { .. }
            | Error::DigestShortened { .. }
            | Error::NoDigest { .. }
            | Error::PlatformWanted { .. }
            | Error::ImageUnnamed { .. }
            | Error::SourceElsewhere { .. }
            | Error::NameTwice { .. } => Self::Usage,
            Error::RepositoryNameInvalid { .. }
            | Error::Misplaced { .. }
            | Error::Incomplete { .. }
            | Error::JournalMalformed { .. }
            | Error::NotPutBack { .. }
            | Error::NotUndone { .. } => Self::Damage,
            Error::Locked { .. } => Self::Locked,
            Error::Refused { .. } | Error::SafetyLimit { .. } | Error::InDatabase { .. } | Error::InUse { .. } => {
                Self::Refused
            }
            Error::Interrupted { signal: 15 } => Self::Terminated,
            Error::Interrupted { .. } => Self::Interrupted,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;

    #[test]
    fn a_hash_that_was_computed_wrong_is_no_damage() {
        let (expected, found) = (Digest::of(b"1"), Digest::of(b"2"));
        assert_eq!(Exit::from(&Error::HashesDiffer { path: "data".into(), expected, found }), Exit::Failed);
    }
}
