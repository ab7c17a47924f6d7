//! `regtree export --format docker-archive`: what `docker load` takes.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::tarball::{entries, unpack};
use crate::support::image::{Image, archive, lay_out_index};
use crate::support::kill::at_every_change;
use crate::support::peers::skopeo;
use crate::support::planted::{Planted, blob_path, hex_of, schema1, sha256};
use crate::support::{Regtree, Scratch, refusal};

const ZSTD: &str = "application/vnd.oci.image.layer.v1.tar+zstd";
const UNSUPPORTED: refusal::Failure = (5, "UNSUPPORTED");

fn export(scratch: &Scratch, words: &[&str]) -> Regtree {
    let call = scratch.regtree(["export", "--format", "docker-archive", "-o"]);
    call.with([archive_in(scratch)]).with(words)
}

fn archive_in(scratch: &Scratch) -> PathBuf {
    scratch.root().join("images.tar")
}

fn compress(program: &str, content: &[u8]) -> Vec<u8> {
    use std::io::Write;
    use std::process::Stdio;
    let mut child = Command::new(program).arg("-c").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let content = content.to_vec();
    let feeding = std::thread::spawn(move || stdin.write_all(&content).unwrap());
    let mut compressed = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut compressed).unwrap();
    feeding.join().unwrap();
    assert!(child.wait().unwrap().success());
    compressed
}

/// A layer: how it is compressed, and its uncompressed content.
type Layer = (&'static str, Vec<u8>);

fn layer(compressed: &'static str, words: &str) -> Layer {
    (compressed, archive(words.as_bytes()))
}

/// An image of such layers, with its tag. Returns its digest.
fn plant(planted: &Planted, repository: &str, tag: &str, layers: &[Layer]) -> String {
    let diff_ids: Vec<String> = layers.iter().map(|(_, content)| sha256(content)).collect();
    plant_with(planted, repository, tag, layers, &diff_ids)
}

fn plant_with(planted: &Planted, repository: &str, tag: &str, layers: &[Layer], diff_ids: &[String]) -> String {
    let config = json!({
        "os": "linux", "architecture": "amd64", "config": {}, "rootfs": { "type": "layers", "diff_ids": diff_ids },
        "history": diff_ids.iter().map(|_| json!({ "created_by": "a test" })).collect::<Vec<_>>(),
    });
    let config = planted.layer(repository, config.to_string());
    let stored: Vec<String> = layers
        .iter()
        .map(|(compressed, content)| match *compressed {
            "" => planted.layer(repository, content),
            program => planted.layer(repository, compress(program, content)),
        })
        .collect();
    let mut manifest = planted.image_of(&config, &stored.iter().map(|layer| &**layer).collect::<Vec<_>>());
    for (at, (compressed, _)) in layers.iter().enumerate() {
        let media_type = match *compressed {
            "" => "application/vnd.oci.image.layer.v1.tar",
            "zstd" => ZSTD,
            _ => continue,
        };
        manifest["layers"][at]["mediaType"] = media_type.into();
    }
    let digest = planted.manifest(repository, &manifest);
    planted.tag(repository, tag, &digest);
    digest
}

fn index_of(unpacked: &Path) -> Value {
    serde_json::from_slice(&fs::read(unpacked.join("manifest.json")).unwrap()).unwrap()
}

/// Three images that share layers, one of them under two names.
fn planted() -> (Planted, [Layer; 3]) {
    let planted = Planted::new();
    let layers = [layer("gzip", "base"), layer("zstd", "middle"), layer("", "top")];
    let digest = plant(&planted, "lib/app", "v1", &layers);
    planted.tag("lib/app", "latest", &digest);
    plant(&planted, "lib/app", "v0", &layers[..1]);
    plant(&planted, "lib/other", "v1", &[layers[0].clone(), layer("gzip", "other")]);
    (planted, layers)
}

#[test]
fn layers_are_uncompressed_shared_and_named_by_their_content() {
    let (planted, layers) = planted();
    let run = export(&planted, &["--all"]).ok();
    assert_eq!(run.lines(), ["lib/app:latest", "lib/app:v0", "lib/app:v1", "lib/other:v1"]);
    let bytes = fs::read(archive_in(&planted)).unwrap();
    let names: Vec<String> = entries(&bytes).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names[..2], ["manifest.json", "repositories"]);
    assert_eq!(names.len(), 2 + 3 + 4, "{names:?}");
    let unpacked = planted.root().join("unpacked");
    unpack(&archive_in(&planted), &unpacked);
    for (_, content) in &layers {
        assert_eq!(&fs::read(unpacked.join(format!("{}.tar", hex_of(&sha256(content))))).unwrap(), content);
    }
    let index = index_of(&unpacked);
    let tags: Vec<&Value> = index.as_array().unwrap().iter().map(|image| &image["RepoTags"]).collect();
    assert_eq!(json!(tags), json!([["lib/app:latest", "lib/app:v1"], ["lib/app:v0"], ["lib/other:v1"]]));
    let expected: Vec<String> = layers.iter().map(|(_, content)| format!("{}.tar", hex_of(&sha256(content)))).collect();
    assert_eq!(index[0]["Layers"], json!(expected));
    let config = index[0]["Config"].as_str().unwrap();
    assert_eq!(format!("{}.json", hex_of(&sha256(&fs::read(unpacked.join(config)).unwrap()))), config);
    let repositories: Value = serde_json::from_slice(&fs::read(unpacked.join("repositories")).unwrap()).unwrap();
    assert_eq!(repositories["lib/app"]["v0"], hex_of(&sha256(&layers[0].1)));
    // The same again, from a tree that was filled in another order.
    let copy = Scratch::new();
    copy.regtree(["import", planted.root().to_str().unwrap()]).ok();
    export(&copy, &["lib/other", "lib/app"]).ok();
    assert_eq!(fs::read(archive_in(&copy)).unwrap(), bytes);
    assert_eq!(planted.regtree(["export", "--all", "--format", "docker-archive", "-o", "-"]).ok().bytes(), bytes);
}

