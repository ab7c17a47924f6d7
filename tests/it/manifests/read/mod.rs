//! Manifests from real trees, odd manifests, and bad input.

mod bad_input;
mod oddities;
mod vectors;

use regtree::manifest::Manifest;

/// A sha256 digest that repeats one digit.
fn d(digit: &str) -> String {
    format!("sha256:{}", digit.repeat(64))
}

fn read(document: &str) -> Manifest {
    Manifest::read(document.as_bytes()).unwrap_or_else(|fault| panic!("{fault}: {document}"))
}

/// The digests of the references, as written.
fn references(manifest: &Manifest) -> Vec<&str> {
    manifest.references.iter().map(|reference| reference.text.as_str()).collect()
}

fn names(manifest: &Manifest) -> Vec<&'static str> {
    manifest.oddities.iter().map(|sighting| sighting.oddity.name()).collect()
}

fn mentioned(manifest: &Manifest) -> Vec<String> {
    manifest.mentioned.iter().map(ToString::to_string).collect()
}

const OCI: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const SCHEMA2: &str = "application/vnd.docker.distribution.manifest.v2+json";
const LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
