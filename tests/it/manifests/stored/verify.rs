//! `manifest verify` reports every fault, and nothing for complete manifests.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use regtree::Digest;
use serde_json::{Value, json};

use super::{REPOSITORY, findings, image, index, plant_strange, put, verify, with_image};
use crate::support::planted::{Planted, blob_path, hex_of, revision_path};
use crate::support::running::{signal, wait_until_open};
use crate::support::strace::{strace, traced};
use crate::support::vectors::{damage, damaged, damaged_trees};
use crate::support::{Scratch, snapshot};

fn finding(code: &str, severity: &str, digest: Option<Digest>) -> (String, String, Option<String>) {
    (code.to_owned(), severity.to_owned(), digest.map(|digest| digest.to_string()))
}

/// Where our verdict is another than the truth file's, and why.
fn differs(tree: &str, tag: &str) -> Option<(bool, &'static str)> {
    match (tree, tag) {
        ("descriptor-size-wrong", "size") => Some((false, "the truth file does not compare sizes; clients do")),
        ("sha512-alias-without-canonical", "by512") => {
            Some((false, "without a link to the content no registry serves it: see fsck's `served`"))
        }
        ("symlink-blob-data", _) => Some((true, "a registry serves what a symbolic link leads to")),
        ("no-permission", _) if rustix::process::geteuid().is_root() => Some((true, "root reads it all the same")),
        _ => None,
    }
}

#[test]
fn every_image_of_every_damaged_tree_is_judged_as_its_truth_file_says() {
    for name in damaged_trees() {
        let (scratch, truth) = (damaged(&name), damage(&name));
        let before = snapshot(scratch.root());
        for image in truth["images"].as_array().unwrap() {
            let [repository, tag] = ["repository", "tag"].map(|field| image[field].as_str().unwrap());
            let run = scratch.run(["manifest", "verify", repository, tag, "--content"]);
            if repository.parse::<regtree::RepositoryName>().is_err() {
                // A name that is none can't be asked for.
                run.code(2);
                continue;
            }
            let intact = image["intact"].as_bool().unwrap();
            let expected = differs(&name, tag).filter(|(ours, _)| *ours != intact);
            let expected = expected.map_or(intact, |(ours, _)| ours);
            let whole = !run.out().contains("error: ") && run.err().contains(" checked: ");
            assert_eq!(whole, expected, "{name} {repository}:{tag}\n{}{}", run.out(), run.err());
            let codes = if expected { &[0][..] } else { &[4, 5] };
            assert!(codes.iter().any(|code| run.exit() == Some(*code)), "{name} {tag}: {:?}", run.exit());
        }
        assert_eq!(snapshot(scratch.root()), before, "{name}");
    }
}

#[test]
fn a_missing_child_of_an_untagged_index_is_a_warning_and_an_error_when_asked_and_a_lost_one_always() {
    let scratch = Scratch::new();
    scratch.put(REPOSITORY, b"config");
    scratch.put(REPOSITORY, b"layer");
    let (here, never) = (image(b"config", &[b"layer"]), image(b"config", &[]));
    let child = put(&scratch, REPOSITORY, &here, &[]);
    let index = put(&scratch, REPOSITORY, &index(&[(&here, "amd64"), (&never, "arm64")]), &[]).to_string();
    let absent = Digest::of(never.to_string().as_bytes());
    let call = || scratch.regtree(["manifest", "verify", REPOSITORY, &index]);
    assert_eq!(findings(call(), 0), [finding("index-child-missing", "warning", Some(absent))]);
    assert_eq!(findings(call().with(["--strict"]), 5), [finding("index-child-missing", "error", Some(absent))]);
    fs::remove_file(scratch.blob(child)).unwrap();
    let expected =
        [finding("index-child-missing", "warning", Some(absent)), finding("index-child-missing", "error", Some(child))];
    assert_eq!(findings(call(), 5), expected);
}

