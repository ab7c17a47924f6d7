//! `regtree export`: what is in the layout, and what stays in it.

use std::fs;

use serde_json::json;

use super::{index, layout_in, names};
use crate::support::image::noise;
use crate::support::planted::Planted;
use crate::support::strace::strace;
use crate::support::{Scratch, snapshot};

const CONTENT: &str = "blobs/sha256";

#[test]
fn an_image_is_exported_with_all_that_it_names_and_nothing_else() {
    let scratch = Scratch::new();
    let image = scratch.image("lib/app", "one").tag("v1");
    scratch.image("lib/app", "two").tag("v2");
    let layout = layout_in(&scratch);
    let run = scratch.regtree(["export", "lib/app:v1", "-o", layout.to_str().unwrap()]).ok();
    assert_eq!(run.lines(), ["lib/app:v1"]);
    let mut expected = [image.digest, image.config, image.layer].map(|digest| digest.hex().to_string());
    expected.sort();
    let mut found: Vec<String> = fs::read_dir(layout.join(CONTENT))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    found.sort();
    assert_eq!(found, expected);
    assert_eq!(fs::read(layout.join(CONTENT).join(&*image.digest.hex())).unwrap(), image.bytes);
    assert_eq!(fs::read_to_string(layout.join("oci-layout")).unwrap(), r#"{"imageLayoutVersion":"1.0.0"}"#);
    let index = index(&layout);
    assert_eq!(index["manifests"].as_array().unwrap().len(), 1);
    let entry = &index["manifests"][0];
    assert_eq!(entry["size"], image.bytes.len());
    assert_eq!(entry["mediaType"], "application/vnd.oci.image.manifest.v1+json");
    let left: Vec<_> = fs::read_dir(scratch.root()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_str().unwrap().contains("partial")), "{left:?}");
}

#[test]
fn referrers_and_their_tags_come_along_unless_they_are_left_out() {
    let planted = Planted::new();
    let image = planted.tagged_image("lib/app", "v1", "image");
    let signature = planted.referrer("lib/app", &image, "signature");
    let of_signature = planted.referrer("lib/app", &signature, "signature of the signature");
    let tag = format!("{}.sig", image.replace(':', "-"));
    let by_tag = planted.tagged_image("lib/app", &tag, "cosign");
    planted.tagged_image("lib/app", "v2", "other");
    let with = layout_in(&planted.scratch);
    planted.regtree(["export", "lib/app:v1", "-o", with.to_str().unwrap()]).ok();
    let entries = index(&with)["manifests"].as_array().unwrap().clone();
    let mut digests: Vec<&str> = entries.iter().map(|entry| entry["digest"].as_str().unwrap()).collect();
    digests.sort_unstable();
    let mut expected = [&*image, &signature, &of_signature, &by_tag];
    expected.sort_unstable();
    assert_eq!(digests, expected);
    assert_eq!(names(&with)[&format!("lib/app:{tag}")], by_tag);
    let without = planted.root().join("without");
    planted.regtree(["export", "lib/app:v1", "--no-referrers", "-o", without.to_str().unwrap()]).ok();
    assert_eq!(names(&without), [("lib/app:v1".to_owned(), image)].into());
}

