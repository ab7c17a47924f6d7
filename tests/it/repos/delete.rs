//! `repo delete`: what is removed, and what is kept.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;

use regtree::Digest;
use serde_json::json;

use crate::support::vectors::{damaged, damaged_trees, tree, truth, versions};
use crate::support::{Scratch, assert_sound, snapshot};

/// What lies below `repositories`.
fn repositories(scratch: &Scratch) -> BTreeMap<PathBuf, String> {
    snapshot(&scratch.v2().join("repositories"))
}

/// What a run says, told by what its dry run said.
fn removed(would_be: &str) -> String {
    would_be.replace("would remove", "removed")
}

#[test]
fn a_repository_goes_with_its_empty_directories_and_its_content_stays() {
    let scratch = Scratch::new();
    scratch.image("a/b/c", "one").tag("v1").tag("v2");
    scratch.run(["upload", "start", "a/b/c"]).code(0);
    let blobs = snapshot(&scratch.v2().join("blobs"));
    let before = snapshot(&scratch.v2());
    let dry = scratch.run(["repo", "delete", "a/b/c", "-n"]).code(0).says(["nothing was removed (dry run)"]);
    assert_eq!(snapshot(&scratch.v2()), before);
    assert_eq!(dry.answer(), "would remove a/b/c: 2 tags, 1 revision, 2 layers, 1 upload");
    assert_eq!(scratch.run(["repo", "delete", "a/b/c"]).code(0).answer(), removed(&dry.answer()));
    assert_eq!(repositories(&scratch).len(), 1, "{:?}", repositories(&scratch));
    assert_eq!(snapshot(&scratch.v2().join("blobs")), blobs);
    scratch.run(["repo", "delete", "a/b/c"]).code(4).silent().says(["a/b/c"]);
    scratch.run(["repo", "delete", "A B"]).code(2).silent();
}

#[test]
fn json_says_what_went() {
    let scratch = Scratch::new();
    scratch.image("lib", "one").tag("v1");
    let [event, summary] = scratch.run(["repo", "delete", "lib", "--json"]).code(0).json_lines().try_into().unwrap();
    let expected = json!({
        "repository": "lib", "tags": 1, "revisions": 1, "layers": 2, "uploads": 0, "dry_run": false,
        "type": "delete", "schema_version": 1,
    });
    assert_eq!(event, expected);
    assert_eq!(
        (&summary["type"], &summary["repositories"], &summary["quarantine"]),
        (&json!("summary"), &json!(1), &json!(null))
    );
    assert_eq!(scratch.run(["repo", "delete", "lib", "--json"]).code(4).json_error()["code"], "NAME_UNKNOWN");
}

#[test]
fn nested_repositories_survive() {
    let scratch = Scratch::new();
    for name in ["a", "a/b", "a/b/c", "ab", "a/layers", "a/manifests/tags", "a/uploads/x"] {
        scratch.image(name, name).tag("v1");
    }
    let mut expected = repositories(&scratch);
    expected.retain(|path, _| !["a/_layers", "a/_manifests", "a/_uploads"].iter().any(|own| path.starts_with(own)));
    scratch.run(["repo", "delete", "a"]).code(0);
    assert_eq!(repositories(&scratch), expected);
    expected.retain(|path, _| !path.starts_with("a/b") || path.starts_with("a/b/c") || path.ends_with("a/b"));
    scratch.run(["repo", "delete", "a/b"]).code(0);
    assert_eq!(repositories(&scratch), expected);
    assert_sound(&scratch);
    // What merely holds others is none itself.
    scratch.run(["repo", "delete", "a"]).code(4);
    scratch.run(["repo", "delete", "a/b/c"]).code(0);
    assert!(!scratch.repository("a/b").exists());
    assert_eq!(scratch.run(["repo", "list"]).code(0).lines(), ["a/layers", "a/manifests/tags", "a/uploads/x", "ab"]);
}

#[test]
fn every_version_s_repositories_can_be_removed_one_by_one() {
    for version in versions() {
        let (scratch, truth) = (tree(&version), truth(&version));
        let blobs = snapshot(&scratch.v2().join("blobs"));
        let mut names: Vec<String> = truth["repositories"].as_object().unwrap().keys().cloned().collect();
        names.sort();
        // The outer ones first: what is nested in them must survive.
        while !names.is_empty() {
            let name = names.remove(0);
            scratch.run(["repo", "delete", &name]).code(0);
            assert_eq!(scratch.run(["repo", "list"]).code(0).lines(), names, "{version}");
            for name in &names {
                let tags = truth["repositories"][name]["tags"].as_object().unwrap().len();
                assert_eq!(scratch.run(["tag", "list", name]).code(0).lines().len(), tags, "{version} {name}");
            }
        }
        let left = repositories(&scratch);
        assert_eq!(left.len(), 1, "{version}: {left:?}");
        assert_eq!(snapshot(&scratch.v2().join("blobs")), blobs, "{version}");
    }
}

