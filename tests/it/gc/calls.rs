//! How often a collection asks the file system.

use std::fs;

use super::planted::Planted;
use crate::support::strace::strace;

/// How often a collection with `words` makes a system call, and what it says.
fn calls(planted: &Planted, call: &str, words: &[&str]) -> (usize, String) {
    let trace = planted.root().join("trace");
    let traced = format!("trace={call}");
    let strace = strace(&["-e", &traced, "-o", trace.to_str().unwrap()]);
    let words = [&["gc", "--min-age", "0"], words].concat();
    let said = planted.regtree(words).behind(strace).ok().out();
    let begins = format!("{call}(");
    let count = fs::read_to_string(trace).unwrap().lines().filter(|line| line.contains(&begins)).count();
    (count, said)
}

#[test]
fn what_delete_untagged_would_free_is_counted_without_a_look_at_the_tags() {
    let planted = Planted::new();
    for number in 0..40 {
        planted.tagged_image("lib", &format!("v{number}"), "an image");
    }
    planted.image("lib", "untagged");
    let (without, _) = calls(&planted, "openat2", &["--dry-run", "--quiet"]);
    let (with, said) = calls(&planted, "openat2", &["--dry-run"]);
    assert!(said.contains("--delete-untagged"), "{said}");
    assert!(with < without + 40, "{with} opened, and {without} without the figure");
}

#[test]
fn little_is_opened_for_each_link_and_blob_that_goes() {
    let opened = |count: usize| {
        let planted = Planted::new();
        planted.tagged_image("lib", "v1", "an image");
        for number in 0..count {
            planted.layer("lib", format!("stale {number}"));
        }
        let (opened, said) = calls(&planted, "openat", &["--max-delete", "100%"]);
        let removed = |line: &str| line.split_whitespace().eq(["layer-link", &count.to_string()]);
        assert!(said.lines().any(removed), "{said}");
        opened
    };
    let each = (opened(60) - opened(20)) / 40;
    // The link's directory and the blob's; and its fan-out, which it shares with few others here, to remove both.
    assert!(each <= 6, "{each} directories are opened for each link and its blob");
}
