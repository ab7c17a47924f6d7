//! Arguments that are none, roots that are none, and what the user may not read.

use std::fs;
use std::os::unix::fs::{PermissionsExt, lchown};
use std::path::Path;

use super::{checked, place, text};
use crate::support::planted::{Planted, revision_path};
use crate::support::{Pushed, Scratch};

const USAGE: i32 = 2;

#[test]
fn malformed_arguments_are_refused() {
    let scratch = Scratch::new();
    for words in [
        &["--content-subset", "0/16"][..],
        &["--content-subset", "17/16"],
        &["--content-subset", "1/0"],
        &["--content-subset", "3/"],
        &["--content-subset", "0%"],
        &["--content-subset", "101%"],
        &["--content-subset", "-5%"],
        &["--content-subset", "50GB"],
        &["--content-subset", "50"],
        &["--content-subset", "much"],
        &["--content-subset", ""],
        &["--content-subset", "1/2", "--seed", "x"],
        &["--seed", "1"],
        &["--max-duration", "soon"],
        &["--max-duration", "-1"],
        &["--resume-after", "sha256:0"],
        &["--resume-after", "latest"],
        &["--unverified-for", "ever"],
        &["--unverified-for", "-1d"],
        &["--repository", "["],
        &["--jobs", "many"],
        &["--frobnicate"],
        &["lib/app"],
    ] {
        scratch.regtree(["fsck"]).with(words).run().code(USAGE).silent();
    }
}

#[test]
fn what_is_no_tree_is_refused() {
    let scratch = Scratch::bare();
    scratch.run(["fsck"]).code(10).silent();
    fs::write(scratch.root().join("file"), "").unwrap();
    crate::support::Regtree::at(&scratch.root().join("file"), ["fsck"]).run().code(10).silent();
    crate::support::Regtree::at(&scratch.root().join("nowhere"), ["fsck"]).run().code(10).silent();
    scratch.run(["fsck", "--json"]).code(10).json_error();
}

#[test]
fn an_empty_tree_has_nothing_wrong() {
    let found = super::fsck(&Scratch::new(), &["--content"]).code(0);
    assert!(found.codes().is_empty());
    assert_eq!(found.summary()["checked"]["blobs"], 0);
    // A tree that never had a push has neither.
    let bare = Scratch::bare();
    fs::create_dir_all(bare.v2()).unwrap();
    assert!(super::fsck(&bare, &["--content"]).code(0).codes().is_empty());
}

/// Gives a tree to the unprivileged user.
fn give_away(scratch: &Scratch) {
    if rustix::process::geteuid().is_root() {
        for entry in walkdir::WalkDir::new(scratch.root()) {
            lchown(entry.unwrap().path(), Some(65534), Some(65534)).unwrap();
        }
    }
}

/// An image, all of it the unprivileged user's.
fn owned() -> (Scratch, Pushed) {
    let scratch = Scratch::new();
    let image = scratch.image("lib/app", "one").tag("latest");
    give_away(&scratch);
    (scratch, image)
}

/// What is found by a user who may not read `path`: codes at paths.
#[track_caller]
fn found_without(scratch: &Scratch, path: &Path) -> Vec<(String, String)> {
    found_in(scratch, path, &["lib/app:latest"])
}

#[track_caller]
fn found_in(scratch: &Scratch, path: &Path, broken: &[&str]) -> Vec<(String, String)> {
    let before = fs::symlink_metadata(path).unwrap().permissions();
    fs::set_permissions(path, PermissionsExt::from_mode(0o000)).unwrap();
    let found = checked(scratch.regtree(["fsck", "--json", "--content"]).unprivileged());
    fs::set_permissions(path, before).unwrap();
    let found = found.code(3);
    assert_eq!(found.broken().into_iter().collect::<Vec<_>>(), broken, "{}", path.display());
    found.findings().map(|finding| (text(&finding["code"]), place(finding))).collect()
}

