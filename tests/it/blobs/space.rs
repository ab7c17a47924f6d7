//! Disks that are full, and disks that are read-only.

use std::fs;
use std::io::Write;

use crate::support::Scratch;
use crate::support::mounted::{Mounted, NO_SPACE, starved};
use crate::support::refusal::{CONTENT, IO, OTHER, fails, refused, text};
use crate::support::scratch::digest_by;

/// A limit that would end the process by a signal, SIGXFSZ, if it did not see to that.
const LIMITED: [&str; 3] = ["prlimit", "--fsize=65536", "--core=0"];

#[test]
fn content_that_does_not_fit_leaves_nothing() {
    let mounted = Mounted::tree("size=1m");
    let digest = mounted.put();
    for repository in ["lib/app", "lib/new"] {
        let put = mounted.regtree(["blob", "put", repository]).stdin(vec![7; 3 << 20]);
        refused(&mounted.root, &put, IO, &[text(&mounted.root), NO_SPACE]);
        mounted.still_has(&digest);
    }
    // What a failed put took is free again.
    mounted.regtree(["blob", "put", "lib/app"]).stdin(vec![7; 500 << 10]).ok();
}

#[test]
fn on_a_full_disk_reading_and_deleting_work_and_putting_fails() {
    let mounted = Mounted::tree("size=1m");
    let digest = mounted.put();
    let filler = fs::File::options().append(true).create(true).open(mounted.root.join("filler")).unwrap();
    let full = std::iter::repeat_with(|| (&filler).write_all(&[0; 4096])).find_map(Result::err).unwrap();
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    for repository in ["lib/app", "lib/new"] {
        let put = mounted.regtree(["blob", "put", repository]).stdin(OTHER);
        refused(&mounted.root, &put, IO, &[text(&mounted.root), NO_SPACE]);
    }
    mounted.still_has(&digest);
    assert_eq!(mounted.regtree(["blob", "delete", "lib/app", &digest]).ok().answer(), digest);
}

#[test]
fn a_put_that_runs_out_of_space_at_any_step_leaves_nothing() {
    let mut mounted = Mounted::tree("size=16m");
    let digest = mounted.put();
    let alias = digest_by("sha512", OTHER).to_string();
    let put = mounted.regtree(["blob", "put", "lib/new", "--digest", &alias]).stdin(OTHER);
    assert!(starved(&mut mounted, &put) > 8);
    assert_eq!(mounted.regtree(["blob", "get", "lib/app", &digest]).ok().bytes(), CONTENT);
    assert_eq!(mounted.regtree(["blob", "get", "lib/new", &alias]).ok().bytes(), OTHER);
}

#[test]
fn a_mount_that_runs_out_of_space_at_any_step_leaves_nothing() {
    let mut mounted = Mounted::tree("size=16m");
    let digest = mounted.put();
    let mount = mounted.regtree(["blob", "mount", &digest, "--from", "lib/app", "--to", "lib/new"]);
    assert!(starved(&mut mounted, &mount) > 3);
    assert_eq!(mounted.regtree(["blob", "get", "lib/new", &digest]).ok().bytes(), CONTENT);
}

#[test]
fn a_read_only_disk_can_be_read_and_says_why_it_is_not_written() {
    let mut mounted = Mounted::tree("size=1m");
    let digest = mounted.put();
    mounted.remount("ro");
    let read_only = "Read-only file system";
    let app = mounted.root.join("docker/registry/v2/repositories/lib/app");
    let lib = app.parent().unwrap();
    let link = app.join("_layers/sha256").join(&digest["sha256:".len()..]).join("link");
    for (call, named) in [
        (&["put", "lib/app"][..], app.join("_uploads")),
        (&["put", "lib/new"], lib.join("new")),
        (&["delete", "lib/app", &digest], link),
        (&["mount", &digest, "--from", "lib/app", "--to", "lib/new"], lib.join("new")),
    ] {
        let call = mounted.regtree(["blob"]).with(call).stdin(OTHER);
        refused(&mounted.root, &call, IO, &[text(&named), read_only]);
    }
    mounted.still_has(&digest);
    for call in [
        &["stat", "lib/app", &digest][..],
        &["stat", "--all-repos", &digest],
        &["list"],
        &["list", "lib/app", "--long"],
        &["delete", "lib/app", &digest, "--dry-run"],
    ] {
        mounted.regtree(["blob"]).with(call).ok();
    }
}

#[test]
fn a_file_that_may_not_grow_leaves_nothing() {
    let scratch = Scratch::new();
    scratch.put("lib/app", CONTENT);
    for repository in ["lib/app", "lib/new"] {
        let put = scratch.regtree(["blob", "put", repository]).stdin(vec![7; 1 << 20]).behind(LIMITED);
        refused(scratch.root(), &put, IO, &[text(&scratch.repository(repository)), "File too large"]);
    }
}

#[test]
fn a_file_that_does_not_fit_is_told() {
    let scratch = Scratch::new();
    let digest = scratch.put("lib/app", CONTENT).to_string();
    let get = scratch.regtree(["blob", "get", "lib/app", &digest]);
    fails(&get.clone().with(["-o", "/dev/full"]), IO, &["/dev/full", NO_SPACE]);
    let out = scratch.root().join("out");
    let long = scratch.put("lib/app", &vec![7; 1 << 20]).to_string();
    let get = scratch.regtree(["blob", "get", "lib/app", &long, "-o"]).with([&out]).behind(LIMITED);
    refused(scratch.root(), &get, IO, &[text(&out), "File too large"]);
}
