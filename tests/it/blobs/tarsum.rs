//! Layers that registries up to 2.2 took by a tarsum: the sum of what a tar archive says, and no hash of its bytes.

use std::fs;

use regtree::Digest;
use serde_json::Value;

use crate::support::refusal::{DAMAGED, Failure, WRONG_DIGEST, fails, refused};
use crate::support::scratch::digest_by;
use crate::support::tar_writer::{Header, TarWriter, gzip};
use crate::support::tarsum::{layer, tarsum};
use crate::support::vectors::{tree, truth};
use crate::support::{Regtree, Scratch};

const REPOSITORY: &str = "lib/app";
const UNKNOWN_VERSION: Failure = WRONG_DIGEST;

fn put(scratch: &Scratch, digest: &str, content: &[u8]) -> Regtree {
    scratch.regtree(["blob", "put", REPOSITORY, "--digest", digest]).stdin(content)
}

/// The layers that registries took by a tarsum, of every version that has some: the tarsum, and the bytes.
fn real_layers() -> Vec<(Digest, Vec<u8>)> {
    let mut layers = Vec::new();
    for version in ["2.0.0-alpha.0", "2.0.0-alpha.3", "2.0.0", "2.1.0", "2.2.0"] {
        let (scratch, truth) = (tree(version), truth(version));
        for repository in truth["repositories"].as_object().unwrap().values() {
            let links = repository["layer_links"].as_object().unwrap();
            for (key, target) in links.iter().filter(|(key, _)| key.starts_with("tarsum")) {
                let target = target.as_str().unwrap().parse().unwrap();
                layers.push((key.parse().unwrap(), fs::read(scratch.blob(target)).unwrap()));
            }
        }
    }
    layers
}

#[test]
fn every_layer_that_a_registry_took_is_taken() {
    let layers = real_layers();
    assert_eq!(layers.len(), 12);
    for (tarsum, content) in layers {
        let scratch = Scratch::new();
        put(&scratch, &tarsum.to_string(), &content).ok();
        assert_eq!(fs::read(scratch.blob(digest_by("sha256", &content))).unwrap(), content);
    }
}

#[test]
fn a_layer_is_stored_as_registries_up_to_2_2_did_and_a_note_says_who_can_t_read_that() {
    let (plain, tarsum) = (layer(b"content"), tarsum(b"content"));
    for content in [plain.clone(), gzip(&plain)] {
        let (scratch, digest) = (Scratch::new(), digest_by("sha256", &content));
        let run = put(&scratch, &tarsum.to_string(), &content).ok();
        assert_eq!(run.answer(), digest.to_string());
        run.says(["registries from 2.3 on can't read the link", "3.x may fail on it"]);
        assert_eq!(fs::read(scratch.blob(digest)).unwrap(), content);
        for key in [digest, tarsum] {
            assert_eq!(fs::read_to_string(scratch.link(REPOSITORY, key)).unwrap(), digest.to_string());
        }
        assert_eq!(scratch.run(["blob", "get", REPOSITORY, &tarsum.to_string()]).code(0).bytes(), content);
        let again = put(&scratch, &tarsum.to_string(), &content).with(["--json"]).ok().json();
        assert_eq!((&again["alias"], &again["outcome"]), (&tarsum.to_string().into(), &Value::from("existed")));
    }
    // The other versions, whose rules differ in the time alone here, and another hash.
    let scratch = Scratch::new();
    let dev = tarsum.to_string().replace(".v1", ".dev");
    put(&scratch, &dev, &plain).ok();
    refused(scratch.root(), &put(&scratch, &dev.replace(".dev", ""), &plain), WRONG_DIGEST, &["tarsum+sha256:"]);
    let nothing = digest_by("sha512", b"").to_string();
    put(&scratch, &format!("tarsum+{nothing}"), &[0; 1024]).ok();
}

#[test]
fn a_put_that_only_checks_writes_nothing() {
    let (scratch, content) = (Scratch::new(), layer(b"content"));
    let before = crate::support::snapshot(scratch.root());
    put(&scratch, &tarsum(b"content").to_string(), &content).with(["-n"]).ok();
    put(&scratch, &tarsum(b"other").to_string(), &content).with(["-n"]).run().code(5);
    assert_eq!(crate::support::snapshot(scratch.root()), before);
}

#[test]
fn content_with_another_tarsum_is_refused_and_both_are_named() {
    let scratch = Scratch::new();
    let (expected, found) = (tarsum(b"other").to_string(), tarsum(b"content").to_string());
    for content in [layer(b"content"), gzip(&layer(b"content"))] {
        refused(scratch.root(), &put(&scratch, &expected, &content), WRONG_DIGEST, &[&expected, &found, REPOSITORY]);
    }
}

#[test]
fn content_that_is_no_archive_is_refused_with_the_place() {
    let (scratch, expected) = (Scratch::new(), tarsum(b"content").to_string());
    let whole = layer(b"content");
    let packed = gzip(&whole);
    let endless = TarWriter::new().header(Header::new(b'0', "a", u64::MAX >> 1)).end();
    let sparse = TarWriter::new().header(Header::new(b'S', "a", 0)).end();
    let broken = TarWriter::new().file("a", b"").header(Header::new(b'0', "b", 0).wrong_checksum()).end();
    let cases: [(&[u8], &str); 8] = [
        (b"no archive", "at byte 10 of the archive: the header is cut short"),
        (&[b'a'; 1024], "at byte 0 of the archive: no tar header"),
        (&broken, "at byte 512 of the archive: no tar header: its checksum is wrong"),
        (&whole[..515], "at byte 515 of the archive: the content of an entry is cut short"),
        (&packed[..30], "of the unpacked archive: the gzip stream is damaged"),
        (&endless, "of the archive: the content of an entry is cut short"),
        (&[&[0; 512][..], &whole].concat(), "at byte 512 of the archive: a block of zeros, and then something else"),
        (&sparse, "at byte 0 of the archive: a sparse file"),
    ];
    for (content, reason) in cases {
        refused(scratch.root(), &put(&scratch, &expected, content), WRONG_DIGEST, &[&expected, reason, REPOSITORY]);
    }
}

