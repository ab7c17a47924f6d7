//! The parts of a message that depend on what was found.

use std::path::Path;

use super::{Holder, Missing, Refusal};
use crate::digest::Digest;
use crate::name::RepositoryName;

/// How many digests a message lists.
const SHOWN_CANDIDATES: usize = 10;

pub(super) fn manifest_unknown(path: &Path, missing: Missing) -> String {
    match missing {
        Missing::Link => format!("there is no {}", path.display()),
        Missing::Content => format!("it is linked, but its content is missing: there is no {}", path.display()),
    }
}

/// A single reason in full; only the number of several, because the caller prints each on its own.
pub(super) fn refusals(refusals: &[Refusal]) -> String {
    match refusals {
        [refusal] => refusal.to_string(),
        refusals => format!("{} reasons", refusals.len()),
    }
}

pub(super) fn nowhere(content: bool, manifest_of: &[RepositoryName]) -> String {
    if manifest_of.is_empty() {
        let text = if content { ", though its content exists" } else { ", and there is no such content" };
        return text.to_owned();
    }
    let names: Vec<&str> = manifest_of.iter().map(RepositoryName::as_str).collect();
    format!(" as a layer, but it is a manifest of {}", names.join(", "))
}

pub(super) fn place(repository: Option<&RepositoryName>) -> String {
    repository.map_or_else(|| "in the tree".to_owned(), |name| format!("in repository {name}"))
}

pub(super) fn candidates(candidates: &[Digest]) -> String {
    let shown: Vec<String> = candidates.iter().take(SHOWN_CANDIDATES).map(ToString::to_string).collect();
    let more = match candidates.len() - shown.len() {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    format!("{}{more}", shown.join(", "))
}

pub(super) fn holders(holders: &[Holder]) -> String {
    if holders.is_empty() {
        return "another process, which left no note".to_owned();
    }
    holders.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
