//! What is young is kept, and all that it references.

use serde_json::Value;

use super::planted::{Planted, blob_path, hex_of, layer_path, revision_path, sha256};
use super::{NOW, NOW_UNTAGGED, collect};

/// With the default of a day.
const UNTAGGED: [&str; 1] = ["--delete-untagged"];

/// Parent of a path.
fn directory_of(path: &str) -> &str {
    path.rsplit_once('/').unwrap().0
}

/// An old tree of a tagged image, an untagged image and a blob that nobody links; and the digests of the latter two.
fn old() -> (Planted, String, String) {
    let planted = Planted::new();
    planted.tagged_image("lib", "v1", "a tagged image");
    let untagged = planted.image("lib", "an untagged image");
    let orphan = planted.blob("an orphan");
    planted.age(48);
    (planted, untagged, orphan)
}

#[test]
fn a_day_is_young_unless_told_otherwise() {
    let (planted, untagged, orphan) = old();
    let start = |words: &[&str]| collect(&planted.scratch, &[words, &["--dry-run"]].concat()).code(0).events[0].clone();
    assert_eq!(start(&[])["min_age"], 86400);
    assert_eq!(start(&["--min-age", "3d"])["min_age"], 3 * 86400);
    assert_eq!(start(&["--min-age", "90m"])["min_age"], 90 * 60);
    let collection = collect(&planted.scratch, &["--delete-untagged", "--min-age", "3d"]).code(0);
    assert_eq!(collection.removals(), [] as [Value; 0]);
    let collection = collect(&planted.scratch, &UNTAGGED).code(0);
    let content = [sha256(b"config of an untagged image"), sha256(b"layer of an untagged image")];
    assert_eq!(collection.gone.blobs, content.into_iter().chain([untagged, orphan]).collect());
}

#[test]
fn zero_makes_nothing_young() {
    let planted = Planted::new();
    let untagged = planted.image("lib", "an untagged image");
    planted.tagged_image("lib", "v1", "a tagged image");
    let stale = planted.layer("lib", "stale");
    assert_eq!(collect(&planted.scratch, &[]).code(0).removals(), [] as [Value; 0]);
    let collection = collect(&planted.scratch, &NOW_UNTAGGED).code(0);
    assert!(collection.gone.blobs.contains(&untagged) && collection.gone.blobs.contains(&stale));
}

#[test]
fn a_young_revision_keeps_itself_and_all_that_it_references() {
    let (planted, untagged, orphan) = old();
    planted.age_of(&(revision_path("lib", &untagged) + "/link"), 1);
    let collection = collect(&planted.scratch, &UNTAGGED).code(0);
    assert_eq!(collection.gone.blobs, [orphan].into());
    assert!(collection.gone.links().is_empty());
}

#[test]
fn a_young_index_keeps_its_children_and_their_content() {
    let (planted, untagged, orphan) = old();
    let index = planted.index("lib", &[&untagged]);
    let collection = collect(&planted.scratch, &UNTAGGED).code(0);
    assert!(planted.has_revision("lib", &index));
    assert_eq!(collection.gone.blobs, [orphan].into());
    assert!(collection.gone.links().is_empty());
}

#[test]
fn a_young_layer_link_keeps_itself_and_its_blob() {
    let (planted, _, orphan) = old();
    planted.link("lib", &orphan);
    let collection = collect(&planted.scratch, &[]).code(0);
    assert!(collection.gone.is_empty());
    planted.age_of(&layer_path("lib", &orphan), 48);
    planted.age_of(directory_of(&layer_path("lib", &orphan)), 48);
    let collection = collect(&planted.scratch, &[]).code(0);
    assert_eq!(collection.gone.blobs, [orphan].into());
}

#[test]
fn a_young_link_by_another_digest_keeps_the_blob_it_names() {
    let (planted, _, orphan) = old();
    let alias = planted.alias("lib", "a blob of two names");
    let blob = sha256(b"a blob of two names");
    planted.age(48);
    planted.age_of(&layer_path("lib", &alias), 1);
    let collection = collect(&planted.scratch, &[]).code(0);
    assert_eq!(collection.gone.blobs, [orphan].into());
    assert!(planted.has(&blob) && planted.links("lib", &alias));
}

#[test]
fn a_young_blob_keeps_itself() {
    let (planted, _, orphan) = old();
    planted.age_of(&blob_path(&orphan), 1);
    assert!(collect(&planted.scratch, &[]).code(0).gone.is_empty());
    // Nor does it go when others do.
    let other = planted.blob("another orphan");
    planted.age_of(&blob_path(&other), 48);
    planted.age_of(directory_of(&blob_path(&other)), 48);
    assert_eq!(collect(&planted.scratch, &[]).code(0).gone.blobs, [other].into());
}

#[test]
fn a_young_manifest_that_has_no_revision_yet_keeps_what_it_references() {
    let planted = Planted::new();
    planted.tagged_image("lib", "v1", "a tagged image");
    let [config, layer] = ["a config", "a layer"].map(|content| planted.layer("lib", content));
    planted.age(48);
    // The registry writes a manifest's blob before its revision.
    let manifest = planted.blob(planted.image_of(&config, &[&layer]).to_string());
    let collection = collect(&planted.scratch, &[]).code(0);
    assert!([&config, &layer, &manifest].into_iter().all(|digest| planted.has(digest)), "{:?}", collection.gone);
}

#[test]
fn a_blob_that_was_just_renamed_into_place_is_young_however_old_its_data() {
    let (planted, _, orphan) = old();
    planted.age_of(directory_of(&blob_path(&orphan)), 1);
    assert!(collect(&planted.scratch, &[]).code(0).gone.is_empty());
}

