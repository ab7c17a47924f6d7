//! What is planned, what is refused, and what a signal leaves.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::{damaged, errors, repair, restore, tree, undamaged};
use crate::support::strace::strace;
use crate::support::{Pushed, Scratch};

/// A tree with something of nearly every kind.
fn damaged_in_many_ways() -> Scratch {
    let scratch = undamaged("2.8.3");
    let layers = scratch.repository("lib/app").join("_layers/sha256");
    let mut links: Vec<_> = fs::read_dir(&layers).unwrap().map(|entry| entry.unwrap().path().join("link")).collect();
    links.retain(|link| link.exists());
    links.sort();
    let image = scratch.image("lib/app", "an image of ours").tag("ours");
    let mut content = fs::read(scratch.blob(image.layer)).unwrap();
    content[3] ^= 1;
    fs::write(scratch.blob(image.layer), content).unwrap();
    fs::write(&links[0], "").unwrap();
    fs::write(&links[1], "sha256:garbage\n").unwrap();
    let dangling = layers.join("0".repeat(64)).join("link");
    Scratch::plant(&dangling, format!("sha256:{}", "0".repeat(64)));
    fs::remove_dir_all(scratch.repository("gone").join("_layers")).ok();
    fs::set_permissions(&links[2], std::os::unix::fs::PermissionsExt::from_mode(0o000)).unwrap();
    scratch
}

#[test]
fn a_dry_run_says_what_the_real_run_does_and_changes_nothing() {
    let scratch = damaged_in_many_ways();
    let before = tree(&scratch);
    let dry = repair(&scratch, &["--all-safe", "--dry-run"]);
    assert!(before == tree(&scratch));
    assert!(!scratch.root().join(".regtree/quarantine").exists());
    let real = repair(&scratch, &["--all-safe"]).code(3);
    assert!(real.actions().len() >= 5, "{:?}", real.actions());
    assert_eq!(dry.of_type("repair"), real.of_type("repair"));
    assert_eq!(dry.summary()["repairs"], real.summary()["repairs"]);
    assert_eq!((&dry.summary()["dry_run"], &real.summary()["dry_run"]), (&true.into(), &false.into()));
    assert_eq!(errors(&scratch), ["blob-missing"]);
    restore(&scratch, real.quarantine(), &before);
}

/// A process that has the lock of writers; ended when dropped.
struct LockHolder(Child);

