//! What `manifest verify` and `gc` find, `fsck` finds: by the same code, equally bad, of the same file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use regtree::Digest;
use serde_json::Value;

use super::{fsck, text};
use crate::support::Scratch;
use crate::support::vectors::{damaged, damaged_trees};

/// The findings of a command, by path: each a code and how bad it is.
type Found = BTreeMap<String, BTreeSet<(String, String)>>;

fn found<'f>(findings: impl Iterator<Item = &'f Value>) -> Found {
    let mut found = Found::new();
    // That a manifest is of schema1 is nothing to whoever verifies it: only newer registries mind.
    for finding in findings.filter(|finding| finding["type"] == "finding" && finding["code"] != "manifest-foreign") {
        let severity = finding["severity"].as_str().unwrap_or_default().to_owned();
        found.entry(text(&finding["path"])).or_default().insert((text(&finding["code"]), severity));
    }
    found
}

#[track_caller]
fn agree(what: &str, scratch: &Scratch) {
    let lines = fsck(scratch, &["--content"]);
    let fsck = found(lines.findings());
    let verify = scratch.run(["manifest", "verify", "--all", "--content", "--json"]).json_lines();
    for (path, findings) in found(verify.iter()) {
        assert_eq!(fsck.get(&path), Some(&findings), "{what}: verify of {path}");
    }
    for words in [&["gc", "-n", "--min-age", "0", "--json"][..], &["gc", "-n", "--delete-untagged", "--json"]] {
        for (path, findings) in found(scratch.run(words).json_lines().iter()) {
            let known = fsck.get(&path).cloned().unwrap_or_default();
            let known: BTreeSet<String> = known.into_iter().map(|(code, _)| code).collect();
            let codes: BTreeSet<String> = findings.into_iter().map(|(code, _)| code).collect();
            assert!(codes.is_subset(&known), "{what}: gc says {codes:?} of {path}, fsck {known:?}");
        }
    }
}

#[test]
fn of_every_damaged_tree_verify_and_gc_say_what_fsck_says() {
    for name in damaged_trees() {
        agree(&name, &damaged(&name));
    }
}

/// A manifest that only a tag leads to, cut anywhere: no descriptor says how long it was.
#[test]
fn a_manifest_that_is_cut_is_truncated_whoever_looks() {
    let scratch = Scratch::new();
    let config = scratch.put("lib/app", b"config");
    let descriptor = |digest: Digest, size: usize| serde_json::json!({ "digest": digest, "size": size });
    let manifest = serde_json::json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": descriptor(config, 6), "layers": [],
    });
    let put = scratch.regtree(["manifest", "put", "lib/app", "--tag", "v1"]).stdin(manifest.to_string());
    put.ok();
    let digest = Digest::of(manifest.to_string().as_bytes());
    for cut in [1, 7, 40, manifest.to_string().len() - 1] {
        fs::write(scratch.blob(digest), &manifest.to_string()[..cut]).unwrap();
        agree("cut", &scratch);
        assert_eq!(fsck(&scratch, &[]).codes(), ["blob-truncated"], "{cut}");
    }
    let run = scratch.run(["repair", "--only", "blob-truncated", "--json", "-n"]);
    assert!(run.json_lines().iter().any(|event| event["repair"] == "quarantine-blob"), "{}", run.out());
}

/// A manifest may say what it likes of the size of its subject: no pull looks at it.
#[test]
fn a_wrong_size_of_a_subject_is_a_warning_of_its_own() {
    let scratch = Scratch::new();
    let config = scratch.put("lib/app", b"{}");
    let image = |subject: Option<(Digest, usize)>| {
        let mut manifest = serde_json::json!({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": { "digest": config, "size": 2 }, "layers": [],
        });
        if let Some((digest, size)) = subject {
            manifest["subject"] = serde_json::json!({
                "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": size,
            });
        }
        manifest.to_string()
    };
    let subject = image(None);
    let digest = Digest::of(subject.as_bytes());
    for (tag, manifest) in [("v1", subject.clone()), ("sig", image(Some((digest, subject.len() + 1))))] {
        let put = scratch.regtree(["manifest", "put", "lib/app", "--tag", tag]).stdin(manifest);
        put.ok();
    }
    agree("subject", &scratch);
    let checked = fsck(&scratch, &[]).code(0);
    let warnings: Vec<String> = checked.of_severity("warning").iter().map(|finding| text(&finding["code"])).collect();
    assert_eq!(warnings, ["subject-size-wrong"]);
    scratch.run(["manifest", "verify", "lib/app", "sig"]).code(0);
}
