//! What an upload costs to read.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::thread;

use regtree::Digest;

use super::{Session, content};
use crate::support::Regtree;
use crate::support::scratch::digest_by;
use crate::support::strace::strace;

/// How many bytes a call reads of the files at these paths.
fn bytes_read<const N: usize>(regtree: Regtree, paths: [&Path; N]) -> [u64; N] {
    bytes_read_by(regtree, 0, paths)
}

/// The same of a call with another exit code.
fn bytes_read_by<const N: usize>(regtree: Regtree, code: i32, paths: [&Path; N]) -> [u64; N] {
    let place = tempfile::tempdir().unwrap();
    let trace = place.path().join("trace");
    let calls = "trace=read,pread64,readv,preadv,preadv2,mmap,copy_file_range,sendfile,splice";
    // A file for each thread: in one for all, calls are cut in two and lose their paths.
    let strace = strace(&["-ff", "-y", "-s", "0", "-e", calls, "-o", trace.to_str().unwrap()]);
    regtree.behind(strace).run().code(code);
    let traces = fs::read_dir(place.path()).unwrap().map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap());
    let traces: Vec<String> = traces.collect();
    let lines = || traces.iter().flat_map(|trace| trace.lines());
    assert!(lines().any(|line| line.starts_with("read(")), "strace does not do what it is asked to");
    paths.map(|path| {
        let name = format!("<{}>", path.display());
        let read = lines().filter(|line| line.contains(&name)).map(|line| {
            assert!(line.starts_with("read(") || line.starts_with("pread64("), "{line}");
            line.rsplit_once("= ").unwrap().1.parse::<u64>().unwrap()
        });
        read.sum()
    })
}

#[test]
fn an_upload_in_many_pieces_is_read_once_and_not_again() {
    const PIECE: usize = 4 << 20;
    const SIZE: u64 = 64 << 20;
    let whole = content(64 << 20);
    let digest = Digest::of(&whole);
    let session = Session::start();
    let (part, data) = (session.scratch.root().join("part"), session.data());
    let mut total = 0;
    for (i, piece) in whole.chunks(PIECE).enumerate() {
        fs::write(&part, piece).unwrap();
        let resume = session.upload("resume").with(["--offset", &(i * PIECE).to_string()]).with([&part]);
        let [from_part, from_data] = bytes_read(resume, [&part, &data]);
        assert_eq!(from_data, 0, "piece {i}");
        total += from_part;
    }
    assert_eq!(total, SIZE);
    let wrong = session.commit(Digest::of(b"other")).run().code(5);
    assert!(wrong.err().contains(&digest.to_string()), "{}", wrong.err());
    let commit = session.commit(digest).with(["--size", &SIZE.to_string()]);
    let [from_data, from_blob] = bytes_read(commit, [&data, &session.scratch.blob(digest)]);
    assert_eq!((from_data, from_blob), (if session.is_provable() { 0 } else { SIZE }, 0));
    session.assert_stored(digest, &whole);
}

#[test]
fn what_is_not_known_is_read_once() {
    const SIZE: u64 = 3_000_000;
    let whole = content(3_000_000);
    let (digest, alias) = (Digest::of(&whole), digest_by("sha512", &whole));
    let begun = || Session::with(&whole);
    let read = |session: &Session, regtree: Regtree| bytes_read(regtree, [&session.data()])[0];
    // Where nothing can be proven, a commit reads in any case.
    let unless_proven = |size| if begun().is_provable() { 0 } else { size };
    // Wanted, or for a hash that nobody kept.
    let session = begun();
    assert_eq!(read(&session, session.commit(digest).with(["--rehash"])), SIZE);
    let session = begun();
    assert_eq!(read(&session, session.commit(alias)), SIZE);
    let session = begun();
    assert_eq!(read(&session, session.upload("resume").with(["--rehash"])), SIZE);
    assert_eq!(read(&session, session.commit(digest)), unless_proven(SIZE));
    // A registry's state is enough to go on, and not to publish.
    let session = begun();
    session.forget_record();
    assert_eq!(read(&session, session.upload("resume")), 0);
    assert_eq!(read(&session, session.commit(digest)), SIZE);
    session.assert_stored(digest, &whole);
    // Without either, one reading brings both back.
    let session = begun();
    session.forget_record();
    fs::remove_dir_all(session.directory().join("hashstates")).unwrap();
    assert_eq!(read(&session, session.upload("resume")), SIZE);
    assert_eq!(read(&session, session.commit(digest)), unless_proven(SIZE));
    session.assert_stored(digest, &whole);
    // Last bytes need not be read again either, nor all of it when there was nothing before.
    let session = begun();
    let more = [&whole[..], b"end"].concat();
    assert_eq!(read(&session, session.commit(Digest::of(&more)).with(["-"]).stdin("end")), unless_proven(SIZE + 3));
    session.assert_stored(Digest::of(&more), &more);
    let session = Session::start();
    assert_eq!(read(&session, session.commit(digest).with(["-"]).stdin(&*whole)), unless_proven(SIZE));
    session.assert_stored(digest, &whole);
    // What was cut back.
    let session = begun();
    assert_eq!(read(&session, session.upload("resume").with(["--truncate-to", "2000000"])), 2_000_000);
    // A record that is not of this file, or was garbled.
    let session = begun();
    if !session.is_provable() {
        return;
    }
    let record = fs::read_dir(session.scratch.root().join(".regtree/uploads")).unwrap().next().unwrap().unwrap().path();
    let text = fs::read_to_string(&record).unwrap();
    for garbled in [String::new(), text[..text.len() / 2].to_owned(), text.replace("\"inode\":", "\"inode\":1")] {
        fs::write(&record, garbled).unwrap();
        let wrong = session.commit(Digest::of(b"other"));
        assert_eq!(bytes_read_by(wrong, 5, [&session.data()]), [SIZE]);
    }
}

#[test]
fn who_asks_for_the_lock_in_vain_or_waits_for_it_costs_no_reading() {
    let whole = content(300_000);
    let (first, second) = whole.split_at(100_000);
    let session = Session::with(first);
    let mut child = session.hanging(&second[..1000]);
    thread::scope(|scope| {
        let waiting = session.upload("resume").with(["--wait-lock", "60s"]).stdin("");
        let waiting = scope.spawn(|| waiting.run());
        for verb in ["resume", "cancel"] {
            session.upload(verb).run().code(11);
        }
        child.stdin.as_mut().unwrap().write_all(&second[1000..]).unwrap();
        drop(child.stdin.take());
        assert!(child.wait().unwrap().success());
        assert_eq!(waiting.join().unwrap().code(0).answer(), "300000");
    });
    let digest = Digest::of(&whole);
    let [read] = bytes_read(session.commit(digest), [&session.data()]);
    assert_eq!(read, if session.is_provable() { 0 } else { 300_000 });
    session.assert_stored(digest, &whole);
}
