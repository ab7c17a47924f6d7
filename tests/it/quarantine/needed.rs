//! Blobs that are needed again: the next collection puts them back.

use std::fs;

use regtree::Digest;
use serde_json::{Value, json};

use super::collection::{collect, grown, runs};
use super::{REPOSITORY, blob, directory, take_at, tree};
use crate::support::Scratch;
use crate::support::image::{INDEX, MANIFEST};
use crate::support::planted::revision_path;

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

/// A manifest of `evil/app` that names content of `lib/app`, tagged. `layer` is what it says of that.
fn mention(scratch: &Scratch, layer: &Value) -> Digest {
    let config = scratch.layer("evil/app", b"{}");
    let config =
        json!({ "mediaType": "application/vnd.oci.image.config.v1+json", "digest": config.to_string(), "size": 2 });
    let manifest = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer] });
    push(scratch, "evil/app", &manifest.to_string())
}

fn push(scratch: &Scratch, repository: &str, manifest: &str) -> Digest {
    let digest = Digest::of(manifest.as_bytes());
    Scratch::plant(&scratch.blob(digest), manifest);
    let revision = scratch.v2().join(revision_path(repository, &digest.to_string())).join("link");
    Scratch::plant(&revision, digest.to_string());
    Scratch::plant(&scratch.repository(repository).join("_manifests/tags/v1/current/link"), digest.to_string());
    digest
}

fn foreign(digest: Digest) -> Value {
    let kind = "application/vnd.oci.image.layer.v1.tar+zstd";
    json!({ "mediaType": kind, "digest": digest.to_string(), "size": 5, "urls": ["https://example.com/x"] })
}

/// Nothing comes back of what was deleted, in any command; each says who mentions it.
fn stays_away(scratch: &Scratch, run: &str, deleted: Digest) {
    let words = ["evil/app", run, &deleted.to_string()].map(str::to_owned);
    for call in [&["gc"][..], &["gc", "-n"], &["repair", "--all-safe"], &["repair", "--all-safe", "-n"]] {
        let done = scratch.run(call);
        assert!(matches!(done.exit(), Some(0 | 3)), "{call:?}: {}", done.err());
        assert!(!done.out().contains("put back"), "{call:?}: {}", done.out());
        done.says(&words).says(["nothing shows that it was there"]);
        let events = scratch.regtree(call).with(["--json"]).run().json_lines();
        let told = events.iter().find(|event| event["type"] == "mentioned").unwrap();
        assert_eq!((&told["digest"], &told["repositories"]), (&json!(deleted.to_string()), &json!(["evil/app"])));
        assert!(!scratch.blob(deleted).exists(), "{call:?}");
    }
}

#[test]
fn what_was_deleted_does_not_come_back_because_somebody_mentions_it() {
    let stale = Digest::of(b"stale");
    let with_urls = |scratch: &Scratch| mention(scratch, &foreign(stale));
    let of_unknown_kind =
        |scratch: &Scratch| push(scratch, "evil/app", &format!(r#"{{"mediaType":"x/y","it":["{stale}"]}}"#));
    let with_a_directory = |scratch: &Scratch| {
        fs::create_dir_all(scratch.link("evil/app", stale).parent().unwrap()).unwrap();
        mention(scratch, &foreign(stale))
    };
    for attack in [&with_urls as &dyn Fn(&Scratch) -> Digest, &of_unknown_kind, &with_a_directory] {
        let scratch = grown();
        let (run, _) = collect(&scratch);
        attack(&scratch);
        stays_away(&scratch, &run, stale);
        // The operator may restore it.
        scratch.run(["quarantine", "restore", &run]).code(0);
        assert_eq!(fs::read(scratch.blob(stale)).unwrap(), b"stale");
    }
}

#[test]
fn a_child_of_an_index_does_not_come_back_for_the_index_of_another_repository() {
    let scratch = grown();
    let former = Scratch::new().image(REPOSITORY, "former");
    let (run, _) = collect(&scratch);
    let child = json!({ "mediaType": MANIFEST, "digest": former.digest.to_string(), "size": former.bytes.len() });
    push(&scratch, "evil/app", &json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [child] }).to_string());
    stays_away(&scratch, &run, former.digest);
    // For the repository of which it was taken it does.
    push(&scratch, REPOSITORY, &json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [child] }).to_string());
    let said = scratch.run(["gc"]).out();
    assert!(said.contains(&format!("put back {} from run {run}", former.digest)), "{said}");
    assert_eq!(fs::read(scratch.blob(former.digest)).unwrap(), former.bytes);
}

#[test]
fn what_every_registry_demands_of_a_manifest_comes_back_for_it() {
    let scratch = grown();
    let (run, _) = collect(&scratch);
    let stale = Digest::of(b"stale");
    let mut layer = foreign(stale);
    layer["urls"] = json!([]);
    mention(&scratch, &layer);
    let said = scratch.run(["gc"]).code(0).out();
    assert!(said.contains(&format!("put back {stale} from run {run}")), "{said}");
    assert_eq!(fs::read(scratch.blob(stale)).unwrap(), b"stale");
}

#[test]
fn in_a_pull_through_cache_a_manifest_brings_nothing_back() {
    let scratch = grown();
    let (run, _) = collect(&scratch);
    let stale = Digest::of(b"stale");
    let mut layer = foreign(stale);
    layer["urls"] = json!([]);
    mention(&scratch, &layer);
    fs::write(scratch.root().join("scheduler-state.json"), "{}").unwrap();
    stays_away(&scratch, &run, stale);
}

#[test]
fn a_foreign_layer_comes_back_for_the_repository_whose_link_was_taken() {
    for planted in [true, false] {
        let scratch = grown();
        let (run, _) = collect(&scratch);
        let stale = Digest::of(b"stale");
        let manifest = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "layers": [foreign(stale)] });
        push(&scratch, REPOSITORY, &manifest.to_string());
        if planted {
            link_again(&scratch, stale);
        }
        let said = scratch.run(["gc"]);
        assert_eq!(said.out().contains(&format!("put back {stale} from run {run}")), planted, "{}", said.out());
        assert_eq!(scratch.blob(stale).exists(), planted);
    }
}
