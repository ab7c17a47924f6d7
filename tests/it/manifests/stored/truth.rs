//! What every registry version stored, as its truth file says.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::verify;
use crate::support::vectors::{tree, truth, versions};
use crate::support::{Scratch, snapshot};

/// Shows every version's tree to `check`, with a repository and what is true of it; the tree must not change.
fn on_every_repository(check: impl Fn(&Scratch, &str, &Value)) {
    for version in versions() {
        let (scratch, truth) = (tree(&version), truth(&version));
        let before = snapshot(scratch.root());
        for (name, repository) in truth["repositories"].as_object().unwrap() {
            check(&scratch, name, repository);
        }
        assert_eq!(snapshot(scratch.root()), before, "{version}");
    }
}

fn strings(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(|text| text.as_str().unwrap().to_owned()).collect()
}

fn set(value: &Value) -> BTreeSet<String> {
    strings(value).into_iter().collect()
}

#[test]
fn the_manifests_of_every_version_are_listed_with_their_kinds_sizes_and_tags() {
    on_every_repository(|scratch, name, truth| {
        let events = scratch.regtree(["manifest", "list", name, "--long", "--json"]).ok().json_lines();
        let manifests = truth["manifests"].as_object().unwrap();
        assert_eq!(events.len(), manifests.len(), "{name}");
        for event in &events {
            let expected = &manifests[event["digest"].as_str().unwrap()];
            assert_eq!((&event["kind"], &event["size"]), (&expected["kind"], &expected["size"]), "{event}");
            assert_eq!(set(&event["tags"]), set(&expected["tags"]), "{event}");
        }
        let mut digests: Vec<&String> = manifests.keys().collect();
        digests.sort();
        let listed = scratch.run(["manifest", "list", name]).code(0).lines();
        assert_eq!(listed.iter().collect::<Vec<_>>(), digests);
    });
}

#[test]
fn what_no_tag_leads_to_is_what_a_collection_removes_and_has_its_size_and_age() {
    on_every_repository(|scratch, name, truth| {
        let all = ["gc", "--delete-untagged", "--min-age", "0", "--allow-rootless", "-n", "--json"];
        let removed = scratch.run(all).json_lines().into_iter().filter(|event| event["kind"] == "revision");
        let removed = removed.filter(|event| event["repository"] == name);
        let mut removed: Vec<String> = removed.map(|event| event["digest"].as_str().unwrap().to_owned()).collect();
        removed.sort();
        let events = scratch.regtree(["manifest", "list", name, "--untagged", "--json"]).ok().json_lines();
        assert_eq!(events.iter().map(|event| event["digest"].as_str().unwrap()).collect::<Vec<_>>(), removed, "{name}");
        let lines = scratch.run(["manifest", "list", name, "--untagged"]).code(0).lines();
        assert_eq!(lines.len(), removed.len());
        for (event, line) in events.iter().zip(lines) {
            let size = &truth["manifests"][event["digest"].as_str().unwrap()]["size"];
            assert_eq!(&event["size"], size, "{event}");
            let words: Vec<&str> = line.split_whitespace().collect();
            assert_eq!(
                [words[0], *words.last().unwrap()],
                [event["digest"].as_str().unwrap(), event["since"].as_str().unwrap()]
            );
        }
    });
}

