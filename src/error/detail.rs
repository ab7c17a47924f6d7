//! Gives the details of a failure, for programs.

use serde_json::{Map, Value, json};

use super::{Error, LinkFault, Missing, Refusal};

impl Error {
    /// What the message names, for programs: `repository`, `digest`, `path`, `expected`, `found`, ….
    pub fn detail(&self) -> Map<String, Value> {
        let mut detail = Map::new();
        if let Some(path) = self.path() {
            detail.insert("path".to_owned(), path.to_string_lossy().into());
        }
        if let Value::Object(facts) = self.facts() {
            detail.extend(facts.into_iter().filter(|(_, fact)| !fact.is_null()));
        }
        detail
    }

    /// The details besides the path. `null` is one that this failure does not have.
    fn facts(&self) -> Value {
        match self {
            Self::Io { action, source, .. } => json!({ "action": action, "cause": source.to_string() }),
            Self::NotATree { reason, .. }
            | Self::UnusableTree { reason, .. }
            | Self::Configuration { reason, .. }
            | Self::Refused { reason } => json!({ "reason": reason }),
            Self::SafetyLimit { reason, override_option } => json!({ "reason": reason, "hint": override_option }),
            Self::RepositoryUnknown { repository, .. } => json!({ "repository": repository }),
            Self::NoMatch { pattern } => json!({ "pattern": pattern }),
            Self::RepositoryNameInvalid { name, source, .. } => json!({ "name": name, "reason": source.to_string() }),
            Self::NoDigest { line, reason, .. } => json!({ "line": line, "reason": reason }),
            Self::Misplaced { reason, .. } | Self::Incomplete { reason, .. } => json!({ "reason": reason }),
            Self::BlobUnknown { repository, digest, content, manifest, .. } => json!({
                "manifest": manifest, "repository": repository, "digest": digest, "content_exists": content,
            }),
            Self::ContentMissing { repository, digest, .. } => json!({
                "repository": repository, "digest": digest, "linked": true, "content_exists": false,
            }),
            Self::LinkedNowhere { digest, manifest_of, content } => {
                json!({ "manifest_of": manifest_of, "digest": digest, "content_exists": content })
            }
            Self::BrokenLink { repository, digest, fault, .. } => json!({
                "repository": repository, "digest": digest, "reason": fault.to_string(), "found": fault.found(),
            }),
            Self::StrangeLink { digest, fault, .. } => {
                json!({ "digest": digest, "reason": fault.to_string(), "found": fault.found() })
            }
            Self::ManifestUnknown { repository, digest, missing, .. } => json!({
                "repository": repository, "digest": digest, "linked": *missing == Missing::Content,
            }),
            Self::TagUnknown { repository, tag, .. } => json!({ "repository": repository, "tag": tag }),
            Self::BrokenTag { repository, tag, fault, .. } => json!({
                "repository": repository, "tag": tag, "reason": fault.to_string(), "found": fault.found(),
            }),
            Self::ManifestInvalid { what, repository, refusals } => {
                let errors: Vec<Value> = refusals.iter().map(Refusal::to_json).collect();
                json!({ "repository": repository, "content": what, "errors": errors })
            }
            Self::ManifestMalformed { repository, digest, reason } => {
                json!({ "repository": repository, "digest": digest, "reason": reason })
            }
            Self::PlatformUnknown { repository, digest, platform, available } => json!({
                "repository": repository, "digest": digest, "platform": platform, "available": available,
            }),
            Self::SignaturesUnknown { repository, digest } => json!({ "repository": repository, "digest": digest }),
            Self::InUse { repository, digest, by, override_option, .. } => json!({
                "hint": override_option, "repository": repository, "digest": digest, "needed_by": by,
            }),
            Self::WrongKind { expected, found, .. } => json!({ "expected": expected, "found": found }),
            Self::UploadUnknown { repository, id, .. } => json!({ "repository": repository, "upload": id }),
            Self::OffsetMismatch { repository, id, expected, found } => json!({
                "repository": repository, "upload": id, "expected": expected, "found": found,
            }),
            Self::Corrupt { repository, expected, found, size, .. } => json!({
                "repository": repository, "digest": expected, "expected": expected, "found": found, "size": size,
            }),
            Self::DigestMismatch { what, repository, expected, found, size } => json!({
                "repository": repository, "content": what, "expected": expected, "found": found, "size": size,
            }),
            Self::SizeMismatch { what, repository, expected, found, .. } => json!({
                "repository": repository, "content": what, "expected": expected, "found": found,
            }),
            Self::RangeInvalid { range, digest, size } => json!({ "range": range, "digest": digest, "size": size }),
            Self::DigestUnusable { digest, .. } => json!({ "digest": digest }),
            Self::NotQuarantined { what, .. } => json!({ "what": what }),
            Self::JournalMalformed { line, reason, .. } => json!({ "line": line, "reason": reason }),
            Self::NotPutBack { kept, reason, .. } => json!({ "kept": kept.to_string_lossy(), "reason": reason }),
            Self::Locked { holders, .. } => json!({ "holders": holders }),
            Self::Interrupted { signal } => json!({ "signal": signal }),
        }
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
