//! Each way in which the registry's own collector is known to fail, as a test that this one does not.

use super::planted::{Planted, blob_path, layer_path, revision_path, schema1, sha256};
use super::{NOW, NOW_UNTAGGED, assert_whole, collect};
use crate::support::vectors::tree;

const BOTH: [&[&str]; 2] = [&NOW, &NOW_UNTAGGED];

/// A tree with a tagged image in `lib` and a blob that nobody links.
fn with_garbage() -> (Planted, String) {
    let planted = Planted::new();
    planted.tagged_image("lib", "v1", "an image");
    let garbage = planted.blob("garbage");
    (planted, garbage)
}

#[test]
fn one_zero_byte_link_does_not_keep_the_rest_from_being_collected() {
    for words in BOTH {
        let (planted, garbage) = with_garbage();
        let damaged = planted.tagged_image("other", "v1", "another image");
        planted.plant(&(revision_path("other", &damaged) + "/link"), "");
        let stale = planted.layer("lib", "stale");
        let collection = collect(&planted.scratch, words).code(3);
        assert_eq!(collection.gone.blobs, [garbage, stale].into());
        assert!(planted.has(&damaged) && planted.has(&sha256(b"layer of another image")));
    }
}

#[test]
fn an_empty_layer_link_needs_no_reading_to_be_understood() {
    let (planted, garbage) = with_garbage();
    let layer = sha256(b"layer of an image");
    planted.plant(&layer_path("lib", &layer), "");
    let collection = collect(&planted.scratch, &NOW);
    assert!(matches!(collection.run.exit(), Some(0 | 3)), "{}", collection.run.err());
    assert_eq!(collection.gone.blobs, [garbage].into());
}

#[test]
fn a_repository_without_layers_is_collected_like_any_other() {
    for words in BOTH {
        let (planted, garbage) = with_garbage();
        planted.tagged_image("other", "v1", "another image");
        planted.remove("repositories/other/_layers");
        let collection = collect(&planted.scratch, words).code(0);
        assert_eq!(collection.gone.blobs, [garbage].into());
    }
}

#[test]
fn of_a_repository_without_tags_no_revision_is_left_without_its_content() {
    let (planted, garbage) = with_garbage();
    let untagged = planted.image("other", "another image");
    let collection = collect(&planted.scratch, &NOW).code(0);
    assert_eq!(collection.gone.blobs, [garbage].into());
    // It has no tag, so it goes: wholly, the link first.
    let collection = collect(&planted.scratch, &NOW_UNTAGGED).code(0);
    assert_eq!(collection.gone.revisions, [("other".to_owned(), untagged.clone())].into());
    let content = [sha256(b"layer of another image"), sha256(b"config of another image"), untagged];
    assert_eq!(collection.gone.blobs, content.into());
    assert_whole(&planted.scratch);
}

#[test]
fn the_children_of_a_tagged_index_stay_with_their_content() {
    for words in BOTH {
        let (planted, garbage) = with_garbage();
        let children = [planted.image("lib", "one child"), planted.image("lib", "another child")];
        let inner = planted.index("lib", &[&children[1]]);
        let index = planted.index("lib", &[&children[0], &inner]);
        planted.tag("lib", "multi", &index);
        let collection = collect(&planted.scratch, words).code(0);
        assert_eq!(collection.gone.blobs, [garbage].into());
        assert!(collection.gone.links().is_empty());
        assert_whole(&planted.scratch);
    }
}

#[test]
fn an_untagged_referrer_of_a_kept_image_stays_and_one_of_another_goes() {
    let (planted, garbage) = with_garbage();
    let image = planted.tagged_image("lib", "signed", "a signed image");
    let signature = planted.referrer("lib", &image, "a signature");
    let countersigned = planted.referrer("lib", &signature, "a signature of the signature");
    let untagged = planted.image("lib", "an untagged image");
    let lost = planted.referrer("lib", &untagged, "a signature of the untagged image");
    let collection = collect(&planted.scratch, &NOW_UNTAGGED).code(0);
    let gone = |digest: &String| ("lib".to_owned(), digest.clone());
    assert_eq!(collection.gone.revisions, [gone(&untagged), gone(&lost)].into());
    assert!(collection.gone.blobs.contains(&garbage));
    assert!([&image, &signature, &countersigned].into_iter().all(|digest| planted.has_revision("lib", digest)));
    assert_whole(&planted.scratch);
}

