//! Rules in a file: the first that matches a repository counts, and what has none keeps its tags.

use std::path::PathBuf;

use serde_json::json;

use super::{REPOSITORY, months, prune, set_at, tags};
use crate::support::planted::Planted;
use crate::support::refusal::{Failure, REFUSED, USAGE, refused};
use crate::support::{Scratch, snapshot};

const WRONG: Failure = (USAGE.0, "CONFIGURATION");

const POLICY: &str = "\
[[rule]]
name = \"builds\"
repositories = [\"ci/*\", \"test\"]
keep-last = 1

[[rule]]
name = \"releases\"
repositories = \"lib/**\"
keep-latest-semver = 2
keep-tag = [\"latest\", \"main\"]
";

/// A file beside the tree.
fn policy(planted: &Planted, text: &str) -> PathBuf {
    let file = planted.root().join("retention.toml");
    Scratch::plant(&file, text);
    file
}

fn with_builds() -> Planted {
    let planted = months();
    for repository in ["ci/one", "other"] {
        for (tag, day) in [("1.0", 1), ("2.0", 2), ("latest", 3)] {
            planted.tagged_image(repository, tag, tag);
            set_at(&planted, repository, tag, &format!("2020-06-0{day}T00:00:00Z"));
        }
    }
    planted
}

#[test]
fn the_first_rule_counts_and_what_has_none_keeps_all() {
    let planted = with_builds();
    let file = policy(&planted, POLICY);
    let call = || prune(&planted, &["--policy", file.to_str().unwrap()]);
    let events = call().with(["-n", "--json"]).ok().json_lines();
    let rules: Vec<_> = events.iter().filter(|event| event["type"] == "untag").map(|event| &event["rule"]).collect();
    assert_eq!(rules, ["builds", "builds", "releases", "releases", "releases", "releases"]);
    let summary = events.last().unwrap();
    assert_eq!(
        (&summary["repositories"], &summary["without_rule"], &summary["tags"]),
        (&json!(2), &json!(1), &json!(11))
    );
    let explained = call().with(["-n", "--explain"]).ok().out();
    assert!(explained.contains("  releases: tag\n") && explained.contains("  builds: last\n"), "{explained}");
    call().ok().says(["note: the policy has no rule for 1 repository: all tags there were kept"]);
    assert_eq!(tags(&planted, "ci/one"), ["latest"]);
    assert_eq!(tags(&planted, REPOSITORY), ["2.1", "2.2", "latest", "main"]);
    assert_eq!(tags(&planted, "other").len(), 3);
    // It may be held to some repositories.
    let planted = with_builds();
    let file = policy(&planted, POLICY);
    prune(&planted, &["ci/**", "--policy", file.to_str().unwrap()]).ok();
    assert_eq!((tags(&planted, "ci/one").len(), tags(&planted, REPOSITORY).len()), (1, 8));
}

#[test]
fn a_mistake_in_it_is_an_error_with_its_line_and_key() {
    let planted = months();
    for (text, names) in [
        (POLICY.replace("keep-last", "keep-lats"), &["line 4", "\"keep-lats\"", "did you mean keep-last?"][..]),
        (POLICY.replace("[\"latest\"", "[\"/(/\""), &["line 10", "keep-tag"]),
        ("???".to_owned(), &["line 1", "it is not TOML"]),
    ] {
        let file = policy(&planted, &text);
        let call = prune(&planted, &["--policy", file.to_str().unwrap()]);
        refused(planted.root(), &call, WRONG, &[names, &[file.to_str().unwrap()]].concat());
    }
    let file = policy(&planted, &POLICY.replace("keep-last = 1", "older-than = \"7d\""));
    let call = prune(&planted, &["--policy", file.to_str().unwrap()]);
    refused(
        planted.root(),
        &call,
        REFUSED,
        &["nothing in rule builds of ", file.to_str().unwrap(), " says what to keep"],
    );
    let call = prune(&planted, &["--policy", "/nowhere/retention.toml"]);
    refused(planted.root(), &call, WRONG, &["/nowhere/retention.toml: No such file"]);
    let both = prune(&planted, &["--policy", file.to_str().unwrap(), "--older-than", "7d"]);
    refused(planted.root(), &both, USAGE, &["cannot be used with"]);
}

#[test]
fn a_rule_that_is_for_no_repository_is_named() {
    let planted = with_builds();
    let more = "[[rule]]\nname = \"mistyped\"\nrepositories = \"libary/*\"\nkeep-last = 1\n";
    let file = policy(&planted, &format!("{POLICY}\n{more}"));
    let call = || prune(&planted, &["-n", "--policy", file.to_str().unwrap()]);
    let said = call().ok().err();
    let warning = format!("warning: {}, line 12: rule mistyped is for no repository of this tree", file.display());
    assert_eq!(said.lines().filter(|line| line.starts_with("warning: ")).collect::<Vec<_>>(), [warning]);
    // Where only some repositories are looked at it may be for the others.
    assert!(!call().with([REPOSITORY]).ok().err().contains("warning"));
}

#[test]
fn the_sites_file_may_name_one_and_rules_that_are_given_override_it() {
    let planted = with_builds();
    let (file, site) = (policy(&planted, POLICY), planted.root().join("regtree.toml"));
    Scratch::plant(&site, format!("policy = '{}'\n", file.display()));
    let call = |rules: &[&str]| prune(&planted, rules).env("REGTREE_CONFIG", &site);
    let before = snapshot(&planted.v2());
    assert_eq!(call(&["-n"]).ok().lines().len(), 6);
    assert_eq!(call(&["--keep-last", "3", "-n"]).ok().lines().len(), 5);
    call(&["--older-than", "7d"]).run().code(12).says(["no rule says what to keep"]);
    let other = planted.root().join("other.toml");
    Scratch::plant(&other, "");
    assert!(call(&["--policy", other.to_str().unwrap()]).ok().lines().is_empty());
    assert!(snapshot(&planted.v2()) == before);
    let said = planted.regtree(["info"]).env("REGTREE_CONFIG", &site).ok();
    let line = said.lines().into_iter().find(|line| line.starts_with("  policy ")).unwrap();
    assert!(line.contains(file.to_str().unwrap()) && line.ends_with("line 1"), "{line}");
    call(&[]).ok();
    assert_eq!(tags(&planted, "ci/one"), ["latest"]);
}
