//! Bytes that are no manifest are not stored, damaged manifests are not given out, and the tree does not change.

use std::fs;

use regtree::Digest;
use serde_json::{Value, json};

use super::rows::{INDEX, LIST, OCI, S1, S2};
use super::{REPOSITORY, put};
use crate::support::scratch::digest_by;
use crate::support::vectors::damaged;
use crate::support::{Regtree, Scratch, snapshot};

/// Expects a call to fail as text and as JSON with these codes, to name each of `names` in both, to print nothing, and
/// to leave the tree as it was.
#[track_caller]
fn refused(scratch: &Scratch, call: &Regtree, exit: i32, codes: &[&str], names: &[&str]) {
    let tree = scratch.root().join("docker");
    let before = snapshot(&tree);
    call.clone().run().code(exit).silent().says(["error: "]).says(names);
    let run = call.clone().with(["--json"]).run().code(exit).silent();
    let document: Value = serde_json::from_str(&run.err()).unwrap_or_else(|error| panic!("{error}: {}", run.err()));
    let errors = document["errors"].as_array().unwrap();
    let found: Vec<_> = errors.iter().map(|error| error["code"].as_str().unwrap()).collect();
    assert_eq!(found, codes, "{document}");
    let text = document.to_string().replace("\\\"", "\"");
    for name in names {
        assert!(text.contains(name), "{name:?} is missing in {text}");
    }
    assert!(snapshot(&tree) == before, "{:?} changed the tree", call.command());
}

/// A tree that has a config and a layer, whose descriptors are returned.
fn stocked() -> (Scratch, Value, Value) {
    let scratch = Scratch::new();
    let entry = |content: &[u8]| json!({ "mediaType": "a/b", "digest": scratch.put(REPOSITORY, content), "size": 1 });
    let (config, layer) = (entry(b"{}"), entry(b"a layer"));
    (scratch, config, layer)
}

fn image(config: &Value, layers: &[&Value]) -> Value {
    json!({ "schemaVersion": 2, "mediaType": OCI, "config": config, "layers": layers })
}

fn absent(of: u8) -> Value {
    json!({ "mediaType": "a/b", "digest": Digest::of(&[of]), "size": 1 })
}

const INVALID: &[&str] = &["MANIFEST_INVALID"];

