//! A link is a permission: a repository gets one only where something shows that it had it.

use std::fs;

use regtree::Digest;
use serde_json::{Value, json};

use super::{repair, tree};
use crate::support::Scratch;
use crate::support::image::{INDEX, MANIFEST};
use crate::support::planted::revision_path;

const OTHER: &str = "victim/private";
const REPOSITORY: &str = "evil/app";
const EVERYTHING: [&str; 2] = ["--only", "reference-missing,reference-deleted,reference-by-alias,index-child-missing"];

/// A repository with a secret, and another that has one layer of its own.
fn with_secret() -> (Scratch, Digest) {
    let scratch = Scratch::new();
    let secret = scratch.image(OTHER, "secret").tag("v1").layer;
    scratch.layer(REPOSITORY, b"{}");
    (scratch, secret)
}

fn descriptor(digest: Digest, size: usize) -> Value {
    json!({ "mediaType": "application/vnd.oci.image.layer.v1.tar+zstd", "digest": digest.to_string(), "size": size })
}

/// Plants a tagged manifest as a registry would store it.
fn push(scratch: &Scratch, manifest: &str) {
    let digest = Digest::of(manifest.as_bytes());
    Scratch::plant(&scratch.blob(digest), manifest);
    let revision = scratch.v2().join(revision_path(REPOSITORY, &digest.to_string())).join("link");
    Scratch::plant(&revision, digest.to_string());
    let tag = scratch.repository(REPOSITORY).join("_manifests/tags/v1");
    Scratch::plant(&tag.join("current/link"), digest.to_string());
    Scratch::plant(&tag.join(format!("index/sha256/{}/link", digest.hex())), digest.to_string());
}

fn image(layer: &Value) -> String {
    let config = descriptor(Digest::of(b"{}"), 2);
    json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer] }).to_string()
}

