//! Each exit code, by something that leads to it. What each command says of its own is in its help.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use regtree::Registry;
use regtree::cli::Exit;

use crate::support::{Regtree, Scratch};

const UNKNOWN: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

/// A tree with a good image, one without its layer, one without its manifest, and a link that says nothing.
fn tree() -> Scratch {
    let scratch = Scratch::new();
    scratch.image("lib/app", "good").tag("v1");
    let lacking = scratch.image("lib/lacking", "lacking").tag("v1");
    fs::remove_file(scratch.blob(lacking.layer)).unwrap();
    let cut = scratch.image("lib/cut", "cut").tag("v1");
    fs::write(scratch.blob(cut.digest), "{").unwrap();
    scratch.image("lib/broken", "broken").tag("v1");
    fs::write(scratch.repository("lib/broken/_manifests/tags/v1/current/link"), "").unwrap();
    scratch
}

#[test]
fn every_exit_code_means_what_the_page_says() {
    let scratch = tree();
    let beside = tempfile::tempdir().unwrap();
    let file = beside.path().join("file");
    fs::write(&file, "content").unwrap();
    let (file, no_file) = (file.to_str().unwrap(), beside.path().join("no/file"));
    let no_file = no_file.to_str().unwrap();
    let calls: &[(Exit, &[&str])] = &[
        (Exit::Done, &["repo", "list"]),
        (Exit::Done, &["manifest", "verify", "lib/app:v1"]),
        (Exit::Done, &["--help"]),
        (Exit::Failed, &["blob", "put", "lib/app", no_file]),
        (Exit::NoTree, &["repo", "list", "--root", "/proc"]),
        (Exit::Usage, &["blob", "get", "lib/app"]),
        (Exit::Usage, &["gc", "--min-age", "5"]),
        (Exit::Usage, &["nothing"]),
        (Exit::Damage, &["fsck"]),
        (Exit::Damage, &["manifest", "list", "lib/cut", "--long"]),
        (Exit::Damage, &["gc", "-n", "--min-age", "0"]),
        (Exit::Unknown, &["tag", "get", "lib/app:v2"]),
        (Exit::Unknown, &["blob", "list", "lib/none"]),
        (Exit::Unknown, &["blob", "get", "lib/app", UNKNOWN]),
        (Exit::Unknown, &["fsck", "--repository", "nothing/*"]),
        (Exit::Invalid, &["manifest", "verify", "lib/lacking:v1"]),
        (Exit::Invalid, &["manifest", "get", "lib/cut", "v1"]),
        (Exit::Invalid, &["tag", "get", "lib/broken", "v1"]),
        (Exit::Invalid, &["blob", "put", "lib/app", file, "--digest", UNKNOWN]),
        (Exit::Invalid, &["manifest", "put", "lib/app", file]),
        (Exit::Refused, &["repo", "delete", "lib/*"]),
        (Exit::Refused, &["demo", "/"]),
    ];
    let mut met: BTreeSet<u8> = BTreeSet::new();
    for (exit, words) in calls {
        let call = if words.contains(&"--root") { Regtree::new(*words) } else { scratch.regtree(*words) };
        call.run().code(i32::from(exit.code()));
        met.insert(exit.code());
    }
    met.extend([locked(&scratch), signalled(&scratch, "INT"), signalled(&scratch, "TERM")]);
    assert_eq!(met, Exit::ALL.map(Exit::code).into(), "each code is met");
}

fn locked(scratch: &Scratch) -> u8 {
    let registry = Registry::open(scratch.root()).unwrap();
    let _holder = registry.exclusive_writer("gc", jiff::Timestamp::UNIX_EPOCH, Duration::from_mins(1)).unwrap();
    scratch.run(["blob", "put", "lib/app"]).code(i32::from(Exit::Locked.code()));
    Exit::Locked.code()
}

/// The exit code of a put that waits for its content when the signal comes.
fn signalled(scratch: &Scratch, name: &str) -> u8 {
    let before = scratch.uploads("lib/app").len();
    let mut command = scratch.regtree(["blob", "put", "lib/app"]).command();
    let mut put = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    // It is open until the end: an empty content would be put.
    let stdin = put.stdin.take();
    while scratch.uploads("lib/app").len() == before {
        assert_eq!(put.try_wait().unwrap(), None, "the put ends early");
        std::thread::sleep(Duration::from_millis(5));
    }
    let sent = Command::new("kill").args([format!("-{name}"), put.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let code = put.wait().unwrap().code().unwrap();
    drop(stdin);
    u8::try_from(code).unwrap()
}
