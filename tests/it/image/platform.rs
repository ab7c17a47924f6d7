//! `regtree export --platform`: a part of an index.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::{index, layout_in, names};
use crate::support::image::{INDEX, MANIFEST};
use crate::support::planted::{Planted, sha256};
use crate::support::{Regtree, refusal};

/// An image whose config says its platform.
fn image_for(planted: &Planted, platform: &str) -> String {
    let config = planted.layer("lib/app", config(platform).to_string());
    let layer = planted.layer("lib/app", format!("layer for {platform}"));
    planted.manifest("lib/app", &planted.image_of(&config, &[&layer]))
}

fn config(platform: &str) -> Value {
    let mut parts = platform.split('/');
    let (os, architecture, variant) = (parts.next(), parts.next(), parts.next().unwrap_or_default());
    json!({ "os": os, "architecture": architecture, "variant": variant })
}

struct Multi {
    planted: Planted,
    index: String,
    amd64: String,
    arm64: String,
    /// What buildx says about the first.
    attestation: String,
    signature: String,
}

/// An index as buildx makes it, for two platforms, of which one stands in the config alone, and a third one.
fn multi() -> Multi {
    let planted = Planted::new();
    let [amd64, arm64, s390x] = ["linux/amd64", "linux/arm64/v8", "linux/s390x"].map(|on| image_for(&planted, on));
    let config = planted.layer("lib/app", "{}");
    let layer = planted.layer("lib/app", "in-toto");
    let attestation = planted.manifest("lib/app", &planted.image_of(&config, &[&layer]));
    let mut document = planted.index_of(&[&amd64, &arm64, &s390x, &attestation]);
    document["annotations"] = json!({ "kept": "as it is" });
    let children = &mut document["manifests"];
    children[0]["platform"] = json!({ "os": "linux", "architecture": "amd64" });
    children[2]["platform"] = json!({ "os": "linux", "architecture": "s390x" });
    children[3]["platform"] = json!({ "os": "unknown", "architecture": "unknown" });
    children[3]["annotations"] =
        json!({ "vnd.docker.reference.digest": amd64, "vnd.docker.reference.type": "attestation-manifest" });
    let index = planted.manifest("lib/app", &document);
    planted.tag("lib/app", "v1", &index);
    let signature = planted.referrer("lib/app", &arm64, "signature");
    Multi { planted, index, amd64, arm64, attestation, signature }
}

impl Multi {
    fn export(&self, words: &[&str]) -> Regtree {
        let layout = layout_in(&self.planted);
        self.planted.regtree(["export", "lib/app:v1", "-o", layout.to_str().unwrap()]).with(words)
    }
}

fn blob(layout: &Path, digest: &str) -> std::path::PathBuf {
    layout.join("blobs").join(digest.replace(':', "/"))
}

#[test]
fn one_platform_is_its_manifest_with_what_is_about_that() {
    let multi = multi();
    let layout = layout_in(&multi.planted);
    multi.export(&["--platform", "linux/arm64"]).ok();
    assert_eq!(names(&layout)["lib/app:v1"], multi.arm64);
    assert_eq!(names(&layout)["-"], multi.signature);
    assert!(!blob(&layout, &multi.index).exists() && !blob(&layout, &multi.amd64).exists());
    let copy = crate::support::Scratch::new();
    copy.regtree(["import", layout.to_str().unwrap()]).ok();
    copy.regtree(["manifest", "verify", "--all", "--content"]).ok();
}

