//! Trees that fourteen registry versions wrote, and trees with one damage each, read through the command.
//!
//! A JSON file beside each tree says what is true of it. Reading must not change the tree.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use regtree::Digest;
use serde_json::Value;

use crate::support::scratch::digest_by;
use crate::support::vectors::{damage, damaged, damaged_trees, tree, truth, versions};
use crate::support::{Scratch, snapshot};

/// A version's tree, and what is true of it.
struct Vector {
    version: String,
    scratch: Scratch,
    truth: Value,
}

impl Vector {
    fn repositories(&self) -> Vec<String> {
        sorted(keys(&self.truth["repositories"]))
    }

    /// The digests that a repository has links for, each with the one that is in the link.
    fn links(&self, repository: &str) -> BTreeMap<String, String> {
        self.texts(repository, "layer_links")
    }

    fn aliases(&self, repository: &str) -> BTreeMap<String, String> {
        self.texts(repository, "layer_aliases")
    }

    fn texts(&self, repository: &str, field: &str) -> BTreeMap<String, String> {
        let fields = self.truth["repositories"][repository][field].as_object().unwrap();
        fields.iter().map(|(key, value)| (key.clone(), text(value))).collect()
    }

    fn size(&self, digest: &str) -> u64 {
        self.truth["blobs"][digest]["size"].as_u64().unwrap()
    }
}

/// Shows every version's tree to `check`, which must leave it as it is.
fn on_every_version(check: impl Fn(&Vector)) {
    for version in versions() {
        let vector = Vector { scratch: tree(&version), truth: truth(&version), version };
        unchanged(&vector.scratch, &vector.version, || check(&vector));
    }
}

/// Not even for a moment: a file that came and went shows in its directory's time.
fn unchanged(scratch: &Scratch, name: &str, read: impl FnOnce()) {
    let state = || (snapshot(scratch.root()), modified(scratch.root()));
    let before = state();
    read();
    assert!(state() == before, "reading changed {name}");
}

fn modified(root: &Path) -> BTreeMap<PathBuf, SystemTime> {
    let entries = walkdir::WalkDir::new(root).into_iter().map(Result::unwrap);
    entries.map(|entry| (entry.path().to_owned(), entry.metadata().unwrap().modified().unwrap())).collect()
}

