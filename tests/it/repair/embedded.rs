//! Content that a manifest embeds as the `data` of a descriptor: the digest proves it, so it is a source.

use std::fs;

use serde_json::{Value, json};

use super::{errors, repair};
use crate::support::image::MANIFEST;
use crate::support::planted::{Planted, blob_path, layer_path, sha256};

const REPOSITORY: &str = "team/thing";
const EMPTY: &str = "application/vnd.oci.empty.v1+json";

/// A tagged artifact whose config is `{}`, with this as the config's data.
fn artifact(data: &Value) -> (Planted, String) {
    let planted = Planted::new();
    let config = planted.layer(REPOSITORY, "{}");
    let layer = planted.layer(REPOSITORY, "hello");
    let mut config_of = json!({ "mediaType": EMPTY, "digest": config, "size": 2 });
    config_of["data"] = data.clone();
    let manifest = planted.manifest(
        REPOSITORY,
        &json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": "application/vnd.example.thing",
            "config": config_of, "layers": [{ "mediaType": "text/plain", "digest": layer, "size": 5 }],
        }),
    );
    planted.tag(REPOSITORY, "v1", &manifest);
    // Much else, so that little of the tree is missing.
    (0..12).for_each(|number| drop(planted.tagged_image("other", &format!("v{number}"), &number.to_string())));
    (planted, config)
}

#[test]
fn lost_content_is_put_in_from_the_data_of_its_descriptor() {
    // Go reads a list of bytes as it reads base64.
    for data in [json!("e30="), json!([123, 125])] {
        let (planted, config) = artifact(&data);
        planted.remove(&blob_path(&config));
        let dry = repair(&planted, &["--all-safe", "-n"]).code(0);
        assert!(!planted.has(&config));
        let done = repair(&planted, &["--all-safe"]).code(0);
        assert_eq!((done.actions().len(), done.actions()), (1, dry.actions()));
        assert_eq!(fs::read(planted.at(&blob_path(&config))).unwrap(), b"{}");
        planted.run(["manifest", "verify", REPOSITORY, "v1", "--content"]).code(0);
        assert_eq!(errors(&planted), [""; 0]);
    }
}

#[test]
fn a_reference_that_lost_content_and_link_is_mended_only_when_it_is_asked_for() {
    let (planted, config) = artifact(&json!("e30="));
    planted.remove(&format!("blobs/sha256/{}", &config["sha256:".len()..][..2]));
    fs::remove_dir_all(planted.at(&layer_path(REPOSITORY, &config)).parent().unwrap()).unwrap();
    let said = planted.run(["repair", "--all-safe"]).code(3).out();
    assert!(said.contains(" repair --only reference-missing\n"), "{said}");
    assert!(!said.contains("push what they lack"), "{said}");
    assert!(!planted.has(&config));
    let done = repair(&planted, &["--only", "reference-missing"]).code(0);
    assert_eq!(done.actions().len(), 2);
    assert!(planted.has(&config) && planted.links(REPOSITORY, &config));
    planted.run(["manifest", "verify", REPOSITORY, "v1", "--content"]).code(0);
}

#[test]
fn corrupt_content_is_replaced_from_the_data_of_its_descriptor() {
    for wrong in ["", "[]", "something long"] {
        let (planted, config) = artifact(&json!("e30="));
        fs::write(planted.at(&blob_path(&config)), wrong).unwrap();
        let said = planted.run(["repair", "--all-safe"]).code(0).out();
        // Taking the wrong content away and putting in the right one is one item.
        assert!(said.contains("repaired 1 item\n"), "{said}");
        assert_eq!(fs::read(planted.at(&blob_path(&config))).unwrap(), b"{}");
    }
}

#[test]
fn data_that_is_something_else_is_no_source() {
    for data in [json!("W10="), json!(""), json!(null)] {
        let (planted, config) = artifact(&data);
        planted.remove(&blob_path(&config));
        repair(&planted, &["--all-safe"]).code(3);
        repair(&planted, &["--only", "blob-missing"]).code(3);
        assert!(!planted.has(&config));
        assert_eq!(config, sha256(b"{}"));
    }
}
