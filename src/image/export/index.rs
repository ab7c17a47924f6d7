//! Writes the index that names the images of a layout.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::image::layout::{self, Written};
use crate::image::whole::Image;
use crate::image::{REF_NAME, REPOSITORY, SIGNATURE_OF};
use crate::name::RepositoryName;

/// The index: the entries that are `known` already, with those of the images in their places or at the end.
pub(super) fn index(known: Vec<layout::Entry>, images: &[Image]) -> Result<Vec<u8>> {
    let mut new = BTreeMap::new();
    for image in images {
        new.insert(Key::of_image(image), written(image)?);
        for (revision, signature, size) in &image.whole.signatures {
            new.insert(
                Key::of_signature(image, *signature),
                written_signature(&image.repository, *revision, *signature, *size)?,
            );
        }
    }
    let mut entries = Vec::new();
    for entry in known {
        entries.extend(new.remove(&Key::of_entry(&entry)).or(entry.raw));
    }
    // In the order of the names.
    entries.extend(new.into_values());
    let document = Index { schema_version: 2, media_type: INDEX_TYPE, manifests: entries };
    serde_json::to_vec(&document).map_err(|error| Error::io("write", layout::INDEX, error))
}

/// The media type of a stored signature: a JSON web signature.
const SIGNATURE_TYPE: &str = "application/jose+json";
const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Index {
    schema_version: u8,
    media_type: &'static str,
    manifests: Vec<Box<RawValue>>,
}

/// The keys of the entries of these images.
pub(super) fn keys(images: &[Image]) -> impl Iterator<Item = Key> {
    images.iter().flat_map(|image| {
        let signatures = image.whole.signatures.iter();
        signatures.map(|(_, signature, _)| Key::of_signature(image, *signature)).chain([Key::of_image(image)])
    })
}

/// What makes two entries of an index the same image.
#[derive(PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Key {
    Name(String),
    Untagged(Option<String>, Digest),
}

impl Key {
    fn of_image(image: &Image) -> Self {
        match image.name() {
            Some(name) => Self::Name(name),
            None => Self::Untagged(Some(image.repository.to_string()), image.whole.digest),
        }
    }

    fn of_signature(image: &Image, signature: Digest) -> Self {
        Self::Untagged(Some(image.repository.to_string()), signature)
    }

    pub(super) fn of_entry(entry: &layout::Entry) -> Self {
        match &entry.ref_name {
            Some(name) => Self::Name(name.clone()),
            None => Self::Untagged(entry.own_repository.clone(), entry.digest),
        }
    }
}

/// The entry of a signature, which is content of its own and no image.
fn written_signature(
    repository: &RepositoryName,
    revision: Digest,
    digest: Digest,
    size: u64,
) -> Result<Box<RawValue>> {
    let annotations = BTreeMap::from([(REPOSITORY, repository.to_string()), (SIGNATURE_OF, revision.to_string())]);
    raw(&Written { media_type: SIGNATURE_TYPE, digest, size, artifact_type: None, annotations })
}

fn written(image: &Image) -> Result<Box<RawValue>> {
    let mut annotations = BTreeMap::from([(REPOSITORY, image.repository.to_string())]);
    if let Some(name) = image.name() {
        annotations.insert(REF_NAME, name);
    }
    let whole = &image.whole;
    raw(&Written {
        media_type: &whole.media_type,
        digest: whole.digest,
        size: whole.size,
        artifact_type: whole.artifact_type.as_deref(),
        annotations,
    })
}

fn raw(entry: &Written<'_>) -> Result<Box<RawValue>> {
    serde_json::value::to_raw_value(entry).map_err(|error| Error::io("write", layout::INDEX, error))
}
