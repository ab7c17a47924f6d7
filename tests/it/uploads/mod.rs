//! `upload`: sessions that are begun in one process, continued in others and committed in a last.

mod bad_input;
mod commit;
mod crash;
mod live;
mod purge;
mod session;
mod states;
mod vectors;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use regtree::Digest;

use crate::support::{Regtree, Run, Scratch, snapshot};

const REPOSITORY: &str = "lib/app";
const ID: &str = "8b5d1c5e-93f4-4f0c-8ea5-1f2f1a3d9c11";
/// The digest of nothing.
const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const STARTED: &str = "2026-01-02T03:04:05Z";

/// `upload VERB lib/app ID`, to be extended.
fn upload(scratch: &Scratch, verb: &str, id: &str) -> Regtree {
    scratch.regtree(["upload", verb, REPOSITORY, id])
}

/// `upload commit lib/app ID --digest DIGEST`.
fn commit(scratch: &Scratch, id: &str, digest: &str) -> Regtree {
    upload(scratch, "commit", id).with(["--digest", digest])
}

/// Begins an upload to `lib/app`.
fn start(scratch: &Scratch) -> String {
    scratch.run(["upload", "start", REPOSITORY]).code(0).answer()
}

/// Begins an upload to `lib/app` that has received `content`.
fn started(scratch: &Scratch, content: &[u8]) -> String {
    let id = start(scratch);
    append(scratch, &id, content).code(0);
    id
}

fn append(scratch: &Scratch, id: &str, content: &[u8]) -> Run {
    upload(scratch, "resume", id).stdin(content).run()
}

/// An upload that others left.
fn plant(scratch: &Scratch, id: &str, content: &[u8]) -> PathBuf {
    let directory = place(scratch, id);
    Scratch::plant(&directory.join("data"), content);
    Scratch::plant(&directory.join("startedat"), STARTED);
    directory
}

/// Where an upload to `lib/app` lies.
fn place(scratch: &Scratch, id: &str) -> PathBuf {
    scratch.repository(REPOSITORY).join("_uploads").join(id)
}

fn data(scratch: &Scratch, id: &str) -> Vec<u8> {
    fs::read(place(scratch, id).join("data")).unwrap()
}

fn digest(content: &[u8]) -> String {
    Digest::of(content).to_string()
}

/// The tree without regtree's own state.
fn tree(scratch: &Scratch) -> BTreeMap<PathBuf, String> {
    snapshot(&scratch.root().join("docker"))
}

/// The uploads that `upload list --json` shows with these arguments: repository, id, size.
fn listed(scratch: &Scratch, arguments: &[&str]) -> Vec<(String, String, u64)> {
    let events = scratch.regtree(["upload", "list", "--json"]).with(arguments).ok().json_lines();
    events
        .iter()
        .map(|event| {
            assert_eq!(event["type"], "upload", "{event}");
            let text = |field: &str| event[field].as_str().unwrap().to_owned();
            (text("repository"), text("upload"), event["size"].as_u64().unwrap())
        })
        .collect()
}

/// Expects the upload to be a blob of `content` now, and nothing else.
#[track_caller]
fn committed(scratch: &Scratch, id: &str, content: &[u8]) {
    let digest = digest(content);
    assert_eq!(scratch.run(["blob", "get", REPOSITORY, &digest]).code(0).bytes(), content);
    assert!(!place(scratch, id).exists(), "the session stays");
}

/// A file outside of the tree.
fn file(scratch: &Scratch, name: &str, content: &[u8]) -> String {
    let path = scratch.root().join(name);
    fs::write(&path, content).unwrap();
    text(&path).to_owned()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
