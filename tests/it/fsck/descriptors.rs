//! What descriptors say of content: its data, its media type, its size, its platform.

use serde_json::{Value, json};

use super::fsck;
use crate::support::Run;
use crate::support::image::{CONFIG, INDEX, MANIFEST};
use crate::support::planted::{Planted, sha256};

const REPOSITORY: &str = "app";
const SCHEMA2: &str = "application/vnd.docker.distribution.manifest.v2+json";

/// The findings of a run, each as code, severity and digest.
fn findings(run: &Run) -> Vec<[String; 3]> {
    let word = |value: &Value| value.as_str().unwrap_or("none").to_owned();
    let events = run.json_lines();
    let found = events.iter().filter(|event| event["type"] == "finding" && event["code"] != "directory-empty");
    found.map(|event| ["code", "severity", "digest"].map(|field| word(&event[field]))).collect()
}

/// Expects `fsck` and `manifest verify` to find this, and to end so.
#[track_caller]
fn found_by_both(planted: &Planted, expected: &[[&str; 3]], codes: [i32; 2]) {
    let checked = planted.run(["fsck", "--json"]).code(codes[0]);
    assert_eq!(findings(&checked), expected);
    let verified = planted.run(["manifest", "verify", REPOSITORY, "v1", "--json"]).code(codes[1]);
    assert_eq!(findings(&verified), expected);
}

/// A tagged image whose config has these fields besides its media type and digest.
fn image(fields: &Value) -> (Planted, String) {
    let planted = Planted::new();
    let config = planted.layer(REPOSITORY, "{}");
    let mut descriptor = json!({ "mediaType": CONFIG, "digest": config });
    descriptor.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let manifest = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": descriptor, "layers": [] });
    let digest = planted.manifest(REPOSITORY, &manifest);
    planted.tag(REPOSITORY, "v1", &digest);
    (planted, config)
}

#[test]
fn data_that_is_not_the_content_of_its_descriptor_is_a_warning() {
    for (data, code) in [
        (json!("e30="), None),
        (json!(null), Some("manifest-odd")),
        (json!("W10="), Some("reference-data-mismatch")),
        (json!(""), Some("reference-data-mismatch")),
    ] {
        let (planted, _) = image(&json!({ "size": 2, "data": data }));
        let expected: Vec<_> = code.into_iter().map(|code| [code, "warning", "none"]).collect();
        found_by_both(&planted, &expected, [0, 0]);
    }
}

#[test]
fn the_data_of_many_descriptors_is_one_finding_of_their_manifest() {
    let planted = Planted::new();
    let config = planted.layer(REPOSITORY, "{}");
    let wrong = json!({ "mediaType": "text/plain", "digest": config, "size": 2, "data": "W10=" });
    let image = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "config": wrong, "layers": [wrong, wrong],
        "subject": { "mediaType": MANIFEST, "digest": sha256(b"gone"), "size": 4, "data": "W10=" },
    });
    let digest = planted.manifest(REPOSITORY, &image);
    planted.tag(REPOSITORY, "v1", &digest);
    found_by_both(&planted, &[["reference-data-mismatch", "warning", "none"]], [0, 0]);
    let said = planted.run(["fsck"]).code(0).out();
    assert!(said.contains("and so is that of 3 other descriptors"), "{said}");
}

#[test]
fn a_child_s_media_type_is_compared_with_the_child() {
    for (media_type, is_right) in [
        (json!(MANIFEST), true),
        (json!("application/vnd.OCI.image.manifest.v1+json; charset=utf-8"), true),
        (json!(null), true),
        (json!(INDEX), false),
        (json!(SCHEMA2), false),
        (json!("text/plain"), false),
    ] {
        let planted = Planted::new();
        let child = planted.image(REPOSITORY, "child");
        let other = planted.image(REPOSITORY, "other");
        let mut index = planted.index_of(&[&child, &other, &child]);
        index["manifests"][0]["mediaType"] = media_type.clone();
        index["manifests"][2]["mediaType"] = media_type;
        let digest = planted.manifest(REPOSITORY, &index);
        planted.tag(REPOSITORY, "v1", &digest);
        let wrong = [["reference-media-type-mismatch", "warning", &child]];
        let checked = planted.run(["fsck", "--json"]).code(0);
        let found = findings(&checked);
        let of_type: Vec<_> = found.iter().filter(|found| found[0] != "manifest-odd").collect();
        assert_eq!(of_type.len(), usize::from(!is_right), "{found:?}");
        assert!(is_right || *of_type[0] == wrong[0], "{found:?}");
        let verified = planted.run(["manifest", "verify", REPOSITORY, "v1", "--json"]).code(0);
        assert_eq!(findings(&verified), found);
    }
}

