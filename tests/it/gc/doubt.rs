//! Damage that no vector has, tags of referrers, and the safety limits.

use serde_json::Value;

use super::planted::{Planted, hex_of, layer_path, revision_path, sha256, tag_path};
use super::{NOW, NOW_UNTAGGED, collect};

#[test]
fn what_hides_names_keeps_all_content() {
    let planted = Planted::new();
    planted.tagged_image("lib", "v1", "an image");
    let orphan = planted.blob("an orphan");
    planted.plant("outside/_manifests/tags/v1/current/link", &orphan);
    std::os::unix::fs::symlink("../outside", planted.at("repositories/elsewhere")).unwrap();
    let collection = collect(&planted.scratch, &NOW).code(3);
    assert!(planted.has(&orphan) && collection.gone.blobs.is_empty());
    assert_eq!(collection.doubts(), ["tree".to_owned()].into());
    assert_eq!(collection.summary()["content_kept_for_doubt"], true);
    assert!(planted.at("outside/_manifests/tags/v1/current/link").exists());
    // The link gone, the content goes.
    planted.remove("repositories/elsewhere");
    let collection = collect(&planted.scratch, &NOW).code(0);
    assert_eq!(collection.gone.blobs, [orphan].into());
    assert_eq!(collection.summary()["content_kept_for_doubt"], false);
}

#[test]
fn a_directory_that_can_t_be_listed_keeps_all_content() {
    use std::os::unix::fs::PermissionsExt;

    let planted = Planted::new();
    planted.tagged_image("lib", "v1", "an image");
    planted.tagged_image("secret", "v1", "another image");
    let orphan = planted.blob("an orphan");
    for entry in walkdir::WalkDir::new(planted.root()) {
        std::fs::set_permissions(entry.unwrap().path(), PermissionsExt::from_mode(0o777)).unwrap();
    }
    for hidden in
        ["repositories/secret", "repositories/secret/_manifests", "repositories/secret/_manifests/revisions/sha256"]
    {
        let hidden = planted.at(hidden);
        std::fs::set_permissions(&hidden, PermissionsExt::from_mode(0o000)).unwrap();
        let run = planted.regtree(["gc", "--json"]).with(NOW).unprivileged().run().code(3);
        std::fs::set_permissions(&hidden, PermissionsExt::from_mode(0o777)).unwrap();
        let events = run.json_lines();
        assert!(events.iter().any(|event| event["doubt"] == "tree"), "{}", hidden.display());
        assert!(planted.has(&orphan) && planted.has(&sha256(b"layer of another image")), "{}", hidden.display());
    }
}

#[test]
fn a_repository_by_an_invalid_name_keeps_what_it_needs_and_is_collected() {
    let planted = Planted::new();
    let name = "Bad!/name";
    let image = planted.tagged_image(name, "v1", "an image");
    let stale = planted.layer(name, "stale");
    let untagged = planted.image(name, "an untagged image");
    let collection = collect(&planted.scratch, &NOW_UNTAGGED).code(0);
    assert!(planted.has(&image) && planted.has(&sha256(b"layer of an image")));
    assert!(collection.gone.blobs.contains(&stale) && collection.gone.blobs.contains(&untagged));
    assert_eq!(collection.gone.revisions, [(name.to_owned(), untagged)].into());
}

#[test]
fn unknown_kinds_keep_whatever_digest_they_mention() {
    let planted = Planted::new();
    planted.tagged_image("lib", "v1", "an image");
    let mentioned = planted.layer("lib", "mentioned");
    let orphan = planted.blob("an orphan");
    let unknown =
        serde_json::json!({ "mediaType": "application/vnd.unheard.of+json", "rest": { "of": ["it", mentioned] } });
    let unknown = planted.manifest("lib", &unknown);
    planted.tag("lib", "unknown", &unknown);
    let collection = collect(&planted.scratch, &NOW).code(0);
    assert_eq!(collection.gone.blobs, [orphan].into());
    assert!(planted.links("lib", &mentioned));
}

#[test]
fn the_history_of_a_tag_goes_with_the_revisions_it_names() {
    let planted = Planted::new();
    let former = planted.tagged_image("lib", "v1", "a former image");
    let current = planted.tagged_image("lib", "v1", "the current image");
    let entry = |digest: &str| format!("{}/index/sha256/{}/link", tag_path("lib", "v1"), hex_of(digest));
    assert!(collect(&planted.scratch, &NOW).code(0).gone.is_empty());
    assert!(planted.at(&entry(&former)).exists());
    let collection = collect(&planted.scratch, &NOW_UNTAGGED).code(0);
    assert_eq!(collection.removed("tag-history", "digest"), [format!("lib {former}")].into());
    assert!(!planted.at(&entry(&former)).exists() && planted.at(&entry(&current)).exists());
    assert!(!planted.at(&revision_path("lib", &former)).exists());
}

