//! Images that regtree put together are pulled, and images that skopeo pushed are read, byte for byte.

use std::fs;
use std::path::Path;

use regtree::Digest;
use serde_json::{Value, json};

use super::differential::pull;
use super::rows::S1;
use super::{REPOSITORY, got, put};
use crate::support::image::{INDEX, Image, MANIFEST, index_of, lay_out_index};
use crate::support::peers::{DockerRegistry, garbage_collect, skopeo};
use crate::support::scratch::digest_by;
use crate::support::{Scratch, assert_sound};

/// The parts of a manifest put, by regtree alone.
fn put_image(scratch: &Scratch, image: &Image, tags: &[&str]) -> Digest {
    for blob in image.blobs() {
        scratch.put(REPOSITORY, blob);
    }
    let tags = tags.iter().flat_map(|tag| ["--tag", tag]);
    put(scratch, &*image.manifest).with(tags).ok().answer().parse().unwrap()
}

/// What skopeo pulls of a tag into a directory.
fn pulled(registry: &DockerRegistry, tag: &str, all: bool) -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    let source = format!("docker://{}/{REPOSITORY}:{tag}", registry.address());
    let target = format!("dir:{}", place.path().display());
    let mut words = vec!["copy", "--src-tls-verify=false", &source, &target];
    if all {
        words.push("--all");
    }
    skopeo(&words);
    place
}

#[track_caller]
fn assert_holds(place: &Path, image: &Image) {
    for blob in image.blobs() {
        assert!(fs::read(place.join(digest_by("sha256", blob).hex().to_string())).unwrap() == blob);
    }
}

#[test]
fn an_image_that_regtree_alone_put_together_is_pulled_by_skopeo() {
    let image = Image::new();
    let scratch = Scratch::new();
    let digest = put_image(&scratch, &image, &["v1", "latest"]);
    let registry = DockerRegistry::serve(scratch.root());
    for tag in ["v1", "latest"] {
        let place = pulled(&registry, tag, false);
        assert_holds(place.path(), &image);
        assert_eq!(fs::read(place.path().join("manifest.json")).unwrap(), image.manifest);
    }
    let json = |path: &str| serde_json::from_slice::<Value>(&registry.get(path).body).unwrap();
    assert_eq!(json("/v2/_catalog")["repositories"], json!([REPOSITORY]));
    let mut tags: Vec<Value> = json(&format!("/v2/{REPOSITORY}/tags/list"))["tags"].as_array().unwrap().clone();
    tags.sort_by_key(ToString::to_string);
    assert_eq!(tags, ["latest", "v1"]);
    for reference in ["v1", &digest.to_string()] {
        let reply = pull(&registry, reference);
        assert_eq!((reply.status, reply.header("docker-content-digest")), (200, digest.to_string()));
        assert_eq!((reply.header("content-type"), reply.body), (MANIFEST.to_owned(), image.manifest.clone()));
    }
}

#[test]
fn an_index_that_regtree_alone_put_together_is_pulled_whole_by_skopeo() {
    let images = [Image::of("amd64", 1), Image::of("arm64", 10)];
    let scratch = Scratch::new();
    for image in &images {
        put_image(&scratch, image, &[]);
    }
    let index = index_of(&[&images[0], &images[1]]);
    put(&scratch, &*index).with(["--tag", "v1"]).ok();
    let registry = DockerRegistry::serve(scratch.root());
    let place = pulled(&registry, "v1", true);
    for image in &images {
        assert_holds(place.path(), image);
    }
    assert_eq!(fs::read(place.path().join("manifest.json")).unwrap(), index);
    for (platform, image) in [("linux/amd64", &images[0]), ("linux/arm64", &images[1])] {
        let get = scratch.regtree(["manifest", "get", REPOSITORY, "v1", "--platform", platform]).ok();
        assert_eq!(get.bytes(), image.manifest);
    }
}

#[test]
fn the_registry_s_garbage_collection_keeps_what_a_manifest_that_regtree_put_needs() {
    let image = Image::new();
    let scratch = Scratch::new();
    put_image(&scratch, &image, &["v1"]);
    let unused = scratch.put(REPOSITORY, b"no manifest needs this");
    let (code, said) = garbage_collect(scratch.root());
    assert_eq!(code, Some(0), "{said}");
    assert!(!scratch.blob(unused).exists(), "{said}");
    assert_holds(pulled(&DockerRegistry::serve(scratch.root()), "v1", false).path(), &image);
}

/// Pushes a layout by skopeo, with these words.
fn push_layout(registry: &DockerRegistry, layout: &Path, tag: &str, words: &[&str]) {
    let source = format!("oci:{}", layout.display());
    let target = format!("docker://{}/{REPOSITORY}:{tag}", registry.address());
    skopeo(&[&["copy", "--dest-tls-verify=false", &source, &target], words].concat());
}

