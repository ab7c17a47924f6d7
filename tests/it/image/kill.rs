//! An export and an import that are killed leave nothing that lies, and end where the first would have.

use std::fs;

use super::{layout_in, names, tags};
use crate::support::image::{Image, lay_out_index};
use crate::support::kill::at_every_change;
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
