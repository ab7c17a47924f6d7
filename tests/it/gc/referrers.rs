//! Signatures and other referrers: they stay with what they are about, wherever in the tree that is kept, and tags that
//! only look as if they were made for another manifest stay for good.

use serde_json::{Value, json};

use super::planted::{Planted, blob_path, hex_of, revision_path, sha256, tag_path};
use super::{ALL_DANGLING, ALL_UNTAGGED, Collection, collect};
use crate::du::freed::{delete_each_repository, delete_each_tag};
use crate::support::Scratch;

const SUFFIXES: [&str; 4] = ["", ".sig", ".att", ".sbom"];
const REFERRERS: [&[&str]; 2] = [&ALL_UNTAGGED, &ALL_DANGLING];

fn made_for(subject: &str, suffix: &str) -> String {
    format!("sha256-{}{suffix}", hex_of(subject))
}

/// A manifest with a tag that was made for `subject`: an image with a suffix, without one an index that lists a referrer.
fn signature(planted: &Planted, repository: &str, subject: &str, suffix: &str) -> String {
    let words = format!("{suffix} of {subject}");
    let digest = if suffix.is_empty() {
        planted.index(repository, &[&planted.referrer(repository, subject, &words)])
    } else {
        planted.image(repository, &words)
    };
    planted.tag(repository, &made_for(subject, suffix), &digest);
    digest
}

#[track_caller]
fn assert_kept(planted: &Planted, repository: &str, digest: &str) {
    assert!(planted.has(digest) && planted.has_revision(repository, digest), "{repository}@{digest} is gone");
}

#[track_caller]
fn assert_gone(planted: &Planted, repository: &str, digest: &str) {
    let is_there = planted.has(digest) || planted.has_revision(repository, digest);
    assert!(!is_there, "{repository}@{digest} is still there");
}

fn has_tag(planted: &Planted, repository: &str, tag: &str) -> bool {
    planted.at(&format!("{}/current/link", tag_path(repository, tag))).exists()
}

fn skipped(collection: &Collection) -> Vec<Value> {
    let events = collection.of_type("keep-referrers");
    events.map(|event| json!([event["repository"], event["tags"]])).collect()
}

#[test]
fn a_signature_in_another_repository_stays_with_a_kept_image() {
    for suffix in SUFFIXES {
        // The repository of the image comes before that of the signatures, and after it.
        for images in ["a/images", "z/images"] {
            let planted = Planted::new();
            let image = planted.tagged_image(images, "v1", "an image");
            let kept = signature(&planted, "signatures", &image, suffix);
            let collection = collect(&planted.scratch, &ALL_DANGLING).code(0);
            assert!(collection.gone.is_empty() && skipped(&collection).is_empty(), "{suffix}");
            assert_kept(&planted, "signatures", &kept);
            assert!(has_tag(&planted, "signatures", &made_for(&image, suffix)), "{suffix}");
        }
    }
}

#[test]
fn a_signature_in_another_repository_goes_with_an_image_that_goes() {
    for suffix in SUFFIXES {
        let planted = Planted::new();
        let image = planted.image("images", "an untagged image");
        planted.tagged_image("images", "v1", "another image");
        let lost = signature(&planted, "signatures", &image, suffix);
        collect(&planted.scratch, &ALL_DANGLING).code(0);
        assert_gone(&planted, "images", &image);
        assert_gone(&planted, "signatures", &lost);
        assert!(!planted.at(&tag_path("signatures", &made_for(&image, suffix))).exists(), "{suffix}");
    }
}

#[test]
fn a_tag_of_its_own_digest_keeps_its_image() {
    for suffix in SUFFIXES {
        let planted = Planted::new();
        planted.tagged_image("mirror", "v2", "another image");
        let pinned = planted.image("mirror", "pinned by its digest");
        let tag = made_for(&pinned, suffix);
        planted.tag("mirror", &tag, &pinned);
        assert!(collect(&planted.scratch, &ALL_DANGLING).code(0).gone.is_empty(), "{suffix}");
        assert!(has_tag(&planted, "mirror", &tag), "{suffix}");
        assert_kept(&planted, "mirror", &pinned);
    }
}

