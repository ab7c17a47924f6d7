//! Uploads whose process is killed at any change that it makes.

use std::fs;

use regtree::Digest;

use super::{REPOSITORY, Session, content};
use crate::support::kill::{at_every_change, killed_at};
use crate::support::scratch::digest_by;
use crate::support::{Regtree, Scratch, assert_sound};

#[test]
fn a_start_killed_at_any_change_it_makes_can_be_run_again() {
    let kills = at_every_change(
        || {
            let scratch = Scratch::new();
            let start = scratch.regtree(["upload", "start", REPOSITORY]);
            (scratch, start)
        },
        |scratch, when, _| {
            assert_sound(scratch);
            let left = scratch.uploads(REPOSITORY);
            assert!(left.len() <= 1, "{when}: {left:?}");
            for upload in left {
                // Whatever is there, it can be used.
                let id = upload.file_name().unwrap().to_str().unwrap();
                let status = scratch.regtree(["upload", "status", REPOSITORY, id, "--json"]).ok().json();
                assert_eq!(status["size"], 0, "{when}");
                // Nobody was told of it yet, and without a time or data it is no upload; a purge takes it.
                let begun = upload.join("startedat").exists() || upload.join("data").exists();
                let resume = scratch.regtree(["upload", "resume", REPOSITORY, id, "--offset", "0"]).stdin("content");
                resume.run().code(if begun { 0 } else { 4 });
            }
            let id = scratch.run(["upload", "start", REPOSITORY]).code(0).answer();
            scratch.regtree(["upload", "resume", REPOSITORY, &id, "--offset", "0"]).stdin("content").ok();
            let digest = Digest::of(b"content").to_string();
            scratch.run(["upload", "commit", REPOSITORY, &id, "--digest", &digest]).code(0);
            assert_eq!(scratch.run(["blob", "get", REPOSITORY, &digest]).code(0).bytes(), b"content", "{when}");
            assert_sound(scratch);
        },
    );
    assert!(kills > 15, "{kills} kills: strace does not do what it is asked to");
}

#[test]
fn a_resume_killed_at_any_change_it_makes_leaves_what_status_says_and_can_be_finished() {
    let whole = content(400_000);
    let (first, second) = whole.split_at(100_000);
    let digest = Digest::of(&whole);
    let kills = at_every_change(
        || {
            let session = Session::with(first);
            let resume = session.upload("resume").with(["--offset", "100000"]).stdin(second);
            (session, resume)
        },
        |session, when, kills| {
            assert_sound(&session.scratch);
            let data = session.received();
            assert!(data.len() >= first.len() && whole.starts_with(&data), "{when}: {} bytes", data.len());
            // The two ways to go on.
            if kills % 2 == 0 {
                let offset = data.len().to_string();
                session.upload("resume").with(["--offset", &offset]).stdin(&whole[data.len()..]).ok();
            } else {
                let resume = session.upload("resume").with(["--truncate-to", "100000", "--offset", "100000"]);
                resume.stdin(second).ok();
            }
            assert!(session.received() == whole, "{when}");
            session.commit(digest).ok();
            session.assert_stored(digest, &whole);
        },
    );
    assert!(kills > 10, "{kills} kills: strace does not do what it is asked to");
}

#[test]
fn a_resume_that_cuts_back_may_be_killed_too() {
    let first = content(1000);
    let second = content(50_000);
    let whole = [&first[..600], &second[..]].concat();
    let digest = Digest::of(&whole);
    at_every_change(
        || {
            let session = Session::with(&first);
            let resume = session.upload("resume").with(["--truncate-to", "600"]).stdin(&*second);
            (session, resume)
        },
        |session, when, kills| {
            let data = session.received();
            assert!(data == first || data.len() >= 600 && whole.starts_with(&data), "{when}: {} bytes", data.len());
            if kills % 3 == 0 {
                session.forget_record();
            }
            session.upload("resume").with(["--truncate-to", "600"]).stdin(&*second).ok();
            session.commit(digest).ok();
            session.assert_stored(digest, &whole);
        },
    );
}

