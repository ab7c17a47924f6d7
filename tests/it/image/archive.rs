//! `regtree import` of archives: layouts and docker archives as tar, however compressed, from a file or a pipe.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{index, layout_in, names, tags};
use crate::support::image::{CONFIG, Image, MANIFEST, archive, descriptor, file_name, index_of, lay_out_index};
use crate::support::kill::{at_every_change, killed_at};
use crate::support::peers::{DockerRegistry, skopeo};
use crate::support::scratch::digest_by;
use crate::support::{Run, Scratch, assert_sound, snapshot};

/// Packs files, in this order.
pub(super) fn pack(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, &**content).unwrap();
    }
    builder.into_inner().unwrap()
}

/// The files of a directory, by their names in it.
fn files(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let found = walkdir::WalkDir::new(directory).sort_by_file_name().into_iter().map(Result::unwrap);
    let found = found.filter(|entry| entry.file_type().is_file());
    let name = |path: &Path| path.strip_prefix(directory).unwrap().to_str().unwrap().to_owned();
    found.map(|entry| (name(entry.path()), fs::read(entry.path()).unwrap())).collect()
}

/// A layout of an index of two images that is called `team/app:v1`. Blobs come before the index.
fn layout_files() -> Vec<(String, Vec<u8>)> {
    let scratch = tempfile::tempdir().unwrap();
    lay_out_index(&[&Image::of("amd64", 1), &Image::of("arm64", 7)], scratch.path());
    let mut document = index(scratch.path());
    document["manifests"][0]["annotations"] = json!({ "io.containerd.image.name": "docker.io/team/app:v1" });
    fs::write(scratch.path().join("index.json"), document.to_string()).unwrap();
    files(scratch.path())
}

/// A layout of an image of one layer.
fn layout_of_layer(layer: &[u8]) -> Vec<(String, Vec<u8>)> {
    let config = b"{}".to_vec();
    let manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "config": descriptor(CONFIG, &config),
        "layers": [descriptor("application/vnd.oci.image.layer.v1.tar", layer)],
    });
    let manifest = manifest.to_string().into_bytes();
    let document = json!({ "schemaVersion": 2, "manifests": [descriptor(MANIFEST, &manifest)] });
    let mut files = vec![("index.json".to_owned(), document.to_string().into_bytes())];
    let blobs = [config, layer.to_vec(), manifest].map(|blob| (format!("blobs/sha256/{}", file_name(&blob)), blob));
    files.extend(blobs);
    files
}

/// An image of a docker archive: its config, and its layers without compression.
struct Saved {
    config: Vec<u8>,
    layers: Vec<Vec<u8>>,
}

impl Saved {
    fn of(layers: &[&str]) -> Self {
        let layers: Vec<_> = layers.iter().map(|text| archive(text.repeat(9000).as_bytes())).collect();
        let diff_ids: Vec<_> = layers.iter().map(|layer| digest_by("sha256", layer)).collect();
        let config = json!({
            "architecture": "amd64", "os": "linux", "config": {}, "rootfs": { "type": "layers", "diff_ids": diff_ids },
        });
        Self { config: config.to_string().into_bytes(), layers }
    }

    /// The entry of `manifest.json`.
    fn item(&self, tags: &[&str]) -> Value {
        let layers: Vec<_> = self.layers.iter().map(|layer| format!("{}/layer.tar", file_name(layer))).collect();
        json!({ "Config": format!("{}.json", file_name(&self.config)), "RepoTags": tags, "Layers": layers })
    }

    /// As Docker up to 24 saved it.
    fn files(&self) -> Vec<(String, Vec<u8>)> {
        let mut files = vec![(format!("{}.json", file_name(&self.config)), self.config.clone())];
        for layer in &self.layers {
            let directory = file_name(layer);
            files.push((format!("{directory}/VERSION"), b"1.0".to_vec()));
            files.push((format!("{directory}/json"), b"{}".to_vec()));
            files.push((format!("{directory}/layer.tar"), layer.clone()));
        }
        files
    }
}

