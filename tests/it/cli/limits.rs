//! Every command where the system gives less than it asks for: threads, memory, open files, the size of a file.
//!
//! A command may fail then, and say so. It never panics, never hangs, and without threads it does the same work.

use std::process::Command;

use crate::support::{Regtree, Run, Scratch};

const SHARED: &str = "sha256:6bd58e9cd66f40a194357672c9cbb8a17fd7c4228183fe7c50c2ed397d0b4561";
const APP: &str = "sha256:7c5682e06669c26fc8fa6f5c86b9630d0995fbb2314adfded9acb51f79e49ced";

/// What only looks.
const LOOKS: [&str; 20] = [
    "repo list --long",
    "tag list demo/app --long",
    "tag history demo/app v1",
    "manifest list demo/app --long",
    "manifest get demo/app v1",
    "manifest stat demo/app multi",
    "manifest verify --all --content",
    "manifest referrers demo/app v1",
    "blob list demo/app --long",
    "blob stat --all-repos sha256:6bd58e9cd66f40a194357672c9cbb8a17fd7c4228183fe7c50c2ed397d0b4561",
    "blob get demo/app sha256:6bd58e9cd66f40a194357672c9cbb8a17fd7c4228183fe7c50c2ed397d0b4561",
    "upload list",
    "quarantine list",
    "fsck",
    "fsck --content",
    "gc -n --min-age 0 --delete-untagged --sizes",
    "gc -n --min-age 0 --explain sha256:6bd58e9cd66f40a194357672c9cbb8a17fd7c4228183fe7c50c2ed397d0b4561",
    "repair -n --all-safe",
    "du --apparent --layers",
    "completions bash",
];

/// What changes the tree; each gets a tree of its own.
const CHANGES: [&str; 9] = [
    "blob put demo/web",
    "blob mount --from demo/app --to demo/web sha256:6bd58e9cd66f40a194357672c9cbb8a17fd7c4228183fe7c50c2ed397d0b4561",
    "upload start demo/web",
    "tag set demo/app v3 v1",
    "tag delete demo/app v1",
    "repo delete demo/web",
    "upload purge --older-than 0",
    "gc --min-age 0 --delete-untagged --quarantine",
    "repair --all-safe",
];

fn demo() -> Scratch {
    let scratch = Scratch::bare();
    Regtree::new(["demo", "-q"]).with([scratch.root()]).ok();
    scratch
}

/// A copy of the tree, the times of its files included.
pub(super) fn copy(scratch: &Scratch) -> Scratch {
    let copied = Scratch::bare();
    let status = Command::new("cp").arg("-a").arg(scratch.root().join("docker")).arg(copied.root()).status().unwrap();
    assert!(status.success());
    copied
}

fn call(scratch: &Scratch, line: &str, prefix: &[&str]) -> Run {
    let limited: Vec<_> = ["timeout", "60"].iter().chain(prefix).collect();
    scratch.regtree(line.split(' ')).stdin("some content that is put").behind(limited).run()
}

/// Every command under a limit.
fn under(prefix: &[&str], mut check: impl FnMut(&str, &Run)) {
    let tree = demo();
    for line in LOOKS {
        check(line, &call(&tree, line, prefix));
    }
    for line in CHANGES {
        check(line, &call(&copy(&tree), line, prefix));
    }
}

/// It ends by itself with an exit code of its own, and says why where it fails.
#[track_caller]
fn ends_well(line: &str, run: &Run) {
    let (exit, err) = (run.exit(), run.err());
    assert!(exit.is_some_and(|exit| exit < 13), "{line}: {exit:?}, signal {:?}: {err}", run.signal());
    assert!(!err.contains("panicked"), "{line}: {err}");
    assert!(exit == Some(0) || !err.is_empty() || !run.bytes().is_empty(), "{line}: {exit:?} without a word");
}

#[test]
fn without_threads_each_command_does_the_same_work() {
    // As where a container has reached the number of processes that it may have.
    let trace = tempfile::NamedTempFile::new().unwrap();
    let file = trace.path().to_str().unwrap();
    let words = ["strace", "-qq", "-A", "-o", file, "-e", "trace=clone3", "-e", "inject=clone3:error=EAGAIN"];
    let mut ends = Vec::new();
    under(&[], |_, free| ends.push(free.exit()));
    let mut ends = ends.into_iter();
    under(&words, |line, limited| {
        ends_well(line, limited);
        assert_eq!(limited.exit(), ends.next().unwrap(), "{line}: {}", limited.err());
    });
    assert!(std::fs::read_to_string(trace.path()).unwrap().contains("EAGAIN"), "no thread was asked for");
}

#[test]
fn with_few_threads_content_is_hashed_all_the_same() {
    let tree = demo();
    let whole = call(&tree, "fsck --content", &[]);
    for when in 1..8 {
        let inject = format!("inject=clone3:error=EAGAIN:when={when}+");
        let words = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=clone3", "-e", &inject];
        let limited = call(&tree, "fsck --content", &words);
        assert_eq!((limited.exit(), limited.out()), (whole.exit(), whole.out()), "thread {when}: {}", limited.err());
    }
}

#[test]
fn with_few_threads_an_archive_is_compressed_all_the_same() {
    let tree = demo();
    for when in [1, 2, 3] {
        let archive = tree.root().join(format!("{when}.tar.zst"));
        let inject = format!("inject=clone3:error=EAGAIN:when={when}+");
        let words = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=clone3", "-e", &inject];
        call(&tree, &format!("export demo/app:v1 -o {}", archive.display()), &words).code(0);
        let read = Scratch::new();
        read.regtree(["import", archive.to_str().unwrap()]).ok();
        read.run(["manifest", "verify", "--all", "--content"]).code(0);
    }
}

#[test]
fn with_little_memory_no_command_panics() {
    let address_space = |mib: u32| format!("--as={}", u64::from(mib) << 20);
    // What the program needs to be loaded at all.
    let is_loaded = |mib: &u32| {
        let version = Regtree::new(["--version"]).behind(["prlimit", &address_space(*mib)]).run();
        version.exit() == Some(0)
    };
    let least = (1..1000).find(is_loaded).unwrap();
    for more in [2, 8] {
        under(&["prlimit", &address_space(least + more)], |line, limited| {
            let err = limited.err();
            assert!(!err.contains("panicked at src/"), "{line}: {err}");
            // The runtimes of C and Rust abort when they have no memory, and say so.
            let is_aborted =
                limited.signal() == Some(6) && (err.contains("memory") || err.contains("alternative stack"));
            if !is_aborted {
                ends_well(line, limited);
            }
        });
    }
}

#[test]
fn with_few_open_files_no_command_panics() {
    for files in [8, 14] {
        under(&["prlimit", &format!("--nofile={files}")], ends_well);
    }
}

#[test]
fn a_limit_of_file_sizes_is_an_error_with_its_reason() {
    under(&["prlimit", "--fsize=64"], ends_well);
    let tree = demo();
    let before = tree.uploads("demo/web");
    call(&tree, "blob put demo/web", &["prlimit", "--fsize=16"]).code(1).says(["File too large"]);
    assert_eq!(tree.uploads("demo/web"), before, "the upload of a put that failed is left");
    tree.run(["manifest", "get", "demo/app", APP]).code(0);
    tree.run(["blob", "get", "demo/app", SHARED]).code(0);
}
