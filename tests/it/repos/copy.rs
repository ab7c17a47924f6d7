//! `repo copy` and `repo rename`: links alone, with the history of tags, and nothing lost on the way.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::support::kill::at_every_change;
use crate::support::planted::Planted;
use crate::support::vectors::{tree, versions};
use crate::support::{Scratch, assert_sound, refusal};

const OLD: &str = "lib/app";
const NEW: &str = "team/new";

/// A repository with an index, an alias, a referrer, and a tag that moved twice.
fn planted() -> Planted {
    let planted = Planted::new();
    let [first, second] = ["first", "second"].map(|words| planted.image(OLD, words));
    let index = planted.index(OLD, &[&first, &second]);
    for (days, digest) in [(30, &first), (20, &index), (10, &second)] {
        planted.tag(OLD, "moved", digest);
        let link = format!("repositories/{OLD}/_manifests/tags/moved/index/{}/link", digest.replace(':', "/"));
        planted.age_of(&link, days * 24);
    }
    planted.tag(OLD, "index", &index);
    planted.alias(OLD, "by its sha512");
    planted.referrer(OLD, &first, "signature");
    planted.tagged_image("lib/app/nested", "v1", "nested");
    planted
}

/// The links of a repository by their paths in it, and what is in them.
fn links(scratch: &Scratch, repository: &str) -> Vec<(String, String)> {
    let directory = scratch.repository(repository);
    let mut links = Vec::new();
    for own in ["_layers", "_manifests"] {
        for entry in walkdir::WalkDir::new(directory.join(own)).into_iter().filter_map(Result::ok) {
            if entry.file_type().is_file() {
                let path = entry.path().strip_prefix(&directory).unwrap().display().to_string();
                links.push((path, fs::read_to_string(entry.path()).unwrap()));
            }
        }
    }
    links.sort();
    links
}

fn history(scratch: &Scratch, repository: &str, tag: &str) -> String {
    scratch.regtree(["tag", "history", repository, tag]).ok().out()
}

fn age(path: &Path) -> Duration {
    SystemTime::now().duration_since(fs::metadata(path).unwrap().modified().unwrap()).unwrap()
}

#[test]
fn a_copy_has_the_same_links_and_the_same_history() {
    let planted = planted();
    let before = links(&planted.scratch, OLD);
    let run = planted.regtree(["repo", "copy", OLD, NEW, "-n"]).ok();
    assert_eq!(run.answer(), format!("would copy {OLD} to {NEW}: 2 tags, 4 revisions, 8 layers"));
    assert!(!planted.repository(NEW).exists());
    planted.regtree(["repo", "copy", OLD, NEW]).ok();
    assert_eq!(links(&planted.scratch, NEW), before);
    assert_eq!(links(&planted.scratch, OLD), before);
    assert_eq!(history(&planted.scratch, NEW, "moved"), history(&planted.scratch, OLD, "moved"));
    let oldest = planted.repository(NEW).join("_manifests/tags/moved/index/sha256");
    let ages: Vec<u64> =
        fs::read_dir(oldest).unwrap().map(|entry| age(&entry.unwrap().path().join("link")).as_secs() / 86400).collect();
    assert_eq!(ages.iter().sum::<u64>(), 60, "{ages:?}");
    assert!(!planted.repository("team/new/nested").exists());
    assert_sound(&planted.scratch);
    planted.regtree(["manifest", "verify", "--all", "--content"]).ok();
    // Again it changes nothing.
    planted.regtree(["repo", "copy", OLD, NEW]).ok();
    assert_eq!(links(&planted.scratch, NEW), before);
}

#[test]
fn a_renamed_repository_leaves_nothing_behind_and_takes_nothing_along() {
    for new in [NEW, "lib/app/below", "lib"] {
        let planted = planted();
        let (before, nested) = (links(&planted.scratch, OLD), links(&planted.scratch, "lib/app/nested"));
        planted.regtree(["repo", "rename", OLD, new, "--dry-run"]).ok();
        assert_eq!(links(&planted.scratch, OLD), before);
        planted.regtree(["repo", "rename", OLD, new]).ok();
        assert_eq!(links(&planted.scratch, new), before, "{new}");
        assert_eq!(links(&planted.scratch, "lib/app/nested"), nested);
        for own in ["_layers", "_manifests", "_uploads"] {
            assert!(!planted.repository(OLD).join(own).exists(), "{new} {own}");
        }
        assert!(!planted.run(["repo", "list"]).out().lines().any(|name| name == OLD));
        planted.regtree(["manifest", "verify", "--all", "--content"]).ok();
    }
}

#[test]
fn trees_of_all_versions_keep_their_tags_under_another_name() {
    for version in versions() {
        let scratch = tree(&version);
        let names = scratch.run(["repo", "list"]).lines();
        let listed = |name: &str| scratch.run(["tag", "list", name, "--long", "--json"]).json_lines();
        let mut copied = 0;
        for (number, name) in names.iter().enumerate() {
            let new = format!("renamed/n{number}");
            let before = listed(name);
            let run = scratch.regtree(["repo", "rename", name, &new, "--force"]).run();
            if run.exit() != Some(0) {
                // What is damaged, or half deleted, is not renamed, and stays.
                assert_eq!(listed(name), before, "{version} {name}: {}", run.err());
                continue;
            }
            copied += 1;
            let targets = |tags: &[serde_json::Value]| {
                tags.iter().map(|tag| (tag["tag"].clone(), tag["digest"].clone())).collect::<Vec<_>>()
            };
            assert_eq!(targets(&listed(&new)), targets(&before), "{version} {name}");
        }
        assert!(copied > 0, "{version}");
    }
}