#[test]
fn skopeo_reads_every_image_of_a_docker_archive() {
    let (planted, _) = planted();
    export(&planted, &["--all"]).ok();
    for (name, layers) in [("lib/app:v0", 1), ("lib/app:v1", 3), ("lib/other:v1", 2)] {
        let copied = planted.root().join(name.replace([':', '/'], "-"));
        let from = format!("docker-archive:{}:{name}", archive_in(&planted).display());
        skopeo(&["copy", &from, &format!("dir:{}", copied.display())]);
        let manifest: Value = serde_json::from_slice(&fs::read(copied.join("manifest.json")).unwrap()).unwrap();
        assert_eq!(manifest["layers"].as_array().unwrap().len(), layers);
    }
    // Compressed, and in the other form, in which a zstd layer stays one.
    let (docker, oci) = (planted.root().join("docker.tar.zst"), planted.root().join("oci.tgz"));
    export(&planted, &["lib/app:v1", "-o", docker.to_str().unwrap()]).ok();
    planted.regtree(["export", "lib/app:v1", "-o", oci.to_str().unwrap()]).ok();
    for from in [format!("docker-archive:{}", docker.display()), format!("oci-archive:{}", oci.display())] {
        skopeo(&["copy", &from, &format!("oci:{}:x", planted.root().join("copied").display())]);
    }
}

