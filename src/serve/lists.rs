//! The lists of a registry: its repositories, the tags of one, and the manifests that refer to another.

use std::cmp::Ordering;

use serde_json::{Value, json};

use super::page::{Limits, Page};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::layout::Form;
use crate::manifest::{self, Kind};
use crate::registry::Registry;
use crate::repository::Repository;
use crate::tag;

/// How many repositories one answer has. Of tags there is no limit: clients ask for ten thousand at once.
pub(super) const REPOSITORIES: Limits = Limits { usual: 100, most: 1000 };

/// A list, or a part of one.
#[derive(Debug)]
pub(super) struct List {
    /// The document.
    pub(super) document: Value,
    /// The link to the next part, if there is one.
    pub(super) link: Option<String>,
    /// What could not be read.
    pub(super) damage: Vec<Error>,
}

/// The repositories, in the order in which a registry walks through them: by the parts of their names.
pub(super) fn catalog(registry: &Registry, page: &Page, path: &str) -> List {
    let found = registry.repositories();
    let mut names: Vec<String> = found.repositories.iter().map(ToString::to_string).collect();
    names.sort_by(|a, b| by_parts(a, b));
    let (names, link) = page.cut(names, by_parts, path);
    List { document: json!({ "repositories": names }), link, damage: found.damage }
}

fn by_parts(a: &str, b: &str) -> Ordering {
    a.split('/').cmp(b.split('/'))
}

/// The tags of a repository, sorted. A damaged tag is listed too, as a registry lists it.
///
/// `Err(RepositoryUnknown)` when the repository has no folder for tags.
pub(super) fn tags(repository: &Repository<'_>, page: &Page, path: &str) -> Result<List> {
    let folders = Form::ALL.map(|form| repository.tree().metadata(&repository.place(form).tags()));
    if folders.into_iter().collect::<Result<Vec<_>>>()?.iter().all(Option::is_none) {
        return Err(repository.unknown());
    }
    let found = tag::tags(repository);
    let damaged = found.damage.iter().filter_map(|error| match error {
        Error::TagUnknown { tag, .. } | Error::BrokenTag { tag, .. } => Some(tag),
        _ => None,
    });
    let mut names: Vec<String> =
        found.tags.iter().map(|(tag, _)| tag).chain(damaged).map(ToString::to_string).collect();
    names.sort();
    let (names, link) = page.cut(names, str::cmp, path);
    Ok(List { document: json!({ "name": repository.name(), "tags": names }), link, damage: found.damage })
}

/// The manifests that refer to `subject`, as an OCI index; only those of one type, if that is wanted. One that a client
/// listed and that is gone is left out.
pub(super) fn referrers(repository: &Repository<'_>, subject: Digest, wanted: Option<&str>) -> Result<List> {
    let (relations, damage) = manifest::relations(repository, subject)?;
    let mut found = relations.referrers;
    found.retain(|referrer| referrer.present);
    if let Some(wanted) = wanted {
        found.retain(|referrer| referrer.artifact_type.as_deref() == Some(wanted));
    }
    let media_type = Kind::OciIndex.media_type();
    let document = json!({ "schemaVersion": 2, "mediaType": media_type, "manifests": found });
    Ok(List { document, link: None, damage })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_are_in_the_order_of_a_walk() {
        let mut names = ["b", "a-b", "a/b", "a", "a/b/c", "a.b"];
        names.sort_by(|a, b| by_parts(a, b));
        assert_eq!(names, ["a", "a/b", "a/b/c", "a-b", "a.b", "b"]);
    }
}
