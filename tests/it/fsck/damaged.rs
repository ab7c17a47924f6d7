//! Trees with one damage each: what is found there, and not in the tree that was damaged, is one code at its path.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde_json::Value;

use super::{Checked, fsck, place, text};
use crate::support::vectors::{damage, damaged, damaged_trees, tree};

/// What the damage of a tree is called, and how often it is told. The severity is the index's.
const TABLE: [(&str, &str, usize); 67] = [
    ("alias-to-itself", "alias-broken", 1),
    ("blob-data-is-directory", "file-unexpected", 1),
    ("blob-directory-short-name", "blob-misplaced", 1),
    ("blob-name-is-not-its-digest", "blob-corrupt", 1),
    ("blob-wrong-fan-out", "blob-misplaced", 1),
    ("config-link-missing", "reference-missing", 1),
    ("config-missing", "blob-missing", 1),
    ("dangling-layer-link", "layer-link-dangling", 1),
    ("descriptor-size-wrong", "reference-size-mismatch", 1),
    ("empty-directories", "directory-empty", 5),
    ("index-child-missing", "index-child-missing", 1),
    ("index-child-revision-missing", "index-child-missing", 1),
    ("invalid-repository-name", "name-invalid", 1),
    ("invalid-repository-name-alive", "name-invalid", 1),
    ("layer-bit-flipped", "blob-corrupt", 1),
    ("layer-empty", "blob-empty", 1),
    ("layer-link-empty", "link-empty", 1),
    ("layer-link-garbage", "link-malformed", 1),
    ("layer-link-newline", "link-malformed", 1),
    ("layer-link-other-digest", "link-mismatch", 1),
    ("layer-missing", "blob-missing", 1),
    ("layer-truncated", "blob-truncated", 1),
    ("leftover-tmp", "temporary-left-over", 3),
    ("manifest-bit-flipped", "blob-corrupt", 1),
    ("manifest-digest-flipped", "blob-corrupt", 1),
    ("manifest-duplicate-layers-key", "manifest-ambiguous", 1),
    ("manifest-empty", "blob-empty", 1),
    ("manifest-huge", "manifest-too-large", 1),
    ("manifest-nested-10000", "manifest-deep", 1),
    ("manifest-nested-200", "manifest-deep", 0),
    ("manifest-nested-9999", "manifest-deep", 0),
    ("manifest-sha512-reference", "reference-by-alias", 1),
    ("manifest-truncated", "blob-truncated", 1),
    ("manifest-unknown-media-type", "manifest-unknown-kind", 1),
    ("misplaced-revision-links", "revision-misplaced", 6),
    ("no-permission", "permissions", 1),
    ("repo-without-layers", "repository-incomplete", 1),
    ("repo-without-revisions", "repository-incomplete", 1),
    ("repo-without-tags", "repository-incomplete", 1),
    ("revision-blob-missing", "manifest-missing", 1),
    ("revision-link-empty", "link-empty", 1),
    ("revision-link-newline", "link-malformed", 1),
    ("revision-link-other-digest", "link-mismatch", 1),
    ("revision-link-upper-case", "link-malformed", 1),
    ("schema1-manifest-under-3.x", "manifest-foreign", 1),
    ("sha512-alias-without-canonical", "reference-by-alias", 1),
    ("signature-link-dangling", "signature-dangling", 1),
    ("stray-file-among-blobs", "file-unexpected", 4),
    ("stray-file-in-tags", "file-unexpected", 1),
    ("symlink-blob-data", "symlink", 1),
    ("symlink-loop", "symlink", 1),
    ("symlink-orphan-blob", "symlink", 1),
    ("symlink-repository", "symlink", 1),
    ("tag-deleted-revision", "revision-link-missing", 2),
    ("tag-history-garbage", "link-malformed", 1),
    ("tag-link-empty", "link-empty", 1),
    ("tag-link-garbage", "link-malformed", 1),
    ("tag-link-partial", "link-malformed", 1),
    ("tag-missing-revision", "tag-dangling", 1),
    ("tag-without-current", "tag-without-current", 1),
    ("upload-data-longer-than-state", "hash-state-invalid", 1),
    ("upload-garbage-startedat", "upload-without-startedat", 1),
    ("upload-hashstate-garbage", "hash-state-invalid", 1),
    ("upload-id-not-uuid", "upload-stale", 1),
    ("upload-newline-startedat", "upload-without-startedat", 1),
    ("upload-stale", "upload-stale", 1),
    ("upload-without-startedat", "upload-without-startedat", 1),
];

