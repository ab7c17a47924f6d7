//! Commits that were killed after the content was in its place, and are run again.

use std::fs;

use regtree::Digest;

use super::{REPOSITORY, Session, content};
use crate::support::Regtree;
use crate::support::kill::killed_at;
use crate::support::scratch::digest_by;

/// Kills a commit after it has moved the data away.
fn killed_after_the_move(prepare: impl Fn() -> (Session, Regtree)) -> (Session, Regtree) {
    for nth in 1.. {
        let (session, commit) = prepare();
        assert_eq!(killed_at(&commit, "renameat", nth).signal(), Some(9), "the data is never moved");
        if !session.data().exists() {
            assert!(session.directory().exists());
            return (session, commit);
        }
    }
    unreachable!("one ends by itself");
}

#[test]
fn an_empty_data_that_somebody_made_meanwhile_keeps_no_commit_from_being_finished() {
    let whole = content(1000);
    for digest in [Digest::of(&whole), digest_by("sha512", &whole)] {
        let (session, commit) = killed_after_the_move(|| {
            let session = Session::with(&whole);
            let commit = session.commit(digest);
            (session, commit)
        });
        session.commit(Digest::of(b"other")).run().code(5).silent();
        assert!(session.data().exists(), "nobody made it");
        commit.ok();
        assert!(!session.directory().exists() && session.records().is_empty());
        session.assert_stored(digest, &whole);
    }
}

#[test]
fn a_commit_with_last_bytes_is_finished_by_the_same_command() {
    let whole = content(3000);
    let (first, last) = whole.split_at(1000);
    for digest in [Digest::of(&whole), digest_by("sha512", &whole)] {
        let (session, commit) = killed_after_the_move(|| {
            let session = Session::with(first);
            let part = session.scratch.root().join("part");
            fs::write(&part, last).unwrap();
            let commit = session.commit(digest).with([part]);
            (session, commit)
        });
        assert_eq!(commit.clone().ok().answer(), Digest::of(&whole).to_string());
        assert!(!session.directory().exists() && session.records().is_empty());
        session.assert_stored(digest, &whole);
        // Even if it was killed at its very end.
        commit.ok().says(["there is no upload ", "the blob is already stored"]);
    }
}

#[test]
fn an_upload_that_received_nothing_is_not_taken_for_a_commit_that_was_killed() {
    for missing in [true, false] {
        let session = Session::start();
        let other = content(1000);
        session.scratch.put("lib/other", &other);
        if missing {
            // As registries up to 2.3 leave it.
            fs::remove_file(session.data()).unwrap();
        }
        for digest in [Digest::of(&other), digest_by("sha512", &other)] {
            session.commit(digest).run().code(5).silent();
            session.commit(digest).with(["-"]).stdin("").run().code(5).silent();
            assert!(!session.scratch.link(REPOSITORY, digest).exists());
        }
    }
}

#[test]
fn a_commit_that_is_refused_is_not_taken_for_one_that_was_killed() {
    let whole = content(1000);
    let digest = Digest::of(&whole);
    let session = Session::with(&whole);
    let records = session.records();
    let blob = session.scratch.blob(digest);
    fs::create_dir_all(&blob).unwrap();
    session.commit(digest).run().code(5).silent();
    assert!(session.received() == whole);
    assert_eq!(session.records(), records);
    fs::remove_dir(&blob).unwrap();
    session.commit(digest).ok();
    session.assert_stored(digest, &whole);
}

#[test]
fn nothing_is_kept_of_an_upload_that_is_over() {
    let whole = content(1000);
    let digest = Digest::of(&whole);
    let finish: [&dyn Fn(&Session) -> Regtree; 3] =
        [&|session| session.commit(digest), &|session| session.commit(digest_by("sha512", &whole)), &|session| {
            session.upload("cancel")
        }];
    for finish in finish {
        let session = Session::with(&whole);
        assert!(!session.is_provable() || session.records().len() == 1);
        session.commit(Digest::of(b"other")).run().code(5);
        assert!(session.records().len() <= 1, "an intent stays");
        finish(&session).ok();
        assert!(session.records().is_empty());
    }
    // Nor when it went without us.
    for verb in ["commit", "cancel"] {
        let session = Session::with(&whole);
        session.scratch.put(REPOSITORY, &whole);
        fs::remove_dir_all(session.directory()).unwrap();
        if verb == "commit" {
            session.commit(digest).ok()
        } else {
            session.upload("cancel").ok()
        };
        assert!(session.records().is_empty());
    }
}
