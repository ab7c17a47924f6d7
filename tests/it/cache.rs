//! Trees of pull-through caches: what such a tree lacks is fetched when it is pulled.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::support::planted::{Planted, blob_path, revision_path, sha256};
use crate::support::{Regtree, Run, Scratch, snapshot};

const HOUR: Duration = Duration::from_hours(1);

fn state(planted: &Planted) -> PathBuf {
    planted.root().join("scheduler-state.json")
}

/// What pulls through a cache leave: of an index one child, of an image the manifest alone, of another all but a layer
/// and the content of a link; and what has expired there. Returns the layer of a tag that has expired.
fn pulled() -> (Planted, String) {
    let planted = Planted::new();
    let child = planted.image("library/base", "fetched");
    let index = planted.index("library/base", &[&child, &sha256(b"never pulled")]);
    planted.tag("library/base", "1", &index);
    let alone = planted.image_of(&sha256(b"no config"), &[&sha256(b"no layer")]);
    let alone = planted.manifest("library/alone", &alone);
    planted.tag("library/alone", "2", &alone);
    let part = planted.image("library/part", "a part");
    planted.tag("library/part", "3", &part);
    planted.remove(&blob_path(&sha256(b"layer of a part")));
    planted.revision("library/part", &sha256(b"no manifest"));
    planted.tag("library/part", "4", &sha256(b"no manifest"));
    let expired = planted.image("library/part", "expired");
    planted.tag("library/part", "5", &expired);
    planted.remove(&(revision_path("library/part", &expired) + "/link"));
    planted.tag("library/part", "6", &sha256(b"expired long ago"));
    planted.age(24 * 30);
    fs::write(state(&planted), "{}").unwrap();
    (planted, sha256(b"layer of expired"))
}

/// Everything in the tree, but what checks note.
fn tree(scratch: &Scratch) -> impl PartialEq + std::fmt::Debug + use<> {
    snapshot(&scratch.root().join("docker"))
}

/// Expects that nothing is wrong, and that it is said once that this is a cache.
#[track_caller]
fn is_sound(run: &Run) {
    let said = format!("{}{}", run.out(), run.err());
    assert_eq!((run.exit(), said.matches("pull-through").count()), (Some(0), 1), "{said}");
    for word in ["push again", "pushed again", "cannot be pulled", "error:", "warning:"] {
        assert!(!said.contains(word), "{word}: {said}");
    }
}

fn severities(run: &Run) -> Vec<Value> {
    run.json_lines().iter().filter(|event| event["type"] == "finding").map(|event| event["severity"].clone()).collect()
}

#[test]
fn what_a_pull_through_cache_lacks_is_no_damage() {
    let (planted, _) = pulled();
    let before = tree(&planted);
    let calls: [&[&str]; 8] = [
        &["fsck"],
        &["fsck", "--content", "--strict"],
        &["manifest", "verify", "--all"],
        &["manifest", "verify", "--all", "--strict"],
        &["repair", "--all-safe", "-n"],
        &["repair", "--all-safe"],
        &["gc", "-n", "--max-delete", "100%"],
        &["du"],
    ];
    for call in calls {
        is_sound(&planted.run(call));
        let json = planted.regtree(call).with(["--json"]).ok();
        assert_eq!(json.json_lines().last().unwrap()["cache"], true, "{call:?}");
        assert!(tree(&planted) == before, "{call:?}");
    }
    planted.run(["manifest", "stat", "library/base", "1"]).code(0);
    let fsck = planted.run(["fsck", "--json"]).code(0);
    let found = severities(&fsck);
    assert!(found.len() >= 6 && found.iter().all(|severity| severity == "info"), "{}", fsck.out());
    assert!(fsck.json_lines().iter().all(|event| event["images"].is_null()), "{}", fsck.out());
    // What is asked for by its code says the same.
    let asked = planted.run(["repair", "--only", "blob-missing,manifest-missing,reference-missing", "-n"]).code(0);
    assert!(asked.err().contains("a pull-through cache fetches") && !asked.err().contains("push"), "{}", asked.err());
    // Without the state all of it is wrong.
    fs::remove_file(state(&planted)).unwrap();
    planted.run(["fsck"]).code(3);
    planted.run(["manifest", "verify", "--all"]).code(5);
    planted.run(["gc", "-n"]).code(3);
    assert_eq!(planted.run(["fsck", "--json"]).code(3).json_lines().last().unwrap()["cache"], false);
}

