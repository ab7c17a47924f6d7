//! How often a collection asks the file system.

use crate::support::planted::Planted;
use crate::support::strace::{calls, calls_for_each_layer};

#[test]
fn what_delete_untagged_would_free_is_counted_without_a_look_at_the_tags() {
    let planted = Planted::new();
    for number in 0..40 {
        planted.tagged_image("lib", &format!("v{number}"), "an image");
    }
    planted.image("lib", "untagged");
    let (without, _) = calls(&planted, "openat2", &["gc", "--min-age", "0", "--dry-run", "--quiet"]);
    let (with, said) = calls(&planted, "openat2", &["gc", "--min-age", "0", "--dry-run"]);
    assert!(said.contains("--delete-untagged"), "{said}");
    assert!(with < without + 40, "{with} opened, and {without} without the figure");
}

#[test]
fn little_is_opened_for_each_link_and_blob_that_goes() {
    let each = calls_for_each_layer("openat", &["gc", "--min-age", "0", "--max-delete", "100%"]);
    // The link's directory and the blob's; and its fan-out, which it shares with few others here, to remove both.
    assert!((2..=6).contains(&each), "{each} directories are opened for each link and its blob");
}
