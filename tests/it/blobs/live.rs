//! Trees shared with Debian's `docker-registry` and with `skopeo`: what one wrote the others read, byte for byte.
//!
//! A registry may remember what it saw, so each change by another hand is shown to a new one.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;

use regtree::Digest;
use serde_json::json;

use crate::support::image::{Image, MANIFEST, file_name, noise};
use crate::support::peers::{DockerRegistry, garbage_collect, skopeo};
use crate::support::scratch::digest_by;
use crate::support::{Regtree, Scratch, snapshot};

const NOBODY: u32 = 65534;

/// A tree made by the command.
fn initialized() -> Scratch {
    let scratch = Scratch::bare();
    scratch.regtree(["init", scratch.root().to_str().unwrap()]).ok();
    scratch
}

fn put_as(scratch: &Scratch, repository: &str, content: &[u8], algorithm: &str) -> Digest {
    let digest = digest_by(algorithm, content);
    scratch.regtree(["blob", "put", repository, "--digest", &digest.to_string()]).stdin(content).ok();
    digest
}

fn mount(scratch: &Scratch, digest: Digest, from: &str, to: &str) {
    scratch.regtree(["blob", "mount", &digest.to_string(), "--from", from, "--to", to]).ok();
}

fn path(repository: &str, digest: Digest) -> String {
    format!("/v2/{repository}/blobs/{digest}")
}

/// Expects the registry to have the blob under this digest, whole.
#[track_caller]
fn assert_served(registry: &DockerRegistry, repository: &str, digest: Digest, content: &[u8]) {
    let path = path(repository, digest);
    for (method, body) in [("HEAD", &b""[..]), ("GET", content)] {
        let reply = registry.request(method, &path, &[], b"");
        assert_eq!(reply.status, 200, "{method} {path}");
        assert_eq!(reply.header("content-length"), content.len().to_string(), "{method} {path}");
        let canonical = digest_by("sha256", content).to_string();
        assert_eq!(reply.header("docker-content-digest"), canonical, "{method} {path}");
        assert!(reply.body == body, "{method} {path}: {} bytes", reply.body.len());
    }
}

#[track_caller]
fn assert_unknown(registry: &DockerRegistry, repository: &str, digest: Digest) {
    let path = path(repository, digest);
    assert_eq!([registry.head(&path).status, registry.get(&path).status], [404, 404], "{path}");
}

#[test]
fn what_regtree_put_is_served_by_every_digest() {
    let scratch = initialized();
    let mut served = Vec::new();
    for (seed, length) in [(1, 0), (2, 1), (3, 70_000), (4, 3_000_001)] {
        let content = noise(seed, length);
        served.push((scratch.put("team/app", &content), content));
    }
    for (seed, algorithm) in [(5, "sha512"), (6, "sha384")] {
        let content = noise(seed, 5000);
        let alias = put_as(&scratch, "team/app", &content, algorithm);
        served.push((alias, content.clone()));
        served.push((digest_by("sha256", &content), content));
    }
    let registry = DockerRegistry::serve(scratch.root());
    for (digest, content) in &served {
        assert_served(&registry, "team/app", *digest, content);
    }
    assert_unknown(&registry, "team/app", Digest::of(b"never put"));
}

#[test]
fn what_regtree_mounted_is_served_where_it_was_mounted_and_nowhere_else() {
    let scratch = initialized();
    let [plain, aliased] = [noise(1, 4000), noise(2, 0x8000)];
    let canonical = scratch.put("from", &plain);
    let sha512 = put_as(&scratch, "from", &aliased, "sha512");
    mount(&scratch, canonical, "from", "to/plain");
    mount(&scratch, sha512, "from", "to/aliased");
    let registry = DockerRegistry::serve(scratch.root());
    for repository in ["from", "to/plain"] {
        assert_served(&registry, repository, canonical, &plain);
    }
    for repository in ["from", "to/aliased"] {
        assert_served(&registry, repository, sha512, &aliased);
        assert_served(&registry, repository, digest_by("sha256", &aliased), &aliased);
    }
    assert_unknown(&registry, "to/plain", sha512);
    assert_unknown(&registry, "to/aliased", canonical);
}

