//! Uploads that are worked on twice, killed, interrupted or changed behind our back, and what they cost to read.

use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use regtree::{Digest, Registry};

use crate::support::scratch::digest_by;
use crate::support::{Regtree, Run, Scratch, snapshot};

const REPOSITORY: &str = "lib/app";

/// Content of a length, the same each time.
fn content(length: usize) -> Vec<u8> {
    (0..length).map(|i| u8::try_from((i * 7 + i / 251) % 256).unwrap()).collect()
}

/// An upload of its own tree.
struct Session {
    scratch: Scratch,
    id: String,
}

impl Session {
    fn start() -> Self {
        let scratch = Scratch::new();
        let id = scratch.run(["upload", "start", REPOSITORY]).code(0).answer();
        Self { scratch, id }
    }

    /// One that has received this.
    fn with(content: &[u8]) -> Self {
        let session = Self::start();
        session.upload("resume").stdin(content).ok();
        session
    }

    /// `regtree upload VERB REPOSITORY ID`.
    fn upload(&self, verb: &str) -> Regtree {
        self.scratch.regtree(["upload", verb, REPOSITORY, &self.id])
    }

    fn commit(&self, digest: Digest) -> Regtree {
        self.upload("commit").with(["--digest", &digest.to_string()])
    }

    fn directory(&self) -> PathBuf {
        self.scratch.repository(REPOSITORY).join("_uploads").join(&self.id)
    }

    fn data(&self) -> PathBuf {
        self.directory().join("data")
    }

    /// What it has, which status must agree with.
    #[track_caller]
    fn received(&self) -> Vec<u8> {
        let data = fs::read(self.data()).unwrap();
        let status = self.upload("status").with(["--json"]).ok().json();
        assert_eq!(status["size"], data.len(), "{status}");
        data
    }

    #[track_caller]
    fn assert_stored(&self, digest: Digest, content: &[u8]) {
        let get = self.scratch.run(["blob", "get", REPOSITORY, &digest.to_string()]).code(0);
        assert!(get.bytes() == content, "{} bytes", get.bytes().len());
        assert_sound(&self.scratch);
    }

    /// Starts a resume that has taken in `content` and waits for more.
    fn hanging(&self, content: &[u8]) -> Child {
        let before = fs::metadata(self.data()).unwrap().len();
        let mut command = self.upload("resume").command();
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.as_mut().unwrap().write_all(content).unwrap();
        let begin = Instant::now();
        while fs::metadata(self.data()).unwrap().len() != before + content.len() as u64 {
            assert!(begin.elapsed() < Duration::from_secs(30), "the bytes do not arrive");
            thread::sleep(Duration::from_millis(5));
        }
        child
    }

    /// Removes what regtree itself knows of uploads.
    fn forget_record(&self) {
        fs::remove_dir_all(self.scratch.root().join(".regtree/uploads")).unwrap();
    }
}

/// Expects the tree to keep its promises whatever happened: every link leads to content, all content is right.
#[track_caller]
fn assert_sound(scratch: &Scratch) {
    let registry = Registry::open(scratch.root()).unwrap();
    for blob in regtree::blob::blobs(registry.tree()) {
        let (digest, path) = blob.unwrap();
        assert_eq!(Digest::of(&fs::read(registry.tree().locate(&path)).unwrap()), digest, "content under a wrong name");
    }
    for name in registry.repositories().repositories {
        let repository = registry.repository(&name).unwrap();
        for key in repository.keys() {
            let (key, _) = key.unwrap();
            regtree::blob::stat(&repository, key).unwrap_or_else(|error| panic!("a link that lies: {error}"));
        }
    }
}

/// Kills a call at the `nth` call of a system call.
fn killed_at(regtree: &Regtree, call: &str, nth: usize) -> Run {
    let (trace, inject) = (format!("trace={call}"), format!("inject={call}:signal=KILL:when={nth}"));
    let strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", &trace, "-e", &inject];
    regtree.clone().behind(strace).run()
}

/// Whatever changes a tree.
const CHANGES: [&str; 9] =
    ["mkdirat", "fchmod", "write", "pwrite64", "ftruncate", "fsync", "fdatasync", "renameat", "unlinkat"];

