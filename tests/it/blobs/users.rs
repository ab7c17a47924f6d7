//! `blob users`: what needs some content.

use serde_json::Value;

use crate::support::planted::{Planted, hex_of, layer_path, sha256};

const APP: &str = "team/app";

/// An index of two images that share a layer, for two platforms.
fn multi(planted: &Planted) -> (String, [String; 2], String) {
    let shared = planted.layer(APP, "shared");
    let image = |words: &str| {
        let config = planted.layer(APP, words);
        planted.manifest(APP, &planted.image_of(&config, &[&shared]))
    };
    let images = [image("amd64"), image("arm64")];
    let mut index = planted.index_of(&[&images[0], &images[1]]);
    for (at, architecture) in ["amd64", "arm64"].iter().enumerate() {
        index["manifests"][at]["platform"] = serde_json::json!({ "os": "linux", "architecture": architecture });
    }
    let index = planted.manifest(APP, &index);
    (index, images, shared)
}

/// Repository, tag, platform and manifest of each user, as text.
fn rows(planted: &Planted, digest: &str) -> Vec<Vec<String>> {
    let out = planted.run(["blob", "users", digest]).code(0).out();
    out.lines().map(|line| line.split_whitespace().map(str::to_owned).collect()).collect()
}

#[test]
fn users_are_found_through_indexes_with_their_platforms() {
    let planted = Planted::new();
    let (index, images, shared) = multi(&planted);
    planted.tag(APP, "v1", &index);
    planted.tag(APP, "v2", &index);
    let own = planted.manifest("other", &planted.image_of(&planted.layer("other", "config"), &[&shared]));
    planted.tag("other", "latest", &own);
    planted.tagged_image(APP, "not", "needing it");
    let expected = [
        ["other", "latest", "-", &own],
        [APP, "v1", "linux/amd64", &images[0]],
        [APP, "v1", "linux/arm64", &images[1]],
        [APP, "v2", "linux/amd64", &images[0]],
        [APP, "v2", "linux/arm64", &images[1]],
    ];
    assert_eq!(rows(&planted, &shared), expected);
    assert_eq!(rows(&planted, &hex_of(&shared)[..7]), expected);
    // The children of a tagged index have no tags, and are not shown on their own.
    let config = sha256(b"arm64");
    assert_eq!(rows(&planted, &config), [["v1", "v2"].map(|tag| [APP, tag, "linux/arm64", &images[1]])].concat());
    // Of a child, the index is the user; of an index, its tags.
    assert_eq!(rows(&planted, &images[0]), [["v1", "v2"].map(|tag| [APP, tag, "linux/amd64", &index])].concat());
    assert_eq!(rows(&planted, "team/app:v1"), [["v1", "v2"].map(|tag| [APP, tag, "-", &index])].concat());

    let run = planted.run(["blob", "users", "--json", &config]).code(0).out();
    let users: Vec<Value> = run.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(users.len(), 2);
    let user = serde_json::json!({
        "type": "user", "schema_version": 1, "repository": APP, "tag": "v1", "platform": "linux/arm64",
        "manifest": images[1], "root": index,
    });
    assert_eq!(users[0], user);
}

#[test]
fn a_platform_is_that_of_the_nearest_index() {
    let planted = Planted::new();
    let (inner, images, shared) = multi(&planted);
    let plain = planted.image(APP, "plain");
    let mut outer = planted.index_of(&[&inner, &plain]);
    for at in 0..2 {
        outer["manifests"][at]["platform"] = serde_json::json!({ "os": "windows", "architecture": "amd64" });
    }
    outer["manifests"][0]["mediaType"] = "application/vnd.oci.image.index.v1+json".into();
    let outer = planted.manifest(APP, &outer);
    planted.tag(APP, "nested", &outer);
    let platforms = |digest: &str| rows(&planted, digest).into_iter().map(|row| row[2].clone()).collect::<Vec<_>>();
    assert_eq!(platforms(&shared), ["linux/amd64", "linux/arm64"]);
    assert_eq!(platforms(&sha256(b"layer of plain")), ["windows/amd64"]);
    assert_eq!(platforms(&inner), ["windows/amd64"]);
    assert_eq!(rows(&planted, &shared)[0], [APP, "nested", "linux/amd64", &images[0]]);
}

