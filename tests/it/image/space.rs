//! Disks that are full: images in and out leave nothing that lies, and the next run finishes.

use std::path::Path;

use crate::support::image::Image;
use crate::support::mounted::{Mounted, NO_SPACE, starved, starved_with};
use crate::support::planted::Planted;
use crate::support::refusal::{IO, fails, text, tree};
use crate::support::{Regtree, Scratch, assert_sound_at};

/// A layout of one image, in a place of its own.
fn laid_out(image: &Image) -> (tempfile::TempDir, String) {
    let place = tempfile::tempdir().unwrap();
    let layout = place.path().join("layout");
    image.lay_out(&layout);
    let path = text(&layout).to_owned();
    (place, path)
}

/// Imports the layout as `lib/app:v1`.
fn import(root: &Path, layout: &str) -> Regtree {
    Regtree::at(root, ["import", layout, "--repository", "lib/app", "--tag", "v1"])
}

/// Expects a tree without broken links, in which no tag is set that leads to less than a whole image.
fn assert_whole_where_tagged(root: &Path, repository: &str) {
    assert_sound_at(root);
    if root.join("docker/registry/v2/repositories").join(repository).join("_manifests/tags/v1/current/link").exists() {
        Regtree::at(root, ["manifest", "verify", repository, "v1", "--content"]).ok();
    }
}

#[test]
fn an_import_that_runs_out_of_space_at_any_step_is_finished_by_the_next() {
    let mut mounted = Mounted::tree("size=16m");
    let (_place, layout) = laid_out(&Image::new());
    let call = import(&mounted.root, &layout);
    let failures = starved_with(&mut mounted, &call, |mounted| assert_whole_where_tagged(&mounted.root, "lib/app"));
    assert!(failures > 20, "{failures}");
    mounted.regtree(["manifest", "verify", "lib/app", "v1", "--content"]).ok();
}

#[test]
fn an_import_that_does_not_fit_sets_no_tag() {
    // One layer of the image has 50,000 bytes.
    let mounted = Mounted::tree("size=64k");
    let (_place, layout) = laid_out(&Image::new());
    import(&mounted.root, &layout).run().code(1).says([text(&mounted.root), NO_SPACE]);
    assert_sound_at(&mounted.root);
    mounted.regtree(["tag", "list", "lib/app"]).run().silent();
    // What the failed import took is free again.
    mounted.regtree(["blob", "put", "lib/app"]).stdin(vec![7; 16 << 10]).ok();
}

#[test]
fn an_export_that_runs_out_of_space_at_any_step_leaves_nothing() {
    let mut mounted = Mounted::tree("size=16m");
    let tree = Scratch::new();
    tree.image("lib/app", "image").tag("v1");
    let layout = mounted.root.join("layout");
    let call = tree.regtree(["export", "--all", "-o", text(&layout)]);
    let failures = starved(&mut mounted, &call);
    assert!(failures > 6, "{failures}");
    Scratch::new().regtree(["import", text(&layout)]).ok();
}

#[test]
fn an_export_that_does_not_fit_leaves_the_old_layout() {
    let mounted = Mounted::tree("size=1m");
    let scratch = Scratch::new();
    scratch.image("lib/app", "image").tag("v1");
    let (layout, new) = (mounted.root.join("layout"), mounted.root.join("new"));
    let export = |place: &Path| scratch.regtree(["export", "--all", "-o", text(place)]);
    export(&layout).ok();
    scratch.image("lib/app", &"large ".repeat(1 << 19)).tag("v2");
    let before = tree(&mounted.root);
    for place in [&layout, &new] {
        fails(&export(place), IO, &[text(place), NO_SPACE]);
        let mut after = tree(&mounted.root);
        // Blobs that nothing names yet.
        after.retain(|path, _| before.contains_key(path) || !path.starts_with("layout/blobs"));
        assert_eq!(after, before);
    }
}

#[test]
fn copies_that_run_out_of_space_at_any_step_are_finished_by_the_next() {
    let copies: [&[&str]; 3] = [
        &["copy", "lib/app:v1", "team/app"],
        &["repo", "copy", "lib/app", "team/app"],
        &["repo", "rename", "lib/app", "team/app"],
    ];
    for words in copies {
        let mut mounted = Mounted::tree("size=16m");
        let (_place, layout) = laid_out(&Image::new());
        import(&mounted.root, &layout).ok();
        let call = Regtree::at(&mounted.root, words);
        let failures = starved_with(&mut mounted, &call, |mounted| {
            assert_whole_where_tagged(&mounted.root, "team/app");
            mounted.regtree(["manifest", "verify", "lib/app", "v1", "--content"]).ok();
        });
        assert!(failures > 10, "{failures}");
        mounted.regtree(["manifest", "verify", "team/app", "v1", "--content"]).ok();
    }
    let (mut mounted, planted) = (Mounted::tree("size=16m"), Planted::new());
    planted.tagged_image("lib/app", "v1", "image");
    let call = planted.regtree(["copy", "lib/app:v1", "team/app", "--to", text(&mounted.root)]);
    let failures = starved_with(&mut mounted, &call, |mounted| assert_whole_where_tagged(&mounted.root, "team/app"));
    assert!(failures > 20, "{failures}");
    mounted.regtree(["manifest", "verify", "team/app", "v1", "--content"]).ok();
}
