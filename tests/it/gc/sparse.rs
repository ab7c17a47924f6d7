//! Children of indexes that were deleted on purpose: they stay, and gc says how much that takes; where sparse indexes are
//! allowed they go.

use serde_json::{Value, json};

use super::planted::{Planted, blob_path, layer_path, revision_path, sha256, tag_path};
use super::{NOW, NOW_UNTAGGED, collect};

const SPARSE: &str = "--allow-sparse-indexes";

/// A tagged index of two images that share a layer; the second is deleted. Returns the index and both.
fn deleted_platform(planted: &Planted) -> (String, [String; 2]) {
    let shared = planted.layer("lib", "a layer that they share");
    let images = ["amd64", "arm64"].map(|words| {
        let config = planted.layer("lib", format!("config of {words}"));
        let layer = planted.layer("lib", format!("layer of {words}"));
        planted.manifest("lib", &planted.image_of(&config, &[&layer, &shared]))
    });
    let index = planted.index("lib", &[&images[0], &images[1]]);
    planted.tag("lib", "v1", &index);
    planted.remove(&(revision_path("lib", &images[1]) + "/link"));
    (index, images)
}

/// The content of the image that was deleted, which nothing else needs.
fn own(deleted: &str) -> Vec<String> {
    let mut own = vec![deleted.to_owned(), sha256(b"config of arm64"), sha256(b"layer of arm64")];
    own.sort();
    own
}

#[test]
fn a_child_that_was_deleted_on_purpose_stays_and_its_bytes_are_told() {
    for words in [&NOW[..], &NOW_UNTAGGED] {
        let planted = Planted::new();
        let (_, [_, deleted]) = deleted_platform(&planted);
        let manifest = std::fs::metadata(planted.at(&blob_path(&deleted))).unwrap().len();
        let bytes = manifest + ("config of arm64".len() + "layer of arm64".len()) as u64;
        let collection = collect(&planted.scratch, words).code(0);
        assert!(collection.gone.is_empty());
        assert!(own(&deleted).iter().all(|digest| planted.has(digest)));
        let told = json!({ "manifests": 1, "blobs": 3, "bytes": bytes });
        assert_eq!(collection.summary()["unlinked_children"], told);
        let run = planted.regtree(["gc"]).with(words.iter().copied()).run().code(0);
        let line = format!("  1 manifest ({bytes} B in all) that an index names and no repository links, only because");
        assert!(run.out().contains(&format!("{line} {SPARSE} is not given\n")), "{}", run.out());
    }
}

#[test]
fn where_sparse_indexes_are_allowed_a_deleted_child_goes_with_what_only_it_needed() {
    for words in [&NOW[..], &NOW_UNTAGGED] {
        let planted = Planted::new();
        let (index, [kept, deleted]) = deleted_platform(&planted);
        let words = [words, &[SPARSE]].concat();
        let collection = collect(&planted.scratch, &words).code(0);
        assert_eq!(collection.gone.blobs.iter().cloned().collect::<Vec<_>>(), own(&deleted));
        assert_eq!(collection.summary()["unlinked_children"], Value::Null);
        for digest in [&index, &kept] {
            assert!(planted.has(digest) && planted.has_revision("lib", digest));
        }
        assert!(planted.has(&sha256(b"a layer that they share")));
        assert!(collect(&planted.scratch, &words).code(0).gone.is_empty(), "a second run removes more");
        // Without the flag the missing child is a doubt.
        collect(&planted.scratch, &NOW).code(3);
    }
}

#[test]
fn a_child_with_any_link_anywhere_stays() {
    let links: [fn(&Planted, &str); 6] = [
        |planted, child| planted.revision("other", child),
        |planted, child| planted.plant(&(revision_path("other", child) + "/link"), ""),
        |planted, child| planted.link("other", child),
        |planted, child| planted.plant(&layer_path("other", child), ""),
        |planted, child| planted.plant(&layer_path("other", child), "no digest"),
        |planted, child| std::fs::create_dir_all(planted.at(&layer_path("other", child))).unwrap(),
    ];
    for (number, link) in links.into_iter().enumerate() {
        let planted = Planted::new();
        let (_, [_, deleted]) = deleted_platform(&planted);
        planted.tagged_image("other", "v1", "another image");
        link(&planted, &deleted);
        let run = collect(&planted.scratch, &[&NOW[..], &[SPARSE]].concat());
        assert!(matches!(run.run.exit(), Some(0 | 3)), "{}", run.run.err());
        assert!(own(&deleted).iter().all(|digest| planted.has(digest)), "link {number}");
    }
}

#[test]
fn a_directory_that_the_deletion_of_a_link_left_is_no_link() {
    let planted = Planted::new();
    let (_, [_, deleted]) = deleted_platform(&planted);
    std::fs::create_dir_all(planted.at(&layer_path("lib", &deleted)).parent().unwrap()).unwrap();
    let collection = collect(&planted.scratch, &[&NOW[..], &[SPARSE]].concat()).code(0);
    assert_eq!(collection.gone.blobs.into_iter().collect::<Vec<_>>(), own(&deleted));
}

#[test]
fn a_deleted_child_stays_where_something_else_is_in_doubt() {
    // Where links may be unseen no content goes; and an index that can't be followed keeps all that it names.
    let damages: [fn(&Planted); 2] = [
        |planted| std::os::unix::fs::symlink("..", planted.at("repositories/loop")).unwrap(),
        |planted| planted.plant(&format!("{}/current/link", tag_path("lib", "broken")), ""),
    ];
    for damage in damages {
        let planted = Planted::new();
        let (_, [_, deleted]) = deleted_platform(&planted);
        damage(&planted);
        collect(&planted.scratch, &[&NOW[..], &[SPARSE]].concat()).code(3);
        assert!(own(&deleted).iter().all(|digest| planted.has(digest)));
    }
}

#[test]
fn a_young_child_and_one_in_a_repository_that_is_not_chosen_stay() {
    let planted = Planted::new();
    let (_, [_, deleted]) = deleted_platform(&planted);
    planted.tagged_image("other", "v1", "another image");
    assert!(collect(&planted.scratch, &[SPARSE]).code(0).gone.blobs.is_empty());
    let words = [&NOW[..], &[SPARSE, "--repository", "other"]].concat();
    assert!(collect(&planted.scratch, &words).code(0).gone.is_empty());
    let said = planted.regtree(["gc", "--json"]).with(NOW).with([SPARSE, "--explain", &deleted]).ok();
    assert!(said.json_lines().iter().any(|event| event["fate"] == "goes"), "{}", said.out());
    assert!(own(&deleted).iter().all(|digest| planted.has(digest)));
}
