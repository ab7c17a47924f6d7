//! References and shortened digests, the same for every command that takes them.

use std::fs;

use crate::support::planted::{layer_path, revision_path};
use crate::support::scratch::digest_by;
use crate::support::{Pushed, Run, Scratch};

const REPOSITORY: &str = "demo/app";
/// Commands that read a manifest, each with what follows the reference.
const READERS: [(&[&str], &[&str]); 5] = [
    (&["manifest", "get"], &[]),
    (&["manifest", "stat"], &[]),
    (&["manifest", "verify"], &["--verbose"]),
    (&["manifest", "referrers"], &["--json"]),
    (&["manifest", "signatures"], &[]),
];

fn two_images() -> (Scratch, Pushed, Pushed) {
    let scratch = Scratch::new();
    let first = scratch.image(REPOSITORY, "one").tag("v1");
    let second = scratch.image(REPOSITORY, "two").tag("v2");
    (scratch, first, second)
}

fn call(scratch: &Scratch, words: &[&str], reference: &[&str], options: &[&str]) -> Run {
    scratch.run([words, reference, options].concat())
}

/// A digest that begins as another does.
fn neighbour(digest: &str) -> String {
    format!("{}{}", &digest[..20], "0".repeat(digest.len() - 20))
}

/// Runs each of `READERS`, and expects what it says of `sound`, a reference that was always taken.
fn all_say_the_same(scratch: &Scratch, sound: [&str; 2], references: &[&[&str]]) {
    for (words, options) in READERS {
        let expected = call(scratch, words, &sound, options);
        for reference in references {
            let found = call(scratch, words, reference, options);
            assert_eq!(found.out(), expected.out(), "{words:?} {reference:?}: {}", found.err());
            assert_eq!(found.err(), expected.err(), "{words:?} {reference:?}");
        }
    }
}

fn all_end_with(scratch: &Scratch, references: &[&[&str]], code: i32, said: &str) {
    for (words, options) in READERS {
        for reference in references {
            call(scratch, words, reference, options).code(code).says([said]);
        }
    }
}

#[test]
fn every_form_names_the_same_manifest_for_commands_that_read() {
    let (scratch, image, other) = two_images();
    let digest = image.digest.to_string();
    let (with_digest, with_both) = (format!("{REPOSITORY}@{digest}"), format!("{REPOSITORY}:v1@{digest}"));
    let (short, shorter) = (&digest[..17], &digest[7..14]);
    let (with_short, with_shorter) = (format!("{REPOSITORY}@{short}"), format!("{REPOSITORY}:v1@{shorter}"));
    let references: [&[&str]; 9] = [
        &["demo/app:v1"],
        &[REPOSITORY, "v1"],
        &[&with_digest],
        &[&with_both],
        &[&with_short],
        &[&with_shorter],
        &[REPOSITORY, short],
        &[REPOSITORY, shorter],
        &[REPOSITORY, &digest[7..]],
    ];
    all_say_the_same(&scratch, [REPOSITORY, &digest], &references);
    assert_eq!(scratch.run(["manifest", "get", "demo/app:v1"]).code(0).bytes(), image.bytes);

    let wrong = format!("demo/app:v1@{}", other.digest);
    let said = format!("tag v1 of repository demo/app points to {digest}, not to {}", other.digest);
    all_end_with(&scratch, &[&[&wrong]], 5, &said);
    all_end_with(&scratch, &[&["demo/app:v3"], &[REPOSITORY, "v3"]], 4, "tag v3 is unknown");
    all_end_with(&scratch, &[&[REPOSITORY, "sha256:0123456"]], 4, "has a digest that begins with sha256:0123456");
    all_end_with(&scratch, &[&["demo/app:0123456"], &[REPOSITORY, "0123456"]], 4, "0123456 is neither a tag");
    all_end_with(&scratch, &[&[REPOSITORY, "sha256:012345"]], 2, "7 hex digits or more, found 6");
    all_end_with(&scratch, &[&["nowhere:v1"], &["nowhere@0123456"]], 4, "repository nowhere is unknown");
    for words in READERS.map(|(words, _)| words) {
        call(&scratch, words, &[REPOSITORY], &[]).code(2).says(["not provided", "<REF>"]);
        call(&scratch, words, &[REPOSITORY, "demo/app:v1"], &[]).code(2).says(["given twice"]);
        call(&scratch, words, &["demo/app:v1", "v2"], &[]).code(2);
    }
}

