//! Invalid requests about tags: each has its message and exit code, and does not change the tree.

use std::fs;

use regtree::Digest;

use super::{REPOSITORY, set, tag};
use crate::support::{Scratch, snapshot};

#[test]
fn what_is_unknown_is_told_and_changes_nothing() {
    let scratch = Scratch::new();
    let image = scratch.image(REPOSITORY, "one").tag("v1");
    scratch.put("other", b"blob");
    let (known, layer, none) = (image.digest.to_string(), image.layer.to_string(), Digest::of(b"none").to_string());
    let before = snapshot(&scratch.v2());
    let calls: [(&[&str], &str, &str); 11] = [
        (&["get", "none", "v1"], "NAME_UNKNOWN", "none"),
        (&["list", "none"], "NAME_UNKNOWN", "none"),
        (&["history", "none", "v1"], "NAME_UNKNOWN", "none"),
        (&["delete", "none", "v1"], "NAME_UNKNOWN", "none"),
        (&["set", "none", "v1", &known], "NAME_UNKNOWN", "none"),
        (&["get", REPOSITORY, "v9"], "MANIFEST_UNKNOWN", "v9"),
        (&["history", REPOSITORY, "v9"], "MANIFEST_UNKNOWN", "v9"),
        (&["delete", REPOSITORY, "v1", "v9"], "MANIFEST_UNKNOWN", "v9"),
        (&["set", REPOSITORY, "v1", &none], "MANIFEST_UNKNOWN", &none),
        // A layer is no manifest, and what another repository has is not its own.
        (&["set", REPOSITORY, "v1", &layer], "MANIFEST_UNKNOWN", &layer),
        (&["set", "other", "v1", &known], "MANIFEST_UNKNOWN", &known),
    ];
    for (call, code, name) in calls {
        let call = scratch.regtree(["tag"]).with(call);
        call.clone().run().code(4).silent().says(["error: ", name]);
        let error = call.with(["--json"]).run().code(4).silent().json_error();
        assert_eq!(error["code"], code, "{error}");
        assert!(error.to_string().contains(name), "{error}");
    }
    assert_eq!(snapshot(&scratch.v2()), before);
}

#[test]
fn malformed_names_are_refused() {
    let scratch = Scratch::new();
    let digest = scratch.image(REPOSITORY, "one").tag("v1").digest.to_string();
    let long = "x".repeat(129);
    for name in ["", "a/b", "..", ".hidden", "a b", "ünder", "a:b", &long] {
        tag(&scratch, "get", &[name]).run().code(2).silent();
        tag(&scratch, "history", &[name]).run().code(2).silent();
        tag(&scratch, "delete", &[name]).run().code(2).silent();
        tag(&scratch, "set", &[name, &digest]).run().code(2).silent();
    }
    for name in ["", "UPPER//", "../x", "a//b", "_layers"] {
        scratch.run(["tag", "list", name]).code(2).silent();
    }
    for wrong in ["", "sha256:", &digest.to_uppercase()] {
        tag(&scratch, "set", &["v1", wrong]).run().code(2).silent();
    }
    // Such a tag there might be, but all digits of a digest are one too.
    tag(&scratch, "set", &["v1", &digest[7..]]).ok();
    tag(&scratch, "set", &["v1", &"ab".repeat(32)]).run().code(4).silent();
    tag(&scratch, "delete", &[]).run().code(2).silent();
}

#[test]
fn what_is_no_tag_where_a_tag_belongs_is_told() {
    let scratch = Scratch::new();
    let image = scratch.image(REPOSITORY, "one").tag("v1");
    let tags = scratch.repository(REPOSITORY).join("_manifests/tags");
    fs::write(tags.join("file"), "").unwrap();
    fs::create_dir(tags.join("not a tag")).unwrap();
    std::os::unix::fs::symlink("v1", tags.join("symlink")).unwrap();
    let list = tag(&scratch, "list", &[]).run().code(3);
    assert_eq!(list.lines(), ["v1"]);
    list.says(["tags/file does not belong there", "tags/not a tag does not belong", "tags/symlink is a symbolic link"]);
    let before = snapshot(&scratch.v2());
    for name in ["file", "symlink"] {
        tag(&scratch, "delete", &[name]).run().code(5).silent().says([name]);
        tag(&scratch, "delete", &["v1", name]).run().code(5).silent();
        set(&scratch, name, image.digest).run().code(5).silent().says([name]);
    }
    assert_eq!(snapshot(&scratch.v2()), before);
}
