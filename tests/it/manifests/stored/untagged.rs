//! The manifests to which no tag leads, beside damage that may need them.

use crate::support::planted::{Planted, revision_path, tag_path};

#[test]
fn beside_damage_the_list_says_that_it_may_be_incomplete() {
    let planted = Planted::new();
    planted.tagged_image("lib/app", "v1", "an image");
    let lost = planted.image("lib/app", "an image without a tag");
    let list = || planted.run(["manifest", "list", "lib/app", "--untagged"]);
    assert!(list().code(0).out().starts_with(&lost));
    // What is damaged elsewhere may be about it.
    for damage in [tag_path("lib/app", "v1") + "/current/link", revision_path("lib/app", &lost) + "/link"] {
        let whole = std::fs::read_to_string(planted.at(&damage)).unwrap();
        planted.plant(&damage, "sha256:nonsense");
        list().code(3).says(["note: the list may be incomplete: ", " gc -n"]);
        // A program is told why.
        let events = planted.run(["manifest", "list", "lib/app", "--untagged", "--json"]).code(3).json_lines();
        let is_told = |event: &serde_json::Value| {
            event["type"] == "finding" && event["path"] == format!("docker/registry/v2/{damage}")
        };
        assert!(events.iter().any(is_told), "{events:?}");
        planted.plant(&damage, whole);
    }
    assert!(list().code(0).err().is_empty());
}
