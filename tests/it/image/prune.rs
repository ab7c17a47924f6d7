//! `regtree export --all --prune`: a layout loses what the tree no longer has, and nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{index, layout_in, names};
use crate::support::image::{INDEX, MANIFEST};
use crate::support::kill::at_every_change;
use crate::support::planted::{Planted, blob_path, hex_of, sha256};
use crate::support::{Regtree, Scratch, refusal, snapshot};

fn export(planted: &Planted, words: &[&str]) -> Regtree {
    planted.regtree(["export", "--all", "-o", layout_in(planted).to_str().unwrap()]).with(words)
}

/// A layout of a tree that has lost an image since then. The image shares its config with another one.
fn outdated() -> Planted {
    let planted = Planted::new();
    let config = planted.layer("lib/app", "{}");
    for tag in ["v1", "v2", "v3"] {
        let layer = planted.layer("lib/app", format!("layer of {tag}"));
        let image = planted.manifest("lib/app", &planted.image_of(&config, &[&layer]));
        planted.tag("lib/app", tag, &image);
    }
    export(&planted, &[]).ok();
    planted.regtree(["tag", "delete", "lib/app", "v2"]).ok();
    planted
}

fn blobs(layout: &Path) -> Vec<PathBuf> {
    let files = walkdir::WalkDir::new(layout.join("blobs")).sort_by_file_name().into_iter().map(Result::unwrap);
    files.filter(|entry| entry.file_type().is_file()).map(walkdir::DirEntry::into_path).collect()
}

/// What an export to a new place has.
fn fresh(planted: &Planted) -> BTreeMap<PathBuf, String> {
    let fresh = planted.root().join("fresh");
    planted.regtree(["export", "--all", "-o", fresh.to_str().unwrap()]).ok();
    let found = snapshot(&fresh);
    fs::remove_dir_all(&fresh).unwrap();
    found
}

/// Adds an entry of another tool: an index of an image, none of which the tree has.
fn plant_foreign(layout: &Path) -> [String; 4] {
    let add = |content: &str| {
        let digest = sha256(content.as_bytes());
        fs::write(layout.join("blobs/sha256").join(hex_of(&digest)), content).unwrap();
        (digest, content.len())
    };
    let describe = |media_type: &str, (digest, size): &(String, usize)| json!({ "mediaType": media_type, "digest": digest, "size": size });
    let [config, layer] = ["foreign config", "foreign layer"].map(add);
    let manifest = add(&json!({
        "schemaVersion": 2, "mediaType": MANIFEST,
        "config": describe("application/vnd.oci.image.config.v1+json", &config),
        "layers": [describe("application/vnd.oci.image.layer.v1.tar", &layer)],
    })
    .to_string());
    let list =
        add(&json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [describe(MANIFEST, &manifest)] })
            .to_string());
    let mut document = index(layout);
    let mut entry = describe(INDEX, &list);
    entry["annotations"] = json!({ "org.opencontainers.image.ref.name": "foreign" });
    document["manifests"].as_array_mut().unwrap().push(entry);
    fs::write(layout.join("index.json"), document.to_string()).unwrap();
    [config, layer, manifest, list].map(|(digest, _)| digest)
}

#[test]
fn what_the_tree_no_longer_has_goes_and_what_is_shared_stays() {
    let planted = outdated();
    let layout = layout_in(&planted);
    export(&planted, &[]).ok();
    assert_eq!(names(&layout).len(), 3);
    let temporary = layout.join("blobs/sha256").join(format!("{}.tmp", hex_of(&sha256(b"killed"))));
    fs::write(&temporary, "kil").unwrap();
    let run = export(&planted, &["--prune"]).ok();
    run.says(["removed lib/app:v2 from the layout", "removed 3 blobs that nothing needs, "]);
    assert_eq!(snapshot(&layout), fresh(&planted));
    let summary = export(&planted, &["--prune", "--json"]).ok().json_lines().pop().unwrap();
    assert_eq!(summary["pruned"], json!({ "images": 0, "blobs": 0, "bytes": 0 }));
    let copy = Scratch::new();
    copy.regtree(["import", layout.to_str().unwrap()]).ok();
    copy.regtree(["manifest", "verify", "--all", "--content"]).ok();
}

#[test]
fn a_tag_that_moves_leaves_nothing_of_the_old_image() {
    let planted = outdated();
    planted.tagged_image("lib/app", "v3", "moved");
    let events = export(&planted, &["--prune", "--json"]).ok().json_lines();
    let of_kind = |kind: &str| events.iter().filter(|event| event["type"] == kind).collect::<Vec<&Value>>();
    assert_eq!(of_kind("pruned").len(), 1);
    assert_eq!(of_kind("pruned")[0]["name"], "lib/app:v2");
    assert_eq!(of_kind("summary")[0]["pruned"]["blobs"], 4);
    assert_eq!(snapshot(&layout_in(&planted)), fresh(&planted));
}