#[test]
fn several_platforms_are_a_new_index_of_these_and_their_attestations() {
    let multi = multi();
    let layout = layout_in(&multi.planted);
    let both = ["--platform", "linux/arm64", "--platform", "linux/amd64"];
    let run = multi.export(&both).ok();
    let digest = &names(&layout)["lib/app:v1"];
    run.says([&*format!("lib/app:v1 is a new index of these platforms, {digest}")]);
    let content = fs::read(blob(&layout, digest)).unwrap();
    assert_eq!(&sha256(&content), digest);
    let document: Value = serde_json::from_slice(&content).unwrap();
    let children = document["manifests"].as_array().unwrap();
    let digests: Vec<&str> = children.iter().map(|child| child["digest"].as_str().unwrap()).collect();
    assert_eq!(digests, [&multi.amd64, &multi.arm64, &multi.attestation]);
    assert_eq!((&document["mediaType"], &document["annotations"]), (&INDEX.into(), &json!({ "kept": "as it is" })));
    assert_eq!(children[0]["platform"], json!({ "os": "linux", "architecture": "amd64" }));
    let entry = &index(&layout)["manifests"][0];
    assert_eq!((&entry["mediaType"], &entry["size"]), (&INDEX.into(), &content.len().into()), "{entry}");
    let event = multi.export(&both).with(["--json"]).ok().json_lines().remove(1);
    assert_eq!((&event["tag"], &event["digest"]), (&"v1".into(), &digest.as_str().into()));
    let copy = crate::support::Scratch::new();
    copy.regtree(["import", layout.to_str().unwrap()]).ok();
    copy.regtree(["manifest", "verify", "--all", "--content"]).ok();
    // The order of the options does not matter, nor does the form.
    let archive = multi.planted.root().join("app.tar");
    let words = ["--platform", "linux/amd64", "--platform", "linux/arm64/v8", "-o", archive.to_str().unwrap()];
    multi.planted.regtree(["export", "lib/app:v1"]).with(words).ok();
    let unpacked = multi.planted.root().join("unpacked");
    super::tarball::unpack(&archive, &unpacked);
    assert_eq!(names(&unpacked), names(&layout));
    assert_eq!(fs::read(blob(&unpacked, digest)).unwrap(), content);
}

#[test]
fn an_index_of_which_all_is_wanted_stays_as_it_is() {
    let multi = multi();
    let all = ["linux/s390x", "linux/amd64", "linux/arm64"].map(|on| ["--platform", on]).concat();
    multi.export(&all).ok();
    assert_eq!(names(&layout_in(&multi.planted))["lib/app:v1"], multi.index);
}

#[test]
fn a_sparse_index_keeps_its_digest_and_lacks_children() {
    let multi = multi();
    let layout = layout_in(&multi.planted);
    multi.export(&["--platform", "linux/amd64", "--sparse-index"]).ok();
    assert_eq!(names(&layout)["lib/app:v1"], multi.index);
    assert!(blob(&layout, &multi.amd64).exists() && blob(&layout, &multi.attestation).exists());
    assert!(!blob(&layout, &multi.arm64).exists());
    multi.export(&["--sparse-index"]).run().code(2).says(["--platform"]);
}

#[test]
fn a_platform_that_there_is_not_is_an_error_that_lists_those_there_are() {
    let multi = multi();
    let unknown = (4, "MANIFEST_UNKNOWN");
    let names = [&*multi.index, "linux/riscv64", "linux/amd64", "linux/arm64/v8", "linux/s390x"];
    refusal::fails(&multi.export(&["--platform", "linux/riscv64"]), unknown, &names);
    let run = multi.export(&["--platform", "linux/amd64", "--platform", "linux/riscv64"]).run().code(4);
    assert!(!run.err().contains("unknown/unknown"), "{}", run.err());
    let call = multi.planted.regtree(["export", &format!("lib/app@{}", multi.arm64), "--platform", "linux/amd64"]);
    let layout = layout_in(&multi.planted);
    let call = call.with(["-o", layout.to_str().unwrap()]);
    refusal::fails(&call, unknown, &[&multi.arm64, "linux/amd64", "linux/arm64/v8"]);
    assert!(!layout.exists());
    multi.export(&["--platform", "amd64"]).run().code(2).says(["expected os/arch"]);
}

