//! The figures of a report are those of the commands.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{NOW, data, demo, report};
use crate::gc::random_tree;
use crate::support::Scratch;
use crate::support::vectors::{damaged, damaged_trees, tree, versions};

fn bytes(value: &Value) -> u64 {
    value["bytes"].as_u64().unwrap_or_else(|| panic!("{value}"))
}

/// Checks that each node has the bytes of its children.
fn check_sums(node: &Value) {
    let Some(children) = node["children"].as_array() else { return };
    assert_eq!(children.iter().map(bytes).sum::<u64>(), bytes(node), "{node}");
    children.iter().for_each(check_sums);
}

/// The rows of a list by their repository.
fn by_repository(rows: &Value) -> BTreeMap<String, Value> {
    let rows = rows.as_array().unwrap().iter().cloned();
    let named = rows.map(|mut row| {
        row.as_object_mut().unwrap().remove("tag_count");
        (row["repository"].as_str().unwrap().to_owned(), row)
    });
    named.collect()
}

#[track_caller]
fn agrees_with_du(scratch: &Scratch, context: &str) {
    let space = &data(scratch)["space"];
    let du = scratch.run(["du", "--json", "--tags", "--layers", "--top", "25"]).json();
    let all = scratch.run(["du", "--json"]).json();
    for field in ["measure", "tree", "totals", "stored", "findings"] {
        assert_eq!(space[field], all[field], "{context}: {field}");
    }
    assert_eq!(by_repository(&space["repositories"]), by_repository(&all["repositories"]), "{context}");
    assert_eq!((&space["tags"], &space["layers"]), (&du["tags"], &du["layers"]), "{context}");
    let (map, tree) = (&space["map"], &space["tree"]);
    assert_eq!(map["bytes"], tree["total"], "{context}");
    check_sums(map);
    for line in map["children"].as_array().unwrap() {
        assert_eq!(line["bytes"], tree[line["name"].as_str().unwrap()], "{context}: {line}");
    }
    let content = ["unique", "shared", "untagged", "garbage", "doubtful"].map(|line| tree[line].as_u64().unwrap());
    let months = space["months"].as_array().unwrap();
    assert_eq!(months.iter().map(bytes).sum::<u64>(), content.iter().sum::<u64>(), "{context}");
}

#[test]
fn the_sums_are_those_of_du() {
    for version in versions() {
        agrees_with_du(&tree(&version), &version);
    }
    for seed in 0..15 {
        agrees_with_du(&random_tree(seed, seed % 3 == 0), &format!("seed {seed}"));
    }
}

/// Where what is damaged makes a sum uncertain, both say so.
#[test]
fn the_sums_of_damaged_trees_are_those_of_du() {
    for name in damaged_trees() {
        agrees_with_du(&damaged(&name), &name);
    }
}

#[test]
fn what_is_freed_is_what_gc_would_remove() {
    for scratch in [demo(), random_tree(3, false), random_tree(4, true)] {
        let report = data(&scratch);
        let collections = report["collections"].as_array().unwrap();
        for (collection, words) in collections.iter().zip([&[][..], &["--delete-untagged"]]) {
            let run = scratch.regtree(["gc", "-n", "--json"]).with(words).now(NOW).run();
            let lines = run.json_lines();
            let summary = lines.iter().find(|event| event["type"] == "summary").unwrap();
            assert_eq!(collection["delete_untagged"], !words.is_empty());
            assert_eq!((&collection["bytes"], &collection["removed"]), (&summary["bytes"], &summary["removed"]));
            assert_eq!(collection["kept"], summary["kept"]);
            assert_eq!(collection["refused"], summary["refused"], "{collection}");
        }
    }
}

#[test]
fn a_collection_that_would_be_refused_says_why() {
    let scratch = Scratch::new();
    scratch.put("lib/app", b"nothing needs it");
    let report = data(&scratch);
    let reason = report["collections"][0]["reason"].as_str().unwrap();
    let gc = scratch.regtree(["gc", "-n", "--json"]).now(NOW).run().code(12).json_error();
    assert_eq!(reason, gc["message"]);
}

#[test]
fn findings_are_those_of_fsck() {
    let trees = damaged_trees().into_iter().map(|name| damaged(&name));
    for scratch in trees.chain([demo(), super::hostile()]) {
        let health = &data(&scratch)["health"];
        let fsck = scratch.regtree(["fsck", "--json"]).now(NOW).run();
        let (mut findings, mut summary) = (fsck.json_lines(), Value::Null);
        findings.retain(|event| {
            if event["type"] == "summary" {
                summary = event.clone();
                false
            } else {
                true
            }
        });
        for field in ["errors", "warnings", "infos", "broken_images", "checked"] {
            assert_eq!(health[field], summary[field], "{field}");
        }
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        let mut shown = Vec::new();
        for group in health["groups"].as_array().unwrap() {
            *counts.entry(group["code"].as_str().unwrap().to_owned()).or_default() += group["count"].as_u64().unwrap();
            let same = |finding: &&Value| finding["code"] == group["code"] && finding["severity"] == group["severity"];
            assert!(group["findings"].as_array().unwrap().iter().all(|finding| same(&finding)), "{group}");
            shown.extend(group["findings"].as_array().unwrap().iter().cloned());
        }
        assert_eq!(json!(counts), summary["codes"]);
        for event in &mut findings {
            event.as_object_mut().unwrap().retain(|field, _| !["type", "schema_version"].contains(&field.as_str()));
        }
        assert_eq!(shown, findings);
    }
}

/// Each command can be pasted, and repairs something of what it stands beside.
#[test]
fn each_kind_of_finding_has_the_command_that_repairs_it() {
    let mut repaired = 0;
    for scratch in damaged_trees().into_iter().map(|name| damaged(&name)).chain([demo()]) {
        let report = data(&scratch);
        for group in report["health"]["groups"].as_array().unwrap() {
            let repairable = group["findings"].as_array().unwrap().iter().any(|finding| finding["repair"].is_string());
            let Some(command) = group["command"].as_str() else {
                assert!(!repairable, "{group}");
                continue;
            };
            let root = scratch.root().to_str().unwrap();
            let words: Vec<&str> = command.split(' ').skip_while(|word| *word != root).skip(1).collect();
            if let [gc @ "gc"] = words[..] {
                assert_eq!(group["code"], "directory-empty");
                scratch.regtree([gc, "-n"]).now(NOW).run();
                continue;
            }
            let words = words.iter().map(|word| if *word == "SOURCE" { root } else { word });
            let run =
                scratch.regtree(words).with(["-n", "--skip-content", "--json", "--assume-blobs-lost"]).now(NOW).run();
            assert!([0, 3].contains(&run.exit().unwrap()), "{command}: {}", run.err());
            let code = &group["code"];
            let is_of =
                |event: &&Value| ["repair", "left"].iter().any(|kind| event["type"] == *kind) && event["code"] == *code;
            repaired += run.json_lines().iter().filter(is_of).count();
        }
    }
    assert!(repaired > 30, "{repaired}");
}

#[test]
fn a_report_of_the_same_tree_at_the_same_time_is_the_same() {
    for scratch in [demo(), random_tree(5, true), super::hostile()] {
        for words in [&["--json"][..], &[]] {
            let [first, second] = [0, 1].map(|_| report(&scratch, words).run().out());
            assert!(first == second && first.len() > 1000, "{words:?}");
            // With the option that users have.
            let asked = scratch.regtree(["report", "--now", NOW]).with(words).run().out();
            assert!(asked == first, "{words:?}");
        }
    }
}