#[test]
fn entries_of_other_tools_stay_with_all_that_they_lead_to() {
    let planted = outdated();
    let layout = layout_in(&planted);
    let foreign = plant_foreign(&layout);
    let note = layout.join("blobs/sha256/a note");
    fs::write(&note, "no digest").unwrap();
    export(&planted, &["--prune"]).ok();
    let found = names(&layout);
    assert_eq!(found["foreign"], foreign[3]);
    assert!(found.contains_key("lib/app:v1") && !found.contains_key("lib/app:v2"));
    for digest in &foreign {
        assert!(layout.join("blobs/sha256").join(hex_of(digest)).exists());
    }
    assert!(note.exists());
    assert_eq!(blobs(&layout).len(), 1 + 2 * 2 + 4 + 1);
}

#[test]
fn nothing_goes_where_anything_is_left_out_or_cannot_be_read() {
    let planted = outdated();
    let layout = layout_in(&planted);
    let before = blobs(&layout);
    let whole = planted.root().join("layer");
    let layer = planted.at(&blob_path(&sha256(b"layer of v1")));
    // The layout has it, so only a hash of the tree's own content would find other damage.
    fs::rename(&layer, &whole).unwrap();
    let run = export(&planted, &["--prune", "--skip-damaged"]).run().code(3);
    run.says(["nothing is pruned, because not all images could be read"]);
    assert_eq!((blobs(&layout), names(&layout).len()), (before.clone(), 3));
    fs::rename(&whole, &layer).unwrap();
    let foreign = plant_foreign(&layout);
    let manifest = layout.join("blobs/sha256").join(hex_of(&foreign[2]));
    fs::write(&manifest, "{}").unwrap();
    export(&planted, &["--prune"]).run().code(3).says([&foreign[2], "does not match its digest"]);
    assert_eq!((blobs(&layout).len(), names(&layout).len()), (before.len() + 4, 4));
}

#[test]
fn most_of_a_layout_goes_only_when_that_is_said() {
    let planted = outdated();
    let layout = layout_in(&planted);
    planted.regtree(["tag", "delete", "lib/app", "v1", "v3"]).ok();
    planted.tagged_image("lib/new", "v1", "new");
    let before = blobs(&layout).len();
    let run = export(&planted, &["--prune"]).run().code(12);
    let hint = run.err().split("hint: to do it anyway, use ").nth(1).unwrap().trim().to_owned();
    run.says(["3 images of 4 and ", "is a part of the tree missing?"]);
    // All else is done.
    assert_eq!((blobs(&layout).len(), names(&layout).len()), (before + 3, 4));
    let error = export(&planted, &["--prune", "--json"]).run().code(12).json_error();
    assert_eq!((&error["code"], &error["detail"]["hint"]), (&"REFUSED".into(), &hint.as_str().into()));
    let limit = export(&planted, &["--prune", "--max-delete", "1"]);
    limit.run().code(12).says(["more than --max-delete allows (1 byte)"]);
    assert_eq!(names(&layout).len(), 4);
    export(&planted, &["--prune"]).with(hint.split(' ')).ok();
    assert_eq!(snapshot(&layout), fresh(&planted));
}

#[test]
fn without_the_lock_or_in_an_archive_nothing_is_pruned() {
    let planted = outdated();
    let layout = layout_in(&planted);
    let before = snapshot(&layout);
    let marker = fs::File::open(layout.join("oci-layout")).unwrap();
    rustix::fs::flock(&marker, rustix::fs::FlockOperation::LockExclusive).unwrap();
    refusal::fails(&export(&planted, &["--prune"]), refusal::REFUSED, &["another process"]);
    drop(marker);
    let path = layout.to_str().unwrap();
    planted.regtree(["export", "lib/app", "--prune", "-o", path]).run().code(2).says(["--prune"]);
    planted.regtree(["export", "--prune", "-o", path]).run().code(2).says(["--all"]);
    export(&planted, &["--max-delete", "1"]).run().code(2).says(["--prune"]);
    assert_eq!(snapshot(&layout), before);
    let archive = planted.root().join("a.tar");
    let call = planted.regtree(["export", "--all", "--prune", "-o", archive.to_str().unwrap()]);
    refusal::fails(&call, refusal::REFUSED, &["an archive is written whole"]);
    assert!(!archive.exists());
}

#[test]
fn a_killed_run_leaves_a_whole_layout_and_the_next_ends_it() {
    let expected = fresh(&outdated());
    let kills = at_every_change(
        || {
            let planted = outdated();
            let call = export(&planted, &["--prune"]);
            (planted, call)
        },
        |planted, at, _| {
            let layout = layout_in(planted);
            let copy = Scratch::new();
            copy.regtree(["import", layout.to_str().unwrap()]).ok();
            copy.regtree(["manifest", "verify", "--all", "--content"]).ok();
            export(planted, &["--prune"]).ok();
            assert_eq!(snapshot(&layout), expected, "{at}");
        },
    );
    assert!(kills > 8, "{kills}");
}
