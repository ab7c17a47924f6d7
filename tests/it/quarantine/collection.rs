//! `gc --quarantine` takes out what `gc` removes, and all of it can be put back.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::Value;

use super::{REPOSITORY, directory, things, tree};
use crate::support::strace::{changes, strace};
use crate::support::{Regtree, Scratch, vectors};

/// The last is the quarantine.
pub(super) const WORDS: [&str; 7] = ["gc", "--jobs", "1", "--min-age", "0", "--delete-untagged", "--quarantine"];
const UPLOAD: &str = "49c7033d-8881-4914-9c95-d56c28397fe8";

/// A tree with everything that a collection takes: a former image with its tag's history, a stale layer, an orphan, an
/// upload, and a repository of which nothing is left.
pub(super) fn grown() -> Scratch {
    let scratch = Scratch::new();
    scratch.image(REPOSITORY, "former").tag("v1");
    scratch.image(REPOSITORY, "present").tag("v1");
    scratch.layer(REPOSITORY, b"stale");
    scratch.layer("empty", b"nothing else");
    let orphan = scratch.layer(REPOSITORY, b"an orphan");
    scratch.unlink(REPOSITORY, orphan);
    let upload = scratch.repository(REPOSITORY).join("_uploads").join(UPLOAD);
    Scratch::plant(&upload.join("startedat"), "2015-01-01T00:00:00Z");
    Scratch::plant(&upload.join("data"), "received");
    scratch
}

/// The runs in the quarantine, by time.
pub(super) fn runs(scratch: &Scratch) -> Vec<String> {
    let listed = scratch.run(["quarantine", "list", "--json"]).code(0).json_lines();
    listed.iter().map(|run| run["run"].as_str().unwrap().to_owned()).collect()
}

/// Collects into the quarantine; returns the run, and what it says that it moved.
#[track_caller]
pub(super) fn collect(scratch: &Scratch) -> (String, Vec<Value>) {
    let mut events = scratch.regtree(WORDS).with(["--json"]).ok().json_lines();
    let summary = events.pop().unwrap();
    events.retain(|event| event["type"] == "remove");
    (summary["quarantine"].as_str().unwrap().to_owned(), events)
}

#[test]
fn what_a_collection_moves_is_what_it_would_remove_and_comes_back_as_it_was() {
    let scratch = grown();
    let before = tree(scratch.root());
    let dry = scratch.regtree(WORDS).with(["--dry-run", "--json"]).ok().json_lines();
    assert_eq!(dry.last().unwrap()["quarantine"], Value::Null);
    assert!(!scratch.root().join(".regtree/quarantine").exists());
    let (run, moved) = collect(&scratch);
    assert_eq!(dry[1..dry.len() - 1], moved);
    let kinds = |kind: &str| moved.iter().filter(|event| event["kind"] == kind).count();
    let found = ["tag-history", "revision", "layer-link", "blob", "upload", "repository"].map(kinds);
    assert_eq!(found, [1, 1, 4, 6, 1, 1]);
    let after = tree(scratch.root());
    let removed = grown();
    removed.run(&WORDS[..6]).code(0);
    assert!(after.keys().eq(tree(removed.root()).keys()), "another tree is left than without the quarantine");
    // The repository lies there with its two folders.
    assert_eq!(things(&scratch, &run).len(), 1 + 1 + 4 + 6 + 1 + 2);
    scratch.run(["quarantine", "restore", &run]).code(0).says(["is now empty and was removed"]);
    assert_eq!(tree(scratch.root()), before);
    // Nothing has changed for the next.
    assert_eq!(collect(&scratch).1, moved);
    assert_eq!(tree(scratch.root()), after);
}

#[test]
fn it_says_how_to_restore_and_makes_no_run_for_nothing() {
    let scratch = grown();
    let said = scratch.regtree(WORDS).ok();
    let run = runs(&scratch).remove(0);
    assert!(said.out().contains(" to the quarantine\n") && said.out().contains(&run), "{}", said.out());
    said.says([format!("to put all of it back: regtree --root {} quarantine restore {run}", scratch.root().display())]);
    let again = scratch.regtree(WORDS).with(["--json"]).ok().json_lines();
    assert_eq!(again.last().unwrap()["quarantine"], Value::Null);
    assert_eq!(runs(&scratch), [run]);
}

#[test]
fn links_wait_for_content_that_another_run_has() {
    let scratch = grown();
    let before = tree(scratch.root());
    // As after a collection that was killed between links and content.
    let (first, _) = collect(&scratch);
    let layer = regtree::Digest::of(b"layer former");
    scratch.run(["quarantine", "restore", &first, &layer.to_string()]).code(0);
    scratch.unlink(REPOSITORY, layer);
    let (second, moved) = collect(&scratch);
    assert_eq!(moved.iter().filter(|event| event["kind"] == "blob").count(), 1);
    Scratch::plant(&scratch.link(REPOSITORY, layer), layer.to_string());
    let third = super::take(scratch.root(), [super::blob_and_link(layer)[0].clone()]);
    let refused = scratch.run(["quarantine", "restore", &third]).code(3);
    refused.says([format!("its content is in run {second}, which must be restored first")]);
    scratch.run(["quarantine", "restore", &third, "--dry-run"]).code(3).prints("would put back 0 items");
    for run in [&second, &third, &first] {
        scratch.run(["quarantine", "restore", run]).code(0);
    }
    assert!(tree(scratch.root()).keys().eq(before.keys()));
}

