//! What is on the disk before what.

use std::path::Path;

use regtree::Digest;

use super::{REPOSITORY, Session};
use crate::support::Scratch;
use crate::support::strace::{changes, position};

/// Expects a directory and all above it to be synced in a part of the changes.
#[track_caller]
fn assert_synced_up_from(changes: &[String], directory: &str) {
    for directory in Path::new(directory).ancestors().filter(|path| !path.as_os_str().is_empty()) {
        let wanted = format!("fsync {}", directory.display());
        assert!(changes.contains(&wanted), "{wanted}: {changes:#?}");
    }
}

#[test]
fn a_start_is_on_the_disk_before_its_id_is_told() {
    let scratch = Scratch::new();
    let changes = changes(&scratch, scratch.regtree(["upload", "start", REPOSITORY]));
    let id = scratch.uploads(REPOSITORY)[0].file_name().unwrap().to_str().unwrap().to_owned();
    let upload = format!("repositories/{REPOSITORY}/_uploads/{id}");
    let started = position(&changes, &format!("renameat {upload}/startedat"));
    let data = position(&changes, &format!("openat {upload}/data"));
    let state = position(&changes, &format!("renameat {upload}/hashstates/sha256/0"));
    let answered = position(&changes, "write stdout");
    assert!(started < data && data < state && state < answered, "{changes:#?}");
    for written in ["startedat.", "hashstates/sha256/0."] {
        let place = format!("renameat {upload}/{}", written.trim_end_matches('.'));
        let synced = position(&changes, &format!("fsync {upload}/{written}"));
        assert!(synced < position(&changes, &place), "{changes:#?}");
    }
    assert!(changes[data..answered].contains(&format!("fsync {upload}/data")), "{changes:#?}");
    assert_synced_up_from(&changes[started..answered], &upload);
    assert_synced_up_from(&changes[state..answered], &format!("{upload}/hashstates/sha256"));
    // The directory entry of `data` too.
    assert!(changes[data..answered].contains(&format!("fsync {upload}")), "{changes:#?}");
}

#[test]
fn what_was_appended_is_on_the_disk_before_it_is_told() {
    let session = Session::with(b"first");
    let changes = changes(&session.scratch, session.upload("resume").stdin("second"));
    let upload = format!("repositories/{REPOSITORY}/_uploads/{}", session.id);
    let data = changes.iter().position(|change| *change == format!("fsync {upload}/data")).unwrap();
    let state = position(&changes, &format!("renameat {upload}/hashstates/sha256/11"));
    assert!(data < state && state < position(&changes, "write stdout"), "{changes:#?}");
}

#[test]
fn a_commit_s_content_is_on_the_disk_before_its_link_and_all_of_it_before_the_answer() {
    for last in [None, Some("-")] {
        let session = Session::with(b"content");
        let digest = Digest::of(b"content");
        let hex = digest.hex();
        let blob = format!("blobs/sha256/{}/{}", &hex[..2], &hex[..]);
        let link = format!("repositories/{REPOSITORY}/_layers/sha256/{}", &hex[..]);
        let changes = changes(&session.scratch, session.commit(digest).with(last));
        let synced = position(&changes, &format!("fsync repositories/{REPOSITORY}/_uploads/{}/data", session.id));
        let published = position(&changes, &format!("renameat {blob}/data"));
        let linked = position(&changes, &format!("renameat {link}/link"));
        let removed = position(&changes, &format!("unlinkat repositories/{REPOSITORY}/_uploads/{}", session.id));
        let answered = position(&changes, "write stdout");
        assert!(synced < published && published < linked && linked < removed, "{changes:#?}");
        assert_synced_up_from(&changes[published..linked], &blob);
        assert_synced_up_from(&changes[linked..removed.min(answered)], &link);
    }
}
