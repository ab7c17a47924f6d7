//! Makes images of what a docker archive has: `docker save` and `podman save` write one.
//!
//! Such an archive has no manifests of images: its `manifest.json` names a config, the layers, which are not
//! compressed, and tags. So the manifests are made here, as `docker push` makes them: schema2, and OCI where a layer is
//! compressed with zstd, for which schema2 has no name.

use serde::{Deserialize, Serialize};

use super::DOCKER_MANIFEST;
use super::compression::Compression;
use super::layout::{ENTRIES_MAX, Entry};
use super::stage::{Layer, Stager};
use crate::descriptor::Descriptor;
use crate::digest::Digest;
use crate::error::Result;
use crate::manifest::Kind;

const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";

/// An image of `manifest.json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Item {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    #[serde(default)]
    layers: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    rootfs: RootFs,
}

#[derive(Default, Deserialize)]
struct RootFs {
    #[serde(default)]
    diff_ids: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    schema_version: u8,
    media_type: &'static str,
    config: Descriptor,
    layers: Vec<Descriptor>,
}

/// The names in `manifest.json`, one entry for each. Without its content no image has a digest.
pub(super) fn names(stager: &Stager<'_>, text: &[u8]) -> Result<Vec<Option<String>>> {
    let items = items(stager, text)?;
    Ok(items.into_iter().flat_map(|item| names_of(item.repo_tags)).collect())
}

/// Makes the manifests of the images, and keeps them with what is staged. One entry for each name.
///
/// `Err(SourceInvalid)` when a file is missing, or a layer is not the one that the config says.
pub(super) fn images(stager: &mut Stager<'_>, text: &[u8]) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for item in items(stager, text)? {
        let (kind, bytes) = image(stager, &item)?;
        let digest = stager.add(&bytes)?;
        for name in names_of(item.repo_tags) {
            if entries.len() == ENTRIES_MAX {
                return Err(stager.invalid(DOCKER_MANIFEST, format!("it names more than {ENTRIES_MAX} images")));
            }
            let mut entry = Entry::new(digest, bytes.len() as u64);
            entry.media_type = kind.media_type().map(str::to_owned);
            entry.containerd_name = name;
            entries.push(entry);
        }
    }
    Ok(entries)
}

fn items(stager: &Stager<'_>, text: &[u8]) -> Result<Vec<Item>> {
    serde_json::from_slice(text).map_err(|error| stager.invalid(DOCKER_MANIFEST, error.to_string()))
}

fn names_of(tags: Option<Vec<String>>) -> Vec<Option<String>> {
    match tags {
        Some(tags) if !tags.is_empty() => tags.into_iter().map(Some).collect(),
        _ => vec![None],
    }
}

fn image(stager: &mut Stager<'_>, item: &Item) -> Result<(Kind, Vec<u8>)> {
    let (config, bytes) = stager.document(&item.config)?;
    let size = bytes.len() as u64;
    let document: Config =
        serde_json::from_slice(&bytes).map_err(|error| stager.invalid(&item.config, error.to_string()))?;
    let (names, diff_ids) = (item.layers.as_deref().unwrap_or_default(), document.rootfs.diff_ids);
    if names.len() != diff_ids.len() {
        let (expected, found) = (diff_ids.len(), names.len());
        let reason = format!("expected {expected} layers, as its diff_ids say, found {found} in {DOCKER_MANIFEST}");
        return Err(stager.invalid(&item.config, reason));
    }
    let mut layers = Vec::with_capacity(names.len());
    for (name, diff_id) in names.iter().zip(&diff_ids) {
        let layer = stager.find_layer(name)?;
        if layer.diff_id.to_string() != *diff_id {
            let found = layer.diff_id;
            let reason = format!("expected {diff_id}, as {} says, found {found}", item.config);
            return Err(stager.invalid(name, reason));
        }
        layers.push(layer);
    }
    Ok(document_of(config, size, &layers))
}

/// The manifest of an image with this config, of so many bytes.
fn document_of(config: Digest, size: u64, layers: &[Layer]) -> (Kind, Vec<u8>) {
    let is_oci = layers.iter().any(|layer| layer.compression == Compression::Zstd);
    let (kind, config_type) = if is_oci { (Kind::OciManifest, OCI_CONFIG) } else { (Kind::Schema2, DOCKER_CONFIG) };
    let descriptor = |layer: &Layer| Descriptor {
        media_type: layer_type(layer.compression, is_oci),
        size: layer.size,
        digest: layer.digest,
    };
    let document = Document {
        schema_version: 2,
        media_type: kind.media_type().unwrap_or(crate::descriptor::OCTET_STREAM),
        config: Descriptor { media_type: config_type, size, digest: config },
        layers: layers.iter().map(descriptor).collect(),
    };
    let bytes = serde_json::to_vec(&document).expect("numbers and text are JSON");
    (kind, bytes)
}

fn layer_type(compression: Compression, is_oci: bool) -> &'static str {
    match (is_oci, compression) {
        (false, Compression::Gzip) => "application/vnd.docker.image.rootfs.diff.tar.gzip",
        (false, _) => "application/vnd.docker.image.rootfs.diff.tar",
        (true, Compression::Gzip) => "application/vnd.oci.image.layer.v1.tar+gzip",
        (true, Compression::Zstd) => "application/vnd.oci.image.layer.v1.tar+zstd",
        (true, _) => "application/vnd.oci.image.layer.v1.tar",
    }
}