#[test]
fn a_tag_of_referrers_whose_subject_is_gone_stays_unless_told_otherwise() {
    for name in ["", ".sig", ".att", ".sbom"] {
        let planted = Planted::new();
        let image = planted.tagged_image("lib", "v1", "an image");
        let gone = sha256(b"an image of long ago");
        let dangling = format!("sha256-{}{name}", hex_of(&gone));
        let alive = format!("sha256-{}{name}", hex_of(&image));
        let referrer = planted.referrer("lib", &gone, "a signature of something gone");
        let [lost, kept] = [vec![&*referrer], vec![]].map(|children| planted.index("lib", &children));
        planted.tag("lib", &dangling, &lost);
        planted.tag("lib", &alive, &kept);
        assert!(collect(&planted.scratch, &NOW_UNTAGGED).code(0).gone.is_empty(), "{name}");
        let words = [&NOW_UNTAGGED[..], &["--delete-dangling-referrers"]].concat();
        let collection = collect(&planted.scratch, &words).code(0);
        assert_eq!(collection.removed("tag", "tag"), [format!("lib {dangling}")].into(), "{name}");
        assert!(!planted.at(&tag_path("lib", &dangling)).exists(), "{name}");
        assert!(planted.at(&tag_path("lib", &alive)).exists() && planted.has_revision("lib", &kept), "{name}");
        let revisions = [&lost, &referrer].map(|digest| ("lib".to_owned(), digest.clone()));
        assert_eq!(collection.gone.revisions, revisions.into(), "{name}");
    }
}

#[test]
fn a_tree_without_any_root_is_not_emptied() {
    let planted = Planted::new();
    let blob = planted.layer("lib", "content");
    let run = collect(&planted.scratch, &NOW).code(12);
    assert!(planted.has(&blob) && planted.links("lib", &blob) && run.gone.is_empty());
    assert!(run.run.err().contains("hint") && run.run.err().contains("--"), "{}", run.run.err());
    collect(&planted.scratch, &[&NOW[..], &["--dry-run"]].concat()).code(12);
}

#[test]
fn a_tree_without_blobs_needs_no_root() {
    assert_eq!(collect(&Planted::new().scratch, &NOW).code(0).removals(), [] as [Value; 0]);
}

#[test]
fn no_more_is_deleted_than_was_allowed() {
    let planted = Planted::new();
    planted.tagged_image("lib", "v1", "an image");
    let garbage = planted.layer("lib", vec![7; 1_000_000]);
    let limit = |limit: &str| [&NOW[..], &["--max-delete", limit]].concat().into_iter().map(str::to_owned).collect();
    for low in ["50%", "0%", "999999", "0"] {
        let words: Vec<String> = limit(low);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let run = collect(&planted.scratch, &words).code(12);
        assert!(run.run.err().contains("--max-delete"), "{}", run.run.err());
        assert!(planted.has(&garbage) && planted.links("lib", &garbage), "{low}");
    }
    for high in ["100%", "1000000", "1GiB"] {
        let words: Vec<String> = limit(high);
        let words: Vec<&str> = words.iter().map(String::as_str).chain(["--dry-run"]).collect();
        assert_eq!(collect(&planted.scratch, &words).code(0).said().blobs, [garbage.clone()].into(), "{high}");
    }
    assert_eq!(
        collect(&planted.scratch, &[&NOW[..], &["--max-delete", "1000000"]].concat()).code(0).gone.blobs,
        [garbage].into()
    );
}

#[test]
fn a_malformed_link_by_another_algorithm_makes_its_repository_opaque() {
    let planted = Planted::new();
    planted.tagged_image("other", "v1", "an image");
    let alias = planted.alias("lib", "a layer of two names");
    planted.plant(&layer_path("lib", &alias), "sha256:");
    let orphan = planted.blob("an orphan");
    let collection = collect(&planted.scratch, &NOW).code(3);
    assert_eq!(collection.opaque(), ["lib".to_owned()].into());
    assert_eq!(collection.gone.blobs, [orphan].into());
}
