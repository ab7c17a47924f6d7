//! Journals and records that somebody else wrote: a restore may run as root, and whoever owns the tree can write them.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::{Pushed, Scratch};

const RUN: &str = "20200101T000000Z-0123abcd";

/// A run whose journal has one change of a path, as a repair would have written it.
fn forge(scratch: &Scratch, path: &Path, mut change: Value) -> PathBuf {
    let path = path.strip_prefix(scratch.v2()).unwrap().to_str().unwrap();
    let time = "2020-01-01T00:00:00Z";
    change["type"] = "change".into();
    change["path"] = path.into();
    change["digest"] = Value::Null;
    change["time"] = time.into();
    change["schema_version"] = 1.into();
    let begin = json!({"type": "begin", "run": RUN, "kind": "repair", "time": time, "schema_version": 1});
    let journal = scratch.root().join(".regtree/quarantine").join(RUN).join("journal");
    Scratch::plant(&journal, format!("{begin}\n{change}\n"));
    fs::create_dir_all(journal.with_file_name("things")).unwrap();
    journal
}

fn image() -> (Scratch, Pushed) {
    let scratch = Scratch::new();
    let image = scratch.image("lib/app", "image").tag("v1");
    (scratch, image)
}

fn access(path: &Path) -> Value {
    let found = fs::metadata(path).unwrap();
    json!({"mode": found.mode() & 0o7777, "uid": found.uid(), "gid": found.gid()})
}

#[test]
fn no_journal_gives_set_id_bits_a_wider_mode_or_another_owner() {
    let (scratch, image) = image();
    let path = scratch.link("lib/app", image.layer);
    let (now, above) = (access(&path), access(path.parent().unwrap()));
    let with = |key: &str, value: u32| {
        let mut access = now.clone();
        access[key] = value.into();
        access
    };
    assert_eq!(above["mode"], 0o755);
    let forged = [with("mode", 0o4755), with("mode", 0o2755), with("mode", 0o1644), with("mode", 0o666)];
    let foreign = [with("uid", 54321), with("gid", 54321)];
    for before in forged.into_iter().chain(foreign) {
        forge(&scratch, &path, json!({"change": "access", "before": before, "after": now}));
        let shown = scratch.run(["quarantine", "show", RUN]).code(0);
        let (mode, uid, gid) = (before["mode"].as_u64().unwrap(), &before["uid"], &before["gid"]);
        assert!(shown.out().contains(&format!("before: mode {mode:04o}, owner {uid}:{gid}")), "{}", shown.out());
        scratch.run(["quarantine", "restore", RUN, "-n"]).code(3).says(["is not undone", "the directory above has"]);
        scratch.run(["quarantine", "restore", RUN]).code(3).says(["is not undone", path.to_str().unwrap()]);
        assert_eq!(access(&path), now, "{before}");
    }
    // What the directory above has may be given.
    let narrower = with("mode", 0o600);
    forge(&scratch, &path, json!({"change": "access", "before": narrower, "after": now}));
    scratch.run(["quarantine", "restore", RUN]).code(0);
    assert_eq!(access(&path), narrower);
}

#[test]
fn no_journal_writes_a_link_that_could_not_be_right() {
    let (scratch, image) = image();
    let other = scratch.image("lib/app", "other").tag("v2");
    let tag = scratch.repository("lib/app").join("_manifests/tags/v1/current/link");
    let layer = scratch.link("lib/app", image.layer);
    let absent = regtree::Digest::of(b"absent");
    let change = |now: &str, before: &str| {
        let access = json!({"mode": 0o644, "uid": 0, "gid": 0});
        json!({"change": "link", "before": {"content": hex::encode(before), "access": access}, "after": now})
    };
    let (layer_now, tag_now) = (image.layer.to_string(), image.digest.to_string());
    for (path, now, before) in [
        (&layer, &layer_now, other.layer.to_string()),
        (&layer, &layer_now, String::new()),
        (&tag, &tag_now, absent.to_string()),
        (&tag, &tag_now, format!("{}\n", other.digest)),
        (&scratch.blob(image.config), &layer_now, other.layer.to_string()),
    ] {
        let kept = fs::read(path).unwrap();
        if path == &scratch.blob(image.config) {
            fs::write(path, now).unwrap();
        }
        forge(&scratch, path, change(now, &before));
        scratch.run(["quarantine", "restore", RUN]).code(3).says(["is not undone", path.to_str().unwrap()]);
        assert_eq!(fs::read_to_string(path).unwrap(), *now, "{before:?}");
        fs::write(path, kept).unwrap();
    }
    // The tag's former manifest is whole.
    forge(&scratch, &tag, change(&tag_now, &other.digest.to_string()));
    scratch.run(["quarantine", "restore", RUN]).code(0);
    assert_eq!(fs::read_to_string(&tag).unwrap(), other.digest.to_string());
}

