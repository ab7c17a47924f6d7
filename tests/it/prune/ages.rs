//! What the age of a tag is counted from, and tags whose age or image can't be told.

use std::fs;

use serde_json::{Value, json};

use super::{REPOSITORY, prune, set_at, tagged, tags};
use crate::support::planted::{Planted, blob_path, revision_path, tag_path};

/// An image that says when it was built.
fn built(planted: &Planted, created: &Value) -> String {
    let config = planted.layer(REPOSITORY, json!({ "created": created, "os": "linux" }).to_string());
    let layer = planted.layer(REPOSITORY, "a layer");
    planted.manifest(REPOSITORY, &planted.image_of(&config, &[&layer]))
}

/// A tag of an image that says when it was built. It was set on a day in June.
fn tag_built(planted: &Planted, tag: &str, created: &Value, day: u8) {
    planted.tag(REPOSITORY, tag, &built(planted, created));
    set_at(planted, REPOSITORY, tag, &format!("2020-06-{day:02}T00:00:00Z"));
}

#[test]
fn an_image_is_as_old_as_its_config_says_and_an_index_as_its_newest_child() {
    let planted = tagged(&[]);
    tag_built(&planted, "new", &json!("2020-05-03T10:20:30.123456789Z"), 1);
    tag_built(&planted, "newer", &json!("2020-05-04T12:00:00+02:00"), 2);
    tag_built(&planted, "old", &json!("2020-05-01T00:00:00Z"), 3);
    let children = [json!("2020-05-02T00:00:00Z"), json!("1970-01-01T00:00:00Z"), json!(null)];
    let children: Vec<String> = children.iter().map(|created| built(&planted, created)).collect();
    let missing = format!("sha256:{}", "1".repeat(64));
    let all: Vec<&str> = children.iter().map(String::as_str).chain([missing.as_str()]).collect();
    planted.tag(REPOSITORY, "index", &planted.index(REPOSITORY, &all));
    set_at(&planted, REPOSITORY, "index", "2020-06-04T00:00:00Z");
    for (by, order) in [("set", ["index", "old", "newer", "new"]), ("created", ["newer", "new", "index", "old"])] {
        for count in 1..=4 {
            let call = prune(&planted, &["--keep-last", &count.to_string(), "--age-by", by, "-n", "--json"]);
            let mut kept: Vec<String> = call
                .ok()
                .json_lines()
                .iter()
                .filter(|event| event["type"] == "keep")
                .map(|event| event["tag"].as_str().unwrap().to_owned())
                .collect();
            let mut expected = order[..count].to_vec();
            kept.sort();
            expected.sort_unstable();
            assert_eq!(kept, expected, "{by}");
        }
    }
}

#[test]
fn a_tag_of_unknown_or_absurd_age_stays_and_takes_no_place() {
    let planted = tagged(&[]);
    for (tag, created) in [
        ("good", json!("2020-05-01T00:00:00Z")),
        ("old", json!("2020-04-01T00:00:00Z")),
        ("reproducible", json!("1970-01-01T00:00:00Z")),
        ("buildpack", json!("1980-01-01T00:00:01Z")),
        ("ahead", json!("2020-07-01T00:00:00Z")),
        ("silent", json!(null)),
        ("number", json!(1_588_291_200)),
        ("words", json!("yesterday")),
    ] {
        tag_built(&planted, tag, &created, 1);
    }
    let run = prune(&planted, &["--keep-last", "1", "--age-by", "created", "--json"]).ok().json_lines();
    let removed: Vec<_> = run.iter().filter(|event| event["type"] == "untag").map(|event| &event["tag"]).collect();
    assert_eq!(removed, ["old"]);
    for event in run.iter().filter(|event| event["type"] == "keep" && event["tag"] != "good") {
        assert_eq!((&event["kept_by"], &event["since"]), (&json!(["unknown-age"]), &Value::Null), "{event}");
    }
    assert_eq!(tags(&planted, REPOSITORY).len(), 7);
    // The times of links can be absurd too.
    let planted = tagged(&[("lost", "1970-01-01T00:00:01Z"), ("ahead", "2020-07-01T00:00:00Z")]);
    for (tag, day) in [("old", 1), ("new", 2)] {
        tag_built(&planted, tag, &json!(null), day);
    }
    prune(&planted, &["--keep-last", "1"]).ok();
    assert_eq!(tags(&planted, REPOSITORY), ["ahead", "lost", "new"]);
}

