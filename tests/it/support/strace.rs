//! The command under `strace`: what it asks the kernel for, and calls that are slow or fail.

use std::fs;

use super::{Regtree, Scratch};

/// A call of `strace` with more words. Unless a signal is injected, which does not work with a filter, the kernel stops
/// only at what is traced: all else runs at its own speed.
pub(crate) fn strace<'w>(words: &[&'w str]) -> Vec<&'w str> {
    let is_signalled = words.iter().any(|word| word.contains(":signal="));
    let filter: &[&str] = if is_signalled { &[] } else { &["--seccomp-bpf"] };
    [&["strace", "-f", "-qq"], filter, words].concat()
}

/// The changes and syncs of a call in their order, as `call path`, with the answer as `write stdout`.
pub(crate) fn changes(scratch: &Scratch, regtree: Regtree) -> Vec<String> {
    let trace = scratch.root().join("trace");
    let calls = "trace=fsync,fdatasync,renameat,mkdirat,write,openat,unlinkat";
    let strace = strace(&["-y", "-e", calls, "-o", trace.to_str().unwrap()]);
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
pub(crate) fn position(changes: &[String], what: &str) -> usize {
    let found = changes.iter().rposition(|change| change.starts_with(what));
    found.unwrap_or_else(|| panic!("{what}: {changes:#?}"))
}
