//! Descriptors, which point to content.

use serde::Serialize;

use crate::digest::Digest;

/// The media type of every blob, because the tree does not store the true one (layout.md §4.1).
pub(crate) const OCTET_STREAM: &str = "application/octet-stream";

/// A pointer to content: its media type, size and digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// The media type.
    pub media_type: &'static str,
    /// The size in bytes.
    pub size: u64,
    /// The digest.
    pub digest: Digest,
}

impl Descriptor {
    /// The descriptor of a blob.
    pub fn blob(digest: Digest, size: u64) -> Self {
        Self { media_type: OCTET_STREAM, size, digest }
    }
}
