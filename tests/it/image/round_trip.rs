//! What was exported and imported again is the same.

use super::{layout_in, tags};
use crate::support::planted::Planted;
use crate::support::vectors::{tree, truth, versions};
use crate::support::{Scratch, assert_sound};

fn again(scratch: &Scratch, words: &[&str]) -> Scratch {
    let layout = layout_in(scratch);
    let path = layout.to_str().unwrap();
    scratch.regtree(["export", "-o", path]).with(words).ok();
    let copy = Scratch::new();
    copy.regtree(["import", path]).ok();
    copy
}

#[test]
fn trees_of_all_versions_whose_layers_can_be_named_keep_tags_and_manifests() {
    let mut trips = 0;
    for (version, output) in
        versions().into_iter().flat_map(|version| [(version.clone(), "layout"), (version, "layout.tar")])
    {
        let (scratch, truth) = (tree(&version), truth(&version));
        let output = scratch.root().join(output);
        // An image layout can't name a tarsum, so those images are left out.
        let path = output.to_str().unwrap();
        let run = scratch.regtree(["export", "--all", "--untagged", "--skip-damaged", "-o", path]).run();
        assert!(matches!(run.exit(), Some(0 | 3)), "{version}: {}", run.err());
        let copy = Scratch::new();
        copy.regtree(["import", path]).ok();
        copy.regtree(["manifest", "verify", "--all", "--content"]).ok();
        assert_sound(&copy);
        for (name, repository) in truth["repositories"].as_object().unwrap() {
            for (tag, said) in repository["tags"].as_object().unwrap() {
                let digest = said["digest"].as_str().unwrap();
                let manifest = &repository["manifests"][digest];
                let named = |reference: &serde_json::Value| !reference.as_str().unwrap().starts_with("tarsum");
                let has_all = manifest["references"].as_array().is_some_and(|references| references.iter().all(named));
                if said["revision_exists"] == true
                    && has_all
                    && !run.err().contains(&format!("{name}:{tag} is left out"))
                {
                    assert_eq!(tags(&copy, name).get(tag).map(String::as_str), Some(digest), "{version} {name}:{tag}");
                    trips += 1;
                }
            }
        }
    }
    assert!(trips > 140, "{trips}");
}

#[test]
fn aliases_nested_indexes_caches_and_referrers_keep_their_digests() {
    let planted = Planted::new();
    let child = planted.image("lib/app", "child");
    let inner = planted.index("lib/app", &[&child]);
    let outer = planted.index("lib/app", &[&inner, &child]);
    planted.tag("lib/app", "nested", &outer);
    let config = planted.layer("lib/app", "config");
    let alias = planted.alias("lib/app", "called by its sha512");
    let aliased = planted.manifest("lib/app", &planted.image_of(&config, &[&alias]));
    planted.tag("lib/app", "aliased", &aliased);
    let signature = planted.referrer("lib/app", &child, "signature");
    let by_layout = again(&planted.scratch, &["--all"]);
    let by_tree = Scratch::new();
    by_tree.regtree(["import", planted.root().to_str().unwrap()]).ok();
    for copy in [by_layout, by_tree] {
        assert_eq!(tags(&copy, "lib/app"), tags(&planted.scratch, "lib/app"));
        let referrers = copy.regtree(["manifest", "referrers", "lib/app", &child, "--json"]).ok().json();
        assert_eq!(referrers["manifests"][0]["digest"], signature);
        copy.regtree(["manifest", "verify", "--all", "--content"]).ok();
        copy.regtree(["blob", "stat", "lib/app", &alias]).ok();
        assert_sound(&copy);
    }
}