impl LockHolder {
    fn start(v2: &Path) -> Self {
        // No child of its own, which would have the lock as long as it lives.
        let mut flock = Command::new("flock");
        flock.args(["--shared", "--no-fork"]).arg(v2).arg("cat");
        // It ends when its input does, so also when the test is killed; and it keeps no output of the test open.
        flock.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let holder = Self(flock.spawn().unwrap());
        let is_free = || {
            let mut flock = Command::new("flock");
            flock.args(["--nonblock", "--exclusive"]).arg(v2).arg("true").status().unwrap().success()
        };
        while is_free() {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        holder
    }
}

impl Drop for LockHolder {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[test]
fn a_dry_run_takes_no_lock_and_a_real_one_wants_it_alone() {
    let scratch = damaged("layer-link-empty");
    let holder = LockHolder::start(&scratch.v2());
    assert_eq!(repair(&scratch, &["--all-safe", "-n"]).code(0).actions().len(), 1);
    scratch.run(["repair", "--all-safe"]).code(11);
    drop(holder);
    repair(&scratch, &["--all-safe"]).code(0);
}

#[test]
fn repair_needs_all_safe_or_known_codes() {
    let scratch = damaged("layer-link-empty");
    scratch.run(["repair"]).code(2).says(["--only", "--all-safe"]);
    scratch.run(["repair", "--only", "link-empty", "--all-safe"]).code(2);
    // Unknown, and one that nothing mends.
    for code in ["link-emtpy", "manifest-deep"] {
        let run = scratch.run(["repair", "--only", &format!("tag-dangling,{code}")]).code(2);
        run.says([code, "link-empty", "tag-dangling", "blob-corrupt"]);
    }
    assert_eq!(repair(&scratch, &["--only", "tag-dangling,link-malformed"]).code(3).actions(), [""; 0]);
    assert_eq!(repair(&scratch, &["--only", "tag-dangling,link-empty"]).code(0).actions().len(), 1);
}

#[test]
fn a_disk_that_is_not_mounted_is_no_damage() {
    let refused = |scratch: &Scratch, why: &str| {
        let before = tree(scratch);
        for words in [&["--all-safe"][..], &["--all-safe", "-n"], &["--only", "revision-dangling"]] {
            let run = scratch.regtree(["repair"]).with(words).run().code(12);
            run.says([why, "--assume-blobs-lost"]);
        }
        assert!(before == tree(scratch));
    };
    let blobs = |scratch: &Scratch| scratch.v2().join("blobs");
    let scratch = undamaged("3.1.1");
    fs::remove_dir_all(blobs(&scratch).join("sha256")).unwrap();
    refused(&scratch, "no content");
    fs::remove_dir_all(blobs(&scratch)).unwrap();
    refused(&scratch, "no content");
    // A part of it is as strange.
    let scratch = undamaged("3.1.1");
    let mut fan_outs: Vec<_> =
        fs::read_dir(blobs(&scratch).join("sha256")).unwrap().map(|it| it.unwrap().path()).collect();
    fan_outs.sort();
    for fan_out in &fan_outs[..fan_outs.len() / 3] {
        fs::remove_dir_all(fan_out).unwrap();
    }
    refused(&scratch, "references is missing");
    let done = repair(&scratch, &["--only", "revision-dangling", "--assume-blobs-lost"]);
    assert!(!done.actions().is_empty());
    // Nothing of an empty tree is missing.
    repair(&Scratch::new(), &["--all-safe"]).code(0);
}

#[test]
fn content_of_no_bytes_is_lost_too_and_the_quarantine_does_not_hide_that() {
    let scratch = undamaged("3.1.1");
    for entry in walkdir::WalkDir::new(scratch.v2().join("blobs")) {
        let path = entry.unwrap().into_path();
        if path.is_file() {
            fs::write(path, "").unwrap();
        }
    }
    let refused = || scratch.run(["repair", "--all-safe"]).code(12).says(["missing or empty", "--assume-blobs-lost"]);
    let before = tree(&scratch);
    refused();
    assert!(before == tree(&scratch));
    let done = repair(&scratch, &["--all-safe", "--assume-blobs-lost"]).code(3);
    assert!(!done.actions().is_empty());
    refused();
    // Little of it is damage.
    let scratch = undamaged("3.1.1");
    let layer = scratch.image("lib/app", "image").tag("ours").layer;
    fs::write(scratch.blob(layer), "").unwrap();
    assert_eq!(repair(&scratch, &["--all-safe"]).code(3).actions().len(), 1);
}

#[test]
fn content_without_any_repositories_is_no_damage_either() {
    let scratch = undamaged("3.1.1");
    fs::remove_dir_all(scratch.v2().join("repositories")).unwrap();
    for words in [&["--all-safe"][..], &["--all-safe", "-n"], &["--only", "blob-corrupt"]] {
        let run = scratch.regtree(["repair"]).with(words).run().code(12);
        run.says(["repositories", "--assume-blobs-lost"]);
    }
    // What nobody mends stands.
    repair(&scratch, &["--all-safe", "--assume-blobs-lost"]).code(3);
}

#[test]
fn content_in_the_quarantine_does_not_count_as_lost() {
    let scratch = Scratch::new();
    let images: Vec<Pushed> =
        (0..4).map(|number| scratch.image("lib/app", &format!("image {number}")).tag("latest")).collect();
    for image in &images {
        fs::write(scratch.blob(image.layer), "wrong").unwrap();
        fs::write(scratch.blob(image.config), "wrong").unwrap();
    }
    assert_eq!(repair(&scratch, &["--all-safe"]).code(3).actions().len(), 8);
    // Two of three are missing now, and that is no lost disk.
    assert_eq!(repair(&scratch, &["--all-safe"]).code(3).actions(), [""; 0]);
    let again = scratch.put("lib/app", b"layer image 0");
    assert_eq!(again, images[0].layer);
}

#[test]
fn what_is_needed_again_comes_back_from_the_quarantine_and_that_is_said() {
    let scratch = Scratch::new();
    let image = scratch.image("lib/app", "kept").tag("latest");
    for number in 0..4 {
        scratch.image("lib/app", &format!("other {number}")).tag(&format!("v{number}"));
    }
    let link = scratch.link("lib/app", image.layer);
    let manifest = image.bytes.clone();
    // A collection takes an image that a push brings back, all but the layer, which the registry believed to be there.
    scratch.run(["tag", "delete", "lib/app", "latest"]).code(0);
    scratch.run(["gc", "--quarantine", "--delete-untagged", "--min-age", "0"]).code(0);
    assert!(!scratch.blob(image.layer).exists());
    Scratch::plant(&link, image.layer.to_string());
    let dry = repair(&scratch, &["--all-safe", "-n"]).code(0);
    assert_eq!((dry.of_type("restore").len(), dry.actions()), (1, vec![]));
    assert!(!scratch.blob(image.layer).exists());
    let done = repair(&scratch, &["--all-safe"]).code(0);
    assert_eq!(done.of_type("restore")[0]["digest"], image.layer.to_string());
    assert_eq!(done.actions(), [""; 0]);
    assert!(scratch.blob(image.layer).exists());
    assert_eq!(regtree::Digest::of(&manifest), image.digest);
}

#[test]
fn a_signal_ends_it_after_the_item_in_hand() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let scratch = damaged("leftover-tmp");
        let inject = format!("inject=renameat2:signal={signal}:when=1");
        let strace = strace(&["-o", "/dev/null", "-e", "trace=renameat2", "-e", &inject]);
        let run = scratch.regtree(["repair", "--all-safe", "--json"]).behind(strace).run().code(code);
        let events = run.json_lines();
        let summary = events.last().unwrap();
        assert_eq!((&summary["type"], &summary["repairs"]["quarantine-file"]), (&"summary".into(), &1.into()));
        assert_eq!(repair(&scratch, &["--all-safe"]).code(0).actions().len(), 2);
    }
}
