//! Manifests that name a great many things that are not there: each costs a few findings, and little memory.

use std::fs;

use regtree::Digest;
use serde_json::{Value, json};

use super::{fsck, text};
use crate::support::Scratch;
use crate::support::image::{CONFIG, MANIFEST};
use crate::support::planted::{revision_path, tag_path};

/// Pushes a manifest with layers, as a registry that looks for none would take it.
fn manifest(scratch: &Scratch, repository: &str, tag: &str, layers: &[Value]) -> Digest {
    let config = scratch.layer(repository, b"{}");
    let bytes = json!({
        "schemaVersion": 2, "mediaType": MANIFEST,
        "config": { "mediaType": CONFIG, "digest": config.to_string(), "size": 2 },
        "layers": layers,
    });
    let bytes = bytes.to_string();
    let digest = Digest::of(bytes.as_bytes());
    Scratch::plant(&scratch.blob(digest), &bytes);
    for path in [revision_path(repository, &digest.to_string()), format!("{}/current", tag_path(repository, tag))] {
        Scratch::plant(&scratch.v2().join(path).join("link"), digest.to_string());
    }
    digest
}

fn layer(content: &str) -> Value {
    let media_type = "application/vnd.oci.image.layer.v1.tar";
    json!({ "mediaType": media_type, "digest": Digest::of(content.as_bytes()).to_string(), "size": content.len() })
}

#[test]
fn many_missing_layers_of_one_manifest_are_one_finding_and_each_is_put_in() {
    for count in [10, 12] {
        let (scratch, source) = (Scratch::new(), Scratch::new());
        let contents: Vec<String> = (0..count).map(|number| format!("layer {number}")).collect();
        let layers: Vec<Value> = contents.iter().map(|content| layer(content)).collect();
        let digest = manifest(&scratch, "lib/app", "latest", &layers);
        for content in &contents {
            source.layer("lib/app", content.as_bytes());
        }
        let found = fsck(&scratch, &[]).code(3);
        let missing: Vec<&Value> = found.findings().filter(|finding| finding["code"] == "reference-missing").collect();
        assert_eq!(missing.len(), if count == 10 { 10 } else { 1 }, "{count}");
        assert_eq!(found.broken().into_iter().collect::<Vec<_>>(), ["lib/app:latest"]);
        if count == 12 {
            let joined = missing[0];
            let digests: Vec<String> = joined["digests"].as_array().unwrap().iter().map(text).collect();
            let first: Vec<String> = layers[..10].iter().map(|layer| text(&layer["digest"])).collect();
            assert_eq!((&joined["count"], digests), (&json!(12), first));
            assert_eq!(joined["manifest"], digest.to_string());
            assert!(text(&joined["message"]).ends_with("and 2 more"), "{joined}");
        }
        let from = source.root().to_str().unwrap();
        scratch.run(["repair", "--only", "reference-missing", "--from", from]).code(0);
        for content in &contents {
            let digest = Digest::of(content.as_bytes());
            assert_eq!(fs::read_to_string(scratch.blob(digest)).unwrap(), *content);
            assert_eq!(fs::read_to_string(scratch.link("lib/app", digest)).unwrap(), digest.to_string());
        }
        fsck(&scratch, &["--content"]).code(0);
    }
}

#[test]
fn a_verification_says_of_many_missing_layers_what_the_check_says() {
    let scratch = Scratch::new();
    let layers: Vec<Value> = (0..40).map(|number| layer(&number.to_string())).collect();
    manifest(&scratch, "lib/app", "latest", &layers);
    let of = |events: Vec<Value>| -> Vec<[Value; 4]> {
        let findings = events.into_iter().filter(|event| event["code"] == "reference-missing");
        findings.map(|finding| ["path", "message", "count", "severity"].map(|key| finding[key].clone())).collect()
    };
    let checked = of(fsck(&scratch, &[]).code(3).events);
    let verified = of(scratch.run(["manifest", "verify", "--all", "--json"]).code(5).json_lines());
    assert_eq!(checked.len(), 1);
    assert_eq!(checked, verified);
}

#[test]
fn pushes_that_name_what_is_not_there_cost_little_memory() {
    let scratch = Scratch::new();
    for push in 0..4 {
        let layers: Vec<Value> = (0..4000).map(|number| layer(&format!("{push} {number}"))).collect();
        manifest(&scratch, "evil/x", &format!("t{push}"), &layers);
        let mut elsewhere: Vec<Value> = (0..4000).map(|number| layer(&format!("{push} {number} elsewhere"))).collect();
        for layer in &mut elsewhere {
            layer["urls"] = json!(["https://example.com/layer"]);
        }
        manifest(&scratch, "evil/y", &format!("t{push}"), &elsewhere);
    }
    let before = fsck(&scratch, &[]).code(3);
    assert_eq!(before.findings().filter(|finding| finding["count"] == 4000).count(), 4);
    let calls: [(&[&str], i32); 5] = [
        (&["fsck", "--jobs", "2"], 3),
        (&["repair", "--all-safe", "--jobs", "2"], 3),
        (&["repair", "--only", "reference-missing", "-n", "--jobs", "2"], 3),
        (&["gc", "-n", "--min-age", "0", "--jobs", "2"], 0),
        (&["du"], 0),
    ];
    for (words, code) in calls {
        // Who asks for more is refused, and ends with a signal.
        scratch.regtree(words).behind(["prlimit", "--data=41943040"]).run().code(code);
    }
}
