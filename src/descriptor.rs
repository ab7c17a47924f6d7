//! Descriptors: how content is pointed to.

use serde::Serialize;

use crate::digest::Digest;

/// The media type of a blob, which the tree does not keep (layout.md §4.1).
pub const OCTET_STREAM: &str = "application/octet-stream";

/// What points to content: its type, its length in bytes, its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// The kind of content.
    pub media_type: &'static str,
    /// Its length in bytes.
    pub size: u64,
    /// Its name.
    pub digest: Digest,
}

impl Descriptor {
    /// A blob's descriptor.
    pub fn blob(digest: Digest, size: u64) -> Self {
        Self { media_type: OCTET_STREAM, size, digest }
    }
}