#[test]
fn nothing_of_an_alpha_s_neighbours_goes_with_it() {
    let scratch = tree("2.0.0-alpha.0");
    let names = scratch.run(["repo", "list"]).code(0).lines();
    let alpha = names.iter().find(|name| scratch.repository(name).join("layers").is_dir()).unwrap().clone();
    let inner = ["layers", "manifests/tags", "layers/x/y", "uploads/z"].map(|inner| format!("{alpha}/{inner}"));
    for name in &inner {
        scratch.image(name, name).tag("v1");
    }
    let mut expected = repositories(&scratch);
    expected.retain(|path, _| path.to_str().unwrap().contains("/_"));
    scratch.run(["repo", "delete", &alpha]).code(0);
    let mut left = repositories(&scratch);
    left.retain(|path, _| path.starts_with(&alpha) && path.to_str().unwrap().contains("/_"));
    assert_eq!(left, expected);
    for name in &inner {
        assert_eq!(scratch.run(["tag", "list", name]).code(0).lines(), ["v1"], "{name}");
    }
    assert!(!scratch.run(["repo", "list"]).lines().contains(&alpha));
}

#[test]
fn a_damaged_repository_can_be_removed_and_nothing_outside_is_touched() {
    for name in damaged_trees() {
        let scratch = damaged(&name);
        let outside = scratch.root().join("outside");
        let before = outside.exists().then(|| snapshot(&outside));
        let blobs = snapshot(&scratch.v2().join("blobs"));
        for repository in ["lib", "lib/app", "gone"] {
            let dry = scratch.run(["repo", "delete", repository, "-n"]);
            let run = scratch.run(["repo", "delete", repository]);
            assert!(!run.err().contains("error: "), "{name}: {}", run.err());
            assert_eq!(run.answer(), removed(&dry.answer()), "{name}");
        }
        assert!(!scratch.run(["repo", "list"]).lines().iter().any(|left| left.starts_with("lib")), "{name}");
        assert_eq!(outside.exists().then(|| snapshot(&outside)), before, "{name}");
        assert_eq!(snapshot(&scratch.v2().join("blobs")), blobs, "{name}");
    }
}

#[test]
fn an_upload_that_another_process_works_on_refuses_it() {
    let scratch = Scratch::new();
    scratch.image("lib", "one").tag("v1");
    let id = scratch.run(["upload", "start", "lib"]).code(0).answer();
    let mut resume = scratch.regtree(["upload", "resume", "lib", &id]).command();
    let mut child = resume.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.as_mut().unwrap().write_all(b"content").unwrap();
    let data = scratch.uploads("lib")[0].join("data");
    let begin = std::time::Instant::now();
    while fs::metadata(&data).unwrap().len() < 7 {
        assert!(begin.elapsed().as_secs() < 30, "the bytes do not arrive");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let before = snapshot(&scratch.v2());
    let refused = scratch.run(["repo", "delete", "lib"]).code(11).silent();
    refused.says(["is locked by regtree upload resume", &child.id().to_string()]);
    assert_eq!(snapshot(&scratch.v2()), before);
    scratch.run(["repo", "delete", "lib", "--dry-run"]).code(0);
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
    scratch.run(["repo", "delete", "lib"]).code(0);
    assert!(!scratch.repository("lib").exists());
}

#[test]
fn what_can_not_be_removed_is_told_before_anything_is() {
    let scratch = Scratch::new();
    scratch.image("lib", "one").tag("v1");
    let layers = scratch.repository("lib/_layers");
    fs::rename(&layers, scratch.root().join("elsewhere")).unwrap();
    std::os::unix::fs::symlink(scratch.root().join("elsewhere"), &layers).unwrap();
    let before = snapshot(scratch.root());
    scratch.run(["repo", "delete", "lib"]).code(5).silent().says(["lib/_layers is a symbolic link"]);
    let mut after = snapshot(scratch.root());
    after.retain(|path, _| !path.starts_with(".regtree"));
    let mut before = before;
    before.retain(|path, _| !path.starts_with(".regtree"));
    assert_eq!(after, before);
}

#[test]
fn the_record_of_an_upload_goes_with_it() {
    let scratch = Scratch::new();
    let id = scratch.run(["upload", "start", "lib"]).code(0).answer();
    scratch.regtree(["upload", "resume", "lib", &id]).stdin("content").ok();
    let records = || {
        let found = walkdir::WalkDir::new(scratch.root().join(".regtree/uploads")).into_iter();
        found.filter(|entry| entry.as_ref().is_ok_and(|entry| entry.file_type().is_file())).count()
    };
    assert_eq!(records(), 1);
    scratch.run(["repo", "delete", "lib"]).code(0);
    assert_eq!(records(), 0);
    assert_eq!(scratch.put("lib", b"content"), Digest::of(b"content"));
}
