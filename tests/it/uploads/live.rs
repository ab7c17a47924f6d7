//! Uploads that Debian's `docker-registry` continues where regtree stopped, and the other way round.
//!
//! A registry takes up an upload only with a note that it signed, of the offset that it left it at
//! (`DockerRegistry::upload_path`); that is between it and its clients, and nothing of it is in the tree.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use regtree::Digest;
use serde_json::json;

use crate::support::Scratch;
use crate::support::image::{CONFIG, MANIFEST, archive, descriptor};
use crate::support::peers::{DockerRegistry, Reply, skopeo};
use crate::support::scratch::digest_by;

const REPOSITORY: &str = "team/app";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// Who works on an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hand {
    Registry,
    Regtree,
}

use Hand::{Registry, Regtree};

/// An upload, on a tree that a registry serves.
struct Shared {
    scratch: Scratch,
    registry: DockerRegistry,
    id: String,
    size: u64,
}

impl Shared {
    fn begun_by(hand: Hand) -> Self {
        let scratch = Scratch::new();
        let registry = DockerRegistry::serve(scratch.root());
        let id = match hand {
            Regtree => scratch.run(["upload", "start", REPOSITORY]).code(0).answer(),
            Registry => {
                let begun = registry.request("POST", &format!("/v2/{REPOSITORY}/blobs/uploads/"), &[], b"");
                assert_eq!(begun.status, 202, "{begun:?}");
                begun.header("docker-upload-uuid")
            }
        };
        Self { scratch, registry, id, size: 0 }
    }

    /// The registry ends, and another begins.
    fn restart(&mut self) {
        self.registry = DockerRegistry::serve(self.scratch.root());
    }

    fn request(&self, method: &str, more: &str, content: &[u8]) -> Reply {
        let path = DockerRegistry::upload_path(REPOSITORY, &self.id, self.size) + more;
        self.registry.request(method, &path, &[("content-type", "application/octet-stream")], content)
    }

    fn append(&mut self, hand: Hand, content: &[u8]) {
        let (begin, length) = (self.size, content.len() as u64);
        let end = begin + length;
        match hand {
            Regtree => {
                let resume = ["upload", "resume", REPOSITORY, &self.id, "--offset", &begin.to_string()];
                let resumed = self.scratch.regtree(resume).stdin(content).ok();
                assert_eq!((resumed.answer(), resumed.err()), (end.to_string(), String::new()));
            }
            Registry => {
                let patched = self.request("PATCH", "", content);
                let said = (patched.status, patched.header("range"));
                assert_eq!(said, (202, format!("0-{}", end - 1)), "{}", String::from_utf8_lossy(&patched.body));
            }
        }
        self.size = end;
        let state = fs::read(self.state()).unwrap();
        assert_eq!(state.len(), 108, "{hand:?} left a state of another form");
        assert_eq!(state[100..], end.to_be_bytes(), "{hand:?} left a state of another length");
    }

    fn commit(&self, hand: Hand, digest: Digest, last: &[u8]) {
        match hand {
            Regtree => {
                let commit = ["upload", "commit", REPOSITORY, &self.id, "-", "--digest", &digest.to_string()];
                let committed = self.scratch.regtree(commit).stdin(last).ok();
                assert_eq!(committed.err(), "");
            }
            Registry => {
                let put = self.request("PUT", &format!("&digest={digest}"), last);
                assert_eq!(put.status, 201, "{}", String::from_utf8_lossy(&put.body));
            }
        }
    }

    /// Where its files lie.
    fn directory(&self) -> PathBuf {
        self.scratch.repository(REPOSITORY).join("_uploads").join(&self.id)
    }

    /// The hash state of all that it has.
    fn state(&self) -> PathBuf {
        self.directory().join(format!("hashstates/sha256/{}", self.size))
    }

    /// What both say of it.
    fn assert_status(&self) {
        let status = self.scratch.regtree(["upload", "status", REPOSITORY, &self.id, "--json"]).ok().json();
        assert_eq!(status["size"], self.size);
        assert!(status["hash_states"].as_array().unwrap().contains(&json!(self.size)), "{status}");
        let reply = self.request("GET", "", b"");
        assert_eq!((reply.status, reply.header("range")), (204, range(self.size)));
        assert_eq!(reply.header("docker-upload-uuid"), self.id);
    }

    /// Expects the upload to be over, and its content to be a blob for both.
    fn assert_stored(&self, digest: Digest, content: &[u8]) {
        assert!(!self.directory().exists());
        self.scratch.run(["upload", "status", REPOSITORY, &self.id]).code(4);
        let digest = digest.to_string();
        assert!(self.scratch.regtree(["blob", "get", REPOSITORY, &digest]).ok().bytes() == content);
        // One that did not see the commit.
        let registry = DockerRegistry::serve(self.scratch.root());
        let reply = registry.get(&format!("/v2/{REPOSITORY}/blobs/{digest}"));
        assert!(reply.status == 200 && reply.body == content, "{} {}", reply.status, reply.body.len());
    }
}

