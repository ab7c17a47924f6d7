//! Kills, signals and power cuts: what a change leaves behind when it does not come to its end.
//!
//! `put`'s own are in `put`; here are those of the other commands, and of the ways that only some puts go.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use regtree::Digest;

use crate::support::kill::killed_at;
use crate::support::scratch::digest_by;
use crate::support::strace::{changes, position, strace};
use crate::support::{Regtree, Scratch, snapshot};

/// A blob in `lib/app` under all its digests.
fn aliased() -> (Scratch, [Digest; 3]) {
    let scratch = Scratch::new();
    let digests = ["sha256", "sha384", "sha512"].map(|algorithm| digest_by(algorithm, b"content"));
    for digest in digests {
        scratch.regtree(["blob", "put", "lib/app", "--digest", &digest.to_string()]).stdin("content").ok();
    }
    (scratch, digests)
}

#[test]
fn a_delete_killed_at_any_link_can_be_run_again_and_finishes() {
    for given in 0..3 {
        for nth in 1.. {
            let (scratch, digests) = aliased();
            let given = digests[given].to_string();
            let delete = ["blob", "delete", "lib/app", &given, "--all-aliases"];
            let run = killed_at(&scratch.regtree(delete), "unlinkat", nth);
            if run.signal() != Some(9) {
                run.code(0);
                break;
            }
            // The last link to go is the one that was given: while it is there, all of it can be asked for again.
            let left = scratch.run(["blob", "list", "lib/app"]).code(0).lines();
            if !left.is_empty() {
                assert!(left.contains(&given), "{left:?}");
                scratch.run(delete).code(0);
            }
            assert!(scratch.run(["blob", "list", "lib/app"]).code(0).out().is_empty());
        }
    }
}

#[test]
fn a_delete_of_several_can_be_run_again_when_some_are_gone() {
    let scratch = Scratch::new();
    let digests = [b"a", b"b"].map(|content| scratch.put("lib/app", content).to_string());
    let never = Digest::of(b"never put").to_string();
    let delete = |digests: &[&String]| {
        let digests = digests.iter().map(|digest| digest.as_str());
        scratch.run(["blob", "delete", "lib/app"].into_iter().chain(digests))
    };
    delete(&[&digests[0]]).code(0);
    delete(&[&digests[0], &digests[1], &never]).code(4).says([&never]);
    assert_eq!(delete(&[&digests[0], &digests[1]]).code(0).answer(), digests[1]);
    delete(&[&digests[0], &digests[1]]).code(4);
}

#[test]
fn a_mount_killed_at_any_change_leaves_a_sound_tree_and_can_be_run_again() {
    let mut kills = 0;
    for call in ["mkdirat", "fsync", "renameat", "write"] {
        for nth in 1.. {
            let (scratch, [sha256, _, sha512]) = aliased();
            let mount = ["blob", "mount", &sha512.to_string(), "--from", "lib/app", "--to", "other"];
            let run = killed_at(&scratch.regtree(mount), call, nth);
            for digest in [sha256, sha512] {
                if scratch.link("other", digest).exists() {
                    scratch.run(["blob", "stat", "other", &digest.to_string()]).code(0);
                }
            }
            if run.signal() != Some(9) {
                run.code(0);
                break;
            }
            kills += 1;
            scratch.run(mount).code(0);
            scratch.run(["blob", "get", "other", &sha512.to_string()]).code(0);
        }
    }
    assert!(kills > 10, "{kills}");
}

#[test]
fn a_mounts_content_is_on_the_disk_before_its_links() {
    let (scratch, [sha256, _, sha512]) = aliased();
    let mount = scratch.regtree(["blob", "mount", &sha512.to_string(), "--from", "lib/app", "--to", "other"]);
    let changes = changes(&scratch, mount);
    let hex = sha256.hex();
    let first_link = changes.iter().position(|change| change.starts_with("renameat repositories/other")).unwrap();
    // The registry that stored it may not have synced the directories that it made (layout.md §2).
    for path in [format!("blobs/sha256/{}/{}/data", &hex[..2], &hex[..]), format!("blobs/sha256/{}", &hex[..2])] {
        assert!(changes[..first_link].contains(&format!("fsync {path}")), "{path}: {changes:#?}");
    }
    let last = changes.iter().rposition(|change| change.starts_with("renameat")).unwrap();
    assert!(changes[last..].contains(&"fsync repositories".to_owned()), "{changes:#?}");
}

#[test]
fn a_deletion_is_on_the_disk_before_it_is_reported() {
    let scratch = Scratch::new();
    let digest = scratch.put("lib/app", b"content");
    let delete = scratch.regtree(["blob", "delete", "lib/app", &digest.to_string()]);
    let changes = changes(&scratch, delete);
    let hex = digest.hex();
    let directory = format!("repositories/lib/app/_layers/sha256/{}", &hex[..]);
    let unlinked = position(&changes, &format!("unlinkat {directory}/link"));
    assert!(changes[unlinked..].contains(&format!("fsync {directory}")), "{changes:#?}");
}

#[test]
fn a_file_that_is_got_is_not_synced() {
    let scratch = Scratch::new();
    let digest = scratch.put("lib/app", b"content").to_string();
    let trace = scratch.root().join("trace");
    let strace = strace(&["-e", "trace=fsync,fdatasync,sync,syncfs", "-o", trace.to_str().unwrap()]);
    let get = scratch.regtree(["blob", "get", "lib/app", &digest, "-o", "out"]).within(scratch.root());
    get.behind(strace).run().code(0);
    assert_eq!(fs::read_to_string(trace).unwrap(), "");
}