#[test]
fn what_regtree_deleted_is_no_longer_served() {
    let scratch = initialized();
    let [gone, kept, aliased] = [1, 2, 3].map(|seed| noise(seed, 1000));
    let deleted = scratch.put("app", &gone);
    let neighbour = scratch.put("app", &kept);
    mount(&scratch, deleted, "app", "other");
    let sha512 = put_as(&scratch, "app", &aliased, "sha512");
    assert_served(&DockerRegistry::serve(scratch.root()), "app", deleted, &gone);
    scratch.regtree(["blob", "delete", "app", &deleted.to_string(), &sha512.to_string()]).ok();
    let registry = DockerRegistry::serve(scratch.root());
    assert_unknown(&registry, "app", deleted);
    assert_unknown(&registry, "app", sha512);
    assert_served(&registry, "app", digest_by("sha256", &aliased), &aliased);
    assert_served(&registry, "app", neighbour, &kept);
    assert_served(&registry, "other", deleted, &gone);
}

#[test]
fn the_registry_s_catalogue_names_the_repositories_that_regtree_made() {
    let scratch = initialized();
    for repository in ["b/c", "a", "a/b", "z-9"] {
        scratch.put(repository, repository.as_bytes());
    }
    let reply = DockerRegistry::serve(scratch.root()).get("/v2/_catalog");
    let catalogue: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(catalogue["repositories"], json!(["a", "a/b", "b/c", "z-9"]));
    assert_eq!(catalogue["repositories"], json!(scratch.regtree(["repo", "list"]).ok().lines()));
}

#[test]
fn a_blob_pushed_by_http_is_got_byte_for_byte() {
    let scratch = initialized();
    let registry = DockerRegistry::serve(scratch.root());
    for (seed, length) in [(1, 0), (2, 1), (3, 3_000_001)] {
        let content = noise(seed, length);
        let digest = digest_by("sha256", &content).to_string();
        assert_eq!(registry.push_blob("pushed/app", &digest, &content).status, 201);
        assert!(scratch.regtree(["blob", "get", "pushed/app", &digest]).ok().bytes() == content);
        let stat = scratch.regtree(["blob", "stat", "pushed/app", &digest, "--json"]).ok().json();
        assert_eq!([&stat["digest"], &stat["asked"], &stat["alias"]], [&json!(digest), &json!(digest), &json!(false)]);
        assert_eq!(stat["size"], length);
    }
}

#[test]
fn a_blob_pushed_by_its_sha512_is_known_for_an_alias() {
    let scratch = initialized();
    let content = noise(1, 4000);
    let [sha256, sha512] = ["sha256", "sha512"].map(|algorithm| digest_by(algorithm, &content).to_string());
    let registry = DockerRegistry::serve(scratch.root());
    assert_eq!(registry.push_blob("app", &sha512, &content).status, 201);
    for (digest, alias) in [(&sha256, false), (&sha512, true)] {
        assert!(scratch.regtree(["blob", "get", "app", digest]).ok().bytes() == content);
        let stat = scratch.regtree(["blob", "stat", "app", digest, "--json"]).ok().json();
        assert_eq!([&stat["digest"], &stat["asked"], &stat["alias"]], [&json!(sha256), &json!(digest), &json!(alias)]);
    }
    assert_eq!(scratch.regtree(["blob", "list", "app"]).ok().lines(), [sha256, sha512]);
}

/// Puts config and layers through the command, and the manifest through a registry, which is returned.
fn put_image(image: &Image, scratch: &Scratch, repository: &str) -> DockerRegistry {
    for blob in image.blobs() {
        scratch.put(repository, blob);
    }
    let registry = DockerRegistry::serve(scratch.root());
    let path = format!("/v2/{repository}/manifests/v1");
    let reply = registry.request("PUT", &path, &[("content-type", MANIFEST)], &image.manifest);
    assert_eq!(reply.status, 201, "{}", String::from_utf8_lossy(&reply.body));
    registry
}

