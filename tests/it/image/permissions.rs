//! Places that may not be read or written: they are named, and stay as they are.

use std::fs;

use super::layout_in;
use crate::support::Scratch;
use crate::support::denied::{UNREADABLE, UNWRITABLE, denied, give_away};
use crate::support::image::Image;
use crate::support::refusal::text;

#[test]
fn a_layout_that_cannot_be_read_is_named_and_nothing_is_imported() {
    let (scratch, image) = (Scratch::new(), Image::new());
    let layout = layout_in(&scratch);
    image.lay_out(&layout);
    give_away(scratch.root());
    let call = scratch.regtree(["import", text(&layout), "--repository", "lib/app", "--tag", "v1"]);
    for path in ["index.json", "blobs/sha256"] {
        denied(&scratch, (&layout.join(path), UNREADABLE), &call, &layout.join(path));
    }
    call.unprivileged().ok();
}

#[test]
fn a_place_that_cannot_be_written_is_named_and_stays_as_it_is() {
    let scratch = Scratch::new();
    scratch.image("lib/app", "image").tag("v1");
    let out = scratch.root().join("out");
    fs::create_dir(&out).unwrap();
    give_away(scratch.root());
    let layout = out.join("layout");
    let export = scratch.regtree(["export", "--all", "-o", text(&layout)]);
    denied(&scratch, (&out, UNWRITABLE), &export, &layout);
    export.clone().unprivileged().ok();
    scratch.image("lib/app", "another").tag("v2");
    give_away(scratch.root());
    let blobs = layout.join("blobs/sha256");
    denied(&scratch, (&blobs, UNWRITABLE), &export, &blobs);
    export.unprivileged().ok();
}

#[test]
fn a_tree_that_cannot_be_written_is_named_and_stays_as_it_is() {
    let scratch = Scratch::new();
    scratch.image("lib/app", "image").tag("v1");
    let layout = layout_in(&scratch);
    Image::new().lay_out(&layout);
    give_away(scratch.root());
    let repositories = scratch.v2().join("repositories");
    let import: &[&str] = &["import", text(&layout), "--repository", "team/new", "--tag", "v1"];
    let copies: [&[&str]; 3] = [
        &["copy", "lib/app:v1", "team/new"],
        &["repo", "copy", "lib/app", "team/new"],
        &["repo", "rename", "lib/app", "team/new"],
    ];
    for words in copies.into_iter().chain([import]) {
        denied(&scratch, (&repositories, UNWRITABLE), &scratch.regtree(words), &repositories.join("team"));
    }
    let app = scratch.repository("lib/app");
    for words in copies {
        denied(&scratch, (&app, UNREADABLE), &scratch.regtree(words), &app);
    }
}