#[test]
fn a_mention_that_no_registry_checks_gives_no_link() {
    let (_, secret) = with_secret();
    let plain = descriptor(secret, "layer secret".len());
    let text = plain.to_string();
    let with = |fields: &str| image(&plain).replace(&text, &format!("{}{fields}}}", &text[..text.len() - 1]));
    let url = r#"["https://example.com/x"]"#;
    let other = |kind: &str, rest: &str| format!(r#"{{"schemaVersion":2,"mediaType":"{kind}",{rest}}}"#);
    let config = descriptor(Digest::of(b"{}"), 2);
    let manifests = [
        with(&format!(r#","urls":{url}"#)),
        with(&format!(r#","URLs":{url}"#)),
        with(&format!(r#","urls":[],"URLS":{url}"#)),
        other(INDEX, &format!(r#""manifests":[{text}]"#)),
        other(MANIFEST, &format!(r#""config":{config},"layers":[],"subject":{text}"#)),
        other("application/x-unknown", &format!(r#""config":{text},"layers":[{text}]"#)),
        other(MANIFEST, &format!(r#""config":{{"urls":{url},{},"layers":[]"#, &text[1..])),
    ];
    for manifest in manifests {
        let (scratch, secret) = with_secret();
        push(&scratch, &manifest);
        let before = tree(&scratch);
        for words in [&["--all-safe"][..], &EVERYTHING] {
            let done = repair(&scratch, words);
            assert_eq!(done.actions(), [""; 0], "{manifest}");
            assert!(matches!(done.run.exit(), Some(0 | 3)), "{manifest}");
        }
        assert!(before == tree(&scratch), "{manifest}");
        assert!(!scratch.link(REPOSITORY, secret).parent().unwrap().exists(), "{manifest}");
        // What a registry does not look for need not be there, but for the children of a tagged index.
        let errors = super::errors(&scratch).len();
        assert_eq!(errors, usize::from(manifest.contains(INDEX)), "{manifest}");
    }
}

#[test]
fn what_every_registry_checks_gives_the_link_back() {
    let (_, secret) = with_secret();
    let mut plain = descriptor(secret, "layer secret".len());
    let mut manifests = vec![image(&plain)];
    for urls in [json!([]), json!(null)] {
        plain["urls"] = urls;
        manifests.push(image(&plain));
    }
    // Go takes the last one.
    manifests.push(image(&plain).replace(r#""urls":null"#, r#""urls":["https://example.com/x"],"URLs":null"#));
    for manifest in manifests {
        let (scratch, secret) = with_secret();
        push(&scratch, &manifest);
        assert_eq!(repair(&scratch, &["--all-safe"]).code(3).actions(), [""; 0], "{manifest}");
        let done = repair(&scratch, &["--only", "reference-missing"]).code(0);
        assert_eq!(done.actions().len(), 1, "{manifest}");
        assert_eq!(fs::read_to_string(scratch.link(REPOSITORY, secret)).unwrap(), secret.to_string());
    }
}

#[test]
fn in_a_pull_through_cache_no_manifest_shows_anything() {
    let (scratch, secret) = with_secret();
    push(&scratch, &image(&descriptor(secret, "layer secret".len())));
    fs::write(scratch.root().join("scheduler-state.json"), "{}").unwrap();
    let before = tree(&scratch);
    let done = repair(&scratch, &EVERYTHING);
    assert_eq!(done.actions(), [""; 0]);
    assert!(before == tree(&scratch));
    // A source shows it, if its repository of that name has the link.
    let source = Scratch::new();
    source.layer(OTHER, b"layer secret");
    let from = ["--only", "reference-missing", "--from", source.root().to_str().unwrap()];
    assert_eq!(repair(&scratch, &from).actions(), [""; 0]);
    source.layer(REPOSITORY, b"layer secret");
    let done = repair(&scratch, &from).code(0);
    assert_eq!(done.actions().len(), 1);
    assert!(scratch.link(REPOSITORY, secret).exists());
}

#[test]
fn a_link_that_was_deleted_comes_back_only_by_its_own_code() {
    let scratch = Scratch::new();
    let image = scratch.image(REPOSITORY, "image").tag("v1");
    fs::remove_file(scratch.link(REPOSITORY, image.layer)).unwrap();
    assert_eq!(super::errors(&scratch), ["reference-deleted"]);
    scratch.run(["manifest", "verify", REPOSITORY, "v1"]).code(5);
    for words in [&["--all-safe"][..], &["--only", "reference-missing"]] {
        assert_eq!(repair(&scratch, words).code(3).actions(), [""; 0]);
        assert!(!scratch.link(REPOSITORY, image.layer).exists());
    }
    let done = repair(&scratch, &["--only", "reference-deleted"]).code(0);
    assert_eq!(done.actions().len(), 1);
    assert!(scratch.link(REPOSITORY, image.layer).exists());
}

#[test]
fn the_operator_grants_what_nothing_shows_and_the_plan_names_who_else_holds_it() {
    let (scratch, secret) = with_secret();
    let grant = format!("{REPOSITORY}@{secret}");
    let before = tree(&scratch);
    let dry = scratch.run(["repair", "--grant", &grant, "--dry-run"]).code(0);
    assert!(dry.out().contains(&format!("it is also linked in {OTHER}\n")), "{}", dry.out());
    assert!(before == tree(&scratch));
    let done = repair(&scratch, &["--grant", &grant]).code(0);
    let action = done.of_type("repair")[0];
    assert_eq!((&action["granted"], &action["also_in"]), (&json!(true), &json!([OTHER])));
    assert_eq!(fs::read_to_string(scratch.link(REPOSITORY, secret)).unwrap(), secret.to_string());
    // It is there now.
    assert_eq!(repair(&scratch, &["--grant", &grant]).code(0).actions(), [""; 0]);
    super::restore(&scratch, [done.quarantine().unwrap()], &before);
}

#[test]
fn a_manifest_is_granted_as_one() {
    let scratch = Scratch::new();
    let manifest = scratch.image(OTHER, "secret").digest;
    scratch.layer(REPOSITORY, b"{}");
    let layer = scratch.layer(REPOSITORY, b"own");
    let grants = [format!("{REPOSITORY}@{manifest}"), format!("{OTHER}@{layer}")];
    let done = repair(&scratch, &["--grant", &grants[0], "--grant", &grants[1]]);
    assert_eq!(done.actions().len(), 2);
    let link = scratch.v2().join(revision_path(REPOSITORY, &manifest.to_string())).join("link");
    assert_eq!(fs::read_to_string(link).unwrap(), manifest.to_string());
    assert!(scratch.link(OTHER, layer).exists() && !scratch.link(REPOSITORY, manifest).exists());
}

#[test]
fn nothing_is_granted_that_is_not_there() {
    let (scratch, secret) = with_secret();
    let before = tree(&scratch);
    let absent = Digest::of(b"absent");
    let run = |grant: String| scratch.run(["repair", "--all-safe", "--grant", &grant]);
    run(format!("nobody/app@{secret}")).code(4);
    run(format!("{REPOSITORY}@{absent}")).code(4);
    run(format!("{REPOSITORY}:v1")).code(2);
    scratch.run(["repair", "--grant", "x"]).code(2);
    scratch.run(["repair", "--only", "permissions", "--all-safe"]).code(2);
    assert!(before == tree(&scratch));
    scratch.truncate(secret, 3);
    let before = tree(&scratch);
    scratch.run(["repair", "--only", "permissions", "--grant", &format!("{REPOSITORY}@{secret}")]).code(12);
    assert!(before == tree(&scratch));
}