#[test]
fn what_is_no_manifest_is_refused_and_the_message_says_why() {
    let (scratch, config, layer) = stocked();
    let whole = image(&config, &[&layer]).to_string();
    let with = |key: &str, value: Value| {
        let mut document = image(&config, &[&layer]);
        document[key] = value;
        document.to_string().into_bytes()
    };
    let sized = |size: &str| whole.replace(r#""size":1"#, &format!(r#""size":{size}"#)).into_bytes();
    let nested = format!(r#"{{"schemaVersion":2,"x":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000)).into_bytes();
    let cases: [(Vec<u8>, &str); 21] = [
        (Vec::new(), "empty"),
        (whole.as_bytes()[..whole.len() - 1].to_vec(), "end"),
        ([whole.as_bytes(), b"]"].concat(), "byte"),
        ([b"\xef\xbb\xbf", whole.as_bytes()].concat(), "byte 0"),
        (b"\xff\xfe\x00".to_vec(), "byte 0"),
        (b"[]".to_vec(), "object"),
        (nested, "10000"),
        (vec![b' '; (4 << 20) + 1], "4194304"),
        (vec![b' '; 5 << 20], "4194304"),
        (with("manifests", json!([])), "manifests"),
        (with("schemaVersion", json!("2")), "schemaVersion"),
        (with("layers", json!({})), "layers"),
        (with("config", json!([])), "expected object, found array"),
        (with("mediaType", json!("text/plain")), "text/plain"),
        (with("mediaType", json!(5)), "mediaType"),
        (sized("9223372036854775808"), "size"),
        (sized("-9223372036854775809"), "size"),
        (sized("1.5"), "size"),
        (sized("\"1\""), "size"),
        (b"{}".to_vec(), "schemaVersion is missing"),
        (br#"{"schemaVersion":7}"#.to_vec(), "schemaVersion is 7"),
    ];
    for (content, reason) in cases {
        refused(
            &scratch,
            &put(&scratch, content),
            5,
            INVALID,
            &["standard input", REPOSITORY, "MANIFEST_INVALID", reason],
        );
    }
    // A size that is negative is one all the same, for a registry.
    put(&scratch, sized("-1")).ok();
}

#[test]
fn a_media_type_that_the_content_does_not_have_is_refused() {
    let (scratch, config, layer) = stocked();
    let oci = image(&config, &[&layer]).to_string();
    for (media_type, names) in [
        (S2, &[S2, OCI][..]),
        (LIST, &[LIST, OCI]),
        (INDEX, &["index"]),
        (S1, &["signature"]),
        ("text/plain", &["text/plain"]),
        ("", &["unsupported"]),
        ("application/vnd.oci.artifact.manifest.v1+json", &["artifact"]),
    ] {
        let call = put(&scratch, oci.clone()).with(["--media-type", media_type]);
        refused(&scratch, &call, 5, INVALID, &[&[REPOSITORY], names].concat());
    }
}

#[test]
fn all_that_is_missing_is_told_in_order() {
    let (scratch, _, layer) = stocked();
    let manifest = image(&absent(1), &[&absent(2), &layer, &absent(1)]).to_string();
    let digests = [1, 2, 1].map(|of| Digest::of(&[of]).to_string());
    let names: Vec<&str> = digests.iter().map(String::as_str).chain([REPOSITORY]).collect();
    let call = put(&scratch, manifest);
    refused(&scratch, &call, 5, &["MANIFEST_BLOB_UNKNOWN"; 3], &names);
    let said: Value = serde_json::from_str(&call.with(["--json"]).run().err()).unwrap();
    let told = said["errors"].as_array().unwrap().iter().map(|error| error["detail"]["digest"].as_str().unwrap());
    assert_eq!(told.collect::<Vec<_>>(), digests);
}

#[test]
fn references_that_are_no_digests_are_refused() {
    let (scratch, config, _) = stocked();
    let hex = "ab".repeat(32);
    for (digest, code, reason) in [
        (format!("blake3:{hex}"), "UNKNOWN", "unsupported"),
        (format!("md5:{}", &hex[..32]), "UNKNOWN", "unsupported"),
        (format!("tarsum.v1+sha256:{hex}"), "UNKNOWN", "unsupported"),
        (format!("sha256:{}", &hex[1..]), "UNKNOWN", "length"),
        (format!("sha256:{}", hex.to_uppercase()), "DIGEST_INVALID", "format"),
        ("latest".to_owned(), "DIGEST_INVALID", "format"),
    ] {
        let manifest = image(&config, &[&json!({ "digest": digest, "size": 1 })]).to_string();
        let codes = [code, "MANIFEST_BLOB_UNKNOWN"];
        refused(&scratch, &put(&scratch, manifest), 5, &codes, &[&digest, REPOSITORY, reason]);
    }
}

#[test]
fn an_index_whose_child_is_absent_is_refused_unless_references_are_skipped() {
    let scratch = Scratch::new();
    // Neither can be first: each is refused until the other is there. By hashes, a circle can't be closed.
    let inner = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [absent(1)] }).to_string();
    let child = Digest::of(inner.as_bytes());
    let outer = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [{ "digest": child, "size": 1 }] });
    let outer = outer.to_string();
    let unknown = &["MANIFEST_BLOB_UNKNOWN"];
    refused(&scratch, &put(&scratch, &*outer), 5, unknown, &[&child.to_string(), REPOSITORY]);
    refused(&scratch, &put(&scratch, &*inner), 5, unknown, &[&Digest::of(&[1]).to_string(), REPOSITORY]);
    for manifest in [&*outer, &*inner] {
        put(&scratch, manifest).with(["--skip-references"]).ok();
    }
    put(&scratch, outer).ok();
    refused(&scratch, &put(&scratch, inner), 5, unknown, &[&Digest::of(&[1]).to_string()]);
}

#[test]
fn skipping_references_skips_nothing_else() {
    let (scratch, config, _) = stocked();
    for (manifest, codes) in [
        (image(&config, &[&json!({ "digest": "x" })]), &["DIGEST_INVALID", "MANIFEST_BLOB_UNKNOWN"][..]),
        (json!({ "schemaVersion": 3, "mediaType": OCI }), &["UNKNOWN"]),
        (json!({ "schemaVersion": 2, "mediaType": OCI, "manifests": [] }), INVALID),
    ] {
        refused(&scratch, &put(&scratch, manifest.to_string()).with(["--skip-references"]), 5, codes, &[REPOSITORY]);
    }
}

