//! The uploads in the trees that registries of every version wrote.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::listed;
use crate::support::{Scratch, vectors};

const ALPHA: &str = "2.0.0-alpha.0";

/// What is true of a version's uploads: repository, id, and the rest.
fn truth(version: &str) -> Vec<(String, String, Value)> {
    let truth = vectors::truth(version);
    let repositories = truth["repositories"].as_object().unwrap();
    let uploads = repositories.iter().flat_map(|(name, repository)| {
        let uploads = repository["uploads"].as_object().into_iter().flatten();
        uploads.map(|(id, upload)| (name.clone(), id.clone(), upload.clone()))
    });
    let uploads: Vec<_> = uploads.collect();
    assert!(uploads.len() >= 2, "{version}");
    uploads
}

fn call(scratch: &Scratch, verb: &str, repository: &str, id: &str) -> crate::support::Regtree {
    scratch.regtree(["upload", verb, repository, id])
}

#[test]
fn every_version_lists_its_uploads_with_the_right_counts() {
    for version in vectors::versions() {
        let scratch = vectors::tree(&version);
        let uploads = truth(&version);
        let found: BTreeSet<_> = listed(&scratch, &[]).into_iter().collect();
        let received = |upload: &Value| upload["received"].as_u64().unwrap_or(0);
        let expected = uploads.iter().map(|(name, id, upload)| (name.clone(), id.clone(), received(upload)));
        assert_eq!(found, expected.collect(), "{version}");
        for (name, id, upload) in &uploads {
            let status = call(&scratch, "status", name, id).with(["--json"]).ok().json();
            assert_eq!(status["size"], received(upload), "{version} {id}");
            assert_eq!(status["started"], upload["startedat"], "{version} {id}");
            assert_eq!(status["hash_states"], upload["hashstates"], "{version} {id}");
            let got = call(&scratch, "get", name, id).ok();
            assert_eq!(super::digest(got.bytes()), upload["data_sha256"].as_str().unwrap(), "{version} {id}");
            assert!(listed(&scratch, &[name]).iter().any(|(_, listed, _)| listed == id), "{version} {id}");
        }
    }
}

#[test]
fn every_versions_uploads_go_on_and_are_committed() {
    for version in vectors::versions().into_iter().filter(|version| version != ALPHA) {
        let scratch = vectors::tree(&version);
        for (name, id, upload) in truth(&version) {
            let received = call(&scratch, "get", &name, &id).ok().bytes().to_vec();
            let digest = upload["data_sha256"].as_str().unwrap();
            let committing = call(&scratch, "commit", &name, &id).with(["--digest"]);
            if upload["startedat"].is_null() && upload["received"].is_null() {
                // Cancelled; the registry left a state behind.
                committing.with([digest]).run().code(4).silent().says([&*id]);
                assert_eq!(call(&scratch, "cancel", &name, &id).ok().answer(), id);
                continue;
            }
            committing.clone().with([super::digest(b"other")]).run().code(5).silent().says([digest]);
            if received.is_empty() {
                assert_eq!(call(&scratch, "resume", &name, &id).stdin("some").ok().answer(), "4");
                let cut = ["--truncate-to", "0"];
                assert_eq!(call(&scratch, "resume", &name, &id).with(cut).ok().answer(), "0");
            }
            let run = committing.with([digest, "--size", &received.len().to_string()]).ok();
            assert_eq!(run.answer(), digest, "{version}");
            assert_eq!(scratch.run(["blob", "get", &name, digest]).code(0).bytes(), received, "{version}");
            call(&scratch, "status", &name, &id).run().code(4);
        }
        assert_eq!(listed(&scratch, &[]), [], "{version}");
    }
}

#[test]
fn an_alpha_registrys_uploads_are_only_read() {
    let scratch = vectors::tree(ALPHA);
    let before = super::tree(&scratch);
    for (name, id, upload) in truth(ALPHA) {
        let digest = upload["data_sha256"].as_str().unwrap();
        call(&scratch, "resume", &name, &id).stdin("more").run().code(12).silent().says([&id]);
        let refused = call(&scratch, "commit", &name, &id).with(["--digest", digest, "--json"]).run().code(12).silent();
        assert_eq!(refused.json_error()["code"], json!("REFUSED"));
    }
    assert_eq!(super::tree(&scratch), before);
}

#[test]
fn damaged_states_do_not_prevent_a_commit() {
    for name in ["upload-hashstate-garbage", "upload-data-longer-than-state"] {
        let scratch = vectors::damaged(name);
        for (repository, id, size) in listed(&scratch, &[]) {
            let received = call(&scratch, "get", &repository, &id).ok().bytes().to_vec();
            assert_eq!(received.len() as u64, size, "{name}");
            assert_eq!(call(&scratch, "resume", &repository, &id).stdin("!").ok().answer(), (size + 1).to_string());
            let digest = super::digest(&[&received, b"!".as_slice()].concat());
            call(&scratch, "commit", &repository, &id).with(["--digest", &digest]).ok();
        }
    }
}
