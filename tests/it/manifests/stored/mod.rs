//! Manifests that are there: listed, looked at, verified, deleted.

mod delete;
mod platform;
mod referrers;
mod truth;
mod unreadable;
mod untagged;
mod verify;

use regtree::Digest;
use serde_json::{Value, json};

use crate::support::{Regtree, Run, Scratch};

const REPOSITORY: &str = "lib/app";
const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

fn descriptor(media_type: &str, content: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": Digest::of(content), "size": content.len() })
}

/// An image of a config and layers.
fn image(config: &[u8], layers: &[&[u8]]) -> Value {
    let layers: Vec<Value> = layers.iter().map(|layer| descriptor(OCI_LAYER, layer)).collect();
    json!({ "schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": descriptor(OCI_CONFIG, config), "layers": layers })
}

fn index(children: &[(&Value, &str)]) -> Value {
    let child = |(manifest, architecture): &(&Value, &str)| {
        let mut child = descriptor(OCI_MANIFEST, manifest.to_string().as_bytes());
        child["platform"] = json!({ "os": "linux", "architecture": architecture });
        child
    };
    json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": children.iter().map(child).collect::<Vec<_>>() })
}

/// A manifest about another.
fn about(subject: Digest, size: usize, artifact_type: &str) -> Value {
    let empty = descriptor("application/vnd.oci.empty.v1+json", b"{}");
    json!({
        "schemaVersion": 2, "mediaType": OCI_MANIFEST, "artifactType": artifact_type, "config": empty, "layers": [empty],
        "subject": { "mediaType": OCI_MANIFEST, "digest": subject, "size": size },
    })
}

/// Puts a manifest, whatever is there of what it references.
fn put(scratch: &Scratch, repository: &str, manifest: &Value, tags: &[&str]) -> Digest {
    let tags = tags.iter().flat_map(|tag| ["--tag", tag]);
    let call = scratch.regtree(["manifest", "put", repository, "--skip-references"]).with(tags);
    call.stdin(manifest.to_string()).ok().answer().parse().unwrap()
}

/// A tree with an image of one layer, tagged `v1`.
fn with_image() -> (Scratch, Digest) {
    let scratch = Scratch::new();
    scratch.put(REPOSITORY, b"config");
    scratch.put(REPOSITORY, b"layer");
    let digest = put(&scratch, REPOSITORY, &image(b"config", &[b"layer"]), &["v1"]);
    (scratch, digest)
}

/// Plants a manifest of a kind that nobody knows, which mentions something; `put` would refuse it.
fn plant_strange(scratch: &Scratch, mentioned: &str) -> Digest {
    let content = json!({ "mediaType": "application/x-strange", "about": mentioned }).to_string();
    let digest = Digest::of(content.as_bytes());
    Scratch::plant(&scratch.blob(digest), &content);
    let revision = format!("_manifests/revisions/sha256/{}/link", digest.hex());
    Scratch::plant(&scratch.repository(REPOSITORY).join(revision), digest.to_string());
    digest
}

fn verify(scratch: &Scratch, arguments: &[&str]) -> Run {
    scratch.regtree(["manifest", "verify"]).with(arguments).run()
}

/// The findings of a call with `--json`, each as code, severity and what it is about.
fn findings(regtree: Regtree, code: i32) -> Vec<(String, String, Option<String>)> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let events = regtree.with(["--json"]).run().code(code).json_lines();
    let found = events.iter().filter(|event| event["type"] == "finding");
    found.map(|f| (text(&f["code"]).unwrap(), text(&f["severity"]).unwrap(), text(&f["digest"]))).collect()
}

#[test]
fn every_command_that_reads_a_broken_link_reports_it() {
    let (scratch, digest) = with_image();
    let broken = put(&scratch, REPOSITORY, &image(b"config", &[]), &[]);
    let link = format!("_manifests/revisions/sha256/{}/link", broken.hex());
    let link = scratch.repository(REPOSITORY).join(link);
    let digest = digest.to_string();
    for content in ["", "garbage", &digest] {
        std::fs::write(&link, content).unwrap();
        for words in [
            &["manifest", "list", REPOSITORY][..],
            &["manifest", "list", REPOSITORY, "--long"],
            &["manifest", "referrers", REPOSITORY, &digest],
            &["manifest", "stat", REPOSITORY, &digest],
            &["repo", "list", "--long"],
        ] {
            let run = scratch.run(words).code(3).says(["warning: ", link.to_str().unwrap()]);
            assert_eq!(run.err().matches("warning: ").count(), 1, "{}", run.err());
        }
        let listed = scratch.run(["manifest", "list", REPOSITORY]).lines();
        assert!(listed.contains(&broken.to_string()) && listed.len() == 2, "{listed:?}");
    }
}