#[test]
fn a_version_that_no_registry_knew_is_unsupported() {
    let scratch = Scratch::new();
    let hex = &*tarsum(b"content").hex();
    for digest in ["tarsum.v2", "tarsum.v23"].map(|version| format!("{version}+sha256:{hex}")) {
        let named = format!("'{digest}'");
        let names = [named.as_str(), "unsupported tarsum version"];
        refused(scratch.root(), &put(&scratch, &digest, &layer(b"content")), UNKNOWN_VERSION, &names);
        let commit = scratch.regtree(["upload", "commit", REPOSITORY, "id", "--digest", &digest]);
        refused(scratch.root(), &commit, UNKNOWN_VERSION, &names);
    }
}

#[test]
fn an_upload_is_committed_by_a_tarsum() {
    let (scratch, content, tarsum) = (Scratch::new(), layer(b"content"), tarsum(b"content"));
    let (first, last) = content.split_at(514);
    let id = scratch.run(["upload", "start", REPOSITORY]).code(0).answer();
    scratch.regtree(["upload", "resume", REPOSITORY, &id]).stdin(first).ok();
    let commit = |digest: &Digest, last: &[u8]| {
        let commit = scratch.regtree(["upload", "commit", REPOSITORY, &id, "-", "--digest", &digest.to_string()]);
        commit.stdin(last)
    };
    let other = crate::support::tarsum::tarsum(b"other");
    refused(scratch.root(), &commit(&other, last), WRONG_DIGEST, &[&tarsum.to_string(), &other.to_string()]);
    refused(scratch.root(), &commit(&tarsum, b"x"), WRONG_DIGEST, &["at byte", "the archive"]);
    commit(&tarsum, last).ok().says(["registries from 2.3 on can't read the link"]);
    let digest = digest_by("sha256", &content);
    for key in [digest, tarsum] {
        assert_eq!(fs::read_to_string(scratch.link(REPOSITORY, key)).unwrap(), digest.to_string());
    }
    assert!(scratch.uploads(REPOSITORY).is_empty());
}

#[test]
fn what_is_asked_for_by_a_tarsum_is_verified() {
    let (scratch, tarsum) = (Scratch::new(), tarsum(b"content"));
    put(&scratch, &tarsum.to_string(), &layer(b"content")).ok();
    let (stat, get) =
        (["blob", "stat", REPOSITORY, &tarsum.to_string()], ["blob", "get", REPOSITORY, &tarsum.to_string()]);
    scratch.run(stat).code(0).prints("tarsum:     verified");
    assert_eq!(scratch.regtree(stat).with(["--json"]).ok().json()["verified"], true);
    let file = scratch.root().join("layer.tar");
    let written = scratch.regtree(get).with(["--json", "-o"]).with([&file]).ok().json();
    assert_eq!(written["verified"], true);
    // The link leads to other content now.
    let leads_to = |content: &[u8]| {
        let digest = scratch.put(REPOSITORY, content);
        Scratch::plant(&scratch.link(REPOSITORY, tarsum), digest.to_string());
        digest
    };
    leads_to(&layer(b"other"));
    let other = crate::support::tarsum::tarsum(b"other").to_string();
    fails(&scratch.regtree(stat), DAMAGED, &[&tarsum.to_string(), &other, REPOSITORY]);
    scratch.run(get).code(5).says([&tarsum.to_string(), &other]);
    leads_to(b"no archive");
    fails(&scratch.regtree(stat), DAMAGED, &[&tarsum.to_string(), "at byte 10 of the archive"]);
    scratch.run(get).code(5).says(["at byte 10 of the archive"]);
    // Of a sparse file regtree computes none.
    let digest = leads_to(&TarWriter::new().header(Header::new(b'S', "a", 0)).end());
    scratch.run(stat).code(0).prints("tarsum:     not verified").says(["was not verified: at byte 0", "sparse"]);
    assert_eq!(scratch.regtree(stat).with(["--json"]).ok().json()["verified"], false);
    scratch.run(get).code(0).says(["was not verified: at byte 0"]);
    assert_eq!(scratch.regtree(get).with(["--json", "-o"]).with([&file]).ok().json()["verified"], false);
    // By the digest of the bytes it is what it is.
    scratch.run(["blob", "get", REPOSITORY, &digest.to_string()]).code(0);
}

#[test]
fn a_layer_of_the_alphas_is_verified_by_the_tarsum_that_it_is_stored_under() {
    let (version, repository) = ("2.0.0-alpha.0", "core/lib");
    let scratch = tree(version);
    let links = truth(version)["repositories"][repository]["layer_links"].as_object().unwrap().clone();
    let tarsum: Digest = links.keys().next().unwrap().parse().unwrap();
    let stat = scratch.regtree(["blob", "stat", repository, &tarsum.to_string()]);
    stat.clone().ok().prints("tarsum:     verified");
    fs::write(scratch.blob(tarsum), layer(b"other")).unwrap();
    let other = crate::support::tarsum::tarsum(b"other").to_string();
    fails(&stat, DAMAGED, &[&tarsum.to_string(), &other, repository]);
}