#[test]
fn the_manifests_of_every_version_are_looked_at_with_all_that_they_reference() {
    on_every_repository(|scratch, name, truth| {
        for (digest, expected) in truth["manifests"].as_object().unwrap() {
            let stat = scratch.regtree(["manifest", "stat", name, digest, "--json"]).ok().json();
            let fields = [("mediaType", "media_type"), ("size", "size"), ("kind", "kind"), ("subject", "subject")];
            for (ours, theirs) in fields {
                assert_eq!(stat[ours], expected[theirs], "{digest} {ours}");
            }
            assert_eq!(stat["digest"], json!(digest));
            assert_eq!(stat["oddities"], json!([]));
            let parts = stat["references"].as_array().unwrap();
            let by_role = |child: bool| {
                let parts = parts.iter().filter(move |part| (part["role"] == "child") == child);
                parts.map(|part| part["digest"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
            };
            assert_eq!(by_role(false), strings(&expected["references"]), "{digest}");
            assert_eq!(by_role(true), strings(&expected["children"]), "{digest}");
            assert!(parts.iter().all(|part| part["present"] == true), "{stat}");
        }
    });
}

#[test]
fn the_manifests_of_every_version_are_got_byte_for_byte_by_digest_and_by_tag() {
    on_every_repository(|scratch, name, truth| {
        for digest in truth["manifests"].as_object().unwrap().keys() {
            let got = scratch.run(["manifest", "get", name, digest]).code(0);
            assert_eq!(regtree::Digest::of(got.bytes()).to_string(), *digest);
        }
        for (tag, expected) in truth["tags"].as_object().unwrap() {
            let got = scratch.run(["manifest", "get", name, tag]);
            if expected["revision_exists"] == false {
                // 2.1 and 2.2 leave the tag of a manifest that was deleted.
                got.code(4).silent().says([name, expected["digest"].as_str().unwrap()]);
                continue;
            }
            assert_eq!(regtree::Digest::of(got.code(0).bytes()).to_string(), expected["digest"].as_str().unwrap());
        }
    });
}

#[test]
fn every_version_s_tree_is_whole() {
    for version in versions() {
        let (scratch, truth) = (tree(&version), truth(&version));
        let manifests = truth["repositories"].as_object().unwrap().values();
        let count: usize = manifests.map(|repository| repository["manifests"].as_object().unwrap().len()).sum();
        let manifests = if count == 1 { "manifest" } else { "manifests" };
        let said = format!("{count} {manifests} checked: 0 errors, 0 warnings");
        verify(&scratch, &["--all", "--content"]).code(0).silent().says([&said]);
    }
}

#[test]
fn the_signatures_that_old_registries_stored_are_listed_and_fit() {
    on_every_repository(|scratch, name, truth| {
        for (digest, expected) in truth["manifests"].as_object().unwrap() {
            let run = scratch.run(["manifest", "signatures", name, digest, "--json"]);
            let stored = expected["stored_signatures"].as_object().cloned().unwrap_or_default();
            if stored.is_empty() {
                run.code(4).silent().says([name, digest]);
                continue;
            }
            let pair = |id: &Value, algorithm: &Value| (id.to_string(), algorithm.to_string());
            let expected: BTreeSet<_> = stored.values().map(|found| pair(&found["kid"], &found["alg"])).collect();
            let events = run.code(0).json_lines();
            assert!(events.iter().all(|event| event["valid"] == true && event["time"].is_string()), "{events:?}");
            let found: BTreeSet<_> = events.iter().map(|found| pair(&found["key_id"], &found["algorithm"])).collect();
            assert_eq!((found, events.len()), (expected, stored.len()));
        }
    });
}

#[test]
fn a_stored_signature_that_does_not_fit_is_told_and_keeps_the_manifest_from_being_whole() {
    let (scratch, truth) = (tree("2.4.1"), truth("2.4.1"));
    let manifests = truth["repositories"]["lib"]["manifests"].as_object().unwrap();
    let (digest, manifest) = manifests.iter().find(|(_, manifest)| manifest["stored_signatures"].is_object()).unwrap();
    let signature: regtree::Digest =
        manifest["stored_signatures"].as_object().unwrap().keys().next().unwrap().parse().unwrap();
    // Another signature, well-formed, under its own right digest.
    let bytes = std::fs::read(scratch.blob(signature)).unwrap();
    let mut text: Value = serde_json::from_slice(&bytes).unwrap();
    let wrong: String = text["signature"].as_str().unwrap().chars().rev().collect();
    text["signature"] = json!(wrong);
    let forged = serde_json::to_vec(&text).unwrap();
    let forged_digest = scratch.put("other", &forged);
    let links = scratch.repository("lib").join("_manifests/revisions/sha256");
    let links = links.join(digest.split_once(':').unwrap().1).join("signatures/sha256");
    Scratch::plant(&links.join(&*forged_digest.hex()).join("link"), forged_digest.to_string());
    let run = scratch.run(["manifest", "signatures", "lib", digest]).code(5);
    assert!(run.out().contains("INVALID") && run.out().contains("valid\n"), "{}", run.out());
    let run = scratch.run(["manifest", "verify", "lib", digest]).code(5);
    assert!(run.out().contains("signature-invalid") && run.out().contains(digest), "{}", run.out());
}