#[test]
fn nested_indexes_and_what_has_no_platform_are_understood() {
    let multi = multi();
    let planted = &multi.planted;
    let layout = layout_in(planted);
    let mut outer = planted.index_of(&[&multi.index]);
    outer["manifests"][0]["mediaType"] = INDEX.into();
    let outer = planted.manifest("lib/app", &outer);
    planted.tag("lib/app", "nested", &outer);
    let helm = planted.layer("lib/app", "{}");
    let mut artifact = planted.image_of(&helm, &[&helm]);
    artifact["config"]["mediaType"] = "application/vnd.cncf.helm.config.v1+json".into();
    let artifact = planted.manifest("lib/app", &artifact);
    planted.tag("lib/app", "chart", &artifact);
    let words = ["export", "lib/app", "--platform", "linux/amd64", "-o", layout.to_str().unwrap()];
    planted.regtree(words).ok();
    let found = names(&layout);
    assert_eq!([&found["lib/app:nested"], &found["lib/app:v1"]], [&multi.amd64; 2]);
    assert_eq!(found["lib/app:chart"], artifact);
    let entries = index(&layout);
    assert!(entries["manifests"].as_array().unwrap().iter().all(|entry| entry["mediaType"] == MANIFEST));
}

#[test]
fn a_damaged_index_is_left_out_and_a_missing_child_of_another_platform_does_not_matter() {
    let multi = multi();
    multi.planted.remove(&crate::support::planted::blob_path(&multi.arm64));
    // Its platform stands in its config alone.
    multi.export(&["--platform", "linux/amd64"]).run().code(5).says([&multi.arm64]);
    let mut index = multi.planted.index_of(&[&multi.amd64, &multi.arm64]);
    index["manifests"][0]["platform"] = json!({ "os": "linux", "architecture": "amd64" });
    index["manifests"][1]["platform"] = json!({ "os": "linux", "architecture": "arm64" });
    let index = multi.planted.manifest("lib/app", &index);
    multi.planted.tag("lib/app", "v1", &index);
    multi.export(&["--platform", "linux/amd64", "--no-referrers"]).ok();
    multi.export(&["--platform", "linux/arm64", "--no-referrers"]).run().code(5).says([&multi.arm64]);
}

#[test]
fn an_import_takes_some_platforms_from_any_source() {
    let multi = multi();
    let (layout, archive) = (layout_in(&multi.planted), multi.planted.root().join("all.tar"));
    let both = ["--platform", "linux/arm64", "--platform", "linux/amd64"];
    multi.export(&both).ok();
    let new_index = names(&layout)["lib/app:v1"].clone();
    fs::remove_dir_all(&layout).unwrap();
    multi.export(&[]).ok();
    multi.planted.regtree(["export", "lib/app:v1", "-o", archive.to_str().unwrap()]).ok();
    for source in [&layout, &archive, multi.planted.root()] {
        let import = |words: &[&str]| {
            let scratch = crate::support::Scratch::new();
            let run = scratch.regtree(["import", source.to_str().unwrap()]).with(words).run();
            (scratch, run)
        };
        let (scratch, run) = import(&["--platform", "linux/arm64"]);
        run.code(0);
        assert_eq!(super::tags(&scratch, "lib/app")["v1"], multi.arm64, "{source:?}");
        let amd64: regtree::Digest = multi.amd64.parse().unwrap();
        assert!(!scratch.blob(amd64).exists());
        scratch.regtree(["manifest", "verify", "--all", "--content"]).ok();
        let (scratch, run) = import(&both);
        run.code(0);
        assert_eq!(super::tags(&scratch, "lib/app")["v1"], new_index, "{source:?}");
        scratch.regtree(["manifest", "verify", "--all", "--content"]).ok();
        let (scratch, run) = import(&["--platform", "linux/riscv64"]);
        run.code(4).says(["linux/riscv64", "linux/amd64", "linux/arm64/v8", "linux/s390x"]);
        assert!(!scratch.repository("lib/app").exists());
    }
}