fn keys(object: &Value) -> Vec<String> {
    object.as_object().unwrap().keys().cloned().collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

fn digest(text: &str) -> Digest {
    text.parse().unwrap()
}

fn is_tarsum(digest: &str) -> bool {
    digest.starts_with("tarsum")
}

#[test]
fn every_version_s_blobs_are_listed_each_once() {
    on_every_version(|vector| {
        let listed = vector.scratch.regtree(["blob", "list"]).ok().lines();
        assert_eq!(sorted(listed), sorted(keys(&vector.truth["blobs"])), "{}", vector.version);
    });
}

#[test]
fn every_version_s_blobs_have_their_sizes() {
    on_every_version(|vector| {
        let listed = vector.scratch.regtree(["blob", "list", "--long", "--json"]).ok().json_lines();
        assert_eq!(listed.len(), keys(&vector.truth["blobs"]).len(), "{}", vector.version);
        for blob in listed {
            let size = vector.size(blob["digest"].as_str().unwrap());
            assert_eq!(blob["size"].as_u64(), Some(size), "{}: {blob}", vector.version);
        }
    });
}

#[test]
fn every_version_s_repositories_are_listed_in_order() {
    on_every_version(|vector| {
        let listed = vector.scratch.regtree(["repo", "list"]).ok().lines();
        assert_eq!(listed, vector.repositories(), "{}", vector.version);
    });
}

#[test]
fn every_version_s_links_lead_where_they_say() {
    on_every_version(|vector| {
        for repository in vector.repositories() {
            let run = vector.scratch.regtree(["blob", "list", &repository, "--long", "--json"]).ok();
            let listed = run.json_lines();
            let pairs = |blobs: &[&Value]| -> BTreeMap<String, String> {
                blobs.iter().map(|blob| (text(&blob["digest"]), text(&blob["target"]))).collect()
            };
            let aliases: Vec<&Value> = listed.iter().filter(|blob| blob["alias"] == true).collect();
            let context = format!("{} {repository}", vector.version);
            assert_eq!(listed.len(), vector.links(&repository).len(), "{context}");
            assert_eq!(pairs(&listed.iter().collect::<Vec<_>>()), vector.links(&repository), "{context}");
            assert_eq!(pairs(&aliases), vector.aliases(&repository), "{context}");
            for blob in &listed {
                let size = vector.size(blob["target"].as_str().unwrap());
                assert_eq!(blob["size"].as_u64(), Some(size), "{context}: {blob}");
            }
        }
    });
}

#[test]
fn without_long_a_repository_s_blobs_are_the_same_ones() {
    on_every_version(|vector| {
        for repository in vector.repositories() {
            let listed = vector.scratch.regtree(["blob", "list", &repository]).ok().lines();
            let links: Vec<String> = vector.links(&repository).into_keys().collect();
            assert_eq!(sorted(listed), links, "{} {repository}", vector.version);
        }
    });
}

#[test]
fn every_version_s_linked_blobs_are_described_as_they_are() {
    on_every_version(|vector| {
        for repository in vector.repositories() {
            let links = vector.links(&repository);
            if links.is_empty() {
                continue;
            }
            let words = ["blob", "stat", "--json", &repository].into_iter();
            let run = vector.scratch.regtree(words.chain(links.keys().map(String::as_str))).ok();
            let found = run.json_lines();
            assert_eq!(found.len(), links.len(), "{} {repository}", vector.version);
            for ((key, target), stat) in links.iter().zip(found) {
                assert_eq!(stat["asked"], key.as_str());
                assert_eq!(stat["digest"], target.as_str());
                assert_eq!(stat["alias"], key != target);
                assert_eq!(stat["size"].as_u64(), Some(vector.size(target)), "{} {stat}", vector.version);
            }
        }
    });
}

#[test]
fn every_version_s_linked_blobs_are_got_byte_for_byte() {
    on_every_version(|vector| {
        for repository in vector.repositories() {
            for (key, target) in vector.links(&repository) {
                let run = vector.scratch.regtree(["blob", "get", &repository, &key]).ok();
                let content = run.bytes();
                let context = format!("{} {repository} {key}", vector.version);
                assert_eq!(content.len() as u64, vector.size(&target), "{context}");
                assert_eq!(content, fs::read(vector.scratch.blob(digest(&target))).unwrap(), "{context}");
                for name in [&target, &key].into_iter().filter(|name| !is_tarsum(name)) {
                    let algorithm = name.split_once(':').unwrap().0;
                    assert_eq!(digest_by(algorithm, content).to_string(), *name, "{context}");
                }
            }
        }
    });
}

#[test]
fn every_version_s_blobs_are_unknown_where_they_are_not_linked() {
    on_every_version(|vector| {
        for repository in vector.repositories() {
            let links = vector.links(&repository);
            let foreign = keys(&vector.truth["blobs"]).into_iter().find(|blob| !links.contains_key(blob)).unwrap();
            vector.scratch.run(["blob", "stat", &repository, &foreign]).code(4).silent().says([&foreign, &repository]);
        }
    });
}

#[test]
fn who_links_a_blob_is_found_in_every_version_s_tree() {
    on_every_version(|vector| {
        let repositories = vector.repositories();
        let shared = repositories.iter().flat_map(|name| vector.links(name)).find_map(|(key, _)| {
            let linking = repositories.iter().filter(|name| vector.links(name).contains_key(&key));
            let linking: Vec<String> = linking.cloned().collect();
            (linking.len() == 2).then_some((key, linking))
        });
        let (key, linking) = shared.expect("each tree has a layer that two repositories use");
        assert_eq!(vector.scratch.regtree(["blob", "stat", "--all-repos", &key]).ok().lines(), linking);
    });
}

/// The listings that find damage: in which tree, which one, and what it says on stderr.
const REPORTED: &[(&str, &str, &[&str])] = &[
    // What is no blob where blobs are.
    ("blob-data-is-directory", "blob list", &["/data is a directory, expected a regular file"]),
    ("blob-data-is-directory", "blob list --long", &["/data is a directory, expected a regular file"]),
    ("blob-data-is-directory", "blob list lib --long", &["/data is a directory, expected a regular file"]),
    ("blob-directory-short-name", "blob list", &["blobs/sha256/ab/abcd/data does not belong there"]),
    ("blob-directory-short-name", "blob list --long", &["blobs/sha256/ab/abcd/data does not belong there"]),
    ("blob-wrong-fan-out", "blob list", &["blobs/sha256/31/305fb77f", "/data does not belong there"]),
    ("blob-wrong-fan-out", "blob list --long", &["blobs/sha256/31/305fb77f", "/data does not belong there"]),
    ("symlink-blob-data", "blob list", &["blobs/sha256/4c/4c4502e5", "/data is a symbolic link"]),
    ("symlink-blob-data", "blob list --long", &["blobs/sha256/4c/4c4502e5", "/data is a symbolic link"]),
    ("symlink-blob-data", "blob list lib --long", &["blobs/sha256/4c/4c4502e5", "/data is a symbolic link"]),
    ("symlink-orphan-blob", "blob list", &["blobs/sha256/f1/f14b3565", " is a symbolic link"]),
    ("symlink-orphan-blob", "blob list --long", &["blobs/sha256/f1/f14b3565", " is a symbolic link"]),
    ("symlink-orphan-blob", "blob list lib --long", &["blobs/sha256/f1/f14b3565", " is a symbolic link"]),
    // Links that are none, or to nothing: only --long opens them.
    ("alias-to-itself", "blob list lib --long", &["lib/_layers/sha512/20dfb36d", "expected the sha256 digest"]),
    ("layer-link-empty", "blob list lib --long", &["lib/_layers/sha256/4d0efbbf", "it is empty"]),
    (
        "layer-link-garbage",
        "blob list lib --long",
        &["lib/_layers/sha256/e6bfb5d9", "expected a digest and nothing else"],
    ),
    ("layer-link-newline", "blob list lib/app --long", &["lib/app/_layers/sha256/cfd56654", r"\n"]),
    ("layer-link-other-digest", "blob list lib --long", &["lib/_layers/sha256/7ed309dc", "the digest of its path"]),
    ("config-missing", "blob list lib/app --long", &[]),
    ("dangling-layer-link", "blob list lib --long", &[]),
    ("layer-missing", "blob list lib --long", &[]),
    ("layer-missing", "blob list lib/app --long", &[]),
    // What is no repository where repositories are.
    ("invalid-repository-name", "repo list", &["repositories/In Valid is not a repository"]),
    ("invalid-repository-name-alive", "repo list", &["repositories/Bad!/name is not a repository"]),
    ("symlink-loop", "repo list", &["repositories/loop is a symbolic link"]),
    ("symlink-repository", "repo list", &["repositories/elsewhere is a symbolic link"]),
];

const LISTINGS: [&str; 9] = [
    "repo list",
    "blob list",
    "blob list --long",
    "blob list gone",
    "blob list gone --long",
    "blob list lib",
    "blob list lib --long",
    "blob list lib/app",
    "blob list lib/app --long",
];

#[test]
fn damage_is_reported_where_a_listing_meets_it_and_nowhere_else() {
    let mut trees = damaged_trees();
    assert_eq!(trees.len(), 67);
    // For one who is not root that tree has no snapshot; it has a test of its own.
    trees.retain(|tree| tree != UNREADABLE);
    for tree in &trees {
        let scratch = damaged(tree);
        unchanged(&scratch, tree, || LISTINGS.iter().for_each(|listing| check_listing(tree, &scratch, listing)));
    }
    let known =
        |(tree, listing, _): &&(&str, &str, _)| trees.iter().any(|name| name == tree) && LISTINGS.contains(listing);
    assert_eq!(REPORTED.iter().filter(known).count(), REPORTED.len());
}

fn check_listing(tree: &str, scratch: &Scratch, listing: &str) {
    let run = scratch.run(listing.split(' '));
    match REPORTED.iter().find(|(name, words, _)| (*name, *words) == (tree, listing)) {
        Some((_, _, says)) => drop(run.code(3).says(*says)),
        None => assert_eq!(run.code(0).err(), "", "{tree}: {listing}"),
    }
}

#[test]
fn damage_hides_no_repository() {
    for tree in damaged_trees() {
        let listed = damaged(&tree).run(["repo", "list"]).lines();
        assert_eq!(listed, ["gone", "lib", "lib/app"], "{tree}");
    }
}

/// Blobs that are not what they should be: in which tree, in which repository, and how getting one ends.
const NOT_GIVEN: [(&str, &str, i32, &str); 10] = [
    ("blob-data-is-directory", "lib", 5, "is a directory"),
    ("config-missing", "lib/app", 4, "its content is missing"),
    ("dangling-layer-link", "lib", 4, "its content is missing"),
    ("layer-bit-flipped", "lib/app", 5, "does not match its digest"),
    ("layer-empty", "lib", 5, "does not match its digest"),
    ("layer-missing", "lib", 4, "its content is missing"),
    ("layer-missing", "lib/app", 4, "its content is missing"),
    ("layer-truncated", "lib", 5, "does not match its digest"),
    ("symlink-blob-data", "lib", 5, "is a symbolic link"),
    ("symlink-orphan-blob", "lib", 5, "is a symbolic link"),
];

#[test]
fn a_damaged_blob_is_never_given_out_as_a_sound_one() {
    for (tree, repository, code, says) in NOT_GIVEN {
        let scratch = damaged(tree);
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("content");
        let blob = damaged_blob(tree);
        unchanged(&scratch, tree, || {
            let words = ["blob", "get", repository, &blob, "-o", file.to_str().unwrap()];
            scratch.run(words).code(code).silent().says([says, &blob.replace("sha256:", "")]);
        });
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0, "{tree}");
    }
}

