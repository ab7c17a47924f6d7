//! Uploads that are not there, are damaged, or may not be touched.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, lchown, symlink};
use std::path::Path;

use super::{
    EMPTY, ID, REPOSITORY, append, commit, committed, data, digest, place, plant, started, text, tree, upload,
};
use crate::support::{Regtree, Scratch};

/// Every command that wants an upload of a repository to be there.
fn wanting(scratch: &Scratch, repository: &str, id: &str) -> Vec<Regtree> {
    let verbs: [&[&str]; 5] =
        [&["status"], &["get"], &["resume"], &["resume", "--offset", "0"], &["commit", "--digest", EMPTY]];
    let call = |words: &&[&str]| scratch.regtree(["upload", words[0], repository, id]).with(&words[1..]).stdin("x");
    verbs.iter().map(call).collect()
}

/// Expects `call` to fail with this code, as text and as JSON, to name each of `names`, and to change nothing.
#[track_caller]
fn refused(scratch: &Scratch, call: &Regtree, code: i32, names: &[&str]) {
    let before = tree(scratch);
    call.clone().run().code(code).silent().says(["error: "]).says(names);
    let error = call.clone().with(["--json"]).run().code(code).silent().json_error().to_string();
    for name in names {
        assert!(error.contains(name), "{name:?} is missing in {error}");
    }
    assert_eq!(tree(scratch), before, "{:?}", call.command());
}

#[test]
fn an_unknown_upload_or_repository_or_anothers_upload_is_named() {
    let scratch = Scratch::new();
    started(&scratch, b"content");
    let theirs = scratch.run(["upload", "start", "other"]).code(0).answer();
    for id in [ID, "x", "a_b.c=d", &theirs] {
        for call in wanting(&scratch, REPOSITORY, id) {
            refused(&scratch, &call, 4, &[REPOSITORY, id]);
        }
    }
    for call in wanting(&scratch, "lib/none", &theirs) {
        refused(&scratch, &call, 4, &["lib/none"]);
    }
}

#[test]
fn an_id_that_leads_elsewhere_is_malformed() {
    let scratch = Scratch::new();
    started(&scratch, b"content");
    for id in ["a/b", "..", ".", "../x", "/", "", "a b", "a\nb", "ä", "*"] {
        let cancel = scratch.regtree(["upload", "cancel", REPOSITORY, id]);
        for call in wanting(&scratch, REPOSITORY, id).into_iter().chain([cancel]) {
            refused(&scratch, &call, 2, &[]);
        }
    }
}

#[test]
fn a_malformed_digest_or_size_is_refused_before_anything_is_touched() {
    let scratch = Scratch::new();
    let id = started(&scratch, b"content");
    let bare = digest(b"content").trim_start_matches("sha256:").to_owned();
    let unusable = format!("md5:{}", "0".repeat(32));
    for malformed in ["", "sha256", "sha256:", "sha256:abc", &bare, &bare.to_uppercase(), &unusable] {
        refused(&scratch, &commit(&scratch, &id, malformed), 2, &[]);
    }
    refused(&scratch, &upload(&scratch, "commit", &id), 2, &["--digest"]);
    refused(&scratch, &commit(&scratch, &id, EMPTY).with(["--size", "x"]), 2, &["--size"]);
    let missing = scratch.root().join("missing");
    refused(&scratch, &upload(&scratch, "resume", &id).with([&missing]), 1, &[text(&missing)]);
    refused(&scratch, &commit(&scratch, &id, &digest(b"content")).with([&missing]), 1, &[text(&missing)]);
    refused(&scratch, &upload(&scratch, "resume", &id).with([scratch.root()]), 1, &[text(scratch.root())]);
}

#[test]
fn missing_data_is_an_upload_that_received_nothing() {
    let without = || {
        let scratch = Scratch::new();
        Scratch::plant(&place(&scratch, ID).join("startedat"), super::STARTED);
        scratch
    };
    let scratch = without();
    assert_eq!(upload(&scratch, "get", ID).ok().bytes(), b"");
    assert_eq!(upload(&scratch, "status", ID).with(["--json"]).ok().json()["size"], 0);
    assert!(!place(&scratch, ID).join("data").exists(), "looking makes nothing");
    assert_eq!(append(&scratch, ID, b"content").code(0).answer(), "7");
    assert_eq!(data(&scratch, ID), b"content");
    let scratch = without();
    commit(&scratch, ID, &digest(b"content")).run().code(5).silent().says([EMPTY]);
    commit(&scratch, ID, EMPTY).ok();
    committed(&scratch, ID, b"");
    let scratch = without();
    commit(&scratch, ID, &digest(b"all at once")).with(["-"]).stdin("all at once").ok();
    committed(&scratch, ID, b"all at once");
    let scratch = without();
    assert_eq!(upload(&scratch, "cancel", ID).ok().answer(), ID);
    assert!(!place(&scratch, ID).exists());
}

#[test]
fn something_else_in_the_place_of_the_data_is_named_and_not_followed() {
    for kind in ["a directory", "a symbolic link"] {
        let scratch = Scratch::new();
        let path = plant(&scratch, ID, b"content").join("data");
        fs::remove_file(&path).unwrap();
        let outside = scratch.root().join("outside");
        fs::write(&outside, b"content").unwrap();
        if kind == "a directory" {
            fs::create_dir(&path).unwrap();
        } else {
            symlink(&outside, &path).unwrap();
        }
        for call in wanting(&scratch, REPOSITORY, ID) {
            refused(&scratch, &call, 5, &[text(&path), kind]);
        }
        refused(&scratch, &commit(&scratch, ID, &digest(b"content")), 5, &[text(&path), kind]);
        scratch.run(["upload", "list"]).code(3).says([text(&path), kind]);
        assert_eq!(fs::read(&outside).unwrap(), b"content");
    }
}