#[test]
fn what_can_t_be_read_is_told_and_ends_nothing() {
    let (scratch, image) = owned();
    let below = |path: &Path| path.strip_prefix(scratch.v2()).unwrap().to_str().unwrap().to_owned();
    let layer = scratch.blob(image.layer);
    // A file says by its mode that its owner may not read it.
    assert_eq!(found_without(&scratch, &layer), [("permissions".to_owned(), below(&layer))]);
    let leaf = layer.parent().unwrap();
    assert_eq!(found_without(&scratch, leaf), [("permissions".to_owned(), below(leaf))]);
    let manifest = scratch.blob(image.digest);
    assert_eq!(found_without(&scratch, &manifest), [("permissions".to_owned(), below(&manifest))]);
    let link = scratch.link("lib/app", image.layer);
    assert_eq!(found_without(&scratch, &link), [("permissions".to_owned(), below(&link))]);
    let manifests = scratch.repository("lib/app").join("_manifests");
    for path in [
        manifests.join("tags/latest/current"),
        manifests.join("tags/latest/current/link"),
        manifests.join("tags"),
        manifests.join("revisions"),
        manifests.clone(),
        manifests.with_file_name("_layers"),
        manifests.with_file_name("_layers/sha256"),
    ] {
        // Tags that can't be listed can't be named either.
        let is_blind = path.ends_with("tags") || path == manifests;
        let found = found_in(&scratch, &path, if is_blind { &[] } else { &["lib/app:latest"] });
        assert_eq!(found, [("permissions".to_owned(), below(&path))]);
    }
}

#[test]
fn what_another_group_may_read_is_at_most_a_warning() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let (scratch, image) = owned();
    let layer = scratch.blob(image.layer);
    lchown(&layer, Some(0), Some(7)).unwrap();
    fs::set_permissions(&layer, PermissionsExt::from_mode(0o640)).unwrap();
    let found = super::fsck(&scratch, &[]).code(0);
    assert_eq!((found.codes(), found.of_severity("warning").len()), (vec!["permissions".to_owned()], 1));
}

#[test]
fn root_is_told_what_the_tree_s_owner_could_not_read() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let (scratch, image) = owned();
    let layer = scratch.blob(image.layer);
    let link = scratch.link("lib/app", image.config);
    for path in [&layer, layer.parent().unwrap(), &link, link.parent().unwrap()] {
        let (mode, owner) = (fs::metadata(path).unwrap().permissions(), Some(65534));
        lchown(path, Some(0), Some(0)).unwrap();
        assert!(super::fsck(&scratch, &[]).code(0).codes().is_empty(), "{path:?}: others may read it");
        fs::set_permissions(path, PermissionsExt::from_mode(0o700)).unwrap();
        let found = super::fsck(&scratch, &[]).code(3);
        assert_eq!(found.codes(), ["permissions"], "{path:?}");
        assert_eq!(found.broken().len(), 1, "{path:?}");
        lchown(path, owner, owner).unwrap();
        fs::set_permissions(path, mode).unwrap();
    }
}

#[test]
fn no_child_is_said_to_have_been_here_while_the_layer_links_can_t_be_read() {
    let planted = Planted::new();
    let child = planted.image("lib", "a child");
    planted.tag("lib", "v1", &planted.index("lib", &[&child]));
    planted.remove(&revision_path("lib", &child));
    give_away(&planted.scratch);
    let layers = planted.at("repositories/lib/_layers");
    let before = fs::symlink_metadata(&layers).unwrap().permissions();
    fs::set_permissions(&layers, PermissionsExt::from_mode(0o000)).unwrap();
    let found = checked(planted.scratch.regtree(["fsck", "--json"]).unprivileged());
    fs::set_permissions(&layers, before).unwrap();
    let missing = found.findings().find(|finding| finding["code"] == "index-child-missing").unwrap();
    assert!(missing["message"].as_str().unwrap().contains("was never pushed here"), "{missing}");
}