fn saved(images: &[(&Saved, &[&str])]) -> Vec<(String, Vec<u8>)> {
    let mut files: BTreeMap<String, Vec<u8>> = images.iter().flat_map(|(image, _)| image.files()).collect();
    let items: Vec<_> = images.iter().map(|(image, tags)| image.item(tags)).collect();
    files.insert("manifest.json".to_owned(), json!(items).to_string().into_bytes());
    files.insert("repositories".to_owned(), b"{}".to_vec());
    files.into_iter().collect()
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn xz(content: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    liblzma::read::XzEncoder::new(content, 1).read_to_end(&mut packed).unwrap();
    packed
}

fn zstd(content: &[u8]) -> Vec<u8> {
    zstd::encode_all(content, 1).unwrap()
}

/// Writes an archive outside of the tree's areas.
fn keep(scratch: &Scratch, packed: &[u8]) -> PathBuf {
    let path = scratch.root().join("archive");
    fs::write(&path, packed).unwrap();
    path
}

fn import(scratch: &Scratch, packed: &[u8], words: &[&str]) -> Run {
    let path = keep(scratch, packed);
    scratch.regtree(["import", path.to_str().unwrap()]).with(words).run()
}

/// What imports left.
fn staged(scratch: &Scratch) -> Vec<PathBuf> {
    let found = walkdir::WalkDir::new(scratch.root().join(".regtree/import")).into_iter().flatten();
    found.filter(|entry| entry.file_type().is_file()).map(walkdir::DirEntry::into_path).collect()
}

fn assert_nothing_staged(scratch: &Scratch) {
    assert_eq!(staged(scratch), Vec::<PathBuf>::new());
    let left = fs::read_dir(scratch.root().join(".regtree/import")).unwrap().count();
    assert_eq!(left, 0);
}

#[test]
fn a_layout_comes_in_from_any_archive_and_any_order() {
    let in_order = layout_files();
    let reversed: Vec<_> = in_order.iter().cloned().rev().collect();
    let digest = digest_by("sha256", &index_of(&[&Image::of("amd64", 1), &Image::of("arm64", 7)]));
    for files in [in_order, reversed] {
        let packed = pack(&files);
        for packed in [packed.clone(), gzip(&packed), zstd(&packed), xz(&packed)] {
            let scratch = Scratch::new();
            assert_eq!(import(&scratch, &packed, &[]).code(0).lines(), ["team/app:v1"]);
            assert_eq!(tags(&scratch, "team/app")["v1"], digest.to_string());
            scratch.regtree(["manifest", "verify", "--all", "--content"]).ok();
            assert_sound(&scratch);
            assert_nothing_staged(&scratch);
            let piped = Scratch::new();
            piped.regtree(["import", "-"]).stdin(packed).ok();
            assert_eq!(tags(&piped, "team/app")["v1"], digest.to_string());
        }
    }
}

#[test]
fn only_what_an_image_needs_enters_the_tree() {
    let scratch = Scratch::new();
    let mut files = layout_files();
    let stray = vec![7; 5 * 1024 * 1024];
    files.insert(0, (format!("blobs/sha256/{}", file_name(&stray)), stray.clone()));
    import(&scratch, &pack(&files), &[]).code(0);
    assert!(!scratch.blob(digest_by("sha256", &stray)).exists());
    assert_nothing_staged(&scratch);
}

#[test]
fn a_docker_archive_gives_the_same_digests_wherever_it_is_imported() {
    let (one, two) = (Saved::of(&["base", "one"]), Saved::of(&["base", "two"]));
    let files = saved(&[(&one, &["team/one:v1", "docker.io/one:v2"]), (&two, &["localhost:5000/two:v1"])]);
    let run = |packed: &[u8]| {
        let scratch = Scratch::new();
        let mut lines = import(&scratch, packed, &[]).code(0).lines();
        lines.sort();
        assert_eq!(lines, ["library/one:v2", "team/one:v1", "two:v1"]);
        scratch.regtree(["manifest", "verify", "--all", "--content"]).ok();
        assert_nothing_staged(&scratch);
        (tags(&scratch, "team/one")["v1"].clone(), tags(&scratch, "two")["v1"].clone(), scratch)
    };
    let reversed: Vec<_> = files.iter().cloned().rev().collect();
    let (first, second, scratch) = run(&pack(&files));
    let (again, other, _) = run(&gzip(&pack(&reversed)));
    assert_eq!((&first, &second), (&again, &other));
    assert_eq!(tags(&scratch, "library/one")["v2"], first);
    // The config is stored as it is, and the layers as gzip of what was saved.
    let manifest = scratch.regtree(["manifest", "get", "team/one", "v1"]).ok().json();
    assert_eq!(manifest["mediaType"], "application/vnd.docker.distribution.manifest.v2+json");
    assert_eq!(manifest["config"]["digest"], digest_by("sha256", &one.config).to_string());
    for (layer, raw) in manifest["layers"].as_array().unwrap().iter().zip(&one.layers) {
        assert_eq!(layer["mediaType"], "application/vnd.docker.image.rootfs.diff.tar.gzip");
        let digest = layer["digest"].as_str().unwrap();
        let blob = scratch.regtree(["blob", "get", "team/one", digest]).ok();
        let mut decoded = Vec::new();
        flate2::read::GzDecoder::new(blob.bytes()).read_to_end(&mut decoded).unwrap();
        assert!(decoded == *raw);
    }
}

#[test]
fn layers_are_compressed_as_asked_for_and_those_that_are_stay() {
    let image = Saved::of(&["one"]);
    let packed = pack(&saved(&[(&image, &["app:v1"])]));
    let layer = |scratch: &Scratch| {
        let manifest = scratch.regtree(["manifest", "get", "app", "v1"]).ok().json();
        let layer = &manifest["layers"][0];
        (layer["mediaType"].as_str().unwrap().to_owned(), layer["digest"].as_str().unwrap().to_owned())
    };
    let raw = digest_by("sha256", &image.layers[0]).to_string();
    let scratch = Scratch::new();
    import(&scratch, &packed, &["--compression", "none"]).code(0);
    assert_eq!(layer(&scratch), ("application/vnd.docker.image.rootfs.diff.tar".to_owned(), raw));
    let scratch = Scratch::new();
    import(&scratch, &packed, &["--compression", "zstd"]).code(0);
    assert_eq!(layer(&scratch).0, "application/vnd.oci.image.layer.v1.tar+zstd");
    scratch.regtree(["manifest", "verify", "app", "v1", "--content"]).ok();
    // Some tools save layers that are compressed already.
    for (pack_layer, kind) in [(gzip as fn(&[u8]) -> Vec<u8>, "tar.gzip"), (zstd, "tar+zstd")] {
        let scratch = Scratch::new();
        let small = pack_layer(&image.layers[0]);
        let mut files = saved(&[(&image, &["app:v1"])]);
        for (name, content) in &mut files {
            if name.ends_with("/layer.tar") {
                content.clone_from(&small);
            }
        }
        import(&scratch, &pack(&files), &[]).code(0);
        let (media_type, digest) = layer(&scratch);
        assert!(media_type.ends_with(kind), "{media_type}");
        assert_eq!(digest, digest_by("sha256", &small).to_string());
    }
}

#[test]
fn a_layer_that_is_not_the_one_of_the_config_is_refused() {
    let scratch = Scratch::new();
    let image = Saved::of(&["one"]);
    let mut files = saved(&[(&image, &["app:v1"])]);
    let other = archive(b"other");
    let layer = format!("{}/layer.tar", file_name(&image.layers[0]));
    files.iter_mut().find(|(name, _)| *name == layer).unwrap().1 = other.clone();
    let run = import(&scratch, &pack(&files), &[]).code(5);
    let [expected, found] = [&image.layers[0], &other].map(|layer| digest_by("sha256", layer).to_string());
    run.says([&*layer, &expected, &found]);
    assert_nothing_staged(&scratch);
    assert_sound(&scratch);
}

#[test]
fn layers_under_their_digests_without_an_index_are_layers_of_a_docker_archive() {
    let image = Saved::of(&["one"]);
    let (config, layer) = (file_name(&image.config), file_name(&image.layers[0]));
    let item = json!([{
        "Config": format!("blobs/sha256/{config}"), "RepoTags": ["app:v1"], "Layers": [format!("blobs/sha256/{layer}")],
    }]);
    let packed = pack(&[
        (format!("blobs/sha256/{config}"), image.config.clone()),
        (format!("blobs/sha256/{layer}"), image.layers[0].clone()),
        ("manifest.json".to_owned(), item.to_string().into_bytes()),
    ]);
    let scratch = Scratch::new();
    import(&scratch, &packed, &["--compression", "none"]).code(0);
    let raw = tags(&scratch, "app")["v1"].clone();
    // The tree has the layer now, so it is not staged, and is read there.
    import(&scratch, &packed, &[]).code(0);
    let packed_again = tags(&scratch, "app")["v1"].clone();
    assert_ne!(packed_again, raw);
    scratch.regtree(["manifest", "verify", "--all", "--content"]).ok();
    let fresh = Scratch::new();
    import(&fresh, &packed, &[]).code(0);
    assert_eq!(tags(&fresh, "app")["v1"], packed_again);
    import(&fresh, &packed, &["--compression", "xz"]).code(2).says(["gzip", "zstd", "none"]);
}

#[test]
fn the_new_form_keeps_the_manifests_of_its_layout() {
    let scratch = Scratch::new();
    let mut files = layout_files();
    let image = Image::of("amd64", 1);
    let item = json!([{
        "Config": format!("blobs/sha256/{}", file_name(&image.config)), "RepoTags": ["team/app:v1"],
        "Layers": image.layers.each_ref().map(|layer| format!("blobs/sha256/{}", file_name(layer))),
    }]);
    files.push(("manifest.json".to_owned(), item.to_string().into_bytes()));
    import(&scratch, &pack(&files), &[]).code(0);
    let digest = digest_by("sha256", &index_of(&[&image, &Image::of("arm64", 7)])).to_string();
    assert_eq!(tags(&scratch, "team/app")["v1"], digest);
    // Unless it is to be read as a docker archive: then the layers, which are compressed, stay as they are.
    let forced = Scratch::new();
    import(&forced, &pack(&files), &["--format", "docker-archive"]).code(0);
    let manifest = forced.regtree(["manifest", "get", "team/app", "v1"]).ok().json();
    assert_eq!(manifest["layers"][1]["digest"], digest_by("sha256", &image.layers[1]).to_string());
}

#[test]
fn what_an_archive_has_is_listed_and_a_dry_run_changes_nothing() {
    let scratch = Scratch::new();
    let layout = keep(&scratch, &zstd(&pack(&layout_files())));
    let list = scratch.regtree(["import", "--list", layout.to_str().unwrap(), "--json"]).ok().json_lines();
    assert_eq!((list.len(), &list[0]["name"]), (1, &json!("docker.io/team/app:v1")));
    assert!(list[0]["digest"].as_str().unwrap().starts_with("sha256:"));
    let before = snapshot(scratch.root());
    let dry = scratch.regtree(["import", "-n", layout.to_str().unwrap(), "--json"]).ok().json_lines();
    assert_eq!(snapshot(scratch.root()), before);
    let wet = scratch.regtree(["import", layout.to_str().unwrap(), "--json"]).ok().json_lines();
    assert_eq!(dry.last().unwrap()["added"], wet.last().unwrap()["added"]);
    let saved = saved(&[(&Saved::of(&["one"]), &["app:v1", "app:v2"])]);
    let path = keep(&scratch, &pack(&saved));
    let list = scratch.regtree(["import", "--list", path.to_str().unwrap()]).ok();
    let names: Vec<_> = list.lines().iter().map(|line| line.split_whitespace().next().unwrap().to_owned()).collect();
    assert_eq!(names, ["app:v1", "app:v2"]);
    let dry = scratch.regtree(["import", "-n", path.to_str().unwrap(), "--json"]).ok().json_lines();
    let wet = scratch.regtree(["import", path.to_str().unwrap(), "--json"]).ok().json_lines();
    assert_eq!(dry.last().unwrap()["added"], wet.last().unwrap()["added"]);
}

#[test]
fn what_the_tree_has_is_healed_and_not_written_again() {
    let scratch = Scratch::new();
    // It is not small.
    let layer = vec![3; 6 * 1024 * 1024];
    let big_layer = digest_by("sha256", &layer);
    let packed = pack(&layout_of_layer(&layer));
    let words = ["--repository", "app", "--tag", "v1", "--json"];
    import(&scratch, &packed, &words).code(0);
    let outcome = |run: Run| {
        let lines = run.code(0).json_lines();
        let blob = lines.iter().find(|line| line["type"] == "blob" && line["digest"] == big_layer.to_string());
        blob.unwrap()["outcome"].as_str().unwrap().to_owned()
    };
    assert_eq!(outcome(import(&scratch, &packed, &words)), "existed");
    let mut damaged = layer.clone();
    damaged[100] = 9;
    fs::write(scratch.blob(big_layer), &damaged).unwrap();
    assert_eq!(outcome(import(&scratch, &packed, &[&words[..], &["--no-verify-existing"]].concat())), "existed");
    assert!(fs::read(scratch.blob(big_layer)).unwrap() == damaged);
    assert_eq!(outcome(import(&scratch, &packed, &words)), "replaced");
    assert!(fs::read(scratch.blob(big_layer)).unwrap() == layer);
}

#[test]
fn a_layer_has_a_largest_size() {
    let scratch = Scratch::new();
    let packed = pack(&saved(&[(&Saved::of(&["one"]), &["app:v1"])]));
    import(&scratch, &packed, &["--max-layer-size", "1KiB"]).code(5).says(["layer.tar", "--max-layer-size", "1024"]);
    assert_nothing_staged(&scratch);
    assert_sound(&scratch);
}

#[test]
fn an_import_of_an_archive_killed_at_any_change_is_finished_by_the_next() {
    let packed = pack(&saved(&[(&Saved::of(&["one", "two"]), &["lib/app:v1"])]));
    let kills = at_every_change(
        || {
            let scratch = Scratch::new();
            let path = keep(&scratch, &packed);
            let call = scratch.regtree(["import", path.to_str().unwrap()]);
            (scratch, call)
        },
        |scratch, at, _| {
            assert_sound(scratch);
            if scratch.repository("lib/app").join("_manifests/tags/v1/current/link").exists() {
                scratch.regtree(["manifest", "verify", "lib/app", "v1", "--content"]).ok();
            }
            scratch.regtree(["import", scratch.root().join("archive").to_str().unwrap()]).ok();
            scratch.regtree(["manifest", "verify", "lib/app", "v1", "--content"]).ok();
            assert_eq!(staged(scratch), Vec::<PathBuf>::new(), "{at}");
        },
    );
    assert!(kills > 60, "{kills}");
}

#[test]
fn what_a_killed_import_left_is_used_by_the_next_and_removed_by_purge() {
    let big = vec![5; 6 * 1024 * 1024];
    let packed = pack(&layout_of_layer(&big));
    let killed = || {
        let scratch = Scratch::new();
        let path = keep(&scratch, &packed);
        let call = scratch.regtree(["import", path.to_str().unwrap(), "--repository", "app"]);
        assert_eq!(killed_at(&call, "fsync", 2).signal(), Some(9));
        assert!(!staged(&scratch).is_empty());
        (scratch, call)
    };
    let (scratch, call) = killed();
    // The file is moved to the tree, and not written again.
    let inode = |path: &Path| fs::metadata(path).unwrap().ino();
    let left = staged(&scratch).into_iter().find(|path| path.ends_with(format!("sha256-{}", file_name(&big)))).unwrap();
    let left = inode(&left);
    call.ok();
    assert_eq!(inode(&scratch.blob(digest_by("sha256", &big))), left);
    assert_nothing_staged(&scratch);
    let (scratch, _) = killed();
    let kept = scratch.regtree(["upload", "purge", "--older-than", "1h", "--json"]).ok().json();
    assert_eq!(kept["imports"], Value::Null);
    let dry = scratch.regtree(["upload", "purge", "--older-than", "0", "-n"]).ok();
    dry.says(["would remove", "that imports left"]);
    assert!(!staged(&scratch).is_empty());
    let purged = scratch.regtree(["upload", "purge", "--older-than", "0", "--json"]).ok().json_lines();
    assert!(purged.last().unwrap()["imports"]["bytes"].as_u64().unwrap() > big.len() as u64);
    assert_nothing_staged(&scratch);
}

#[test]
fn what_skopeo_saved_is_served_and_pulled_with_its_config() {
    let scratch = Scratch::new();
    let image = Image::new();
    image.lay_out(&layout_in(&scratch));
    let layout = format!("oci:{}", layout_in(&scratch).display());
    let [docker, oci] = ["docker.tar", "oci.tar"].map(|name| scratch.root().join(name));
    skopeo(&["copy", &layout, &format!("docker-archive:{}:quay.io/team/app:v1", docker.display())]);
    skopeo(&["copy", &layout, &format!("oci-archive:{}:v2", oci.display())]);
    scratch.regtree(["import", docker.to_str().unwrap()]).ok();
    scratch.regtree(["import", oci.to_str().unwrap(), "--repository", "team/app"]).ok();
    assert_eq!(tags(&scratch, "team/app")["v2"], digest_by("sha256", &image.manifest).to_string());
    let registry = DockerRegistry::serve(scratch.root());
    for tag in ["v1", "v2"] {
        let pulled = scratch.root().join("pulled");
        let from = format!("docker://{}/team/app:{tag}", registry.address());
        skopeo(&["copy", "--src-tls-verify=false", &from, &format!("oci:{}:{tag}", pulled.display())]);
        let digest = names(&pulled)[tag].parse::<regtree::Digest>().unwrap();
        let blob = |digest: &str| fs::read(pulled.join("blobs").join(digest.replace(':', "/"))).unwrap();
        let manifest: Value = serde_json::from_slice(&blob(&digest.to_string())).unwrap();
        let config: Value = serde_json::from_slice(&blob(manifest["config"]["digest"].as_str().unwrap())).unwrap();
        let expected: Value = serde_json::from_slice(&image.config).unwrap();
        assert_eq!(config["rootfs"], expected["rootfs"]);
    }
}
