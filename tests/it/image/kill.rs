//! An export and an import that are killed leave nothing that lies, and end where the first would have.

use std::fs;

use super::{layout_in, names, tags};
use crate::support::image::{Image, lay_out_index};
use crate::support::kill::at_every_change;
use crate::support::planted::Planted;
use crate::support::{Scratch, assert_sound};

#[test]
fn an_import_killed_at_any_change_is_finished_by_the_next() {
    let images = [Image::of("amd64", 1), Image::of("arm64", 7)];
    let source = tempfile::tempdir().unwrap();
    let path = source.path().join("layout");
    lay_out_index(&images.each_ref(), &path);
    let words = ["import", path.to_str().unwrap(), "--repository", "lib/app", "--tag", "v1"];
    let kills = at_every_change(
        || {
            let scratch = Scratch::new();
            let call = scratch.regtree(words);
            (scratch, call)
        },
        |scratch, at, _| {
            assert_sound(scratch);
            // A tag that is there leads to a whole image.
            if scratch.repository("lib/app").join("_manifests/tags/v1/current/link").exists() {
                scratch.regtree(["manifest", "verify", "lib/app", "v1", "--content"]).ok();
            }
            scratch.regtree(words).ok();
            scratch.regtree(["manifest", "verify", "lib/app", "v1", "--content"]).ok();
            assert_eq!(tags(scratch, "lib/app").len(), 1, "{at}");
        },
    );
    assert!(kills > 60, "{kills}");
}

#[test]
fn an_export_killed_at_any_change_leaves_the_old_layout_or_the_new_one() {
    let kills = at_every_change(
        || {
            let scratch = Scratch::new();
            scratch.image("lib/app", "old").tag("v1");
            let layout = layout_in(&scratch);
            let call = scratch.regtree(["export", "--all", "-o", layout.to_str().unwrap()]);
            call.clone().ok();
            scratch.image("lib/app", "new").tag("v1");
            scratch.image("lib/app", "more").tag("v2");
            (scratch, call)
        },
        |scratch, at, _| {
            let layout = layout_in(scratch);
            let copy = Scratch::new();
            copy.regtree(["import", layout.to_str().unwrap()]).ok();
            copy.regtree(["manifest", "verify", "--all", "--content"]).ok();
            scratch.regtree(["export", "--all", "-o", layout.to_str().unwrap()]).ok();
            assert_eq!(names(&layout).len(), 2, "{at}");
            let left = walkdir::WalkDir::new(&layout).into_iter().map(Result::unwrap);
            let left: Vec<_> = left.filter(|entry| entry.path().extension().is_some_and(|ext| ext == "tmp")).collect();
            assert!(left.is_empty(), "{at}: {left:?}");
        },
    );
    assert!(kills > 10, "{kills}");
}

#[test]
fn a_new_layout_appears_whole_or_not_at_all() {
    let kills = at_every_change(
        || {
            let scratch = Scratch::new();
            scratch.image("lib/app", "image").tag("v1");
            let call = scratch.regtree(["export", "--all", "-o", layout_in(&scratch).to_str().unwrap()]);
            (scratch, call)
        },
        |scratch, at, _| {
            let layout = layout_in(scratch);
            if layout.exists() {
                assert_eq!(names(&layout).len(), 1, "{at}");
            }
            scratch.regtree(["export", "--all", "-o", layout.to_str().unwrap()]).ok();
            let left: Vec<_> = fs::read_dir(scratch.root()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            assert!(!left.iter().any(|name| name.to_str().unwrap().contains("partial")), "{at}: {left:?}");
        },
    );
    assert!(kills > 10, "{kills}");
}

/// Kills copies of `lib/app:v1`, which has a signature, to `team/app:v2` of the same tree or of another.
fn copies_are_finished_by_the_next(to_other_tree: bool) {
    let kills = at_every_change(
        || {
            let planted = Planted::new();
            let image = planted.tagged_image("lib/app", "v1", "image");
            let signature = planted.referrer("lib/app", &image, "signature");
            let other = Scratch::new();
            let to = ["--to", other.root().to_str().unwrap()];
            let call = planted.regtree(["copy", "lib/app:v1", "team/app:v2"]).with(to.iter().filter(|_| to_other_tree));
            ((planted, other, call.clone(), [image, signature]), call)
        },
        |(planted, other, call, [image, signature]), at, _| {
            let target = if to_other_tree { other } else { &planted.scratch };
            let tag = target.repository("team/app").join("_manifests/tags/v2/current/link");
            let is_whole = || {
                target.regtree(["manifest", "verify", "team/app", "v2", "--content"]).ok();
            };
            assert_sound(target);
            if tag.exists() {
                is_whole();
            }
            call.clone().ok();
            is_whole();
            assert_eq!(tags(target, "team/app"), [("v2".to_owned(), image.clone())].into(), "{at}");
            let referrers = target.regtree(["manifest", "referrers", "team/app", image, "--json"]).ok().json();
            assert_eq!(referrers["manifests"][0]["digest"], **signature, "{at}");
            // An upload that was cut short stays until it is purged, as after `blob put`.
            target.regtree(["upload", "purge", "--older-than", "0s"]).ok();
            assert!(target.uploads("team/app").is_empty(), "{at}");
            planted.regtree(["manifest", "verify", "lib/app", "v1", "--content"]).ok();
        },
    );
    assert!(kills > 30, "{kills}");
}

#[test]
fn a_copy_killed_at_any_change_is_finished_by_the_next() {
    copies_are_finished_by_the_next(false);
}

#[test]
fn a_copy_to_another_tree_killed_at_any_change_is_finished_by_the_next() {
    copies_are_finished_by_the_next(true);
}
