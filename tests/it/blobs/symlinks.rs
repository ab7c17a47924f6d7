//! Symbolic links, planted where they could lead a command astray. What they lead to is always what the command is
//! looking for, so that following one would succeed.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use regtree::Digest;

use crate::support::refusal::{CONTENT, DAMAGED, OTHER, refused, text};
use crate::support::{Regtree, Scratch};

/// A tree whose blob is in two repositories.
fn planted() -> (Scratch, Digest) {
    let scratch = Scratch::new();
    let digest = scratch.put("lib/app", CONTENT);
    scratch.run(["blob", "mount", &digest.to_string(), "--from", "lib/app", "--to", "other"]).code(0);
    (scratch, digest)
}

/// Moves what lies at `path` out of the tree, and plants a symbolic link to it there.
fn divert(scratch: &Scratch, path: &Path) {
    let outside = scratch.root().join("outside");
    Scratch::plant(&outside.join("sentinel"), "untouched");
    let moved = outside.join("moved");
    fs::rename(path, &moved).unwrap();
    symlink(&moved, path).unwrap();
}

/// Diverts each of `places` in a tree of its own, and expects each of `calls` to name it and to change nothing, inside
/// the tree and outside.
fn are_not_followed(places: &[fn(&Scratch, Digest) -> PathBuf], calls: fn(&Scratch, &str) -> Vec<Regtree>) {
    for place in places {
        let (scratch, digest) = planted();
        let place = place(&scratch, digest);
        divert(&scratch, &place);
        for call in calls(&scratch, &digest.to_string()) {
            refused(scratch.root(), &call, DAMAGED, &[text(&place), "a symbolic link"]);
        }
        assert_eq!(fs::read(scratch.root().join("outside/sentinel")).unwrap(), b"untouched");
    }
}

/// The `n`th directory above a file; 0 is the file itself.
fn above(path: &Path, n: usize) -> PathBuf {
    path.ancestors().nth(n).unwrap().to_owned()
}

/// On the way to the link in `lib/app`: the file, `<hex>`, `sha256`, `_layers`, the repository, the directory above it.
const TO_THE_LINK: [fn(&Scratch, Digest) -> PathBuf; 6] = [
    |scratch, digest| scratch.link("lib/app", digest),
    |scratch, digest| above(&scratch.link("lib/app", digest), 1),
    |scratch, digest| above(&scratch.link("lib/app", digest), 2),
    |scratch, _| scratch.repository("lib/app/_layers"),
    |scratch, _| scratch.repository("lib/app"),
    |scratch, _| scratch.repository("lib"),
];

/// On the way to the content: the file, `<hex>`, the fan-out, `sha256`.
const TO_THE_CONTENT: [fn(&Scratch, Digest) -> PathBuf; 4] = [
    |scratch, digest| scratch.blob(digest),
    |scratch, digest| above(&scratch.blob(digest), 1),
    |scratch, digest| above(&scratch.blob(digest), 2),
    |scratch, digest| above(&scratch.blob(digest), 3),
];

/// Directories that new content must pass.
const TO_NEW_CONTENT: [fn(&Scratch, Digest) -> PathBuf; 6] = [
    |scratch, digest| above(&scratch.blob(digest), 3),
    |scratch, digest| above(&scratch.link("lib/app", digest), 2),
    |scratch, _| scratch.repository("lib/app/_layers"),
    |scratch, _| scratch.repository("lib/app/_uploads"),
    |scratch, _| scratch.repository("lib/app"),
    |scratch, _| scratch.repository("lib"),
];

#[test]
fn no_command_follows_a_symbolic_link_to_a_link() {
    are_not_followed(&TO_THE_LINK, |scratch, digest| {
        vec![
            scratch.regtree(["blob", "get", "lib/app", digest]),
            scratch.regtree(["blob", "stat", "lib/app", digest]),
            scratch.regtree(["blob", "delete", "lib/app", digest]),
            scratch.regtree(["blob", "delete", "lib/app", digest, "--all-aliases"]),
            scratch.regtree(["blob", "mount", digest, "--from", "lib/app", "--to", "new"]),
            scratch.regtree(["blob", "mount", digest, "--from", "other", "--to", "lib/app"]),
            scratch.regtree(["blob", "put", "lib/app"]).stdin(CONTENT),
        ]
    });
}

