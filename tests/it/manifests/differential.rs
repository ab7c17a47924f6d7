//! Each manifest is put by HTTP to registry 2.8 and by regtree into a twin of its tree: same verdict, same codes, same
//! bytes. Where regtree differs it does as registry 3.x, and docs/manifest-put.md says so.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::rows::{Row, Store};
use super::{REPOSITORY, got};
use crate::support::peers::{DockerRegistry, Reply};
use crate::support::{Run, Scratch};

/// Of URLs in layers, a registry as delivered allows none.
pub(super) const ANY_URL: &str = "validation: {manifests: {urls: {allow: ['.*']}}}\n";

/// A copy of a tree.
pub(super) fn twin(scratch: &Scratch) -> Scratch {
    let twin = Scratch::bare();
    let copied = Command::new("cp").arg("-a").arg(scratch.root().join("docker")).arg(twin.root()).status().unwrap();
    assert!(copied.success());
    twin
}

/// The codes of an error document, in order. Where 2.8 says a bare UNKNOWN before one with the reason, that is one.
pub(super) fn codes(document: &[u8]) -> Vec<String> {
    let document: Value = serde_json::from_slice(document)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(document)));
    let errors = document["errors"].as_array().unwrap();
    let is_bare = |at: usize| errors[at]["code"] == "UNKNOWN" && errors[at].get("detail").is_none_or(Value::is_null);
    let follows = |at: usize| errors.get(at + 1).is_some_and(|next| next["code"] == "UNKNOWN");
    let told = (0..errors.len()).filter(|at| !(is_bare(*at) && follows(*at)));
    told.map(|at| errors[at]["code"].as_str().unwrap().to_owned()).collect()
}

/// What the registry says: nothing, or its codes.
pub(super) fn said_by_registry(reply: &Reply) -> String {
    if reply.status == 201 { String::new() } else { codes(&reply.body).join(" ") }
}

/// What regtree says: nothing, or its codes.
pub(super) fn said_by_regtree(run: Run) -> String {
    if run.err().is_empty() {
        run.code(0);
        return String::new();
    }
    let run = run.code(5).silent();
    codes(run.err().as_bytes()).join(" ")
}

pub(super) fn push(registry: &DockerRegistry, reference: &str, media_type: &str, body: &[u8]) -> Reply {
    let path = format!("/v2/{REPOSITORY}/manifests/{reference}");
    registry.request("PUT", &path, &[("content-type", media_type)], body)
}

/// Any kind of manifest.
const ACCEPT: &str = "application/vnd.docker.distribution.manifest.v2+json,\
    application/vnd.docker.distribution.manifest.list.v2+json,application/vnd.oci.image.manifest.v1+json,\
    application/vnd.oci.image.index.v1+json,application/vnd.docker.distribution.manifest.v1+prettyjws";

pub(super) fn pull(registry: &DockerRegistry, reference: &str) -> Reply {
    let path = format!("/v2/{REPOSITORY}/manifests/{reference}");
    registry.request("GET", &path, &[("accept", ACCEPT)], b"")
}