#[test]
fn a_damaged_tag_stays_and_is_reported() {
    let planted = tagged(&[("new", "2020-06-02T00:00:00Z"), ("old", "2020-06-01T00:00:00Z")]);
    let names = ["broken", "corrupt", "gone", "no-link", "no-manifest", "unlinked"];
    for (number, name) in names.iter().enumerate() {
        let image = planted.tagged_image(REPOSITORY, name, name);
        set_at(&planted, REPOSITORY, name, &format!("2020-05-0{}T00:00:00Z", number + 1));
        let current = tag_path(REPOSITORY, name) + "/current/link";
        match *name {
            "broken" => planted.plant(&current, "sha256:nonsense"),
            "corrupt" => planted.plant(&blob_path(&image), r#"{"schemaVersion":2}"#),
            "gone" => planted.remove(&blob_path(&image)),
            "no-link" => planted.remove(&current),
            "no-manifest" => planted.tag(REPOSITORY, name, &planted.blob("no manifest")),
            _ => planted.remove(&(revision_path(REPOSITORY, &image) + "/link")),
        }
    }
    let run = prune(&planted, &["--keep-last", "1", "--json"]).run().code(3);
    let events = run.json_lines();
    let kept = events.iter().filter(|event| event["kept_by"] == json!(["damaged"])).map(|event| &event["tag"]);
    assert_eq!(kept.collect::<Vec<_>>(), names);
    assert_eq!(events.iter().filter(|event| event["type"] == "damage").count(), names.len());
    let removed: Vec<_> = events.iter().filter(|event| event["type"] == "untag").map(|event| &event["tag"]).collect();
    assert_eq!(removed, ["old"]);
    assert!(names.iter().all(|name| planted.at(&tag_path(REPOSITORY, name)).exists()));
    prune(&planted, &["--keep-last", "1"]).run().code(3).silent().says(["warning: ", "tag broken"]);
}

#[test]
fn what_a_removal_that_was_cut_short_left_goes_and_is_no_tag() {
    let planted = tagged(&[("new", "2020-06-02T00:00:00Z")]);
    fs::create_dir_all(planted.at(&tag_path(REPOSITORY, "left/index"))).unwrap();
    let call = || planted.regtree(["tag", "prune", "--keep-last", "1", "--max-delete", "0%"]);
    call().with(["-n"]).ok().silent().says(["would remove the empty directories that are left of 1 tag"]);
    let summary = call().with(["-n", "--json"]).ok().json_lines().pop().unwrap();
    assert_eq!([&summary["tags"], &summary["removed"], &summary["left_over"]], [&json!(1), &json!(0), &json!(1)]);
    call().ok().silent().says(["removed 0 of 1 tag", "note: removed the empty directories that are left of 1 tag"]);
    assert!(!planted.at(&tag_path(REPOSITORY, "left")).exists());
}

#[test]
fn what_is_left_of_a_tag_that_a_rule_might_keep_stays() {
    for (name, rules) in [
        ("left", &["--keep-tag", "l*"][..]),
        ("left", &["--keep-last", "1", "--older-than", "1d"]),
        ("left", &["--keep-last", "1", "--only-tag", "new"]),
        ("1.0", &["--keep-last", "1", "--keep-latest-semver", "1"]),
    ] {
        let planted = tagged(&[("new", "2020-06-02T00:00:00Z")]);
        fs::create_dir_all(planted.at(&tag_path(REPOSITORY, name)).join("index")).unwrap();
        let run = prune(&planted, rules).with(["--allow-empty", "--explain"]).run().code(3);
        assert!(planted.at(&tag_path(REPOSITORY, name)).exists(), "{rules:?}");
        let row = |line: &String| line.contains(name) && line.starts_with("keep ") && line.ends_with("  damaged");
        assert!(run.lines().iter().any(row), "{rules:?}: {}", run.out());
    }
}

#[test]
fn whatever_is_in_the_place_of_a_tag_has_a_row() {
    let planted = tagged(&[("new", "2020-06-02T00:00:00Z"), ("old", "2020-06-01T00:00:00Z")]);
    planted.plant(&tag_path(REPOSITORY, "a-file"), "");
    std::os::unix::fs::symlink("new", planted.at(&tag_path(REPOSITORY, "a-symlink"))).unwrap();
    fs::create_dir_all(planted.at(&tag_path(REPOSITORY, "a-directory")).join("current/link")).unwrap();
    std::os::unix::fs::symlink("../new/current", {
        fs::create_dir_all(planted.at(&tag_path(REPOSITORY, "a-path"))).unwrap();
        planted.at(&tag_path(REPOSITORY, "a-path")).join("current")
    })
    .unwrap();
    let run = prune(&planted, &["--keep-last", "1", "--json"]).run().code(3).json_lines();
    let kept: Vec<_> =
        run.iter().filter(|event| event["kept_by"] == json!(["damaged"])).map(|event| &event["tag"]).collect();
    assert_eq!(kept, ["a-directory", "a-file", "a-path", "a-symlink"]);
    assert_eq!(run.iter().filter(|event| event["type"] == "damage").count(), 4);
    let run = prune(&planted, &["--keep-last", "1", "--explain"]).run().code(3);
    assert_eq!(
        run.lines().iter().filter(|line| line.ends_with("  -                     damaged")).count(),
        4,
        "{}",
        run.out()
    );
}

#[test]
fn a_damaged_version_keeps_what_covers_it() {
    for damage in ["broken", "no-manifest"] {
        let planted =
            tagged(&[("1", "2020-06-01T00:00:00Z"), ("1.27", "2020-06-01T00:00:00Z"), ("2.0", "2020-06-02T00:00:00Z")]);
        planted.tagged_image(REPOSITORY, "1.27.3", "1.27.3");
        match damage {
            "broken" => planted.plant(&(tag_path(REPOSITORY, "1.27.3") + "/current/link"), "sha256:nonsense"),
            _ => planted.tag(REPOSITORY, "1.27.3", &planted.blob("no manifest")),
        }
        prune(&planted, &["--keep-latest-semver", "1"]).run().code(3).silent();
        for tag in ["1", "1.27", "1.27.3", "2.0"] {
            assert!(planted.at(&tag_path(REPOSITORY, tag)).exists(), "{damage}: {tag}");
        }
    }
}
