//! The details of a failure, for programs.

use serde_json::{Map, Value};

use super::{Error, Holder, LinkFault, Missing, Refusal};
use crate::name::RepositoryName;

impl Error {
    /// What the message names, for programs: `repository`, `digest`, `path`, `expected`, `found`, ….
    #[expect(clippy::too_many_lines, reason = "an arm for each failure")]
    pub fn detail(&self) -> Map<String, Value> {
        let mut detail = Map::new();
        let mut put = |key: &str, value: Value| {
            detail.insert(key.to_owned(), value);
        };
        let text = |value: &dyn ToString| Value::from(value.to_string());
        if let Some(path) = self.path() {
            put("path", path.to_string_lossy().into());
        }
        match self {
            Self::Io { action, source, .. } => {
                put("action", (*action).into());
                put("cause", text(source));
            }
            Self::NotATree { reason, .. }
            | Self::UnusableTree { reason, .. }
            | Self::Configuration { reason, .. }
            | Self::Refused { reason } => {
                put("reason", reason.as_str().into());
            }
            Self::SafetyLimit { reason, override_option } => {
                put("reason", reason.as_str().into());
                put("hint", (*override_option).into());
            }
            Self::RepositoryUnknown { repository, .. } => put("repository", text(repository)),
            Self::NoMatch { pattern } => put("pattern", pattern.as_str().into()),
            Self::RepositoryNameInvalid { name, source, .. } => {
                put("name", name.as_str().into());
                put("reason", text(source));
            }
            Self::NoDigest { line, reason, .. } => {
                put("line", (*line).into());
                put("reason", reason.as_str().into());
            }
            Self::Misplaced { reason, .. } | Self::Incomplete { reason, .. } => put("reason", (*reason).into()),
            Self::BlobUnknown { repository, digest, content, manifest, .. } => {
                put("manifest", (*manifest).into());
                put("repository", text(repository));
                put("digest", text(digest));
                put("content_exists", (*content).into());
            }
            Self::ContentMissing { repository, digest, .. } => {
                put("repository", text(repository));
                put("digest", text(digest));
                put("linked", true.into());
                put("content_exists", false.into());
            }
            Self::LinkedNowhere { digest, manifest_of, content } => {
                put("manifest_of", manifest_of.iter().map(RepositoryName::as_str).collect());
                put("digest", text(digest));
                put("content_exists", (*content).into());
            }
            Self::BrokenLink { repository, digest, fault, .. } => {
                put("repository", text(repository));
                put("digest", text(digest));
                put("reason", text(fault));
                if let Some(found) = fault.found() {
                    put("found", found.into());
                }
            }
            Self::StrangeLink { digest, fault, .. } => {
                if let Some(digest) = digest {
                    put("digest", text(digest));
                }
                put("reason", text(fault));
                if let Some(found) = fault.found() {
                    put("found", found.into());
                }
            }
            Self::ManifestUnknown { repository, digest, missing, .. } => {
                put("repository", text(repository));
                put("digest", text(digest));
                put("linked", (*missing == Missing::Content).into());
            }
            Self::TagUnknown { repository, tag, .. } => {
                put("repository", text(repository));
                put("tag", text(tag));
            }
            Self::BrokenTag { repository, tag, fault, .. } => {
                put("repository", text(repository));
                put("tag", text(tag));
                put("reason", text(fault));
                if let Some(found) = fault.found() {
                    put("found", found.into());
                }
            }
            Self::ManifestInvalid { what, repository, refusals } => {
                put("repository", text(repository));
                put("content", what.as_str().into());
                put("errors", refusals.iter().map(Refusal::to_json).collect());
            }
            Self::ManifestMalformed { repository, digest, reason } => {
                put("repository", text(repository));
                put("digest", text(digest));
                put("reason", reason.as_str().into());
            }
            Self::PlatformUnknown { repository, digest, platform, available } => {
                put("repository", text(repository));
                put("digest", text(digest));
                put("platform", platform.as_str().into());
                put("available", available.iter().map(String::as_str).collect());
            }
            Self::SignaturesUnknown { repository, digest } => {
                put("repository", text(repository));
                put("digest", text(digest));
            }
            Self::InUse { repository, digest, by, override_option, .. } => {
                put("hint", (*override_option).into());
                put("repository", text(repository));
                put("digest", text(digest));
                put("needed_by", by.iter().map(String::as_str).collect());
            }
            Self::WrongKind { expected, found, .. } => {
                put("expected", (*expected).into());
                put("found", (*found).into());
            }
            Self::UploadUnknown { repository, id, .. } => {
                put("repository", text(repository));
                put("upload", text(id));
            }
            Self::OffsetMismatch { repository, id, expected, found } => {
                put("repository", text(repository));
                put("upload", text(id));
                put("expected", (*expected).into());
                put("found", (*found).into());
            }
            Self::Corrupt { repository, expected, found, size, .. } => {
                put("repository", text(repository));
                put("digest", text(expected));
                put("expected", text(expected));
                put("found", text(found));
                put("size", (*size).into());
            }
            Self::DigestMismatch { what, repository, expected, found, size } => {
                put("repository", text(repository));
                put("content", what.as_str().into());
                put("expected", text(expected));
                put("found", text(found));
                put("size", (*size).into());
            }
            Self::SizeMismatch { what, repository, expected, found, .. } => {
                put("repository", text(repository));
                put("content", what.as_str().into());
                put("expected", (*expected).into());
                put("found", (*found).into());
            }
            Self::RangeInvalid { range, digest, size } => {
                put("range", range.as_str().into());
                put("digest", text(digest));
                put("size", (*size).into());
            }
            Self::DigestUnusable { digest, .. } => put("digest", text(digest)),
            Self::NotQuarantined { what, .. } => put("what", what.as_str().into()),
            Self::JournalMalformed { line, reason, .. } => {
                put("line", (*line).into());
                put("reason", reason.as_str().into());
            }
            Self::NotPutBack { kept, reason, .. } => {
                put("kept", kept.to_string_lossy().into());
                put("reason", reason.as_str().into());
            }
            Self::Locked { holders, .. } => put("holders", holders.iter().map(Holder::to_json).collect()),
            Self::Interrupted { signal } => put("signal", (*signal).into()),
        }
        detail
    }
}

impl LinkFault {
    /// What the link contains, if anything.
    fn found(&self) -> Option<String> {
        match self {
            Self::Empty => None,
            Self::Malformed { found } => Some(found.clone()),
            Self::Mismatch { found } | Self::Alias { found } => Some(found.to_string()),
        }
    }
}