#[test]
fn a_tag_without_a_suffix_keeps_what_is_no_list_of_referrers() {
    let planted = Planted::new();
    // A subject that was in the tree and is gone, so that what was made for it goes.
    let gone = planted.image("lib", "an image of long ago");
    planted.remove(&(revision_path("lib", &gone) + "/link"));
    planted.remove(&blob_path(&gone));
    let image = planted.image("lib", "an image that is tagged by a hash");
    let signed = planted.image("lib", "another image");
    let about_gone = planted.referrer("lib", &gone, "a signature");
    let about_other = planted.referrer("lib", &signed, "a signature of another image");
    let not_all = planted.index("lib", &[&about_gone, &about_other]);
    let multi = planted.index("lib", &[&image, &signed]);
    for digest in [&image, &about_gone, &not_all, &multi] {
        let tag = made_for(&gone, "");
        planted.tag("lib", &tag, digest);
        let collection = collect(&planted.scratch, &[&ALL_DANGLING[..], &["--dry-run"]].concat()).code(0);
        assert!(collection.removed("tag", "tag").is_empty(), "{digest}");
        assert!(!collection.said().blobs.contains(digest), "{digest}");
    }
    planted.tag("lib", &made_for(&gone, ""), &planted.index("lib", &[&about_gone]));
    collect(&planted.scratch, &ALL_DANGLING).code(0);
    assert!(!has_tag(&planted, "lib", &made_for(&gone, "")), "a list of what is about it goes");
}

#[test]
fn a_list_of_which_an_entry_can_not_be_read_keeps_itself() {
    let planted = Planted::new();
    let image = planted.image("lib", "an untagged image");
    planted.tagged_image("lib", "v1", "another image");
    let (read, unread) = (planted.referrer("lib", &image, "a signature"), sha256(b"a signature that was never pushed"));
    let list = planted.index("lib", &[&read, &unread]);
    planted.tag("lib", &made_for(&image, ""), &list);
    let words = [&ALL_DANGLING[..], &["--allow-sparse-indexes"]].concat();
    collect(&planted.scratch, &words).code(0);
    assert_gone(&planted, "lib", &image);
    assert_kept(&planted, "lib", &list);
    assert_kept(&planted, "lib", &read);
}

#[test]
fn an_untagged_referrer_in_another_repository_stays_with_a_kept_image() {
    for words in REFERRERS {
        let planted = Planted::new();
        let image = planted.tagged_image("b/images", "v1", "an image");
        // Each is about the one before, in a repository before or after that.
        let signature = planted.referrer("c/signatures", &image, "a signature");
        let countersigned = planted.referrer("a/signatures", &signature, "a signature of the signature");
        let attestation = planted.referrer("d/attestations", &countersigned, "an attestation of that");
        let untagged = planted.image("b/images", "an untagged image");
        let lost = planted.referrer("c/signatures", &untagged, "a signature of the untagged image");
        collect(&planted.scratch, words).code(0);
        assert_kept(&planted, "c/signatures", &signature);
        assert_kept(&planted, "a/signatures", &countersigned);
        assert_kept(&planted, "d/attestations", &attestation);
        assert!(planted.has(&sha256(b"layer of an attestation of that")));
        assert!(planted.links("d/attestations", &sha256(b"layer of an attestation of that")));
        assert_gone(&planted, "b/images", &untagged);
        assert_gone(&planted, "c/signatures", &lost);
        assert!(collect(&planted.scratch, words).code(0).gone.is_empty(), "a second run removes more");
    }
}

#[test]
fn a_referrer_stays_with_a_young_image_that_has_no_link_yet() {
    for words in [&["--delete-untagged"][..], &["--delete-untagged", "--delete-dangling-referrers"]] {
        let planted = Planted::new();
        planted.tagged_image("images", "v1", "another image");
        let image = planted.blob(planted.image_of(&planted.blob("a config"), &[]).to_string());
        let signed = signature(&planted, "signatures", &image, ".sig");
        let referrer = planted.referrer("signatures", &image, "a referrer");
        planted.age(48);
        let orphan = planted.blob("an orphan");
        planted.age_of(&blob_path(&image), 0);
        assert!(collect(&planted.scratch, words).code(0).gone.is_empty());
        assert_kept(&planted, "signatures", &signed);
        assert_kept(&planted, "signatures", &referrer);
        assert!(planted.has(&orphan));
    }
}

#[test]
fn where_anything_can_not_be_read_no_subject_is_nowhere() {
    for suffix in SUFFIXES {
        let planted = Planted::new();
        let gone = planted.image("images", "an image of long ago");
        let going = planted.image("images", "an untagged image");
        let [kept, lost] = [&gone, &going].map(|image| signature(&planted, "signatures", image, suffix));
        planted.remove(&(revision_path("images", &gone) + "/link"));
        planted.remove(&blob_path(&gone));
        planted.tagged_image("images", "v1", "another image");
        let broken = planted.tagged_image("other", "v1", "an image with a broken link");
        planted.plant(&(revision_path("other", &broken) + "/link"), "");
        collect(&planted.scratch, &ALL_DANGLING).code(3);
        assert_kept(&planted, "signatures", &kept);
        assert!(has_tag(&planted, "signatures", &made_for(&gone, suffix)), "{suffix}");
        // Its image goes in the same plan: that one was read.
        assert_gone(&planted, "signatures", &lost);
        planted.revision("other", &broken);
        collect(&planted.scratch, &[&ALL_DANGLING[..], &["--repository", "signatures"]].concat()).code(0);
        assert_gone(&planted, "signatures", &kept);
    }
}

