//! Why content is kept, and how much of it there is.

use serde_json::{Value, json};

use super::planted::{Planted, sha256, tag_path};
use super::{NOW, NOW_UNTAGGED};
use crate::support::snapshot;

/// What `--explain` says of one digest.
fn explained(planted: &Planted, words: &[&str], digest: &str) -> Value {
    let before = snapshot(planted.root());
    let run = planted.regtree(["gc", "--json"]).with(words).with(["--explain", digest]).run();
    assert!(snapshot(planted.root()) == before, "something was changed");
    assert!(matches!(run.exit(), Some(0 | 3 | 4)), "{}", run.err());
    let events = run.json_lines();
    assert_eq!(events[0]["dry_run"], true, "nothing is removed");
    let mut found: Vec<Value> = events.into_iter().filter(|event| event["type"] == "explain").collect();
    assert_eq!(found.len(), 1, "{}", run.out());
    found.remove(0)
}

fn way(steps: &[(&str, &str)]) -> Value {
    let step = |(kind, text): &(&str, &str)| match *kind {
        "repository" | "tag" => json!({ "kind": kind, "name": text }),
        _ => json!({ "kind": kind, "digest": text }),
    };
    steps.iter().map(step).collect()
}

#[test]
fn the_shortest_way_from_a_tag_is_told() {
    let planted = Planted::new();
    let child = planted.image("lib", "a child");
    let index = planted.index("lib", &[&child]);
    planted.tag("lib", "multi", &index);
    let layer = sha256(b"layer of a child");
    let by_index =
        [("repository", "lib"), ("tag", "multi"), ("manifest", &*index), ("manifest", &*child), ("content", &*layer)];
    let said = explained(&planted, &NOW_UNTAGGED, &layer);
    assert_eq!((&said["fate"], &said["reason"], &said["way"]), (&json!("kept"), &json!("tagged"), &way(&by_index)));
    // A plain collection keeps the child for its own sake.
    let said = explained(&planted, &NOW, &layer);
    let linked = [("repository", "lib"), ("manifest", &*child), ("content", &*layer)];
    assert_eq!((&said["reason"], &said["way"]), (&json!("linked"), &way(&linked)));
    // A tag of its own is shorter.
    planted.tag("lib", "one", &child);
    let said = explained(&planted, &NOW_UNTAGGED, &layer);
    let tagged = [("repository", "lib"), ("tag", "one"), ("manifest", &*child), ("content", &*layer)];
    assert_eq!(said["way"], way(&tagged));
}

#[test]
fn a_referrer_is_kept_by_its_subject_and_a_layer_by_another_of_its_names() {
    let planted = Planted::new();
    let image = planted.tagged_image("lib", "v1", "an image");
    let referrer = planted.referrer("lib", &image, "a signature");
    let layer = sha256(b"layer of a signature");
    let steps =
        [("repository", "lib"), ("tag", "v1"), ("manifest", &*image), ("manifest", &*referrer), ("content", &*layer)];
    assert_eq!(explained(&planted, &NOW_UNTAGGED, &layer)["way"], way(&steps));
    let alias = planted.alias("lib", "of two names");
    let config = planted.layer("lib", "config");
    let aliased = planted.manifest("lib", &planted.image_of(&config, &[&alias]));
    planted.tag("lib", "v2", &aliased);
    let canonical = sha256(b"of two names");
    let steps =
        [("repository", "lib"), ("tag", "v2"), ("manifest", &*aliased), ("content", &*alias), ("content", &*canonical)];
    assert_eq!(explained(&planted, &NOW_UNTAGGED, &canonical)["way"], way(&steps));
}

#[test]
fn what_goes_is_said_to_go_and_what_is_not_there_ends_in_exit_code_4() {
    let planted = Planted::new();
    planted.tagged_image("lib", "v1", "an image");
    let stale = planted.layer("lib", "stale");
    let said = explained(&planted, &NOW, &stale);
    assert_eq!(said["fate"], "goes");
    assert_eq!(said["links_going"], json!([{ "kind": "layer-link", "repository": "lib" }]));
    let nowhere = sha256(b"nowhere");
    assert_eq!(explained(&planted, &NOW, &nowhere)["fate"], "absent");
    let run = planted.regtree(["gc", "--explain", &stale, &nowhere]).with(NOW).run().code(4);
    assert!(
        run.out().contains(&format!("{stale} would be removed"))
            && run.out().contains(&format!("{nowhere} is not in the tree"))
    );
    planted.regtree(["gc", "--explain", "sha256:short"]).run().code(2);
}