#[test]
fn a_referrer_of_a_child_of_a_tagged_index_stays() {
    let planted = Planted::new();
    let child = planted.image("lib", "a child");
    let index = planted.index("lib", &[&child]);
    planted.tag("lib", "multi", &index);
    planted.referrer("lib", &child, "a signature");
    assert!(collect(&planted.scratch, &NOW_UNTAGGED).code(0).gone.is_empty());
}

#[test]
fn a_tagged_referrer_does_not_keep_its_subject() {
    let planted = Planted::new();
    let subject = planted.image("lib", "an untagged image");
    let referrer = planted.referrer("lib", &subject, "a tagged signature");
    planted.tag("lib", "signature", &referrer);
    let collection = collect(&planted.scratch, &NOW_UNTAGGED).code(0);
    assert_eq!(collection.gone.revisions, [("lib".to_owned(), subject)].into());
    assert!(planted.has_revision("lib", &referrer));
}

#[test]
fn a_schema1_manifest_is_collected_like_any_other() {
    for words in BOTH {
        let (planted, garbage) = with_garbage();
        let layer = planted.layer("old", "an old layer");
        let old = planted.manifest("old", &schema1("old", &[&layer, &layer]));
        planted.tag("old", "v1", &old);
        let collection = collect(&planted.scratch, words).code(0);
        assert_eq!(collection.gone.blobs, [garbage].into());
        assert!(collection.gone.links().is_empty());
    }
}

#[test]
fn a_layer_referenced_by_its_sha512_digest_stays() {
    for words in BOTH {
        let (planted, garbage) = with_garbage();
        let config = planted.layer("lib", "a config");
        let alias = planted.alias("lib", "a layer of two names");
        let image = planted.manifest("lib", &planted.image_of(&config, &[&alias]));
        planted.tag("lib", "aliased", &image);
        let collection = collect(&planted.scratch, words).code(0);
        assert_eq!(collection.gone.blobs, [garbage].into());
        assert!(collection.gone.links().is_empty());
        assert_whole(&planted.scratch);
    }
}

#[test]
fn a_layer_referenced_by_its_sha512_digest_needs_no_other_link() {
    let planted = Planted::new();
    let config = planted.layer("lib", "a config");
    let alias = planted.alias("lib", "a layer of two names");
    planted.remove(&layer_path("lib", &sha256(b"a layer of two names")));
    let image = planted.manifest("lib", &planted.image_of(&config, &[&alias]));
    planted.tag("lib", "aliased", &image);
    assert!(collect(&planted.scratch, &NOW_UNTAGGED).code(0).gone.is_empty());
}

#[test]
fn an_alias_that_no_manifest_needs_goes_with_its_layer() {
    let (planted, garbage) = with_garbage();
    let alias = planted.alias("lib", "a layer of two names");
    let layer = sha256(b"a layer of two names");
    let collection = collect(&planted.scratch, &NOW).code(0);
    assert_eq!(collection.gone.blobs, [garbage, layer.clone()].into());
    assert_eq!(collection.gone.layer_links, [alias, layer].map(|digest| ("lib".to_owned(), digest)).into());
}

#[test]
fn a_tree_of_2_1_0_keeps_its_images() {
    for words in BOTH {
        let scratch = tree("2.1.0");
        let collection = collect(&scratch, words).code(0);
        assert!(!collection.gone.blobs.is_empty());
        for (repository, tag) in [("lib", "v1"), ("lib", "legacy"), ("lib/app", "latest")] {
            scratch.run(["manifest", "verify", repository, tag, "--content"]).code(0);
        }
    }
}

#[test]
fn a_blob_that_was_just_uploaded_stays() {
    let (planted, garbage) = with_garbage();
    planted.age(48);
    planted.layer("lib", "just uploaded");
    let collection = collect(&planted.scratch, &[]).code(0);
    assert_eq!(collection.gone.blobs, [garbage].into());
    assert!(collection.gone.links().is_empty());
}