#[test]
fn no_command_follows_a_symbolic_link_to_content() {
    are_not_followed(&TO_THE_CONTENT, |scratch, digest| {
        vec![
            scratch.regtree(["blob", "get", "lib/app", digest]),
            scratch.regtree(["blob", "stat", "lib/app", digest]),
            scratch.regtree(["blob", "mount", digest, "--from", "lib/app", "--to", "new"]),
            scratch.regtree(["blob", "put", "lib/app"]).stdin(CONTENT),
            scratch.regtree(["blob", "put", "new"]).stdin(CONTENT),
        ]
    });
}

#[test]
fn nothing_new_is_written_through_a_symbolic_link() {
    are_not_followed(&TO_NEW_CONTENT, |scratch, _| vec![scratch.regtree(["blob", "put", "lib/app"]).stdin(OTHER)]);
}

#[test]
fn a_symbolic_link_to_nowhere_is_not_taken_for_absence() {
    for place in TO_THE_LINK {
        let (scratch, digest) = planted();
        let place = place(&scratch, digest);
        fs::rename(&place, scratch.root().join("moved")).unwrap();
        symlink("nowhere", &place).unwrap();
        for command in [&["put", "lib/app"][..], &["stat", "lib/app", &digest.to_string()]] {
            let call = scratch.regtree(["blob"]).with(command).stdin(CONTENT);
            refused(scratch.root(), &call, DAMAGED, &[text(&place), "a symbolic link"]);
        }
    }
}

#[test]
fn listings_name_a_symbolic_link_and_go_on() {
    let (scratch, _) = planted();
    let place = scratch.repository("lib/app");
    divert(&scratch, &place);
    let listed = scratch.run(["repo", "list"]).code(3).says(["warning: ", text(&place), "a symbolic link"]);
    assert_eq!(listed.answer(), "other");

    let (scratch, digest) = planted();
    let kept = scratch.put("lib/app", OTHER);
    let place = above(&scratch.blob(digest), 2);
    divert(&scratch, &place);
    let listed = scratch.run(["blob", "list"]).code(3).says(["warning: ", text(&place), "a symbolic link"]);
    assert_eq!(listed.answer(), kept.to_string());
}

#[test]
fn a_planted_place_for_notes_is_not_written_through() {
    let scratch = Scratch::new();
    let outside = scratch.root().join("outside");
    fs::create_dir(&outside).unwrap();
    symlink(&outside, scratch.root().join(".regtree")).unwrap();
    scratch.put("lib/app", CONTENT);
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
}

#[test]
fn the_root_and_the_areas_may_lie_on_another_disk() {
    for place in ["", "docker", "docker/registry", "docker/registry/v2"] {
        let (scratch, digest) = planted();
        // The root itself is a temporary directory that must stay where it is, so a link to it stands for it.
        let root = if place.is_empty() {
            let link = scratch.root().join("root");
            symlink(scratch.root(), &link).unwrap();
            link
        } else {
            divert(&scratch, &scratch.root().join(place));
            scratch.root().to_owned()
        };
        works(&root, &digest.to_string());
    }
    for areas in [&["blobs"][..], &["repositories"], &["blobs", "repositories"]] {
        let (scratch, digest) = planted();
        for area in areas {
            let moved = scratch.root().join(area);
            fs::rename(scratch.v2().join(area), &moved).unwrap();
            symlink(&moved, scratch.v2().join(area)).unwrap();
        }
        works(scratch.root(), &digest.to_string());
    }
}

/// Expects the commands to work on `root`, where `digest` is in `lib/app`.
fn works(root: &Path, digest: &str) {
    assert_eq!(Regtree::at(root, ["blob", "get", "lib/app", digest]).ok().bytes(), CONTENT);
    let put = Regtree::at(root, ["blob", "put", "new"]).stdin(OTHER).ok().answer();
    assert_eq!(Regtree::at(root, ["blob", "get", "new", &put]).ok().bytes(), OTHER);
    assert_eq!(Regtree::at(root, ["repo", "list"]).ok().lines(), ["lib/app", "new", "other"]);
    assert_eq!(Regtree::at(root, ["blob", "list"]).ok().lines().len(), 2);
    Regtree::at(root, ["blob", "delete", "new", &put]).ok();
    Regtree::at(root, ["blob", "stat", "new", &put]).run().code(4);
}
