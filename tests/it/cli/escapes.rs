//! Nothing that somebody pushed or put into a tree acts on the terminal of who looks at it.

use std::fs;

use serde_json::json;

use crate::support::planted::{Planted, sha256};

/// What clears a screen, sets a title, ends a line, reorders text, and hides some.
const HOSTILE: &str = "x\u{1b}[2J\u{1b}]0;owned\u{7}\r\nerror: none\u{9b}31m\u{7f}\u{202e}evil\u{2028}\u{200b}y";

/// A tree in which every text that one may choose is hostile.
fn hostile() -> Planted {
    let tree = Planted::new();
    let config = tree.layer("lib/app", "config");
    let layer = tree.layer("lib/app", "layer");
    let part = |digest: &str, size: u64| json!({"mediaType": HOSTILE, "digest": digest, "size": size, "annotations": {"a": HOSTILE}});
    let image = tree.manifest(
        "lib/app",
        &json!({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "artifactType": HOSTILE,
            "config": part(&config, 6), "layers": [part(&layer, 7), part(&sha256(b"absent"), 3)],
        }),
    );
    let about = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "artifactType": HOSTILE,
        "config": part(&config, 6), "layers": [],
        "subject": {"mediaType": HOSTILE, "digest": image, "size": 1}, "annotations": {"note": HOSTILE},
    });
    tree.manifest("lib/app", &about);
    let platform = json!({"os": HOSTILE, "architecture": HOSTILE, "variant": HOSTILE, "os.version": HOSTILE});
    let mut child = part(&image, 1);
    child["platform"] = platform;
    let index = tree.manifest(
        "lib/app",
        &json!({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [child],
        }),
    );
    let unknown = tree.manifest("lib/app", &json!({"schemaVersion": 2, "mediaType": HOSTILE, "x": HOSTILE}));
    for (tag, digest) in [("v1", &image), ("index", &index), ("unknown", &unknown)] {
        tree.tag("lib/app", tag, digest);
    }
    // And by hand: names of files and directories, and what is in links.
    let name = HOSTILE.replace('/', "");
    for below in ["", "lib/", "lib/app/_manifests/tags/", "lib/app/_uploads/", "lib/app/_layers/sha256/"] {
        fs::create_dir_all(tree.root().join("docker/registry/v2/repositories").join(below).join(&name).join("_layers"))
            .unwrap();
    }
    tree.plant("repositories/lib/app/_manifests/tags/broken/current/link", HOSTILE);
    tree.plant("repositories/lib/app/_uploads/2c8a7fd8-5d3c-4f5b-9d40-5b9d1f6f5a11/startedat", HOSTILE);
    tree.plant(&format!("blobs/{name}"), HOSTILE);
    tree
}

const COMMANDS: [&str; 26] = [
    "repo list",
    "repo list --long",
    "tag list lib/app --long",
    "tag get lib/app broken",
    "tag history lib/app v1",
    "manifest list lib/app --long",
    "manifest stat lib/app v1",
    "manifest stat lib/app index",
    "manifest stat lib/app unknown",
    "manifest get lib/app index --platform linux/amd64",
    "manifest verify lib/app v1",
    "manifest verify --all --content",
    "manifest referrers lib/app v1",
    "blob list lib/app --long",
    "upload list",
    "fsck",
    "fsck --content -v",
    "gc -n --min-age 0 --delete-untagged -v",
    "repair -n --all-safe",
    "du --tags",
    "du --layers",
    "repair --all-safe",
    "gc --min-age 0 --delete-untagged --quarantine -v",
    "quarantine list",
    "tag delete lib/app broken",
    "repo delete lib/app",
];

#[test]
fn what_was_pushed_or_planted_is_printed_with_visible_control_characters() {
    let tree = hostile();
    let acts = |character: &char| {
        character.is_control() && *character != '\n' || "\u{202e}\u{2028}\u{200b}".contains(*character)
    };
    let mut shown = 0;
    for line in COMMANDS {
        // What changes the tree does so in the second round.
        for form in ["--json", ""] {
            let dry = if form.is_empty() || !line.contains("delete lib") { "" } else { "--dry-run" };
            let words = line.split(' ').chain([form, dry]).filter(|word| !word.is_empty());
            let run = tree.regtree(words).run();
            for text in [run.out(), run.err()] {
                assert_eq!(text.chars().find(acts), None, "{line} {form}: {text:?}");
                assert!(!text.lines().any(|line| line.starts_with("error: none")), "{line} {form}: {text}");
                shown += text.matches("evil").count();
            }
            if form == "--json" {
                run.json_lines();
            }
        }
    }
    assert!(shown > 40, "the hostile texts are shown {shown} times only: the trial tries nothing");
}
