//! Who may change the tree: the kernel's lock on `docker/registry/v2`, and the notes beside it.

use std::fs;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use regtree::{Error, ExclusiveWriter, Registry, Writer};

use crate::support::Scratch;

/// A registry that is never closed, so that its writers can be passed on.
fn registry(scratch: &Scratch) -> &'static Registry {
    Box::leak(Box::new(Registry::open(scratch.root()).unwrap()))
}

// Another test's fork may hold a lock that was dropped a moment longer, so both wait.
fn writer(scratch: &Scratch) -> Writer<'static> {
    registry(scratch).writer("gc", jiff::Timestamp::UNIX_EPOCH, Duration::from_mins(1)).unwrap()
}

fn collector(scratch: &Scratch) -> ExclusiveWriter<'static> {
    registry(scratch).exclusive_writer("gc", jiff::Timestamp::UNIX_EPOCH, Duration::from_mins(1)).unwrap()
}

/// A put that waits for its standard input, once it has begun its upload.
fn hanging_put(scratch: &Scratch) -> Child {
    let mut command = scratch.regtree(["blob", "put", "lib/app"]).command();
    let child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let begin = Instant::now();
    while scratch.uploads("lib/app").is_empty() {
        assert!(begin.elapsed() < Duration::from_secs(30), "the put does not begin");
        std::thread::sleep(Duration::from_millis(5));
    }
    child
}

#[test]
fn writers_share_the_lock() {
    let scratch = Scratch::new();
    let _other = writer(&scratch);
    scratch.put("lib/app", b"content");
}

#[test]
fn an_exclusive_holder_stops_every_writer_and_is_named() {
    let scratch = Scratch::new();
    let digest = scratch.put("lib/app", b"content").to_string();
    let _collector = collector(&scratch);
    let process = std::process::id().to_string();
    let calls: [&[&str]; 3] = [
        &["blob", "put", "lib/app"],
        &["blob", "mount", &digest, "--from", "lib/app", "--to", "other"],
        &["blob", "delete", "lib/app", &digest],
    ];
    for call in calls {
        scratch.run(call).code(11).silent().says([
            "is locked by regtree gc",
            &process,
            "1970-01-01",
            "hint:",
            "--wait-lock",
        ]);
    }
    let error = scratch.run(["blob", "put", "lib/app", "--json"]).code(11).json_error();
    assert_eq!(error["code"], "LOCKED");
    assert_eq!(error["detail"]["holders"][0]["command"], "gc");
    assert_eq!(error["detail"]["holders"][0]["mode"], "exclusive");
    assert!(!scratch.repository("other").exists());
}

#[test]
fn readers_and_dry_runs_take_no_lock() {
    let scratch = Scratch::new();
    let digest = scratch.put("lib/app", b"content").to_string();
    let _collector = collector(&scratch);
    scratch.run(["blob", "get", "lib/app", &digest]).code(0);
    scratch.run(["blob", "list"]).code(0);
    scratch.run(["repo", "list"]).code(0);
    scratch.run(["blob", "delete", "lib/app", &digest, "--dry-run"]).code(0);
}

#[test]
fn a_lock_is_waited_for_when_asked() {
    let scratch = Scratch::new();
    let collector = collector(&scratch);
    let waiting = scratch.regtree(["blob", "put", "lib/app", "--wait-lock", "60s"]).stdin("content");
    let waiting = std::thread::spawn(move || waiting.run());
    std::thread::sleep(Duration::from_millis(200));
    assert!(!waiting.is_finished());
    drop(collector);
    waiting.join().unwrap().code(0);
    for wrong in ["", "soon", "-5s", "1 fortnight"] {
        scratch.run(["blob", "put", "lib/app", &format!("--wait-lock={wrong}")]).code(2).says(["--wait-lock"]);
    }
}