#[test]
fn what_is_young_is_told_with_the_time_at_which_it_goes() {
    let planted = Planted::new();
    planted.tagged_image("lib", "v1", "an image");
    let orphan = planted.blob("an orphan");
    let said = explained(&planted, &[], &orphan);
    assert_eq!((&said["fate"], &said["reason"]), (&json!("kept"), &json!("young")), "{said}");
    let until: jiff::Timestamp = said["until"].as_str().unwrap().parse().unwrap();
    let left = until.duration_since(jiff::Timestamp::now());
    assert!(left.as_hours() >= 23 && left.as_hours() <= 24, "{said}");
}

#[test]
fn what_a_doubt_keeps_is_told() {
    let planted = Planted::new();
    planted.tagged_image("other", "v1", "an image");
    let stale = planted.layer("lib", "stale");
    planted.plant(&format!("{}/current/link", tag_path("lib", "broken")), "");
    let said = explained(&planted, &NOW, &stale);
    assert_eq!((&said["fate"], &said["reason"]), (&json!("kept"), &json!("untouchable")), "{said}");
    assert_eq!(said["way"], way(&[("repository", "lib"), ("link", &*stale)]));
    let named = planted.root().join("keep");
    let orphan = planted.blob("an orphan");
    std::fs::write(&named, &orphan).unwrap();
    let said = explained(&planted, &[&NOW[..], &["--keep-digests", named.to_str().unwrap()]].concat(), &orphan);
    assert_eq!(said["reason"], "named", "{said}");
}

#[test]
fn every_blob_that_is_not_explained_away_is_what_the_plan_removes() {
    for version in crate::support::vectors::versions() {
        let scratch = crate::support::vectors::tree(&version);
        let truth = crate::support::vectors::truth(&version);
        let blobs: Vec<&str> = truth["blobs"].as_object().unwrap().keys().map(String::as_str).collect();
        for (words, field) in [(&NOW[..], "gc"), (&NOW_UNTAGGED, "gc_delete_untagged")] {
            // The truth files say what goes without the tags of deleted manifests.
            let call = scratch.regtree(["gc", "--json", "--delete-dangling-tags"]).with(words);
            let run = call.with(["--explain"]).with(blobs.iter().copied()).ok();
            let events = run.json_lines();
            let goes = |event: &&Value| event["fate"] == "goes";
            let of = |event: &Value| event["digest"].as_str().unwrap().to_owned();
            let said = events.iter().filter(|event| event["type"] == "explain");
            let gone: std::collections::BTreeSet<String> = said.clone().filter(goes).map(of).collect();
            let expected = truth[field]["remove_blobs"].as_array().unwrap().iter();
            assert_eq!(gone, expected.map(|digest| digest.as_str().unwrap().to_owned()).collect(), "{version}");
            assert!(
                said.filter(|event| !goes(event)).all(|event| event["way"][0]["kind"] == "repository"),
                "{version}"
            );
        }
    }
}

