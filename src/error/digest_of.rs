//! Defines what a digest can be of.

use crate::named::named;

named! {
    /// What a shortened digest is searched among.
    pub enum DigestOf {
        /// The manifests of a repository.
        Manifest = "manifest",
        /// The blobs of a repository or of the tree.
        Blob = "blob",
    }
}