#[test]
fn another_digest_than_was_said_is_refused_before_anything_is_looked_up() {
    let (scratch, _, layer) = stocked();
    let manifest = image(&absent(1), &[&layer]).to_string();
    let found = Digest::of(manifest.as_bytes()).to_string();
    for expected in [Digest::of(b"other"), digest_by("sha512", manifest.as_bytes())] {
        let expected = expected.to_string();
        let call = put(&scratch, &*manifest).with(["--digest", &expected, "--tag", "v1"]);
        refused(&scratch, &call, 5, &["DIGEST_INVALID"], &["standard input", REPOSITORY, &expected, &found]);
    }
}

#[test]
fn words_that_are_no_names_are_refused_before_anything_is_read() {
    let (scratch, ..) = stocked();
    for (words, code) in [
        (&["put", "UPPER/Case!"][..], "NAME_INVALID"),
        (&["put", "a//b"], "NAME_INVALID"),
        (&["put", "../a"], "NAME_INVALID"),
        (&["get", REPOSITORY, "sha256:ab"], "USAGE"),
        (&["put", REPOSITORY, "--digest", "sha256:ab"], "DIGEST_INVALID"),
        (&["get", REPOSITORY, "v1", "--platform", "linux"], "USAGE"),
        (&["get", REPOSITORY, "v1", "--platform", "linux//v7"], "USAGE"),
        (&["get", REPOSITORY, "v1", "--signed", "--pretty"], "USAGE"),
    ] {
        refused(&scratch, &scratch.regtree(["manifest"]).with(words), 2, &[code], &[]);
    }
    let long = "a".repeat(129);
    for tag in ["", "-a", ".a", "a/b", "a:b", "a b", "ü", &long] {
        let call = scratch.regtree(["manifest", "put", REPOSITORY, &format!("--tag={tag}")]);
        call.run().code(2).silent().says(["--tag"]);
    }
}

#[test]
fn a_file_that_is_missing_or_a_directory_is_named() {
    let (scratch, ..) = stocked();
    let missing = scratch.root().join("none.json");
    for (path, reason) in [(missing.as_path(), "No such file"), (scratch.root(), "irectory")] {
        let path = path.to_str().unwrap();
        let call = scratch.regtree(["manifest", "put", REPOSITORY, path]);
        refused(&scratch, &call, 1, &["UNKNOWN"], &[path, reason]);
    }
    let file = scratch.root().join("bad.json");
    fs::write(&file, "{").unwrap();
    let file = file.to_str().unwrap();
    refused(&scratch, &scratch.regtree(["manifest", "put", REPOSITORY, file]), 5, INVALID, &[file, REPOSITORY]);
}

/// `regtree manifest get`, of this.
fn get(scratch: &Scratch, repository: &str, reference: &str) -> Regtree {
    scratch.regtree(["manifest", "get", repository, reference])
}

#[test]
fn what_is_unknown_is_not_got() {
    let (scratch, config, layer) = stocked();
    let digest = put(&scratch, image(&config, &[&layer]).to_string()).ok().answer();
    let other = Digest::of(b"other").to_string();
    refused(&scratch, &get(&scratch, "lib/none", "v1"), 4, &["NAME_UNKNOWN"], &["lib/none"]);
    refused(&scratch, &get(&scratch, "lib/none", &digest), 4, &["NAME_UNKNOWN"], &["lib/none"]);
    refused(&scratch, &get(&scratch, REPOSITORY, "none"), 4, &["MANIFEST_UNKNOWN"], &[REPOSITORY, "none"]);
    refused(&scratch, &get(&scratch, REPOSITORY, &other), 4, &["MANIFEST_UNKNOWN"], &[REPOSITORY, &other]);
    // A blob is no manifest.
    let layer = layer["digest"].as_str().unwrap();
    refused(&scratch, &get(&scratch, REPOSITORY, layer), 4, &["MANIFEST_UNKNOWN"], &[REPOSITORY, layer]);
    // There are no signatures.
    let signed = get(&scratch, REPOSITORY, &digest).with(["--signed"]);
    refused(&scratch, &signed, 4, &["MANIFEST_UNKNOWN"], &[REPOSITORY, &digest, "signatures"]);
}

