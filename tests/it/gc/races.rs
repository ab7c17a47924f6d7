//! What a registry writes while a collection runs, and other moments at which something is about to be lost.

use std::time::Duration;

use regtree::Registry;
use regtree::gc::{self, Action, Did, Kind, Options};
use regtree::stream::Watch;

use super::planted::{Planted, blob_path, hex_of, revision_path, sha256, sha512, tag_path};
use super::{NOW, NOW_UNTAGGED, assert_whole, collect};

/// Collects, and calls `meanwhile` once, when the first thing of a kind went.
fn sweep(planted: &Planted, delete_untagged: bool, kind: Kind, meanwhile: impl FnOnce()) -> Vec<Action> {
    let registry = Registry::open(planted.root()).unwrap();
    let now = jiff::Timestamp::now();
    let writer = registry.exclusive_writer("test", now, Duration::ZERO).unwrap();
    let mut options = Options::new(now);
    options.delete_untagged = delete_untagged;
    let watch = Watch::none();
    let plan = gc::plan(registry.tree(), options, &watch).unwrap();
    let mut meanwhile = Some(meanwhile);
    let swept = gc::sweep(&writer, plan, &watch, |did| {
        if let Did::Removed(action) = did
            && action.kind == kind
            && let Some(meanwhile) = meanwhile.take()
        {
            meanwhile();
        }
        Ok(())
    });
    let swept = swept.unwrap();
    assert!(meanwhile.is_none(), "no {kind} went: {:?}", swept.removed);
    assert!(swept.failures.is_empty(), "{:?}", swept.failures);
    swept.removed
}

fn old() -> Planted {
    let planted = Planted::new();
    planted.tagged_image("lib", "v1", "an image");
    planted.layer("lib", "stale");
    planted
}

#[test]
fn a_push_to_a_repository_that_is_about_to_go_stays() {
    let planted = old();
    planted.layer("ci", "nothing else");
    planted.age(24 * 30);
    sweep(&planted, false, Kind::Blob, || drop(planted.tagged_image("ci", "v1", "pushed meanwhile")));
    planted.run(["manifest", "verify", "ci", "v1", "--content"]).code(0);
}

#[test]
fn a_manifest_that_is_pushed_again_into_what_was_left_of_it_stays() {
    let planted = old();
    let image = planted.image("lib", "deleted once");
    planted.remove(&(revision_path("lib", &image) + "/link"));
    planted.age(24 * 30);
    sweep(&planted, false, Kind::Blob, || {
        planted.image("lib", "deleted once");
        planted.tag("lib", "again", &image);
    });
    planted.run(["manifest", "verify", "lib", "again", "--content"]).code(0);
}

#[test]
fn an_untagged_manifest_that_is_tagged_again_stays_with_all_of_its_content() {
    let planted = old();
    let images: Vec<String> = (0..3).map(|number| planted.image("lib", &format!("untagged {number}"))).collect();
    planted.age(24 * 30);
    let gone = std::cell::RefCell::new(None);
    let removed = sweep(&planted, true, Kind::Revision, || {
        // Whichever goes first, the others are still there.
        let left = images.iter().filter(|image| planted.has_revision("lib", image)).last().unwrap();
        planted.revision("lib", left);
        planted.tag("lib", "again", left);
        *gone.borrow_mut() = Some(left.clone());
    });
    assert!(removed.iter().any(|action| action.kind == Kind::Blob));
    let again = planted.regtree(["manifest", "get", "lib", "again"]).ok();
    assert_eq!(Some(sha256(again.bytes())), gone.into_inner());
    assert_whole_content(&planted, "lib", "again");
}

/// Its links may have to be pushed again, as a registry does that finds none; its content is there.
fn assert_whole_content(planted: &Planted, repository: &str, tag: &str) {
    let manifest = planted.regtree(["manifest", "get", repository, tag]).ok().json();
    let layers = manifest["layers"].as_array().unwrap().iter();
    for digest in layers.map(|layer| &layer["digest"]).chain([&manifest["config"]["digest"]]) {
        assert!(planted.has(digest.as_str().unwrap()), "{digest} is gone");
    }
}