#[test]
fn uploads_and_tags_that_point_elsewhere_want_force() {
    let planted = planted();
    planted.upload(OLD, "aaaa", "2026-11-24T00:00:00Z");
    for verb in ["copy", "rename"] {
        let call = planted.regtree(["repo", verb, OLD, NEW]);
        refusal::refused(
            planted.root(),
            &call,
            refusal::REFUSED,
            &[OLD, "1 unfinished upload, which can't be taken along"],
        );
        call.run().says(["--force"]);
    }
    planted.remove(&format!("repositories/{OLD}/_uploads"));
    let other = planted.tagged_image(NEW, "index", "other");
    let call = planted.regtree(["repo", "copy", OLD, NEW]);
    refusal::refused(planted.root(), &call, refusal::REFUSED, &["team/new:index", &other]);
    call.with(["--force"]).ok();
    let moved = planted.regtree(["tag", "get", NEW, "index"]).ok().answer();
    assert_eq!(moved, planted.regtree(["tag", "get", OLD, "index"]).ok().answer());
}

#[test]
fn what_is_broken_is_not_copied_and_stays() {
    for (path, failure) in [
        ("_manifests/tags/index/current/link", refusal::DAMAGED),
        ("_manifests/revisions/sha256/{}/link", refusal::DAMAGED),
    ] {
        let planted = planted();
        let digest = planted.regtree(["tag", "get", OLD, "index"]).ok().answer();
        let path = path.replace("{}", digest.strip_prefix("sha256:").unwrap());
        planted.plant(&format!("repositories/{OLD}/{path}"), "no digest");
        for verb in ["copy", "rename"] {
            let call = planted.regtree(["repo", verb, OLD, NEW]);
            refusal::refused(planted.root(), &call, failure, &[&path]);
        }
    }
    let planted = planted();
    let call = planted.regtree(["repo", "copy", "lib/none", NEW]);
    refusal::refused(planted.root(), &call, refusal::NO_REPOSITORY, &["lib/none"]);
    let call = planted.regtree(["repo", "rename", OLD, OLD]);
    refusal::refused(planted.root(), &call, refusal::REFUSED, &[OLD]);
}

#[test]
fn a_rename_killed_at_any_change_loses_nothing_and_is_finished_by_the_next() {
    let prepare = || {
        let scratch = Scratch::new();
        let image = scratch.image(OLD, "image").tag("v1").tag("v2");
        let call = scratch.regtree(["repo", "rename", OLD, NEW]);
        ((scratch, image), call)
    };
    let kills = at_every_change(prepare, |(scratch, image), at, _| {
        assert_sound(scratch);
        let has = |name: &str, tag: &str| {
            scratch.regtree(["tag", "get", name, tag]).run().out().trim_end() == image.digest.to_string()
                && scratch.regtree(["manifest", "verify", name, tag, "--content"]).run().exit() == Some(0)
        };
        for tag in ["v1", "v2"] {
            assert!(has(OLD, tag) || has(NEW, tag), "{at}: {tag} is lost");
        }
        let again = scratch.regtree(["repo", "rename", OLD, NEW]).run();
        assert!(again.exit() == Some(0) || !scratch.repository(OLD).exists(), "{at}: {}", again.err());
        assert!(has(NEW, "v1") && has(NEW, "v2"), "{at}");
        assert!(!scratch.repository(OLD).exists(), "{at}");
    });
    assert!(kills > 30, "{kills}");
}

#[test]
fn a_copy_killed_at_any_change_leaves_the_old_repository_and_is_finished_by_the_next() {
    let prepare = || {
        let scratch = Scratch::new();
        scratch.image(OLD, "image").tag("v1").tag("v2");
        let (before, call) = (links(&scratch, OLD), scratch.regtree(["repo", "copy", OLD, NEW]));
        ((scratch, before), call)
    };
    let kills = at_every_change(prepare, |(scratch, before), at, _| {
        assert_sound(scratch);
        assert_eq!(links(scratch, OLD), *before, "{at}");
        for tag in ["v1", "v2"] {
            // A tag that is there already leads to a whole image.
            if scratch.repository(NEW).join("_manifests/tags").join(tag).join("current/link").exists() {
                scratch.regtree(["manifest", "verify", NEW, tag, "--content"]).ok();
            }
        }
        scratch.regtree(["repo", "copy", OLD, NEW]).ok();
        // A small file that was being written is garbage, which lies beside its place.
        let mut copied = links(scratch, NEW);
        copied.retain(|(path, _)| path.ends_with("/link"));
        assert_eq!(copied, *before, "{at}");
        scratch.regtree(["manifest", "verify", "--all", "--content"]).ok();
    });
    assert!(kills > 20, "{kills}");
}