#[test]
fn where_no_content_goes_no_referrer_goes() {
    let planted = Planted::new();
    let image = planted.image("images", "an untagged image");
    planted.tagged_image("images", "v1", "another image");
    let kept = signature(&planted, "signatures", &image, ".sig");
    std::os::unix::fs::symlink("..", planted.at("repositories/loop")).unwrap();
    collect(&planted.scratch, &ALL_DANGLING).code(3);
    assert_kept(&planted, "signatures", &kept);
    assert!(has_tag(&planted, "signatures", &made_for(&image, ".sig")));
}

#[test]
fn signatures_of_images_that_are_kept_elsewhere_stay_unless_their_repository_is_named() {
    let planted = Planted::new();
    planted.tagged_image("images", "v1", "an image");
    let elsewhere = ["one", "another"].map(|words| sha256(words.as_bytes()));
    let kept = elsewhere.each_ref().map(|image| signature(&planted, "signatures", image, ".sig"));
    let collection = collect(&planted.scratch, &ALL_DANGLING).code(0);
    assert!(collection.gone.is_empty());
    assert_eq!(skipped(&collection), [json!(["signatures", 2])]);
    for kept in &kept {
        assert_kept(&planted, "signatures", kept);
    }
    let run = planted.regtree(["gc"]).with(ALL_DANGLING).run().code(0);
    assert!(run.err().contains("--repository signatures"), "{}", run.err());
    // Other repositories are not meant.
    let words = [&ALL_DANGLING[..], &["--repository", "images"]].concat();
    assert!(collect(&planted.scratch, &words).code(0).gone.is_empty());
    let words = [&ALL_DANGLING[..], &["--repository", "sign*"]].concat();
    let collection = collect(&planted.scratch, &words).code(0);
    assert!(skipped(&collection).is_empty());
    for (image, lost) in elsewhere.iter().zip(&kept) {
        assert_gone(&planted, "signatures", lost);
        assert!(!has_tag(&planted, "signatures", &made_for(image, ".sig")));
    }
}

#[test]
fn signatures_of_an_image_that_was_in_the_tree_go() {
    // A deleted manifest leaves its directory, in whatever repository.
    for repository in ["signatures", "images"] {
        let planted = Planted::new();
        planted.tagged_image("images", "v1", "an image");
        let (deleted, elsewhere) = (sha256(b"a deleted image"), sha256(b"an image of another registry"));
        std::fs::create_dir_all(planted.at(&revision_path(repository, &deleted))).unwrap();
        let lost = [&deleted, &elsewhere].map(|image| signature(&planted, "signatures", image, ".sig"));
        let collection = collect(&planted.scratch, &ALL_DANGLING).code(0);
        assert!(skipped(&collection).is_empty());
        for lost in &lost {
            assert_gone(&planted, "signatures", lost);
        }
    }
}

#[test]
fn a_referrer_in_another_repository_is_explained_by_its_subject() {
    let planted = Planted::new();
    let image = planted.tagged_image("images", "v1", "an image");
    let untagged = planted.referrer("signatures", &image, "a referrer");
    let tagged = signature(&planted, "signatures", &image, ".sig");
    let explained = |digest: &str| {
        let run = planted.regtree(["gc", "--json"]).with(ALL_DANGLING).with(["--explain", digest]).ok();
        run.json_lines().into_iter().find(|event| event["type"] == "explain").unwrap()
    };
    for (manifest, words) in [(untagged, "a referrer".to_owned()), (tagged, format!(".sig of {image}"))] {
        let layer = sha256(format!("layer of {words}").as_bytes());
        let said = explained(&layer);
        let way = json!([
            { "kind": "repository", "name": "signatures" },
            { "kind": "subject", "digest": image },
            { "kind": "manifest", "digest": manifest },
            { "kind": "content", "digest": layer },
        ]);
        assert_eq!((&said["fate"], &said["reason"], &said["way"]), (&json!("kept"), &json!("referrer"), &way));
    }
}

/// Referrers across three repositories.
fn across() -> Scratch {
    let planted = Planted::new();
    let image = planted.tagged_image("b/images", "v1", "an image");
    planted.tagged_image("b/images", "v2", "another image");
    let signature = planted.referrer("a/signatures", &image, "a signature");
    planted.referrer("c/signatures", &signature, "a signature of the signature");
    planted.scratch
}

#[test]
fn deleting_a_tag_frees_its_referrers_in_other_repositories_as_du_says() {
    assert_eq!(delete_each_tag("referrers", across), 2);
    assert_eq!(delete_each_repository("referrers", across), 3);
}