#[test]
fn an_index_wants_one_platform() {
    let scratch = Scratch::new();
    let source = scratch.root().join("source");
    lay_out_index(&[&Image::of("amd64", 1), &Image::of("arm64", 7)], &source);
    scratch.regtree(["import", source.to_str().unwrap(), "--repository", "lib/app", "--tag", "v1"]).ok();
    let wanted = (2, "PLATFORM_WANTED");
    refusal::fails(&export(&scratch, &["lib/app:v1"]), wanted, &["linux/amd64", "linux/arm64"]);
    export(&scratch, &["lib/app:v1"]).run().says(["hint: choose it with --platform linux/amd64"]);
    let two = ["lib/app:v1", "--platform", "linux/amd64", "--platform", "linux/arm64"];
    refusal::fails(&export(&scratch, &two), wanted, &["linux/amd64", "linux/arm64"]);
    let other = ["lib/app:v1", "--platform", "linux/s390x"];
    refusal::fails(&export(&scratch, &other), (4, "MANIFEST_UNKNOWN"), &["linux/s390x", "linux/amd64"]);
    export(&scratch, &["lib/app:v1", "--platform", "linux/arm64"]).ok();
    let copied = scratch.root().join("copied");
    let from = format!("docker-archive:{}", archive_in(&scratch).display());
    skopeo(&["copy", "--override-arch", "arm64", &from, &format!("oci:{}:x", copied.display())]);
}

#[test]
fn an_index_of_one_platform_and_its_attestation_is_that_platform() {
    let planted = Planted::new();
    let image = plant(&planted, "lib/app", "image", &[layer("gzip", "base")]);
    let attestation = planted.image("lib/app", "attestation");
    let mut index = planted.index_of(&[&image, &attestation]);
    index["manifests"][0]["platform"] = json!({ "os": "linux", "architecture": "amd64" });
    index["manifests"][1]["platform"] = json!({ "os": "unknown", "architecture": "unknown" });
    index["manifests"][1]["annotations"] = json!({ "vnd.docker.reference.digest": image });
    let index = planted.manifest("lib/app", &index);
    planted.tag("lib/app", "v1", &index);
    export(&planted, &["lib/app:v1"]).ok();
    assert_eq!(entries(&fs::read(archive_in(&planted)).unwrap()).len(), 4);
}

#[test]
fn what_is_no_image_of_file_systems_is_not_held() {
    let planted = Planted::new();
    let blob = planted.layer("lib/app", "{}");
    let mut chart = planted.image_of(&blob, &[&blob]);
    chart["config"]["mediaType"] = "application/vnd.cncf.helm.config.v1+json".into();
    let chart = planted.manifest("lib/app", &chart);
    let signed = planted.manifest("lib/app", &schema1("lib/app", &[&blob]));
    let config = planted.layer("lib/app", json!({ "rootfs": { "diff_ids": [blob] } }).to_string());
    let mut cosign = planted.image_of(&config, &[&blob]);
    cosign["layers"][0]["mediaType"] = "application/vnd.dev.cosign.simplesigning.v1+json".into();
    let cosign = planted.manifest("lib/app", &cosign);
    let mut elsewhere = planted.image_of(&config, &[&sha256(b"elsewhere")]);
    elsewhere["layers"][0]["urls"] = json!(["https://example.org/layer"]);
    let elsewhere = planted.manifest("lib/app", &elsewhere);
    let few = planted.manifest("lib/app", &planted.image_of(&config, &[&blob, &blob]));
    for (digest, said) in [
        (&chart, "application/vnd.cncf.helm.config.v1+json"),
        (&signed, "schema1"),
        (&cosign, "application/vnd.dev.cosign.simplesigning.v1+json"),
        (&elsewhere, "kept elsewhere"),
        (&few, "1 diff_id, and the image 2 layers"),
    ] {
        let call = export(&planted, &[&format!("lib/app@{digest}")]);
        refusal::fails(&call, UNSUPPORTED, &["lib/app", said]);
        assert!(!archive_in(&planted).exists());
    }
    plant(&planted, "lib/app", "v1", &[layer("gzip", "base")]);
    planted.tag("lib/app", "chart", &chart);
    export(&planted, &["lib/app", "--skip-damaged"]).run().code(3).says(["lib/app:chart is left out"]);
    assert_eq!(entries(&fs::read(archive_in(&planted)).unwrap()).len(), 4);
}

