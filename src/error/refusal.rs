//! Defines why a registry would refuse a manifest.

use serde::Serialize;

use crate::named::named;

named! {
    /// The code of the registry's API for a refusal (layout.md §8).
    #[non_exhaustive]
    pub enum RefusalCode {
        /// The bytes are no manifest of their type.
        ManifestInvalid = "MANIFEST_INVALID",
        /// Something referenced is not in the repository.
        ManifestBlobUnknown = "MANIFEST_BLOB_UNKNOWN",
        /// A signature is missing or does not verify.
        ManifestUnverified = "MANIFEST_UNVERIFIED",
        /// The name in a schema1 manifest is no repository name.
        NameInvalid = "NAME_INVALID",
        /// A digest is not valid, or does not match the content.
        DigestInvalid = "DIGEST_INVALID",
        /// The API has no code for the reason.
        Unknown = "UNKNOWN",
    }
}

/// One reason to refuse a manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{code}: {message}")]
#[non_exhaustive]
pub struct Refusal {
    /// The API's code.
    pub code: RefusalCode,
    /// What is wrong.
    pub message: String,
    /// The digest that the refusal is about, as written; it need not be valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// What the digest is to the manifest, such as its `config`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<&'static str>,
}

impl Refusal {
    /// A refusal that is about no digest.
    pub(crate) fn new(code: RefusalCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), digest: None, role: None }
    }

    /// A refusal that is about a digest.
    pub(crate) fn about(code: RefusalCode, digest: &str, message: impl Into<String>) -> Self {
        Self { digest: Some(digest.to_owned()), ..Self::new(code, message) }
    }

    /// The registry API's code.
    pub(crate) fn code(&self) -> &'static str {
        self.code.name()
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(RefusalCode::ManifestInvalid, message)
    }
}
