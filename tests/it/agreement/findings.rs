//! Every command reports the same thing by the same code, and only once.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::random::{How, Ways, cached, damaged, sound};
use super::{Answer, ask, of_every_damage, of_every_version};
use crate::support::Scratch;
use crate::support::hold::hold;
use crate::support::planted::{Planted, blob_path, revision_path, sha256};

const COMMANDS: [&[&str]; 5] = [
    &["fsck", "--content"],
    &["gc", "--dry-run", "--min-age", "0", "--allow-rootless"],
    &["gc", "--dry-run", "--min-age", "0", "--allow-rootless", "--delete-untagged"],
    &["manifest", "verify", "--all", "--content"],
    &["du", "--tags"],
];

/// Findings, wherever a command puts them.
fn findings(answer: &Answer) -> Vec<&Value> {
    let listed = answer.of_type("usage").filter_map(|usage| usage["findings"].as_array()).flatten();
    answer.of_type("finding").chain(listed).collect()
}

/// Where a finding is, below `docker/registry/v2`, whether the file is named or the directory that is its own.
fn place(finding: &Value) -> String {
    let path = finding["path"].as_str().unwrap_or_default();
    let inside = path.split_once("docker/registry/v2").map_or(path, |(_, inside)| inside);
    let own = ["/data", "/current/link", "/link"].iter().find_map(|file| inside.strip_suffix(file));
    own.unwrap_or(inside).trim_start_matches('/').to_owned()
}

fn code(finding: &Value) -> String {
    finding["code"].as_str().unwrap().to_owned()
}

const LISTS: [&[&str]; 2] = [&["repo", "list"], &["repo", "list", "--long"]];

/// No two findings are of one code about one thing, and no line of stderr comes twice.
fn reports_nothing_twice(scratch: &Scratch) -> Result<(), String> {
    COMMANDS.iter().chain(&LISTS).try_for_each(|words| is_not_told_twice(scratch, words))
}

fn is_not_told_twice(scratch: &Scratch, words: &[&str]) -> Result<(), String> {
    let mut complaints = Vec::new();
    let answer = ask(scratch, words.iter().copied());
    let mut seen = BTreeSet::new();
    for finding in findings(&answer) {
        let key = ["code", "path", "repository", "manifest", "digest", "tag"].map(|field| finding[field].to_string());
        if !seen.insert(key) {
            complaints.push(format!("{}: twice: {finding}", words.join(" ")));
        }
    }
    let stderr = answer.run.err();
    let mut lines = BTreeSet::new();
    complaints
        .extend(stderr.lines().filter(|line| !lines.insert(*line)).map(|line| format!("{words:?}: twice: {line}")));
    if complaints.is_empty() { Ok(()) } else { Err(complaints.join("\n")) }
}

/// No path has two findings of one kind (`link-…`, `blob-…`), the one an error and the other a warning.
fn is_of_one_mind(scratch: &Scratch) -> Result<(), String> {
    let fsck = ask(scratch, ["fsck", "--content"]);
    let mut severities: BTreeMap<(String, String), BTreeSet<(String, String)>> = BTreeMap::new();
    for finding in fsck.of_type("finding").filter(|finding| finding["severity"] != "info") {
        let severity = finding["severity"].as_str().unwrap().to_owned();
        let kind = code(finding).split('-').next().unwrap().to_owned();
        severities.entry((place(finding), kind)).or_default().insert((severity, code(finding)));
    }
    let mixed = severities
        .into_iter()
        .filter(|(_, said)| said.iter().map(|(severity, _)| severity).collect::<BTreeSet<_>>().len() > 1);
    let complaints: Vec<String> = mixed.map(|((path, _), said)| format!("{path}: {said:?}")).collect();
    if complaints.is_empty() { Ok(()) } else { Err(complaints.join("\n")) }
}

/// What gc says of a path, fsck says of it.
fn gc_says_what_fsck_does(scratch: &Scratch) -> Result<(), String> {
    let fsck = ask(scratch, ["fsck", "--content"]);
    let known: BTreeSet<(String, String)> =
        findings(&fsck).into_iter().map(|finding| (code(finding), place(finding))).collect();
    let mut complaints = BTreeSet::new();
    for words in &COMMANDS[1..3] {
        let gc = ask(scratch, words.iter().copied());
        for finding in findings(&gc) {
            let (code, place) = (code(finding), place(finding));
            if !known.contains(&(code.clone(), place.clone())) {
                let there: Vec<&String> = known.iter().filter(|(_, at)| *at == place).map(|(code, _)| code).collect();
                complaints.insert(format!("{place}: gc {code}, fsck {there:?}"));
            }
        }
    }
    if complaints.is_empty() { Ok(()) } else { Err(Vec::from_iter(complaints).join("\n")) }
}

/// Every command counts the same repositories.
fn counts_alike(scratch: &Scratch) -> Result<(), String> {
    let listed = ask(scratch, ["repo", "list"]).of_type("repository").count();
    let fsck = ask(scratch, ["fsck"]);
    let checked = &fsck.of_type("summary").next().unwrap()["checked"]["repositories"];
    let du = ask(scratch, ["du"]);
    let counted = du.of_type("usage").next().unwrap()["repositories"].as_array().unwrap().len();
    // What is no name can't be listed as one.
    let nameless = fsck.of_type("finding").filter(|finding| finding["code"] == "name-invalid").count();
    if *checked == listed + nameless && counted == listed + nameless {
        return Ok(());
    }
    Err(format!("repo list has {listed} repositories and {nameless} nameless, fsck {checked}, du {counted}"))
}