#[test]
fn a_manifest_that_is_linked_as_a_layer_only_is_no_child() {
    let scratch = Scratch::new();
    for content in [&b"config"[..], b"layer"] {
        scratch.put(REPOSITORY, content);
    }
    let child = image(b"config", &[b"layer"]);
    let digest = scratch.put(REPOSITORY, child.to_string().as_bytes());
    put(&scratch, REPOSITORY, &index(&[(&child, "amd64")]), &["v1"]);
    let missing = [finding("index-child-missing", "error", Some(digest))];
    assert_eq!(findings(scratch.regtree(["manifest", "verify", REPOSITORY, "v1"]), 5), missing);
    assert_eq!(findings(scratch.regtree(["fsck"]), 3), missing);
}

#[test]
fn a_child_whose_content_is_there_was_here() {
    let scratch = Scratch::new();
    let child = image(b"config", &[]);
    for name in [REPOSITORY, "other"] {
        scratch.put(name, b"config");
    }
    let digest = put(&scratch, "other", &child, &["v1"]);
    put(&scratch, REPOSITORY, &index(&[(&child, "amd64")]), &["v1"]);
    let missing = [finding("index-child-missing", "error", Some(digest))];
    // A child that another repository has, and this one never had.
    let stranger = image(b"the config of another", &[]);
    scratch.put("other", b"the config of another");
    let unknown = put(&scratch, "other", &stranger, &["v2"]);
    put(&scratch, "sparse", &index(&[(&stranger, "amd64")]), &["v1"]);
    let sparse = [finding("index-child-missing", "error", Some(unknown))];
    assert_eq!(findings(scratch.regtree(["manifest", "verify", "sparse", "v1"]), 5), sparse);
    assert_eq!(findings(scratch.regtree(["fsck", "--repository", "sparse"]), 3), sparse);
    assert_eq!(findings(scratch.regtree(["manifest", "verify", REPOSITORY, "v1"]), 5), missing);
    assert_eq!(findings(scratch.regtree(["fsck", "--repository", REPOSITORY]), 3), missing);
}

#[test]
fn a_layer_with_urls_may_be_elsewhere_whatever_its_type() {
    const FREE: &str = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";
    let layer = Digest::of(b"layer");
    let missing = vec![finding("reference-missing", "error", Some(layer))];
    let url = json!(["https://example.org/layer"]);
    let rows =
        [(super::OCI_LAYER, &url, Vec::new()), (super::OCI_LAYER, &json!([]), missing), (FREE, &url, Vec::new())];
    for (media_type, urls, expected) in rows {
        let scratch = Scratch::new();
        scratch.put(REPOSITORY, b"config");
        let mut manifest = image(b"config", &[b"layer"]);
        manifest["layers"][0]["mediaType"] = json!(media_type);
        manifest["layers"][0]["urls"] = urls.clone();
        put(&scratch, REPOSITORY, &manifest, &["v1"]);
        let [one, all] = if expected.is_empty() { [0, 0] } else { [5, 3] };
        assert_eq!(findings(scratch.regtree(["manifest", "verify", REPOSITORY, "v1"]), one), expected, "{media_type}");
        assert_eq!(findings(scratch.regtree(["fsck"]), all), expected, "{media_type}");
        scratch.run(["manifest", "stat", REPOSITORY, "v1"]).code(all);
    }
}

#[test]
fn a_child_s_own_faults_are_those_of_its_index_too() {
    let scratch = Scratch::new();
    let child = image(b"config", &[b"layer"]);
    let digest = put(&scratch, REPOSITORY, &child, &[]);
    put(&scratch, REPOSITORY, &index(&[(&child, "amd64")]), &["v1"]);
    let missing = |content: &[u8]| finding("reference-missing", "error", Some(Digest::of(content)));
    let call = scratch.regtree(["manifest", "verify", REPOSITORY, "v1"]);
    assert_eq!(findings(call.clone(), 5), [missing(b"config"), missing(b"layer")]);
    let said = call.run().code(5).out();
    assert!(said.contains(&format!("{REPOSITORY}@{digest}")) && said.contains("_layers"), "{said}");
}