/// Kills what `prepare` returns at each change that it makes, and has `examine` look at what is left, which is told how
/// many kills there were before. Returns how many there were.
fn at_every_change<T>(prepare: impl Fn() -> (T, Regtree), examine: impl Fn(&T, &str, usize)) -> usize {
    let mut kills = 0;
    for call in CHANGES {
        for nth in 1.. {
            let (subject, regtree) = prepare();
            let run = killed_at(&regtree, call, nth);
            if run.signal() != Some(9) {
                run.code(0);
                break;
            }
            examine(&subject, &format!("{call} {nth}"), kills);
            kills += 1;
        }
    }
    kills
}

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
    assert_sound(&session.scratch);
    let again = session.commit(digest).run();
    assert!(!again.err().contains("error:"), "killed at {when}, and then: {}", again.err());
    again.code(0);
    assert!(!session.directory().exists());
    session.assert_stored(digest, whole);
}

#[test]
fn a_commit_killed_at_any_change_it_makes_lies_to_nobody_and_can_be_run_again() {
    let whole = content(100_000);
    // Of an alias alone, a commit that is run again does not know the content that it moved: that is left undone.
    let digest = Digest::of(&whole);
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
            }
            finish(session, digest, &whole, when);
        },
    );
    assert!(kills > 15, "{kills} kills: strace does not do what it is asked to");
}

/// Expects an upload that had `first` to have it still, and nothing else, and to be fit for more.
#[track_caller]
fn assert_cut_back(session: &Session, first: &[u8]) {
    assert!(session.received() == first, "not cut back");
    let offset = first.len().to_string();
    session.upload("resume").with(["--offset", &offset]).stdin("the right end").ok();
    let whole = [first, b"the right end"].concat();
    session.commit(Digest::of(&whole)).ok();
    session.assert_stored(Digest::of(&whole), &whole);
}

#[test]
fn an_append_whose_source_fails_is_cut_back_to_where_it_began() {
    for nth in 1..5 {
        let first = content(1000);
        let session = Session::with(&first);
        let part = session.scratch.root().join("part");
        fs::write(&part, content(3 << 20)).unwrap();
        let part = part.to_str().unwrap();
        let inject = format!("inject=read:error=EIO:when={nth}");
        let strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-P", part, "-e", "trace=read", "-e", &inject];
        let resume = session.upload("resume").with([part, "--offset", "1000"]);
        resume.behind(strace).run().code(1).silent().says([part, "Input/output error"]);
        assert_cut_back(&session, &first);
    }
}

#[test]
fn an_append_whose_disk_fails_is_cut_back_to_where_it_began() {
    for (call, nth) in [("write", 1), ("write", 4), ("fsync", 1)] {
        let first = content(1000);
        let session = Session::with(&first);
        let data = session.data();
        let data = data.to_str().unwrap();
        let (trace, inject) = (format!("trace={call}"), format!("inject={call}:error=EIO:when={nth}"));
        let strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-P", data, "-e", &trace, "-e", &inject];
        let resume = session.upload("resume").stdin(content(3 << 20)).behind(strace);
        resume.run().code(1).silent().says([data, "Input/output error"]);
        assert_cut_back(&session, &first);
    }
}

#[test]
fn an_append_that_a_signal_ends_is_cut_back_to_where_it_began() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let first = content(1000);
        let session = Session::with(&first);
        let mut child = session.hanging(&content(200_000));
        let stdin = child.stdin.take();
        let killed = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        let output = child.wait_with_output().unwrap();
        drop(stdin);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(&format!("interrupted (SIG{signal})")), "{said}");
        assert_cut_back(&session, &first);
    }
}

/// Uploads to a tmpfs of 1 MiB, in mounts of its own. The script gets the command as $0.
const SMALL_DISK: &str = r#"
mount -t tmpfs -o size=1m none repositories
id=$("$0" upload start lib/app)
yes | head -c 300000 | "$0" upload resume lib/app "$id"
for verb in "resume lib/app $id" "commit lib/app $id - --digest $1"; do
    yes | head -c 3000000 | "$0" upload $verb && exit 99 || echo "exit $?"
    "$0" upload status lib/app "$id" | head -n 1
done
yes | head -c 300000 | "$0" upload resume lib/app "$id" --offset 300000
"$0" upload commit lib/app "$id" --digest "$1"
"$0" blob get lib/app "$1" | sha256sum
"#;