#[test]
fn untagged_manifests_are_users_and_come_last() {
    let planted = Planted::new();
    let (index, images, shared) = multi(&planted);
    let lone = planted.manifest(APP, &planted.image_of(&planted.layer(APP, "lone"), &[&shared]));
    let tagged = planted.manifest(APP, &planted.image_of(&planted.layer(APP, "tagged"), &[&shared]));
    planted.tag(APP, "v1", &tagged);
    let expected = [
        [APP, "v1", "-", &tagged],
        [APP, "-", "-", &lone],
        [APP, "-", "linux/amd64", &images[0]],
        [APP, "-", "linux/arm64", &images[1]],
    ];
    assert_eq!(rows(&planted, &shared), expected);
    assert_eq!(rows(&planted, &index), [[APP, "-", "-", &index]]);
}

#[test]
fn users_by_another_digest_of_the_same_content_are_found() {
    let planted = Planted::new();
    let alias = planted.alias(APP, "content");
    let manifest = planted.manifest(APP, &planted.image_of(&planted.layer(APP, "config"), &[&alias]));
    planted.tag(APP, "v1", &manifest);
    let expected = [[APP, "v1", "-", &manifest]];
    for digest in [&alias, &sha256(b"content"), &alias[..20]] {
        assert_eq!(rows(&planted, digest), expected, "{digest}");
    }
}

#[test]
fn content_without_users_and_content_that_is_unknown_are_told_apart() {
    let planted = Planted::new();
    let (linked, stray) = (planted.layer(APP, "linked"), planted.blob("stray"));
    planted
        .run(["blob", "users", &linked])
        .code(0)
        .silent()
        .says(["no manifest needs", "only links to it are in team/app"]);
    planted.run(["blob", "users", &stray]).code(0).silent().says(["no manifest needs", "no repository links it"]);
    let nowhere = sha256(b"nowhere");
    planted.run(["blob", "users", &nowhere]).code(4).silent().says(["no repository links blob", &nowhere]);
    planted.run(["blob", "users", &nowhere[..20]]).code(4).silent().says(["no blob in the tree"]);
    planted.run(["blob", "users", "team/app:v1"]).code(4).silent().says(["tag v1 is unknown"]);
    planted.run(["blob", "users", "nonsense"]).code(2).silent();
    planted.run(["blob", "users"]).code(2).silent();
    // What was deleted is no link, though its directory stays.
    planted.remove(&(layer_path(APP, &linked)));
    planted.run(["blob", "users", &linked]).code(0).says(["no repository links it"]);
}

#[test]
fn missing_content_has_users_all_the_same() {
    let planted = Planted::new();
    let image = planted.tagged_image(APP, "v1", "words");
    let layer = sha256(b"layer of words");
    planted.remove(&crate::support::planted::blob_path(&layer));
    let run = planted.run(["blob", "users", &layer]).code(0).says(["the tree lacks the content"]);
    assert_eq!(run.out().split_whitespace().collect::<Vec<_>>(), [APP, "v1", "-", &image]);
    // Its link still says which digest is meant, and so a shortened one is found.
    planted.run(["blob", "users", &layer[..20]]).code(0);
}

#[test]
fn what_cant_be_followed_is_reported_beside_the_users() {
    let planted = Planted::new();
    let image = planted.tagged_image(APP, "v1", "words");
    let broken = planted.tagged_image(APP, "v2", "other words");
    planted.plant(&crate::support::planted::blob_path(&broken), "{");
    let layer = sha256(b"layer of words");
    let run = planted.run(["blob", "users", &layer]).code(3).says([&broken]);
    assert_eq!(run.out().split_whitespace().collect::<Vec<_>>(), [APP, "v1", "-", &image]);
    let events = planted.run(["--json", "blob", "users", &layer]).code(3).out();
    assert!(events.lines().any(|line| line.contains(r#""type":"finding""#)), "{events}");
    // One of these may be the image that needed it.
    let lost = sha256(b"layer of other words");
    planted.run(["blob", "users", &lost]).code(3).says([&broken, "no manifest needs"]);
}
