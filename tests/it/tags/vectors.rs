//! The tags of trees that fourteen registry versions wrote, and of trees with one damage each.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::support::vectors::{damaged, damaged_trees, tree, truth, versions};
use crate::support::{Scratch, snapshot};

/// Shows every repository of every version to `check`, with what is true of it.
fn on_every_repository(check: impl Fn(&Scratch, &str, &Value, &str)) {
    for version in versions() {
        let (scratch, truth) = (tree(&version), truth(&version));
        let before = snapshot(scratch.root());
        for (name, repository) in truth["repositories"].as_object().unwrap() {
            check(&scratch, name, repository, &format!("{version} {name}"));
        }
        assert_eq!(snapshot(scratch.root()), before, "reading changed {version}");
    }
}

fn tags(repository: &Value) -> BTreeMap<String, Value> {
    repository["tags"].as_object().unwrap().clone().into_iter().collect()
}

#[test]
fn every_version_s_tags_are_listed_and_point_where_they_say() {
    on_every_repository(|scratch, name, repository, context| {
        let tags = tags(repository);
        let listed = scratch.regtree(["tag", "list", name]).ok().lines();
        assert_eq!(listed, tags.keys().cloned().collect::<Vec<_>>(), "{context}");
        for (tag, truth) in &tags {
            let digest = scratch.regtree(["tag", "get", name, tag]).ok().answer();
            assert_eq!(digest, truth["digest"], "{context}:{tag}");
        }
    });
}

#[test]
fn a_long_list_tells_every_version_s_kinds_and_sizes_and_what_is_missing() {
    on_every_repository(|scratch, name, repository, context| {
        let tags = tags(repository);
        let dangles = tags.values().any(|truth| truth["revision_exists"] == false);
        let run = scratch.run(["tag", "list", name, "--long", "--json"]).code(if dangles { 3 } else { 0 });
        let listed = run.json_lines();
        assert_eq!(listed.len(), tags.len(), "{context}");
        for event in listed {
            let truth = &tags[event["tag"].as_str().unwrap()];
            assert_eq!(event["digest"], truth["digest"], "{context}");
            assert_eq!(event["missing"] == false, truth["revision_exists"] == true, "{context}: {event}");
            if event["missing"] == false {
                let manifest = &repository["manifests"][event["digest"].as_str().unwrap()];
                assert_eq!(event["size"], manifest["size"], "{context}: {event}");
                assert_ne!(event["kind"], "unknown", "{context}: {event}");
            }
        }
    });
}

#[test]
fn every_version_s_history_is_the_same_set() {
    on_every_repository(|scratch, name, repository, context| {
        for (tag, truth) in tags(repository) {
            let code = if truth["revision_exists"] == false { 3 } else { 0 };
            let events = scratch.run(["tag", "history", name, &tag, "--json"]).code(code).json_lines();
            let digests = |list: &[Value]| -> BTreeSet<String> {
                list.iter().map(|digest| digest.as_str().unwrap().to_owned()).collect()
            };
            let listed: Vec<Value> = events.iter().map(|event| event["digest"].clone()).collect();
            assert_eq!(digests(&listed), digests(truth["history"].as_array().unwrap()), "{context}:{tag}");
            assert_eq!(listed.len(), digests(&listed).len(), "{context}:{tag}");
            let current: Vec<&Value> = events.iter().filter(|event| event["current"] == true).collect();
            assert_eq!(current.len(), 1, "{context}:{tag}");
            assert_eq!(current[0]["digest"], truth["digest"], "{context}:{tag}");
            let times: Vec<&str> = events.iter().map(|event| event["since"].as_str().unwrap()).collect();
            assert!(times.is_sorted_by(|a, b| a >= b), "{context}:{tag}: {times:?}");
        }
    });
}

