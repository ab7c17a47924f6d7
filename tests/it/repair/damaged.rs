//! Trees with one damage each: what `repair` repairs, what stays wrong, and that a restore undoes all of it.

use std::collections::BTreeMap;

use super::{damaged, errors, repair, restore, tree};
use crate::support::peers::{DockerRegistry, skopeo};
use crate::support::vectors::{self, damage, damaged_trees};

/// What is done about a tree by itself, and the errors that are left. Nothing is done about any other tree.
const MENDED: [(&str, &str, usize, &[&str]); 27] = [
    ("blob-name-is-not-its-digest", "quarantine-blob", 1, &[]),
    ("dangling-layer-link", "quarantine-link", 1, &[]),
    ("layer-bit-flipped", "quarantine-blob", 1, &["blob-missing"]),
    ("layer-empty", "quarantine-blob", 1, &["blob-missing"]),
    ("layer-link-empty", "rewrite-link", 1, &[]),
    ("layer-link-garbage", "rewrite-link", 1, &[]),
    ("layer-link-newline", "rewrite-link", 1, &[]),
    ("layer-truncated", "quarantine-blob", 1, &["blob-missing"]),
    ("leftover-tmp", "quarantine-file", 3, &[]),
    ("manifest-bit-flipped", "quarantine-blob", 1, &["manifest-missing"]),
    ("manifest-digest-flipped", "quarantine-blob", 1, &["manifest-missing"]),
    ("manifest-empty", "quarantine-blob", 1, &["manifest-missing"]),
    ("manifest-truncated", "quarantine-blob", 1, &["manifest-missing"]),
    ("misplaced-revision-links", "link-revision", 6, &[]),
    ("no-permission", "fix-permissions", 1, &[]),
    // That content may be read from it is for somebody to say, see below.
    ("repo-without-layers", "make-directory", 1, &["reference-missing"; 16]),
    // Nobody can tell what the tags pointed to.
    ("repo-without-revisions", "make-directory", 1, &["revision-link-missing"; 4]),
    ("repo-without-tags", "make-directory", 1, &[]),
    ("revision-link-empty", "rewrite-link", 1, &[]),
    ("revision-link-newline", "rewrite-link", 1, &[]),
    ("revision-link-upper-case", "rewrite-link", 1, &[]),
    ("tag-history-garbage", "rewrite-link", 1, &[]),
    ("upload-garbage-startedat", "quarantine-upload", 1, &[]),
    ("upload-id-not-uuid", "quarantine-upload", 1, &[]),
    ("upload-newline-startedat", "quarantine-upload", 1, &[]),
    ("upload-stale", "quarantine-upload", 1, &[]),
    ("upload-without-startedat", "quarantine-upload", 1, &[]),
];

/// The errors in trees about which nothing is done by itself: what is gone is gone, and what a link or tag was to say
/// nobody can tell.
const UNMENDED: [(&str, &[&str]); 17] = [
    ("blob-data-is-directory", &["file-unexpected"]),
    ("config-link-missing", &["reference-missing"]),
    ("config-missing", &["blob-missing"]),
    // A manifest is what its digest says: only another one can have another size in it.
    ("descriptor-size-wrong", &["reference-size-mismatch"]),
    ("index-child-missing", &["index-child-missing"]),
    ("index-child-revision-missing", &["index-child-missing"]),
    ("layer-link-other-digest", &["link-mismatch"]),
    ("layer-missing", &["blob-missing"]),
    ("revision-blob-missing", &["manifest-missing"]),
    ("revision-link-other-digest", &["link-mismatch"]),
    // Nobody granted the content itself, so that no registry serves it.
    ("sha512-alias-without-canonical", &["reference-by-alias"]),
    ("tag-deleted-revision", &["index-child-missing", "revision-link-missing", "revision-link-missing"]),
    ("tag-link-empty", &["link-empty"]),
    ("tag-link-garbage", &["link-malformed"]),
    ("tag-link-partial", &["link-malformed"]),
    ("tag-missing-revision", &["tag-dangling"]),
    ("tag-without-current", &[]),
];

