//! Layouts that are malformed or hostile, and places that are no layouts: a clear error, and nothing imported or lost.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::{Value, json};

use super::hostile::MEMORY;
use super::{index, layout_in};
use crate::support::image::{Image, file_name};
use crate::support::refusal::{self, Failure};
use crate::support::{Scratch, snapshot};

const INVALID: Failure = (5, "SOURCE_INVALID");

/// A layout of one image, and the call that imports it.
fn planted() -> (Scratch, Image) {
    let (scratch, image) = (Scratch::new(), Image::new());
    image.lay_out(&layout_in(&scratch));
    (scratch, image)
}

#[track_caller]
fn refused(scratch: &Scratch, failure: Failure, names: &[&str]) {
    let layout = layout_in(scratch);
    let call = scratch.regtree(["import", layout.to_str().unwrap(), "--repository", "lib/app", "--tag", "v1"]);
    // What came before the failure was reported already.
    call.clone().run().code(failure.0).says(["error: "]).says(names);
    assert_eq!(call.with(["--json"]).run().code(failure.0).json_error()["code"], failure.1);
    let run = scratch.run(["tag", "list", "lib/app"]);
    assert!(run.exit() == Some(4) || run.out().is_empty(), "a tag was left: {}", run.out());
    scratch.regtree(["fsck", "--content"]).ok();
}

fn set(layout: &Path, change: impl FnOnce(&mut Value)) {
    let mut document = index(layout);
    change(&mut document["manifests"][0]);
    fs::write(layout.join("index.json"), document.to_string()).unwrap();
}

#[test]
fn a_directory_without_the_files_of_a_layout_is_none() {
    let (scratch, _) = planted();
    let layout = layout_in(&scratch);
    fs::remove_file(layout.join("index.json")).unwrap();
    refused(&scratch, INVALID, &["index.json", "it is missing"]);
    fs::remove_file(layout.join("oci-layout")).unwrap();
    refused(&scratch, INVALID, &["it is not an image layout, a directory that skopeo wrote, or a registry tree"]);
    fs::remove_dir_all(&layout).unwrap();
    refused(&scratch, refusal::IO, &[layout.to_str().unwrap(), "No such file"]);
}

#[test]
fn an_index_that_is_malformed_or_too_large_is_refused() {
    let (scratch, _) = planted();
    let path = layout_in(&scratch).join("index.json");
    for (text, said) in [
        ("", "EOF"),
        ("{\"manifests\":[", "EOF"),
        ("\u{ff}", "expected value"),
        ("{\"manifests\":[{\"digest\":\"sha256:0\",\"size\":1}]}", "entry 1"),
        ("{\"manifests\":[{\"size\":1}]}", "digest"),
        ("{\"manifests\":[{\"digest\":1,\"size\":1}]}", "entry 1"),
    ] {
        fs::write(&path, text).unwrap();
        refused(&scratch, INVALID, &["index.json", said]);
    }
    fs::write(&path, b"\xff\xfe").unwrap();
    refused(&scratch, INVALID, &["index.json", "UTF-8"]);
    // One GiB that takes no room, neither on the disk nor in memory.
    fs::File::create(&path).unwrap().set_len(1 << 30).unwrap();
    refused(&scratch, INVALID, &["index.json", "more than"]);
    let layout = layout_in(&scratch);
    let call = scratch.regtree(["import", layout.to_str().unwrap(), "--repository", "lib/app"]);
    call.behind(["prlimit", MEMORY]).run().code(5).says(["index.json", "more than the 33554432 bytes"]);
}

