//! `regtree copy`: an image under another name, and in another tree.

use super::tags;
use crate::support::planted::Planted;
use crate::support::{Scratch, assert_sound, refusal};

fn planted() -> (Planted, String, String) {
    let planted = Planted::new();
    let child = planted.image("lib/app", "child");
    let index = planted.index("lib/app", &[&child]);
    planted.tag("lib/app", "v1", &index);
    let signature = planted.referrer("lib/app", &index, "signature");
    planted.tag("lib/app", &format!("{}.sig", index.replace(':', "-")), &signature);
    (planted, index, signature)
}

#[test]
fn within_a_tree_no_content_is_copied_and_referrers_keep_their_tags() {
    let (planted, index, signature) = planted();
    let blobs = || walkdir::WalkDir::new(planted.at("blobs")).into_iter().count();
    let before = blobs();
    assert_eq!(planted.regtree(["copy", "lib/app:v1", "team/app:stable", "-n"]).ok().lines().len(), 2);
    assert!(!planted.repository("team/app").exists());
    planted.regtree(["copy", "lib/app:v1", "team/app:stable"]).ok();
    assert_eq!(blobs(), before);
    let sig = format!("{}.sig", index.replace(':', "-"));
    assert_eq!(tags(&planted.scratch, "team/app"), [("stable".to_owned(), index.clone()), (sig, signature)].into());
    planted.regtree(["copy", &format!("lib/app@{index}"), "team/digest", "--no-referrers"]).ok();
    assert!(tags(&planted.scratch, "team/digest").is_empty());
    assert!(planted.has_revision("team/digest", &index));
    planted.regtree(["copy", "lib/app:v1", "lib/app:again"]).ok();
    assert_eq!(tags(&planted.scratch, "lib/app")["again"], index);
    planted.regtree(["manifest", "verify", "--all", "--content"]).ok();
    assert_sound(&planted.scratch);
}

#[test]
fn to_another_tree_content_comes_along_and_is_hashed() {
    let (planted, index, _) = planted();
    let other = Scratch::new();
    let root = other.root().to_str().unwrap();
    planted.regtree(["copy", "lib/app:v1", "team/app", "--to", root]).ok();
    assert_eq!(tags(&other, "team/app")["v1"], index);
    other.regtree(["manifest", "verify", "--all", "--content"]).ok();
    other.regtree(["fsck", "--content"]).ok();
    let layer = planted.layer("lib/app", "right");
    let config = planted.layer("lib/app", "{}");
    let image = planted.manifest("lib/app", &planted.image_of(&config, &[&layer]));
    planted.tag("lib/app", "bad", &image);
    planted.plant(&crate::support::planted::blob_path(&layer), "wrong");
    let call = planted.regtree(["copy", "lib/app:bad", "team/app", "--to", root]);
    call.run().code(5).says([&layer, "does not match its digest"]);
    assert!(!tags(&other, "team/app").contains_key("bad"));
}

#[test]
fn what_is_unknown_or_taken_is_refused() {
    let (planted, index, _) = planted();
    let other = planted.tagged_image("team/app", "v1", "other");
    let call = planted.regtree(["copy", "lib/app:none", "team/app"]);
    refusal::refused(planted.root(), &call, (4, "MANIFEST_UNKNOWN"), &["none"]);
    let call = planted.regtree(["copy", "lib/app:v1", "team/app"]);
    refusal::refused(planted.root(), &call, refusal::REFUSED, &["team/app:v1", &other, "--force"]);
    planted.regtree(["copy", "lib/app:v1", "team/app", "--force"]).ok().says([&format!("which pointed to {other}")]);
    assert_eq!(tags(&planted.scratch, "team/app")["v1"], index);
    let call = planted.regtree(["copy", "lib/app:v1", "team/app", "--to", "/nowhere"]);
    refusal::refused(planted.root(), &call, refusal::NO_TREE, &["/nowhere"]);
}

#[test]
fn a_tree_on_another_disk_behind_a_symbolic_link_is_copied_in_too() {
    let (planted, index, _) = planted();
    let elsewhere = planted.root().join("elsewhere");
    std::fs::rename(planted.v2(), &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, planted.v2()).unwrap();
    planted.regtree(["copy", "lib/app:v1", "team/app"]).ok();
    assert_eq!(tags(&planted.scratch, "team/app")["v1"], index);
}