#[test]
fn what_begins_several_digests_is_answered_with_them() {
    let (scratch, image, _) = two_images();
    let digest = image.digest.to_string();
    let other = neighbour(&digest);
    Scratch::plant(&scratch.v2().join(revision_path(REPOSITORY, &other)).join("link"), &other);
    let short = &digest[7..15];
    let said = format!("sha256:{short} is ambiguous in repository demo/app: ");
    let at = format!("demo/app@{short}");
    all_end_with(&scratch, &[&[REPOSITORY, short], &[&at]], 2, &said);
    all_end_with(&scratch, &[&[REPOSITORY, short]], 2, &format!("{other}, {digest}"));
    let error = scratch.run(["--json", "manifest", "stat", REPOSITORY, short]).code(2).json_error();
    assert_eq!(error["code"], "DIGEST_INVALID");
    assert_eq!(error["detail"]["candidates"], serde_json::json!([other, digest]));
    // More digits than they share, or the tag beside it, decide. The planted manifest is damage to report.
    scratch.run(["manifest", "stat", REPOSITORY, &digest[7..28]]).code(3);
    scratch.run(["manifest", "stat", &format!("demo/app:v1@{short}")]).code(3);
    // What a deletion leaves is no manifest.
    fs::remove_file(scratch.v2().join(revision_path(REPOSITORY, &other)).join("link")).unwrap();
    scratch.run(["manifest", "stat", REPOSITORY, short]).code(0);
}

#[test]
fn a_tag_of_that_name_is_meant_before_a_digest() {
    let (scratch, image, other) = two_images();
    let (digest, short) = (image.digest.to_string(), &image.digest.to_string()[7..15]);
    scratch.run(["tag", "set", REPOSITORY, short, &other.digest.to_string()]).code(0);
    let by_tag = format!("demo/app:{short}");
    let other_digest = other.digest.to_string();
    all_say_the_same(&scratch, [REPOSITORY, &other_digest], &[&[REPOSITORY, short], &[&by_tag]]);
    let (by_algorithm, at) = (format!("sha256:{short}"), format!("demo/app@{short}"));
    all_say_the_same(&scratch, [REPOSITORY, &digest], &[&[REPOSITORY, &by_algorithm], &[&at]]);
    assert_eq!(scratch.run(["tag", "get", &by_tag]).code(0).answer(), other_digest);
}

#[test]
fn blobs_are_named_by_references_and_shortened_digests_too() {
    let scratch = Scratch::new();
    let image = scratch.image(REPOSITORY, "one").tag("v1");
    let (layer, content) = (image.layer.to_string(), "layer one");
    let short = &layer[7..15];
    let references: [&[&str]; 5] = [
        &[REPOSITORY, &layer],
        &[REPOSITORY, short],
        &[REPOSITORY, &layer[..15]],
        &[&format!("demo/app@{layer}")],
        &[&format!("demo/app@{short}")],
    ];
    for reference in references {
        assert_eq!(call(&scratch, &["blob", "get"], reference, &[]).code(0).out(), content);
        call(&scratch, &["blob", "stat"], reference, &[]).code(0);
    }
    for order in [["--all-repos", short], [short, "--all-repos"], ["--all-repos", &layer], [&layer, "--all-repos"]] {
        assert_eq!(scratch.run(["blob", "stat"].iter().chain(&order)).code(0).answer(), REPOSITORY);
    }
    let several = [&format!("demo/app@{short}")[..], &format!("demo/app@{}", image.config)].map(str::to_owned);
    assert_eq!(scratch.run(["--json", "blob", "stat", &several[0], &several[1]]).code(0).out().lines().count(), 2);

    scratch.run(["blob", "stat", &layer]).code(2).says(["the repository comes first"]);
    scratch.run(["blob", "stat", "--all-repos"]).code(2).says(["not provided"]);
    scratch.run(["blob", "stat", "--all-repos", REPOSITORY]).code(2).says(["--all-repos takes a digest"]);
    scratch.run(["blob", "stat", "--all-repos", REPOSITORY, short]).code(2).says(["--all-repos takes one digest"]);
    scratch.run(["blob", "stat", "demo/app:v1"]).code(2).says(["a tag names a manifest, not a blob"]);
    scratch.run(["blob", "get", REPOSITORY, "0123456"]).code(4).says(["no blob in repository demo/app"]);
    scratch.run(["blob", "stat", "--all-repos", "0123456"]).code(4).says(["no blob in the tree"]);
    // Of what the tree has, the errors say more.
    let manifest = &image.digest.to_string()[7..14];
    scratch.run(["blob", "get", REPOSITORY, manifest]).code(4).says(["it is a manifest there"]);

    let other = neighbour(&layer);
    Scratch::plant(&scratch.v2().join(layer_path(REPOSITORY, &other)).join("link"), &other);
    scratch.run(["blob", "get", REPOSITORY, short]).code(2).says(["ambiguous in repository demo/app", &layer, &other]);
    assert_eq!(scratch.run(["blob", "stat", "--all-repos", short]).code(0).answer(), REPOSITORY);
    Scratch::plant(&scratch.blob(other.parse().unwrap()), "planted");
    scratch.run(["blob", "stat", "--all-repos", short]).code(2).says(["ambiguous in the tree", &layer, &other]);
    scratch.run(["gc", "--explain", short]).code(2).says(["ambiguous in the tree"]);
}