#[test]
fn neither_one_young_blob_nor_one_that_is_named_is_a_root_of_a_tree() {
    let planted = Planted::new();
    let blobs: Vec<String> = (0..5).map(|number| planted.blob(format!("old {number}"))).collect();
    planted.age(24 * 30);
    let young = planted.blob("young");
    collect(&planted.scratch, &[]).code(12);
    let named = planted.root().join("keep");
    std::fs::write(&named, &young).unwrap();
    collect(&planted.scratch, &[&NOW[..], &["--keep-digests", named.to_str().unwrap()]].concat()).code(12);
    assert!(blobs.iter().all(|blob| planted.has(blob)));
}

#[test]
fn an_age_beyond_all_times_keeps_everything() {
    let planted = old();
    planted.age(24 * 30);
    let collection = collect(&planted.scratch, &["--min-age", "5000000d"]);
    assert!(collection.gone.is_empty(), "{:?}", collection.gone);
}

#[test]
fn what_a_named_manifest_references_stays_though_nobody_links_it() {
    let planted = old();
    let (config, layer) = (planted.blob("config"), planted.blob("layer"));
    let manifest = planted.blob(planted.image_of(&config, &[&layer]).to_string());
    let alias = planted.alias("lib", "of two names");
    let named = planted.root().join("keep");
    std::fs::write(&named, format!("{manifest}\n{alias}\n")).unwrap();
    collect(&planted.scratch, &[&NOW[..], &["--keep-digests", named.to_str().unwrap()]].concat()).code(0);
    for digest in [&config, &layer, &manifest, &sha256(b"of two names")] {
        assert!(planted.has(digest), "{digest} is gone");
    }
    assert_eq!(alias, sha512(b"of two names"));
    std::fs::write(&named, "no digest\n").unwrap();
    let refused = collect(&planted.scratch, &[&NOW[..], &["--keep-digests", named.to_str().unwrap()]].concat());
    assert!(refused.code(2).run.err().contains("line 1"));
}

#[test]
fn a_manifest_that_is_named_as_a_layer_is_followed() {
    let planted = old();
    let inner = planted.image("lib", "an image within");
    let config = planted.layer("lib", "config");
    let outer = planted.manifest("lib", &planted.image_of(&config, &[&inner]));
    planted.tag("lib", "outer", &outer);
    collect(&planted.scratch, &NOW_UNTAGGED).code(0);
    assert!(planted.has_revision("lib", &inner) && planted.has(&sha256(b"layer of an image within")));
}

#[test]
fn children_that_are_layers_as_build_caches_have_them_cast_no_doubt() {
    let planted = old();
    let children = [planted.layer("lib", "{\"cache\": 1}"), planted.layer("lib", "a layer")];
    let mut index = planted.index_of(&[&children[0], &children[1]]);
    index["manifests"][0]["mediaType"] = "application/vnd.buildkit.cacheconfig.v0".into();
    index["manifests"][1]["mediaType"] = "application/vnd.oci.image.layer.v1.tar+gzip".into();
    let index = planted.manifest("lib", &index);
    planted.tag("lib", "cache", &index);
    for words in [&NOW[..], &NOW_UNTAGGED] {
        collect(&planted.scratch, words).code(0);
        assert!(children.iter().all(|child| planted.has(child) && planted.links("lib", child)));
        planted.run(["fsck", "--content", "--strict"]).code(0);
        let stat = planted.run(["manifest", "stat", "lib", "cache"]).code(0).out();
        assert!(!stat.contains("missing"), "{stat}");
        assert_whole(&planted.scratch);
    }
}

/// A build cache whose layer is too large to be read as a manifest, and an image beside it that has no tag.
fn large_cache(media_type: &str) -> (Planted, String, String) {
    let planted = old();
    let layer = planted.layer("lib", [b"\x1f\x8b".to_vec(), vec![7; 100 * 1024]].concat());
    let config = planted.layer("lib", "{\"cache\": 1}");
    let mut index = planted.index_of(&[&config, &layer]);
    index["manifests"][0]["mediaType"] = "application/vnd.buildkit.cacheconfig.v0".into();
    index["manifests"][1]["mediaType"] = media_type.into();
    planted.tag("lib", "cache", &planted.manifest("lib", &index));
    let untagged = planted.image("lib", "an untagged image");
    (planted, layer, untagged)
}

