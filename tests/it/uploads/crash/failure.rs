//! Appends that fail: the upload is as it was before.

use std::fs;
use std::process::Command;

use regtree::Digest;

use super::{Session, content};
use crate::support::strace::strace;
use crate::support::{Regtree, Scratch};

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
        let strace = strace(&["-o", "/dev/null", "-P", part, "-e", "trace=read", "-e", &inject]);
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
        let strace = strace(&["-o", "/dev/null", "-P", data, "-e", &trace, "-e", &inject]);
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