#[test]
fn a_long_resume_killed_while_it_syncs_on_the_way_can_be_finished() {
    let whole = content(40 << 20);
    let session = Session::start();
    let resume = session.upload("resume").stdin(&*whole);
    assert_eq!(killed_at(&resume, "fdatasync", 1).signal(), Some(9));
    let data = session.received();
    assert!(!data.is_empty() && whole.starts_with(&data));
    let offset = data.len().to_string();
    session.upload("resume").with(["--offset", &offset]).stdin(&whole[data.len()..]).ok();
    let digest = Digest::of(&whole);
    session.commit(digest).ok();
    session.assert_stored(digest, &whole);
}

/// After a commit of `digest` was killed, the same again finishes it.
#[track_caller]
fn finish(session: &Session, digest: Digest, whole: &[u8], when: &str) {
    finish_by(session.commit(digest), session, digest, whole, when);
}

#[track_caller]
fn finish_by(commit: Regtree, session: &Session, digest: Digest, whole: &[u8], when: &str) {
    assert_sound(&session.scratch);
    let again = commit.run();
    assert!(!again.err().contains("error:"), "killed at {when}, and then: {}", again.err());
    again.code(0);
    assert!(!session.directory().exists());
    session.assert_stored(digest, whole);
}

#[test]
fn a_commit_killed_at_any_change_leaves_a_sound_tree_and_can_be_run_again() {
    let whole = content(100_000);
    for digest in [Digest::of(&whole), digest_by("sha512", &whole)] {
        let kills = at_every_change(
            || {
                let session = Session::with(&whole);
                let commit = session.commit(digest);
                (session, commit)
            },
            |session, when, _| {
                if session.data().exists() {
                    assert!(session.received() == whole, "{when}");
                }
                finish(session, digest, &whole, when);
            },
        );
        assert!(kills > 15, "{kills} kills: strace does not do what it is asked to");
    }
}

#[test]
fn a_commit_that_is_finished_later_believes_no_intent_without_reading() {
    let (whole, other) = (content(1000), content(999));
    let alias = digest_by("sha512", &whole);
    let session = Session::with(&whole);
    let intents = session.scratch.root().join(".regtree/commits");
    for nth in 1.. {
        assert_eq!(killed_at(&session.commit(alias), "renameat", nth).signal(), Some(9), "no intent");
        if intents.is_dir() && fs::read_dir(&intents).unwrap().count() > 0 && session.data().exists() {
            break;
        }
    }
    // As if the data had been moved, and the intent were a lie.
    session.scratch.layer("lib/other", &other);
    for intent in fs::read_dir(&intents).unwrap() {
        fs::write(intent.unwrap().path(), Digest::of(&other).to_string()).unwrap();
    }
    fs::remove_file(session.data()).unwrap();
    session.commit(alias).run().code(5).silent();
    assert!(!session.scratch.link(REPOSITORY, alias).exists());
}

#[test]
fn a_commit_with_last_bytes_killed_at_any_change_it_makes_can_be_finished() {
    let whole = content(300_000);
    let (first, last) = whole.split_at(50_000);
    let digest = Digest::of(&whole);
    let kills = at_every_change(
        || {
            let session = Session::with(first);
            let commit = session.commit(digest).with(["-"]).stdin(last);
            (session, commit)
        },
        |session, when, _| {
            assert_sound(&session.scratch);
            if session.data().exists() {
                let data = session.received();
                assert!(data.len() >= first.len() && whole.starts_with(&data), "{when}");
                let offset = data.len().to_string();
                session.upload("resume").with(["--offset", &offset]).stdin(&whole[data.len()..]).ok();
                finish(session, digest, &whole, when);
            } else {
                // The very same again; it goes by the blob that is there.
                let commit = session.commit(digest).with(["-"]).stdin(last);
                finish_by(commit, session, digest, &whole, when);
            }
        },
    );
    assert!(kills > 15, "{kills} kills: strace does not do what it is asked to");
}
