//! Trees that fourteen registry versions wrote: their truth files say what a collection removes.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Link, NOW, NOW_UNTAGGED, assert_whole, collect};
use crate::support::snapshot;
use crate::support::vectors::{tree, truth, versions};

/// The two ways to collect, and where the truth file says what goes.
const WAYS: [(&str, &[&str]); 2] = [("gc", &NOW), ("gc_delete_untagged", &NOW_UNTAGGED)];

fn on_every_version(check: impl Fn(&str, &Value, &[&str], &Value)) {
    for version in versions() {
        let truth = truth(&version);
        // Registries 2.1 and 2.2 leave the tags of deleted manifests, and the truth files say what goes without these.
        let lets_go: &[&str] = if has_dangling_tags(&truth) { &["--delete-dangling-tags"] } else { &[] };
        for (field, words) in WAYS {
            check(&version, &truth, &[words, lets_go].concat(), &truth[field]);
        }
    }
}

fn has_dangling_tags(truth: &Value) -> bool {
    let repositories = truth["repositories"].as_object().unwrap().values();
    let tags = repositories.flat_map(|repository| repository["tags"].as_object().unwrap().values());
    { tags }.any(|tag| tag["revision_exists"] == false)
}

fn strings(value: &Value) -> BTreeSet<String> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// Digests by repository, as pairs.
fn links(value: &Value) -> BTreeSet<Link> {
    let repositories = value.as_object().unwrap().iter();
    repositories.flat_map(|(name, digests)| strings(digests).into_iter().map(|digest| (name.clone(), digest))).collect()
}

#[test]
fn what_goes_of_every_version_s_tree_is_what_its_truth_file_says() {
    on_every_version(|version, truth, words, expected| {
        let context = format!("{version} {words:?}");
        let scratch = tree(version);
        let collection = collect(&scratch, words).code(0);
        let revisions = links(&expected["remove_revisions"]);
        assert_eq!(collection.gone.blobs, strings(&expected["remove_blobs"]), "{context}");
        assert_eq!(collection.said().revisions, revisions, "{context}");
        if truth["misplaced_revision_links"] != true {
            assert_eq!(collection.gone.revisions, revisions, "{context}");
        }
        let gone = &collection.gone.links();
        let dangling = links(&expected["links_left_dangling_unless_removed"]);
        assert!(dangling.is_subset(gone), "{context}: {:?} dangle", dangling.difference(gone));
        let mut unreferenced = links(&expected["links_not_referenced_in_their_repository"]);
        for (name, repository) in truth["repositories"].as_object().unwrap() {
            for (alias, target) in repository["layer_aliases"].as_object().unwrap() {
                if unreferenced.contains(&(name.clone(), target.as_str().unwrap().to_owned())) {
                    unreferenced.insert((name.clone(), alias.clone()));
                }
            }
        }
        let needed: Vec<_> =
            gone.iter().filter(|link| !unreferenced.contains(link) && !revisions.contains(link)).collect();
        assert!(needed.is_empty(), "{context}: {needed:?} are referenced");
        assert_whole(&scratch);
    });
}

#[test]
fn every_tag_of_every_version_outlives_a_collection() {
    on_every_version(|version, truth, words, _| {
        let scratch = tree(version);
        collect(&scratch, words).code(0);
        for (name, repository) in truth["repositories"].as_object().unwrap() {
            for (tag, expected) in repository["tags"].as_object().unwrap() {
                if expected["revision_exists"] == true {
                    let got = scratch.run(["manifest", "get", name, tag]).code(0);
                    let digest = regtree::Digest::of(got.bytes()).to_string();
                    assert_eq!(expected["digest"], digest, "{version} {name}:{tag}");
                    scratch.run(["manifest", "verify", name, tag, "--content"]).code(0);
                }
            }
        }
    });
}

#[test]
fn a_second_collection_of_a_version_s_tree_removes_nothing() {
    on_every_version(|version, _, words, _| {
        let scratch = tree(version);
        collect(&scratch, words).code(0);
        let before = snapshot(&scratch.v2());
        let again = collect(&scratch, words).code(0);
        assert_eq!(again.removals(), [] as [Value; 0], "{version} {words:?}");
        assert_eq!(again.summary()["bytes"], 0, "{version} {words:?}");
        assert!(snapshot(&scratch.v2()) == before, "{version} {words:?}");
    });
}

#[test]
fn a_dry_run_changes_nothing_and_prints_what_the_real_run_does() {
    on_every_version(|version, _, words, _| {
        let context = format!("{version} {words:?}");
        let scratch = tree(version);
        let before = snapshot(scratch.root());
        let dry = collect(&scratch, &[words, &["--dry-run"]].concat()).code(0);
        assert!(snapshot(scratch.root()) == before, "{context}");
        let real = collect(&scratch, words).code(0);
        assert_eq!(dry.removals(), real.removals(), "{context}");
        for field in ["removed", "bytes", "kept", "content_kept_for_doubt"] {
            assert_eq!(dry.summary()[field], real.summary()[field], "{context}");
        }
        assert_eq!((&dry.summary()["dry_run"], &real.summary()["dry_run"]), (&Value::Bool(true), &Value::Bool(false)));
    });
}

#[test]
fn the_sizes_told_are_those_of_the_blobs() {
    on_every_version(|version, truth, words, expected| {
        let collection = collect(&tree(version), words).code(0);
        let size = |digest: &String| truth["blobs"][digest]["size"].as_u64().unwrap();
        let bytes: u64 = strings(&expected["remove_blobs"]).iter().map(size).sum();
        let summary = collection.summary();
        let removed = &summary["removed"]["blob"];
        let count = strings(&expected["remove_blobs"]).len();
        assert_eq!((&removed["count"], &removed["bytes"]), (&Value::from(count), &Value::from(bytes)), "{version}");
        for event in collection.of_type("remove").filter(|event| event["kind"] == "blob") {
            assert_eq!(event["size"], size(&event["digest"].as_str().unwrap().to_owned()), "{version}");
        }
    });
}

#[test]
fn events_come_in_the_order_of_the_plan_and_say_where() {
    let order = ["tag", "tag-history", "revision", "layer-link", "blob", "upload", "directory", "repository"];
    on_every_version(|version, _, words, _| {
        let collection = collect(&tree(version), words).code(0);
        let start = &collection.events[0];
        assert_eq!((&start["type"], &start["dry_run"]), (&Value::from("start"), &Value::Bool(false)), "{version}");
        assert_eq!(start["delete_untagged"], words.contains(&"--delete-untagged"), "{version}");
        assert_eq!(start["min_age"], 0, "{version}");
        let events = &collection.events;
        assert!(events.iter().all(|event| event["schema_version"] == 1), "{version}: {events:?}");
        let kinds: Vec<usize> = collection
            .of_type("remove")
            .map(|event| order.iter().position(|kind| event["kind"] == *kind).unwrap_or_else(|| panic!("{event}")))
            .collect();
        assert!(kinds.is_sorted(), "{version}: {kinds:?}");
        for event in collection.of_type("remove") {
            assert!(event["path"].as_str().is_some_and(|path| !path.starts_with('/')), "{version}: {event}");
        }
    });
}
