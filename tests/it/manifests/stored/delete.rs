//! `manifest delete` removes the link, unless tags point to the manifest; the content is kept.

use regtree::Digest;
use serde_json::json;

use super::{REPOSITORY, image, index, plant_strange, put, with_image};
use crate::support::vectors::{tree, truth};
use crate::support::{Scratch, snapshot};

fn revision(scratch: &Scratch, repository: &str, digest: Digest) -> std::path::PathBuf {
    scratch.repository(repository).join("_manifests/revisions/sha256").join(&*digest.hex()).join("link")
}

#[test]
fn tags_keep_a_manifest_unless_they_go_too() {
    let (scratch, digest) = with_image();
    scratch.run(["tag", "set", REPOSITORY, "v2", &digest.to_string()]).code(0);
    let other = put(&scratch, REPOSITORY, &image(b"config", &[]), &["v3"]);
    let before = snapshot(&scratch.v2());
    let name = digest.to_string();
    let delete = || scratch.regtree(["manifest", "delete", REPOSITORY, &name]);
    delete().run().code(12).silent().says(["tag v1", "tag v2", REPOSITORY, &name]);
    let error = delete().with(["--json"]).run().code(12).json_error();
    assert_eq!((&error["code"], &error["detail"]["needed_by"]), (&json!("REFUSED"), &json!(["tag v1", "tag v2"])));
    delete().with(["-n"]).run().code(12);
    let dry = delete().with(["-n", "--with-tags"]).ok();
    assert_eq!(snapshot(&scratch.v2()), before);
    let done = delete().with(["--with-tags"]).ok();
    assert_eq!(done.lines(), [format!("{REPOSITORY}:v1"), format!("{REPOSITORY}:v2"), name.clone()]);
    assert_eq!(dry.lines(), done.lines());
    assert!(!revision(&scratch, REPOSITORY, digest).exists() && scratch.blob(digest).exists());
    scratch.run(["manifest", "get", REPOSITORY, "v1"]).code(4);
    scratch.run(["manifest", "get", REPOSITORY, &name]).code(4).says([&name, REPOSITORY]);
    scratch.run(["manifest", "verify", REPOSITORY, "v3"]).code(0);
    delete().run().code(4).silent().says([&name, REPOSITORY]);
    scratch.run(["manifest", "delete", REPOSITORY, &other.to_string(), &name, "--with-tags"]).code(4).silent();
    assert!(revision(&scratch, REPOSITORY, other).exists(), "all or nothing");
}

#[test]
fn a_manifest_without_tags_goes_and_its_layers_stay() {
    let (scratch, _) = with_image();
    let digest = put(&scratch, REPOSITORY, &image(b"config", &[]), &[]);
    let name = digest.to_string();
    let run = scratch.regtree(["manifest", "delete", REPOSITORY, &name, &name, "--json"]).ok();
    let event = json!({
        "repository": REPOSITORY, "digest": name, "tags": [], "dry_run": false, "type": "delete", "schema_version": 1,
    });
    assert_eq!(run.json_lines(), [event]);
    scratch.run(["blob", "get", REPOSITORY, &Digest::of(b"config").to_string()]).code(0);
    scratch.run(["manifest", "verify", REPOSITORY, "v1"]).code(0);
}

#[test]
fn a_manifest_where_registry_2_1_put_it_goes_too() {
    let (scratch, truth) = (tree("2.1.0"), truth("2.1.0"));
    let manifests = truth["repositories"]["lib"]["manifests"].as_object().unwrap();
    let (digest, _) = manifests.iter().find(|(_, manifest)| manifest["tags"] != json!([])).unwrap();
    scratch.run(["manifest", "get", "lib", digest]).code(0);
    scratch.run(["manifest", "delete", "lib", digest]).code(12).silent();
    scratch.run(["manifest", "delete", "lib", digest, "--with-tags"]).code(0);
    scratch.run(["manifest", "get", "lib", digest]).code(4);
    assert!(!scratch.run(["manifest", "list", "lib"]).code(0).lines().contains(digest));
}

#[test]
fn a_broken_link_goes_like_any_other() {
    let (scratch, _) = with_image();
    let digest = put(&scratch, REPOSITORY, &image(b"config", &[]), &[]);
    std::fs::write(revision(&scratch, REPOSITORY, digest), "").unwrap();
    let name = digest.to_string();
    scratch.run(["manifest", "get", REPOSITORY, &name]).code(5).silent().says([&name, "empty"]);
    scratch.run(["manifest", "delete", REPOSITORY, &name]).code(0);
    assert!(!revision(&scratch, REPOSITORY, digest).exists());
}