#[test]
fn a_stale_layer_link_goes_with_its_content_and_without() {
    let (planted, garbage) = with_garbage();
    let stale = planted.layer("lib", "stale");
    let gone = sha256(b"gone long ago");
    planted.link("lib", &gone);
    // Another repository's layer: the link goes, the content stays.
    let shared = sha256(b"layer of another image");
    planted.tagged_image("other", "v1", "another image");
    planted.link("lib", &shared);
    let collection = collect(&planted.scratch, &NOW).code(0);
    assert_eq!(collection.gone.blobs, [garbage, stale.clone()].into());
    assert_eq!(collection.gone.layer_links, [stale, gone, shared].map(|digest| ("lib".to_owned(), digest)).into());
    assert_whole(&planted.scratch);
}

#[test]
fn a_layer_s_link_stays_whatever_the_order_of_repositories() {
    // The registry forgets of `a` what only `b` needs, and keeps it the other way round.
    for [owner, other] in [["a", "b"], ["b", "a"]] {
        let planted = Planted::new();
        planted.tagged_image(owner, "v1", "an image");
        planted.tagged_image(other, "v1", "another image");
        planted.link(other, &sha256(b"layer of an image"));
        let collection = collect(&planted.scratch, &NOW).code(0);
        assert_eq!(collection.gone.layer_links, [(other.to_owned(), sha256(b"layer of an image"))].into());
        assert!(collection.gone.blobs.is_empty());
    }
}

#[test]
fn an_empty_repository_leaves_the_catalog() {
    let (planted, _) = with_garbage();
    planted.link("deleted", &sha256(b"gone long ago"));
    for directory in ["_layers/sha256", "_manifests/revisions/sha256", "_manifests/tags", "_uploads"] {
        std::fs::create_dir_all(planted.at("repositories/empty/inside").join(directory)).unwrap();
    }
    let kept = collect(&planted.scratch, &[&NOW[..], &["--keep-empty-repositories"]].concat()).code(0);
    assert_eq!(kept.removed("repository", "path").len(), 0);
    assert!(planted.at("repositories/empty/inside").exists());
    let collection = collect(&planted.scratch, &NOW).code(0);
    let empty = collection.of_type("remove").filter(|event| event["kind"] == "repository");
    let mut empty: Vec<&str> = empty.map(|event| event["repository"].as_str().unwrap()).collect();
    empty.sort_unstable();
    assert_eq!(empty, ["deleted", "empty/inside"]);
    assert_eq!(planted.run(["repo", "list"]).code(0).lines(), ["lib"]);
    assert!(!planted.at("repositories/empty").exists(), "what held it is empty too");
}

#[test]
fn a_repository_inside_an_empty_one_stays() {
    let planted = Planted::new();
    std::fs::create_dir_all(planted.at("repositories/outer/_layers")).unwrap();
    planted.tagged_image("outer/inner", "v1", "an image");
    let collection = collect(&planted.scratch, &NOW).code(0);
    assert!(collection.gone.is_empty());
    assert_eq!(planted.run(["repo", "list"]).code(0).lines(), ["outer/inner"]);
    assert_whole(&planted.scratch);
}

#[test]
fn an_image_whose_manifest_is_corrupt_keeps_its_layers() {
    for words in BOTH {
        let (planted, garbage) = with_garbage();
        let image = planted.tagged_image("other", "v1", "another image");
        planted.plant(&blob_path(&image), "{\"schemaVersion\":2}");
        let collection = collect(&planted.scratch, words).code(3);
        assert_eq!(collection.gone.blobs, [garbage].into());
        assert!(collection.gone.links().is_empty());
    }
}

#[test]
fn a_directory_in_the_place_of_a_layer_s_link_stays_and_the_rest_is_collected() {
    let (planted, garbage) = with_garbage();
    let odd = layer_path("lib", &planted.layer("lib", "stale, and its link is a directory"));
    planted.remove(&odd);
    std::fs::create_dir(planted.at(&odd)).unwrap();
    let stale = planted.layer("lib", "stale");
    let collection = collect(&planted.scratch, &NOW).code(0);
    let content = sha256(b"stale, and its link is a directory");
    assert_eq!(collection.gone.blobs, [garbage, stale.clone(), content].into());
    assert_eq!(collection.gone.layer_links, [("lib".to_owned(), stale)].into());
    assert!(planted.at(&odd).is_dir());
}