#[test]
fn a_collection_of_a_cache_keeps_nothing_for_what_has_expired_and_doubts_nothing() {
    let (planted, expired) = pulled();
    let events = planted.regtree(["gc", "--json", "--max-delete", "100%"]).ok().json_lines();
    assert!(!events.iter().any(|event| event["type"] == "keep-opaque" || event["type"] == "finding"), "{events:?}");
    assert!(!planted.has(&expired) && !planted.links("library/part", &expired));
    for kept in ["layer of fetched", "config of a part"] {
        assert!(planted.has(&sha256(kept.as_bytes())), "{kept}");
    }
    is_sound(&planted.run(["fsck"]));
}

#[test]
fn in_a_cache_only_absence_is_excused() {
    for content in ["", "{\"schemaVersion\":2}", "layer of fetche"] {
        for blob in ["layer of fetched", "config of a part"] {
            let (planted, _) = pulled();
            planted.plant(&blob_path(&sha256(blob.as_bytes())), content);
            planted.run(["fsck", "--content"]).code(3);
            planted.run(["manifest", "verify", "--all", "--content"]).code(5);
        }
        let (planted, _) = pulled();
        let child = planted.image("library/base", "fetched");
        planted.plant(&blob_path(&child), content);
        planted.run(["fsck"]).code(3);
        planted.run(["gc", "-n"]).code(3);
    }
}

/// Says when a file was written, so long after the state or before it.
fn set_after(planted: &Planted, path: &str, after: Duration) {
    let written = fs::metadata(state(planted)).unwrap().modified().unwrap();
    Scratch::set_time(&planted.at(path), written + after);
}

#[test]
fn a_registry_that_was_a_cache_and_takes_pushes_by_now_is_none() {
    let minute = Duration::from_mins(1);
    let upload = "repositories/library/alone/_uploads/49c7033d-8881-4914-9c95-d56c28397fe8";
    for (after, is_cache) in [(Duration::ZERO, true), (59 * minute, true), (HOUR + minute, false)] {
        let code = if is_cache { 0 } else { 3 };
        let (planted, _) = pulled();
        Scratch::set_time(&state(&planted), SystemTime::now() - 10 * HOUR);
        let revision = planted.image("library/part", "a part");
        planted.remove(&blob_path(&sha256(b"layer of a part")));
        set_after(&planted, &(revision_path("library/part", &revision) + "/link"), after);
        planted.run(["fsck"]).code(code);
        let (planted, _) = pulled();
        Scratch::set_time(&state(&planted), SystemTime::now() - 10 * HOUR);
        planted.upload("library/alone", "49c7033d-8881-4914-9c95-d56c28397fe8", "2026-01-01T00:00:00Z");
        set_after(&planted, upload, after);
        let found = planted.run(["fsck", "--json"]);
        assert_eq!(found.json_lines().last().unwrap()["cache"], is_cache, "{}", found.out());
    }
}

#[test]
fn a_configuration_that_is_given_decides() {
    let (planted, _) = pulled();
    let run = |proxy: &str, words: &[&str]| {
        let config = planted.root().join("config.yml");
        let root = planted.root().to_str().unwrap();
        fs::write(&config, format!("storage: {{filesystem: {{rootdirectory: {root}}}}}\n{proxy}\n")).unwrap();
        Regtree::new(["--registry-config", config.to_str().unwrap()]).with(words)
    };
    let proxy = "proxy: {remoteurl: 'https://registry-1.docker.io'}";
    is_sound(&run(proxy, &["fsck"]).run());
    run("", &["fsck"]).run().code(3);
    run("proxy: {remoteurl: ''}", &["gc", "-n"]).run().code(3);
    fs::remove_file(state(&planted)).unwrap();
    is_sound(&run(proxy, &["fsck"]).run());
    is_sound(&run(proxy, &["gc", "-n", "--max-delete", "100%"]).run());
    is_sound(&run("", &["fsck"]).env("REGISTRY_PROXY_REMOTEURL", "https://mirror.example.com").run());
    run("", &["fsck"]).run().code(3);
}
