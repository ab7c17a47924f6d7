//! Stale uploads that `repair` can't look through.

use std::fs;
use std::os::unix::fs::{PermissionsExt, lchown};
use std::path::PathBuf;
use std::time::Duration;

use crate::support::{Pushed, Scratch};

/// A tree with a stale upload and an empty link, which `repair --all-safe` repairs.
fn with_upload() -> (Scratch, Pushed, PathBuf) {
    let scratch = Scratch::new();
    let image = scratch.image("lib/app", "image").tag("latest");
    fs::write(scratch.link("lib/app", image.layer), "").unwrap();
    let upload = scratch.repository("lib/app").join("_uploads/49c7033d-8881-4914-9c95-d56c28397fe8");
    Scratch::plant(&upload.join("startedat"), "2015-01-01T00:00:00Z");
    Scratch::plant(&upload.join("data"), "");
    (scratch, image, upload)
}

#[test]
fn an_upload_that_can_t_be_read_keeps_nothing_else_from_being_repaired() {
    let (scratch, image, upload) = with_upload();
    let hidden = upload.join("hashstates/sha256");
    fs::create_dir_all(&hidden).unwrap();
    Scratch::age_all(&upload, Duration::from_hours(2));
    if rustix::process::geteuid().is_root() {
        for entry in walkdir::WalkDir::new(scratch.root()) {
            lchown(entry.unwrap().path(), Some(65534), Some(65534)).unwrap();
        }
    }
    fs::set_permissions(&hidden, PermissionsExt::from_mode(0o000)).unwrap();
    let call = || scratch.regtree(["repair", "--only", "link-empty,upload-stale"]).unprivileged();
    call().run().code(3).says([hidden.to_str().unwrap(), "Permission denied"]);
    let link = fs::read_to_string(scratch.link("lib/app", image.layer)).unwrap();
    assert_eq!(link, image.layer.to_string());
    assert!(upload.exists());
    fs::set_permissions(&hidden, PermissionsExt::from_mode(0o755)).unwrap();
    call().run().code(0);
    assert!(!upload.exists());
}

#[test]
fn an_upload_of_a_thousand_levels_keeps_nothing_from_being_repaired() {
    let (scratch, image, upload) = with_upload();
    let deep = (0..1100).fold(upload.join("hashstates"), |path, _| path.join("x"));
    fs::create_dir_all(deep).unwrap();
    Scratch::age_all(&upload, Duration::from_hours(2));
    let limit = ["prlimit", "--nofile=256"];
    scratch.regtree(["repair", "--only", "link-empty,upload-stale"]).behind(limit).run().code(0);
    assert_eq!(fs::read_to_string(scratch.link("lib/app", image.layer)).unwrap(), image.layer.to_string());
    assert!(!upload.exists());
}
