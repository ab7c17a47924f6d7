//! Who may open a file while it is made.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::{Regtree, Scratch};

#[test]
fn under_any_umask_only_we_may_open_a_file_before_it_has_its_mode() {
    let scratch = Scratch::new();
    let trace = tempfile::NamedTempFile::new().unwrap();
    let call = scratch.regtree(["blob", "put", "lib/new"]).stdin("content");
    let umask = ["sh", "-c", "umask 000; exec \"$@\"", "sh"];
    let strace = ["strace", "-f", "-qq", "-e", "trace=openat,mkdirat", "-o", trace.path().to_str().unwrap()];
    let digest = call.behind(umask.into_iter().chain(strace)).ok().answer();
    let traced = fs::read_to_string(trace.path()).unwrap();
    let made: Vec<&str> = traced.lines().filter(|line| line.contains("O_CREAT") || line.contains("mkdirat(")).collect();
    assert!(made.len() > 5, "{traced}");
    for line in made {
        assert!(line.contains(", 0600)") || line.contains(", 0700)"), "{line}");
    }
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&scratch.blob(digest.parse().unwrap())), 0o644);
    assert_eq!(mode(&scratch.repository("lib/new")), 0o755);
    Regtree::at(scratch.root(), ["fsck", "--content"]).ok();
}