#[test]
fn an_alias_is_shortened_with_its_algorithm() {
    let scratch = Scratch::new();
    let alias = digest_by("sha512", b"content").to_string();
    scratch.regtree(["blob", "put", REPOSITORY, "--digest", &alias]).stdin("content").ok();
    let short = &alias[..17];
    assert_eq!(scratch.run(["blob", "get", REPOSITORY, short]).code(0).out(), "content");
    assert_eq!(scratch.run(["blob", "get", &format!("demo/app@{short}")]).code(0).out(), "content");
    assert_eq!(scratch.run(["blob", "stat", "--all-repos", short]).code(0).answer(), REPOSITORY);
    scratch.run(["blob", "get", REPOSITORY, &short[7..]]).code(4);
}

#[test]
fn what_changes_something_wants_a_whole_digest() {
    let (scratch, image, _) = two_images();
    let (digest, layer) = (image.digest.to_string(), image.layer.to_string());
    let (short, short_layer) = (&digest[..16], &layer[7..16]);
    let at = |short: &str| format!("demo/app@{short}");
    let before = scratch.run(["manifest", "list", REPOSITORY, "--long"]).code(0).out();
    let calls: [(&[&str], &str); 10] = [
        (&["manifest", "delete", REPOSITORY, short, "--with-tags"], &digest),
        (&["manifest", "delete", &at(short), "--with-tags"], &digest),
        (&["manifest", "delete", &format!("demo/app:v1@{short}"), "--with-tags"], &digest),
        (&["tag", "set", REPOSITORY, "new", short], &digest),
        (&["tag", "set", "demo/app:new", short], &digest),
        (&["tag", "delete", &format!("demo/app:v1@{short}")], &digest),
        (&["blob", "delete", REPOSITORY, short_layer, "--force"], &layer),
        (&["blob", "delete", &at(short_layer), "--force"], &layer),
        (&["blob", "mount", &at(short_layer), "--to", "demo/other"], &layer),
        (&["copy", &at(short), "demo/other:v1"], &digest),
    ];
    for (words, whole) in calls {
        let hint = format!("hint: did you mean {whole}");
        scratch.run(words).code(2).silent().says(["is shortened", &hint]);
    }
    scratch.run(["blob", "delete", REPOSITORY, "0123456"]).code(2).silent().says(["is shortened"]);
    assert_eq!(scratch.run(["manifest", "list", REPOSITORY, "--long"]).code(0).out(), before);
}