/// Makes something else of a file of our state.
fn spoil(path: &Path, how: &str) {
    let moved = path.with_file_name("moved");
    match how {
        "symlink" => {
            fs::rename(path, &moved).unwrap();
            symlink(&moved, path).unwrap();
        }
        "hard link" => fs::hard_link(path, &moved).unwrap(),
        "fifo" => {
            fs::remove_file(path).unwrap();
            assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
        }
        "owner" => std::os::unix::fs::chown(path, Some(54321), Some(54321)).unwrap(),
        _ => unreachable!("{how}"),
    }
}

fn ways() -> impl Iterator<Item = &'static str> {
    let is_root = rustix::process::geteuid().is_root();
    ["symlink", "hard link", "fifo"].into_iter().chain(is_root.then_some("owner"))
}

#[test]
fn a_journal_that_is_not_a_plain_file_of_the_tree_s_owner_is_refused() {
    for how in ways() {
        let (scratch, image) = image();
        let path = scratch.link("lib/app", image.layer);
        let now = access(&path);
        let mut narrower = now.clone();
        narrower["mode"] = 0o600.into();
        let journal = forge(&scratch, &path, json!({"change": "access", "before": narrower, "after": now}));
        spoil(&journal, how);
        scratch.run(["quarantine", "restore", RUN]).code(12).silent().says(["can't be trusted", RUN]);
        assert_eq!(access(&path), now, "{how}");
        // A collection goes on without it, and reports it.
        scratch.run(["gc"]).code(3).says(["can't be trusted"]);
    }
}

#[test]
fn records_that_are_not_plain_files_are_not_used_and_not_given_away() {
    for how in ways() {
        let (scratch, _) = image();
        scratch.run(["fsck", "--content"]).code(0);
        let verified = scratch.root().join(".regtree/verified");
        for name in ["blobs", "blobs.lock"] {
            let path = verified.join(name);
            spoil(&path, how);
            let before = fs::symlink_metadata(&path).unwrap();
            scratch.regtree(["fsck", "--content"]).behind(["timeout", "20"]).ok();
            let after = fs::symlink_metadata(&path).unwrap();
            // A record is replaced as a whole; what a lock is made of stays as it is.
            let is_same = (before.ino(), before.uid(), before.mode()) == (after.ino(), after.uid(), after.mode());
            assert!(is_same || name == "blobs" && after.is_file() && after.nlink() == 1, "{how}: {name}");
            fs::remove_dir_all(&verified).unwrap();
            scratch.run(["fsck", "--content"]).code(0);
        }
    }
}

#[test]
fn a_ledger_that_is_one_long_line_costs_no_memory() {
    let (scratch, _) = image();
    scratch.run(["fsck", "--content"]).code(0);
    let ledger = scratch.root().join(".regtree/verified/blobs");
    fs::OpenOptions::new().write(true).open(&ledger).unwrap().set_len(1 << 30).unwrap();
    let limited = ["prlimit", "--as=400000000"];
    // What was noted before is used: nothing is hashed again, and so nothing is written.
    let run = scratch.regtree(["fsck", "--unverified-for", "1h", "--json"]).behind(limited).ok();
    let end = run.json_lines().pop().unwrap();
    assert_eq!((&end["type"], &end["content"]["passed_over"]), (&json!("summary"), &json!(3)), "{end}");
}

#[test]
fn a_ledger_that_another_keeps_locked_is_not_waited_for() {
    let (scratch, _) = image();
    scratch.run(["fsck", "--content"]).code(0);
    let lock = fs::File::open(scratch.root().join(".regtree/verified/blobs.lock")).unwrap();
    lock.lock().unwrap();
    scratch.regtree(["fsck", "--content"]).behind(["timeout", "20"]).run().code(0);
}

#[test]
fn modes_are_not_set_right_of_a_file_with_another_name() {
    let (scratch, image) = image();
    let blob = scratch.blob(image.config);
    let outside = scratch.root().join("outside");
    fs::set_permissions(&blob, PermissionsExt::from_mode(0o000)).unwrap();
    fs::hard_link(&blob, &outside).unwrap();
    if rustix::process::geteuid().is_root() {
        for entry in walkdir::WalkDir::new(scratch.root()) {
            std::os::unix::fs::chown(entry.unwrap().path(), Some(65534), Some(65534)).unwrap();
        }
    }
    let call = scratch.regtree(["repair", "--only", "permissions"]).unprivileged();
    call.run().code(3).says(["more than one hard link"]);
    assert_eq!(access(&outside)["mode"], 0o000);
}
