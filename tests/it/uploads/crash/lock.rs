//! The lock of an upload: from before its data is opened until the upload is gone.

use std::fs;
use std::thread;
use std::time::Duration;

use regtree::Digest;

use super::{REPOSITORY, Session, content, wait_for};
use crate::support::strace::strace;
use crate::support::{Regtree, Scratch};

/// Makes a call wait before it removes the first file.
fn slow_to_remove(call: Regtree) -> Regtree {
    let inject = "inject=unlinkat:delay_enter=2000000:when=1";
    call.behind(strace(&["-o", "/dev/null", "-e", "trace=unlinkat", "-e", inject]))
}

#[test]
fn an_upload_whose_data_is_a_blob_already_is_locked_until_it_is_gone() {
    let whole = content(1000);
    let digest = Digest::of(&whole);
    let session = Session::with(&whole);
    thread::scope(|scope| {
        let commit = scope.spawn(|| slow_to_remove(session.commit(digest)).run());
        wait_for("the data is never moved", || !session.data().exists());
        let late = session.upload("resume").with(["--offset", "0", "--wait-lock", "60s"]).stdin("late");
        let late = scope.spawn(|| late.run());
        for call in [
            session.upload("resume").with(["--offset", "0"]).stdin("lost"),
            session.commit(digest),
            session.upload("cancel"),
        ] {
            call.run().code(11).silent();
        }
        session.scratch.run(["upload", "purge", REPOSITORY, "--older-than", "0s"]).code(0).says(["is skipped"]);
        assert!(session.directory().exists() && !session.data().exists(), "too late to tell, or data was made");
        commit.join().unwrap().code(0);
        // Whoever waited finds nothing to work on.
        late.join().unwrap().code(4).silent().says([&session.id]);
    });
    assert!(!session.directory().exists());
    session.assert_stored(digest, &whole);
}

#[test]
fn whoever_waited_for_an_upload_leaves_another_of_its_id_alone() {
    let session = Session::with(b"first");
    let first = session.hanging(b"more");
    thread::scope(|scope| {
        let waiting = session.upload("resume").with(["--wait-lock", "60s"]).stdin("late");
        let waiting = scope.spawn(|| waiting.run());
        // So that it waits by then.
        thread::sleep(Duration::from_millis(300));
        fs::rename(session.directory(), session.scratch.root().join("first")).unwrap();
        Scratch::plant(&session.directory().join("startedat"), "2026-01-02T03:04:05Z");
        Scratch::plant(&session.data(), "second");
        let output = first.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(4), "{output:?}");
        waiting.join().unwrap().code(4).silent().says([&session.id]);
    });
    assert_eq!(session.received(), b"second");
}

#[test]
fn an_upload_without_data_is_cancelled_without_making_any() {
    let session = Session::start();
    fs::remove_file(session.data()).unwrap();
    let trace = session.scratch.root().join("trace");
    let strace = strace(&["-o", trace.to_str().unwrap(), "-e", "trace=openat,openat2,flock"]);
    assert_eq!(session.upload("cancel").behind(strace).ok().answer(), session.id);
    assert!(!session.directory().exists());
    let calls = fs::read_to_string(trace).unwrap();
    let made = calls.lines().find(|line| line.contains("\"data\"") && line.contains("O_CREAT"));
    assert!(calls.contains("flock(") && made.is_none(), "{made:?}");
}

/// Has the upload's directory not be locked, as NFS would.
fn as_on_nfs(session: &Session, call: Regtree) -> Regtree {
    let directory = session.directory();
    let strace = strace(&["-o", "/dev/null", "-P", directory.to_str().unwrap(), "-e", "trace=flock"]);
    call.behind(strace.into_iter().chain(["-e", "inject=flock:error=EBADF"]))
}

#[test]
fn where_no_directory_can_be_locked_the_data_is() {
    let first = content(1000);
    let session = Session::with(&first);
    let mut child = session.hanging_call(&as_on_nfs(&session, session.upload("resume")), b"more");
    for verb in ["resume", "cancel"] {
        as_on_nfs(&session, session.upload(verb)).run().code(11).silent().says([session.data().to_str().unwrap()]);
    }
    drop(child.stdin.take());
    assert!(child.wait_with_output().unwrap().status.success());
    let whole = [&first[..], b"more"].concat();
    assert!(session.received() == whole);
    as_on_nfs(&session, session.commit(Digest::of(&whole))).run().code(0);
    session.assert_stored(Digest::of(&whole), &whole);
    // What has to be made to be locked does not count.
    let session = Session::start();
    fs::remove_file(session.data()).unwrap();
    fs::remove_file(session.directory().join("startedat")).unwrap();
    let digest = session.scratch.put(REPOSITORY, b"content");
    as_on_nfs(&session, session.commit(digest)).run().code(0).says(["there is no upload "]);
    assert!(!session.directory().exists());
}