#[test]
fn an_image_pushed_by_skopeo_is_read() {
    let image = Image::new();
    let layout = tempfile::tempdir().unwrap();
    image.lay_out(layout.path());
    let scratch = initialized();
    let registry = DockerRegistry::serve(scratch.root());
    let source = format!("oci:{}", layout.path().display());
    let target = format!("docker://{}/by/skopeo:v1", registry.address());
    skopeo(&["copy", "--dest-tls-verify=false", &source, &target]);
    assert_eq!(scratch.regtree(["repo", "list"]).ok().lines(), ["by/skopeo"]);
    for blob in image.blobs() {
        let digest = digest_by("sha256", blob).to_string();
        assert!(scratch.regtree(["blob", "get", "by/skopeo", &digest]).ok().bytes() == blob, "{digest}");
    }
    let mut digests = image.blobs().map(|blob| digest_by("sha256", blob).to_string());
    digests.sort();
    assert_eq!(scratch.regtree(["blob", "list", "by/skopeo"]).ok().lines(), digests);
}

#[test]
fn an_image_of_blobs_that_regtree_put_is_pulled_by_skopeo() {
    let image = Image::new();
    let scratch = initialized();
    let registry = put_image(&image, &scratch, "by/regtree");
    let place = tempfile::tempdir().unwrap();
    let source = format!("docker://{}/by/regtree:v1", registry.address());
    let target = format!("dir:{}", place.path().display());
    skopeo(&["copy", "--src-tls-verify=false", &source, &target]);
    for blob in image.blobs() {
        assert!(fs::read(place.path().join(file_name(blob))).unwrap() == blob);
    }
    assert_eq!(fs::read(place.path().join("manifest.json")).unwrap(), image.manifest);
}

#[test]
fn a_blob_that_pushing_again_leaves_corrupt_is_healed_by_putting_it_again() {
    let scratch = initialized();
    let content = noise(1, 10_000);
    let digest = digest_by("sha256", &content);
    let push = || DockerRegistry::serve(scratch.root()).push_blob("app", &digest.to_string(), &content).status;
    assert_eq!(push(), 201);
    scratch.truncate(digest, 4000);
    assert_eq!(push(), 201);
    let reply = DockerRegistry::serve(scratch.root()).get(&path("app", digest));
    assert!((reply.status, &*reply.body) == (200, &content[..4000]), "the registry healed it: what is this test for?");
    scratch.regtree(["blob", "put", "app"]).stdin(&*content).ok().says(["replaced", "4000 bytes"]);
    assert_served(&DockerRegistry::serve(scratch.root()), "app", digest, &content);
}

#[test]
fn a_corrupt_blob_of_the_right_size_is_healed_by_a_put_that_verifies() {
    let scratch = initialized();
    let content = noise(1, 10_000);
    let digest = scratch.put("app", &content);
    let mut corrupt = content.clone();
    corrupt[5000] ^= 1;
    fs::write(scratch.blob(digest), &corrupt).unwrap();
    let registry = DockerRegistry::serve(scratch.root());
    assert_eq!(registry.push_blob("app", &digest.to_string(), &content).status, 201);
    assert!(registry.get(&path("app", digest)).body == corrupt);
    scratch.regtree(["blob", "put", "app"]).stdin(&*content).ok().says(["replaced"]);
    assert_served(&DockerRegistry::serve(scratch.root()), "app", digest, &content);
}

#[test]
fn the_registry_s_garbage_collection_accepts_a_tree_without_content() {
    let scratch = initialized();
    let before = snapshot(scratch.root());
    let (code, said) = garbage_collect(scratch.root());
    assert_eq!(code, Some(0), "{said}");
    assert!(snapshot(scratch.root()) == before);
}

#[test]
fn the_registry_s_garbage_collection_takes_what_no_manifest_needs_of_what_regtree_put() {
    let image = Image::new();
    let scratch = initialized();
    drop(put_image(&image, &scratch, "app"));
    let unused = scratch.put("layers/only", b"no manifest needs this");
    let (code, said) = garbage_collect(scratch.root());
    assert_eq!(code, Some(0), "{said}");
    assert!(!scratch.blob(unused).exists(), "{said}");
    let registry = DockerRegistry::serve(scratch.root());
    for blob in image.blobs() {
        assert_served(&registry, "app", digest_by("sha256", blob), blob);
    }
    scratch.run(["blob", "get", "layers/only", &unused.to_string()]).code(4).silent();
}

