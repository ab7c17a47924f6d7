//! Modes and owners because of which the tree's owner can't read a part of the tree.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;

use super::{errors, repair};
use crate::support::planted::{Planted, revision_path};
use crate::support::{Scratch, snapshot};

const OWNER: u32 = 12345;

fn give_away(root: &Path) {
    for entry in walkdir::WalkDir::new(root) {
        chown(entry.unwrap().path(), Some(OWNER), Some(OWNER)).unwrap();
    }
}

fn access(path: &Path) -> (u32, u32, u32) {
    let found = fs::symlink_metadata(path).unwrap();
    (found.mode() & 0o7777, found.uid(), found.gid())
}

#[test]
fn what_another_user_wrote_becomes_the_owners_and_no_restore_gives_it_away_again() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let scratch = Scratch::new();
    let image = scratch.image("lib/app", "image").tag("latest");
    give_away(scratch.root());
    let (link, directory) = (scratch.link("lib/app", image.layer), scratch.repository("lib/app").join("_manifests"));
    for path in [&link, &directory, &scratch.blob(image.config)] {
        chown(path, Some(0), Some(0)).unwrap();
        fs::set_permissions(path, PermissionsExt::from_mode(0o700)).unwrap();
    }
    assert_eq!(errors(&scratch), ["permissions"; 3]);
    let done = repair(&scratch, &["--only", "permissions"]).code(0);
    assert_eq!(done.actions().len(), 3);
    assert_eq!(access(&link), (0o644, OWNER, OWNER));
    assert_eq!(access(&directory), (0o755, OWNER, OWNER));
    assert_eq!(errors(&scratch), [""; 0]);
    // Whoever owns the tree could have written the journal.
    let repaired = snapshot(&scratch.v2());
    let restored = scratch.run(["quarantine", "restore", done.quarantine().unwrap()]);
    restored.code(3).says(["is not undone", "mode 0700, owner 0:0"]);
    assert!(repaired == snapshot(&scratch.v2()));
}

#[test]
fn who_owns_the_tree_need_not_be_root_to_set_its_modes_right() {
    let scratch = Scratch::new();
    let image = scratch.image("lib/app", "image").tag("latest");
    let blob = scratch.blob(image.layer);
    fs::set_permissions(&blob, PermissionsExt::from_mode(0o000)).unwrap();
    if rustix::process::geteuid().is_root() {
        for entry in walkdir::WalkDir::new(scratch.root()) {
            chown(entry.unwrap().path(), Some(65534), Some(65534)).unwrap();
        }
    }
    let call = |words: &[&str]| scratch.regtree(words.iter().copied()).unprivileged();
    call(&["fsck"]).run().code(3);
    call(&["repair", "--only", "permissions"]).ok();
    assert_eq!(access(&blob).0, 0o644);
    call(&["fsck", "--content"]).ok();
    let run = fs::read_dir(scratch.root().join(".regtree/quarantine")).unwrap().next().unwrap().unwrap().file_name();
    call(&["quarantine", "restore", run.to_str().unwrap()]).ok();
    assert_eq!(access(&blob).0, 0o000);
}

#[test]
fn what_was_changed_again_since_is_not_undone() {
    let scratch = Scratch::new();
    let image = scratch.image("lib/app", "image").tag("latest");
    let (link, blob) = (scratch.link("lib/app", image.layer), scratch.blob(image.layer));
    fs::set_permissions(&blob, PermissionsExt::from_mode(0o000)).unwrap();
    fs::write(&link, "").unwrap();
    let done = repair(&scratch, &["--all-safe"]).code(0);
    fs::set_permissions(&blob, PermissionsExt::from_mode(0o640)).unwrap();
    fs::write(&link, "something else").unwrap();
    scratch.run(["quarantine", "restore", done.quarantine().unwrap()]).code(0);
    assert_eq!(access(&blob).0, 0o640);
    assert_eq!(fs::read(&link).unwrap(), b"something else");
}

#[test]
fn a_restore_of_one_digest_leaves_the_other_changes_to_be_undone_later() {
    let scratch = Scratch::new();
    let image = scratch.image("lib/app", "image").tag("latest");
    let links = [image.layer, image.config].map(|digest| scratch.link("lib/app", digest));
    for link in &links {
        fs::remove_file(link).unwrap();
    }
    let run = repair(&scratch, &["--only", "reference-deleted"]).code(0).quarantine().unwrap().to_owned();
    let shown = |words: &[&str]| scratch.regtree(["quarantine", "show", &run, "--json"]).with(words).ok().json_lines();
    let changes = |words: &[&str]| shown(words).iter().filter(|event| event["change"] == "written").count();
    assert_eq!(changes(&[]), 2);
    scratch.run(["quarantine", "restore", &run, &image.layer.to_string()]).code(0);
    assert_eq!(links.each_ref().map(|link| !link.exists()), [true, false]);
    assert_eq!((changes(&[]), changes(&["--all"])), (1, 2));
    scratch.run(["quarantine", "restore", &run]).code(0);
    assert_eq!(links.each_ref().map(|link| !link.exists()), [true, true]);
    scratch.run(["quarantine", "restore", &run]).code(4);
}

#[test]
fn what_was_asked_for_and_failed_is_not_called_not_asked_for() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let planted = Planted::new();
    let image = planted.tagged_image("lib/app", "v1", "an image");
    let link = planted.at(&(revision_path("lib/app", &image) + "/link"));
    // What has several hard links may be anybody's, so its mode stays.
    fs::hard_link(&link, planted.root().join("another")).unwrap();
    fs::set_permissions(&link, PermissionsExt::from_mode(0o000)).unwrap();
    give_away(planted.root());
    for words in [["--only", "permissions"].as_slice(), &["--all-safe"]] {
        let run = planted.regtree(["repair"]).with(words).run().code(3).says(["more than one hard link"]);
        assert!(run.out().contains("asked for, but not repaired for the reasons above"), "{}", run.out());
        assert!(!run.out().contains("not asked for"), "{}", run.out());
    }
}