#[test]
fn registry_and_regtree_take_the_same_manifests_and_refuse_the_others_with_the_same_codes() {
    let theirs = Scratch::new();
    let rows = Store::fill(&theirs).rows();
    let ours = twin(&theirs);
    assert!(rows.len() > 180, "{}", rows.len());
    let ids: BTreeSet<_> = rows.iter().map(|row| row.id).collect();
    assert_eq!(ids.len(), rows.len(), "an id stands twice");
    let registry = DockerRegistry::serve_configured(theirs.root(), ANY_URL);
    let mut wrong = Vec::new();
    let mut taken = Vec::new();
    for Row { id, media_type, body, regtree, registry: other } in &rows {
        let reply = push(&registry, id, media_type, body);
        let put = ["manifest", "put", REPOSITORY, "--json", "--tag", id, "--media-type", media_type];
        let run = ours.regtree(put).stdin(&**body).run();
        let stored = run.out();
        let found = [said_by_registry(&reply), said_by_regtree(run)];
        if found != [other.unwrap_or(regtree), regtree].map(str::to_owned) {
            wrong.push(format!("{id}: the registry says {:?}, regtree {:?}", found[0], found[1]));
        } else if regtree.is_empty() && other.is_none() {
            let digest = serde_json::from_str::<Value>(&stored).unwrap()["digest"].as_str().unwrap().to_owned();
            assert_eq!(digest, reply.header("docker-content-digest"), "{id}");
            assert!(got(&ours, id) == *body && got(&theirs, id) == *body, "{id}");
            taken.push((*id, digest, media_type, body));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(taken.len() > 30, "{}", taken.len());
    let registry = DockerRegistry::serve(ours.root());
    for (id, digest, media_type, body) in taken {
        for reference in [id, &digest] {
            let reply = pull(&registry, reference);
            assert!(reply.status == 200 && reply.body == *body, "{id}: {} {}", reply.status, reply.body.len());
            assert_eq!(reply.header("docker-content-digest"), digest, "{id}");
            // What was asked for with parameters is served without.
            let served = reply.header("content-type");
            assert!(media_type.to_lowercase().starts_with(&served), "{id}: {served}");
        }
    }
}

#[test]
fn urls_of_layers_that_a_registry_as_delivered_refuses_are_taken() {
    let scratch = Scratch::new();
    let rows = Store::fill(&scratch).rows();
    let registry = DockerRegistry::serve(scratch.root());
    for id in ["foreign-with-url", "nondistributable-with-url"] {
        let row = rows.iter().find(|row| row.id == id).unwrap();
        let reply = push(&registry, id, row.media_type, &row.body);
        assert_eq!(said_by_registry(&reply), "UNKNOWN MANIFEST_BLOB_UNKNOWN", "{id}");
    }
    assert!(reasons().contains("any-url"));
}

#[test]
fn a_digest_that_is_not_the_content_s_is_refused_by_both() {
    let theirs = Scratch::new();
    let rows = Store::fill(&theirs).rows();
    let ours = twin(&theirs);
    let body = &rows.iter().find(|row| row.id == "oci").unwrap().body;
    let registry = DockerRegistry::serve(theirs.root());
    let right = [crate::support::scratch::digest_by("sha256", body).to_string()];
    let wrong = [
        regtree::Digest::of(b"other").to_string(),
        crate::support::scratch::digest_by("sha512", body).to_string(),
        crate::support::scratch::digest_by("sha384", body).to_string(),
    ];
    for (digests, expected) in [(&wrong[..], "DIGEST_INVALID"), (&right[..], "")] {
        for digest in digests {
            let put = ours.regtree(["manifest", "put", REPOSITORY, "--json", "--digest", digest]).stdin(&**body).run();
            let reply = push(&registry, digest, super::rows::OCI, body);
            assert_eq!([said_by_registry(&reply), said_by_regtree(put)], [expected, expected], "{digest}");
        }
    }
}

/// The ids in the table of docs/manifest-put.md of what differs.
fn reasons() -> BTreeSet<String> {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/manifest-put.md")).unwrap();
    let id = |line: &str| line.strip_prefix("| `")?.split_once("` |").map(|(id, _)| id.to_owned());
    page.lines().filter_map(id).collect()
}

#[test]
fn the_page_gives_a_reason_for_each_manifest_that_only_one_of_them_takes() {
    let scratch = Scratch::new();
    let rows = Store::fill(&scratch).rows();
    let mut differing: BTreeSet<_> =
        rows.iter().filter(|row| row.registry.is_some()).map(|row| row.id.to_owned()).collect();
    // No rows are about these: another configuration, and signed documents.
    differing.extend(["any-url", "signed-as-json"].map(str::to_owned));
    assert_eq!(reasons(), differing);
}