/// The digest of the blob that was damaged.
fn damaged_blob(tree: &str) -> String {
    let path = text(&damage(tree)["paths"][0]);
    let hex = path.split('/').find(|part| part.len() == 64).unwrap();
    format!("sha256:{hex}")
}

/// Where a blob may be read by nobody but root.
const UNREADABLE: &str = "no-permission";

#[test]
fn a_blob_that_may_not_be_read_is_listed_and_refused() {
    let scratch = damaged(UNREADABLE);
    for listing in LISTINGS {
        scratch.regtree(listing.split(' ')).unprivileged().ok();
    }
    let blob = damaged_blob(UNREADABLE);
    scratch.regtree(["blob", "stat", "lib", &blob]).unprivileged().ok();
    let path = scratch.blob(digest(&blob)).display().to_string();
    scratch.regtree(["blob", "get", "lib", &blob]).unprivileged().run().code(1).silent().says([&*path, "ermission"]);
}

/// Links that are not what they should be: in which tree, in which repository, by which algorithm.
const BROKEN: [(&str, &str, &str); 5] = [
    ("alias-to-itself", "lib", "sha512"),
    ("layer-link-empty", "lib", "sha256"),
    ("layer-link-garbage", "lib", "sha256"),
    ("layer-link-newline", "lib/app", "sha256"),
    ("layer-link-other-digest", "lib", "sha256"),
];

