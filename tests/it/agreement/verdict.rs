//! `fsck` and `manifest verify` find the same wrong with the same content, and equally bad.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;

use super::random::{How, Ways, cached, damaged};
use super::{Answer, ask, of_every_damage, of_every_version};
use crate::support::Scratch;
use crate::support::hold::hold;
use crate::support::planted::{Planted, blob_path, revision_path, sha256};

/// What `manifest verify` says of content and of links to it, if it says anything.
const WORDS: [&str; 22] = [
    "alias-broken",
    "blob-corrupt",
    "blob-empty",
    "blob-missing",
    "blob-truncated",
    "file-unexpected",
    "index-child-missing",
    "link-empty",
    "link-malformed",
    "link-mismatch",
    "manifest-ambiguous",
    "manifest-deep",
    "manifest-invalid",
    "manifest-missing",
    "manifest-too-large",
    "manifest-unknown-kind",
    "reference-missing",
    "reference-size-mismatch",
    "revision-dangling",
    "signature-invalid",
    "symlink",
    "unreadable",
];

/// Codes, each with its worst severity, by the content that they are about: verify tells of each manifest that needs it.
type Verdicts = BTreeMap<String, BTreeMap<String, String>>;

/// For each repository, what its manifests are and name.
type Needed = BTreeMap<String, BTreeSet<String>>;

fn verdicts(answer: &Answer, needed: &Needed) -> Verdicts {
    let mut verdicts = Verdicts::new();
    // Verify does not look at a layer link that no manifest of its repository needs, though another repository's may.
    let is_stale = |finding: &Value, about: &String| {
        let is_layer = finding["path"].as_str().is_some_and(|path| path.contains("/_layers/"));
        let repository = finding["repository"].as_str().unwrap_or_default();
        is_layer
            && needed.values().flatten().any(|it| it == about)
            && !needed.get(repository).is_some_and(|needed| needed.contains(about))
    };
    let text = |value: &Value| value.as_str().map(str::to_owned);
    for finding in answer.of_type("finding").filter(|finding| finding["tag"].is_null()) {
        let code = text(&finding["code"]).unwrap();
        let about = text(&finding["digest"]).or_else(|| text(&finding["manifest"]));
        let about = about.or_else(|| named_by(finding["path"].as_str()?));
        let about = about.filter(|about| !code.starts_with("link-") || !is_stale(finding, about));
        if let Some(about) = about.filter(|_| WORDS.contains(&code.as_str())) {
            let severity = verdicts.entry(about).or_default().entry(code).or_default();
            if severity != "error" {
                *severity = text(&finding["severity"]).unwrap();
            }
        }
    }
    verdicts
}

/// The digest that the directories of a link or of content name.
fn named_by(path: &str) -> Option<String> {
    let parts: Vec<&str> = path.rsplit('/').collect();
    match parts.as_slice() {
        ["link", hex, algorithm, ..] | ["data", hex, _, algorithm, ..] => Some(format!("{algorithm}:{hex}")),
        _ => None,
    }
}

/// Every manifest that a repository links, and all that they name, as far as it can be read.
fn needed(scratch: &Scratch) -> Needed {
    let mut needed = Needed::new();
    let entries = walkdir::WalkDir::new(scratch.v2().join("repositories")).into_iter().filter_map(Result::ok);
    for entry in entries.filter(|entry| entry.file_name() == "link" && entry.file_type().is_file()) {
        let parts: Vec<&str> = entry.path().iter().map(|part| part.to_str().unwrap()).collect();
        if let [above @ .., _, "revisions", algorithm, hex, "link"] = parts.as_slice() {
            let begin = above.iter().rposition(|part| *part == "repositories").unwrap();
            let digest = format!("{algorithm}:{hex}");
            let needed = needed.entry(above[begin + 1..].join("/")).or_default();
            needed.extend(named(scratch, &digest));
            needed.insert(digest);
        }
    }
    needed
}

fn named(scratch: &Scratch, manifest: &str) -> Vec<String> {
    let read = manifest.parse().ok().and_then(|digest| fs::read(scratch.blob(digest)).ok());
    let read = read.filter(|content| sha256(content) == manifest);
    let document: Option<Value> = read.and_then(|content| serde_json::from_slice(&content).ok());
    let digest = |entry: &Value, key: &str| entry[key].as_str().map(str::to_owned);
    let Some(document) = document else { return Vec::new() };
    let of = |field: &str, key: &'static str| -> Vec<String> {
        document[field].as_array().into_iter().flatten().filter_map(|entry| digest(entry, key)).collect()
    };
    let config = digest(&document["config"], "digest");
    [of("layers", "digest"), of("manifests", "digest"), of("fsLayers", "blobSum"), Vec::from_iter(config)].concat()
}

/// What only one of the two says.
fn agree(scratch: &Scratch) -> Result<(), String> {
    let needed = needed(scratch);
    let mut fsck = verdicts(&ask(scratch, ["fsck", "--content"]), &needed);
    let verify = verdicts(&ask(scratch, ["manifest", "verify", "--all", "--content"]), &needed);
    // Who has only a broken link to content can't tell what the content is.
    let is_link = |code: &String| code.starts_with("link-");
    for (about, said) in &mut fsck {
        if verify.get(about).is_some_and(|said| said.keys().all(is_link)) {
            said.retain(|code, _| is_link(code));
        }
    }
    let about: BTreeSet<&String> =
        fsck.keys().filter(|about| needed.values().any(|it| it.contains(*about))).chain(verify.keys()).collect();
    let differ = about.into_iter().filter(|about| fsck.get(*about) != verify.get(*about));
    let said = |verdicts: &Verdicts, about: &String| format!("{:?}", verdicts.get(about).cloned().unwrap_or_default());
    let complaints: Vec<String> =
        differ.map(|about| format!("{about}: fsck {}, verify {}", said(&fsck, about), said(&verify, about))).collect();
    if complaints.is_empty() { Ok(()) } else { Err(complaints.join("\n")) }
}

#[test]
fn of_any_version_s_tree_fsck_and_verify_say_the_same() {
    of_every_version(|make| agree(&make()));
}

#[test]
fn of_any_damaged_tree_fsck_and_verify_say_the_same() {
    of_every_damage(|make| agree(&make()));
}

#[test]
fn of_an_untagged_manifest_that_is_missing_fsck_and_verify_say_the_same() {
    let planted = Planted::new();
    planted.tagged_image("lib", "v1", "an image");
    planted.remove(&blob_path(&planted.image("lib", "an untagged image")));
    agree(&planted.scratch).unwrap_or_else(|complaint| panic!("{complaint}"));
}

#[test]
fn of_a_directory_in_the_place_of_a_manifest_s_link_fsck_and_verify_say_the_same() {
    let planted = Planted::new();
    let image = planted.tagged_image("a", "v1", "an image");
    planted.tagged_image("b", "v1", "an image");
    let link = planted.at(&(revision_path("a", &image) + "/link"));
    fs::remove_file(&link).unwrap();
    fs::create_dir(&link).unwrap();
    agree(&planted.scratch).unwrap_or_else(|complaint| panic!("{complaint}"));
    planted.run(["manifest", "verify", "--all"]).code(5);
    assert!(link.is_dir());
}

#[test]
fn of_a_random_damaged_cache_fsck_and_verify_say_the_same() {
    hold(60, 24, damaged(Ways::of(&How::ALL)), |recipe| agree(&cached(recipe.grow())));
}

#[test]
fn of_a_random_damaged_tree_fsck_and_verify_say_the_same() {
    hold(100, 21, damaged(Ways::of(&How::ALL)), |recipe| agree(&recipe.grow()));
}
