//! Gives the details of a failure, for programs.

use std::path::PathBuf;

use serde_json::{Map, Value, json};

use crate::digest::Digest;
use crate::error::{Error, LinkFault, Missing, Refusal};
use crate::json::applying;

/// What the message names, for programs: `repository`, `digest`, `path`, `expected`, `found`, ….
pub(super) fn detail(error: &Error) -> Map<String, Value> {
    let mut detail = Map::new();
    if let Some(path) = error.path() {
        detail.insert("path".to_owned(), path.to_string_lossy().into());
    }
    if let Value::Object(facts) = applying(facts(error)) {
        detail.extend(facts);
    }
    detail
}

/// The details besides the path. `null` is one that this failure does not have.
fn facts(error: &Error) -> Value {
    match error {
        Error::Io { action, source, .. } => json!({ "action": action, "cause": source.to_string() }),
        Error::NotATree { reason, .. }
        | Error::UnusableTree { reason, .. }
        | Error::Configuration { reason, .. }
        | Error::NotUndone { reason, .. }
        | Error::Refused { reason } => json!({ "reason": reason }),
        Error::InDatabase { database, reason, .. } => json!({ "database": database, "reason": reason }),
        Error::SafetyLimit { reason, override_option } => json!({ "reason": reason, "hint": override_option }),
        Error::RepositoryUnknown { repository, .. } => json!({ "repository": repository }),
        Error::NoMatch { pattern } => json!({ "pattern": pattern }),
        Error::RepositoryNameInvalid { name, source, .. } => json!({ "name": name, "reason": source.to_string() }),
        Error::NoDigest { line, reason, .. } => json!({ "line": line, "reason": reason }),
        Error::Misplaced { reason, .. } | Error::Incomplete { reason, .. } => json!({ "reason": reason }),
        Error::BlobUnknown { repository, digest, content, manifest, .. } => json!({
            "manifest": manifest, "repository": repository, "digest": digest, "content_exists": content,
        }),
        Error::ContentMissing { repository, digest, .. } => json!({
            "repository": repository, "digest": digest, "linked": true, "content_exists": false,
        }),
        Error::LinkedNowhere { digest, manifest_of, content } => {
            json!({ "manifest_of": manifest_of, "digest": digest, "content_exists": content })
        }
        Error::BrokenLink { repository, digest, fault, .. } => json!({
            "repository": repository, "digest": digest, "reason": fault.to_string(), "found": found(fault),
        }),
        Error::StrangeLink { digest, fault, .. } => {
            json!({ "digest": digest, "reason": fault.to_string(), "found": found(fault) })
        }
        Error::ManifestUnknown { repository, digest, missing, .. } => json!({
            "repository": repository, "digest": digest, "linked": *missing == Missing::Content,
        }),
        Error::TagUnknown { repository, tag, .. } => json!({ "repository": repository, "tag": tag }),
        Error::TargetUnknown { repository, text } => json!({ "repository": repository, "given": text }),
        Error::PrefixUnknown { prefix, repository, of } => {
            json!({ "given": prefix.to_string(), "repository": repository, "kind": of })
        }
        Error::DigestAmbiguous { prefix, repository, candidates } => {
            json!({ "given": prefix.to_string(), "repository": repository, "candidates": candidates })
        }
        Error::DigestShortened { prefix, whole } => json!({ "given": prefix.to_string(), "digest": whole }),
        Error::TagElsewhere { repository, tag, expected, found } => json!({
            "repository": repository, "tag": tag, "expected": expected.to_string(), "found": found,
        }),
        Error::BrokenTag { repository, tag, fault, .. } => json!({
            "repository": repository, "tag": tag, "reason": fault.to_string(), "found": found(fault),
        }),
        Error::ManifestInvalid { what, repository, refusals } => {
            let errors: Vec<Value> = refusals.iter().map(refusal).collect();
            json!({ "repository": repository, "content": what, "errors": errors })
        }
        Error::ManifestMalformed { repository, digest, reason } | Error::NotHeld { repository, digest, reason } => {
            json!({ "repository": repository, "digest": digest, "reason": reason })
        }
        Error::PlatformUnknown { repository, digest, platform, available } => json!({
            "repository": repository, "digest": digest, "platform": platform, "available": available,
        }),
        Error::PlatformWanted { repository, digest, available } => {
            json!({ "repository": repository, "digest": digest, "available": available })
        }
        Error::SignaturesUnknown { repository, digest } => json!({ "repository": repository, "digest": digest }),
        Error::InUse { repository, digest, by, override_option, .. } => json!({
            "hint": override_option, "repository": repository, "digest": digest, "needed_by": by,
        }),
        Error::WrongKind { expected, found, .. } => json!({ "expected": expected, "found": found }),
        Error::UploadUnknown { repository, id, .. } => json!({ "repository": repository, "upload": id }),
        Error::OffsetMismatch { repository, id, expected, found } => json!({
            "repository": repository, "upload": id, "expected": expected, "found": found,
        }),
        Error::Corrupt { repository, expected, found, size, .. } => json!({
            "repository": repository, "digest": expected, "expected": expected, "found": found, "size": size,
        }),
        Error::HashesDiffer { expected, found, .. } => json!({ "expected": expected, "found": found }),
        Error::DigestMismatch { what, repository, expected, found, size } => json!({
            "repository": repository, "content": what, "expected": expected, "found": found, "size": size,
        }),
        Error::TarsumUnknown { repository, expected, reason, .. }
        | Error::NotAnArchive { repository, expected, reason, .. } => {
            json!({ "repository": repository, "expected": expected, "reason": reason })
        }
        Error::SizeMismatch { what, repository, expected, found, .. } => json!({
            "repository": repository, "content": what, "expected": expected, "found": found,
        }),
        Error::RangeInvalid { range, digest, size } => json!({ "range": range, "digest": digest, "size": size }),
        Error::DigestUnusable { digest, .. } => json!({ "digest": digest }),
        Error::NotExported { image, source } => {
            let mut facts = facts(source);
            facts["image"] = json!(image);
            facts
        }
        Error::SourceInvalid { entry, reason, .. } => json!({ "entry": entry, "reason": reason }),
        Error::SourceElsewhere { source_name } => json!({ "given": source_name }),
        Error::ImageUnnamed { digest, tag, .. } => json!({ "digest": digest, "tag": tag }),
        Error::NameTwice { name, first, second } => twice(name, [first, second]),
        Error::NotQuarantined { what, .. } => json!({ "what": what }),
        Error::JournalMalformed { line, reason, .. } => json!({ "line": line, "reason": reason }),
        Error::NotPutBack { kept, reason, .. } => json!({ "kept": kept.to_string_lossy(), "reason": reason }),
        Error::Locked { holders, .. } => json!({ "holders": holders }),
        Error::Interrupted { signal } => json!({ "signal": signal }),
    }
}

/// The details of two images that have one name.
fn twice(name: &str, images: [&(PathBuf, Digest); 2]) -> Value {
    let images = images.map(|(path, digest)| json!({ "path": path.to_string_lossy(), "digest": digest }));
    json!({ "name": name, "images": images })
}

/// What a broken link contains, if anything.
fn found(fault: &LinkFault) -> Option<String> {
    match fault {
        LinkFault::Empty => None,
        LinkFault::Malformed { found } => Some(found.clone()),
        LinkFault::Mismatch { found } | LinkFault::Alias { found } => Some(found.to_string()),
    }
}

/// A refusal in the form of the registry API's errors.
pub(super) fn refusal(refusal: &Refusal) -> Value {
    let detail = refusal.digest.as_ref().map_or_else(|| json!({}), |digest| json!({ "digest": digest }));
    json!({ "code": refusal.code, "message": refusal.message, "detail": detail })
}
