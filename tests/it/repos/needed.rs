//! `blob delete` keeps what the repository's manifests need.

use std::fs;

use serde_json::json;

use crate::support::{Scratch, snapshot};

#[test]
fn what_a_manifest_needs_is_kept_and_the_manifests_are_named() {
    let scratch = Scratch::new();
    let image = scratch.image("lib", "one").tag("v1");
    let free = scratch.put("lib", b"nobody's").to_string();
    let (manifest, config, layer) = (image.digest.to_string(), image.config.to_string(), image.layer.to_string());
    let before = snapshot(&scratch.v2());
    for digests in [&[&*config][..], &[&layer], &[&free, &layer]] {
        for option in [&[][..], &["-n"], &["--all-aliases"]] {
            let call = scratch.regtree(["blob", "delete", "lib"]).with(digests).with(option);
            let needed = digests.last().unwrap();
            call.clone().run().code(12).silent().says(["error: ", needed, &format!("needed by manifest {manifest}")]);
            let error = call.with(["--json"]).run().code(12).silent().json_error();
            assert_eq!(error["code"], "REFUSED");
            assert_eq!(error["detail"]["needed_by"], json!([format!("manifest {manifest}")]));
        }
    }
    assert_eq!(snapshot(&scratch.v2()), before);
    scratch.run(["blob", "delete", "lib", &free]).code(0);
    scratch.run(["blob", "delete", "lib", &layer, "--force", "-n"]).code(0);
    assert_eq!(scratch.run(["blob", "delete", "lib", &layer, "--force"]).code(0).answer(), layer);
    scratch.run(["manifest", "delete", "lib", &manifest, "--with-tags"]).code(0);
    scratch.run(["blob", "delete", "lib", &config]).code(0);
}

#[test]
fn another_repository_s_manifests_need_nothing_here() {
    let scratch = Scratch::new();
    let layer = scratch.image("lib", "one").tag("v1").layer.to_string();
    scratch.run(["blob", "mount", &layer, "--from", "lib", "--to", "other"]).code(0);
    scratch.run(["blob", "delete", "other", &layer]).code(0);
}

#[test]
fn a_manifest_that_can_not_be_read_keeps_everything() {
    let scratch = Scratch::new();
    let image = scratch.image("lib", "one").tag("v1");
    let free = scratch.put("lib", b"nobody's").to_string();
    fs::write(scratch.blob(image.digest), "damaged").unwrap();
    let refused = scratch.run(["blob", "delete", "lib", &free]).code(12).silent();
    refused.says([
        "use --allow-unreadable",
        "cannot find out what repository lib needs",
        &image.digest.to_string()[7..],
    ]);
    scratch.run(["blob", "delete", "lib", &free, "--force"]).code(12).silent();
    assert!(scratch.link("lib", free.parse().unwrap()).exists());
    scratch.run(["blob", "delete", "lib", &free, "--allow-unreadable"]).code(3).says(["warning: "]);
    assert!(!scratch.link("lib", free.parse().unwrap()).exists());
}

#[test]
fn a_tag_that_can_not_be_read_keeps_everything() {
    let scratch = Scratch::new();
    let image = scratch.image("lib", "one").tag("v1");
    let free = scratch.put("lib", b"nobody's");
    fs::write(scratch.repository("lib/_manifests/tags/v1/current/link"), "").unwrap();
    let delete = || scratch.regtree(["blob", "delete", "lib", &free.to_string()]);
    delete().run().code(12).silent().says(["cannot find out what repository lib needs", "it is empty"]);
    delete().with(["--force"]).run().code(12).silent();
    assert!(scratch.link("lib", free).exists());
    delete().with(["--allow-unreadable"]).run().code(3);
    assert!(!scratch.link("lib", free).exists());
    // That alone does not take what is needed.
    let needed = image.layer.to_string();
    scratch.run(["blob", "delete", "lib", &needed, "--allow-unreadable"]).code(12).says(["use --force"]);
    assert!(scratch.link("lib", image.layer).exists());
}

#[test]
fn a_manifest_that_only_a_tag_names_keeps_its_layers() {
    let scratch = Scratch::new();
    let image = scratch.image("lib", "one").tag("v1");
    let revision = format!("lib/_manifests/revisions/sha256/{}/link", image.digest.hex());
    fs::remove_file(scratch.repository(&revision)).unwrap();
    let layer = image.layer.to_string();
    let refused = scratch.run(["blob", "delete", "lib", &layer]).code(12).silent();
    refused.says([format!("needed by manifest {}", image.digest)]);
    assert!(scratch.link("lib", image.layer).exists());
    scratch.run(["tag", "delete", "lib", "v1"]).code(0);
    scratch.run(["blob", "delete", "lib", &layer]).code(0);
}
