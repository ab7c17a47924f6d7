//! Finds the manifests that are about another one, its referrers: those that have it as their `subject`, and those that
//! clients listed under the referrers tag, because registries have no referrers API (layout.md §9). Also finds the
//! manifests that name it as a child.

use std::collections::BTreeMap;

use serde::Serialize;

use super::get;
use super::model::{Manifest, Reference};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::name::Tag;
use crate::repository::{Repository, revision};
use crate::tag;

/// A manifest that is about another, as a descriptor in an OCI index has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Referrer {
    /// Its media type; empty when it is not known.
    pub media_type: String,
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes. If it is missing, the size in the list, or 0 when the list has none.
    pub size: u64,
    /// Its `artifactType`, or the type of its config.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// Its annotations.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Whether the repository has it. A list may name a manifest that is gone.
    #[serde(skip)]
    pub present: bool,
}

/// The tag under which clients list the referrers of `subject`.
fn fallback_tag(subject: Digest) -> Option<Tag> {
    let text = subject.to_string();
    let (algorithm, encoded) = text.split_once(':')?;
    let cut = |text: &str, length: usize| text.chars().take(length).collect::<String>();
    let plain = |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '.' | '-');
    let tag = format!("{}-{}", cut(algorithm, 32), cut(encoded, 64));
    tag.replace(|character| !plain(character), "-").parse().ok()
}

/// How the other manifests of a repository relate to one of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Relations {
    /// The manifests that name it as a child: indexes, and manifests of unknown kinds that mention it. Sorted.
    pub parents: Vec<Digest>,
    /// The manifests that are about it, sorted by digest.
    pub referrers: Vec<Referrer>,
}

/// The parents and referrers of `subject`, which need not exist, and the errors of what can't be read.
pub fn relations(repository: &Repository<'_>, subject: Digest) -> Result<(Relations, Vec<Error>)> {
    let (mut parents, mut damage) = (Vec::new(), Vec::new());
    let mut found = BTreeMap::new();
    for manifest in get::manifests(repository) {
        let (revision, manifest) = match manifest {
            Ok(read) => read,
            Err(error) => {
                damage.push(error);
                continue;
            }
        };
        if is_about(&manifest, subject) {
            let size = super::size(repository, revision.digest)?;
            found.insert(revision.digest, referrer(revision.digest, size, &manifest));
        }
        if manifest.children().any(|child| child == subject) {
            parents.push(revision.digest);
        }
    }
    match listed(repository, subject) {
        Ok(references) => {
            for reference in references {
                let Ok(digest) = reference.digest else { continue };
                if let std::collections::btree_map::Entry::Vacant(entry) = found.entry(digest) {
                    // A broken link was already added to the damage above.
                    let present = matches!(revision::find(repository, digest), Ok(Some(_)));
                    entry.insert(from_list(digest, &reference, present));
                }
            }
        }
        Err(error) => damage.push(error),
    }
    parents.sort();
    parents.dedup();
    Ok((Relations { parents, referrers: found.into_values().collect() }, damage))
}

fn is_about(manifest: &Manifest, subject: Digest) -> bool {
    manifest.subject.as_ref().is_some_and(|reference| reference.digest == Ok(subject))
}

fn referrer(digest: Digest, size: u64, manifest: &Manifest) -> Referrer {
    Referrer {
        digest,
        size,
        media_type: manifest.served_as().unwrap_or_default().to_owned(),
        artifact_type: manifest.referrer_type().map(str::to_owned),
        annotations: manifest.annotations.clone(),
        present: true,
    }
}

/// The references in the index under the referrers tag.
fn listed(repository: &Repository<'_>, subject: Digest) -> Result<Vec<Reference>> {
    let Some(tag) = fallback_tag(subject) else { return Ok(Vec::new()) };
    let Some(digest) = tag::find(repository, &tag)? else { return Ok(Vec::new()) };
    let (_, manifest) = get::read(repository, digest)?;
    // A manifest of another kind under this tag is not a list of referrers.
    Ok(if manifest.kind.has_children() { manifest.references } else { Vec::new() })
}

fn from_list(digest: Digest, reference: &Reference, present: bool) -> Referrer {
    Referrer {
        digest,
        size: reference.size.and_then(|size| u64::try_from(size).ok()).unwrap_or_default(),
        media_type: reference.media_type.clone().unwrap_or_default(),
        artifact_type: reference.artifact_type.clone(),
        annotations: reference.annotations.clone(),
        present,
    }
}