#[test]
fn every_version_s_tags_can_be_deleted_one_by_one() {
    for version in versions() {
        let (scratch, truth) = (tree(&version), truth(&version));
        for (name, repository) in truth["repositories"].as_object().unwrap() {
            let mut tags: Vec<String> = tags(repository).into_keys().collect();
            while let Some(tag) = tags.pop() {
                scratch.run(["tag", "delete", name, &tag]).code(0);
                // A repository of the alphas that has nothing but tags is none without them.
                let listed = scratch.run(["tag", "list", name]);
                assert_eq!(listed.lines(), tags, "{version} {name}: {}", listed.err());
            }
        }
        assert_eq!(scratch.run(["blob", "list"]).code(0).lines().len(), truth["blobs"].as_object().unwrap().len());
    }
}

/// Damage that concerns tags: in which tree, what is asked, its exit code, and what it says on stderr.
const TOLD: &[(&str, &str, i32, &str)] = &[
    ("tag-link-empty", "tag list lib/app", 3, "it is empty"),
    ("tag-link-empty", "tag get lib/app latest", 5, "it is empty"),
    ("tag-link-empty", "tag history lib/app latest", 3, "it is empty"),
    ("tag-link-empty", "repo list --long", 3, "it is empty"),
    ("tag-link-partial", "tag list lib/app", 3, "expected a digest and nothing else"),
    ("tag-link-partial", "tag get lib/app latest", 5, "expected a digest and nothing else"),
    ("tag-link-garbage", "tag list lib", 3, "found \"latest\""),
    ("tag-link-garbage", "tag get lib stable", 5, "found \"latest\""),
    ("tag-history-garbage", "tag list lib --long", 0, ""),
    ("tag-history-garbage", "tag get lib v1", 0, ""),
    ("tag-history-garbage", "tag history lib v1", 3, "lib/_manifests/tags/v1/index/sha256/"),
    ("tag-missing-revision", "tag list lib/app", 0, ""),
    ("tag-missing-revision", "tag list lib/app --long", 3, ""),
    ("tag-missing-revision", "tag get lib/app latest", 0, ""),
    ("tag-missing-revision", "tag history lib/app latest", 3, ""),
    ("tag-deleted-revision", "tag list lib --long", 3, ""),
    ("tag-deleted-revision", "tag history lib v1", 3, ""),
    ("revision-blob-missing", "tag list lib/app --long", 3, ""),
    ("tag-without-current", "tag list lib", 3, "tag v1 is unknown in repository lib"),
    ("tag-without-current", "tag get lib v1", 4, "tag v1 is unknown in repository lib"),
    ("tag-without-current", "tag history lib v1", 0, ""),
    ("tag-without-current", "tag delete lib v1", 0, ""),
    ("stray-file-in-tags", "tag list lib", 3, "lib/_manifests/tags/.keep does not belong there"),
    ("stray-file-in-tags", "repo list --long", 3, "lib/_manifests/tags/.keep does not belong there"),
    ("repo-without-tags", "tag list lib/app", 0, ""),
    ("repo-without-revisions", "tag list lib/app --long", 3, ""),
    ("leftover-tmp", "tag list lib --long", 0, ""),
    ("manifest-truncated", "tag list lib --long", 3, "does not match its digest"),
    ("revision-link-empty", "tag list lib/app --long", 3, "it is empty"),
    ("revision-link-empty", "tag history lib/app latest", 3, "it is empty"),
    ("empty-directories", "tag list lib --long", 0, ""),
];

#[test]
fn damage_among_tags_is_told() {
    for (tree, call, code, says) in TOLD {
        damaged(tree).run(call.split(' ')).code(*code).says([says]);
    }
}

#[test]
fn no_damage_stops_a_listing_or_makes_it_fail() {
    for tree in damaged_trees() {
        let scratch = damaged(&tree);
        let before = snapshot(scratch.root());
        for name in ["gone", "lib", "lib/app"] {
            for call in [["tag", "list", name, "-q"], ["tag", "list", name, "--long"]] {
                let run = scratch.run(call);
                assert!(!run.err().contains("error: ") && !run.err().contains("panicked"), "{tree}: {}", run.err());
            }
            for tag in scratch.run(["tag", "list", name, "--quiet"]).lines() {
                let run = scratch.run(["tag", "history", name, &tag]);
                assert!(!run.err().contains("error: ") && !run.lines().is_empty(), "{tree}: {}", run.err());
            }
        }
        assert_eq!(snapshot(scratch.root()), before, "reading changed {tree}");
    }
}