#[test]
fn a_platform_that_an_index_does_not_have_is_told_with_those_it_has() {
    let (scratch, config, layer) = stocked();
    let child = put(&scratch, image(&config, &[&layer]).to_string()).ok().answer();
    let for_platform = |os: &str, architecture: &str, variant: &str| json!({ "digest": child, "platform": { "os": os, "architecture": architecture, "variant": variant } });
    let children = [for_platform("linux", "amd64", ""), for_platform("linux", "arm", "v7"), json!({ "digest": child })];
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": children }).to_string();
    let digest = put(&scratch, index).with(["--tag", "v1"]).ok().answer();
    for platform in ["windows/amd64", "linux/arm/v6", "LINUX/amd64"] {
        let call = get(&scratch, REPOSITORY, "v1").with(["--platform", platform]);
        let names = [REPOSITORY, &digest, platform, "linux/amd64", "linux/arm/v7"];
        refused(&scratch, &call, 4, &["MANIFEST_UNKNOWN"], &names);
    }
    for platform in ["linux/amd64", "linux/arm", "linux/arm/v7"] {
        let bytes = get(&scratch, REPOSITORY, "v1").with(["--platform", platform]).ok();
        assert_eq!(Digest::of(bytes.bytes()).to_string(), child, "{platform}");
    }
    let empty = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [] }).to_string();
    let empty = put(&scratch, empty).ok().answer();
    let call = get(&scratch, REPOSITORY, &empty).with(["--platform", "linux/amd64"]);
    refused(&scratch, &call, 4, &["MANIFEST_UNKNOWN"], &[&empty, "no platforms"]);
}

#[test]
fn a_broken_link_or_damaged_content_is_not_got() {
    let (scratch, config, layer) = stocked();
    let manifest = image(&config, &[&layer]).to_string();
    let digest = put(&scratch, &*manifest).with(["--tag", "v1"]).ok().answer();
    let hex = digest.split_once(':').unwrap().1;
    let other = Digest::of(b"other").to_string();
    let manifests = scratch.repository(REPOSITORY).join("_manifests");
    let tag = manifests.join("tags/v1/current/link");
    let revision = manifests.join("revisions/sha256").join(hex).join("link");
    let blob = scratch.blob(digest.parse().unwrap());
    let references: &[&str] = &["v1", &digest];
    for (path, damage, references) in [
        (&tag, String::new(), &references[..1]),
        (&tag, digest[..40].to_owned(), &references[..1]),
        (&tag, format!("{digest}\n"), &references[..1]),
        (&revision, String::new(), references),
        (&revision, format!("{digest}\n"), references),
        (&revision, other.clone(), references),
        (&revision, digest.to_uppercase(), references),
        (&blob, String::new(), references),
        (&blob, manifest[..manifest.len() / 2].to_owned(), references),
        (&blob, manifest.replace("lay", "Lay"), references),
        (&blob, format!("{manifest}\n"), references),
    ] {
        let right = fs::read(path).unwrap();
        fs::write(path, damage).unwrap();
        for reference in references {
            let call = get(&scratch, REPOSITORY, reference);
            refused(&scratch, &call, 5, &["DAMAGED"], &[path.to_str().unwrap(), REPOSITORY]);
        }
        fs::write(path, right).unwrap();
    }
    get(&scratch, REPOSITORY, "v1").ok();
    // What the tag or the link lead to is missing.
    for path in [&blob, &revision] {
        fs::remove_file(path).unwrap();
        for reference in references {
            let names = [&digest, REPOSITORY, path.to_str().unwrap()];
            refused(&scratch, &get(&scratch, REPOSITORY, reference), 4, &["MANIFEST_UNKNOWN"], &names);
        }
    }
}

#[test]
fn what_a_failed_get_would_have_written_is_not_there() {
    let scratch = damaged("manifest-truncated");
    let out = scratch.root().join("out.json");
    let tags: Vec<_> = walkdir::WalkDir::new(scratch.v2().join("repositories")).into_iter().collect();
    let mut failed = 0;
    for entry in tags {
        let path = entry.unwrap().into_path();
        if !path.ends_with("current/link") {
            continue;
        }
        let directory = path.parent().unwrap().parent().unwrap();
        let tag = directory.file_name().unwrap().to_str().unwrap();
        let repository = directory.ancestors().nth(3).unwrap().strip_prefix(scratch.v2().join("repositories")).unwrap();
        let run = get(&scratch, repository.to_str().unwrap(), tag).with(["-o"]).with([&out]).run();
        if run.err().is_empty() {
            run.code(0);
            fs::remove_file(&out).unwrap();
        } else {
            run.code(5).silent().says(["does not match its digest"]);
            assert!(!out.exists());
            failed += 1;
        }
    }
    assert!(failed > 0);
}

