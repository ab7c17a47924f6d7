//! Every manifest in the trees of real registries and in the damaged trees must be read as its true kind.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::Value;

use regtree::manifest::{Kind, Malformed, Manifest, Reason, Reference, Role, decode};

use super::*;

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors")
}

/// Every file of an archive that may be a blob or a link, with its path below `docker/registry/v2/`.
fn unpack(archive: &Path) -> BTreeMap<String, Vec<u8>> {
    let file = File::open(archive).unwrap_or_else(|error| panic!("{}: {error}", archive.display()));
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
    let mut files = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_string_lossy().into_owned();
        let Some(path) = path.strip_prefix("docker/registry/v2/").map(str::to_owned) else { continue };
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        files.insert(path, content);
    }
    files
}

fn blob<'f>(files: &'f BTreeMap<String, Vec<u8>>, digest: &str) -> &'f [u8] {
    let hex = digest.strip_prefix("sha256:").unwrap();
    &files[&format!("blobs/sha256/{}/{hex}/data", &hex[..2])]
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().map(|text| text.as_str().unwrap()).collect()
}

#[test]
fn every_manifest_of_every_version_reads_as_the_truth_says() {
    let mut counts = BTreeMap::new();
    for entry in std::fs::read_dir(directory().join("trees")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "json") {
            check_tree(&path, &mut counts);
        }
    }
    let total: usize = counts.values().sum();
    assert_eq!(total, 162, "{counts:?}");
    assert_eq!(
        counts.keys().copied().collect::<Vec<_>>(),
        ["docker-list", "oci-index", "oci-manifest", "schema1", "schema2"]
    );
}

fn check_tree(truth: &Path, counts: &mut BTreeMap<&'static str, usize>) {
    let files = unpack(&truth.with_extension("tar.gz"));
    for repository in json(truth)["repositories"].as_object().unwrap().values() {
        for (digest, expected) in repository["manifests"].as_object().unwrap() {
            let bytes = blob(&files, digest);
            let manifest = Manifest::read(bytes).unwrap();
            let context = format!("{} {digest}", truth.display());
            assert_eq!(manifest.kind.name(), expected["kind"], "{context}");
            assert_eq!(manifest.served_as(), expected["media_type"].as_str(), "{context}");
            let (children, others): (Vec<&Reference>, Vec<_>) =
                manifest.references.iter().partition(|reference| reference.role == Role::Child);
            let text = |references: Vec<&Reference>| -> Vec<String> {
                references.into_iter().map(|reference| reference.text.clone()).collect()
            };
            assert_eq!(text(others), texts(&expected["references"]), "{context}");
            assert_eq!(text(children), texts(&expected["children"]), "{context}");
            let subject = manifest.subject.as_ref().map(|subject| subject.text.as_str());
            assert_eq!(subject, expected["subject"].as_str(), "{context}");
            assert_eq!(manifest.oddities, [], "{context}");
            assert_eq!(manifest.mentioned, [], "{context}");
            assert!(manifest.references.iter().all(|reference| reference.digest.is_ok()), "{context}");
            let decoded = decode(bytes, manifest.served_as()).unwrap();
            assert_eq!(decoded, manifest, "{context}");
            *counts.entry(manifest.kind.name()).or_default() += 1;
        }
    }
}

/// The manifests of a damaged tree that are new or changed.
fn damaged(name: &str) -> Vec<(Vec<u8>, Result<Manifest, Malformed>)> {
    let index = json(&directory().join("damaged/index.json"));
    let damage = index["trees"].as_array().unwrap().iter().find(|damage| damage["name"] == name).unwrap();
    let base = format!("trees/{}.tar.gz", damage["derived_from"].as_str().unwrap());
    let base = unpack(&directory().join(base));
    let files = unpack(&directory().join(format!("damaged/{name}.tar.gz")));
    // The path gives a blob's digest. The blob is a manifest if a revision has that digest.
    let revision = |hex: &str| files.keys().any(|path| path.contains(&format!("_manifests/revisions/sha256/{hex}/")));
    let changed = files.iter().filter(|(path, content)| path.ends_with("/data") && base.get(*path) != Some(content));
    let manifests = changed.filter(|(path, _)| revision(path.split('/').nth(3).unwrap()));
    manifests.map(|(_, content)| (content.clone(), Manifest::read(content))).collect()
}

#[test]
fn damaged_manifests_read_as_far_as_they_go() {
    let table: [(&str, &[&str], bool); 9] = [
        ("manifest-nested-200", &[], true),
        ("manifest-nested-9999", &[], true),
        ("manifest-nested-10000", &["deep-nesting"], false),
        ("manifest-duplicate-layers-key", &["duplicate-key"], true),
        ("manifest-huge", &["oversized"], false),
        ("manifest-sha512-reference", &[], true),
        ("schema1-manifest-under-3.x", &[], true),
        ("descriptor-size-wrong", &[], true),
        ("manifest-bit-flipped", &[], true),
    ];
    for (name, oddities, may_be_put) in table {
        let found = damaged(name);
        assert_eq!(found.len(), 1, "{name}");
        let (bytes, manifest) = &found[0];
        let manifest = manifest.as_ref().unwrap_or_else(|fault| panic!("{name}: {fault}"));
        assert_ne!(manifest.kind, Kind::Unknown, "{name}");
        assert!(!manifest.references.is_empty(), "{name}");
        assert_eq!(names(manifest), oddities, "{name}");
        assert_eq!(decode(bytes, None).is_ok(), may_be_put, "{name}");
    }
}

#[test]
fn broken_manifests_are_malformed() {
    for (name, reason) in [("manifest-truncated", Reason::Truncated), ("manifest-empty", Reason::Empty)] {
        let found = damaged(name);
        assert_eq!(found.len(), 1, "{name}");
        assert_eq!(found[0].1.as_ref().unwrap_err().reason, reason, "{name}");
        assert_eq!(decode(&found[0].0, None).unwrap_err().code, regtree::error::RefusalCode::ManifestInvalid);
    }
}

#[test]
fn an_unknown_manifest_keeps_what_it_mentions() {
    let found = damaged("manifest-unknown-media-type");
    assert_eq!(found.len(), 1);
    let manifest = found[0].1.as_ref().unwrap();
    assert_eq!(manifest.kind, Kind::Unknown);
    assert_eq!(manifest.references, []);
    let text = String::from_utf8(found[0].0.clone()).unwrap();
    let expected = text.match_indices("sha256:").map(|(at, _)| text[at..at + 71].to_owned());
    let expected: std::collections::BTreeSet<_> = expected.collect();
    assert_eq!(mentioned(manifest), expected.into_iter().collect::<Vec<_>>());
    assert!(!manifest.mentioned.is_empty());
}

#[test]
fn a_shadowed_layer_is_mentioned() {
    let found = damaged("manifest-duplicate-layers-key");
    let manifest = found[0].1.as_ref().unwrap();
    assert_eq!(manifest.mentioned.len(), 1, "{:?}", manifest.mentioned);
    let retained: Vec<_> = manifest.retained().map(|(digest, _)| digest).collect();
    assert!(retained.contains(&manifest.mentioned[0]) && retained.len() > manifest.references.len());
}
