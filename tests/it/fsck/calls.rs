//! How often a check asks the file system.

use crate::support::strace::calls_for_each_layer;

#[test]
fn each_directory_and_each_link_is_looked_at_once() {
    // Of the fan-out, the blob's directory, the link's directory and the link.
    let looks = calls_for_each_layer("fstat", &["fsck"]);
    assert!(looks <= 4, "{looks} looks for each link and its blob");
    // Only the blob itself is not opened.
    let opened = calls_for_each_layer("openat", &["fsck"]);
    assert!(opened <= 4, "{opened} opened for each link and its blob");
}
