//! A tag keeps what it names, though a link was lost that a registry needs to serve it.

use std::fs;

use super::planted::{Planted, blob_path, hex_of, revision_path, sha256, tag_path};
use super::{NOW, NOW_UNTAGGED, collect};
use crate::support::snapshot;

/// A tree with an image whose tag `lost` lost the link of its manifest; and its digest, and content that is garbage. A
/// layer of the image was never there, which changes nothing.
fn unlinked(directory_too: bool) -> (Planted, String, String) {
    let planted = Planted::new();
    planted.tagged_image("lib", "v1", "an image");
    let layers = [&*planted.layer("lib", "a layer"), &*sha256(b"no layer")];
    let manifest = planted.image_of(&planted.layer("lib", "a config"), &layers);
    let lost = planted.manifest("lib", &manifest);
    planted.tag("lib", "lost", &lost);
    let revision = revision_path("lib", &lost);
    planted.remove(&if directory_too { revision } else { revision + "/link" });
    let garbage = planted.blob("garbage");
    (planted, lost, garbage)
}

/// What only the lost tag needs.
fn content(lost: &str) -> Vec<String> {
    vec![lost.to_owned(), sha256(b"a layer"), sha256(b"a config")]
}

#[test]
fn a_tag_keeps_a_whole_manifest_that_has_no_link() {
    for directory_too in [false, true] {
        for words in [&NOW[..], &NOW_UNTAGGED] {
            let (planted, lost, garbage) = unlinked(directory_too);
            let collection = collect(&planted.scratch, words).code(0);
            assert_eq!(collection.gone.blobs, [garbage].into(), "{directory_too} {words:?}");
            assert!(collection.gone.links().is_empty() && collection.opaque().is_empty());
            let finding = collection.of_type("finding").next().unwrap();
            assert_eq!((&finding["code"], &finding["doubt"]), (&"revision-link-missing".into(), &"none".into()));
            let bytes: u64 =
                content(&lost).iter().map(|digest| planted.at(&blob_path(digest)).metadata().unwrap().len()).sum();
            let expected = serde_json::json!({ "tags": 1, "blobs": 3, "bytes": bytes });
            assert_eq!(collection.summary()["dangling_tags"], expected);
            let said = format!("\n  3 blobs ({bytes} B) only because of 1 tag whose manifest has no link: ");
            let run = planted.regtree(["gc"]).with(words).run().code(0);
            assert!(run.out().contains(&said) && run.out().contains("--delete-dangling-tags"), "{}", run.out());
            let explained = planted.regtree(["gc"]).with(words).with(["--explain", &sha256(b"a layer")]).ok().out();
            assert!(explained.contains("is kept: a tag leads to it"), "{explained}");
        }
    }
}

#[test]
fn such_tags_go_with_what_they_keep_where_that_is_asked_for() {
    for directory_too in [false, true] {
        for words in [&NOW[..], &NOW_UNTAGGED] {
            let (planted, lost, garbage) = unlinked(directory_too);
            let before = snapshot(&planted.v2());
            let words = [words, &["--delete-dangling-tags"]].concat();
            let run = planted.regtree(["gc", "--quarantine", "--json"]).with(&words).run().code(0);
            let summary = run.json_lines().pop().unwrap();
            assert!(!planted.has(&lost) && !planted.at(&tag_path("lib", "lost")).exists());
            planted.run(["quarantine", "restore", summary["quarantine"].as_str().unwrap()]).code(0);
            assert!(snapshot(&planted.v2()) == before);
            let collection = collect(&planted.scratch, &words).code(0);
            assert_eq!(collection.gone.blobs, content(&lost).into_iter().chain([garbage]).collect());
            assert_eq!(collection.removed("tag", "tag"), ["lib lost".to_owned()].into());
            assert!(!planted.at(&tag_path("lib", "lost")).exists() && planted.at(&tag_path("lib", "v1")).exists());
            assert_eq!(collection.of_type("finding").count(), 0);
            assert!(collect(&planted.scratch, &words).code(0).removals().is_empty());
        }
    }
}