#[test]
fn what_is_kept_is_explained_whatever_the_options() {
    let (planted, young) = super::every_edge();
    // A manifest without a link, which leads to content by another of its names.
    let alias = planted.alias("other", "a layer that is named");
    let named = planted.blob(planted.image_of(&planted.blob("config of what is named"), &[&alias]).to_string());
    planted.age(48);
    planted.age_of(&super::planted::layer_path("other", &young), 0);
    let file = planted.root().join("keep");
    std::fs::write(&file, &named).unwrap();
    let files = super::files(&planted.scratch);
    let blobs: Vec<String> = files.iter().filter_map(|path| super::digest_of_blob(path)).collect();
    let choices: [&[&str]; 5] = [
        &["--delete-untagged"],
        &["--delete-untagged", "--delete-dangling-referrers"],
        &["--repository", "other"],
        &["--keep-digests", file.to_str().unwrap()],
        &["--min-age", "0"],
    ];
    let mut seen = std::collections::BTreeSet::new();
    for chosen in 0..1_u32 << choices.len() {
        if chosen & 0b11 == 0b11 {
            continue;
        }
        let words = choices.iter().enumerate().filter(|(at, _)| chosen & 1 << at != 0);
        let words: Vec<&str> = words.flat_map(|(_, words)| *words).copied().collect();
        let goes = super::collect(&planted.scratch, &[&words[..], &["--dry-run"]].concat()).said().blobs;
        let explain = planted.regtree(["gc", "--json"]).with(&words).with(["--explain"]).with(&blobs).ok();
        let events = explain.json_lines();
        let said: Vec<&Value> = events.iter().filter(|event| event["type"] == "explain").collect();
        assert_eq!(said.len(), blobs.len());
        for event in said {
            let digest = event["digest"].as_str().unwrap();
            let fate = if goes.contains(digest) { "goes" } else { "kept" };
            assert_eq!(event["fate"], fate, "{words:?}: {event}");
            if fate == "kept" {
                assert_eq!(event["way"].as_array().unwrap().last().unwrap()["digest"], digest, "{words:?}: {event}");
                seen.insert(event["reason"].as_str().unwrap().to_owned());
            }
        }
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), ["linked", "named", "tagged", "untouchable", "young"]);
}

#[test]
fn a_signature_is_kept_by_the_image_that_its_tag_was_made_for() {
    let planted = Planted::new();
    let image = planted.tagged_image("lib", "v1", "an image");
    let signature = planted.tagged_image("lib", &format!("{}.sig", image.replace(':', "-")), "a signature");
    let words = [&NOW_UNTAGGED[..], &["--delete-dangling-referrers"]].concat();
    let layer = sha256(b"layer of a signature");
    let steps =
        [("repository", "lib"), ("tag", "v1"), ("manifest", &*image), ("manifest", &*signature), ("content", &*layer)];
    let said = explained(&planted, &words, &layer);
    assert_eq!((&said["fate"], &said["reason"], &said["way"]), (&json!("kept"), &json!("tagged"), &way(&steps)));
}

#[test]
fn sizes_say_how_many_bytes_stay() {
    let planted = Planted::new();
    planted.tagged_image("lib", "v1", "an image");
    planted.layer("lib", vec![7; 1000]);
    let bytes: u64 = walkdir::WalkDir::new(planted.at("blobs"))
        .into_iter()
        .map(|entry| entry.unwrap().metadata().unwrap())
        .filter(std::fs::Metadata::is_file)
        .map(|found| found.len())
        .sum();
    for words in [&["--dry-run"][..], &[]] {
        let run = planted.regtree(["gc", "--json", "--sizes"]).with(NOW).with(words.iter().copied()).ok();
        let summary = run.json_lines().pop().unwrap();
        assert_eq!(summary["kept_bytes"], bytes - 1000, "{summary}");
    }
    let summary = planted.regtree(["gc", "--json", "-n"]).with(NOW).ok().json_lines().pop().unwrap();
    assert_eq!(summary["kept_bytes"], Value::Null);
}

#[test]
fn the_untagged_are_counted_with_their_bytes() {
    let planted = Planted::new();
    planted.tagged_image("lib", "v1", "an image");
    let untagged = planted.image("lib", "an untagged image");
    let content = ["config of an untagged image".len(), "layer of an untagged image".len()];
    let manifest = std::fs::metadata(planted.at(&super::planted::blob_path(&untagged))).unwrap().len();
    let bytes = manifest + content.iter().sum::<usize>() as u64;
    for words in [&["--sizes"][..], &[]] {
        let run = planted.regtree(["gc", "--json", "-n"]).with(NOW).with(words.iter().copied()).ok();
        let summary = run.json_lines().pop().unwrap();
        let untagged = &summary["untagged"];
        assert_eq!(
            [&untagged["revisions"], &untagged["blobs"], &untagged["bytes"]],
            [&json!(1), &json!(3), &json!(bytes)]
        );
    }
    let real = planted.regtree(["gc", "--json"]).with(NOW_UNTAGGED).ok().json_lines().pop().unwrap();
    assert_eq!(real["bytes"], bytes);
}
