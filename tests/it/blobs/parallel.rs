//! Processes that change one tree at the same time: each does what it reports, whichever comes first.
//!
//! Every round begins in a repository that does not exist yet, so that the processes race for its directories too.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Barrier;
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use regtree::upload::Session;
use regtree::{Digest, Registry};

use crate::support::{Regtree, Scratch};

const ROUNDS: u32 = 200;
/// How often a deletion races with what it must not take the ground from.
const DELETIONS: u32 = 40;
/// How many uploads each of two threads begins and cancels in a round.
const CANCELLED: u32 = 20;

/// Two files to put, in a directory of their own.
struct Contents {
    directory: tempfile::TempDir,
}

impl Contents {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    /// A file that only `name` decides on.
    fn file(&self, name: &str) -> (PathBuf, Digest) {
        let content = name.repeat(500);
        let path = self.directory.path().join(name);
        fs::write(&path, &content).unwrap();
        (path, Digest::of(content.as_bytes()))
    }
}

/// A put that has begun; its standard input stays open until it is dropped or waited for.
fn put(scratch: &Scratch, repository: &str, file: &Path, expected: Option<Digest>) -> Child {
    let mut words = vec!["blob".into(), "put".into(), repository.into(), file.as_os_str().to_owned()];
    words.extend(expected.iter().flat_map(|digest| ["--digest".into(), digest.to_string().into()]));
    let mut command = scratch.regtree(words).command();
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[track_caller]
fn assert_ends(child: Child, code: i32, round: u32) {
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "round {round}: {said}");
}

/// How long a put takes here and now.
fn life_of_a_put(scratch: &Scratch, contents: &Contents) -> Duration {
    let (file, _) = contents.file("first");
    let begin = Instant::now();
    assert_ends(put(scratch, "first", &file, None), 0, 0);
    begin.elapsed()
}

/// Expects the repository to have the blob, as a registry reads it.
#[track_caller]
fn assert_stored(scratch: &Scratch, repository: &str, file: &Path, digest: Digest) {
    let link = fs::read_to_string(scratch.link(repository, digest));
    assert_eq!(link.ok(), Some(digest.to_string()), "{repository}");
    assert!(fs::read(scratch.blob(digest)).ok() == fs::read(file).ok(), "{repository}: {digest}");
}

/// What a put has to take with it when it ends: its upload, its temporary files, and the note about its lock.
fn cancelled(root: &Path) -> Vec<PathBuf> {
    let entries = walkdir::WalkDir::new(root).into_iter().map(|entry| entry.unwrap().into_path());
    let parent_is = |path: &Path, name: &str| path.parent().is_some_and(|parent| parent.ends_with(name));
    let is_temporary = |path: &Path| path.as_os_str().as_bytes().ends_with(b".tmp");
    entries.filter(|path| parent_is(path, "_uploads") || parent_is(path, "holders") || is_temporary(path)).collect()
}

#[test]
fn two_that_put_at_once_both_succeed_and_leave_nothing_over() {
    let (scratch, contents) = (Scratch::new(), Contents::new());
    let mut blobs = Vec::new();
    for round in 0..ROUNDS {
        let repository = format!("round{round}/deep/app");
        // The same content for both in one round, content of their own in the next.
        let second = if round % 2 == 0 { "same" } else { "second" };
        let first = if round % 2 == 0 { "same" } else { "first" };
        let files = [first, second].map(|name| contents.file(&format!("{name}-{round}")));
        let running = files.each_ref().map(|(file, _)| put(&scratch, &repository, file, None));
        for child in running {
            assert_ends(child, 0, round);
        }
        for (file, digest) in &files {
            assert_stored(&scratch, &repository, file, *digest);
            blobs.push(digest.to_string());
        }
    }
    assert_eq!(cancelled(scratch.root()), Vec::<PathBuf>::new());
    blobs.sort();
    blobs.dedup();
    let rounds = usize::try_from(ROUNDS).unwrap();
    assert_eq!(blobs.len(), rounds / 2 * 3);
    assert_eq!(scratch.regtree(["blob", "list"]).ok().lines(), blobs);
    assert_eq!(scratch.regtree(["repo", "list"]).ok().lines().len(), rounds);
}