#[test]
fn a_broken_link_grants_nothing() {
    for (tree, repository, algorithm) in BROKEN {
        let scratch = damaged(tree);
        let path = text(&damage(tree)["paths"][0]);
        let hex = path.rsplit('/').nth(1).unwrap();
        let blob = format!("{algorithm}:{hex}");
        unchanged(&scratch, tree, || {
            for verb in ["stat", "get"] {
                scratch.run(["blob", verb, repository, &blob]).code(5).silent().says([&path, "is broken"]);
            }
        });
    }
}

#[test]
fn an_alias_without_its_canonical_link_still_grants_the_blob() {
    let scratch = damaged("sha512-alias-without-canonical");
    let listed = scratch.regtree(["blob", "list", "lib/app", "--long", "--json"]).ok().json_lines();
    let linked = |digest: &Value| listed.iter().any(|blob| blob["digest"] == *digest);
    let alias = listed.iter().find(|blob| blob["alias"] == true && !linked(&blob["target"])).unwrap();
    let run = scratch.regtree(["blob", "get", "lib/app", alias["digest"].as_str().unwrap()]).ok();
    assert_eq!(digest_by("sha256", run.bytes()).to_string(), text(&alias["target"]));
    scratch.run(["blob", "stat", "lib/app", alias["target"].as_str().unwrap()]).code(4).silent();
}
