//! Uploads that several processes work on, ours and foreign ones.

use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use regtree::Digest;

use super::{REPOSITORY, Session, content, wait_for};
use crate::support::kill::killed_at;
use crate::support::strace::strace;
use crate::support::{Run, snapshot};

#[test]
fn the_second_to_work_on_an_upload_is_told_who_is_the_first() {
    let session = Session::with(b"begun, ");
    let mut first = session.hanging(b"continued, ");
    let digest = Digest::of(b"begun, continued, ");
    let process = format!("regtree upload resume (process {}", first.id());
    let before = snapshot(&session.directory());
    for call in [
        session.upload("resume").stdin("interleaved"),
        session.upload("resume").with(["--offset", "7"]).stdin("interleaved"),
        session.upload("resume").with(["--truncate-to", "7"]).stdin("interleaved"),
        session.commit(digest),
        session.commit(digest).with(["-"]).stdin("interleaved"),
        session.upload("cancel"),
    ] {
        call.run().code(11).silent().says([&process]);
        assert_eq!(snapshot(&session.directory()), before);
    }
    assert_eq!(session.received(), b"begun, continued, ");
    assert_eq!(session.upload("get").ok().bytes(), b"begun, continued, ");
    session.scratch.run(["upload", "list", REPOSITORY]).code(0);
    first.stdin.as_mut().unwrap().write_all(b"ended").unwrap();
    let output = first.wait_with_output().unwrap();
    assert_eq!((output.status.code(), &*output.stdout), (Some(0), &b"23\n"[..]));
    assert_eq!(session.received(), b"begun, continued, ended");
    let whole = Digest::of(b"begun, continued, ended");
    session.commit(whole).ok();
    session.assert_stored(whole, b"begun, continued, ended");
}

#[test]
fn of_many_that_send_the_same_piece_one_is_taken() {
    for _ in 0..5 {
        let session = Session::with(b"first");
        let contents: Vec<Vec<u8>> = (0..8).map(|i| vec![i; 300_000]).collect();
        let resume = |content: &Vec<u8>| session.upload("resume").with(["--offset", "5"]).stdin(content.clone());
        let runs: Vec<Run> = thread::scope(|scope| {
            let calls = contents.iter().map(|content| scope.spawn(|| resume(content).run()));
            let calls: Vec<_> = calls.collect();
            calls.into_iter().map(|call| call.join().unwrap()).collect()
        });
        let done: Vec<usize> = (0..8).filter(|&i| runs[i].answer() == "300005").collect();
        assert_eq!(done.len(), 1, "{runs:?}");
        for (i, run) in runs.into_iter().enumerate() {
            match run.err() {
                said if said.is_empty() => assert_eq!(i, done[0]),
                said if said.contains("300005") => drop(run.code(5)),
                _ => drop(run.code(11)),
            }
        }
        assert!(session.received() == [b"first", &*contents[done[0]]].concat());
    }
}

#[test]
fn the_lock_of_an_upload_is_waited_for_when_asked() {
    let session = Session::with(b"begun, ");
    let first = session.hanging(b"continued, ");
    let second = session.upload("resume").with(["--wait-lock", "60s"]).stdin("ended");
    let second = thread::scope(|scope| {
        let second = scope.spawn(|| second.run());
        thread::sleep(Duration::from_millis(200));
        assert!(!second.is_finished());
        assert!(first.wait_with_output().unwrap().status.success());
        second.join().unwrap()
    });
    assert_eq!(second.code(0).answer(), "23");
    assert_eq!(session.received(), b"begun, continued, ended");
}

#[test]
fn an_upload_is_not_appended_to_itself() {
    let session = Session::with(b"content");
    let digest = Digest::of(b"contentcontent");
    for call in [session.upload("resume").with([session.data()]), session.commit(digest).with([session.data()])] {
        call.run().code(12).silent().says(["is what upload", &session.id]);
        assert_eq!(session.received(), b"content");
    }
}

/// Gives a file the times of its content that it had.
fn restore_times(path: &Path, metadata: &fs::Metadata) {
    let times = fs::FileTimes::new().set_accessed(metadata.accessed().unwrap());
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_times(times.set_modified(metadata.modified().unwrap())).unwrap();
}