#[test]
fn content_that_is_missing_wrong_or_of_another_size_is_refused() {
    let (scratch, image) = planted();
    let layout = layout_in(&scratch);
    let blob = |content: &[u8]| layout.join("blobs/sha256").join(file_name(content));
    set(&layout, |entry| entry["size"] = json!(7));
    refused(&scratch, INVALID, &["expected 7 bytes"]);
    set(&layout, |entry| entry["size"] = json!(image.manifest.len()));
    let layer = &image.layers[1];
    fs::write(blob(layer), vec![b'x'; layer.len()]).unwrap();
    refused(&scratch, refusal::WRONG_DIGEST, &[blob(layer).to_str().unwrap(), &file_name(layer)]);
    fs::write(blob(layer), [&**layer, b"more"].concat()).unwrap();
    refused(&scratch, refusal::WRONG_SIZE, &[blob(layer).to_str().unwrap(), &layer.len().to_string()]);
    fs::remove_file(blob(layer)).unwrap();
    refused(&scratch, INVALID, &["layer", &file_name(layer), "missing"]);
    fs::write(blob(&image.manifest), b"{}").unwrap();
    refused(&scratch, INVALID, &[&file_name(&image.manifest), "does not match its digest"]);
    fs::remove_file(blob(&image.manifest)).unwrap();
    refused(&scratch, INVALID, &[&file_name(&image.manifest), "missing"]);
}

#[test]
fn what_is_no_regular_file_is_neither_read_nor_waited_for() {
    let (scratch, image) = planted();
    let blob = layout_in(&scratch).join("blobs/sha256").join(file_name(&image.layers[0]));
    fs::remove_file(&blob).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&blob).status().unwrap();
    assert!(made.success());
    refused(&scratch, refusal::IO, &[blob.to_str().unwrap(), "not a regular file"]);
    fs::remove_file(&blob).unwrap();
    symlink("/dev/zero", &blob).unwrap();
    refused(&scratch, refusal::IO, &[blob.to_str().unwrap(), "not a regular file"]);
}

#[test]
fn names_that_no_registry_stores_are_refused() {
    let (scratch, _) = planted();
    let layout = layout_in(&scratch);
    for name in ["../../etc:v1", "lib/App:v1", "/etc/passwd", "a//b:v1", "lib/app:../v1"] {
        set(&layout, |entry| entry["annotations"] = json!({ "io.containerd.image.name": name }));
        let call = scratch.regtree(["import", layout.to_str().unwrap()]);
        refusal::refused(scratch.root(), &call, INVALID, &["is not a"]);
    }
}

#[test]
fn only_a_layout_or_an_empty_place_is_exported_to() {
    let scratch = Scratch::new();
    scratch.image("lib/app", "image").tag("v1");
    let place = layout_in(&scratch);
    let export = || scratch.regtree(["export", "lib/app:v1", "-o", place.to_str().unwrap()]);
    Scratch::plant(&place.join("my/letters"), "dear");
    let before = snapshot(&place);
    refusal::fails(&export(), refusal::REFUSED, &[place.to_str().unwrap(), "not empty"]);
    assert_eq!(snapshot(&place), before);
    fs::remove_dir_all(&place).unwrap();
    fs::write(&place, "a file").unwrap();
    refusal::fails(&export(), refusal::REFUSED, &[place.to_str().unwrap(), "not a directory"]);
    fs::remove_file(&place).unwrap();
    fs::create_dir(&place).unwrap();
    export().ok();
    export().with(["--verify-existing"]).ok();
}

#[test]
fn what_is_unknown_is_an_error_and_makes_no_layout() {
    let scratch = Scratch::new();
    scratch.image("lib/app", "image").tag("v1");
    let place = layout_in(&scratch);
    for (reference, failure) in [
        ("lib/app:v2", (4, "MANIFEST_UNKNOWN")),
        ("lib/other:v1", refusal::NO_REPOSITORY),
        ("lib/other", refusal::NO_REPOSITORY),
        ("other/**", refusal::NO_REPOSITORY),
    ] {
        let call = scratch.regtree(["export", reference, "-o", place.to_str().unwrap()]);
        refusal::fails(&call, failure, &[reference.split(':').next().unwrap()]);
        assert!(!place.exists());
    }
}

#[test]
fn two_exports_to_one_layout_keep_apart() {
    let scratch = Scratch::new();
    scratch.image("lib/app", "image").tag("v1");
    let place = layout_in(&scratch);
    let export = || scratch.regtree(["export", "lib/app:v1", "-o", place.to_str().unwrap()]);
    export().ok();
    let marker = fs::File::open(place.join("oci-layout")).unwrap();
    rustix::fs::flock(&marker, rustix::fs::FlockOperation::LockExclusive).unwrap();
    refusal::fails(&export(), refusal::REFUSED, &["another process"]);
    drop(marker);
    export().ok();
}