#[test]
fn what_a_manifest_of_an_unknown_kind_is_called_is_not_compared() {
    let planted = Planted::new();
    let artifact = "application/vnd.oci.artifact.manifest.v1+json";
    let child = planted.manifest(REPOSITORY, &json!({ "schemaVersion": 2, "mediaType": artifact }));
    let mut index = planted.index_of(&[&child]);
    index["manifests"][0]["mediaType"] = json!(artifact);
    let digest = planted.manifest(REPOSITORY, &index);
    planted.tag(REPOSITORY, "v1", &digest);
    planted.layer(REPOSITORY, "a layer");
    assert_eq!(fsck(&planted, &[]).code(0).codes(), ["manifest-unknown-kind"]);
}

#[test]
fn a_size_that_is_missing_counts_as_0() {
    for (fields, is_right) in [(json!({ "size": 2 }), true), (json!({}), false), (json!({ "size": 0 }), false)] {
        let (planted, config) = image(&fields);
        let expected: &[_] = if is_right { &[] } else { &[["reference-size-mismatch", "error", &config]] };
        found_by_both(&planted, expected, if is_right { [0, 0] } else { [3, 5] });
        let said = planted.run(["fsck"]).out();
        let is_missing = fields.get("size").is_none();
        assert_eq!(said.contains("the manifest says no size, which counts as 0"), is_missing, "{said}");
    }
    // Of no bytes, it is right.
    let planted = Planted::new();
    let config = planted.layer(REPOSITORY, "");
    let image = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "config": { "mediaType": CONFIG, "digest": config }, "layers": [],
    });
    let digest = planted.manifest(REPOSITORY, &image);
    planted.tag(REPOSITORY, "v1", &digest);
    found_by_both(&planted, &[], [0, 0]);
}

#[test]
fn features_that_are_no_list_of_texts_are_reported_as_what_registries_2_x_can_t_read() {
    for (features, is_right) in
        [(json!(["sse4"]), true), (json!(null), true), (json!("sse4"), false), (json!([1]), false), (json!({}), false)]
    {
        let planted = Planted::new();
        let child = planted.image(REPOSITORY, "child");
        let mut index = planted.index_of(&[&child]);
        index["manifests"][0]["platform"] = json!({ "os": "linux", "architecture": "amd64", "features": features });
        let digest = planted.manifest(REPOSITORY, &index);
        planted.tag(REPOSITORY, "v1", &digest);
        let severities = |planted: &Planted| -> Vec<String> {
            let run = planted.run(["fsck", "--json"]).code(0);
            let foreign = findings(&run).into_iter().filter(|found| found[0] == "manifest-foreign");
            foreign.map(|[_, severity, _]| severity).collect()
        };
        assert_eq!(severities(&planted), if is_right { vec![] } else { vec!["warning"] }, "{features}");
        // A registry from 3.1 on does not read them. Only the form of an upload's id tells that one is at work here.
        planted.upload(REPOSITORY, "0198f3a0-7c1e-7e3c-8f00-0123456789ab", "2026-11-20T00:00:00Z");
        assert_eq!(severities(&planted), if is_right { vec![] } else { vec!["info"] }, "{features}");
    }
}

#[test]
fn os_features_that_are_no_list_of_texts_make_an_index_invalid() {
    let planted = Planted::new();
    let child = planted.image(REPOSITORY, "child");
    let mut index = planted.index_of(&[&child]);
    index["manifests"][0]["platform"] = json!({ "os": "linux", "architecture": "amd64", "os.features": "sse4" });
    let digest = planted.manifest(REPOSITORY, &index);
    planted.tag(REPOSITORY, "v1", &digest);
    assert_eq!(fsck(&planted, &[]).code(3).codes(), ["manifest-invalid"]);
}
