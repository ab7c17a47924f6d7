//! Images in indexes that lie in the index of a layout.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::archive::pack;
use super::tags;
use crate::support::image::{INDEX, Image, MANIFEST, blob_name, descriptor};
use crate::support::{Run, Scratch};

const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// The files of a layout of images, with whose manifests others are made.
struct Layout {
    files: Vec<(String, Vec<u8>)>,
    /// The entries of the images.
    images: [Value; 2],
}

impl Layout {
    fn new() -> Self {
        let images = [Image::of("amd64", 1), Image::of("arm64", 7)];
        let files = images.iter().flat_map(Image::layout).collect();
        Self { files, images: images.map(|image| descriptor(MANIFEST, &image.manifest)) }
    }

    /// Adds an index, and gives its entry.
    fn index(&mut self, entries: &[Value]) -> Value {
        let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": entries }).to_string();
        self.files.push((blob_name(index.as_bytes()), index.clone().into_bytes()));
        descriptor(INDEX, index.as_bytes())
    }

    /// All of its files, with these entries in `index.json`.
    fn with(&self, entries: &[Value]) -> Vec<(String, Vec<u8>)> {
        let mut files: Vec<_> = self.files.iter().filter(|(name, _)| name != "index.json").cloned().collect();
        files.sort();
        files.dedup();
        let index = json!({ "schemaVersion": 2, "manifests": entries }).to_string();
        files.push(("index.json".to_owned(), index.into_bytes()));
        files
    }
}

fn named(mut entry: Value, name: &str) -> Value {
    entry["annotations"] = json!({ REF_NAME: name });
    entry
}

fn digest(entry: &Value) -> &str {
    entry["digest"].as_str().unwrap()
}

fn lay_out(scratch: &Scratch, files: &[(String, Vec<u8>)]) -> PathBuf {
    let directory = scratch.root().join("layout");
    for (name, content) in files {
        let path = directory.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    directory
}

fn import(scratch: &Scratch, source: &Path, more: &[&str]) -> Run {
    scratch.regtree([&["import", source.to_str().unwrap()], more].concat()).run()
}

/// An image in a list, another in a list in that list, and a list that is named twice.
fn listed() -> (Layout, Vec<(String, Vec<u8>)>) {
    let mut layout = Layout::new();
    let [first, second] = layout.images.clone();
    let inner = layout.index(&[named(second, "lib/app:v2")]);
    let outer = layout.index(&[named(first, "lib/app:v1"), inner.clone()]);
    let files = layout.with(&[outer, inner]);
    (layout, files)
}

#[test]
fn the_images_in_a_list_are_imported_under_their_names() {
    let (layout, files) = listed();
    let scratch = Scratch::new();
    let archive = scratch.root().join("images.tar");
    fs::write(&archive, pack(&files)).unwrap();
    for source in [lay_out(&scratch, &files), archive] {
        let listed = scratch.regtree(["import", "--list", source.to_str().unwrap()]).ok().out();
        assert_eq!(listed.lines().count(), 2, "{listed}");
        let scratch = Scratch::new();
        import(&scratch, &source, &[]).code(0);
        let tags = tags(&scratch, "lib/app");
        assert_eq!([&*tags["v1"], &tags["v2"]], [digest(&layout.images[0]), digest(&layout.images[1])]);
        // Of the lists themselves nothing is left.
        assert_eq!(scratch.regtree(["manifest", "list", "lib/app"]).ok().out().lines().count(), 2);
    }
}

#[test]
fn an_index_without_names_in_it_is_one_image() {
    let mut layout = Layout::new();
    let index = layout.index(&layout.images.clone());
    let outer = layout.index(&[index]);
    let scratch = Scratch::new();
    let source = lay_out(&scratch, &layout.with(std::slice::from_ref(&outer)));
    import(&scratch, &source, &[]).code(2).says(["names no repository"]);
    import(&scratch, &source, &["--repository", "lib/app", "--tag", "v1"]).code(0);
    assert_eq!(tags(&scratch, "lib/app")["v1"], digest(&outer));
}

#[test]
fn an_index_with_a_name_is_one_image_whatever_is_in_it() {
    let mut layout = Layout::new();
    let [first, second] = layout.images.clone();
    let index = layout.index(&[named(first, "lib/other:v1"), second]);
    let scratch = Scratch::new();
    let source = lay_out(&scratch, &layout.with(&[named(index.clone(), "lib/app:v1")]));
    import(&scratch, &source, &[]).code(0);
    assert_eq!(tags(&scratch, "lib/app")["v1"], digest(&index));
    scratch.regtree(["tag", "list", "lib/other"]).run().code(4);
}

#[test]
fn a_list_lies_in_no_more_than_32_indexes() {
    let mut layout = Layout::new();
    let mut entry = named(layout.images[0].clone(), "lib/app:v1");
    for _ in 0..32 {
        entry = layout.index(&[entry]);
    }
    let scratch = Scratch::new();
    let source = lay_out(&scratch, &layout.with(&[entry.clone()]));
    import(&scratch, &source, &[]).code(0);
    let deepest = layout.files[layout.files.len() - 32].1.clone();
    let entry = layout.index(&[entry]);
    let other = Scratch::new();
    let source = lay_out(&other, &layout.with(&[entry]));
    let run = import(&other, &source, &[]).code(5);
    run.says([digest(&descriptor(INDEX, &deepest)), "it is nested in more than 32 indexes"]);
}

#[test]
fn an_image_has_no_more_than_32_indexes_in_each_other() {
    let mut layout = Layout::new();
    let mut entry = layout.images[0].clone();
    for _ in 0..32 {
        entry = layout.index(&[entry]);
    }
    let scratch = Scratch::new();
    let source = lay_out(&scratch, &layout.with(&[named(entry.clone(), "lib/app:v1")]));
    import(&scratch, &source, &[]).code(0);
    let entry = layout.index(&[entry]);
    let other = Scratch::new();
    let source = lay_out(&other, &layout.with(&[named(entry, "lib/app:v1")]));
    let run = import(&other, &source, &[]).code(5);
    run.says([digest(&layout.images[0]), "it is nested in more than 32 indexes"]);
}

#[test]
fn a_list_that_is_missing_is_an_image_and_one_that_is_malformed_an_error() {
    let mut layout = Layout::new();
    let missing = descriptor(INDEX, b"nowhere");
    let scratch = Scratch::new();
    let source = lay_out(&scratch, &layout.with(std::slice::from_ref(&missing)));
    assert!(scratch.regtree(["import", "--list", source.to_str().unwrap()]).ok().out().contains(digest(&missing)));
    let malformed = layout.index(&[json!({ "digest": "sha256:0", "size": 1 })]);
    let source = lay_out(&scratch, &layout.with(std::slice::from_ref(&malformed)));
    import(&scratch, &source, &[]).code(5).says([digest(&malformed), "entry 1"]);
}