#[test]
fn an_upload_that_is_a_symbolic_link_is_named_and_not_followed() {
    let scratch = Scratch::new();
    let directory = plant(&scratch, ID, b"content");
    let outside = scratch.root().join("outside");
    fs::rename(&directory, &outside).unwrap();
    symlink(&outside, &directory).unwrap();
    let cancel = upload(&scratch, "cancel", ID);
    for call in wanting(&scratch, REPOSITORY, ID).into_iter().chain([cancel]) {
        refused(&scratch, &call, 5, &[text(&directory), "a symbolic link"]);
    }
    scratch.run(["upload", "list"]).code(3).says([text(&directory)]);
    scratch.run(["upload", "purge", "--older-than", "0s"]).code(3).says([text(&directory)]);
    assert_eq!(fs::read(outside.join("data")).unwrap(), b"content");
}

#[test]
fn garbage_in_startedat_is_told_and_hinders_nothing() {
    for garbage in [&b"garbage"[..], b"", b"2026-01-02T03:04:05Z\n", b"\xff", &[b'2'; 1 << 13]] {
        let scratch = Scratch::new();
        let startedat = plant(&scratch, ID, b"con").join("startedat");
        fs::write(&startedat, garbage).unwrap();
        let status = upload(&scratch, "status", ID).ok().out();
        assert!(status.contains("not readable"), "{status}");
        assert!(upload(&scratch, "status", ID).with(["--json"]).ok().json()["started"].is_null());
        append(&scratch, ID, b"tent").code(0);
        commit(&scratch, ID, &digest(b"content")).ok();
        committed(&scratch, ID, b"content");
    }
}

/// Gives a tree to the unprivileged user; where the tests run as one, it is theirs already.
fn give_away(root: &Path) {
    if rustix::process::geteuid().is_root() {
        for entry in walkdir::WalkDir::new(root) {
            lchown(entry.unwrap().path(), Some(65534), Some(65534)).unwrap();
        }
    }
}

/// Expects each call to be denied while `path` has `mode`, and to change nothing.
#[track_caller]
fn denied(scratch: &Scratch, path: &Path, mode: u32, calls: Vec<Regtree>) {
    let (before, usual) = (tree(scratch), fs::metadata(path).unwrap().permissions());
    for call in calls {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        let run = call.unprivileged().run();
        fs::set_permissions(path, usual.clone()).unwrap();
        run.code(1).silent().says(["error: ", "Permission denied"]);
        assert_eq!(tree(scratch), before);
    }
}

#[test]
fn what_may_not_be_read_or_written_is_refused_and_stays() {
    let scratch = Scratch::new();
    let directory = plant(&scratch, ID, b"content");
    give_away(scratch.root());
    let right = digest(b"content");
    let resume = || upload(&scratch, "resume", ID).stdin("more");
    let commit = || commit(&scratch, ID, &right);
    let cancel = || upload(&scratch, "cancel", ID);
    denied(&scratch, &directory.join("data"), 0o000, vec![upload(&scratch, "get", ID), resume(), commit()]);
    denied(&scratch, &directory.join("data"), 0o444, vec![resume()]);
    denied(&scratch, &directory, 0o000, vec![upload(&scratch, "status", ID), resume(), commit()]);
    denied(&scratch, &directory, 0o555, vec![commit(), cancel()]);
    let uploads = directory.parent().unwrap();
    denied(&scratch, uploads, 0o555, vec![scratch.regtree(["upload", "start", REPOSITORY])]);
    denied(&scratch, &scratch.v2().join("blobs/sha256"), 0o555, vec![commit()]);
    commit().unprivileged().ok();
}

#[test]
fn an_unreadable_state_blocks_no_commit() {
    let scratch = Scratch::new();
    let state = plant(&scratch, ID, b"content").join("hashstates/sha256/7");
    Scratch::plant(&state, "state");
    give_away(scratch.root());
    fs::set_permissions(&state, Permissions::from_mode(0o000)).unwrap();
    commit(&scratch, ID, &digest(b"content")).unprivileged().ok();
}

#[test]
fn a_read_only_tree_can_be_looked_at() {
    let scratch = Scratch::new();
    plant(&scratch, ID, b"content");
    give_away(scratch.root());
    let before = tree(&scratch);
    let directories = || {
        let entries = walkdir::WalkDir::new(scratch.root()).into_iter().map(|entry| entry.unwrap().into_path());
        entries.filter(|path| path.is_dir())
    };
    let set = |mode| directories().for_each(|path| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap());
    set(0o555);
    let run = |arguments: &[&str]| scratch.regtree(arguments).unprivileged().run();
    let right = digest(b"content");
    let codes =
        [run(&["upload", "list"]).code(0).lines().len(), run(&["upload", "get", REPOSITORY, ID]).code(0).bytes().len()];
    run(&["upload", "status", REPOSITORY, ID]).code(0);
    run(&["upload", "purge", "--older-than", "0s", "-n"]).code(0);
    run(&["upload", "start", REPOSITORY]).code(1);
    run(&["upload", "commit", REPOSITORY, ID, "--digest", &right]).code(1);
    run(&["upload", "cancel", REPOSITORY, ID]).code(1);
    set(0o755);
    assert_eq!(codes, [1, 7]);
    assert_eq!(tree(&scratch), before);
}