#[test]
fn an_append_without_space_is_cut_back_to_where_it_began() {
    let whole = b"y\n".repeat(300_000);
    let digest = Digest::of(&whole).to_string();
    let unshare: &[&str] = if rustix::process::geteuid().is_root() {
        &["unshare", "--mount", "sh", "-ec", SMALL_DISK]
    } else {
        &["unshare", "--user", "--map-root-user", "--mount", "sh", "-ec", SMALL_DISK]
    };
    let scratch = Scratch::new();
    let run = Regtree::new([&digest]).behind(unshare).env("REGTREE_ROOT", scratch.root()).within(&scratch.v2()).run();
    let hex = digest.split_once(':').unwrap().1;
    let kept = "received:    300000 bytes (292.97 KiB)";
    let expected = ["300000", "exit 1", kept, "exit 1", kept, "600000", &digest, &format!("{hex}  -")];
    assert_eq!(run.says(["No space left on device"]).code(0).lines(), expected);
}

/// How many bytes a call reads of the files at these paths.
fn bytes_read<const N: usize>(regtree: Regtree, paths: [&Path; N]) -> [u64; N] {
    let place = tempfile::tempdir().unwrap();
    let trace = place.path().join("trace");
    let calls = "trace=read,pread64,readv,preadv,preadv2,mmap,copy_file_range,sendfile,splice";
    // A file for each thread: in one for all, calls are cut in two and lose their paths.
    let strace = ["strace", "-ff", "-qq", "-y", "-s", "0", "-e", calls, "-o", trace.to_str().unwrap()];
    regtree.behind(strace).ok();
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
    // A commit reads what it publishes, once, whatever is known of its hash.
    assert_eq!(bytes_read(commit, [&data, &session.scratch.blob(digest)]), [SIZE, 0]);
    session.assert_stored(digest, &whole);
}

#[test]
fn what_is_not_known_is_read_once() {
    const SIZE: u64 = 3_000_000;
    let whole = content(3_000_000);
    let (digest, alias) = (Digest::of(&whole), digest_by("sha512", &whole));
    let begun = || Session::with(&whole);
    let read = |session: &Session, regtree: Regtree| bytes_read(regtree, [&session.data()])[0];
    // Wanted, or for a hash that nobody kept.
    let session = begun();
    assert_eq!(read(&session, session.commit(digest).with(["--rehash"])), SIZE);
    let session = begun();
    assert_eq!(read(&session, session.commit(alias)), SIZE);
    let session = begun();
    assert_eq!(read(&session, session.upload("resume").with(["--rehash"])), SIZE);
    assert_eq!(read(&session, session.commit(digest)), SIZE);
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
    assert_eq!(read(&session, session.upload("resume")), 0);
    assert_eq!(read(&session, session.commit(digest)), SIZE);
    session.assert_stored(digest, &whole);
    // What was cut back.
    let session = begun();
    assert_eq!(read(&session, session.upload("resume").with(["--truncate-to", "2000000"])), 2_000_000);
}

/// The changes and syncs of a call in their order, as `call path`, with the answer as `write stdout`.
fn changes(scratch: &Scratch, regtree: Regtree) -> Vec<String> {
    let trace = scratch.root().join("trace");
    let calls = "trace=fsync,fdatasync,renameat,mkdirat,write,openat,unlinkat";
    let strace = ["strace", "-f", "-qq", "-y", "-e", calls, "-o", trace.to_str().unwrap()];
    regtree.behind(strace).ok();
    let v2 = format!("{}/", scratch.v2().display());
    let describe = |line: &str| {
        let call = line.split_whitespace().nth(1)?.split('(').next()?;
        match call {
            "write" => return line.contains("write(1<").then(|| "write stdout".to_owned()),
            "openat" if !line.contains("O_CREAT") => return None,
            _ => {}
        }
        // Without what it returned.
        let asked = if call == "openat" { line.rsplit_once(" = ")?.0 } else { line };
        // The last path in the tree that the line names: a rename's is its target's directory.
        let (_, rest) = asked.rsplit_once(&v2)?;
        let (directory, rest) = rest.split_once('>')?;
        let name = rest.split('"').nth(1).map(|name| format!("/{name}")).unwrap_or_default();
        Some(format!("{call} {directory}{name}"))
    };
    fs::read_to_string(trace).unwrap().lines().filter_map(describe).collect()
}

#[track_caller]
fn position(changes: &[String], what: &str) -> usize {
    let found = changes.iter().rposition(|change| change.starts_with(what));
    found.unwrap_or_else(|| panic!("{what}: {changes:#?}"))
}

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
