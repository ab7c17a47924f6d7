//! `repo delete` of several repositories, and what it says of the space that they use.

use serde_json::json;

use crate::support::{Scratch, snapshot};

fn filled() -> Scratch {
    let scratch = Scratch::new();
    for name in ["ci/one", "ci/two", "keep"] {
        scratch.image(name, name).tag("v1");
    }
    scratch.image("ci/one", "keep").tag("shared");
    scratch
}

fn repositories(scratch: &Scratch) -> Vec<String> {
    scratch.run(["repo", "list"]).code(0).lines()
}

#[test]
fn one_that_is_unknown_refuses_all() {
    let scratch = filled();
    let before = snapshot(&scratch.v2());
    scratch.run(["repo", "delete", "ci/one", "nosuch"]).code(4).silent().says(["nosuch"]);
    scratch.run(["repo", "delete", "ci/one", "nosuch/*", "--force"]).code(4).silent().says(["nosuch/*"]);
    scratch.run(["repo", "delete"]).code(2).silent();
    scratch.run(["repo", "delete", "ci/[", "keep"]).code(2).silent();
    assert_eq!(snapshot(&scratch.v2()), before);
    scratch.run(["repo", "delete", "keep", "ci/one", "keep"]).code(0);
    assert_eq!(repositories(&scratch), ["ci/two"]);
}

#[test]
fn a_pattern_that_matches_several_is_shown_and_refused() {
    let scratch = filled();
    let before = snapshot(&scratch.v2());
    let lines = [
        "would remove ci/one: 2 tags, 2 revisions, 4 layers, 0 uploads",
        "would remove ci/two: 1 tag, 1 revision, 2 layers, 0 uploads",
    ];
    let refused = scratch.run(["repo", "delete", "ci/*"]).code(12);
    let refused = refused.says(["refused: ci/* matches 2 repositories", "to do it anyway, use --force"]);
    assert_eq!(refused.lines(), lines);
    assert_eq!(scratch.run(["repo", "delete", "ci/*", "-n", "--force"]).code(0).lines(), lines);
    assert_eq!(scratch.run(["repo", "delete", "ci/*", "-n"]).code(12).lines(), lines);
    assert_eq!(snapshot(&scratch.v2()), before);
    // One that matches one needs no force.
    scratch.run(["repo", "delete", "ke*"]).code(0);
    assert_eq!(repositories(&scratch), ["ci/one", "ci/two"]);
    scratch.run(["repo", "delete", "**", "--force"]).code(0);
    assert!(repositories(&scratch).is_empty());
}

#[test]
fn it_says_what_a_collection_would_free_and_that_is_what_it_frees() {
    let scratch = filled();
    let words = ["repo", "delete", "ci/*", "--force"];
    let dry = scratch.regtree(words).with(["-n", "--json"]).ok().json_lines().pop().unwrap();
    let summary = scratch.regtree(words).with(["--json"]).ok().json_lines().pop().unwrap();
    for key in ["freeable_blobs", "freeable_bytes"] {
        assert_eq!(dry[key], summary[key]);
    }
    let collected = scratch.run(["gc", "--min-age", "0", "--json"]).code(0).json_lines().pop().unwrap();
    let removed = &collected["removed"]["blob"];
    // The image that the other repository has stays.
    assert_eq!(
        json!([6, removed["count"], removed["bytes"]]),
        json!([6, summary["freeable_blobs"], summary["freeable_bytes"]])
    );

    let scratch = filled();
    let said = scratch.run(words).code(0);
    said.says(["this frees no space by itself: nothing else needs 6 blobs of ", "a registry caches what it has seen"]);
    assert!(scratch.run(["repo", "delete", "keep", "-q"]).code(0).err().is_empty());
}