/// What a registry calls so many bytes.
fn range(size: u64) -> String {
    format!("0-{}", size.saturating_sub(1))
}

/// Bytes that repeat late, of lengths that are no multiples of a hash's block.
fn pieces() -> Vec<Vec<u8>> {
    let mut state = 1_u64;
    let mut step = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    [70_001, 3, 300_000, 64, 1_000_003].map(|length| std::iter::repeat_with(&mut step).take(length).collect()).into()
}

/// Sends a piece by each hand in turn, the first of which begins the upload; the one after the last commits.
fn pass_on(hands: &[Hand], committing: Hand, restarting: bool) {
    let pieces = pieces();
    let mut shared = Shared::begun_by(hands[0]);
    shared.assert_status();
    for (hand, piece) in hands.iter().zip(&pieces) {
        shared.append(*hand, piece);
        if restarting {
            shared.restart();
        }
        shared.assert_status();
    }
    let content = pieces[..hands.len()].concat();
    let digest = digest_by("sha256", &content);
    shared.commit(committing, digest, b"");
    shared.assert_stored(digest, &content);
}

#[test]
fn an_upload_that_a_registry_began_is_continued_and_committed() {
    pass_on(&[Registry, Regtree], Regtree, false);
    pass_on(&[Registry], Regtree, false);
}

#[test]
fn an_upload_that_regtree_began_is_continued_and_committed_by_a_registry() {
    pass_on(&[Regtree, Registry], Registry, false);
    pass_on(&[Regtree], Registry, false);
}

#[test]
fn an_upload_goes_to_and_fro_and_either_commits_it() {
    pass_on(&[Registry, Regtree, Registry], Regtree, false);
    pass_on(&[Regtree, Registry, Regtree], Registry, false);
    pass_on(&[Registry, Regtree, Registry, Regtree], Registry, true);
    pass_on(&[Regtree, Registry, Regtree, Registry], Regtree, true);
}

#[test]
fn the_last_bytes_may_come_with_the_commit_from_either() {
    let pieces = pieces();
    let content = pieces[..3].concat();
    for (first, second) in [(Registry, Regtree), (Regtree, Registry)] {
        let mut shared = Shared::begun_by(first);
        shared.append(first, &pieces[0]);
        shared.append(second, &pieces[1]);
        let digest = digest_by("sha256", &content);
        shared.commit(first, digest, &pieces[2]);
        shared.assert_stored(digest, &content);
    }
}

#[test]
fn another_digest_than_sha256_commits_what_both_wrote() {
    let pieces = pieces();
    let content = pieces[..2].concat();
    for (first, second) in [(Registry, Regtree), (Regtree, Registry)] {
        let mut shared = Shared::begun_by(first);
        shared.append(first, &pieces[0]);
        shared.append(second, &pieces[1]);
        let alias = digest_by("sha512", &content);
        shared.commit(second, alias, b"");
        shared.assert_stored(alias, &content);
        shared.assert_stored(digest_by("sha256", &content), &content);
    }
}

#[test]
fn a_registry_uses_the_state_that_regtree_wrote_and_regtree_trusts_no_registry_s() {
    let pieces = pieces();
    let content = pieces[..2].concat();
    let digest = digest_by("sha256", &content);
    // The right form and length, and of other bytes.
    let lying = |shared: &Shared| {
        let mut state = fs::read(shared.state()).unwrap();
        state[4] ^= 1;
        fs::write(shared.state(), state).unwrap();
    };
    let mut shared = Shared::begun_by(Regtree);
    shared.append(Regtree, &pieces[0]);
    lying(&shared);
    shared.append(Registry, &pieces[1]);
    let put = shared.request("PUT", &format!("&digest={digest}"), b"");
    assert_eq!(put.status, 400, "the registry read the data anew: what do states do for it?");
    assert!(shared.directory().join("data").exists());
    // The state that the registry derived from it lies too, and is believed by nobody here.
    shared.commit(Regtree, digest, b"");
    shared.assert_stored(digest, &content);
}

#[test]
fn an_upload_of_no_bytes_is_committed_by_the_other() {
    for (first, second) in [(Registry, Regtree), (Regtree, Registry)] {
        let shared = Shared::begun_by(first);
        let digest = digest_by("sha256", b"");
        shared.commit(second, digest, b"");
        shared.assert_stored(digest, b"");
    }
}

