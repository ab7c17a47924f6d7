//! Blobs that are needed again: the next collection puts them back.

use std::fs;

use regtree::Digest;

use super::collection::{collect, grown, runs};
use super::{REPOSITORY, blob, directory, take_at, tree};
use crate::support::Scratch;

/// Plants the link that a registry writes which found content "already there" while it went.
fn link_again(scratch: &Scratch, digest: Digest) {
    Scratch::plant(&scratch.link(REPOSITORY, digest), digest.to_string());
}

fn revision_link(scratch: &Scratch, digest: Digest) -> std::path::PathBuf {
    scratch.repository(REPOSITORY).join(format!("_manifests/revisions/sha256/{}/link", digest.hex()))
}

#[test]
fn a_blob_that_is_linked_again_is_put_back_by_the_next_collection() {
    let scratch = grown();
    let (run, _) = collect(&scratch);
    let stale = Digest::of(b"stale");
    scratch.run(["gc"]).code(0);
    assert!(!scratch.blob(stale).exists(), "nobody needs it");
    link_again(&scratch, stale);
    let before = tree(scratch.root());
    let said = scratch.run(["gc", "--dry-run"]).code(0).out();
    assert!(said.contains(&format!("would put back {stale} from run {run}")), "{said}");
    let dry = scratch.run(["gc", "--dry-run", "--json"]).code(0).json_lines();
    let event = dry.iter().find(|event| event["type"] == "restore").unwrap();
    assert_eq!((&event["digest"], &event["run"]), (&stale.to_string().into(), &run.as_str().into()));
    assert_eq!(tree(scratch.root()), before);
    let said = scratch.run(["gc"]).code(0).out();
    assert!(said.contains(&format!("put back {stale} from run {run}")), "{said}");
    assert_eq!(scratch.run(["blob", "get", REPOSITORY, &stale.to_string()]).code(0).bytes(), b"stale");
    assert!(!scratch.run(["gc"]).code(0).out().contains("put back"));
}

#[test]
fn a_manifest_is_put_back_with_all_that_it_needs() {
    let scratch = grown();
    let (run, _) = collect(&scratch);
    let layer = Digest::of(b"layer former");
    let elsewhere = Scratch::new();
    let former = elsewhere.image(REPOSITORY, "former");
    Scratch::plant(&revision_link(&scratch, former.digest), former.digest.to_string());
    let events = scratch.run(["gc", "--json"]).code(0).json_lines();
    assert_eq!(events.iter().filter(|event| event["type"] == "restore").count(), 3);
    for digest in [former.digest, former.config, layer] {
        assert!(scratch.blob(digest).exists());
    }
    scratch.run(["quarantine", "restore", &run]).code(0);
    scratch.run(["manifest", "verify", "--all", "--content"]).code(0);
}

#[test]
fn what_deleting_a_layer_leaves_does_not_need_it() {
    let scratch = grown();
    collect(&scratch);
    let stale = Digest::of(b"stale");
    fs::create_dir_all(scratch.link(REPOSITORY, stale).parent().unwrap()).unwrap();
    assert!(!scratch.run(["gc"]).code(0).out().contains("put back"));
    assert!(!scratch.blob(stale).exists());
}

#[test]
fn the_newest_blob_that_is_whole_goes_back() {
    let scratch = Scratch::new();
    let digest = scratch.layer(REPOSITORY, b"content");
    let whole = take_at(scratch.root(), "2026-01-01T00:00:00Z", "gc", [blob(digest, 7)]);
    let twice = take_at_again(&scratch, digest, b"content", "2026-01-02T00:00:00Z");
    let damaged = take_at_again(&scratch, digest, b"damaged", "2026-01-03T00:00:00Z");
    assert_eq!(runs(&scratch), [whole.clone(), twice.clone(), damaged.clone()]);
    let said = scratch.run(["gc"]).code(0).out();
    assert!(said.contains(&twice), "{said}");
    assert_eq!(fs::read(scratch.blob(digest)).unwrap(), b"content");
    assert_eq!(runs(&scratch), [whole, damaged]);
}

fn take_at_again(scratch: &Scratch, digest: Digest, content: &[u8], now: &str) -> String {
    Scratch::plant(&scratch.blob(digest), content);
    take_at(scratch.root(), now, "repair", [blob(digest, 7)])
}

#[test]
fn a_damaged_blob_does_not_go_back() {
    let scratch = Scratch::new();
    let digest = scratch.layer(REPOSITORY, b"content");
    fs::write(scratch.blob(digest), "damaged").unwrap();
    let run = take_at(scratch.root(), "2026-01-01T00:00:00Z", "repair", [blob(digest, 7)]);
    assert!(!scratch.run(["gc"]).code(0).out().contains("put back"));
    assert!(!scratch.blob(digest).exists());
    assert!(directory(&scratch, &run).exists());
}

#[test]
fn a_file_in_the_place_of_the_quarantine_does_not_prevent_a_collection() {
    let scratch = grown();
    let path = scratch.root().join(".regtree/quarantine");
    Scratch::plant(&path, "no directory");
    scratch.run(["gc", "--min-age", "0"]).code(3).says([path.to_str().unwrap()]);
    assert!(!scratch.blob(Digest::of(b"stale")).exists());
}

#[test]
fn a_journal_that_cannot_be_read_is_told_of() {
    let scratch = grown();
    let (run, _) = collect(&scratch);
    let journal = directory(&scratch, &run).join("journal");
    let whole = fs::read_to_string(&journal).unwrap();
    fs::write(&journal, format!("no json\n{whole}")).unwrap();
    let stale = Digest::of(b"stale");
    link_again(&scratch, stale);
    scratch.run(["gc"]).code(3).says(["line 1 of the journal", journal.to_str().unwrap()]);
    assert!(scratch.blob(stale).exists(), "the other lines hold");
}
