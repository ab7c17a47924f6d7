//! Images built by hand.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::scratch::digest_by;
use super::tar_writer::gzip;

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
        lay_out(directory, &self.layout());
    }

    /// The files of it as an OCI image layout.
    pub(crate) fn layout(&self) -> Vec<(String, Vec<u8>)> {
        layout(&descriptor(MANIFEST, &self.manifest), &[self])
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
    let index = index_of(images);
    let mut files = layout(&descriptor(INDEX, &index), images);
    files.push((blob_name(&index), index));
    lay_out(directory, &files);
}

/// The files of a layout that names one thing, and has images.
fn layout(named: &Value, images: &[&Image]) -> Vec<(String, Vec<u8>)> {
    let index = json!({ "schemaVersion": 2, "manifests": [named] }).to_string();
    let marker = br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec();
    let mut files = vec![("oci-layout".to_owned(), marker), ("index.json".to_owned(), index.into_bytes())];
    let blobs = images.iter().flat_map(|image| image.blobs().into_iter().chain([&*image.manifest]));
    files.extend(blobs.map(|blob| (blob_name(blob), blob.to_vec())));
    files
}

/// Where content lies in a layout.
pub(crate) fn blob_name(content: &[u8]) -> String {
    format!("blobs/sha256/{}", file_name(content))
}

fn lay_out(directory: &Path, files: &[(String, Vec<u8>)]) {
    for (name, content) in files {
        let path = directory.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
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

pub(crate) fn descriptor(media_type: &str, content: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": digest_by("sha256", content), "size": content.len() })
}

/// What skopeo calls a blob's file: its digest's hex digits.
pub(crate) fn file_name(blob: &[u8]) -> String {
    digest_by("sha256", blob).hex().to_string()
}
