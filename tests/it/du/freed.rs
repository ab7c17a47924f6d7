//! What is said to be freed is freed: by deleting each repository and each tag for real, and collecting.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{Measure, contents, usage};
use crate::gc::{random_tree, tree_of_every_edge};
use crate::support::Scratch;
use crate::support::vectors::{tree, versions};

/// Of what has one repository, all goes with it.
const COLLECT: [&str; 7] = ["gc", "--min-age", "0", "--keep-uploads", "--allow-rootless", "--max-delete", "100%"];

/// The content that a collection of what `change` leaves takes away.
fn gone(scratch: &Scratch, change: &[&str], words: &[&str]) -> BTreeSet<String> {
    let before = contents(scratch, Measure::Apparent);
    if !change.is_empty() {
        scratch.run(change).code(0);
    }
    scratch.regtree(COLLECT).with(words).run().code(0);
    let after = contents(scratch, Measure::Apparent);
    before.into_keys().filter(|hex| !after.contains_key(hex)).collect()
}

/// The hex digits of all that the links of a repository say, by their places and their contents.
fn linked(scratch: &Scratch, repository: &str) -> BTreeSet<String> {
    let mut linked = BTreeSet::new();
    for folder in ["_layers", "layers", "_manifests/revisions", "manifests/revisions"] {
        for entry in walkdir::WalkDir::new(scratch.repository(repository).join(folder)).into_iter().flatten() {
            let parent: &Path = entry.path().parent().unwrap();
            if entry.file_name() == "link" && !is_signature_of_none(parent) {
                linked.insert(parent.file_name().unwrap().to_str().unwrap().to_owned());
                linked.insert(fs::read_to_string(entry.path()).unwrap().rsplit_once(':').unwrap().1.to_owned());
            }
        }
    }
    linked
}

/// Whether it is the directory of a signature whose manifest is no longer linked: nobody has it by that.
fn is_signature_of_none(directory: &Path) -> bool {
    let signatures = directory.ancestors().find(|above| above.file_name().is_some_and(|name| name == "signatures"));
    signatures.is_some_and(|signatures| !signatures.with_file_name("link").exists())
}

fn bytes(row: &Value, field: &str) -> u64 {
    row[field].as_u64().unwrap_or_else(|| panic!("{field} in {row}"))
}

fn text<'r>(row: &'r Value, field: &str) -> &'r str {
    row[field].as_str().unwrap_or_else(|| panic!("{field} in {row}"))
}

/// Deletes each repository of the trees that `make` makes, all alike.
pub(crate) fn delete_each_repository(context: &str, make: impl Fn() -> Scratch) -> usize {
    let scratch = make();
    let said = [Measure::Allocated, Measure::Apparent].map(|measure| usage(&scratch, measure, &["--sort", "name"]));
    let sizes = [Measure::Allocated, Measure::Apparent].map(|measure| contents(&scratch, measure));
    let garbage = gone(&make(), &[], &[]);
    let mut deleted = 0;
    for at in 0..said[0]["repositories"].as_array().unwrap().len() {
        let name = text(&said[0]["repositories"][at], "name");
        if name.parse::<regtree::RepositoryName>().is_err() {
            continue;
        }
        let linked = linked(&scratch, name);
        let freed = gone(&make(), &["repo", "delete", name], &[]);
        let freed: Vec<&String> = freed.iter().filter(|hex| !garbage.contains(*hex) || linked.contains(*hex)).collect();
        for (said, sizes) in said.iter().zip(&sizes) {
            let row = &said["repositories"][at];
            let expected: u64 = freed.iter().map(|hex| sizes[*hex]).sum();
            assert_eq!(bytes(row, "unique"), expected, "{context} {name}: {freed:?}, {row}");
            assert_eq!(bytes(row, "unique") + bytes(row, "shared"), bytes(row, "total"), "{context} {row}");
            let held: u64 = linked.iter().filter_map(|hex| sizes.get(hex)).sum();
            assert!(bytes(row, "total") >= held, "{context} {name}: {held} bytes are linked, {row}");
        }
        deleted += 1;
    }
    deleted
}

/// Deletes each tag of the trees that `make` makes, all alike.
pub(crate) fn delete_each_tag(context: &str, make: impl Fn() -> Scratch) -> usize {
    const UNTAGGED: [&str; 1] = ["--delete-untagged"];
    let scratch = make();
    let said = usage(&scratch, Measure::Apparent, &["--tags", "--sort", "name"]);
    let sizes = contents(&scratch, Measure::Apparent);
    let garbage = gone(&make(), &[], &UNTAGGED);
    let mut deleted = 0;
    for row in said["tags"].as_array().unwrap() {
        let (repository, tag) = (text(row, "repository"), text(row, "tag"));
        if repository.parse::<regtree::RepositoryName>().is_err() {
            continue;
        }
        let freed = gone(&make(), &["tag", "delete", repository, tag], &UNTAGGED);
        let expected: u64 = freed.difference(&garbage).map(|hex| sizes[hex]).sum();
        assert_eq!(bytes(row, "unique"), expected, "{context} {row}");
        assert!(bytes(row, "unique") + bytes(row, "shared") == bytes(row, "total"), "{context} {row}");
        deleted += 1;
    }
    deleted
}

#[test]
fn deleting_any_repository_of_any_version_s_tree_frees_what_is_unique_to_it() {
    let deleted: usize = versions().iter().map(|version| delete_each_repository(version, || tree(version))).sum();
    assert!(deleted > 40, "only {deleted} repositories");
}

#[test]
fn deleting_any_repository_of_a_random_tree_frees_what_is_unique_to_it() {
    let each = (0..40).map(|seed| delete_each_repository(&format!("seed {seed}"), || random_tree(seed, false)));
    let deleted: usize = each.sum();
    assert!(deleted > 60, "only {deleted} repositories");
}

#[test]
fn deleting_any_tag_of_any_version_s_tree_frees_what_is_unique_to_it() {
    let deleted: usize = versions().iter().map(|version| delete_each_tag(version, || tree(version))).sum();
    assert!(deleted > 60, "only {deleted} tags");
}

#[test]
fn deleting_any_tag_of_a_random_tree_frees_what_is_unique_to_it() {
    let each = (0..40).map(|seed| delete_each_tag(&format!("seed {seed}"), || random_tree(seed, false)));
    let deleted: usize = each.sum();
    assert!(deleted > 60, "only {deleted} tags");
}

#[test]
fn deleting_any_tag_or_repository_frees_what_only_it_leads_to_in_whatever_way() {
    assert_eq!(delete_each_tag("every edge", tree_of_every_edge), 8);
    assert_eq!(delete_each_repository("every edge", tree_of_every_edge), 2);
}
