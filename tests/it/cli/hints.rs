//! What is said to a user who has it nearly right.

use crate::support::Pushed;
use crate::support::mounted::Mounted;
use crate::support::{Regtree, Scratch};

const REPOSITORY: &str = "demo/app";

fn tagged() -> (Scratch, Pushed) {
    let scratch = Scratch::new();
    let image = scratch.image(REPOSITORY, "one").tag("v1");
    (scratch, image)
}

#[test]
fn a_tag_where_a_digest_is_wanted_is_answered_with_how_to_get_its_digest() {
    let (scratch, image) = tagged();
    let root = scratch.root().display();
    let get = format!("hint: the digest of a tag: regtree --root {root} tag get {REPOSITORY} v1");
    let delete = format!("to remove a tag and no manifest: regtree --root {root} tag delete {REPOSITORY} v1");
    scratch.run(["manifest", "delete", REPOSITORY, "v1"]).code(2).says([&get, &delete]);
    scratch.run(["manifest", "delete", REPOSITORY, "-n", &image.digest.to_string(), "v1"]).code(2).says([&get]);
    let of_blob = scratch.run(["blob", "stat", REPOSITORY, "v1"]).code(2).says([&get]);
    assert!(!of_blob.err().contains("tag delete"), "{}", of_blob.err());
    let as_json = scratch.run(["--json", "manifest", "delete", REPOSITORY, "v1"]).code(2).json_error();
    assert_eq!(as_json["code"], "DIGEST_INVALID");
}

#[test]
fn a_tag_is_as_good_as_a_digest_where_one_manifest_is_meant() {
    let (scratch, image) = tagged();
    let digest = image.digest.to_string();
    assert_eq!(scratch.run(["tag", "set", REPOSITORY, "stable", "v1"]).code(0).answer(), digest);
    assert_eq!(scratch.run(["tag", "get", REPOSITORY, "stable"]).code(0).answer(), digest);
    scratch.run(["tag", "set", REPOSITORY, "stable", "v2"]).code(4).says(["tag v2 is unknown", "hint: "]);
    let by_digest = scratch.run(["manifest", "referrers", REPOSITORY, &digest]).code(0).json();
    assert_eq!(scratch.run(["manifest", "referrers", REPOSITORY, "v1"]).code(0).json(), by_digest);
    scratch.run(["manifest", "signatures", REPOSITORY, "v1"]).code(4).says(["no signatures of manifest", &digest]);
}

#[test]
fn an_image_where_a_repository_is_wanted_is_answered_with_its_repository() {
    let (scratch, image) = tagged();
    let call = |reference: &str| scratch.run(["tag", "list", reference]).code(2);
    call("demo/app:v1").says(["not allowed", "did you mean: demo/app\n"]);
    call(&format!("demo/app@{}", image.digest)).says(["did you mean: demo/app\n"]);
    // A registry's address is no repository, and what follows its colon no tag.
    assert!(!call("localhost:5000/demo/app").err().contains("did you mean"));
}

#[test]
fn a_refusal_names_the_option_that_overrides_it() {
    let (scratch, image) = tagged();
    let delete = ["manifest", "delete", REPOSITORY, &image.digest.to_string()];
    scratch.run(delete).code(12).says(["hint: to do it anyway, use --with-tags"]);
    let delete = ["blob", "delete", REPOSITORY, &image.layer.to_string()];
    scratch.run(delete).code(12).says(["hint: to do it anyway, use --force"]);
    let upload = scratch.run(["upload", "start", REPOSITORY]).code(0).answer();
    let resume = |offset| scratch.regtree(["upload", "resume", REPOSITORY, &upload, "--offset", offset]).stdin("1234");
    resume("0").ok();
    resume("3").run().code(5).says(["hint: continue with --offset 4"]);
    resume("4").ok();
}

#[test]
fn a_root_that_is_no_tree_is_told_with_where_it_came_from() {
    let nowhere = Scratch::bare().root().join("nowhere");
    let list = Regtree::new(["repo", "list"]).env("REGTREE_ROOT", &nowhere);
    list.run()
        .code(10)
        .says(["hint: the root comes from the environment variable REGTREE_ROOT; is its disk mounted? to make a new, empty tree there"]);
    let said = Regtree::at(&nowhere, ["repo", "list"]).env("REGTREE_ROOT", "/").run().code(10).err();
    assert!(!said.contains("REGTREE_ROOT"), "{said}");
}

#[test]
fn a_manifest_that_is_refused_for_what_is_missing_gets_the_commands_that_put_it() {
    let scratch = Scratch::new();
    let config = scratch.put("other", b"{}");
    let layer = regtree::Digest::of(b"nowhere");
    let descriptor = |digest: regtree::Digest, size: usize| serde_json::json!({ "mediaType": "text/plain", "digest": digest, "size": size });
    let image = serde_json::json!({
        "schemaVersion": 2, "mediaType": crate::support::image::MANIFEST,
        "config": descriptor(config, 2), "layers": [descriptor(layer, 7)],
    });
    let put = |body: &serde_json::Value| scratch.regtree(["manifest", "put", "team/app"]).stdin(body.to_string()).run();
    let regtree = format!("regtree --root {}", scratch.root().display());
    let run = put(&image).code(5).says([
        format!("config {config} is unknown in the repository"),
        format!("layer {layer} is unknown in the repository"),
        format!("{regtree} blob mount {config} --from other --to team/app (config)"),
        format!("{regtree} blob put team/app FILE --digest {layer} (layer)"),
        "--skip-references".to_owned(),
    ]);
    assert!(!scratch.repository("team/app").exists(), "{}", run.err());
    let index = serde_json::json!({
        "schemaVersion": 2, "mediaType": crate::support::image::INDEX, "manifests": [descriptor(layer, 7)],
    });
    put(&index).code(5).says([format!("{regtree} manifest put team/app FILE --digest {layer} (child)")]);
    // What the hint says works.
    scratch.run(["blob", "mount", &config.to_string(), "--from", "other", "--to", "team/app"]).code(0);
    scratch.regtree(["blob", "put", "team/app", "--digest", &layer.to_string()]).stdin("nowhere").ok();
    put(&image).code(0);
}

#[test]
fn a_command_of_another_tool_is_answered_with_the_one_that_does_it_here() {
    let scratch = Scratch::bare();
    for (word, answer) in [
        ("garbage-collect", "hint: to remove what nothing needs: regtree gc\n"),
        ("check", "hint: to find what is wrong: regtree fsck\n"),
        ("forget", "regtree tag prune"),
        ("version", "regtree --version"),
    ] {
        scratch.regtree([word]).run().code(2).silent().says(["unrecognized subcommand", answer]);
    }
    assert!(!scratch.regtree(["nonsense"]).run().code(2).err().contains("hint: "));
}

#[test]
fn who_finds_the_disk_full_is_told_how_to_make_room() {
    let mounted = Mounted::tree("size=64k");
    mounted.regtree(["blob", "put", "lib"]).stdin("a layer").ok();
    let put = mounted.regtree(["blob", "put", "lib"]).stdin(vec![b'x'; 100_000]).run();
    put.code(1).says(["No space left on device", "hint: to see what can be removed", " gc -n"]);
}
