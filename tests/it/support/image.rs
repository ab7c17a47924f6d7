//! Images built by hand.

use std::fs;
use std::io::Write;
use std::path::Path;

use serde_json::{Value, json};

use super::scratch::digest_by;

pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// Bytes that differ from place to place and from seed to seed.
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let step = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(step).take(length).collect()
}

/// An OCI image of two layers.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    pub(crate) config: Vec<u8>,
    pub(crate) layers: [Vec<u8>; 2],
    pub(crate) manifest: Vec<u8>,
    architecture: String,
}

impl Image {
    pub(crate) fn new() -> Self {
        Self::of("amd64", 1)
    }

    /// One for a processor, with layers that another seed's image does not have.
    pub(crate) fn of(architecture: &str, seed: u64) -> Self {
        let archives = [noise(seed, 2000), noise(seed + 1, 50_000)].map(|content| archive(&content));
        let layers = archives.each_ref().map(|archive| gzip(archive));
        let config = json!({
            "architecture": architecture,
            "os": "linux",
            "config": {},
            "created": "2020-01-01T00:00:00Z",
            "history": [{ "created_by": "one" }, { "created_by": "two" }],
            "rootfs": { "type": "layers", "diff_ids": archives.map(|archive| digest_by("sha256", &archive)) },
        });
        let config = serde_json::to_vec(&config).unwrap();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": descriptor(CONFIG, &config),
            "layers": layers.each_ref().map(|layer| descriptor(LAYER, layer)),
        });
        let manifest = serde_json::to_vec(&manifest).unwrap();
        Self { config, layers, manifest, architecture: architecture.to_owned() }
    }

    /// The config and the layers.
    pub(crate) fn blobs(&self) -> [&[u8]; 3] {
        [&self.config, &self.layers[0], &self.layers[1]]
    }

    /// Writes it as an OCI image layout.
    pub(crate) fn lay_out(&self, directory: &Path) {
        let index = json!({ "schemaVersion": 2, "manifests": [descriptor(MANIFEST, &self.manifest)] });
        lay_out(directory, &index, &[self]);
    }
}

/// An index of images.
pub(crate) fn index_of(images: &[&Image]) -> Vec<u8> {
    let children = images.iter().map(|image| {
        let mut child = descriptor(MANIFEST, &image.manifest);
        child["platform"] = json!({ "architecture": image.architecture, "os": "linux" });
        child
    });
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": children.collect::<Vec<_>>() });
    serde_json::to_vec(&index).unwrap()
}

/// Writes an index of images as an OCI image layout.
pub(crate) fn lay_out_index(images: &[&Image], directory: &Path) {
    let content = index_of(images);
    let index = json!({ "schemaVersion": 2, "manifests": [descriptor(INDEX, &content)] });
    lay_out(directory, &index, images);
    fs::write(directory.join("blobs/sha256").join(file_name(&content)), content).unwrap();
}

fn lay_out(directory: &Path, index: &Value, images: &[&Image]) {
    fs::create_dir_all(directory.join("blobs/sha256")).unwrap();
    fs::write(directory.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    fs::write(directory.join("index.json"), index.to_string()).unwrap();
    for image in images {
        for blob in image.blobs().into_iter().chain([&*image.manifest]) {
            fs::write(directory.join("blobs/sha256").join(file_name(blob)), blob).unwrap();
        }
    }
}

pub(crate) fn archive(content: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    let mut builder = tar::Builder::new(Vec::new());
    builder.append_data(&mut header, "content", content).unwrap();
    builder.into_inner().unwrap()
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn descriptor(media_type: &str, content: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": digest_by("sha256", content), "size": content.len() })
}

/// What skopeo calls a blob's file: its digest's hex digits.
pub(crate) fn file_name(blob: &[u8]) -> String {
    digest_by("sha256", blob).hex().to_string()
}
