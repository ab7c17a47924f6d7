//! Random images go out of a tree and into another, and are the same there.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::layout_in;
use crate::support::hold::hold;
use crate::support::image::{archive, noise};
use crate::support::planted::{Planted, hex_of, sha256};
use crate::support::tar_writer::{gzip, zstd};
use crate::support::{Scratch, assert_sound, snapshot};

const REPOSITORIES: [&str; 3] = ["a", "a/b", "lib/app"];
const TAGS: [&str; 3] = ["v1", "v2", "latest"];
const SUFFIXES: [&str; 4] = ["", ".sig", ".att", ".sbom"];
/// What clients push, each with the media types of the manifest, the config and the layers.
const KINDS: [[&str; 3]; 4] = [
    [
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.oci.image.config.v1+json",
        "application/vnd.oci.image.layer.v1.tar+gzip",
    ],
    [
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.oci.image.config.v1+json",
        "application/vnd.oci.image.layer.v1.tar+zstd",
    ],
    [
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.oci.empty.v1+json",
        "application/vnd.example.thing",
    ],
    [
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.docker.container.image.v1+json",
        "application/vnd.docker.image.rootfs.diff.tar.gzip",
    ],
];
const INDEXES: [&str; 2] =
    ["application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"];

/// One push. Numbers choose among what there is, whatever they are.
#[derive(Clone, Debug)]
enum Push {
    /// An image or artifact. Layer 0 has no bytes, and layer 1 is named by its sha512.
    Image { kind: u8, layers: Vec<u8>, tag: Option<u8> },
    /// An index of manifests that are there, which may be indexes too.
    Index { kind: u8, children: Vec<u8>, tag: Option<u8> },
    /// An artifact about a manifest.
    Referrer { subject: u8, layer: u8, tag: Option<u8> },
    /// A tag that a client makes for a manifest, as cosign does. Without a suffix, the list of its referrers.
    MadeFor { subject: u8, suffix: u8, target: u8 },
}

fn push() -> impl Strategy<Value = Push> {
    let few = || prop::collection::vec(0_u8..7, 0..4);
    let tag = || prop::option::weighted(0.5, any::<u8>());
    prop_oneof![
        4 => (any::<u8>(), few(), tag()).prop_map(|(kind, layers, tag)| Push::Image { kind, layers, tag }),
        3 => (any::<u8>(), few(), tag()).prop_map(|(kind, children, tag)| Push::Index { kind, children, tag }),
        2 => (any::<u8>(), 0_u8..7, tag()).prop_map(|(subject, layer, tag)| Push::Referrer { subject, layer, tag }),
        1 => (any::<u8>(), any::<u8>(), any::<u8>())
            .prop_map(|(subject, suffix, target)| Push::MadeFor { subject, suffix, target }),
    ]
}

/// What is pushed, and to which of the repositories.
fn pushes() -> impl Strategy<Value = Vec<(u8, Push)>> {
    prop::collection::vec((any::<u8>(), push()), 1..10)
}

struct Pushed {
    planted: Planted,
    /// The manifests of each repository.
    made: BTreeMap<&'static str, Vec<String>>,
}

impl Pushed {
    fn all(pushes: &[(u8, Push)]) -> Scratch {
        let mut pushed = Self { planted: Planted::new(), made: BTreeMap::new() };
        for (repository, push) in pushes {
            pushed.push(among(&REPOSITORIES, *repository).unwrap(), push);
        }
        pushed.planted.scratch
    }

    fn push(&mut self, repository: &'static str, push: &Push) {
        let made = self.made.get(repository).map_or(&[][..], Vec::as_slice);
        let (manifest, tag) = match push {
            Push::Image { kind, layers, tag } => (self.image(repository, *kind, layers), *tag),
            Push::Index { kind, children, tag } => {
                let children: Vec<&str> =
                    children.iter().filter_map(|child| among(made, *child)).map(|it| &**it).collect();
                let mut manifest = self.planted.index_of(&children);
                manifest["mediaType"] = json!(among(&INDEXES, *kind));
                (manifest, *tag)
            }
            Push::Referrer { subject, layer, tag } => {
                let Some(subject) = among(made, *subject) else { return };
                let mut manifest = self.image(repository, 2, &[*layer]);
                manifest["artifactType"] = json!("application/vnd.example.signature");
                manifest["subject"] = self.planted.about(subject, subject, &[])["subject"].clone();
                (manifest, *tag)
            }
            Push::MadeFor { subject, suffix, target } => {
                let (Some(subject), Some(target)) = (among(made, *subject), among(made, *target)) else { return };
                let suffix = among(&SUFFIXES, *suffix).unwrap();
                let list = suffix.is_empty().then(|| self.planted.index(repository, &[target]));
                let tag = format!("sha256-{}{suffix}", hex_of(subject));
                self.planted.tag(repository, &tag, list.as_ref().unwrap_or(target));
                self.made.entry(repository).or_default().extend(list);
                return;
            }
        };
        let digest = self.planted.manifest(repository, &manifest);
        if let Some(tag) = tag {
            self.planted.tag(repository, among(&TAGS, tag).unwrap(), &digest);
        }
        self.made.entry(repository).or_default().push(digest);
    }