#[test]
fn a_writer_stops_an_exclusive_holder_and_a_dead_one_does_not() {
    let scratch = Scratch::new();
    let registry = Registry::open(scratch.root()).unwrap();
    let acquire = || registry.exclusive_writer("gc", jiff::Timestamp::now(), Duration::ZERO);
    let notes = || fs::read_dir(scratch.root().join(".regtree/holders")).unwrap().count();

    let mut put = hanging_put(&scratch);
    let error = acquire().unwrap_err().to_string();
    assert!(error.contains("regtree blob put") && error.contains(&put.id().to_string()), "{error}");
    put.kill().unwrap();
    put.wait().unwrap();

    // The kernel has freed the lock; the note that the dead process left is stale, and goes when somebody looks.
    drop(acquire().unwrap());
    assert_eq!(notes(), 1);
    let _other = registry.writer("blob put", jiff::Timestamp::now(), Duration::ZERO).unwrap();
    assert_eq!(notes(), 2);
    let Err(Error::Locked { holders, .. }) = acquire() else { panic!("it is not locked") };
    assert_eq!(holders.iter().map(|holder| holder.pid).collect::<Vec<_>>(), [std::process::id()]);
    assert_eq!(notes(), 1);
}

#[test]
fn a_tree_is_one_however_its_root_is_named() {
    let scratch = Scratch::new();
    let _collector = collector(&scratch);
    crate::support::Regtree::at(&scratch.v2(), ["blob", "put", "lib/app"]).run().code(11).says(["regtree gc"]);
}

#[test]
fn a_lock_needs_no_note() {
    let scratch = Scratch::new();
    // A file where the directory of notes would be.
    fs::write(scratch.root().join(".regtree"), "in the way").unwrap();
    scratch.put("lib/app", b"content");
    let _collector = collector(&scratch);
    scratch.run(["blob", "put", "lib/app"]).code(11).says(["another process, which left no note"]);
}

#[test]
fn reading_makes_no_private_state() {
    let scratch = Scratch::new();
    scratch.run(["repo", "list"]).code(0);
    scratch.run(["blob", "list"]).code(0);
    assert!(!scratch.root().join(".regtree").exists());
}

#[test]
fn a_repository_is_removed_by_one_who_is_alone() {
    let scratch = Scratch::new();
    scratch.put("lib/app", b"content");
    let other = writer(&scratch);
    scratch.run(["repo", "delete", "lib/app", "-n"]).code(0);
    scratch.run(["repo", "delete", "lib/app"]).code(11).silent().says(["is locked by regtree gc"]);
    drop(other);
    scratch.run(["repo", "delete", "lib/app", "--wait-lock", "60s"]).code(0);
}

#[test]
fn what_manifests_and_tags_may_need_is_removed_by_one_who_is_alone() {
    let scratch = Scratch::new();
    let image = scratch.image("lib", "one");
    let other = writer(&scratch);
    let calls = [("manifest", image.digest), ("blob", image.layer)];
    let calls = calls.map(|(noun, digest)| scratch.regtree([noun, "delete", "lib", &digest.to_string()]));
    for call in &calls {
        call.clone().run().code(11).silent().says(["is locked by regtree gc"]);
    }
    drop(other);
    for call in calls {
        call.with(["--wait-lock", "60s"]).ok();
    }
}

#[test]
fn tags_are_changed_with_others_and_read_beside_anybody() {
    let scratch = Scratch::new();
    let digest = scratch.image("lib", "one").tag("v1").digest.to_string();
    let other = writer(&scratch);
    scratch.run(["tag", "set", "lib", "v2", &digest]).code(0);
    scratch.run(["tag", "delete", "lib", "v2"]).code(0);
    drop(other);
    let _collector = collector(&scratch);
    scratch.run(["tag", "set", "lib", "v2", &digest]).code(11).silent();
    scratch.run(["tag", "delete", "lib", "v1"]).code(11).silent();
    for call in [
        &["get", "lib", "v1"][..],
        &["list", "lib", "--long"],
        &["history", "lib", "v1"],
        &["delete", "lib", "v1", "-n"],
    ] {
        scratch.regtree(["tag"]).with(call).ok();
    }
}