#[test]
fn data_that_changed_behind_our_back_is_not_published_under_its_old_digest() {
    let old = content(100_000);
    let mut new = old.clone();
    new[50_000] ^= 1;
    for replaced in [false, true] {
        let session = Session::with(&old);
        let before = fs::metadata(session.data()).unwrap();
        if replaced {
            let other = session.directory().join("other");
            fs::write(&other, &new).unwrap();
            fs::rename(&other, session.data()).unwrap();
        } else {
            let file = fs::File::options().write(true).open(session.data()).unwrap();
            std::os::unix::fs::FileExt::write_at(&file, &new[50_000..50_001], 50_000).unwrap();
        }
        restore_times(&session.data(), &before);
        let after = fs::metadata(session.data()).unwrap();
        let [size_and_time, wanted] = [&after, &before].map(|metadata| (metadata.len(), metadata.mtime_nsec()));
        assert_eq!(size_and_time, wanted);
        let digest = Digest::of(&old);
        session.commit(digest).run().code(5).silent().says([&Digest::of(&new).to_string(), "100000"]);
        assert!(!session.scratch.blob(digest).exists() && !session.scratch.link(REPOSITORY, digest).exists());
        assert!(session.received() == new);
        // Nor by way of another append, which goes on from what is there.
        let whole = [&old[..], b"end"].concat();
        let commit = session.commit(Digest::of(&whole)).with(["-"]).stdin("end");
        commit.run().code(5).silent();
        assert!(!session.scratch.blob(Digest::of(&whole)).exists());
        session.upload("resume").stdin("end").ok();
        session.commit(Digest::of(&whole)).run().code(5).silent();
        assert!(!session.scratch.blob(Digest::of(&whole)).exists());
        let whole = [&new[..], b"end"].concat();
        session.commit(Digest::of(&whole)).ok();
        session.assert_stored(Digest::of(&whole), &whole);
    }
}

/// Another process, which knows nothing of locks, writes a byte into the middle of the data.
fn write_into(mut data: &fs::File) {
    use std::io::{Seek, SeekFrom};
    data.seek(SeekFrom::Start(500)).unwrap();
    data.write_all(b"!").unwrap();
}

#[test]
fn what_another_process_wrote_while_we_did_is_not_published_under_the_digest_of_ours() {
    let (first, second) = (content(1000), content(3000));
    let whole = [&first[..], &second[..]].concat();
    let digest = Digest::of(&whole);
    // It opens the data before us, or while we are at it; and closes it before us, or goes on.
    for (before, after) in [(false, false), (false, true), (true, false), (true, true)] {
        let session = Session::with(&first);
        let open = || fs::File::options().write(true).open(session.data()).unwrap();
        let other = before.then(open);
        let mut child = session.hanging(&second[..1000]);
        let other = other.unwrap_or_else(open);
        write_into(&other);
        let other = after.then_some(other);
        child.stdin.as_mut().unwrap().write_all(&second[1000..]).unwrap();
        assert!(child.wait_with_output().unwrap().status.success());
        drop(other);
        session.commit(digest).run().code(5).silent();
        assert!(!session.scratch.blob(digest).exists());
        let mut found = whole.clone();
        found[500] = b'!';
        session.commit(Digest::of(&found)).ok();
        session.assert_stored(Digest::of(&found), &found);
    }
}

#[test]
fn what_another_process_wrote_during_the_commit_is_not_published_either() {
    let (first, last) = (content(1000), content(3000));
    let whole = [&first[..], &last[..]].concat();
    let digest = Digest::of(&whole);
    let session = Session::with(&first);
    let mut command = session.commit(digest).with(["-"]).command();
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.as_mut().unwrap().write_all(&last[..2000]).unwrap();
    session.await_length(3000);
    write_into(&fs::File::options().write(true).open(session.data()).unwrap());
    child.stdin.as_mut().unwrap().write_all(&last[2000..]).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(5), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!session.scratch.blob(digest).exists());
}

/// Cuts a file by its path, which opens it for nobody to see.
fn cut(path: &Path, length: usize) {
    let script = "truncate $ARGV[0], $ARGV[1] or die";
    let cut = Command::new("perl").args(["-e", script]).arg(path).arg(length.to_string()).status().unwrap();
    assert!(cut.success());
}