#[test]
fn sizes_are_compared_and_content_decides_who_is_wrong() {
    let (scratch, _) = with_image();
    let mut wrong = image(b"config", &[b"layer"]);
    wrong["layers"][0]["size"] = json!(6);
    put(&scratch, REPOSITORY, &wrong, &["wrong"]);
    let layer = Digest::of(b"layer");
    let call = |tag: &str| scratch.regtree(["manifest", "verify", REPOSITORY, tag]);
    assert_eq!(findings(call("wrong"), 5), [finding("reference-size-mismatch", "error", Some(layer))]);
    let said = call("wrong").run().code(5).out();
    assert!(said.contains("has 5 bytes, but the manifest says 6"), "{said}");
    scratch.truncate(layer, 4);
    assert_eq!(findings(call("v1"), 5), [finding("blob-truncated", "error", Some(layer))]);
    fs::write(scratch.blob(layer), "layer and more").unwrap();
    assert_eq!(findings(call("v1"), 5), [finding("blob-corrupt", "error", Some(layer))]);
    // Of the right size, only reading it tells.
    fs::write(scratch.blob(layer), "LAYER").unwrap();
    assert_eq!(findings(call("v1"), 0), []);
    assert_eq!(findings(call("v1").with(["--content"]), 5), [finding("blob-corrupt", "error", Some(layer))]);
    fs::remove_file(scratch.blob(layer)).unwrap();
    assert_eq!(findings(call("v1"), 5), [finding("blob-missing", "error", Some(layer))]);
}

#[test]
fn a_json_finding_names_everything() {
    let (scratch, digest) = with_image();
    let layer = Digest::of(b"layer");
    fs::write(scratch.blob(layer), "LAYER").unwrap();
    let events = verify(&scratch, &[REPOSITORY, "v1", "--content", "--json"]).code(5).json_lines();
    let path = scratch.blob(layer);
    let expected = json!({
        "code": "blob-corrupt", "severity": "error", "repository": REPOSITORY, "manifest": digest, "digest": layer,
        "path": scratch.below_root(&path), "expected": layer, "found": Digest::of(b"LAYER"),
        "message": format!("it has 5 bytes and hashes to {}", Digest::of(b"LAYER")), "repair": "quarantine-blob", "safe": true,
        "type": "finding", "schema_version": 1,
    });
    assert_eq!(events[0], expected);
    let summary = json!({
        "manifests": 1, "errors": 1, "warnings": 0, "damage": 0, "cache": false, "type": "summary", "schema_version": 1,
    });
    let verified = json!({
        "repository": REPOSITORY, "digest": digest, "manifests": 1, "errors": 1, "warnings": 0, "type": "verified",
        "schema_version": 1,
    });
    assert_eq!(events[1..], [verified, summary]);
}

#[test]
fn of_several_each_is_judged_and_the_exit_code_says_what_is_worst() {
    let (scratch, _) = with_image();
    put(&scratch, REPOSITORY, &image(b"absent", &[]), &["v2"]);
    verify(&scratch, &[REPOSITORY, "v1", "v1"]).code(0).silent().says(["2 manifests checked"]);
    let run = verify(&scratch, &[REPOSITORY, "v2", "v1"]).code(5).says(["2 manifests checked: 1 error"]);
    assert!(run.out().contains("reference-missing"), "{}", run.out());
    verify(&scratch, &[REPOSITORY, "v1", "v3"]).code(4).says(["tag v3 is unknown", "1 manifest checked: 1 error"]);
    verify(&scratch, &[REPOSITORY, "v3", "v2"]).code(5).says(["tag v3 is unknown", "1 manifest checked: 2 errors"]);
    verify(&scratch, &[REPOSITORY, "v3"]).code(4).silent().says(["tag v3 is unknown", REPOSITORY]);
    verify(&scratch, &["other", "v1"]).code(4).silent().says(["repository other is unknown"]);
    verify(&scratch, &[REPOSITORY, "--all"]).code(5).says(["2 manifests checked: 1 error"]);
    verify(&scratch, &["--all"]).code(5).says(["2 manifests checked: 1 error"]);
    verify(&scratch, &[REPOSITORY]).code(2).silent();
    verify(&scratch, &[]).code(2).silent();
}

