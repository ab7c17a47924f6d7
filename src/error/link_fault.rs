//! What can be wrong with a link.

use crate::digest::Digest;

/// What is wrong with a link.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LinkFault {
    /// The link has no bytes, as a crash of a registry before 3.1 in a small write leaves it.
    #[error("it is empty, expected a digest")]
    Empty,
    /// The link contains something that is no digest.
    #[error("expected a digest and nothing else, found {found}")]
    Malformed {
        /// The beginning of its content, quoted.
        found: String,
    },
    /// The link contains another digest than that of its path.
    #[error("expected the digest of its path, found {found}")]
    Mismatch {
        /// The digest in the link.
        found: Digest,
    },
    /// An alias contains a digest under which blobs are never stored, as a mount by an alias leaves it (layout.md
    /// §4.3).
    #[error("expected the sha256 digest of its content, found {found}")]
    Alias {
        /// The digest in the link.
        found: Digest,
    },
}