/// Starts `get` into a pipe that nobody reads, or beside a file, until `begun` says so.
fn stalled(command: &mut Command, begun: impl Fn() -> bool) -> std::process::Child {
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let begin = Instant::now();
    while !begun() {
        assert!(begin.elapsed() < Duration::from_secs(30), "it does not begin");
        std::thread::sleep(Duration::from_millis(5));
    }
    child
}

fn terminate(child: &std::process::Child) {
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
}

/// How a process ended: by its exit code, or by the signal as a shell tells it.
fn end(child: &mut std::process::Child) -> i32 {
    let begin = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            let signal = std::os::unix::process::ExitStatusExt::signal(&status);
            return status.code().or(signal.map(|signal| 128 + signal)).unwrap();
        }
        assert!(begin.elapsed() < Duration::from_secs(30), "a signal does not end it");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_signal_ends_a_get_that_nobody_reads() {
    let scratch = Scratch::new();
    let digest = scratch.put("lib/app", &vec![7; 4_000_000]).to_string();
    for range in [&[][..], &["--range", "0-"]] {
        let mut command = scratch.regtree([&["blob", "get", "lib/app", &digest], range].concat()).command();
        let mut child = stalled(&mut command, || true);
        std::thread::sleep(Duration::from_millis(200));
        terminate(&child);
        assert_eq!(end(&mut child), 143, "{range:?}");
    }
}

#[test]
fn a_signal_during_a_get_to_a_file_leaves_neither_file_nor_temporary() {
    let scratch = Scratch::new();
    let digest = scratch.put("lib/app", &vec![7; 300_000_000]).to_string();
    let out = tempfile::tempdir().unwrap();
    let names = || fs::read_dir(out.path()).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<PathBuf>>();
    let mut command = scratch.regtree(["blob", "get", "lib/app", &digest, "-o", "layer"]).within(out.path()).command();
    let mut child = stalled(&mut command, || !names().is_empty());
    terminate(&child);
    let code = end(&mut child);
    // It may have been done already; then the file is whole.
    assert!(code == 143 && names().is_empty() || code == 0 && names().len() == 1, "{code}: {:?}", names());
}

#[test]
fn a_signal_ends_a_put_that_verifies_what_is_there() {
    let scratch = Scratch::new();
    let content = vec![7; 200_000_000];
    let digest = scratch.put("lib/app", &content);
    let before = snapshot(&scratch.v2().join("repositories"));
    let file = scratch.root().join("layer");
    fs::write(&file, &content).unwrap();
    // Stops at the first read of the blob that is there, and goes on with the signal pending.
    let blob = scratch.blob(digest);
    let opens_blob = |pid: u32| {
        let descriptors = fs::read_dir(format!("/proc/{pid}/fd"));
        descriptors.is_ok_and(|mut entries| {
            entries.any(|entry| entry.is_ok_and(|entry| fs::read_link(entry.path()).is_ok_and(|path| path == blob)))
        })
    };
    let mut command = scratch.regtree(["blob", "put", "lib/app", file.to_str().unwrap()]).command();
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while !opens_blob(child.id()) {
        assert!(child.try_wait().unwrap().is_none(), "it reads the blob");
    }
    terminate(&child);
    let code = end(&mut child);
    assert!(code == 143 || code == 0, "{code}");
    assert_eq!(snapshot(&scratch.v2().join("repositories")), before, "no upload is left");
}

#[test]
fn a_put_without_threads_to_be_had_works_on_its_own() {
    let scratch = Scratch::new();
    // As a user with no other process, so that the limit hits nobody else; root has none.
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let user = "61234";
    let chown = Command::new("chown").args(["-R", user]).arg(scratch.root()).status().unwrap();
    assert!(chown.success());
    let limited = ["setpriv", "--reuid", user, "--regid", user, "--clear-groups", "prlimit", "--nproc=1"];
    let run = scratch.regtree(["blob", "put", "lib/app"]).stdin("content").behind(limited).lent().run();
    let digest = run.code(0).answer();
    assert_eq!(scratch.run(["blob", "get", "lib/app", &digest]).code(0).bytes(), b"content");
}

#[test]
fn paths_that_are_no_text_are_paths_all_the_same() {
    use std::os::unix::ffi::OsStrExt;

    let around = Scratch::bare();
    let odd = std::ffi::OsStr::from_bytes(b"odd \xff name");
    let root = around.root().join(odd);
    let created = Regtree::new(["init", "--json"]).with([&root]).ok().json();
    assert_eq!(created["created"], true);
    assert!(created["root"].as_str().unwrap().ends_with("odd \u{fffd} name"));
    let file = around.root().join(Path::new(odd).with_extension("file"));
    fs::write(&file, "content").unwrap();
    let put = Regtree::at(&root, ["blob", "put", "lib/app"]).with([&file]).ok().answer();
    let out = file.with_extension("out");
    let got = Regtree::at(&root, ["blob", "get", "lib/app", &put, "--json", "-o"]).with([&out]).ok().json();
    assert_eq!((&got["size"], &got["verified"]), (&serde_json::json!(7), &serde_json::json!(true)));
    assert_eq!(fs::read(out).unwrap(), b"content");
    Regtree::at(&root, ["repo", "list"]).ok();
    Regtree::new(["demo", "--json"]).with([around.root().join("demo").join(odd)]).ok().json();
    Regtree::new(["blob", "stat"]).with([odd]).run().code(2);
}
