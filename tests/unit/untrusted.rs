//! Bytes that others wrote: the bodies of the fuzz targets, on the test vectors and on vectors that were tampered with.

use std::fs;
use std::io::Read;

use super::*;
use crate::layout::blob_directory;
use crate::quarantine::{Item, ItemKind, Run};
use crate::upload;

#[path = "../it/support/tampered.rs"]
mod tampered;
#[path = "../it/support/tar_writer.rs"]
#[expect(dead_code, reason = "the other tests use it")]
mod tar_writer;

use tampered::{Random, tamper};
use tar_writer::{TarWriter, gzip, zstd};

/// Calls a target with each seed, and with `rounds` documents that come of it.
fn tampered(target: fn(&[u8]), seeds: &[Vec<u8>], rounds: usize) {
    let mut random = Random::new(7);
    assert!(!seeds.is_empty(), "there is nothing to begin with");
    for seed in seeds {
        target(seed);
        let mut bytes = seed.clone();
        for _ in 0..rounds {
            // Each round adds to the last, until nothing of the seed is left to find.
            if bytes.is_empty() || random.below(4) == 0 {
                bytes.clone_from(seed);
            }
            if !bytes.is_empty() {
                tamper(&mut bytes, &mut random);
            }
            target(&bytes);
        }
    }
}

/// The files below a directory, without those that are larger than any seed has to be.
fn files(directory: &Path) -> Vec<Vec<u8>> {
    let entries = walkdir::WalkDir::new(directory).sort_by_file_name().into_iter().map(Result::unwrap);
    let small = entries.filter(|entry| entry.file_type().is_file() && entry.metadata().unwrap().len() < 1 << 16);
    small.map(|entry| fs::read(entry.path()).unwrap()).collect()
}

fn vectors(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(name)
}

/// What the registries stored that may be a manifest.
fn manifests() -> Vec<Vec<u8>> {
    let archives = fs::read_dir(vectors("trees")).unwrap().map(|entry| entry.unwrap().path());
    let archives = archives.filter(|path| path.extension().is_some_and(|extension| extension == "gz"));
    let mut found: Vec<Vec<u8>> = archives.flat_map(|archive| blobs(&archive)).collect();
    found.retain(|content| content.starts_with(b"{"));
    found.sort();
    found.dedup();
    assert!(found.len() > 50, "{}", found.len());
    found
}

/// The blobs of an archived tree, without those that are larger than any seed has to be.
fn blobs(archive: &Path) -> Vec<Vec<u8>> {
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(fs::File::open(archive).unwrap()));
    let entries = archive.entries().unwrap().map(Result::unwrap);
    let small = entries.filter(|entry| entry.path().unwrap().ends_with("data") && entry.size() < 1 << 16);
    small
        .map(|mut entry| {
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            content
        })
        .collect()
}

#[test]
fn tarsums_come_of_any_pieces() {
    let layers: Vec<Vec<u8>> = ["2.0.0-alpha.0", "2.0.0"]
        .iter()
        .flat_map(|version| blobs(&vectors(&format!("trees/{version}.tar.gz"))))
        .filter(|content| !content.starts_with(b"{") && content.len() < 8192)
        .collect();
    assert!(layers.len() > 3, "{}", layers.len());
    let long =
        TarWriter::new().gnu_name(&"n".repeat(600)).pax(&[("path", "p"), ("mtime", "-1.5")]).file("a", b"b").end();
    let packed = gzip(&long);
    tampered(super::tarsum, &[layers, vec![long, packed]].concat(), 60);
}

#[test]
fn json_is_read_as_another_parser_reads_it() {
    tampered(super::json, &[manifests(), files(&vectors("schema1"))].concat(), 20);
}

#[test]
fn whatever_manifest_can_be_stored_can_be_read_and_keeps_what_it_names() {
    tampered(super::fill, &manifests(), 10);
}

#[test]
fn signatures_that_are_written_again_are_those_of_the_same_payload() {
    tampered(super::schema1, &files(&vectors("schema1")), 20);
}