#[test]
fn a_layer_that_both_uploaded_is_pulled_by_skopeo() {
    for hands in [[Registry, Regtree], [Regtree, Registry]] {
        let layer = archive(&pieces()[4]);
        let mut shared = Shared::begun_by(hands[0]);
        for (hand, piece) in hands.iter().cycle().zip(layer.chunks(300_007)) {
            shared.append(*hand, piece);
        }
        let digest = digest_by("sha256", &layer);
        shared.commit(hands[1], digest, b"");
        let config = json!({
            "architecture": "amd64", "os": "linux", "config": {}, "rootfs": { "type": "layers", "diff_ids": [digest] },
        });
        let config = serde_json::to_vec(&config).unwrap();
        shared.scratch.put(REPOSITORY, &config);
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": descriptor(CONFIG, &config),
            "layers": [descriptor(LAYER, &layer)],
        });
        let manifest = serde_json::to_vec(&manifest).unwrap();
        shared.restart();
        let path = format!("/v2/{REPOSITORY}/manifests/v1");
        let reply = shared.registry.request("PUT", &path, &[("content-type", MANIFEST)], &manifest);
        assert_eq!(reply.status, 201, "{}", String::from_utf8_lossy(&reply.body));
        let place = tempfile::tempdir().unwrap();
        let source = format!("docker://{}/{REPOSITORY}:v1", shared.registry.address());
        skopeo(&["copy", "--src-tls-verify=false", &source, &format!("dir:{}", place.path().display())]);
        for blob in [&config, &layer] {
            let pulled = fs::read(place.path().join(digest_by("sha256", blob).hex().to_string())).unwrap();
            assert!(pulled == *blob);
        }
    }
}

#[test]
fn a_registry_tells_how_far_regtree_is_while_it_appends() {
    let mut shared = Shared::begun_by(Registry);
    shared.append(Registry, b"from http");
    let resume = shared.scratch.regtree(["upload", "resume", REPOSITORY, &shared.id]);
    let mut child = resume.command().stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.as_mut().unwrap().write_all(b", from a pipe").unwrap();
    let arrived = b"from http, from a pipe";
    let begin = Instant::now();
    while fs::read(shared.directory().join("data")).unwrap() != arrived {
        assert!(begin.elapsed() < Duration::from_secs(30), "the bytes do not arrive");
        std::thread::sleep(Duration::from_millis(5));
    }
    shared.size = arrived.len() as u64;
    let reply = shared.request("GET", "", b"");
    assert_eq!((reply.status, reply.header("range")), (204, range(shared.size)));
    child.stdin.as_mut().unwrap().write_all(b", to its end").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), &*output.stdout), (Some(0), &b"34\n"[..]));
    shared.size = 34;
    shared.assert_status();
    let content = b"from http, from a pipe, to its end";
    shared.commit(Registry, digest_by("sha256", content), b"");
    shared.assert_stored(digest_by("sha256", content), content);
}

#[test]
fn an_upload_that_regtree_cancelled_is_unknown_to_the_registry() {
    for hand in [Registry, Regtree] {
        let mut shared = Shared::begun_by(hand);
        shared.append(Registry, b"in vain");
        let cancelled = shared.scratch.run(["upload", "cancel", REPOSITORY, &shared.id]).code(0);
        assert_eq!(cancelled.answer(), shared.id);
        for method in ["GET", "PATCH", "DELETE"] {
            let reply = shared.request(method, "", b"");
            let said = String::from_utf8(reply.body).unwrap();
            assert!(reply.status == 404 && said.contains("BLOB_UPLOAD_UNKNOWN"), "{method} {said}");
        }
        assert!(shared.scratch.uploads(REPOSITORY).is_empty());
    }
}

/// Cancelled by HTTP. The registry removes the session, and then stores a hash state of it once more, for offset 0: a
/// directory is left that no registry takes for an upload, nor ever purges.
fn cancelled_by_http(begun: Hand) -> Shared {
    let mut shared = Shared::begun_by(begun);
    shared.append(Regtree, b"in vain");
    assert_eq!(shared.request("DELETE", "", b"").status, 204);
    assert_eq!(shared.request("GET", "", b"").status, 404);
    assert!(!shared.directory().join("data").exists());
    shared
}

#[test]
fn an_upload_that_was_cancelled_by_http_is_unknown_to_regtree() {
    for hand in [Registry, Regtree] {
        let shared = cancelled_by_http(hand);
        let (id, digest) = (&shared.id, digest_by("sha256", b"in vain").to_string());
        shared.scratch.run(["upload", "resume", REPOSITORY, id]).code(4).silent().says([id]);
        shared.scratch.run(["upload", "commit", REPOSITORY, id, "--digest", &digest]).code(4).silent().says([id]);
    }
}

#[test]
fn what_is_left_of_an_upload_that_was_cancelled_by_http_is_removed() {
    for hand in [Registry, Regtree] {
        let shared = cancelled_by_http(hand);
        shared.scratch.run(["upload", "cancel", REPOSITORY, &shared.id]).code(0);
        assert!(!shared.directory().exists());
        let shared = cancelled_by_http(hand);
        shared.scratch.run(["upload", "purge", REPOSITORY, "--older-than", "0s"]).code(0);
        assert!(!shared.directory().exists());
    }
}
