//! Held to the real registry: what it would collect, what it serves afterwards.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

use super::forest::{Kind, Tree, grow};
use super::planted::Planted;
use super::{ALL_UNTAGGED, Gone, NOW, NOW_UNTAGGED, collect, files};
use crate::support::Scratch;
use crate::support::image::Image;
use crate::support::peers::{DockerRegistry, garbage_collect_with, skopeo};

const TREES: u64 = 40;
const ACCEPT: [(&str, &str); 1] = [(
    "accept",
    "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, \
     application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json",
)];

fn copy(scratch: &Scratch) -> Scratch {
    let copy = Scratch::bare();
    let source = scratch.root().join("docker");
    assert!(Command::new("cp").arg("-a").arg(source).arg(copy.root()).status().unwrap().success());
    copy
}

#[test]
fn of_plain_trees_the_registry_removes_the_same_blobs() {
    for seed in 1000..1000 + TREES {
        let delete_untagged = seed % 2 == 1;
        let (words, flags): (&[&str], &[&str]) =
            if delete_untagged { (&ALL_UNTAGGED, &["--delete-untagged"]) } else { (&NOW, &[]) };
        let Tree { planted, story, .. } = grow(seed, Kind::Plain);
        let theirs = copy(&planted.scratch);
        let before = files(&theirs);
        let (code, said) = garbage_collect_with(theirs.root(), flags);
        assert_eq!(code, Some(0), "seed {seed}: {said}");
        let theirs = Gone::between(&before, &files(&theirs));
        let ours = collect(&planted.scratch, words).code(0).gone;
        assert_eq!(ours.blobs, theirs.blobs, "seed {seed} {words:?}:\n  {}\n{said}", story.join("\n  "));
        assert_eq!(ours.revisions, theirs.revisions, "seed {seed} {words:?}:\n  {}\n{said}", story.join("\n  "));
    }
}

/// Everything that the tags of a repository lead to, by HTTP.
fn served(registry: &DockerRegistry, repository: &str) -> usize {
    let list = registry.get(&format!("/v2/{repository}/tags/list"));
    let list: Value = serde_json::from_slice(&list.body).unwrap();
    let tags = list["tags"].as_array().cloned().unwrap_or_default();
    for tag in &tags {
        serve(registry, repository, tag.as_str().unwrap());
    }
    tags.len()
}

/// Expects a manifest, all its children and all that they reference to be served.
fn serve(registry: &DockerRegistry, repository: &str, reference: &str) {
    let reply = registry.request("GET", &format!("/v2/{repository}/manifests/{reference}"), &ACCEPT, b"");
    assert_eq!(reply.status, 200, "{repository} {reference}");
    let document: Value = serde_json::from_slice(&reply.body).unwrap();
    let digests = |field: &str| -> BTreeSet<String> {
        let entries = document[field].as_array().into_iter().flatten();
        entries.map(|entry| entry["digest"].as_str().unwrap().to_owned()).collect()
    };
    for child in digests("manifests") {
        serve(registry, repository, &child);
    }
    for blob in digests("layers").into_iter().chain(document["config"]["digest"].as_str().map(str::to_owned)) {
        let reply = registry.get(&format!("/v2/{repository}/blobs/{blob}"));
        let whole = blob.starts_with("sha512:") || regtree::Digest::of(&reply.body).to_string() == blob;
        assert!(reply.status == 200 && whole, "{repository} {blob}: {}", reply.status);
    }
}

#[test]
fn after_a_collection_of_its_own_tree_the_registry_serves_every_tag() {
    for version in ["2.7.0", "2.8.2-debian", "2.8.3", "3.1.1", "main"] {
        for words in [&NOW[..], &NOW_UNTAGGED] {
            let scratch = crate::support::vectors::tree(version);
            let removed = collect(&scratch, words).code(0).gone;
            assert!(!removed.is_empty(), "{version}");
            let registry = DockerRegistry::serve(scratch.root());
            assert!(served(&registry, "lib") >= 3, "{version}");
            assert!(served(&registry, "lib/app") >= 4, "{version}");
        }
    }
}

#[test]
fn after_a_collection_of_a_random_tree_the_registry_serves_every_tag() {
    for seed in 2000..2012 {
        let tree = grow(seed, Kind::Plain);
        let scratch = &tree.planted.scratch;
        collect(scratch, &ALL_UNTAGGED).code(0);
        let registry = DockerRegistry::serve(scratch.root());
        let repositories: BTreeSet<&str> = tree.made.iter().map(|made| made.repository.as_str()).collect();
        let tags: usize =
            repositories.into_iter().map(|repository| served_if_there(&registry, scratch, repository)).sum();
        assert!(tags > 0 || !tree.story.iter().any(|step| step.contains(": v1 is")), "seed {seed}: nothing is served");
    }
}

/// A repository where nothing was tagged may be gone.
fn served_if_there(registry: &DockerRegistry, scratch: &Scratch, repository: &str) -> usize {
    let tags = scratch.repository(repository).join("_manifests/tags");
    if tags.exists() { served(registry, repository) } else { 0 }
}

#[test]
fn skopeo_pulls_what_a_collection_left() {
    let planted = Planted::new();
    let image = Image::new();
    for blob in image.blobs() {
        planted.layer("lib/app", blob);
    }
    let digest = planted.blob(&image.manifest);
    planted.revision("lib/app", &digest);
    planted.tag("lib/app", "v1", &digest);
    planted.image("lib/app", "an untagged image");
    planted.layer("lib/app", "stale");
    let gone = collect(&planted.scratch, &NOW_UNTAGGED).code(0).gone;
    assert_eq!((gone.blobs.len(), gone.revisions.len(), gone.layer_links.len()), (4, 1, 3));
    let registry = DockerRegistry::serve(planted.root());
    let place = tempfile::tempdir().unwrap();
    let source = format!("docker://{}/lib/app:v1", registry.address());
    skopeo(&["copy", "--src-tls-verify=false", &source, &format!("dir:{}", place.path().display())]);
    assert_eq!(std::fs::read(place.path().join("manifest.json")).unwrap(), image.manifest);
    // What went can be pushed again.
    let content = b"stale";
    let reply = registry.push_blob("lib/app", &super::planted::sha256(content), content);
    assert_eq!(reply.status, 201);
    assert!(planted.has(&super::planted::sha256(content)));
}