/// A registry that shares neither owner nor umask with the tests, as far as it may: what is copied from it shows.
fn serve_as_stranger(root: &Path) -> DockerRegistry {
    let mut prefix = Vec::new();
    if rustix::process::geteuid().is_root() {
        chown(root, Some(NOBODY), Some(NOBODY)).unwrap();
        prefix.extend(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]);
    }
    prefix.extend(["sh", "-c", "umask 027; exec \"$@\"", "sh"]);
    DockerRegistry::serve_behind(&prefix, root)
}

/// Kind, mode and owner of everything that belongs to a repository's blob, by what it is for.
fn rights(scratch: &Scratch, repository: &str, digest: Digest) -> Vec<(String, u32, u32, u32)> {
    let (data, link) = (scratch.blob(digest), scratch.link(repository, digest));
    let above = |path: &Path, levels| path.ancestors().take(levels).map(Path::to_owned).collect::<Vec<_>>();
    let uploads = scratch.repository(repository).join("_uploads");
    let paths = [above(&data, 3), above(&link, 5), vec![uploads]].concat();
    let rights = paths.iter().map(|path| {
        let metadata = fs::symlink_metadata(path).unwrap();
        (metadata.mode(), metadata.uid(), metadata.gid())
    });
    let names = ["data", "blob", "fan-out", "link", "layer", "sha256", "_layers", "repository", "_uploads"];
    assert_eq!(paths.len(), names.len());
    names.iter().zip(rights).map(|(name, (mode, uid, gid))| ((*name).to_owned(), mode, uid, gid)).collect()
}

#[test]
fn what_regtree_writes_has_the_modes_and_owners_of_what_the_registry_writes() {
    let scratch = Scratch::bare();
    let registry = serve_as_stranger(scratch.root());
    let pushed = noise(1, 5000);
    let theirs = digest_by("sha256", &pushed);
    assert_eq!(registry.push_blob("theirs", &theirs.to_string(), &pushed).status, 201);
    let expected = rights(&scratch, "theirs", theirs);
    assert_eq!(expected[0].1 & 0o7777, 0o640, "{expected:?}");
    for (seed, repository) in [(2, "theirs"), (3, "ours")] {
        let ours = scratch.put(repository, &noise(seed, 5000));
        assert_eq!(rights(&scratch, repository, ours), expected, "{repository}");
    }
}

#[test]
fn a_registry_of_another_user_works_on_with_what_regtree_wrote() {
    let scratch = Scratch::bare();
    let registry = serve_as_stranger(scratch.root());
    let content = noise(1, 5000);
    assert_eq!(registry.push_blob("app", &digest_by("sha256", b"first").to_string(), b"first").status, 201);
    let digest = scratch.put("ours", &content);
    assert_served(&registry, "ours", digest, &content);
    assert_eq!(registry.push_blob("ours", &digest_by("sha256", b"second").to_string(), b"second").status, 201);
    assert_eq!(registry.request("DELETE", &path("ours", digest), &[], b"").status, 202);
    scratch.run(["blob", "stat", "ours", &digest.to_string()]).code(4).silent();
    let left = scratch.regtree(["blob", "list", "ours"]).ok().lines();
    assert_eq!(left, [digest_by("sha256", b"second").to_string()]);
}

#[test]
fn the_registry_s_own_configuration_leads_to_its_tree() {
    let scratch = Scratch::bare();
    let registry = DockerRegistry::serve(scratch.root());
    let digest = digest_by("sha256", b"content").to_string();
    assert_eq!(registry.push_blob("app", &digest, b"content").status, 201);
    let words = ["--registry-config", registry.configuration().to_str().unwrap(), "blob", "list"].map(str::to_owned);
    assert_eq!(Regtree::new(words).ok().lines(), [digest]);
}
