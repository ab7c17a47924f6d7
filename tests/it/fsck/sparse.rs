//! Indexes with missing children: an error where a tag leads to them, and nothing where they are accepted.

use std::fs;

use serde_json::Value;

use crate::support::planted::{Planted, sha256};
use crate::support::{Regtree, Run, snapshot};

const SPARSE: &str = "--allow-sparse-indexes";

/// A tree with an index of which one child was never pushed.
fn sparse() -> (Planted, String) {
    let planted = Planted::new();
    let child = planted.image("lib", "a child");
    let index = planted.index("lib", &[&child, &sha256(b"never pushed")]);
    (planted, index)
}

/// The severities of all findings about missing children.
fn severities(run: &Run) -> Vec<Value> {
    let events = run.json_lines();
    let missing = events.iter().filter(|event| event["code"] == "index-child-missing");
    missing.map(|event| event["severity"].clone()).collect()
}

#[test]
fn a_missing_child_is_an_error_where_a_tag_leads_to_the_index_and_else_a_warning() {
    let (planted, index) = sparse();
    let outer = planted.index("lib", &[&index]);
    for (tagged, severity, codes) in
        [(None, "warning", [0, 0, 0]), (Some(&index), "error", [3, 5, 3]), (Some(&outer), "error", [3, 5, 3])]
    {
        let tags = planted.at("repositories/lib/_manifests/tags");
        if tags.exists() {
            fs::remove_dir_all(&tags).unwrap();
        }
        fs::create_dir_all(&tags).unwrap();
        if let Some(digest) = tagged {
            planted.tag("lib", "v1", digest);
        }
        let before = snapshot(&planted.root().join("docker"));
        for (words, code) in
            [&["fsck"][..], &["manifest", "verify", "--all"], &["repair", "--all-safe", "-n"]].iter().zip(codes)
        {
            let run = planted.regtree(words.iter().copied()).with(["--json"]).run().code(code);
            if words[0] != "repair" {
                assert_eq!(severities(&run), [severity], "{tagged:?} {words:?}");
            }
        }
        let fsck = planted.regtree(["fsck", "--json"]).run();
        let summary = fsck.json_lines().pop().unwrap();
        assert_eq!(summary["errors"], u64::from(tagged.is_some()), "{summary}");
        // A collection keeps the repository, whoever leads to the index.
        planted.regtree(["gc", "-n", "--min-age", "0"]).run().code(3);
        assert!(snapshot(&planted.root().join("docker")) == before, "something changed");
    }
}

#[test]
fn nothing_is_said_of_missing_children_where_the_caller_accepts_them() {
    let (planted, index) = sparse();
    planted.tag("lib", "v1", &index);
    fs::create_dir_all(planted.at("repositories/lib/_uploads")).unwrap();
    let before = snapshot(&planted.root().join("docker"));
    let calls: [&[&str]; 6] = [
        &["fsck", "--strict"],
        &["manifest", "verify", "lib", "v1", "--strict"],
        &["manifest", "verify", "--all"],
        &["repair", "--all-safe", "-n"],
        &["repair", "--all-safe"],
        &["gc", "--min-age", "0"],
    ];
    for call in calls {
        let run = planted.regtree(call.iter().copied()).with([SPARSE, "--json"]).run().code(0);
        assert_eq!(severities(&run), [] as [Value; 0], "{call:?}");
    }
    assert!(snapshot(&planted.root().join("docker")) == before, "something changed");
}

#[test]
fn nothing_is_said_of_missing_children_where_the_registry_accepts_them() {
    let (planted, index) = sparse();
    planted.tag("lib", "v1", &index);
    let file = planted.root().join("config.yml");
    for (platforms, codes) in [("none", [0, 0, 0, 0]), ("list", [0, 0, 0, 0]), ("all", [3, 5, 3, 3])] {
        let storage = format!("storage: {{filesystem: {{rootdirectory: {}}}}}", planted.root().display());
        let validation = format!("validation: {{manifests: {{indexes: {{platforms: {platforms}}}}}}}");
        fs::write(&file, format!("{storage}\n{validation}\n")).unwrap();
        let calls: [&[&str]; 4] = [
            &["fsck"],
            &["manifest", "verify", "lib", "v1"],
            &["repair", "--all-safe", "-n"],
            &["gc", "-n", "--min-age", "0"],
        ];
        for (call, code) in calls.iter().zip(codes) {
            Regtree::new(["--registry-config", file.to_str().unwrap()]).with(call.iter().copied()).run().code(code);
        }
    }
    assert!(planted.has_revision("lib", &index));
}

#[test]
fn an_index_with_missing_children_is_stored_where_that_is_accepted() {
    let planted = Planted::new();
    let child = planted.image("lib", "a child");
    let index = planted.index_of(&[&child, &sha256(b"never pushed")]).to_string();
    let put = || planted.regtree(["manifest", "put", "lib", "--tag", "v1"]).stdin(index.clone());
    put().run().code(5);
    assert!(!planted.has(&sha256(index.as_bytes())));
    put().with([SPARSE]).run().code(0);
    assert!(planted.has_revision("lib", &sha256(index.as_bytes())));
    // What an image needs has to be there all the same.
    let image = planted.image_of(&sha256(b"no config"), &[]).to_string();
    planted.regtree(["manifest", "put", "lib", SPARSE]).stdin(image).run().code(5);
}
