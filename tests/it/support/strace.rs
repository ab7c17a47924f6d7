//! The command under `strace`: what it asks the kernel for, and calls that are slow or fail.

/// A call of `strace` with more words. Unless a signal is injected, which does not work with a filter, the kernel stops
/// only at what is traced: all else runs at its own speed.
pub(crate) fn strace<'w>(words: &[&'w str]) -> Vec<&'w str> {
    let is_signalled = words.iter().any(|word| word.contains(":signal="));
    let filter: &[&str] = if is_signalled { &[] } else { &["--seccomp-bpf"] };
    [&["strace", "-f", "-qq"], filter, words].concat()
}