const CACHED: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

#[test]
fn a_large_layer_of_a_build_cache_casts_no_doubt() {
    let (planted, layer, untagged) = large_cache(CACHED);
    let collection = collect(&planted.scratch, &NOW_UNTAGGED).code(0);
    assert_eq!(collection.of_type("finding").count(), 0);
    assert!(planted.has(&layer) && planted.links("lib", &layer), "the cache lost its layer");
    assert!(!planted.has(&untagged) && !planted.has_revision("lib", &untagged), "the untagged image stayed");
    planted.run(["fsck", "--content", "--strict"]).code(0);
    assert_whole(&planted.scratch);
}

#[test]
fn a_large_child_that_may_be_a_manifest_casts_doubt() {
    let keeps_all = |(planted, layer, untagged): (Planted, String, String)| {
        collect(&planted.scratch, &NOW_UNTAGGED).code(3);
        assert!([&layer, &untagged].iter().all(|digest| planted.has(digest)));
    };
    for called in ["", "application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json"] {
        keeps_all(large_cache(called));
    }
    // It is linked as a manifest elsewhere.
    let cache = large_cache(CACHED);
    cache.0.plant(&(revision_path("other", &cache.1) + "/link"), &cache.1);
    keeps_all(cache);
    // It is gone.
    let cache = large_cache(CACHED);
    cache.0.remove(&blob_path(&cache.1));
    collect(&cache.0.scratch, &NOW_UNTAGGED).code(3);
    assert!(cache.0.has(&cache.2));
}

#[test]
fn a_child_in_another_repository_keeps_its_layer_of_two_names() {
    let planted = old();
    let alias = planted.alias("other", "of two names");
    let config = planted.layer("other", "config");
    let child = planted.manifest("other", &planted.image_of(&config, &[&alias]));
    let index = planted.index("lib", &[&child]);
    planted.tag("lib", "sparse", &index);
    collect(&planted.scratch, &NOW_UNTAGGED).code(0);
    assert!(planted.has(&sha256(b"of two names")));
}

#[test]
fn a_name_that_is_no_text_does_not_end_the_answer() {
    use std::os::unix::ffi::OsStrExt;
    let planted = old();
    let name = std::ffi::OsStr::from_bytes(b"no\xfftext");
    std::fs::create_dir(planted.at("repositories").join(name)).unwrap();
    let collection = collect(&planted.scratch, &NOW).code(3);
    assert!(collection.of_type("finding").any(|finding| finding["doubt"] == "tree"));
}

#[test]
fn strays_in_directories_that_could_go_keep_them() {
    let planted = old();
    let gone = planted.layer("lib", "gone");
    let blob = planted.blob("without content");
    let layer = format!("repositories/lib/_layers/sha256/{}", hex_of(&gone));
    planted.remove(&format!("{layer}/link"));
    planted.plant(&format!("{layer}/README"), "a stray");
    let directory = blob_path(&blob).replace("/data", "");
    planted.remove(&blob_path(&blob));
    planted.plant(&format!("{directory}/README"), "a stray");
    planted.age(24 * 30);
    collect(&planted.scratch, &NOW).code(0);
    assert!(planted.at(&format!("{layer}/README")).exists() && planted.at(&format!("{directory}/README")).exists());
    assert_eq!(collect(&planted.scratch, &NOW).code(0).removals(), [] as [serde_json::Value; 0]);
}

#[test]
fn more_threads_than_any_machine_has_are_a_mistake() {
    let planted = old();
    for jobs in ["0", "100000", "-1", "x"] {
        planted.regtree(["gc", "--dry-run", "--jobs", jobs]).run().code(2);
    }
    assert!(planted.at(&tag_path("lib", "v1")).exists());
    assert_whole(&planted.scratch);
}