#[test]
fn references_name_what_is_changed() {
    let (scratch, image, other) = two_images();
    let (digest, layer) = (image.digest.to_string(), image.layer.to_string());
    assert_eq!(scratch.run(["tag", "set", "demo/app:new", "v1"]).code(0).answer(), digest);
    assert_eq!(scratch.run(["tag", "set", "demo/app:newer", &digest]).code(0).answer(), digest);
    assert_eq!(scratch.run(["tag", "history", "demo/app:newer"]).code(0).out().lines().count(), 1);
    scratch.run(["tag", "set", "demo/app:new", "v1", "v2"]).code(2).says(["the tag is given twice"]);
    scratch.run(["tag", "set", "demo/app:new"]).code(2).says(["not provided"]);
    scratch.run(["tag", "set", REPOSITORY, "new"]).code(2).says(["not provided"]);
    scratch.run(["tag", "set", &format!("demo/app:new@{digest}"), "v1"]).code(2).silent();
    let wrong = format!("demo/app:new@{}", other.digest);
    scratch.run(["tag", "delete", "demo/app:newer", &wrong]).code(5).silent().says(["points to"]);
    scratch.run(["tag", "delete", "demo/app:newer", "other:v1"]).code(2).says(["several repositories"]);
    let deleted = scratch.run(["tag", "delete", "demo/app:newer", &format!("demo/app:new@{digest}")]).code(0).out();
    assert_eq!(deleted, "newer\nnew\n");

    scratch.run(["blob", "mount", &format!("demo/app@{layer}"), "--to", "demo/other"]).code(0);
    scratch.run(["blob", "mount", &layer, "--to", "demo/other"]).code(2).says(["--from <REPO>"]);
    let twice = ["blob", "mount", &format!("demo/app@{layer}"), "--from", "demo/app", "--to", "demo/other"];
    scratch.run(twice).code(2).says(["given twice"]);
    assert_eq!(scratch.run(["blob", "delete", &format!("demo/other@{layer}")]).code(0).answer(), layer);

    scratch.run(["manifest", "delete", "demo/app:v1"]).code(2).says(["expected REPO@DIGEST"]);
    let pinned = format!("demo/app:v1@{digest}");
    scratch.run(["manifest", "delete", &pinned, &format!("demo/app@{}", other.digest), "--with-tags"]).code(0);
    assert_eq!(scratch.run(["manifest", "list", REPOSITORY]).code(0).out(), "");
    let put = scratch.regtree(["manifest", "put", "demo/app:again", "--tag", "more"]).stdin(image.bytes).ok();
    assert_eq!(put.answer(), digest);
    assert_eq!(scratch.run(["tag", "list", REPOSITORY]).code(0).out(), "again\nmore\n");
}

#[test]
fn verify_takes_references_of_several_repositories() {
    let (scratch, ..) = two_images();
    scratch.image("demo/web", "three").tag("v1");
    scratch
        .run(["manifest", "verify", "demo/app:v1", "demo/web:v1", "demo/app:v2"])
        .code(0)
        .says(["3 manifests checked"]);
    scratch.run(["manifest", "verify", "demo/app:v1", "demo/web:nosuch"]).code(4).says(["tag nosuch is unknown"]);
    scratch.run(["manifest", "verify", "demo/app:v1", "--all"]).code(2).says(["no tag or digest"]);
}

#[test]
fn explain_takes_what_names_content() {
    let (scratch, image, _) = two_images();
    let digest = image.digest.to_string();
    let expected = scratch.run(["gc", "--explain", &digest]).code(0).out();
    for content in ["demo/app:v1", &format!("demo/app@{}", &digest[7..14]), &digest[7..14], &digest[..14]] {
        assert_eq!(scratch.run(["gc", "--explain", content]).code(0).out(), expected, "{content}");
    }
    for neither in ["v1", "456bf4", "nonsense"] {
        let said = scratch.run(["gc", "--explain", neither]).code(2).err();
        assert!(said.contains("hex digits") && !said.contains("tag get"), "{said}");
    }
    scratch.run(["gc", "--explain", "demo/app:nosuch"]).code(4).says(["tag nosuch is unknown"]);
    scratch.run(["gc", "--explain", "0123456"]).code(4).says(["no blob in the tree"]);
}

#[test]
fn export_takes_a_shortened_digest_and_a_tag_with_its_digest() {
    let (scratch, image, other) = two_images();
    let short = &image.digest.to_string()[7..14];
    for (at, reference) in [format!("demo/app@{short}"), format!("demo/app:v1@{short}")].iter().enumerate() {
        let directory = scratch.root().join(format!("layout{at}"));
        scratch.run(["export", reference, "-o", directory.to_str().unwrap()]).code(0);
    }
    let wrong = format!("demo/app:v1@{}", other.digest);
    let directory = scratch.root().join("none");
    scratch.run(["export", &wrong, "-o", directory.to_str().unwrap()]).code(5);
    assert!(!directory.exists());
}