/// Expects a tag to lead to the same bytes by HTTP and by regtree, and returns them.
#[track_caller]
fn assert_same(registry: &DockerRegistry, scratch: &Scratch, tag: &str, media_type: &str) -> Vec<u8> {
    let reply = pull(registry, tag);
    let digest = reply.header("docker-content-digest");
    assert_eq!((reply.status, reply.header("content-type")), (200, media_type.to_owned()), "{tag}");
    assert_eq!(scratch.regtree(["manifest", "get", REPOSITORY, tag]).ok().bytes(), got(scratch, &digest));
    let bytes = got(scratch, tag);
    assert_eq!(Digest::of(&bytes).to_string(), digest, "{tag}");
    // Signed anew at each request.
    if media_type != S1 {
        assert!(reply.body == bytes, "{tag}");
    }
    bytes
}

/// The digests of a manifest's config and layers, in order.
fn references(manifest: &[u8]) -> Vec<String> {
    let document: Value = serde_json::from_slice(manifest).unwrap();
    let layers = document["layers"].as_array().unwrap();
    let entries = [&document["config"]].into_iter().chain(layers);
    entries.map(|entry| entry["digest"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn images_of_every_format_that_skopeo_pushed_are_got_byte_for_byte() {
    let image = Image::new();
    let layout = tempfile::tempdir().unwrap();
    image.lay_out(layout.path());
    let scratch = Scratch::new();
    let registry = DockerRegistry::serve(scratch.root());
    for (tag, format, media_type) in [
        ("oci", "oci", MANIFEST),
        ("v2s2", "v2s2", "application/vnd.docker.distribution.manifest.v2+json"),
        ("v2s1", "v2s1", S1),
    ] {
        push_layout(&registry, layout.path(), tag, &["--format", format]);
        let bytes = assert_same(&registry, &scratch, tag, media_type);
        if format == "v2s1" {
            let payload: Value = serde_json::from_slice(&bytes).unwrap();
            assert_eq!((&payload["schemaVersion"], payload.get("signatures")), (&json!(1), None));
            continue;
        }
        for digest in references(&bytes) {
            scratch.regtree(["blob", "get", REPOSITORY, &digest]).ok();
        }
        // Into another tree by regtree alone, and out of it again.
        let other = Scratch::new();
        for digest in references(&bytes) {
            let blob = scratch.regtree(["blob", "get", REPOSITORY, &digest]).ok();
            other.put(REPOSITORY, blob.bytes());
        }
        put(&other, &*bytes).with(["--tag", tag]).ok();
        assert_eq!(got(&other, tag), bytes);
        assert_sound(&other);
    }
    assert_eq!(got(&scratch, "oci"), image.manifest);
}

#[test]
fn a_signed_manifest_that_skopeo_pushed_is_put_again_by_regtree_under_the_same_digest() {
    let image = Image::new();
    let layout = tempfile::tempdir().unwrap();
    image.lay_out(layout.path());
    let scratch = Scratch::new();
    let registry = DockerRegistry::serve(scratch.root());
    push_layout(&registry, layout.path(), "v2s1", &["--format", "v2s1"]);
    let reply = pull(&registry, "v2s1");
    let digest = reply.header("docker-content-digest");
    let other = Scratch::new();
    let call = put(&other, &*reply.body).with(["--tag", "v1", "--digest", &digest, "--keep-signatures"]);
    let refused = call.clone().with(["--json"]).run().code(5);
    assert!(refused.err().contains("MANIFEST_BLOB_UNKNOWN"), "{}", refused.err());
    for digest in scratch.regtree(["blob", "list", REPOSITORY]).ok().lines() {
        let blob = scratch.regtree(["blob", "get", REPOSITORY, &digest]).ok();
        other.put(REPOSITORY, blob.bytes());
    }
    assert_eq!(call.ok().answer(), digest);
    assert_eq!(got(&other, "v1"), got(&scratch, "v2s1"));
    // What the registry signed, byte for byte as it served it.
    let signed = other.regtree(["manifest", "get", REPOSITORY, "v1", "--signed"]).ok();
    assert!(signed.bytes() == reply.body);
    let served = pull(&DockerRegistry::serve(other.root()), "v1");
    assert_eq!((served.status, served.header("docker-content-digest")), (200, digest));
}

#[test]
fn an_index_that_skopeo_pushed_whole_is_got_with_its_children() {
    let images = [Image::of("amd64", 1), Image::of("arm64", 10)];
    let layout = tempfile::tempdir().unwrap();
    lay_out_index(&[&images[0], &images[1]], layout.path());
    let scratch = Scratch::new();
    let registry = DockerRegistry::serve(scratch.root());
    push_layout(&registry, layout.path(), "v1", &["--all"]);
    let index = assert_same(&registry, &scratch, "v1", INDEX);
    assert_eq!(index, index_of(&[&images[0], &images[1]]));
    for (platform, image) in [("linux/amd64", &images[0]), ("linux/arm64", &images[1])] {
        let digest = Digest::of(&image.manifest).to_string();
        let reply = pull(&registry, &digest);
        assert!(reply.status == 200 && reply.body == got(&scratch, &digest));
        let get = scratch.regtree(["manifest", "get", REPOSITORY, "v1", "--platform", platform]).ok();
        assert_eq!(get.bytes(), image.manifest);
    }
}
