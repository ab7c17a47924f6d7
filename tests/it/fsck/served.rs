//! Held to the real registry: an image that is said to be whole is served as it was pushed, and one that is not isn't.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;

use regtree::Digest;
use serde_json::Value;

use super::{fsck, text};
use crate::support::Scratch;
use crate::support::peers::DockerRegistry;
use crate::support::vectors::{damage, damaged, damaged_trees};

const ACCEPT: [(&str, &str); 1] = [(
    "accept",
    "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, \
     application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json",
)];

/// The trees where the registry (2.8.2, as root) serves other images than are said to be whole:
/// * what has no tag any more can't be asked for by it, and what is no name can't be asked for at all;
/// * root reads what its owner may not;
/// * a manifest that is whole, and that only some registries serve: over-large, deep, of an unknown kind. Each of these is
///   told as that;
/// * a size that a descriptor has wrong: no registry compares it, and clients refuse the image.
const DIFFERENCES: [&str; 7] = [
    "descriptor-size-wrong",
    "invalid-repository-name-alive",
    "manifest-huge",
    "manifest-nested-10000",
    "manifest-unknown-media-type",
    "no-permission",
    "repo-without-tags",
];

/// Whether a manifest and all that it leads to is served.
fn is_served(registry: &DockerRegistry, repository: &str, reference: &str) -> bool {
    let reply = registry.request("GET", &format!("/v2/{repository}/manifests/{reference}"), &ACCEPT, b"");
    if reply.status != 200 {
        return false;
    }
    // What is nested too deeply for this parser has a member that says nothing.
    let Ok(document) = serde_json::from_slice::<Value>(&reply.body) else { return true };
    let digests = |field: &str, key: &str| -> BTreeSet<String> {
        let entries = document[field].as_array().into_iter().flatten();
        entries.map(|entry| text(&entry[key])).collect()
    };
    let mut blobs = digests("layers", "digest");
    blobs.extend(digests("fsLayers", "blobSum"));
    blobs.extend(document["config"]["digest"].as_str().map(str::to_owned));
    let has_blob = |digest: &String| {
        let reply = registry.get(&format!("/v2/{repository}/blobs/{digest}"));
        reply.status == 200 && (!digest.starts_with("sha256:") || Digest::of(&reply.body).to_string() == *digest)
    };
    let is_right = !reference.starts_with("sha256:") || Digest::of(&reply.body).to_string() == reference;
    let header = reply.header("docker-content-digest");
    let is_called_rightly = header.is_empty()
        || reply.header("content-type").contains("prettyjws")
        || Digest::of(&reply.body).to_string() == header;
    is_right
        && is_called_rightly
        && blobs.iter().all(has_blob)
        && digests("manifests", "digest").iter().all(|child| is_served(registry, repository, child))
}

#[test]
fn what_is_said_to_be_whole_is_served_and_what_is_not_is_not() {
    let (mut complaints, mut differ) = (Vec::new(), BTreeSet::new());
    // One registry for all: it finds each path anew, and keeps nothing of what it read.
    let place = Scratch::bare();
    let root = place.root().join("root");
    let registry = DockerRegistry::serve(&root);
    for name in damaged_trees() {
        let scratch = damaged(&name);
        let broken = fsck(&scratch, &["--content"]).broken();
        fs::remove_file(&root).ok();
        symlink(scratch.root(), &root).unwrap();
        for image in damage(&name)["images"].as_array().unwrap() {
            let (repository, tag) = (text(&image["repository"]), text(&image["tag"]));
            let reference = format!("{repository}:{tag}");
            if is_served(&registry, &repository, &tag) == broken.contains(&reference) {
                differ.insert(name.clone());
                complaints.push(format!("{name} {reference}: said to be broken: {}", broken.contains(&reference)));
            }
        }
    }
    let expected: BTreeSet<String> = DIFFERENCES.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(differ, expected, "{complaints:#?}");
}