#[test]
fn a_layout_that_exists_gets_what_is_missing_and_keeps_the_rest() {
    let scratch = Scratch::new();
    let first = scratch.image("lib/app", "one").tag("v1");
    scratch.image("other", "kept").tag("v1");
    let layout = layout_in(&scratch);
    let export =
        |words: &[&str]| scratch.regtree(["export", "-o", layout.to_str().unwrap(), "--json"]).with(words).ok();
    export(&["--all"]);
    let kept = names(&layout);
    // The tag moves, and an entry that regtree does not know stays as it is.
    let mut document = index(&layout);
    document["manifests"].as_array_mut().unwrap().push(json!({
        "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": first.digest.to_string(),
        "size": first.bytes.len(), "annotations": { "org.opencontainers.image.ref.name": "of another tool" },
        "x-unknown": [1, 2],
    }));
    fs::write(layout.join("index.json"), document.to_string()).unwrap();
    let second = scratch.image("lib/app", "two").tag("v1");
    let before = fs::metadata(layout.join(CONTENT).join(&*first.layer.hex())).unwrap().modified().unwrap();
    let events = export(&["lib/app"]).json_lines();
    let summary = events.last().unwrap();
    assert_eq!(summary["written"]["blobs"], 3, "{summary}");
    let after = names(&layout);
    assert_eq!(after["lib/app:v1"], second.digest.to_string());
    assert_eq!(after["other:v1"], kept["other:v1"]);
    assert_eq!(after["of another tool"], first.digest.to_string());
    assert!(fs::read_to_string(layout.join("index.json")).unwrap().contains(r#""x-unknown":[1,2]"#));
    let again = fs::metadata(layout.join(CONTENT).join(&*first.layer.hex())).unwrap().modified().unwrap();
    assert_eq!(before, again);
    // Nothing is new.
    let unchanged = snapshot(&layout);
    let summary = export(&["--all"]).json_lines().pop().unwrap();
    assert_eq!((&summary["written"]["blobs"], &summary["present"]["blobs"]), (&json!(0), &json!(6)));
    assert_eq!(snapshot(&layout), unchanged);
}

#[test]
fn what_a_layout_has_is_compared_by_size_and_with_a_flag_by_hash() {
    let scratch = Scratch::new();
    let image = scratch.image("lib/app", "one").tag("v1");
    let layout = layout_in(&scratch);
    let export =
        |words: &[&str]| scratch.regtree(["export", "lib/app:v1", "-o", layout.to_str().unwrap()]).with(words).ok();
    export(&[]);
    let blob = layout.join(CONTENT).join(&*image.layer.hex());
    let right = fs::read(&blob).unwrap();
    fs::write(&blob, vec![b'x'; right.len()]).unwrap();
    export(&[]);
    assert_ne!(fs::read(&blob).unwrap(), right);
    export(&["--verify-existing"]);
    assert_eq!(fs::read(&blob).unwrap(), right);
    fs::write(&blob, "cut").unwrap();
    export(&[]);
    assert_eq!(fs::read(&blob).unwrap(), right);
}

#[test]
fn manifests_without_a_tag_come_along_where_they_are_asked_for() {
    let planted = Planted::new();
    let child = planted.image("lib/app", "child");
    let top = planted.index("lib/app", &[&child]);
    planted.tag("lib/app", "v1", &top);
    let untagged = planted.image("lib/app", "untagged");
    let layout = layout_in(&planted.scratch);
    planted.regtree(["export", "lib/*", "-o", layout.to_str().unwrap()]).ok();
    assert_eq!(names(&layout), [("lib/app:v1".to_owned(), top.clone())].into());
    planted.regtree(["export", "lib/app", "--untagged", "-o", layout.to_str().unwrap()]).ok();
    // The child belongs to the index, and needs no entry of its own.
    assert_eq!(names(&layout), [("lib/app:v1".to_owned(), top), ("-".to_owned(), untagged)].into());
}

#[test]
fn a_damaged_image_keeps_its_old_entry_and_is_left_out_on_demand() {
    let scratch = Scratch::new();
    let old = scratch.image("lib/app", "old").tag("v1");
    let layout = layout_in(&scratch);
    let path = layout.to_str().unwrap();
    scratch.regtree(["export", "--all", "-o", path]).ok();
    let new = scratch.image("lib/app", "new").tag("v1");
    let good = scratch.image("lib/app", "good").tag("v2");
    fs::write(scratch.blob(new.layer), b"layer nuw").unwrap();
    let before = names(&layout);
    let blob = scratch.blob(new.layer);
    let run = scratch.regtree(["export", "--all", "-o", path]).run().code(5).silent();
    run.says(["cannot export lib/app:v1", blob.to_str().unwrap(), &new.layer.to_string()]);
    assert_eq!(names(&layout), before);
    let run = scratch.regtree(["export", "--all", "--skip-damaged", "-o", path]).run().code(3);
    assert_eq!(run.lines(), ["lib/app:v2"]);
    run.says(["lib/app:v1 is left out", blob.to_str().unwrap()]);
    let expected = [("lib/app:v1", old.digest), ("lib/app:v2", good.digest)];
    assert_eq!(names(&layout), expected.map(|(name, digest)| (name.to_owned(), digest.to_string())).into());
    assert!(layout.join(CONTENT).join(&*old.layer.hex()).exists());
    assert!(!layout.join(CONTENT).join(&*new.layer.hex()).exists());
}

/// How often the kernel is asked to copy content, where such a fault is injected. The layout has to be right.
fn copies_in_the_kernel(planted: &Planted, inject: Option<&str>) -> usize {
    let (layout, trace) = (layout_in(&planted.scratch), planted.root().join("trace"));
    let export = planted.regtree(["export", "lib/app:v1", "-o", layout.to_str().unwrap()]);
    let rule = inject.map_or("trace=copy_file_range".to_owned(), |how| format!("inject=copy_file_range:{how}"));
    let words = ["-o", trace.to_str().unwrap(), "-e", "trace=copy_file_range", "-e", &rule];
    export.behind(strace(&words)).ok();
    let calls = fs::read_to_string(&trace).unwrap().matches("copy_file_range(").count();
    let again = planted.regtree(["export", "lib/app:v1", "--verify-existing", "--json"]);
    let summary = again.with(["-o", layout.to_str().unwrap()]).ok().json_lines().pop().unwrap();
    assert_eq!(summary["written"]["blobs"], 0, "{summary}");
    fs::remove_dir_all(&layout).unwrap();
    calls
}

#[test]
fn the_kernel_copies_content_and_where_it_cannot_regtree_does() {
    let planted = Planted::new();
    // More than is copied at once.
    let layer = planted.layer("lib/app", noise(1, 20 << 20));
    let config = planted.layer("lib/app", "{}");
    let image = planted.manifest("lib/app", &planted.image_of(&config, &[&layer]));
    planted.tag("lib/app", "v1", &image);
    assert_eq!(copies_in_the_kernel(&planted, None), 2 + 3);
    assert_eq!(copies_in_the_kernel(&planted, Some("error=EXDEV")), 3);
    // Whichever fails, be it in the middle of the layer.
    for nth in 1..=5 {
        assert!(copies_in_the_kernel(&planted, Some(&format!("error=EIO:when={nth}"))) >= 3);
    }
}
