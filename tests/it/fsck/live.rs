//! `fsck` while other processes change the tree.

use std::collections::BTreeSet;
use std::fs;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::{checked, fsck};
use crate::support::Scratch;
use crate::support::image::{Image, noise};
use crate::support::peers::{DockerRegistry, skopeo};
use crate::support::running::{signal, wait_until_open};
use crate::support::strace::strace;

#[test]
fn nothing_is_told_of_a_tree_that_is_written_to() {
    let scratch = Scratch::new();
    scratch.image("lib/app", "first").tag("latest");
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..12 {
                scratch.image("lib/app", &format!("round {round}")).tag("latest");
                scratch.image(&format!("lib/new{round}"), "the same").tag("latest");
            }
            over.store(true, Ordering::Relaxed);
        });
        while !over.load(Ordering::Relaxed) {
            let found = checked(scratch.regtree(["fsck", "--json", "--content"]).with_pauses());
            assert_eq!(found.of_severity("error").len() + found.of_severity("warning").len(), 0, "{:?}", found.events);
        }
    });
    assert!(fsck(&scratch, &["--content"]).code(0).codes().is_empty());
}

#[test]
fn a_signal_ends_it_with_what_it_found_so_far() {
    let scratch = Scratch::new();
    let large = scratch.put("lib/app", &noise(3, 1 << 20));
    // A hole takes no room, and long to hash.
    fs::File::options().write(true).open(scratch.blob(large)).unwrap().set_len(200 << 30).unwrap();
    let first = scratch.image("lib/app", "first").tag("latest");
    let digests = BTreeSet::from([first.digest, first.config, first.layer]);
    for (name, code) in [("-INT", 130), ("-TERM", 143)] {
        let mut command = scratch.regtree(["fsck", "--content", "--json"]).command();
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // What is small was hashed long before.
        wait_until_open(child.id(), &scratch.blob(large));
        std::thread::sleep(Duration::from_secs(1));
        signal(&child, name);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", String::from_utf8_lossy(&output.stderr));
        let last = String::from_utf8(output.stdout).unwrap().lines().last().unwrap().to_owned();
        let summary: serde_json::Value = serde_json::from_str(&last).unwrap();
        assert_eq!((&summary["type"], &summary["content"]["stopped"]), (&"summary".into(), &"signal".into()));
        // All before it was hashed; the hole never is.
        let before = digests.range(..large).next_back().map(ToString::to_string);
        assert_eq!(summary["content"]["resume_after"].as_str(), before.as_deref());
    }
}

#[test]
fn what_was_mended_while_content_was_hashed_is_not_told() {
    let scratch = Scratch::new();
    let image = scratch.image("lib/app", "first").tag("latest");
    let large = scratch.put("lib/app", &noise(3, 1 << 20));
    fs::File::options().write(true).open(scratch.blob(large)).unwrap().set_len(1 << 30).unwrap();
    let link = scratch.link("lib/app", image.layer);
    fs::write(&link, "").unwrap();
    // Else it would be waited for.
    Scratch::set_time(link.parent().unwrap(), std::time::UNIX_EPOCH);
    let mut command = scratch.regtree(["fsck", "--content", "--json"]).command();
    let child = command.stdout(Stdio::piped()).spawn().unwrap();
    wait_until_open(child.id(), &scratch.blob(large));
    // However busy the machine is, it does not come to its end meanwhile.
    signal(&child, "-STOP");
    fs::write(&link, image.layer.to_string()).unwrap();
    signal(&child, "-CONT");
    let told = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    assert!(told.contains("blob-corrupt") && !told.contains("link-empty"), "{told}");
}

#[test]
fn nothing_is_told_while_the_registry_takes_pushes() {
    let (scratch, layouts) = (Scratch::new(), tempfile::tempdir().unwrap());
    let registry = DockerRegistry::serve(scratch.root());
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for seed in 0..6 {
                let layout = layouts.path().join(seed.to_string());
                Image::of("amd64", seed * 10).lay_out(&layout);
                let (source, target) = (format!("oci:{}", layout.display()), registry.address());
                skopeo(&["copy", "--dest-tls-verify=false", &source, &format!("docker://{target}/lib/app:latest")]);
            }
            over.store(true, Ordering::Relaxed);
        });
        while !over.load(Ordering::Relaxed) {
            let found = checked(scratch.regtree(["fsck", "--json", "--content"]).with_pauses());
            assert_eq!(found.of_severity("error").len(), 0, "{:?}", found.events);
        }
    });
    let found = fsck(&scratch, &["--content"]).code(0);
    assert_eq!(found.of_severity("warning").len(), 0, "{:?}", found.events);
    assert_eq!(found.summary()["checked"]["manifests"], 6);
}

#[test]
fn what_is_only_worth_knowing_is_not_looked_up_again() {
    let opened = |is_left: bool| {
        let scratch = Scratch::new();
        for number in 0..40 {
            scratch.image("lib/app", "one").tag(&format!("v{number}"));
        }
        if is_left {
            let upload = scratch.repository("lib/app").join("_uploads/0e1a6a5c-8a52-4d3c-9a6e-3b1f6f0f2c11");
            Scratch::plant(&upload.join("startedat"), "2020-01-01T00:00:00Z");
            Scratch::plant(&upload.join("data"), "left");
        }
        let trace = scratch.root().join("trace");
        let fsck = scratch.regtree(["fsck"]).behind(strace(&["-e", "trace=openat2", "-o", trace.to_str().unwrap()]));
        assert_eq!(fsck.ok().out().contains("upload-stale"), is_left);
        fs::read_to_string(trace).unwrap().lines().filter(|line| line.contains("openat2(")).count()
    };
    let (without, with) = (opened(false), opened(true));
    assert!(with < without + 40, "{with} opened because of one upload, where {without} are for 40 tags");
}

#[test]
fn a_directory_that_is_removed_while_it_is_read_is_not_there() {
    let scratch = Scratch::new();
    scratch.image("lib/app", "one").tag("v1");
    let states = scratch.repository("lib/app").join("_uploads/0e1a6a5c-8a52-4d3c-9a6e-3b1f6f0f2c11/hashstates");
    fs::create_dir_all(&states).unwrap();
    // The kernel answers so where a directory is read that was removed after it was opened.
    let inject = "inject=getdents64:error=ENOENT";
    let strace = strace(&["-o", "/dev/null", "-P", states.to_str().unwrap(), "-e", "trace=getdents64", "-e", inject]);
    let found = scratch.regtree(["fsck"]).behind(strace).run();
    assert!(!found.out().contains("not-checked"), "{}", found.out());
    assert!(!found.out().contains("unreadable"), "{}", found.out());
}
