//! `manifest referrers`: by subject, and as clients list them under a tag.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{OCI_INDEX, OCI_MANIFEST, REPOSITORY, about, put, with_image};
use crate::support::vectors::{tree, truth, versions};

fn digests(index: &Value) -> BTreeSet<String> {
    let manifests = index["manifests"].as_array().unwrap();
    manifests.iter().map(|manifest| manifest["digest"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_referrers_that_every_version_stored_are_found_by_their_subject() {
    let mut subjects = 0;
    for version in versions() {
        let (scratch, truth) = (tree(&version), truth(&version));
        for (name, repository) in truth["repositories"].as_object().unwrap() {
            let mut expected: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
            for (digest, manifest) in repository["manifests"].as_object().unwrap() {
                if let Some(subject) = manifest["subject"].as_str() {
                    expected.entry(subject).or_default().insert(digest.clone());
                }
            }
            subjects += expected.len();
            for (subject, referrers) in expected {
                let index = scratch.run(["manifest", "referrers", name, subject]).code(0).json();
                assert_eq!((&index["schemaVersion"], &index["mediaType"]), (&json!(2), &json!(OCI_INDEX)));
                assert_eq!(digests(&index), referrers, "{version} {subject}");
            }
        }
    }
    assert!(subjects > 15, "{subjects}");
}

#[test]
fn a_referrer_is_described_as_the_specification_wants() {
    let (scratch, digest) = with_image();
    let size = scratch.run(["manifest", "get", REPOSITORY, "v1"]).code(0).bytes().len();
    let mut signature = about(digest, size, "application/x.signature");
    signature["annotations"] = json!({ "by": "somebody" });
    let signature_digest = put(&scratch, REPOSITORY, &signature, &[]);
    // Without an artifactType, the config says what it is.
    let mut plain = about(digest, size, "");
    plain["config"]["mediaType"] = json!("application/x.config");
    let plain_digest = put(&scratch, REPOSITORY, &plain, &[]);
    let index = scratch.run(["manifest", "referrers", REPOSITORY, &digest.to_string()]).code(0).json();
    let mut expected = [
        json!({
            "mediaType": OCI_MANIFEST, "digest": signature_digest, "size": signature.to_string().len(),
            "artifactType": "application/x.signature", "annotations": { "by": "somebody" },
        }),
        json!({
            "mediaType": OCI_MANIFEST, "digest": plain_digest, "size": plain.to_string().len(),
            "artifactType": "application/x.config",
        }),
    ];
    expected.sort_by_key(|referrer| referrer["digest"].to_string());
    assert_eq!(index["manifests"], json!(expected));
    let filtered =
        ["manifest", "referrers", REPOSITORY, &digest.to_string(), "--artifact-type", "application/x.config"];
    assert_eq!(digests(&scratch.run(filtered).code(0).json()), [plain_digest.to_string()].into());
    let stat = scratch.run(["manifest", "stat", REPOSITORY, "v1", "--json"]).code(0).json();
    for referrer in &mut expected {
        referrer["media_type"] = referrer["mediaType"].clone();
        referrer["artifact_type"] = referrer["artifactType"].clone();
    }
    assert_eq!(stat["referrers"], json!(expected));
}

#[test]
fn what_a_client_listed_under_the_tag_counts_too_once_each() {
    let (scratch, digest) = with_image();
    let known = about(digest, 1, "application/x.known");
    let known_digest = put(&scratch, REPOSITORY, &known, &[]);
    let gone = format!("sha256:{}", "ab".repeat(32));
    let list = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [
        { "mediaType": OCI_MANIFEST, "digest": known_digest, "size": 1, "artifactType": "application/x.other" },
        { "mediaType": OCI_MANIFEST, "digest": gone, "size": 7, "artifactType": "application/x.gone" },
    ] });
    put(&scratch, REPOSITORY, &list, &[&digest.to_string().replace(':', "-")]);
    let index = scratch.run(["manifest", "referrers", REPOSITORY, &digest.to_string()]).code(0).json();
    assert_eq!(digests(&index), [known_digest.to_string(), gone.clone()].into());
    let described = |digest: &str| {
        index["manifests"].as_array().unwrap().iter().find(|found| found["digest"] == digest).unwrap().clone()
    };
    assert_eq!(described(&known_digest.to_string())["artifactType"], "application/x.known");
    assert_eq!(described(&gone)["size"], 7);
    let said = scratch.run(["manifest", "stat", REPOSITORY, "v1"]).code(0).out();
    assert!(said.contains("application/x.gone (missing)"), "{said}");
}

#[test]
fn a_subject_need_not_exist_and_what_cannot_be_read_may_be_a_referrer() {
    let (scratch, digest) = with_image();
    let absent = format!("sha256:{}", "cd".repeat(32));
    let index = scratch.run(["manifest", "referrers", REPOSITORY, &absent]).code(0).json();
    assert_eq!(index["manifests"], json!([]));
    std::fs::write(scratch.blob(digest), "garbage").unwrap();
    let run = scratch.run(["manifest", "referrers", REPOSITORY, &absent]).code(3);
    run.says(["warning: ", &digest.to_string()]);
    scratch.run(["manifest", "referrers", "other", &absent]).code(4).silent().says(["repository other is unknown"]);
}