#[test]
fn a_manifest_that_names_itself_ends() {
    let scratch = Scratch::new();
    let bytes = index(&[]).to_string();
    let digest = Digest::of(bytes.as_bytes());
    put(&scratch, REPOSITORY, &index(&[]), &["v1"]);
    // Only a corrupt one can: nobody can hash that.
    let child = json!({ "mediaType": super::OCI_INDEX, "digest": digest, "size": bytes.len() });
    let cyclic = json!({ "schemaVersion": 2, "mediaType": super::OCI_INDEX, "manifests": [child] });
    fs::write(scratch.blob(digest), cyclic.to_string()).unwrap();
    let call = || scratch.regtree(["manifest", "verify", REPOSITORY, "v1"]);
    assert_eq!(findings(call(), 5), [finding("blob-corrupt", "error", Some(digest))]);
}

#[test]
fn a_manifest_that_many_repositories_have_is_read_once() {
    let scratch = Scratch::new();
    let manifest = image(b"config", &[b"layer"]);
    let mut digest = None;
    for name in ["a", "b/c", "d", "e", "f"] {
        for content in [&b"config"[..], b"layer"] {
            scratch.put(name, content);
        }
        digest = Some(put(&scratch, name, &manifest, &["v1"]));
    }
    let trace = scratch.root().join("trace");
    let strace = strace(&["-y", "-e", "trace=read", "-o", trace.to_str().unwrap()]);
    scratch.regtree(["manifest", "verify", "--all"]).behind(strace).ok().says(["5 manifests checked: 0 errors"]);
    let blob = format!("<{}>", scratch.blob(digest.unwrap()).display());
    let read: u64 = traced(&trace).iter().filter(|line| line.contains(&blob)).filter_map(|line| bytes(line)).sum();
    assert_eq!(read, manifest.to_string().len() as u64);
}

/// What a traced read returned.
fn bytes(line: &str) -> Option<u64> {
    line.rsplit_once("= ")?.1.trim().parse().ok()
}

#[test]
fn what_two_readers_may_read_differently_is_a_warning() {
    let scratch = Scratch::new();
    scratch.put(REPOSITORY, b"config");
    let text = image(b"config", &[]).to_string();
    let odd = text.replace("\"layers\":[]", "\"layers\":[],\"Layers\":[]");
    assert_ne!(odd, text);
    let call = scratch.regtree(["manifest", "put", REPOSITORY, "--tag", "odd"]).stdin(odd);
    call.ok();
    let found = findings(scratch.regtree(["manifest", "verify", REPOSITORY, "odd"]), 0);
    assert!(found.iter().all(|found| *found == finding("manifest-ambiguous", "warning", None)), "{found:?}");
    assert!(!found.is_empty());
}

#[test]
fn an_unknown_kind_is_a_warning_and_no_manifest_at_all_an_error() {
    let (scratch, truth) = (damaged("manifest-unknown-media-type"), damage("manifest-unknown-media-type"));
    let image = truth["images"].as_array().unwrap().iter().find(|image| !is_known(&scratch, image)).unwrap();
    let [repository, tag] = ["repository", "tag"].map(|field| image[field].as_str().unwrap());
    let found = findings(scratch.regtree(["manifest", "verify", repository, tag]), 0);
    assert_eq!(found, [finding("manifest-unknown-kind", "warning", None)]);
    let scratch = Scratch::new();
    let digest = scratch.put(REPOSITORY, b"no manifest");
    let link = scratch.repository(REPOSITORY).join("_manifests/revisions/sha256").join(&*digest.hex()).join("link");
    Scratch::plant(&link, digest.to_string());
    let found = findings(scratch.regtree(["manifest", "verify", REPOSITORY, &digest.to_string()]), 5);
    assert_eq!(found, [finding("manifest-invalid", "error", None)]);
}