#[test]
fn of_any_version_s_tree_nothing_is_told_twice() {
    of_every_version(|make| reports_nothing_twice(&make()));
}

#[test]
fn of_any_damaged_tree_nothing_is_told_twice() {
    of_every_damage(|make| reports_nothing_twice(&make()));
}

#[test]
fn of_a_random_tree_nothing_is_told_twice() {
    hold(30, 31, sound(), |recipe| reports_nothing_twice(&recipe.grow()));
}

#[test]
fn of_a_random_damaged_tree_nothing_is_told_twice() {
    hold(40, 32, damaged(Ways::ALL), |recipe| reports_nothing_twice(&recipe.grow()));
}

#[test]
fn of_a_layer_that_is_named_twice_verify_tells_once() {
    let planted = Planted::new();
    let (config, layer) = (planted.layer("lib", "config"), planted.layer("lib", "named twice"));
    planted.tag("lib", "v1", &planted.manifest("lib", &planted.image_of(&config, &[&layer, &layer])));
    planted.remove(&blob_path(&layer));
    reports_nothing_twice(&planted.scratch).unwrap_or_else(|complaint| panic!("{complaint}"));
}

#[test]
fn of_any_damaged_tree_no_path_is_both_an_error_and_a_warning() {
    of_every_damage(|make| is_of_one_mind(&make()));
}

#[test]
fn of_a_random_damaged_tree_no_path_is_both_an_error_and_a_warning() {
    hold(40, 33, damaged(Ways::ALL), |recipe| is_of_one_mind(&recipe.grow()));
}

#[test]
fn of_any_version_s_tree_gc_says_what_fsck_does() {
    of_every_version(|make| gc_says_what_fsck_does(&make()));
}

#[test]
fn of_any_damaged_tree_gc_says_what_fsck_does() {
    of_every_damage(|make| gc_says_what_fsck_does(&make()));
}

#[test]
fn of_a_directory_in_the_place_of_a_link_gc_says_what_fsck_does() {
    let planted = Planted::new();
    let image = planted.tagged_image("lib", "v1", "an image");
    let link = revision_path("lib", &image) + "/link";
    planted.remove(&link);
    std::fs::create_dir(planted.at(&link)).unwrap();
    gc_says_what_fsck_does(&planted.scratch).unwrap_or_else(|complaint| panic!("{complaint}"));
}

#[test]
fn of_a_revision_link_that_names_another_manifest_gc_says_what_fsck_does() {
    let planted = Planted::new();
    let image = planted.tagged_image("lib", "v1", "an image");
    planted.plant(&(revision_path("lib", &image) + "/link"), sha256(b"never pushed"));
    gc_says_what_fsck_does(&planted.scratch).unwrap_or_else(|complaint| panic!("{complaint}"));
}

#[test]
fn of_a_manifest_that_a_hidden_tag_may_need_gc_says_what_fsck_does() {
    let planted = Planted::new();
    let image = planted.image("lib", "an image");
    planted.remove(&blob_path(&image));
    let tags = planted.at("repositories/lib/_manifests/tags");
    std::fs::create_dir_all(&tags).unwrap();
    std::os::unix::fs::symlink("elsewhere", tags.join("v1")).unwrap();
    let found = ask(&planted.scratch, ["fsck"]);
    assert!(findings(&found).iter().any(|finding| code(finding) == "manifest-missing"));
    gc_says_what_fsck_does(&planted.scratch).unwrap_or_else(|complaint| panic!("{complaint}"));
}

#[test]
fn of_a_random_tree_with_wrong_bytes_gc_says_what_fsck_does() {
    let ways = Ways::of(&[How::Truncate, How::Empty, How::Flip, How::Newline, How::Long]);
    hold(60, 38, damaged(ways), |recipe| gc_says_what_fsck_does(&recipe.grow()));
}

#[test]
fn of_a_random_damaged_cache_gc_says_what_fsck_does() {
    hold(40, 39, damaged(Ways::ALL), |recipe| gc_says_what_fsck_does(&cached(recipe.grow())));
}

#[test]
fn of_a_random_damaged_tree_gc_says_what_fsck_does() {
    hold(60, 34, damaged(Ways::ALL), |recipe| gc_says_what_fsck_does(&recipe.grow()));
}

#[test]
fn every_command_counts_the_same_repositories() {
    of_every_version(|make| counts_alike(&make()));
    of_every_damage(|make| counts_alike(&make()));
    hold(20, 35, damaged(Ways::ALL), |recipe| counts_alike(&recipe.grow()));
}

/// A repository's folder that is a plain file.
fn plain_folder() -> Scratch {
    let planted = Planted::new();
    planted.tagged_image("lib", "v1", "an image");
    planted.plant("repositories/odd/_layers", "");
    planted.scratch
}

#[test]
fn a_plain_file_where_a_folder_of_a_repository_is_to_be_is_found_once_by_each() {
    let scratch = plain_folder();
    let mut told = Vec::new();
    for words in &COMMANDS[..3] {
        let answer = ask(&scratch, words.iter().copied());
        let found = findings(&answer);
        told.push(found.iter().map(|finding| (code(finding), place(finding))).collect::<Vec<_>>());
    }
    let expected = [("file-unexpected".to_owned(), "repositories/odd/_layers".to_owned())];
    assert!(told.iter().all(|told| *told == expected), "{told:#?}");
    ask(&scratch, ["repo", "list"]).run.code(3);
}

#[test]
fn a_plain_file_where_a_folder_of_a_repository_is_to_be_is_counted_alike() {
    counts_alike(&plain_folder()).unwrap_or_else(|complaint| panic!("{complaint}"));
}