/// Trees that content from the undamaged one mends.
const REFILLED: [(&str, &str); 11] = [
    ("config-missing", "blob-missing"),
    ("layer-bit-flipped", "blob-corrupt"),
    ("layer-empty", "blob-empty"),
    ("layer-missing", "blob-missing"),
    ("layer-truncated", "blob-truncated"),
    ("manifest-bit-flipped", "blob-corrupt"),
    ("manifest-digest-flipped", "blob-corrupt"),
    ("manifest-empty", "blob-empty"),
    ("manifest-truncated", "blob-truncated"),
    ("revision-blob-missing", "manifest-missing"),
    ("blob-name-is-not-its-digest", "blob-corrupt"),
];

fn each(names: &[String], check: impl Fn(&str) + Sync) {
    std::thread::scope(|scope| {
        for names in names.chunks(names.len().div_ceil(2)) {
            scope.spawn(|| names.iter().for_each(|name| check(name)));
        }
    });
}

#[test]
fn what_is_safe_is_mended_and_a_restore_brings_back_the_tree_as_it_was() {
    let mended: BTreeMap<_, _> =
        MENDED.into_iter().map(|(name, repair, count, left)| (name, (repair, count, left))).collect();
    let unmended: BTreeMap<_, _> = UNMENDED.into_iter().collect();
    let names = damaged_trees();
    assert!(mended.keys().chain(unmended.keys()).all(|name| names.iter().any(|other| other == name)));
    each(&names, |name| {
        let scratch = damaged(name);
        let before = tree(&scratch);
        let done = repair(&scratch, &["--all-safe"]);
        let Some((kind, count, left)) = mended.get(name) else {
            assert_eq!(done.actions(), [""; 0], "{name}");
            assert_eq!(done.quarantine(), None, "{name}");
            let left = unmended.get(name).copied().unwrap_or_default();
            assert_eq!(
                (done.summary()["unmended"].as_u64(), errors(&scratch)),
                (Some(left.len() as u64), owned(left)),
                "{name}"
            );
            assert!(before == tree(&scratch), "{name}");
            return;
        };
        let actions = done.actions();
        assert!(
            actions.len() == *count && actions.iter().all(|action| action.starts_with(kind)),
            "{name}: {actions:?}"
        );
        assert_eq!(done.run.exit(), Some(if left.is_empty() { 0 } else { 3 }), "{name}: {}", done.run.err());
        assert_eq!(errors(&scratch), owned(left), "{name}");
        assert!(before != tree(&scratch), "{name}");
        // All is done that can be.
        let again = repair(&scratch, &["--all-safe"]);
        assert_eq!(again.actions(), [""; 0], "{name}");
        let run = done.quarantine().unwrap();
        let dry = scratch.run(["quarantine", "restore", run, "--dry-run"]);
        assert_eq!(dry.exit(), Some(if *kind == "rewrite-link" { 3 } else { 0 }), "{name}: {}", dry.err());
        restore(&scratch, [run], &before);
    });
}

fn owned(codes: &[&str]) -> Vec<String> {
    codes.iter().map(|code| (*code).to_owned()).collect()
}

/// The undamaged tree.
fn base(name: &str) -> crate::support::Scratch {
    vectors::tree(damage(name)["derived_from"].as_str().unwrap())
}

/// Pulls every tag of the tree that was whole before it was damaged, by skopeo.
fn pull_all(scratch: &crate::support::Scratch, name: &str) {
    let registry = DockerRegistry::serve(scratch.root());
    let place = tempfile::tempdir().unwrap();
    let images = damage(name)["images"].as_array().unwrap().clone();
    let mut pulled = 0;
    for (number, image) in images.iter().enumerate() {
        let (repository, tag) = (image["repository"].as_str().unwrap(), image["tag"].as_str().unwrap());
        let path = format!("/v2/{repository}/manifests/{tag}");
        let reply = registry.request("GET", &path, &[("accept", "*/*")], b"");
        // Skopeo can't copy schema1 so, nor an index of an index.
        if tag == "deep" || reply.header("content-type").contains("v1+prettyjws") {
            continue;
        }
        let source = format!("docker://{}/{repository}:{tag}", registry.address());
        let target = format!("dir:{}", place.path().join(number.to_string()).display());
        skopeo(&["copy", "--all", "--src-tls-verify=false", &source, &target]);
        pulled += 1;
    }
    assert!(pulled >= 3, "{name}: {pulled}");
}

#[test]
fn the_registry_serves_what_was_mended_and_skopeo_pulls_it() {
    for name in ["layer-link-empty", "revision-link-newline"] {
        let scratch = damaged(name);
        repair(&scratch, &["--all-safe"]).code(0);
        pull_all(&scratch, name);
    }
}