#[test]
fn a_quarantine_that_cannot_be_written_keeps_the_tree_as_it_is() {
    let scratch = grown();
    let quarantine = scratch.root().join(".regtree/quarantine");
    fs::create_dir_all(&quarantine).unwrap();
    let opened = std::process::Command::new("chmod").args(["-R", "a+rwX"]).arg(scratch.root()).status().unwrap();
    assert!(opened.success());
    fs::set_permissions(&quarantine, PermissionsExt::from_mode(0o555)).unwrap();
    let before = tree(scratch.root());
    let collection = Regtree::at(scratch.root(), WORDS).unprivileged();
    collection.run().code(1).says(["Permission denied", "quarantine"]);
    assert_eq!(tree(scratch.root()), before);
}

#[test]
fn a_blob_that_changed_since_it_was_taken_is_not_replaced() {
    let scratch = grown();
    let (run, _) = collect(&scratch);
    let stale = regtree::Digest::of(b"stale");
    Scratch::plant(&scratch.blob(stale), "other");
    scratch.run(["quarantine", "restore", &run]).code(3).says(["something else is in its place"]);
    assert_eq!(fs::read(scratch.blob(stale)).unwrap(), b"other");
    // With it wait its link, and the revision and the tag's history of the same repository.
    assert_eq!(things(&scratch, &run).len(), 4);
    assert!(directory(&scratch, &run).join("journal").exists());
    assert!(!scratch.link(REPOSITORY, stale).exists());
    fs::remove_dir_all(scratch.blob(stale).parent().unwrap()).unwrap();
    scratch.run(["quarantine", "restore", &run]).code(0);
    assert!(scratch.link(REPOSITORY, stale).exists());
}

/// Whatever is no directory.
fn files(scratch: &Scratch) -> BTreeMap<PathBuf, String> {
    let mut found = tree(scratch.root());
    found.retain(|path, _| !scratch.root().join(path).is_dir() || scratch.root().join(path).is_symlink());
    found
}

/// Collects, and puts all of it back: the same files are there again. `false` when nothing was to go.
#[track_caller]
fn goes_and_comes_back(scratch: &Scratch, name: &str) -> bool {
    let before = files(scratch);
    let said = scratch.regtree(WORDS).with(["--json"]).run();
    assert!(matches!(said.exit(), Some(0 | 3)), "{name}: {}", said.err());
    let run = said.json_lines().last().unwrap()["quarantine"].as_str().map(str::to_owned);
    let Some(run) = run else { return false };
    assert!(files(scratch) != before, "{name}: nothing went");
    let restored = scratch.run(["quarantine", "restore", &run]);
    assert_eq!(restored.exit(), Some(0), "{name}: {}", restored.err());
    assert!(files(scratch) == before, "{name}: it did not come back as it was");
    true
}

#[test]
fn what_goes_of_every_versions_tree_comes_back() {
    for version in vectors::versions() {
        assert!(goes_and_comes_back(&vectors::tree(&version), &version), "{version}: nothing was to go");
    }
}

#[test]
fn what_goes_of_a_damaged_tree_comes_back() {
    let names = vectors::damaged_trees();
    let went = names.iter().filter(|name| goes_and_comes_back(&vectors::damaged(name), name)).count();
    assert!(went > names.len() / 3, "{went} of {} trees", names.len());
}

#[test]
fn a_restore_that_runs_out_of_room_links_no_content_that_is_not_back() {
    let codes = |scratch: &Scratch| {
        let events = scratch.run(["fsck", "--json"]).json_lines();
        let errors = events.iter().filter(|event| event["severity"] == "error");
        errors.map(|event| event["code"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let mut failures = 0;
    for when in 1..=14 {
        let scratch = grown();
        let before = tree(scratch.root());
        let (run, _) = collect(&scratch);
        let inject = format!("inject=mkdirat,renameat:error=ENOSPC:when={when}");
        let words = ["-o", "/dev/null", "-e", "trace=mkdirat,renameat", "-e", &inject];
        let restored = scratch.regtree(["quarantine", "restore", &run]).behind(strace(&words)).run();
        assert!(matches!(restored.exit(), Some(0 | 1 | 3)), "{when}: {}", restored.err());
        if restored.exit() == Some(0) {
            continue;
        }
        failures += 1;
        assert_eq!(codes(&scratch), [""; 0], "{when}: {}", restored.err());
        scratch.run(["quarantine", "restore", &run]).code(0);
        assert!(tree(scratch.root()) == before, "{when}");
    }
    assert!(failures > 5, "{failures}");
}

#[test]
fn a_directory_s_entry_is_on_the_disk_before_content_is_put_back_into_it() {
    let scratch = grown();
    let (run, _) = collect(&scratch);
    for fan_out in fs::read_dir(scratch.v2().join("blobs/sha256")).unwrap() {
        // Those that the collection left empty.
        let _ = fs::remove_dir(fan_out.unwrap().path());
    }
    let changes = changes(&scratch, scratch.regtree(["quarantine", "restore", &run]));
    let made: Vec<(usize, &str)> =
        changes.iter().enumerate().filter_map(|(at, change)| Some((at, change.strip_prefix("mkdirat ")?))).collect();
    let mut checked = 0;
    for (at, directory) in made {
        let Some(moved) = changes.iter().position(|change| change.starts_with(&format!("renameat {directory}/")))
        else {
            continue;
        };
        let above = directory.rsplit_once('/').unwrap().0;
        assert!(changes[at..moved].contains(&format!("fsync {above}")), "{directory}: {changes:#?}");
        checked += 1;
    }
    assert!(checked >= 3, "{changes:#?}");
}