#[test]
fn a_tag_that_was_set_lately_stays_all_the_same() {
    let (planted, lost, garbage) = unlinked(false);
    planted.age(48);
    planted.age_of(&format!("{}/current/link", tag_path("lib", "lost")), 1);
    let collection = collect(&planted.scratch, &["--delete-dangling-tags", "--delete-untagged"]).code(0);
    assert_eq!(collection.gone.blobs, [garbage].into());
    assert!(planted.has(&lost) && planted.at(&tag_path("lib", "lost")).exists());
}

#[test]
fn a_tag_of_what_is_not_whole_is_a_doubt_or_nothing() {
    let (planted, lost, _) = unlinked(false);
    planted.plant(&blob_path(&lost), "{\"schemaVersion\":2}");
    let collection = collect(&planted.scratch, &NOW).code(3);
    assert_eq!(collection.opaque(), ["lib".to_owned()].into());
    assert!(planted.has(&sha256(b"a layer")));
    // Its content is gone too, as after a collection by a registry: nothing says any more what it needed.
    planted.remove(&blob_path(&lost));
    let collection = collect(&planted.scratch, &NOW).code(0);
    assert!(collection.gone.blobs.contains(&sha256(b"a layer")));
}

#[test]
fn in_a_pull_through_cache_such_a_tag_has_expired_and_keeps_nothing() {
    for words in [&NOW[..], &NOW_UNTAGGED] {
        let (planted, lost, garbage) = unlinked(false);
        fs::write(planted.root().join("scheduler-state.json"), "{}").unwrap();
        let collection = collect(&planted.scratch, words).code(0);
        assert_eq!(collection.gone.blobs, content(&lost).into_iter().chain([garbage]).collect());
        assert!(planted.at(&tag_path("lib", "lost")).exists());
        assert_eq!(collection.of_type("finding").count(), 0);
    }
}

/// A tree in which the tag `lost` lost what it points to now; and the digests of the older and newer image of its
/// history.
fn without_current() -> (Planted, [String; 2]) {
    let planted = Planted::new();
    planted.tagged_image("lib", "v1", "an image");
    let images = ["an older image", "a newer image"].map(|words| planted.tagged_image("lib", "lost", words));
    planted.remove(&format!("{}/current/link", tag_path("lib", "lost")));
    planted.age(48);
    planted.age_of(&entry(&images[0]), 96);
    (planted, images)
}

fn entry(digest: &str) -> String {
    format!("{}/index/sha256/{}/link", tag_path("lib", "lost"), hex_of(digest))
}

#[test]
fn a_tag_without_current_keeps_what_its_history_names() {
    let (planted, images) = without_current();
    let garbage = planted.image("lib", "an untagged image");
    // The link of one is gone too.
    planted.remove(&(revision_path("lib", &images[0]) + "/link"));
    for words in [&NOW[..], &NOW_UNTAGGED, &[&NOW_UNTAGGED[..], &["--delete-dangling-tags"]].concat()] {
        let collection = collect(&planted.scratch, words).code(0);
        let finding = collection.of_type("finding").next().unwrap();
        assert_eq!(finding["code"], "tag-without-current");
        assert!(planted.has(&images[0]) && planted.has_revision("lib", &images[1]));
        assert!(planted.has(&sha256(b"layer of an older image")) && planted.has(&sha256(b"layer of a newer image")));
        assert_eq!(planted.has(&garbage), !words.contains(&"--delete-untagged"));
    }
    let layer = sha256(b"layer of an older image");
    let explained = planted.regtree(["gc"]).with(NOW_UNTAGGED).with(["--explain", &layer]).ok().out();
    assert!(explained.contains("is kept: a tag leads to it"), "{explained}");
}

#[test]
fn a_tag_without_current_is_set_to_the_newest_of_its_history() {
    let (planted, [_, newer]) = without_current();
    let before = snapshot(&planted.v2());
    planted.run(["repair", "--all-safe"]).code(0);
    assert!(snapshot(&planted.v2()) == before, "only where it is asked for");
    let dry = planted.run(["repair", "--only", "tag-without-current", "-n"]).code(0);
    assert!(dry.out().contains("set-tag") && snapshot(&planted.v2()) == before, "{}", dry.out());
    let run = planted.run(["repair", "--only", "tag-without-current", "--json"]).code(0);
    assert_eq!(fs::read_to_string(planted.at(&format!("{}/current/link", tag_path("lib", "lost")))).unwrap(), newer);
    assert_eq!(planted.run(["tag", "get", "lib", "lost"]).code(0).answer(), newer);
    planted.run(["fsck", "--strict"]).code(0);
    let quarantine = run.json_lines().iter().find_map(|event| event["quarantine"].as_str().map(str::to_owned)).unwrap();
    planted.run(["quarantine", "restore", &quarantine]).code(0);
    assert!(snapshot(&planted.v2()) == before);
}