    fn image(&self, repository: &str, kind: u8, layers: &[u8]) -> Value {
        let [manifest_type, config_type, layer_type] = *among(&KINDS, kind).unwrap();
        let layer = |layer: &u8| match layer {
            0 => self.planted.layer(repository, ""),
            1 => self.planted.alias(repository, "by another name"),
            _ => self.planted.layer(repository, format!("layer {layer} ").repeat(usize::from(*layer) * 999)),
        };
        let layers: Vec<String> = layers.iter().map(layer).collect();
        let layers: Vec<&str> = layers.iter().map(String::as_str).collect();
        let mut manifest = self.planted.image_of(&self.planted.layer(repository, "{}"), &layers);
        manifest["mediaType"] = json!(manifest_type);
        manifest["config"]["mediaType"] = json!(config_type);
        for layer in manifest["layers"].as_array_mut().unwrap() {
            layer["mediaType"] = json!(layer_type);
        }
        manifest
    }
}

fn among<T>(all: &[T], number: u8) -> Option<&T> {
    (!all.is_empty()).then(|| &all[usize::from(number) % all.len()])
}

/// What a tree has: content, and all links but the history of tags.
fn has(scratch: &Scratch) -> BTreeMap<PathBuf, String> {
    let mut found = snapshot(&scratch.v2());
    found.retain(|path, _| {
        let is_file = path.ends_with("data") || path.ends_with("link");
        is_file && !path.components().any(|part| part.as_os_str() == "index")
    });
    found
}

fn same(one: &BTreeMap<PathBuf, String>, other: &BTreeMap<PathBuf, String>) -> Result<(), String> {
    let differs = |path: &&PathBuf| one.get(*path) != other.get(*path);
    let different: Vec<&PathBuf> = one.keys().chain(other.keys()).filter(differs).collect();
    if different.is_empty() { Ok(()) } else { Err(format!("different: {different:#?}")) }
}

/// Exports all of a tree to `output`, in its form.
fn export(scratch: &Scratch, output: &str, words: &[&str]) {
    scratch.regtree(["export", "--all", "-o", output]).with(words).ok();
}

fn import(source: &str) -> Scratch {
    let copy = Scratch::new();
    copy.regtree(["import", source]).ok();
    copy.regtree(["manifest", "verify", "--all", "--content"]).ok();
    assert_sound(&copy);
    copy
}

#[test]
fn all_of_a_tree_is_the_same_after_a_layout_and_so_is_the_next_layout() {
    hold(24, 1, pushes(), |pushes| {
        let tree = Pushed::all(pushes);
        let (first, second) = (layout_in(&tree), tree.root().join("second"));
        export(&tree, first.to_str().unwrap(), &["--untagged"]);
        let copy = import(first.to_str().unwrap());
        same(&has(&tree), &has(&copy))?;
        export(&copy, second.to_str().unwrap(), &["--untagged"]);
        same(&snapshot(&first), &snapshot(&second))
    });
}

#[test]
fn all_of_a_tree_is_the_same_after_an_archive_and_the_next_archive_has_the_same_bytes() {
    hold(24, 3, pushes(), |pushes| {
        let tree = Pushed::all(pushes);
        let [first, second] = ["first.tar", "second.tar"].map(|name| tree.root().join(name));
        export(&tree, first.to_str().unwrap(), &["--untagged"]);
        let copy = import(first.to_str().unwrap());
        same(&has(&tree), &has(&copy))?;
        export(&copy, second.to_str().unwrap(), &["--untagged"]);
        let bytes = fs::read(&first).unwrap();
        if bytes != fs::read(&second).unwrap() {
            return Err("the archives differ".to_owned());
        }
        for ending in ["tar.gz", "tar.zst"] {
            let [first, second] = [("first", &tree), ("second", &copy)].map(|(name, from)| {
                let path = tree.root().join(format!("{name}.{ending}"));
                export(from, path.to_str().unwrap(), &["--untagged"]);
                path
            });
            if fs::read(&first).unwrap() != fs::read(second).unwrap() {
                return Err(format!("the archives differ: {ending}"));
            }
            same(&has(&tree), &has(&import(first.to_str().unwrap())))?;
        }
        let piped = Scratch::new();
        piped.regtree(["import", "-"]).stdin(zstd(&bytes, 0, b"", 20)).ok();
        same(&has(&tree), &has(&piped))
    });
}