#[test]
fn a_time_in_the_future_counts_as_young() {
    let future = std::time::SystemTime::now() + std::time::Duration::from_hours(24 * 365);
    let (planted, untagged, orphan) = old();
    crate::support::Scratch::set_time(&planted.at(&blob_path(&orphan)), future);
    crate::support::Scratch::set_time(&planted.at(&(revision_path("lib", &untagged) + "/link")), future);
    assert!(collect(&planted.scratch, &UNTAGGED).code(0).gone.is_empty());
    // Unless nothing is.
    assert!(collect(&planted.scratch, &NOW_UNTAGGED).code(0).gone.blobs.contains(&orphan));
}

#[test]
fn a_time_that_no_calendar_has_counts_as_young() {
    // Some file systems keep such a time; others make it the last that they can store, which is in the future too.
    let beyond = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1 << 40);
    let (planted, untagged, orphan) = old();
    crate::support::Scratch::set_time(&planted.at(&blob_path(&orphan)), beyond);
    crate::support::Scratch::set_time(&planted.at(&(revision_path("lib", &untagged) + "/link")), beyond);
    assert!(collect(&planted.scratch, &UNTAGGED).code(0).gone.is_empty());
}

#[test]
fn an_old_link_of_a_young_image_stays() {
    let (planted, _, orphan) = old();
    // An old image is pushed anew under another name: old layers, a young revision.
    let layer = sha256(b"layer of an untagged image");
    let config = planted.layer("lib", "a new config");
    planted.age(48);
    let new = planted.manifest("lib", &planted.image_of(&config, &[&layer]));
    let collection = collect(&planted.scratch, &UNTAGGED).code(0);
    assert!(planted.has_revision("lib", &new) && planted.links("lib", &layer) && planted.has(&layer));
    assert!(collection.gone.blobs.contains(&orphan));
}

#[test]
fn what_is_young_and_empty_stays() {
    let (planted, _, _) = old();
    std::fs::create_dir_all(planted.at("repositories/new/_layers")).unwrap();
    let collection = collect(&planted.scratch, &[]).code(0);
    assert!(collection.removed("repository", "path").is_empty());
    assert!(planted.at("repositories/new/_layers").exists());
}

#[test]
fn digests_to_keep_are_roots() {
    let (planted, untagged, orphan) = old();
    let file = planted.root().join("keep");
    let keep = |lines: &str| {
        std::fs::write(&file, lines).unwrap();
        let words = ["--dry-run", "--keep-digests", file.to_str().unwrap()];
        collect(&planted.scratch, &[&NOW_UNTAGGED[..], &words].concat())
    };
    let content = [sha256(b"config of an untagged image"), sha256(b"layer of an untagged image")];
    let gone = keep(&format!("{orphan}\n")).code(0).said();
    assert_eq!(gone.blobs, content.iter().cloned().chain([untagged.clone()]).collect());
    // A manifest keeps what it references.
    let gone = keep(&format!("{untagged}\n")).code(0).said();
    assert_eq!(gone.blobs, [orphan.clone()].into());
    let gone = keep(&format!("{untagged}\n{orphan}\n")).code(0).said();
    assert!(gone.blobs.is_empty());
    // What can't be read must not look as if there were nothing to keep.
    let refused = keep("no digest\n");
    assert!(!matches!(refused.run.exit(), Some(0 | 3)) && refused.said().is_empty(), "{}", refused.run.err());
    let missing = [&NOW_UNTAGGED[..], &["--keep-digests", "/nowhere/keep"]].concat();
    assert!(!matches!(collect(&planted.scratch, &missing).run.exit(), Some(0 | 3)));
    assert!(planted.has(&orphan) && planted.has(&untagged));
}

#[test]
fn an_index_across_repositories_keeps_its_children_s_content() {
    for words in [&NOW[..], &NOW_UNTAGGED] {
        let planted = Planted::new();
        let child = planted.image("children", "a child");
        let index = planted.index("lib", &[&child]);
        planted.tag("lib", "sparse", &index);
        let collection = collect(&planted.scratch, words).code(0);
        let layer = sha256(b"layer of a child");
        assert!(collection.gone.blobs.is_empty(), "{words:?}: {:?}", collection.gone);
        assert!(planted.has(&layer) && planted.has(&child));
        // Removal is by repository: nothing there needs the untagged child.
        assert_eq!(planted.has_revision("children", &child), !words.contains(&"--delete-untagged"));
    }
}

#[test]
fn children_that_were_never_pushed_are_a_doubt_unless_they_are_said_to_be_normal() {
    let planted = Planted::new();
    planted.tagged_image("other", "v1", "an image");
    let stale = planted.layer("lib", "stale");
    let absent = planted.blob(planted.index_of(&[&sha256(b"never pushed")]).to_string());
    planted.revision("lib", &absent);
    planted.tag("lib", "sparse", &absent);
    let collection = collect(&planted.scratch, &NOW).code(3);
    assert_eq!(collection.opaque(), ["lib".to_owned()].into());
    assert!(collection.gone.is_empty() && planted.has(&stale));
    let finding = collection.of_type("finding").find(|finding| finding["doubt"] == "repository").unwrap();
    assert!(finding.to_string().contains(hex_of(&absent)), "{finding}");
    let collection = collect(&planted.scratch, &[&NOW[..], &["--allow-sparse-indexes"]].concat()).code(0);
    assert_eq!(collection.gone.blobs, [stale].into());
    assert!(planted.has_revision("lib", &absent));
}