#[test]
fn content_from_the_undamaged_tree_mends_all_that_lacks_it() {
    for (name, code) in REFILLED {
        let (scratch, base) = (damaged(name), base(name));
        let from = base.root().to_str().unwrap();
        let done = repair(&scratch, &["--only", code, "--from", from]).code(0);
        assert_eq!(errors(&scratch), [""; 0], "{name}: {:?}", done.actions());
        let refilled = done.actions().iter().any(|action| action.starts_with("refill-blob"));
        assert_eq!(refilled, name != "blob-name-is-not-its-digest", "{name}");
    }
    let (scratch, base) = (damaged("manifest-truncated"), base("manifest-truncated"));
    repair(&scratch, &["--all-safe", "--from", base.root().to_str().unwrap()]).code(0);
    pull_all(&scratch, "manifest-truncated");
}

#[test]
fn links_that_manifests_need_are_written_where_that_is_asked_for() {
    for name in ["config-link-missing", "repo-without-layers"] {
        let scratch = damaged(name);
        let before = tree(&scratch);
        let first = repair(&scratch, &["--all-safe"]);
        let second = repair(&scratch, &["--only", "reference-missing"]).code(0);
        assert!(second.actions().iter().all(|action| action.starts_with("rewrite-link reference-missing ")), "{name}");
        assert_eq!(errors(&scratch), [""; 0], "{name}");
        pull_all(&scratch, name);
        restore(&scratch, [&second, &first].into_iter().filter_map(|done| done.quarantine()), &before);
    }
}

#[test]
fn no_tag_is_removed_while_the_directory_of_manifests_is_missing() {
    let scratch = damaged("repo-without-revisions");
    let before = tree(&scratch);
    let done = repair(&scratch, &["--only", "tag-dangling"]).code(3);
    assert_eq!(done.actions(), [""; 0]);
    assert!(before == tree(&scratch));
}

#[test]
fn content_that_a_manifest_calls_by_an_alias_is_linked_where_that_is_asked_for() {
    let scratch = damaged("sha512-alias-without-canonical");
    let before = tree(&scratch);
    let code = ["--only", "reference-by-alias"];
    let dry = repair(&scratch, &[&code[..], &["-n"]].concat()).code(0);
    let done = repair(&scratch, &code).code(0);
    assert_eq!((done.actions().len(), dry.actions()), (1, done.actions()));
    assert!(done.actions()[0].starts_with("rewrite-link reference-by-alias "), "{:?}", done.actions());
    assert_eq!(errors(&scratch), [""; 0]);
    let registry = DockerRegistry::serve(scratch.root());
    let image = damage("sha512-alias-without-canonical")["images"].as_array().unwrap().clone();
    let image = image.iter().find(|image| image["tag"] == "by512").unwrap();
    let name = image["repository"].as_str().unwrap();
    let accept = [("accept", "application/vnd.oci.image.manifest.v1+json")];
    let manifest = registry.request("GET", &format!("/v2/{name}/manifests/by512"), &accept, b"");
    let manifest: serde_json::Value = serde_json::from_slice(&manifest.body).unwrap();
    for part in manifest["layers"].as_array().unwrap().iter().chain([&manifest["config"]]) {
        let path = format!("/v2/{name}/blobs/{}", part["digest"].as_str().unwrap());
        assert_eq!(registry.request("GET", &path, &[], b"").status, 200, "{part}");
    }
    drop(registry);
    scratch.run(["quarantine", "restore", done.quarantine().unwrap()]).code(0);
    assert!(before == tree(&scratch));
}

#[test]
fn dangling_tags_and_manifests_go_only_when_they_are_named() {
    for (name, code, kind) in [
        ("tag-missing-revision", "tag-dangling", "quarantine-tag"),
        ("tag-deleted-revision", "revision-link-missing", "link-revision"),
        ("signature-link-dangling", "signature-dangling", "quarantine-link"),
    ] {
        let scratch = damaged(name);
        let before = tree(&scratch);
        let done = repair(&scratch, &["--only", code]);
        assert!(!done.actions().is_empty(), "{name}");
        assert!(done.actions().iter().all(|action| action.starts_with(kind)), "{name}: {:?}", done.actions());
        assert!(!errors(&scratch).iter().any(|left| left == code), "{name}");
        restore(&scratch, done.quarantine(), &before);
    }
}
