//! When an image was built, as it says itself.

use std::collections::HashSet;

use jiff::Timestamp;
use serde::Deserialize;

use crate::blob::OpenBlob;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::manifest::{self, MAX_READ, Manifest, Role};
use crate::repository::Repository;
use crate::stream::Watch;

/// The part of an image's config that says when it was built.
#[derive(Deserialize)]
struct Config {
    created: Option<String>,
}

/// When the image was built; of an index, when the newest of its children was. Children that are not here say nothing.
/// `None` when nothing says it.
pub(super) fn created(repository: &Repository<'_>, image: Digest) -> Result<Option<Timestamp>> {
    let (mut newest, mut seen, mut pending) = (None, HashSet::new(), vec![image]);
    while let Some(digest) = pending.pop() {
        if !seen.insert(digest) {
            continue;
        }
        let manifest = match manifest::read(repository, digest) {
            Ok((_, manifest)) => manifest,
            Err(Error::ManifestUnknown { .. }) if digest != image => continue,
            Err(error) => return Err(error),
        };
        newest = newest.max(own(repository, &manifest)?);
        let children = manifest.references.iter().filter(|reference| reference.role == Role::Child);
        pending.extend(children.filter_map(|child| child.digest.ok()));
    }
    Ok(newest)
}

/// What a manifest's own config says.
fn own(repository: &Repository<'_>, manifest: &Manifest) -> Result<Option<Timestamp>> {
    let config = manifest.references.iter().find(|reference| reference.role == Role::Config);
    let Some(digest) = config.and_then(|config| config.digest.ok()) else { return Ok(None) };
    let blob = OpenBlob::open(repository, digest)?;
    if blob.descriptor().size > MAX_READ as u64 {
        return Ok(None);
    }
    let mut content = Vec::new();
    blob.copy_to(&mut content, "memory".as_ref(), &Watch::none())?;
    let config = serde_json::from_slice(&content).ok();
    Ok(config.and_then(|Config { created }| created?.parse().ok()))
}