#[test]
fn a_layer_that_is_not_what_the_config_says_is_damage() {
    let planted = Planted::new();
    let said = sha256(b"something else");
    plant_with(&planted, "lib/app", "lies", &[layer("gzip", "base")], std::slice::from_ref(&said));
    let found = sha256(&layer("", "base").1);
    let call = export(&planted, &["lib/app:lies"]);
    refusal::fails(&call, refusal::WRONG_DIGEST, &["lib/app", "uncompressed", &said, &found]);
    let cut = compress("gzip", &archive(b"cut"));
    let cut = planted.layer("lib/app", &cut[..cut.len() - 9]);
    let config = planted.layer("lib/app", json!({ "rootfs": { "diff_ids": [said] } }).to_string());
    let image = planted.manifest("lib/app", &planted.image_of(&config, &[&cut]));
    planted.tag("lib/app", "cut", &image);
    refusal::fails(&export(&planted, &["lib/app:cut"]), UNSUPPORTED, &[&cut, "cut short"]);
    plant(&planted, "lib/app", "good", &[layer("gzip", "good"), layer("", "shared")]);
    plant(&planted, "lib/app", "bad", &[layer("", "shared"), layer("gzip", "bad")]);
    let bad = sha256(&compress("gzip", &archive(b"bad")));
    planted.plant(&blob_path(&bad), "damaged");
    let call = export(&planted, &["lib/app:bad"]);
    let path = planted.below_root(&planted.at(&blob_path(&bad)));
    refusal::fails(&call, refusal::DAMAGED, &["lib/app:bad", &bad, &path]);
    export(&planted, &["lib/app", "--skip-damaged"]).run().code(3);
    let unpacked = planted.root().join("unpacked");
    unpack(&archive_in(&planted), &unpacked);
    assert_eq!(index_of(&unpacked)[0]["RepoTags"], json!(["lib/app:good"]));
    assert_eq!(fs::read_dir(&unpacked).unwrap().count(), 2 + 1 + 2);
}

#[test]
fn a_killed_export_leaves_the_old_docker_archive_or_the_new_one() {
    let kills = at_every_change(
        || {
            let planted = Planted::new();
            plant(&planted, "lib/app", "v1", &[layer("gzip", "old")]);
            export(&planted, &["--all"]).ok();
            plant(&planted, "lib/app", "v2", &[layer("zstd", "new")]);
            let call = export(&planted, &["--all"]);
            (planted, call)
        },
        |planted, at, _| {
            let entries = entries(&fs::read(archive_in(planted)).unwrap());
            assert!(matches!(entries.len(), 4 | 6), "{at}: {}", entries.len());
            export(planted, &["--all"]).ok();
        },
    );
    assert!(kills > 15, "{kills}");
}

#[test]
fn compressed_archives_have_the_same_content() {
    let (planted, _) = planted();
    for words in [&["--all"][..], &["--all", "--format", "docker-archive"]] {
        let to =
            |name: &str| planted.regtree(["export", "-o", planted.root().join(name).to_str().unwrap()]).with(words);
        to("plain.tar").ok();
        let plain = fs::read(planted.root().join("plain.tar")).unwrap();
        for (name, program) in [("a.tar.gz", "gzip"), ("a.tgz", "gzip"), ("a.tar.zst", "zstd")] {
            to(name).ok();
            let path = planted.root().join(name);
            let output = Command::new(program).args(["-dc"]).arg(&path).output().unwrap();
            assert!(output.status.success() && output.stdout == plain, "{name}");
            let first = fs::read(&path).unwrap();
            to(name).ok();
            assert_eq!(fs::read(&path).unwrap(), first, "{name}");
        }
    }
    for name in ["a.tar.xz", "a.txz", "a.tar.bz2"] {
        let call = planted.regtree(["export", "--all", "-o", name]).within(planted.root());
        call.run().code(2).says(["expected an archive that ends in .tar, .tar.gz, .tgz or .tar.zst"]);
        assert!(!planted.root().join(name).exists());
    }
}
