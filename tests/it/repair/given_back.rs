//! What the quarantine gives back is part of the plan: a dry run shows what the real run does.

use std::fs;

use serde_json::Value;

use crate::support::{Pushed, Scratch};

/// All that a run says, without what a dry run can't know, and how it ends.
fn told(scratch: &Scratch, words: &[&str]) -> (Option<i32>, Vec<Value>) {
    let run = scratch.regtree(["repair", "--json"]).with(words).run();
    let mut events = run.json_lines();
    for fields in events.iter_mut().filter_map(Value::as_object_mut) {
        fields.remove("dry_run");
        fields.remove("quarantine");
        if fields["type"] == "summary" {
            fields.remove("run");
        }
    }
    (run.exit(), events)
}

#[track_caller]
fn agree(scratch: &Scratch, words: &[&str]) -> (Option<i32>, Vec<Value>) {
    let dry = told(scratch, &[words, &["--dry-run"]].concat());
    let real = told(scratch, words);
    assert_eq!(dry, real);
    real
}

/// An image that a collection moved to the quarantine, of which the tag and the manifest's link are back, and no more.
fn tagged_again() -> (Scratch, Pushed) {
    let scratch = Scratch::new();
    let image = scratch.image("lib/app", "image").tag("latest");
    for number in 0..4 {
        scratch.image("lib/app", &format!("other {number}")).tag(&format!("v{number}"));
    }
    let manifests = scratch.repository("lib/app").join("_manifests");
    let links = [
        manifests.join("tags/latest/current/link"),
        manifests.join(format!("tags/latest/index/sha256/{}/link", image.digest.hex())),
        manifests.join(format!("revisions/sha256/{}/link", image.digest.hex())),
    ];
    scratch.run(["tag", "delete", "lib/app", "latest"]).code(0);
    scratch.run(["gc", "--quarantine", "--delete-untagged", "--min-age", "0"]).code(0);
    assert!(!scratch.blob(image.digest).exists());
    for link in links {
        Scratch::plant(&link, image.digest.to_string());
    }
    (scratch, image)
}

fn actions(events: &[Value], kind: &str) -> usize {
    events.iter().filter(|event| event["type"] == kind).count()
}

#[test]
fn a_dry_run_plans_with_what_comes_back_and_what_that_needs() {
    let (scratch, image) = tagged_again();
    // The manifest shows which content it needs, and which links to that are missing. To grant it is not for all that is safe.
    let (code, events) = agree(&scratch, &["--all-safe"]);
    assert_eq!((code, actions(&events, "restore"), actions(&events, "repair")), (Some(3), 3, 0), "{events:#?}");
    assert!(!scratch.link("lib/app", image.layer).exists());
    let (scratch, image) = tagged_again();
    let (code, events) = agree(&scratch, &["--only", "reference-missing"]);
    assert_eq!((code, actions(&events, "restore"), actions(&events, "repair")), (Some(0), 3, 2), "{events:#?}");
    scratch.run(["manifest", "verify", "lib/app", "latest", "--content"]).code(0);
    assert!(scratch.link("lib/app", image.layer).exists());
}

#[test]
fn what_is_wrong_in_the_quarantine_is_missing_dry_and_real() {
    let (scratch, image) = tagged_again();
    let held = walkdir::WalkDir::new(scratch.root().join(".regtree/quarantine"));
    let data = held.into_iter().map(|entry| entry.unwrap().into_path()).filter(|path| path.ends_with("data"));
    let layer = data.into_iter().find(|path| fs::read(path).unwrap() == b"layer image").unwrap();
    fs::write(layer, "wrong").unwrap();
    let (code, events) = agree(&scratch, &["--only", "reference-missing,blob-corrupt"]);
    assert_eq!((code, actions(&events, "restore")), (Some(3), 2), "{events:#?}");
    assert!(!scratch.blob(image.layer).exists() && scratch.blob(image.config).exists());
}
