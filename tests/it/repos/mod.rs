//! `repo`: repositories counted and removed, and blobs that a repository's manifests need.

mod copy;
mod delete;
mod kill;
mod live;
mod needed;
mod several;
mod unreadable;

use serde_json::json;

use crate::support::vectors::{tree, truth, versions};
use crate::support::{Scratch, snapshot};

#[test]
fn a_long_list_counts_what_each_repository_has() {
    let scratch = Scratch::new();
    scratch.image("lib", "one").tag("v1").tag("v2");
    scratch.image("lib", "two").tag("v1");
    scratch.run(["upload", "start", "lib/new"]).code(0);
    let lines = scratch.run(["repo", "list", "--long"]).code(0).lines();
    let words: Vec<Vec<&str>> = lines.iter().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(words[0], ["lib", "2", "2", "4", "0"]);
    assert_eq!(words[1], ["lib/new", "0", "0", "0", "1"]);
    let events = scratch.run(["repo", "list", "--long", "--json"]).code(0).json_lines();
    let lib = json!({
        "repository": "lib", "name": "lib", "tags": 2, "revisions": 2, "layers": 4, "uploads": 0, "type": "repository",
        "schema_version": 1,
    });
    assert_eq!(events[0], lib);
}

#[test]
fn every_version_s_counts_are_those_of_the_truth() {
    for version in versions() {
        let (scratch, truth) = (tree(&version), truth(&version));
        let before = snapshot(scratch.root());
        let events = scratch.regtree(["repo", "list", "--long", "--json"]).ok().json_lines();
        assert_eq!(snapshot(scratch.root()), before, "reading changed {version}");
        let repositories = truth["repositories"].as_object().unwrap();
        assert_eq!(events.len(), repositories.len(), "{version}");
        for event in events {
            let repository = &repositories[event["name"].as_str().unwrap()];
            for (key, field) in [("tags", "tags"), ("revisions", "manifests"), ("layers", "layer_links")] {
                let count = repository[field].as_object().unwrap().len();
                assert_eq!(event[key], count, "{version} {}: {key}", event["name"]);
            }
        }
    }
}