#[test]
fn a_child_that_was_never_put_is_unknown_whatever_its_platform() {
    let scratch = Scratch::new();
    let digest = absent(1)["digest"].clone();
    let platform = json!({ "os": "linux", "architecture": "amd64" });
    let index = json!({ "schemaVersion": 2, "manifests": [{ "digest": digest, "platform": platform }] }).to_string();
    put(&scratch, index).with(["--tag", "v1", "--skip-references"]).ok();
    let call = get(&scratch, REPOSITORY, "v1").with(["--platform", "linux/amd64"]);
    refused(&scratch, &call, 4, &["MANIFEST_UNKNOWN"], &[REPOSITORY, digest.as_str().unwrap()]);
}

#[test]
fn stored_signatures_that_are_damaged_are_not_merged_and_the_payload_is_got() {
    let scratch = Scratch::new();
    let stored = put(&scratch, &include_bytes!("../../vectors/schema1/valid/two-signers.json")[..])
        .with(["--skip-references", "--keep-signatures", "--tag", "v1", "--json"])
        .ok()
        .json();
    let (digest, signature) = (stored["digest"].as_str().unwrap(), stored["signatures"][1].as_str().unwrap());
    let (hex, signed) = (&digest["sha256:".len()..], &signature["sha256:".len()..]);
    let revision = scratch.repository(REPOSITORY).join("_manifests/revisions/sha256").join(hex);
    let link = revision.join("signatures/sha256").join(signed).join("link");
    let blob = scratch.blob(signature.parse().unwrap());
    let whole = get(&scratch, REPOSITORY, "v1").with(["--signed"]);
    let call = whole.clone();
    whole.ok();
    for (path, damage) in [
        (&link, String::new()),
        (&link, format!("{signature}\n")),
        (&link, digest.to_owned()),
        (&blob, String::new()),
        (&blob, "{}".to_owned()),
    ] {
        let right = fs::read(path).unwrap();
        fs::write(path, damage).unwrap();
        refused(&scratch, &call, 5, &["DAMAGED"], &[path.to_str().unwrap(), REPOSITORY, signature]);
        get(&scratch, REPOSITORY, "v1").ok();
        fs::write(path, right).unwrap();
    }
    fs::remove_file(&blob).unwrap();
    refused(&scratch, &call, 4, &["BLOB_UNKNOWN"], &[blob.to_str().unwrap(), REPOSITORY, signature]);
    // What has the right digest and is no signature.
    let other = scratch.put(REPOSITORY, b"{\"header\":5}").to_string();
    fs::remove_dir_all(revision.join("signatures")).unwrap();
    let link = revision.join("signatures/sha256").join(&other["sha256:".len()..]).join("link");
    Scratch::plant(&link, &other);
    refused(&scratch, &call, 5, &["DAMAGED"], &[REPOSITORY, digest]);
}

#[test]
fn a_signature_that_does_not_verify_is_told_by_its_place_and_key() {
    let scratch = Scratch::new();
    let key = "3AAK:LK6N:XDLX:KNGI:N4W7:QJVH:ML6K:MVLI:QEL7:XMJK:OW2R:KACS";
    let bad = &include_bytes!("../../vectors/schema1/invalid/second-of-two-bad.json")[..];
    let call = put(&scratch, bad).with(["--skip-references"]);
    refused(&scratch, &call, 5, &["MANIFEST_UNVERIFIED"], &[REPOSITORY, "signature 2", key]);
    let lying = &include_bytes!("../../vectors/schema1/invalid/format-length-beyond-end.json")[..];
    let names = ["signature 1", "formatLength", "1653 bytes"];
    refused(&scratch, &put(&scratch, lying), 5, INVALID, &names);
}

#[test]
fn the_hint_for_a_damaged_manifest_is_to_put_the_manifest() {
    let scratch = Scratch::new();
    let image = scratch.image(REPOSITORY, "one").tag("v1");
    let revision = format!("_manifests/revisions/sha256/{}/link", image.digest.hex());
    let revision = scratch.repository(REPOSITORY).join(revision);
    let hint = format!("manifest put {REPOSITORY} FILE --digest {}", image.digest);
    for (path, damage) in [(&revision, ""), (&scratch.blob(image.digest), "damaged")] {
        let right = fs::read(path).unwrap();
        fs::write(path, damage).unwrap();
        let said = scratch.run(["manifest", "get", REPOSITORY, "v1"]).code(5).silent().says([&hint]).err();
        assert!(!said.contains("blob put"), "{said}");
        fs::write(path, right).unwrap();
    }
    // A layer's is still that of a blob.
    fs::write(scratch.blob(image.layer), "damaged").unwrap();
    let get = scratch.run(["blob", "get", REPOSITORY, &image.layer.to_string()]).code(5);
    get.says([format!("blob put {REPOSITORY} FILE --digest {}", image.layer)]);
}