#[test]
fn data_that_is_cut_by_its_path_while_we_append_is_not_published_under_the_digest_of_what_was_sent() {
    let (first, second) = (content(1000), content(3000));
    let whole = [&first[..], &second[..]].concat();
    for length in [0, 500, 1000, 2500] {
        for verb in ["resume", "commit"] {
            let session = Session::with(&first);
            let commit = session.commit(Digest::of(&whole)).with(["-"]);
            let call = if verb == "commit" { commit } else { session.upload(verb) };
            let mut child = session.hanging_call(&call, &second[..2000]);
            cut(&session.data(), length);
            child.stdin.as_mut().unwrap().write_all(&second[2000..]).unwrap();
            let output = child.wait_with_output().unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(12), "{verb} {length}: {said}");
            assert!(said.contains("changed meanwhile"), "{said}");
            // What is left is what is there, and no more is known of it.
            let left = session.received();
            assert!(left.len() <= 1000 && (length < 1000 || left == first), "{verb} {length}");
            for digest in [Digest::of(&whole), Digest::of(&first)] {
                if Digest::of(&left) != digest {
                    session.commit(digest).run().code(5).silent();
                    assert!(!session.scratch.blob(digest).exists());
                }
            }
            session.commit(Digest::of(&left)).ok();
            session.assert_stored(Digest::of(&left), &left);
        }
    }
}

#[test]
fn data_that_was_cut_by_its_path_is_not_known_when_what_we_appended_is_cut_back() {
    let (first, second) = (content(1000), content(3000));
    let session = Session::with(&first);
    let mut child = session.hanging(&second[..1000]);
    cut(&session.data(), 500);
    child.stdin.as_mut().unwrap().write_all(&second[1000..]).unwrap();
    session.await_length(2500);
    let killed = Command::new("kill").args(["-s", "TERM", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let stdin = child.stdin.take();
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(143));
    drop(stdin);
    assert_eq!(session.received().len(), 1000);
    session.commit(Digest::of(&first)).run().code(5).silent();
    assert!(!session.scratch.blob(Digest::of(&first)).exists());
}

#[test]
fn what_another_process_cut_off_is_not_put_back_as_zeros() {
    let session = Session::with(&content(1000));
    let child = session.hanging(&content(3000));
    cut(&session.data(), 500);
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(12));
    assert!(session.received() == content(500));
}

#[test]
fn a_blob_is_not_what_another_process_has_open_for_writing() {
    let whole = content(1000);
    let digest = Digest::of(&whole);
    for arguments in [&[][..], &["--rehash"], &["-"]] {
        let session = Session::with(&whole);
        if !session.is_provable() {
            return;
        }
        let other = fs::File::options().write(true).open(session.data()).unwrap();
        session.commit(digest).with(arguments).stdin("").ok();
        assert!(!session.directory().exists());
        write_into(&other);
        session.assert_stored(digest, &whole);
        let blob = session.scratch.blob(digest);
        assert_eq!(fs::read_dir(blob.parent().unwrap()).unwrap().count(), 1, "something is left beside it");
    }
}

#[test]
fn nor_what_another_process_opens_at_the_last_moment() {
    let whole = content(1000);
    let digest = Digest::of(&whole);
    // The kill comes before the call, so the one before it is what moved the data.
    let moving = (1..50).find(|&nth| {
        let session = Session::with(&whole);
        assert_eq!(killed_at(&session.commit(digest), "renameat", nth).signal(), Some(9), "the data is never moved");
        !session.data().exists()
    });
    let inject = format!("inject=renameat:delay_enter=1000000:when={}", moving.unwrap() - 1);
    let strace = strace(&["-o", "/dev/null", "-e", "trace=renameat", "-e", &inject]);
    for early in [false, true] {
        let session = Session::with(&whole);
        if !session.is_provable() {
            return;
        }
        let run = thread::scope(|scope| {
            let commit = scope.spawn(|| session.commit(digest).behind(&strace).run());
            let intents = session.scratch.root().join(".regtree/commits");
            wait_for("nobody commits", || fs::read_dir(&intents).is_ok_and(|found| found.count() > 0));
            thread::sleep(Duration::from_millis(400));
            let other = fs::File::options().write(true).open(session.data()).unwrap();
            if early {
                write_into(&other);
                drop(other);
                return commit.join().unwrap();
            }
            let run = commit.join().unwrap();
            write_into(&other);
            run
        });
        if early {
            run.code(12).silent().says(["changed meanwhile"]);
            assert!(!session.scratch.blob(digest).exists() && session.received()[500] == b'!');
        } else {
            run.code(0);
            session.assert_stored(digest, &whole);
        }
    }
}