/// What is told otherwise than the index says, and why.
const DIFFERENCES: [(&str, Difference); 14] = [
    // No registry compares sizes, so the index calls it a warning. Clients do: containerd, skopeo and buildkit refuse the
    // image, so that for whoever pulls it is as broken as with a layer missing.
    ("descriptor-size-wrong", Difference::Severity("error")),
    // A registry does not serve it: see `served`.
    ("sha512-alias-without-canonical", Difference::Severity("error")),
    // A registry's decoder reads as much as 10,000 levels, and so does every other that is known: nothing is wrong there.
    ("manifest-nested-200", Difference::Nothing),
    ("manifest-nested-9999", Difference::Nothing),
    // What was removed left its directory empty.
    ("index-child-missing", Difference::More("directory-empty")),
    ("layer-missing", Difference::More("directory-empty")),
    ("dangling-layer-link", Difference::More("directory-empty")),
    // It is the link that is too many, not the content that is missing.
    (
        "dangling-layer-link",
        Difference::At(
            "repositories/lib/_layers/sha256/f14b356541cd7dec584a1253c6411e0155bd3f11ce24dc928583269d65baf460/link",
        ),
    ),
    // Where a folder is gone, so are its links: that each is missing shows what is left to repair once the folder is there.
    ("repo-without-layers", Difference::More("reference-missing")),
    ("repo-without-revisions", Difference::More("revision-link-missing")),
    // A copy of a repository has copies of what is told of it.
    ("invalid-repository-name", Difference::More("directory-empty")),
    // The manifest that is gone had two tags, and was the child of an index, which is told at its place.
    ("tag-deleted-revision", Difference::At("repositories/lib/_manifests/tags/")),
    ("tag-deleted-revision", Difference::More("index-child-missing")),
    // Two of the manifests are of schema1, which is told at the links that they have now.
    ("misplaced-revision-links", Difference::More("manifest-foreign")),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Difference {
    /// It is not told.
    Nothing,
    /// It is as bad as that.
    Severity(&'static str),
    /// It is told at that path, or below.
    At(&'static str),
    /// That is told too.
    More(&'static str),
}

/// Trees of which the index says that images are not intact, and all that is told is a warning:
/// * without its tags a repository has no tagged images;
/// * content behind a symbolic link is served by a registry.
const NO_LONGER_TAGGED: [&str; 2] = ["repo-without-tags", "symlink-blob-data"];

/// What only hashing content tells.
const ONLY_HASHED: [&str; 2] = ["blob-name-is-not-its-digest", "layer-bit-flipped"];

/// The images that the index takes for intact, and that no registry serves (see `served`), or no client takes.
fn is_unserved(tree: &str, image: &Value) -> bool {
    tree == "sha512-alias-without-canonical" && image["tag"] == "by512"
        || tree == "descriptor-size-wrong" && image["tag"] == "size"
}

fn differences(tree: &str) -> impl Iterator<Item = Difference> {
    DIFFERENCES.iter().filter(move |(name, _)| *name == tree).map(|(_, difference)| *difference)
}

/// What tells a finding from those of the tree that was damaged.
fn mark(finding: &Value) -> String {
    let fields = ["code", "severity", "expected", "found", "digest"].map(|field| finding[field].to_string());
    format!("{} {}", place(finding), fields.join(" "))
}

/// What is found in the trees that were damaged.
static KNOWN: LazyLock<[(&str, BTreeSet<String>); 2]> = LazyLock::new(|| {
    ["2.8.3", "3.1.1"].map(|version| {
        let base = fsck(&tree(version), &["--content"]);
        (version, base.findings().map(mark).collect())
    })
});

/// What is found in a damaged tree, and not in the undamaged one.
fn new_findings(name: &str) -> (Checked, Vec<Value>) {
    let known = &KNOWN.iter().find(|(version, _)| damage(name)["derived_from"] == *version).unwrap().1;
    let checked = fsck(&damaged(name), &["--content"]);
    let new = checked.findings().filter(|finding| !known.contains(&mark(finding))).cloned().collect();
    (checked, new)
}

#[test]
fn what_the_structure_gives_away_is_told_without_hashing() {
    for (name, code, count) in TABLE.iter().filter(|(name, ..)| !ONLY_HASHED.contains(name)) {
        let checked = fsck(&damaged(name), &[]);
        let told = checked.codes().iter().filter(|found| found == code).count();
        assert!(told >= *count, "{name}: {told} times {code}");
    }
}

/// Whether one of them lies below the other.
fn are_related(one: &str, other: &str) -> bool {
    one.starts_with(other) || other.starts_with(one)
}

fn complaints(name: &str) -> Vec<String> {
    let truth = damage(name);
    let (_, code, count) = *TABLE.iter().find(|(tree, ..)| *tree == name).unwrap();
    let (checked, mut new) = new_findings(name);
    let mut complaints = Vec::new();
    let mut severity = text(&truth["severity"]);
    let mut paths: Vec<String> = truth["paths"].as_array().unwrap().iter().map(text).collect();
    for difference in differences(name) {
        match difference {
            Difference::Nothing => assert_eq!(count, 0, "{name}"),
            Difference::Severity(other) => other.clone_into(&mut severity),
            Difference::At(path) => paths = vec![path.to_owned()],
            Difference::More(code) => {
                let before = new.len();
                new.retain(|finding| finding["code"] != code);
                if new.len() == before {
                    complaints.push(format!("{name}: {code} is no longer told, and need not be argued for"));
                }
            }
        }
    }
    if new.len() != count {
        complaints.push(format!("{name}: expected {count} times {code}, found {new:?}"));
    }
    for finding in &new {
        let path = place(finding);
        let is_there = paths.iter().any(|expected| are_related(expected, &path));
        if finding["code"] != code || finding["severity"] != *severity || !is_there {
            complaints.push(format!("{name}: expected {severity} {code} at {paths:?}, found {finding}"));
        }
    }
    let is_bad = !checked.of_severity("error").is_empty() || !checked.broken().is_empty();
    if checked.run.exit() != Some(if is_bad { 3 } else { 0 }) {
        complaints.push(format!("{name}: exit code {:?}", checked.run.exit()));
    }
    complaints
}

#[test]
fn the_damage_of_every_tree_is_told_by_its_code_at_its_path_and_nothing_else_is() {
    let names: BTreeSet<String> = damaged_trees().into_iter().collect();
    assert_eq!(names, TABLE.iter().map(|(name, ..)| (*name).to_owned()).collect(), "a table of all trees");
    let complaints: Vec<String> = names.iter().flat_map(|name| complaints(name)).collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
}

#[test]
fn the_images_that_are_not_intact_are_told() {
    for name in damaged_trees() {
        let images = damage(&name)["images"].as_array().unwrap().clone();
        let expected: BTreeSet<String> = images
            .iter()
            .filter(|image| {
                image["intact"] == false && !NO_LONGER_TAGGED.contains(&&*name) || is_unserved(&name, image)
            })
            .map(|image| format!("{}:{}", text(&image["repository"]), text(&image["tag"])))
            .collect();
        let checked = fsck(&damaged(&name), &["--content"]);
        assert_eq!(checked.broken(), expected, "{name}");
        let hit: BTreeSet<String> = checked
            .findings()
            .filter(|finding| finding["severity"] == "error" || finding["code"] == "tag-without-current")
            .filter_map(|finding| finding["images"].as_array())
            .flatten()
            .map(|image| format!("{}:{}", text(&image["repository"]), text(&image["tag"])))
            .collect();
        assert_eq!(hit, expected, "{name}: each is told by the finding that it is for");
    }
}

#[test]
fn the_part_of_an_index_that_is_hit_is_named_by_its_platform() {
    let checked = fsck(&damaged("index-child-revision-missing"), &[]).code(3);
    let images = checked.summary()["broken_images"].as_array().unwrap();
    assert!(!images.is_empty());
    assert!(images.iter().all(|image| text(&image["platform"]).starts_with("linux/")), "{images:?}");
}

#[test]
fn strict_makes_a_warning_an_error() {
    let scratch = damaged("stray-file-in-tags");
    fsck(&scratch, &[]).code(0);
    fsck(&scratch, &["--strict"]).code(3);
    fsck(&damaged("upload-stale"), &["--strict"]).code(0);
}

#[test]
fn fsck_reports_what_repairs_a_damage() {
    for (name, repair, safe) in [
        ("layer-link-empty", "rewrite-link", true),
        ("revision-link-newline", "rewrite-link", true),
        ("misplaced-revision-links", "link-revision", true),
        ("layer-bit-flipped", "quarantine-blob", true),
        ("layer-truncated", "quarantine-blob", true),
        ("manifest-empty", "quarantine-blob", true),
        ("layer-missing", "refill-blob", false),
        ("dangling-layer-link", "quarantine-link", true),
        ("leftover-tmp", "quarantine-file", true),
        ("upload-stale", "quarantine-upload", true),
        ("repo-without-layers", "make-directory", true),
        ("repo-without-tags", "make-directory", true),
        ("no-permission", "fix-permissions", true),
        ("tag-missing-revision", "quarantine-tag", false),
        ("config-link-missing", "rewrite-link", false),
    ] {
        let (_, code, _) = *TABLE.iter().find(|(tree, ..)| *tree == name).unwrap();
        let (_, new) = new_findings(name);
        let finding = new.iter().find(|finding| finding["code"] == code).unwrap();
        assert_eq!(finding["repair"], repair, "{name}");
        assert_eq!(finding["safe"] == true, safe, "{name}");
    }
}
