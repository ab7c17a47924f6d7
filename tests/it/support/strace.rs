//! The command under `strace`: what it asks the kernel for, and calls that are slow or fail.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use super::planted::Planted;
use super::{Regtree, Scratch};

/// A call of `strace` with more words. Unless a signal is injected, which does not work with a filter, the kernel stops
/// only at what is traced: all else runs at its own speed.
pub(crate) fn strace<'w>(words: &[&'w str]) -> Vec<&'w str> {
    let is_signalled = words.iter().any(|word| word.contains(":signal="));
    let filter: &[&str] = if is_signalled { &[] } else { &["--seccomp-bpf"] };
    [&["strace", "-f", "-qq"], filter, words].concat()
}

/// The calls in a trace, each in one line. Where threads call at the same time, strace writes the begin and the end of a
/// call apart.
pub(crate) fn traced(trace: &Path) -> Vec<String> {
    let (mut calls, mut begun) = (Vec::new(), HashMap::new());
    let text = fs::read_to_string(trace).unwrap();
    for line in text.lines() {
        let (process, call) = line.split_once(' ').unwrap_or(("", line));
        if let Some(begin) = call.strip_suffix("<unfinished ...>") {
            begun.insert(process, begin);
            continue;
        }
        let end = call.split_once(" resumed>").map(|(_, end)| end);
        match end.and_then(|end| Some((begun.remove(process)?, end))) {
            Some((begin, end)) => calls.push(format!("{process} {begin}{end}")),
            None => calls.push(line.to_owned()),
        }
    }
    calls
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
    traced(&trace).iter().filter_map(|line| describe(line)).collect()
}

/// How often a command makes a system call, and what it says.
pub(crate) fn calls(scratch: &Scratch, call: &str, words: &[&str]) -> (usize, String) {
    let trace = scratch.root().join("trace");
    let wanted = format!("trace={call}");
    let strace = strace(&["-e", &wanted, "-o", trace.to_str().unwrap()]);
    let said = scratch.regtree(words).behind(strace).ok().out();
    let begins = format!("{call}(");
    let count = traced(&trace).iter().filter(|line| line.contains(&begins)).count();
    (count, said)
}

/// How many more of a system call each layer link, with its blob, costs a command.
pub(crate) fn calls_for_each_layer(call: &str, words: &[&str]) -> usize {
    let made = |count: usize| {
        let planted = Planted::new();
        planted.tagged_image("lib", "v1", "an image");
        for number in 0..count {
            planted.layer("lib", format!("layer {number}"));
        }
        calls(&planted, call, words).0
    };
    (made(60) - made(20)).div_ceil(40)
}

#[track_caller]
pub(crate) fn position(changes: &[String], what: &str) -> usize {
    let found = changes.iter().rposition(|change| change.starts_with(what));
    found.unwrap_or_else(|| panic!("{what}: {changes:#?}"))
}