#[test]
fn a_put_that_fails_takes_nothing_from_one_that_succeeds_beside_it() {
    let (scratch, contents) = (Scratch::new(), Contents::new());
    let life = life_of_a_put(&scratch, &contents);
    for round in 0..ROUNDS {
        let repository = format!("round{round}/deep/app");
        let (good, digest) = contents.file(&format!("good-{round}"));
        let mut failing = put(&scratch, &repository, Path::new("-"), Some(digest));
        let succeeding = put(&scratch, &repository, &good, Some(digest));
        // It fails when its input ends: at another moment of the other's life in each round.
        sleep(life * round / ROUNDS);
        drop(failing.stdin.take());
        assert_ends(succeeding, 0, round);
        assert_ends(failing, 5, round);
        assert_stored(&scratch, &repository, &good, digest);
    }
    assert_eq!(cancelled(scratch.root()), Vec::<PathBuf>::new());
    let rounds = usize::try_from(ROUNDS).unwrap();
    assert_eq!(scratch.regtree(["blob", "list"]).ok().lines().len(), rounds + 1);
    assert_eq!(scratch.regtree(["repo", "list"]).ok().lines().len(), rounds + 1);
}

#[test]
fn uploads_that_begin_and_are_cancelled_in_one_new_repository_at_once_never_fail() {
    let scratch = Scratch::new();
    let registry = Registry::open(scratch.root()).unwrap();
    let together = Barrier::new(2);
    // In one process: without the time that starting one takes, many more meet.
    let begin_and_cancel = || -> Vec<regtree::Result<()>> {
        let now = jiff::Timestamp::UNIX_EPOCH;
        let writer = registry.writer("test", now, Duration::ZERO).unwrap();
        let rounds = (0..ROUNDS).map(|round| {
            let name = format!("round{round}/deep/app").parse().unwrap();
            together.wait();
            (0..CANCELLED).try_for_each(|_| Session::start(&writer, &name, now)?.cancel())
        });
        rounds.collect()
    };
    let results = thread::scope(|scope| {
        let running = [(); 2].map(|()| scope.spawn(begin_and_cancel));
        running.into_iter().flat_map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    let failures: Vec<_> = results.iter().filter(|result| result.is_err()).collect();
    assert!(failures.is_empty(), "{} failures, such as {:?}", failures.len(), failures[0]);
    assert_eq!(cancelled(scratch.root()), Vec::<PathBuf>::new());
}

/// Runs two calls at once, and returns whether each succeeded.
fn race(calls: [Regtree; 2]) -> [bool; 2] {
    let barrier = Barrier::new(2);
    thread::scope(|scope| {
        let running = calls.map(|call| {
            scope.spawn(|| {
                barrier.wait();
                call.with(["--wait-lock", "60s"]).run().exit() == Some(0)
            })
        });
        running.map(|thread| thread.join().unwrap())
    })
}

#[test]
fn a_blob_is_not_deleted_while_a_manifest_that_needs_it_is_put() {
    let scratch = Scratch::new();
    for round in 0..DELETIONS {
        let image = scratch.image("lib", &round.to_string());
        scratch.regtree(["manifest", "delete", "lib", &image.digest.to_string()]).ok();
        let put = scratch.regtree(["manifest", "put", "lib", "--tag", "v1"]).stdin(&*image.bytes);
        let delete = scratch.regtree(["blob", "delete", "lib", &image.layer.to_string()]);
        let outcome = race([put, delete]);
        assert_eq!(outcome.iter().filter(|succeeded| **succeeded).count(), 1, "round {round}: {outcome:?}");
        if outcome[0] {
            scratch.run(["manifest", "verify", "lib", "v1"]).code(0);
        }
    }
}

#[test]
fn a_manifest_is_not_deleted_while_a_tag_is_set_to_it() {
    let scratch = Scratch::new();
    for round in 0..DELETIONS {
        let image = scratch.image("lib", &round.to_string());
        let digest = image.digest.to_string();
        let tag = format!("v{round}");
        let set = scratch.regtree(["tag", "set", "lib", &tag, &digest]);
        let delete = scratch.regtree(["manifest", "delete", "lib", &digest]);
        let outcome = race([set, delete]);
        assert_eq!(outcome.iter().filter(|succeeded| **succeeded).count(), 1, "round {round}: {outcome:?}");
        if outcome[0] {
            scratch.run(["manifest", "verify", "lib", &tag]).code(0);
        }
    }
}
