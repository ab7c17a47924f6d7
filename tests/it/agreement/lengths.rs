//! The length of a link that holds no digest is its own, whoever reads it.

use std::collections::BTreeSet;

use crate::support::Scratch;
use crate::support::planted::{Planted, layer_path, revision_path, sha256, tag_path};

/// Every length that a text tells: `(N bytes)`.
fn lengths(text: &str) -> BTreeSet<u64> {
    let begun = text.split('(').skip(1);
    begun.filter_map(|rest| rest.split_once(" bytes)")?.0.parse().ok()).collect()
}

struct Broken {
    scratch: Scratch,
    image: String,
    layer: String,
}

/// A tree with one image, of which a link is `length` bytes long.
fn broken(link: fn(&str, &str) -> String, length: usize) -> Broken {
    let planted = Planted::new();
    let image = planted.tagged_image("lib", "v1", "an image");
    let layer = sha256(b"layer of an image");
    planted.plant(&link(&image, &layer), "x".repeat(length));
    Broken { scratch: planted.scratch, image, layer }
}

fn revision_link(image: &str, _: &str) -> String {
    revision_path("lib", image) + "/link"
}

fn layer_link(_: &str, layer: &str) -> String {
    layer_path("lib", layer)
}

fn tag_link(_: &str, _: &str) -> String {
    tag_path("lib", "v1") + "/current/link"
}

/// Holds each command that names a length to the true one, and expects so many of them to name one.
#[track_caller]
fn hold(link: fn(&str, &str) -> String, length: usize, commands: &[&[&str]]) {
    let expected = BTreeSet::from([length as u64]);
    for words in commands {
        let broken = broken(link, length);
        let words = words.iter().map(|word| match *word {
            "IMAGE" => &broken.image,
            "LAYER" => &broken.layer,
            word => word,
        });
        let words: Vec<&str> = words.collect();
        let run = broken.scratch.run(&words);
        let said = format!("{}{}", run.out(), run.err());
        assert_eq!(lengths(&said), expected, "{words:?} of {length} bytes: {said}");
    }
}

const OF_REVISION: [&[&str]; 4] =
    [&["fsck"], &["gc", "-n", "--min-age", "0"], &["manifest", "verify", "--all"], &["manifest", "get", "lib", "v1"]];
const OF_LAYER: [&[&str]; 3] = [&["fsck"], &["manifest", "verify", "--all"], &["blob", "get", "lib", "LAYER"]];
const OF_TAG: [&[&str]; 4] =
    [&["fsck"], &["gc", "-n", "--min-age", "0"], &["tag", "list", "lib"], &["manifest", "get", "lib", "v1"]];

#[test]
fn the_length_of_a_short_link_is_true_everywhere() {
    hold(revision_link, 200, &OF_REVISION);
    hold(layer_link, 200, &OF_LAYER);
    hold(tag_link, 200, &OF_TAG);
}

#[test]
fn the_length_of_a_revision_s_link_is_true_everywhere() {
    hold(revision_link, 5000, &OF_REVISION);
}

#[test]
fn the_length_of_a_layer_s_link_is_true_everywhere() {
    hold(layer_link, 5000, &OF_LAYER);
}

#[test]
fn the_length_of_a_tag_s_link_is_true_everywhere() {
    for length in [255, 256, 257, 5000] {
        hold(tag_link, length, &OF_TAG);
    }
    hold(tag_link, 20_000, &OF_TAG);
}