#[test]
fn what_is_tagged_is_the_same_after_a_layout_and_another_tree() {
    hold(24, 2, pushes(), |pushes| {
        let tree = Pushed::all(pushes);
        let layout = layout_in(&tree);
        export(&tree, layout.to_str().unwrap(), &[]);
        let [by_layout, by_tree] = [&*layout, tree.root()].map(|source| import(source.to_str().unwrap()));
        same(&has(&by_layout), &has(&by_tree))?;
        // What is left out has no tag, and is about nothing that has one.
        let (all, copied) = (has(&tree), has(&by_layout));
        let tags = |links: &BTreeMap<PathBuf, String>| -> BTreeMap<PathBuf, String> {
            let is_tag = |path: &PathBuf| path.ends_with("current/link");
            links.iter().filter(|(path, _)| is_tag(path)).map(|(path, text)| (path.clone(), text.clone())).collect()
        };
        same(&tags(&all), &tags(&copied))?;
        if let Some((path, _)) = copied.iter().find(|(path, text)| all.get(*path) != Some(*text)) {
            return Err(format!("new: {}", path.display()));
        }
        gc_finds_nothing(&by_layout)
    });
}

/// An image that came in needs all that came in with it.
fn gc_finds_nothing(scratch: &Scratch) -> Result<(), String> {
    let words = ["gc", "-n", "--min-age", "0", "--allow-rootless", "--json"];
    let events = scratch.regtree(words).ok().json_lines();
    match events.iter().find(|event| event["type"] == "remove") {
        Some(event) => Err(format!("not needed: {event}")),
        None => Ok(()),
    }
}

/// An image of layers that are archives, each with the number of its content and how it is compressed, and its name.
type Layered = (u8, u8, Vec<(u8, u8)>);

fn layered() -> impl Strategy<Value = Vec<Layered>> {
    prop::collection::vec((any::<u8>(), any::<u8>(), prop::collection::vec((0_u8..4, 0_u8..3), 0..4)), 1..6)
}

fn push_layered(planted: &Planted, (repository, tag, layers): &Layered) {
    let repository = among(&REPOSITORIES, *repository).unwrap();
    let archives = layers.iter().map(|(content, _)| archive(&noise(u64::from(*content), usize::from(*content) * 700)));
    let archives: Vec<Vec<u8>> = archives.collect();
    let compressed = archives.iter().zip(layers).map(|(archive, (_, compression))| match compression {
        0 => (archive.clone(), "tar"),
        1 => (gzip(archive), "tar+gzip"),
        _ => (zstd(archive, 0, b"", 20), "tar+zstd"),
    });
    let (blobs, kinds): (Vec<Vec<u8>>, Vec<&str>) = compressed.unzip();
    let diff_ids: Vec<String> = archives.iter().map(|archive| sha256(archive)).collect();
    let config =
        json!({ "os": "linux", "architecture": "amd64", "rootfs": { "type": "layers", "diff_ids": diff_ids } });
    let layers: Vec<String> = blobs.iter().map(|blob| planted.layer(repository, blob)).collect();
    let layers: Vec<&str> = layers.iter().map(String::as_str).collect();
    let mut manifest = planted.image_of(&planted.layer(repository, config.to_string()), &layers);
    for (layer, kind) in manifest["layers"].as_array_mut().unwrap().iter_mut().zip(kinds) {
        layer["mediaType"] = json!(format!("application/vnd.oci.image.layer.v1.{kind}"));
    }
    let digest = planted.manifest(repository, &manifest);
    planted.tag(repository, among(&TAGS, *tag).unwrap(), &digest);
}

/// The config of each tag.
fn configs(scratch: &Scratch) -> BTreeMap<String, Value> {
    let mut configs = BTreeMap::new();
    for repository in scratch.regtree(["repo", "list"]).ok().lines() {
        for tag in super::tags(scratch, &repository).into_keys() {
            let manifest = scratch.regtree(["manifest", "get", &repository, &tag]).ok().json();
            configs.insert(format!("{repository}:{tag}"), manifest["config"]["digest"].clone());
        }
    }
    configs
}

#[test]
fn images_are_the_same_after_a_docker_archive_but_for_the_compression_of_their_layers() {
    hold(24, 4, layered(), |images| {
        let planted = Planted::new();
        for image in images {
            push_layered(&planted, image);
        }
        let tree = planted.scratch;
        let [first, second] = ["first.tar", "second.tar.zst"].map(|name| tree.root().join(name));
        export(&tree, first.to_str().unwrap(), &["--format", "docker-archive"]);
        let copy = import(first.to_str().unwrap());
        if configs(&tree) != configs(&copy) {
            return Err("other tags or configs".to_owned());
        }
        // From here on they are compressed alike, so nothing changes any more.
        export(&copy, second.to_str().unwrap(), &["--format", "docker-archive"]);
        same(&has(&copy), &has(&import(second.to_str().unwrap())))
    });
}