#[test]
fn a_tag_without_current_is_not_set_where_the_newest_is_not_known_or_not_linked() {
    let aged = |planted: &Planted, digest: &str| planted.age_of(&entry(digest), 48);
    let unlink = |planted: &Planted, digest: &str| planted.remove(&(revision_path("lib", digest) + "/link"));
    let equal = |planted: &Planted, images: &[String; 2]| {
        for digest in images {
            let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000);
            crate::support::Scratch::set_time(&planted.at(&entry(digest)), time);
        }
    };
    for (reason, damage) in [
        ("equally new", &equal as &dyn Fn(&Planted, &[String; 2])),
        ("has no link or no content", &|planted, images| unlink(planted, &images[1])),
        ("not whole", &|planted, images| planted.plant(&blob_path(&images[1]), "{\"schemaVersion\":2}")),
    ] {
        let (planted, images) = without_current();
        aged(&planted, &images[1]);
        damage(&planted, &images);
        let before = snapshot(&planted.v2());
        let run = planted.run(["repair", "--only", "tag-without-current"]).code(3);
        let said = run.out() + &run.err();
        assert!(said.contains(reason), "{reason}: {said}");
        assert!(said.contains("tag history lib lost") || reason == "not whole", "{said}");
        assert!(snapshot(&planted.v2()) == before, "{reason}");
    }
}

#[test]
fn a_missing_link_of_a_tagged_manifest_is_reported_and_written_where_that_is_asked_for() {
    for directory_too in [false, true] {
        let (planted, lost, _) = unlinked(directory_too);
        planted.layer("lib", "no layer");
        let before = snapshot(&planted.v2());
        let fsck = planted.run(["fsck", "--json"]).code(3);
        let errors = fsck.json_lines().into_iter().filter(|event| event["severity"] == "error").collect::<Vec<_>>();
        assert_eq!(errors.len(), 1, "{errors:?}");
        let found = (&errors[0]["code"], &errors[0]["repair"], &errors[0]["tag"]);
        assert_eq!(found, (&"revision-link-missing".into(), &"link-revision".into(), &"lost".into()));
        let run = planted.run(["repair", "--all-safe"]).code(3);
        assert!(run.out().contains(" repair --only revision-link-missing"), "{}", run.out());
        planted.run(["manifest", "get", "lib", "lost"]).code(4);
        assert!(snapshot(&planted.v2()) == before);
        let run = planted.run(["repair", "--only", "revision-link-missing", "--json"]).code(0);
        assert!(planted.has_revision("lib", &lost));
        planted.run(["manifest", "verify", "lib", "lost", "--content"]).code(0);
        planted.run(["fsck", "--strict"]).code(0);
        let quarantine =
            run.json_lines().iter().find_map(|event| event["quarantine"].as_str().map(str::to_owned)).unwrap();
        planted.run(["quarantine", "restore", &quarantine]).code(0);
        assert!(snapshot(&planted.v2()) == before);
    }
}

#[test]
fn a_dry_run_foresees_what_a_manifest_lacks_that_is_linked_again() {
    for lacking in [false, true] {
        let (planted, lost, _) = unlinked(false);
        if !lacking {
            planted.layer("lib", "no layer");
        }
        let code = if lacking { 3 } else { 0 };
        let words = ["repair", "--only", "revision-link-missing", "--assume-blobs-lost", "--json"];
        let left = |words: &[&str]| {
            let events = planted.run(words).code(code).json_lines();
            events.last().unwrap().clone()
        };
        let dry = left(&[&words[..], &["-n"]].concat());
        assert!(!planted.has_revision("lib", &lost));
        let real = left(&words);
        assert!(planted.has_revision("lib", &lost));
        for key in ["unmended", "images"] {
            assert_eq!(dry[key], real[key], "{lacking} {key}: {dry}\n{real}");
        }
    }
}
