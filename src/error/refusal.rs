//! Why a registry would refuse a manifest.

use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::json;

/// The code of the registry's API for a refusal (layout.md §8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum RefusalCode {
    /// The bytes are no manifest of their type.
    ManifestInvalid,
    /// Something referenced is not in the repository.
    ManifestBlobUnknown,
    /// A signature is missing or does not verify.
    ManifestUnverified,
    /// The name in a schema1 manifest is no repository name.
    NameInvalid,
    /// A digest is not valid, or does not match the content.
    DigestInvalid,
    /// The API has no code for the reason.
    Unknown,
}

impl RefusalCode {
    /// The code as the API spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ManifestInvalid => "MANIFEST_INVALID",
            Self::ManifestBlobUnknown => "MANIFEST_BLOB_UNKNOWN",
            Self::ManifestUnverified => "MANIFEST_UNVERIFIED",
            Self::NameInvalid => "NAME_INVALID",
            Self::DigestInvalid => "DIGEST_INVALID",
            Self::Unknown => "UNKNOWN",
        }
    }
}

impl fmt::Display for RefusalCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for RefusalCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
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
}

impl Refusal {
    /// A refusal that is about no digest.
    pub fn new(code: RefusalCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), digest: None }
    }

    /// A refusal that is about a digest.
    pub fn about(code: RefusalCode, digest: &str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), digest: Some(digest.to_owned()) }
    }

    /// The registry API's code.
    pub fn code(&self) -> &'static str {
        self.code.as_str()
    }

    /// The refusal in the form of the registry API's errors.
    pub fn to_json(&self) -> serde_json::Value {
        let detail = self.digest.as_ref().map_or_else(|| json!({}), |digest| json!({ "digest": digest }));
        json!({ "code": self.code, "message": self.message, "detail": detail })
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(RefusalCode::ManifestInvalid, message)
    }
}