#[test]
fn a_tag_that_does_not_say_what_it_points_to_keeps_everything() {
    let (scratch, digest) = with_image();
    let link = scratch.repository(REPOSITORY).join("_manifests/tags/v1/current/link");
    std::fs::write(link, "garbage").unwrap();
    let delete = || scratch.regtree(["manifest", "delete", REPOSITORY, &digest.to_string()]);
    for words in [&[][..], &["-n"], &["--force"], &["--with-tags"], &["--force", "--with-tags"]] {
        let run = delete().with(words).run().code(12).silent();
        run.says(["tag v1", "garbage", "hint: to do it anyway, use --allow-unreadable"]);
        assert!(revision(&scratch, REPOSITORY, digest).exists());
    }
    delete().with(["--allow-unreadable"]).run().code(3).says(["warning: ", "tag v1", "garbage"]);
    assert!(!revision(&scratch, REPOSITORY, digest).exists());
}

#[test]
fn a_child_is_kept_by_its_index_unless_that_goes_too_or_the_child_is_forced_out() {
    let (scratch, _) = with_image();
    let (one, two) = (image(b"config", &[b"other"]), image(b"config", &[]));
    let [first, second] = [&one, &two].map(|image| put(&scratch, REPOSITORY, image, &[]).to_string());
    let parent = put(&scratch, REPOSITORY, &index(&[(&one, "amd64"), (&two, "arm64")]), &["multi"]).to_string();
    let before = snapshot(&scratch.v2());
    let delete = |words: &[&str]| scratch.regtree(["manifest", "delete", REPOSITORY]).with(words);
    for words in [&[&*second][..], &[&first, &second], &[&second, "-n"], &[&second, "--with-tags"]] {
        let run = delete(words).run().code(12).silent();
        run.says([format!("is needed by index {parent}")]);
    }
    let error = delete(&[&second, "--json"]).run().code(12).json_error();
    assert_eq!(
        (&error["code"], &error["detail"]["needed_by"]),
        (&json!("REFUSED"), &json!([format!("index {parent}")]))
    );
    assert!(snapshot(&scratch.v2()) == before);

    let stat = scratch.regtree(["manifest", "stat", REPOSITORY, &second]);
    assert!(stat.clone().ok().out().contains(&format!("parents:\n  {parent}\n")));
    assert_eq!(stat.with(["--json"]).ok().json()["parents"], json!([parent]));
    let stat = scratch.run(["manifest", "stat", REPOSITORY, &parent, "--json"]).code(0).json();
    assert_eq!(stat["parents"], json!([]));

    delete(&[&second, "--force"]).ok();
    assert!(!revision(&scratch, REPOSITORY, second.parse().unwrap()).exists());
    put(&scratch, REPOSITORY, &two, &[]);
    delete(&[&first, &second, &parent, "--with-tags"]).ok();
    for gone in [&first, &second, &parent] {
        assert!(!revision(&scratch, REPOSITORY, gone.parse().unwrap()).exists());
    }
}

#[test]
fn what_nobody_understands_keeps_the_manifests_that_it_mentions() {
    let (scratch, _) = with_image();
    let child = put(&scratch, REPOSITORY, &image(b"config", &[]), &[]);
    let strange = plant_strange(&scratch, &child.to_string());
    let delete = || scratch.regtree(["manifest", "delete", REPOSITORY, &child.to_string()]);
    delete().run().code(12).silent().says([format!("is needed by manifest {strange}")]);
    std::fs::write(scratch.blob(strange), "damaged").unwrap();
    delete().run().code(12).silent().says(["cannot find out what repository lib/app needs", &strange.hex()]);
    // What is damaged can be taken away all the same.
    scratch.run(["manifest", "delete", REPOSITORY, &strange.to_string()]).code(0);
    delete().ok();
}

#[test]
fn a_manifest_that_is_a_layer_too_is_gone_and_the_layer_stays() {
    let (scratch, digest) = with_image();
    assert_eq!(scratch.put(REPOSITORY, image(b"config", &[b"layer"]).to_string().as_bytes()), digest);
    let name = digest.to_string();
    scratch.run(["manifest", "delete", REPOSITORY, &name, "--with-tags"]).code(0);
    scratch.run(["manifest", "get", REPOSITORY, &name]).code(4);
    assert!(scratch.run(["manifest", "list", REPOSITORY]).code(0).lines().is_empty());
    scratch.run(["manifest", "delete", REPOSITORY, &name]).code(4);
    scratch.run(["blob", "get", REPOSITORY, &name]).code(0);
    scratch.run(["fsck", "--strict"]).code(0);
}

#[test]
fn a_link_among_those_of_layers_is_kept_by_whoever_needs_the_layer() {
    let (scratch, _) = with_image();
    let content = image(b"config", &[]).to_string();
    let digest = scratch.put(REPOSITORY, content.as_bytes());
    let directory = scratch.repository(REPOSITORY).join("_manifests/revisions/sha256").join(&*digest.hex());
    std::fs::create_dir(&directory).unwrap();
    let other = put(&scratch, REPOSITORY, &image(b"config", &[content.as_bytes()]), &[]);
    let delete = || scratch.regtree(["manifest", "delete", REPOSITORY, &digest.to_string()]);
    delete().run().code(12).silent().says([format!("is needed by manifest {other}")]);
    delete().with(["--force"]).ok();
    assert!(!scratch.link(REPOSITORY, digest).exists());
}
