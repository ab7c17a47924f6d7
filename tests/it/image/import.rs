//! `regtree import`: names, what is there already, and what is said.

use std::fs;

use serde_json::json;

use super::{index, layout_in, tags};
use crate::support::image::{Image, lay_out_index};
use crate::support::{Scratch, assert_sound, refusal};

fn import(scratch: &Scratch, words: &[&str]) -> crate::support::Run {
    let layout = layout_in(scratch);
    scratch.regtree(["import", layout.to_str().unwrap()]).with(words).run()
}

/// Gives the one image of a layout a name.
fn name(scratch: &Scratch, annotation: &str, name: &str) {
    let layout = layout_in(scratch);
    let mut document = index(&layout);
    document["manifests"][0]["annotations"] = json!({ annotation: name });
    fs::write(layout.join("index.json"), document.to_string()).unwrap();
}

const REF_NAME: &str = "org.opencontainers.image.ref.name";

#[test]
fn an_index_comes_with_its_children_and_is_served_whole() {
    let scratch = Scratch::new();
    let images = [Image::of("amd64", 1), Image::of("arm64", 7)];
    lay_out_index(&images.each_ref(), &layout_in(&scratch));
    name(&scratch, "io.containerd.image.name", "quay.io/team/app:v1");
    let run = import(&scratch, &[]).code(0);
    assert_eq!(run.lines(), ["team/app:v1"]);
    scratch.regtree(["manifest", "verify", "team/app", "v1", "--content"]).ok();
    scratch.regtree(["fsck", "--content"]).ok();
    assert_sound(&scratch);
    assert!(scratch.uploads("team/app").is_empty());
}

#[test]
fn a_tag_alone_wants_a_repository_and_the_error_says_so() {
    let scratch = Scratch::new();
    Image::new().lay_out(&layout_in(&scratch));
    name(&scratch, REF_NAME, "v1");
    let digest = index(&layout_in(&scratch))["manifests"][0]["digest"].as_str().unwrap().to_owned();
    let call = scratch.regtree(["import", layout_in(&scratch).to_str().unwrap()]);
    refusal::refused(scratch.root(), &call, refusal::MALFORMED_NAME, &[&digest, "v1"]);
    call.clone().run().says(["--repository NAME"]);
    import(&scratch, &["--repository", "team/app"]).code(0);
    assert_eq!(tags(&scratch, "team/app"), [("v1".to_owned(), digest.clone())].into());
    import(&scratch, &["--repository", "team/app", "--tag", "v2"]).code(0);
    assert_eq!(tags(&scratch, "team/app")["v2"], digest);
}

#[test]
fn two_images_of_one_name_are_refused_before_anything_is_imported() {
    let scratch = Scratch::new();
    let other = scratch.root().join("other");
    Image::new().lay_out(&layout_in(&scratch));
    Image::of("arm64", 9).lay_out(&other);
    let call = scratch.regtree(["import", layout_in(&scratch).to_str().unwrap(), other.to_str().unwrap()]);
    let call = call.with(["--repository", "team/app", "--tag", "v1"]);
    refusal::refused(scratch.root(), &call, refusal::MALFORMED_NAME, &["team/app:v1"]);
    call.run().says([other.to_str().unwrap()]);
}

#[test]
fn a_tag_that_moves_is_reported_or_kept() {
    let scratch = Scratch::new();
    let old = scratch.image("team/app", "old").tag("v1");
    Image::new().lay_out(&layout_in(&scratch));
    name(&scratch, REF_NAME, "team/app:v1");
    let call = scratch.regtree(["import", layout_in(&scratch).to_str().unwrap(), "--keep-existing-tags"]);
    refusal::refused(scratch.root(), &call, refusal::REFUSED, &["team/app:v1", &old.digest.to_string()]);
    let run = import(&scratch, &[]).code(0);
    run.says([&format!("moved team/app:v1, which pointed to {}", old.digest)]);
    // It points there now, so there is nothing to refuse.
    import(&scratch, &["--keep-existing-tags"]).code(0);
}

#[test]
fn what_the_tree_has_is_not_written_again_but_healed() {
    let scratch = Scratch::new();
    let image = Image::new();
    image.lay_out(&layout_in(&scratch));
    name(&scratch, REF_NAME, "team/app:v1");
    let summary = |words: &[&str]| import(&scratch, &[&["--json"], words].concat()).code(0).json_lines().pop().unwrap();
    assert_eq!(summary(&[])["added"]["blobs"], 4);
    let again = summary(&[]);
    assert_eq!((&again["added"]["blobs"], &again["present"]["blobs"]), (&json!(0), &json!(4)));
    let blob = scratch.blob(regtree::Digest::of(&image.layers[1]));
    let inode = |path: &std::path::Path| std::os::unix::fs::MetadataExt::ino(&fs::metadata(path).unwrap());
    let before = inode(&blob);
    summary(&[]);
    assert_eq!(inode(&blob), before);
    fs::write(&blob, vec![b'x'; image.layers[1].len()]).unwrap();
    summary(&["--no-verify-existing"]);
    assert_ne!(fs::read(&blob).unwrap(), image.layers[1]);
    summary(&[]);
    assert_eq!(fs::read(&blob).unwrap(), image.layers[1]);
    fs::write(&blob, "cut").unwrap();
    summary(&["--no-verify-existing"]);
    assert_eq!(fs::read(&blob).unwrap(), image.layers[1]);
}

#[test]
fn a_dry_run_says_what_would_be_added_and_adds_nothing() {
    let scratch = Scratch::new();
    Image::new().lay_out(&layout_in(&scratch));
    name(&scratch, REF_NAME, "team/app:v1");
    let before = refusal::tree(scratch.root());
    let dry = import(&scratch, &["-n", "--json"]).code(0).json_lines();
    assert_eq!(refusal::tree(scratch.root()), before);
    import(&scratch, &["-n"]).code(0).says(["would import 1 tag and 1 manifest: would add 4 blobs,"]);
    let real = import(&scratch, &["--json"]).code(0).json_lines();
    let without = |events: &[serde_json::Value]| {
        let mut events = events.to_vec();
        for event in &mut events {
            event.as_object_mut().unwrap().remove("dry_run");
        }
        events
    };
    assert_eq!(without(&dry), without(&real));
}

#[test]
fn the_list_of_a_source_has_its_names_and_needs_no_tree() {
    let scratch = Scratch::bare();
    Image::new().lay_out(&layout_in(&scratch));
    name(&scratch, REF_NAME, "team/app:v1");
    let listed = import(&scratch, &["--list", "--json"]).code(0).json();
    assert_eq!(listed["name"], "team/app:v1");
    let listed = import(&scratch, &["--list"]).code(0).out();
    assert!(listed.contains("team/app:v1") && listed.ends_with(" B\n"), "{listed}");
}
