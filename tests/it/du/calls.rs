//! How often a measurement asks the file system.

use crate::support::strace::calls_for_each_layer;

#[test]
fn each_directory_is_opened_once_and_read_from_its_beginning() {
    // The fan-out, by the scan and by the walk; the directory of the blob, and that of the link.
    let opened = calls_for_each_layer("openat", &["du"]);
    assert!(opened <= 4, "{opened} opened for each link and its blob");
    assert_eq!(calls_for_each_layer("lseek", &["du"]), 0);
    // Of the three, the link and the blob.
    let looks = calls_for_each_layer("statx", &["du"]);
    assert!(looks <= 6, "{looks} looks for each link and its blob");
}
