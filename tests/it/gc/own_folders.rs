//! What makes a directory a repository, and files in the way of one: `repo list`, `fsck` and `gc` agree, and report each
//! once. Links that are too long are reported with their length.

use serde_json::Value;

use super::planted::{Planted, layer_path, revision_path, sha256, tag_path};
use super::{Collection, NOW, collect};

/// A tree with an image, and content that nothing needs.
fn planted() -> (Planted, String, String) {
    let planted = Planted::new();
    let image = planted.tagged_image("lib", "v1", "an image");
    let orphan = planted.blob("an orphan");
    (planted, image, orphan)
}

/// The findings of `fsck` about a path below `docker/registry/v2`, as code and severity.
fn checked(planted: &Planted, path: &str) -> Vec<(String, String)> {
    about(planted.run(["fsck", "--json"]).json_lines(), planted, path, "severity")
}

/// The findings of a collection about a path, as code and doubt.
fn doubted(collection: &Collection, planted: &Planted, path: &str) -> Vec<(String, String)> {
    about(collection.events.clone(), planted, path, "doubt")
}

fn about(events: Vec<Value>, planted: &Planted, path: &str, field: &str) -> Vec<(String, String)> {
    let path = planted.below_root(&planted.at(path));
    let found = events.into_iter().filter(|event| event["type"] == "finding" && event["path"] == path);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    found.map(|event| (text(&event["code"]), text(&event[field]))).collect()
}

fn one(code: &str, field: &str) -> Vec<(String, String)> {
    vec![(code.to_owned(), field.to_owned())]
}

#[test]
fn a_plain_file_makes_no_repository_and_keeps_nothing() {
    for name in ["_layers", "_manifests", "_uploads"] {
        let (planted, image, orphan) = planted();
        let file = format!("repositories/odd/{name}");
        planted.plant(&file, "");
        let list = planted.run(["repo", "list"]).code(3);
        assert_eq!(list.lines(), ["lib"], "{name}");
        assert_eq!(list.err().matches(&file).count(), 1, "{}", list.err());
        assert_eq!(checked(&planted, &file), one("file-unexpected", "warning"), "{name}");
        planted.run(["fsck"]).code(0);
        let collection = collect(&planted.scratch, &NOW).code(0);
        assert_eq!(doubted(&collection, &planted, &file), one("file-unexpected", "none"), "{name}");
        assert_eq!(collection.gone.blobs, [orphan].into(), "{name}");
        assert!(planted.has(&image) && planted.at(&file).exists());
    }
}

#[test]
fn a_plain_file_in_a_repository_is_reported_once() {
    for (name, doubt) in [("_layers", "repository"), ("_manifests", "tree"), ("_uploads", "none")] {
        let (planted, image, orphan) = planted();
        planted.tagged_image("odd", "v1", "another image");
        let file = format!("repositories/odd/{name}");
        if planted.at(&file).exists() {
            planted.remove(&file);
        }
        planted.plant(&file, "");
        assert_eq!(planted.run(["repo", "list"]).code(0).lines(), ["lib", "odd"], "{name}");
        let long = planted.run(["repo", "list", "--long"]).code(3);
        assert_eq!(long.err().matches(&file).count(), 1, "{}", long.err());
        assert_eq!(checked(&planted, &file), one("file-unexpected", "error"), "{name}");
        let collection = collect(&planted.scratch, &NOW);
        assert_eq!(doubted(&collection, &planted, &file), one("file-unexpected", doubt), "{name}");
        assert_eq!(planted.has(&orphan), doubt == "tree", "{name}");
        assert!(planted.has(&image) && planted.has(&sha256(b"layer of another image")), "{name}");
    }
}

#[test]
fn a_symbolic_link_makes_no_repository_and_keeps_all_content() {
    let (planted, image, orphan) = planted();
    planted.tagged_image("odd", "v1", "another image");
    for name in ["_layers", "_manifests"] {
        let (folder, outside) = (planted.at(&format!("repositories/odd/{name}")), planted.root().join(name));
        std::fs::rename(&folder, &outside).unwrap();
        std::os::unix::fs::symlink(&outside, &folder).unwrap();
    }
    assert_eq!(planted.run(["repo", "list"]).code(3).lines(), ["lib"]);
    let collection = collect(&planted.scratch, &NOW).code(3);
    for name in ["_layers", "_manifests"] {
        let link = format!("repositories/odd/{name}");
        assert_eq!(doubted(&collection, &planted, &link), one("symlink", "tree"), "{name}");
        assert_eq!(checked(&planted, &link), one("symlink", "warning"), "{name}");
    }
    assert!(planted.has(&image) && planted.has(&orphan) && planted.has(&sha256(b"layer of another image")));
}

#[test]
fn a_plain_file_called_as_a_folder_of_the_alphas_is_nothing_to_the_collection() {
    let (planted, image, orphan) = planted();
    for name in ["layers", "manifests", "uploads"] {
        planted.plant(&format!("repositories/odd/{name}"), "");
    }
    assert_eq!(planted.run(["repo", "list"]).code(0).lines(), ["lib"]);
    let collection = collect(&planted.scratch, &NOW).code(0);
    assert_eq!(collection.of_type("finding").count(), 0);
    assert_eq!(collection.gone.blobs, [orphan].into());
    assert!(planted.has(&image));
}

#[test]
fn a_link_that_is_too_long_is_reported_with_its_length_by_every_command() {
    let (planted, image, _) = planted();
    let alias = planted.alias("lib", "content by another name");
    let long = "x".repeat(5000);
    let tag = tag_path("lib", "v1") + "/current/link";
    let links = [revision_path("lib", &image) + "/link", layer_path("lib", &alias), tag.clone()];
    for link in &links {
        planted.plant(link, &long);
    }
    let says = |answer: String| {
        let lengths: Vec<&str> = answer.matches(" bytes)").collect();
        assert!(!lengths.is_empty() && answer.matches("(5000 bytes)").count() == lengths.len(), "{answer}");
    };
    let scratch = &planted.scratch;
    for call in [
        &["tag", "get", "lib", "v1"][..],
        &["manifest", "get", "lib", &image],
        &["blob", "stat", "lib", &alias],
        &["fsck"],
        &["gc", "--dry-run", "--min-age", "0"],
    ] {
        let run = scratch.run(call);
        says(run.out() + &run.err());
    }
    let collection = collect(scratch, &NOW).code(3);
    for link in &links {
        assert_eq!(doubted(&collection, &planted, link), one("link-malformed", "repository"), "{link}");
        let checked = checked(&planted, link);
        assert!(matches!(&checked[..], [(code, _)] if code == "link-malformed"), "{link}: {checked:?}");
    }
}
