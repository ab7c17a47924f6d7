//! What `tag prune` says of each tag, and of the space that a collection frees after it.

use serde_json::{Value, json};

use super::{REPOSITORY, months, prune};
use crate::support::Scratch;
use crate::support::planted::{Planted, tag_path};

#[test]
fn every_tag_is_explained_as_a_table_and_in_json() {
    let planted = months();
    let rules = ["--keep-last", "2", "--keep-monthly", "2", "--keep-tag", "1.0", "-n"];
    let run = prune(&planted, &rules).with(["--explain"]).ok();
    let removed = |tag: &str| {
        let digest = planted.image(REPOSITORY, tag);
        let month: u8 = if tag < "2" { 1 + tag[2..].parse::<u8>().unwrap() } else { 4 };
        format!("remove  lib/app:{tag}     2020-0{month}-01T00:00:00Z  {digest}")
    };
    let expected = [
        "keep    lib/app:1.0     2020-01-01T00:00:00Z  tag".to_owned(),
        removed("1.1"),
        removed("1.2"),
        removed("2.0"),
        "keep    lib/app:2.1     2020-05-01T00:00:00Z  monthly".to_owned(),
        "keep    lib/app:2.2     2020-06-01T00:00:00Z  last".to_owned(),
        "keep    lib/app:latest  2020-06-01T00:00:00Z  last".to_owned(),
        "keep    lib/app:main    2020-06-20T00:00:00Z  last, monthly".to_owned(),
    ];
    assert_eq!(run.lines(), expected);
    assert_eq!(prune(&planted, &rules).with(["-v"]).ok().lines(), expected);
    let events = prune(&planted, &rules).with(["--json"]).ok().json_lines();
    let main = json!({
        "type": "keep", "schema_version": 1, "repository": REPOSITORY, "tag": "main", "rule": null,
        "digest": planted.image(REPOSITORY, "main"), "since": "2020-06-20T00:00:00Z", "kept_by": ["last", "monthly"],
    });
    assert_eq!(events[7], main);
    let old = json!({
        "type": "untag", "schema_version": 1, "repository": REPOSITORY, "tag": "1.1", "rule": null,
        "digest": planted.image(REPOSITORY, "1.1"), "since": "2020-02-01T00:00:00Z", "dry_run": true,
    });
    assert_eq!(events[1], old);
    let summary = &events[8];
    assert_eq!([&summary["tags"], &summary["removed"], &summary["kept"]], [&json!(8), &json!(3), &json!(5)]);
}

/// The figures of a collection that would run now.
fn collection(planted: &Planted) -> (Value, Value) {
    let run = planted.regtree(["gc", "--delete-untagged", "-n", "--json"]).ok();
    let summary = run.json_lines().pop().unwrap();
    (summary["removed"]["blob"]["count"].clone(), summary["bytes"].clone())
}

/// A tree of the present with two old tags whose images share a layer, and some garbage.
fn shared() -> Planted {
    let planted = Planted::new();
    let layer = planted.layer(REPOSITORY, "a layer of both");
    for tag in ["v1", "v2"] {
        let own = planted.layer(REPOSITORY, format!("a layer of {tag}"));
        let image = planted.image_of(&planted.layer(REPOSITORY, tag), &[&layer, &own]);
        planted.tag(REPOSITORY, tag, &planted.manifest(REPOSITORY, &image));
    }
    planted.blob("garbage");
    planted.age(1000);
    planted.age_of(&(tag_path(REPOSITORY, "v1") + "/current/link"), 2000);
    planted
}

#[test]
fn the_last_line_has_the_figure_of_the_collection_that_frees_the_space() {
    let planted = shared();
    let call = || planted.regtree(["tag", "prune", "--keep-last", "1"]);
    let dry = call().with(["-n", "--json"]).ok().json_lines().pop().unwrap();
    let said = call().with(["-n"]).ok().err();
    let root = planted.root().display().to_string();
    let (blobs, bytes) = (&dry["freeable_blobs"], &dry["freeable_bytes"]);
    assert_eq!(*blobs, 4, "the manifest, the config, its own layer, and the garbage");
    let last =
        format!("note: no space is free yet: regtree --root {root} gc --delete-untagged would free {bytes} B in all");
    assert_eq!(said.lines().last().unwrap(), last);
    let said = call().ok().err();
    assert_eq!(said.lines().last().unwrap(), last.replace("would free", "frees"));
    assert_eq!(collection(&planted), (blobs.clone(), bytes.clone()));
    assert!(!call().ok().err().contains("gc --delete-untagged"), "nothing went");
}

#[test]
fn what_is_young_is_told_apart_and_the_site_says_what_that_is() {
    let planted = shared();
    let site = Scratch::bare();
    let file = site.root().join("regtree.toml");
    Scratch::plant(&file, "min-age = '1500h'\n");
    let call = || planted.regtree(["tag", "prune", "--keep-last", "1", "-n"]);
    let old = call().with(["--json"]).ok().json_lines().pop().unwrap();
    let young = call().env("REGTREE_CONFIG", &file).with(["--json"]).ok().json_lines().pop().unwrap();
    assert_eq!((&young["freeable_bytes"], &young["young_bytes"]), (&json!(0), &old["freeable_bytes"]));
    assert_eq!(old["young_bytes"], 0);
    let bytes = &old["freeable_bytes"];
    let said = format!("would free 0 B in all, and {bytes} B more when that is older than --min-age\n");
    call().env("REGTREE_CONFIG", &file).ok().says([said]);
}

#[test]
fn where_the_site_fills_the_quarantine_the_command_that_empties_it_is_named_too() {
    let planted = shared();
    let site = Scratch::bare();
    let file = site.root().join("regtree.toml");
    Scratch::plant(&file, "quarantine = true\n");
    let call = planted.regtree(["tag", "prune", "--keep-last", "1", "-n"]).env("REGTREE_CONFIG", &file);
    let root = planted.root().display();
    call.ok().says([format!("gc --delete-untagged and then regtree --root {root} quarantine purge RUN would free ")]);
}