#[test]
fn what_an_unknown_kind_mentions_is_listed_and_missed() {
    let (scratch, image) = with_image();
    let absent = Digest::of(b"absent");
    let mentioned = [image, Digest::of(b"layer"), absent];
    let strange = plant_strange(&scratch, &mentioned.map(|digest| digest.to_string()).join(" ")).to_string();
    let found = findings(scratch.regtree(["manifest", "verify", REPOSITORY, &strange]), 0);
    let expected =
        [finding("manifest-unknown-kind", "warning", None), finding("reference-missing", "warning", Some(absent))];
    assert_eq!(found, expected);
    let stat = scratch.run(["manifest", "stat", REPOSITORY, &strange, "--json"]).code(3).json();
    let references = stat["references"].as_array().unwrap();
    assert_eq!(references.len(), 3);
    for reference in references {
        assert_eq!(reference["role"], "mention");
        assert_eq!(reference["present"], reference["digest"] != json!(absent), "{reference}");
    }
    scratch.run(["manifest", "stat", REPOSITORY, &strange]).code(3);
}

fn is_known(scratch: &Scratch, image: &Value) -> bool {
    let [repository, tag] = ["repository", "tag"].map(|field| image[field].as_str().unwrap());
    let stat = scratch.run(["manifest", "stat", repository, tag, "--json"]);
    stat.out().is_empty() || stat.json()["kind"] != "unknown"
}

#[test]
fn what_only_a_deleted_manifest_names_is_not_opened() {
    let planted = Planted::new();
    let [kept, gone] = ["kept", "gone"].map(|words| planted.layer("lib", words));
    let config = planted.layer("lib", "{}");
    let [_, deleted] = [&kept, &gone].map(|layer| planted.manifest("lib", &planted.image_of(&config, &[layer])));
    planted.remove(&(revision_path("lib", &deleted) + "/link"));
    let trace = planted.root().join("trace");
    let strace = strace(&["-e", "trace=openat,openat2", "-o", trace.to_str().unwrap()]);
    let verify = planted.regtree(["manifest", "verify", "--all", "--content"]).behind(strace).ok();
    assert!(verify.err().contains("1 manifest checked: 0 errors"), "{}", verify.err());
    let calls = fs::read_to_string(trace).unwrap();
    let opens = |digest: &str| calls.lines().filter(|line| line.contains(&format!("{}/data", hex_of(digest)))).count();
    assert!(opens(&kept) > 0, "{calls}");
    assert_eq!((opens(&gone), opens(&deleted)), (0, 0), "{calls}");
}

/// Content with a hole that takes no room, and very long to hash.
fn plant_hole(planted: &Planted, digest: &str) -> PathBuf {
    let path = planted.at(&blob_path(digest));
    fs::File::options().write(true).open(&path).unwrap().set_len(200 << 30).unwrap();
    path
}

#[test]
fn a_signal_ends_it_with_whole_lines_and_what_was_found_before() {
    let planted = Planted::new();
    let lost = planted.image("a", "lost");
    planted.remove(&blob_path(&lost));
    for number in 0..8 {
        planted.image("b", &format!("whole {number}"));
    }
    let [large, config] = ["large", "{}"].map(|content| planted.layer("c", content));
    planted.manifest("c", &planted.image_of(&config, &[&large]));
    let hole = plant_hole(&planted, &large);
    let site = planted.root().join("site.toml");
    fs::write(&site, "jobs = 3\n").unwrap();
    for (name, code) in [("-INT", 130), ("-TERM", 143)] {
        let verify =
            planted.regtree(["manifest", "verify", "--all", "--content", "--json"]).env("REGTREE_CONFIG", &site);
        let child = verify.command().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        wait_until_open(child.id(), &hole);
        signal(&child, name);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", String::from_utf8_lossy(&output.stderr));
        let out = String::from_utf8(output.stdout).unwrap();
        assert!(out.ends_with('\n'), "{out}");
        let events: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let types: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
        assert_eq!(types, ["finding", "verified", "verified"], "{out}");
        assert_eq!((&events[0]["code"], &events[2]["manifests"]), (&"revision-dangling".into(), &8.into()));
    }
}