#[test]
fn no_journal_leads_out_of_the_tree() {
    let root = tempfile::tempdir().unwrap();
    let (registry, _) = Registry::create(root.path()).unwrap();
    let now = jiff::Timestamp::now();
    let writer = registry.exclusive_writer("test", now, Duration::ZERO).unwrap();
    let (name, source) = ("lib/app".parse().unwrap(), Cursor::new(b"unneeded"));
    let put = upload::Put::new("memory").store(&writer, &name, source, now, &Watch::none()).unwrap();
    let mut run = Run::begin(&writer, "gc", now).unwrap();
    let (digest, size) = (put.descriptor.digest, put.descriptor.size);
    let blob = Item::new(ItemKind::Blob, blob_directory(&digest)).digest(digest).size(size);
    assert!(run.take_one(blob).unwrap());
    run.finish().unwrap();
    let journal: Vec<_> = files(&root.path().join(".regtree/quarantine"));
    let journal: Vec<_> = journal.into_iter().filter(|content| content.starts_with(br#"{"type":"begin""#)).collect();
    tampered(super::journal, &journal, 2000);
}

#[test]
fn hash_states_are_read_as_they_are_written() {
    tampered(super::hash_state, &files(&vectors("hashstates")), 50);
}

/// A small image: the files of its layout, with one layer.
fn layout() -> Vec<(String, Vec<u8>)> {
    let name = |content: &[u8]| format!("blobs/sha256/{}", &*Digest::of(content).hex());
    let layer = TarWriter::new().file("content", b"content").end();
    let config = br#"{"os":"linux","architecture":"amd64"}"#.to_vec();
    let describe = |content: &[u8]| format!(r#"{{"digest":"{}","size":{}}}"#, Digest::of(content), content.len());
    let (config_text, layer_text) = (describe(&config), describe(&layer));
    let manifest =
        format!(r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","config":{config_text},"layers":[{layer_text}]}}"#);
    let index = format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, describe(manifest.as_bytes()));
    let blobs = [layer, config, manifest.into_bytes()].map(|content| (name(&content), content));
    let begin = [("oci-layout".to_owned(), b"{}".to_vec()), ("index.json".to_owned(), index.into_bytes())];
    begin.into_iter().chain(blobs).collect()
}

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

fn docker_archive() -> Vec<u8> {
    let layer = TarWriter::new().file("content", b"content").end();
    let config = format!(r#"{{"rootfs":{{"diff_ids":["{}"]}}}}"#, Digest::of(&layer));
    let manifest = br#"[{"Config":"c.json","RepoTags":["a:1"],"Layers":["a/layer.tar","b/layer.tar"]}]"#;
    let begin = TarWriter::new().file("c.json", config.as_bytes()).file("a/layer.tar", &layer);
    begin.link(b'2', "b/layer.tar", "../a/layer.tar").file("manifest.json", manifest).end()
}

fn archives() -> Vec<Vec<u8>> {
    let plain = TarWriter::new().all(&layout()).end();
    let named =
        TarWriter::new().pax(&[("path", "oci-layout")]).file("x", b"{}").gnu_name("index.json").file("x", b"{}");
    vec![gzip(&plain), zstd(&plain, 5000, b"", 20), plain, docker_archive(), named.end()]
}

#[test]
fn archives_are_imported_whole_or_not_at_all() {
    tampered(super::archive, &archives(), 150);
}

#[test]
fn an_archive_may_be_cut_off_anywhere() {
    for archive in archives() {
        // A byte of padding more or less is nothing new.
        for length in (0..archive.len()).filter(|length| length % 512 < 40 || length % 512 > 500) {
            super::archive(&archive[..length]);
        }
    }
}

#[test]
fn indexes_are_read_first_and_nested() {
    let indexes: Vec<Vec<u8>> =
        layout().into_iter().map(|(_, content)| content).filter(|it| it.starts_with(b"{")).collect();
    tampered(super::index, &[indexes, manifests()].concat(), 3);
}
