//! Signed manifests, which only registries up to 2.8 take.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::differential::{pull, push, said_by_registry, said_by_regtree};
use super::rows::S1;
use super::{REPOSITORY, got, put};
use crate::support::peers::DockerRegistry;
use crate::support::vectors::{tree, truth};
use crate::support::{Scratch, snapshot};

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/schema1")
}

/// Each document with what its index says of it.
fn vectors() -> Vec<(String, Vec<u8>, Value)> {
    let index: Value = serde_json::from_slice(&fs::read(directory().join("index.json")).unwrap()).unwrap();
    let files = index["files"].as_array().unwrap().iter().map(|entry| {
        let file = entry["file"].as_str().unwrap().to_owned();
        (file.clone(), fs::read(directory().join(file)).unwrap(), entry.clone())
    });
    files.collect()
}

/// A document's content.
fn vector(file: &str) -> Vec<u8> {
    fs::read(directory().join(file)).unwrap()
}

/// Each code once, in order.
fn distinct(codes: &str) -> String {
    let mut distinct: Vec<&str> = Vec::new();
    for code in codes.split_whitespace() {
        if !distinct.contains(&code) {
            distinct.push(code);
        }
    }
    distinct.join(" ")
}

#[test]
fn each_signed_document_has_the_verdict_that_registry_2_8_gave() {
    let scratch = Scratch::new();
    let mut wrong = Vec::new();
    let vectors = vectors();
    assert_eq!(vectors.len(), 120);
    for (file, body, entry) in vectors {
        let expected = entry["registry_2_8_2_push"].as_str().unwrap();
        let run = scratch.regtree(["manifest", "put", REPOSITORY, "--json", "--media-type", S1]).stdin(body).run();
        let found = distinct(&said_by_regtree(run));
        let agrees = match expected.split_once(' ') {
            None => found.is_empty(),
            // The registry's own code crashed on it.
            _ if expected.starts_with("connection closed") => !found.is_empty(),
            Some((_, codes)) => found == codes,
        };
        if !agrees {
            wrong.push(format!("{file}: the registry said {expected:?}, regtree says {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_document_with_wrong_signatures_is_refused_for_that_alone_and_leaves_nothing() {
    let scratch = Scratch::new();
    let before = snapshot(&scratch.root().join("docker"));
    let (mut refused, mut taken) = (0, 0);
    for (file, body, entry) in vectors() {
        let recorded = entry["registry_2_8_2_push"].as_str().unwrap();
        let told = recorded.split_whitespace().skip(1).filter(|code| *code != "MANIFEST_BLOB_UNKNOWN");
        let expected = told.collect::<Vec<_>>().join(" ");
        // What crashed the registry is refused too.
        let crashed = recorded.starts_with("connection closed");
        let is_good = expected.is_empty();
        assert!(entry["valid"] == true || entry["policy"].is_string() || !is_good, "{file}");
        let tree = if is_good { &Scratch::new() } else { &scratch };
        let call = put(tree, body).with(["--skip-references", "--keep-signatures", "--json"]);
        // By its type, for the content of some says nothing.
        let run = call.with(["--media-type", S1]).run();
        if is_good {
            let stored = run.code(0).json();
            assert_eq!(stored["mediaType"], S1, "{file}");
            if let Some(digest) = entry["payload_digest"].as_str() {
                assert_eq!((&stored["digest"], &stored["size"]), (&entry["payload_digest"], &entry["payload_size"]));
                let mut signatures = entry["stored_signatures"].as_array().unwrap().clone();
                signatures.dedup();
                assert_eq!(stored["signatures"], json!(signatures), "{file}");
                let merged = tree.regtree(["manifest", "get", REPOSITORY, digest, "--signed"]).ok();
                if entry["reassembles_byte_identical"] == true {
                    assert!(merged.bytes() == vector(&file), "{file}");
                }
            }
            taken += 1;
        } else {
            let found = distinct(&said_by_regtree(run));
            assert!(found == expected || crashed && !found.is_empty(), "{file}: {found}");
            refused += 1;
        }
    }
    assert!(refused > 60 && taken > 40, "{refused} refused, {taken} taken");
    assert!(snapshot(&scratch.root().join("docker")) == before);
}

#[test]
fn the_payload_of_a_signed_document_is_what_both_store() {
    let (theirs, ours) = (Scratch::new(), Scratch::new());
    let registry = DockerRegistry::serve(theirs.root());
    let taken = vectors().into_iter().filter(|(_, _, entry)| entry["registry_2_8_2_push"] == "201");
    let mut count = 0;
    for (file, body, entry) in taken {
        let digest = entry["payload_digest"].as_str().unwrap();
        assert_eq!(put(&ours, &*body).with(["--tag", "v1", "--digest", digest]).ok().answer(), digest, "{file}");
        let reply = push(&registry, digest, S1, &body);
        assert_eq!((said_by_registry(&reply), reply.header("docker-content-digest")), (String::new(), digest.into()));
        assert!(got(&ours, digest) == got(&theirs, digest), "{file}");
        count += 1;
    }
    assert!(count > 10, "{count}");
    // A registry that signs anew what regtree stored.
    let registry = DockerRegistry::serve(ours.root());
    let reply = pull(&registry, "v1");
    assert_eq!((reply.status, reply.header("content-type")), (200, S1.to_owned()));
    let digest = put(&Scratch::new(), &*reply.body).ok().answer();
    assert_eq!(digest, reply.header("docker-content-digest"));
}

#[test]
fn a_signed_document_of_no_type_is_known_by_its_content_and_one_of_another_type_is_refused() {
    let body = vector("valid/empty-layers.json");
    let scratch = Scratch::new();
    let registry = DockerRegistry::serve(scratch.root());
    for media_type in ["application/json", "text/plain"] {
        assert_eq!(said_by_registry(&push(&registry, "v1", media_type, &body)), "");
        let refused = put(&scratch, &*body).with(["--json", "--media-type", media_type]).run();
        assert_eq!(said_by_regtree(refused), "MANIFEST_INVALID");
    }
    put(&scratch, &*body).ok();
}

/// The signatures of a manifest: blobs and links, by their paths.
fn signature_files(scratch: &Scratch, repository: &str, digest: &str) -> BTreeMap<PathBuf, Vec<u8>> {
    let hex = digest.strip_prefix("sha256:").unwrap();
    let directory = scratch.repository(repository).join("_manifests/revisions/sha256").join(hex).join("signatures");
    let mut files = BTreeMap::new();
    for entry in walkdir::WalkDir::new(&directory) {
        let path = entry.unwrap().into_path();
        if path.is_file() {
            let target = fs::read_to_string(&path).unwrap();
            let blob = scratch.blob(target.parse().unwrap());
            files.insert(path.strip_prefix(&directory).unwrap().to_owned(), target.into_bytes());
            files.insert(blob.strip_prefix(scratch.root()).unwrap().to_owned(), fs::read(blob).unwrap());
        }
    }
    files
}

#[test]
fn signatures_are_kept_as_the_registries_did_that_kept_them() {
    let mut count = 0;
    for version in ["2.0.0", "2.1.0", "2.2.0", "2.3.0", "2.4.1"] {
        let (old, truth) = (tree(version), truth(version));
        for (repository, entry) in truth["repositories"].as_object().unwrap() {
            for (digest, manifest) in entry["manifests"].as_object().unwrap() {
                let Some(signatures) = manifest["stored_signatures"].as_object() else { continue };
                // Registries from 2.3 on take no tarsum, and neither does regtree.
                if manifest["references"].to_string().contains("tarsum") {
                    continue;
                }
                let merged = old.regtree(["manifest", "get", repository, digest, "--signed"]).ok();
                let new = Scratch::new();
                let put = ["manifest", "put", repository, "--digest", digest, "--skip-references", "--keep-signatures"];
                let stored = new.regtree(put).with(["--json"]).stdin(merged.bytes()).ok().json();
                let mut expected: Vec<&str> = signatures.keys().map(String::as_str).collect();
                expected.sort_unstable();
                assert_eq!(stored["signatures"], json!(expected), "{version} {repository}");
                let files = signature_files(&old, repository, digest);
                assert_eq!(files.len(), 2 * signatures.len(), "{version} {repository} {digest}");
                assert!(signature_files(&new, repository, digest) == files, "{version} {repository} {digest}");
                let again = new.regtree(["manifest", "get", repository, digest, "--signed"]).ok();
                assert!(again.bytes() == merged.bytes());
                let payload = |scratch: &Scratch| scratch.regtree(["manifest", "get", repository, digest]).ok().out();
                assert_eq!(payload(&new), payload(&old));
                count += 1;
            }
        }
    }
    assert!(count > 10, "{count}");
}

#[test]
fn signatures_are_kept_unasked_where_a_registry_kept_some_and_nowhere_else() {
    let body = vector("valid/two-signers.json");
    for (scratch, expected) in [(tree("2.4.1"), 2), (tree("2.5.0"), 0), (tree("3.1.1"), 0), (Scratch::new(), 0)] {
        let stored = put(&scratch, &*body).with(["--skip-references", "--json"]).ok().json();
        let digest = stored["digest"].as_str().unwrap();
        assert_eq!(stored["signatures"].as_array().map_or(0, Vec::len), expected, "{stored}");
        assert_eq!(signature_files_or_none(&scratch, digest), 2 * expected);
        let signed = scratch.run(["manifest", "get", REPOSITORY, digest, "--signed"]);
        signed.code(if expected == 0 { 4 } else { 0 });
    }
}

fn signature_files_or_none(scratch: &Scratch, digest: &str) -> usize {
    let hex = digest.strip_prefix("sha256:").unwrap();
    let directory = scratch.repository(REPOSITORY).join("_manifests/revisions/sha256").join(hex).join("signatures");
    if directory.exists() { signature_files(scratch, REPOSITORY, digest).len() } else { 0 }
}

#[test]
fn another_signature_of_the_same_payload_is_added() {
    let old = tree("2.4.1");
    let digest = "sha256:81eb0a9dba52d322b94dd0479d485feeee600c8426ff7d5663cb4d3e1fc05b41";
    let merged = old.regtree(["manifest", "get", "lib", digest, "--signed"]).ok();
    let document: Value = serde_json::from_slice(merged.bytes()).unwrap();
    let payload = old.regtree(["manifest", "get", "lib", digest]).ok();
    let new = Scratch::new();
    for (at, signature) in document["signatures"].as_array().unwrap().iter().enumerate() {
        // Only the payload's own bytes count, so the rest may be laid out otherwise.
        let end = payload.bytes().len() - 2;
        let one = [&payload.bytes()[..end], format!(",\"signatures\":[{signature}]}}").as_bytes()].concat();
        let put = new.regtree(["manifest", "put", "lib", "--digest", digest, "--skip-references", "--keep-signatures"]);
        put.stdin(one).ok();
        assert_eq!(signature_files(&new, "lib", digest).len(), 2 * (at + 1));
    }
    assert!(new.regtree(["manifest", "get", "lib", digest, "--signed"]).ok().bytes() == merged.bytes());
}
