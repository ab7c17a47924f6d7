//! What the quarantine gives back is part of the plan: a dry run shows what the real run does.

use std::time::Duration;

use regtree::gc::{self, Kind, Limit, Options};
use regtree::quarantine::purge;
use regtree::stream::Watch;
use regtree::{Error, Registry};
use serde_json::Value;

use super::NOW;
use super::planted::{Planted, blob_path, layer_path, revision_path, sha256};

/// All that a run says, without what a dry run can't know, and how it ends.
fn told(planted: &Planted, words: &[&str]) -> (i32, Vec<Value>) {
    let run = planted.regtree(["gc", "--json"]).with(words).run();
    let mut events = run.json_lines();
    for event in &mut events {
        let fields = event.as_object_mut().unwrap();
        fields.remove("dry_run");
        fields.remove("quarantine");
        if fields["type"] == "summary" {
            fields.remove("run");
        }
    }
    (run.exit().unwrap(), events)
}

/// The dry run's answer, which is the real one's.
#[track_caller]
fn agree(planted: &Planted, words: &[&str]) -> (i32, Vec<Value>) {
    let dry = told(planted, &[words, &["--dry-run"]].concat());
    let real = told(planted, words);
    assert_eq!(dry, real);
    real
}

fn count(events: &[Value], kind: &str) -> usize {
    events.iter().filter(|event| event["type"] == kind).count()
}

/// The quarantine has an untagged image, whose revision is linked again, and three blobs are not needed.
fn linked_again() -> (Planted, String) {
    let planted = Planted::new();
    planted.tagged_image("lib", "v1", "what stays");
    let image = planted.image("lib", "untagged");
    planted.regtree(["gc", "--quarantine", "--delete-untagged"]).with(NOW).ok();
    assert!(!planted.has(&image) && !planted.has_revision("lib", &image));
    planted.revision("lib", &image);
    for words in ["config of untagged", "layer of untagged"] {
        planted.link("lib", &sha256(words.as_bytes()));
    }
    for number in 0..3 {
        planted.layer("lib", format!("unneeded {number}"));
    }
    (planted, image)
}

#[test]
fn a_dry_run_counts_on_what_comes_back() {
    let (planted, image) = linked_again();
    let (code, events) = agree(&planted, &NOW);
    let links = events.iter().filter(|event| event["kind"] == "layer-link").count();
    assert_eq!((code, count(&events, "restore"), links), (0, 3, 3), "{events:#?}");
    assert!(planted.has(&image) && planted.has(&sha256(b"layer of untagged")));
    assert!(!planted.has(&sha256(b"unneeded 0")));
}

#[test]
fn what_comes_back_and_is_not_needed_after_all_goes_again_in_both() {
    for words in [&["--delete-untagged"][..], &["--delete-untagged", "--quarantine", "--sizes"]] {
        let (planted, image) = linked_again();
        let (code, events) = agree(&planted, &[&NOW, words].concat());
        assert_eq!((code, count(&events, "restore")), (0, 3), "{events:#?}");
        assert!(!planted.has(&image) && !planted.has_revision("lib", &image));
    }
}

#[test]
fn an_age_is_that_of_what_comes_back() {
    let (planted, image) = linked_again();
    planted.age(24 * 30);
    let (code, events) = agree(&planted, &["--delete-untagged", "--max-delete", "100%"]);
    assert_eq!((code, count(&events, "restore")), (0, 3), "{events:#?}");
    // It lies in the quarantine with the time that it had in the tree.
    assert!(planted.has(&image) && !planted.has_revision("lib", &image));
}

#[test]
fn a_wrong_or_hindered_blob_is_no_more_counted_on_dry_than_real() {
    for hindered in [false, true] {
        let (planted, image) = linked_again();
        if hindered {
            planted.plant(&blob_path(&image).replace("/data", "/README"), "a stray");
        } else {
            let held = planted.root().join(".regtree/quarantine");
            let entries = walkdir::WalkDir::new(held).into_iter().map(|entry| entry.unwrap().into_path());
            let data: Vec<_> = entries.filter(|path| path.ends_with("data")).collect();
            for path in data.iter().filter(|path| std::fs::read(path).unwrap().starts_with(b"{")) {
                std::fs::write(path, "{}").unwrap();
            }
        }
        let (code, events) = agree(&planted, &NOW);
        // The links still name the config and the layer, but what the manifest names is not known.
        assert_eq!((code, count(&events, "restore"), count(&events, "keep-opaque")), (3, 2, 1), "{events:#?}");
        assert!(planted.has_revision("lib", &image) && planted.links("lib", &sha256(b"unneeded 0")));
    }
}

#[test]
fn a_refused_collection_changes_nothing_and_says_so_dry_as_well() {
    let (planted, image) = linked_again();
    assert_eq!(agree(&planted, &[&NOW[..], &["--max-delete", "0%"]].concat()).0, 12);
    assert!(!planted.has(&image) && planted.has(&sha256(b"unneeded 0")));
}

#[test]
fn what_cannot_be_put_back_when_its_turn_comes_keeps_its_repository() {
    let (planted, image) = linked_again();
    let registry = Registry::open(planted.root()).unwrap();
    let now = jiff::Timestamp::now();
    let watch = Watch::none();
    let mut options = Options::new(now);
    options.min_age = Duration::ZERO;
    options.delete_untagged = true;
    let plan = gc::plan(registry.tree(), options, &watch).unwrap();
    assert_eq!((plan.recall.len(), plan.count(Kind::Revision).0), (3, 1));
    let run = plan.recall.blobs().next().unwrap().1.clone();
    let writer = registry.exclusive_writer("test", now, Duration::ZERO).unwrap();
    purge(&writer, &run).unwrap();
    let swept = gc::sweep(&writer, plan, &watch, |_| Ok(())).unwrap();
    assert_eq!((swept.not_put_back.len(), swept.removed.len()), (3, 0), "{swept:?}");
    assert!(planted.at(&revision_path("lib", &image)).exists());
    assert!(planted.at(&layer_path("lib", &sha256(b"unneeded 0"))).exists());
}

#[test]
fn a_sweep_refuses_by_itself_what_looks_like_a_mistake() {
    let planted = Planted::new();
    let blob = planted.blob("nobody needs it");
    let registry = Registry::open(planted.root()).unwrap();
    let now = jiff::Timestamp::now();
    let writer = registry.exclusive_writer("test", now, Duration::ZERO).unwrap();
    let sweep = |max_delete, allow_rootless| {
        let mut options = Options::new(now);
        options.min_age = Duration::ZERO;
        options.max_delete = max_delete;
        options.allow_rootless = allow_rootless;
        let plan = gc::plan(registry.tree(), options, &Watch::none()).unwrap();
        gc::sweep(&writer, plan, &Watch::none(), |_| Ok(())).map(|swept| swept.removed.len())
    };
    assert!(matches!(sweep(None, false), Err(Error::SafetyLimit { .. })));
    assert!(matches!(sweep(Some(Limit::Bytes(14)), true), Err(Error::SafetyLimit { .. })));
    assert!(matches!(sweep(Some(Limit::Percent(99.9)), true), Err(Error::SafetyLimit { .. })));
    assert!(planted.has(&blob));
    assert_eq!(sweep(Some(Limit::Percent(100.0)), true).unwrap(), 2);
    assert!(!planted.has(&blob));
}
