//! Bytes that others wrote: the bodies of the fuzz targets, on the test vectors and on vectors that were tampered with.

use std::fs;
use std::path::Path;

use crate::support::Scratch;
use crate::support::tampered::{Random, tamper};
use crate::support::vectors::{tree, versions};

#[expect(unreachable_pub, reason = "the fuzz targets are other crates")]
#[path = "../../fuzz/src/lib.rs"]
mod targets;

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

fn vectors(name: &str) -> Vec<Vec<u8>> {
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(name))
}

/// What the registries stored that may be a manifest.
fn manifests() -> Vec<Vec<u8>> {
    let mut found: Vec<_> = versions().iter().flat_map(|version| files(&tree(version).v2().join("blobs"))).collect();
    found.retain(|content| content.starts_with(b"{"));
    found.sort();
    found.dedup();
    found
}

#[test]
fn json_is_read_as_another_parser_reads_it() {
    tampered(targets::json, &[manifests(), vectors("schema1")].concat(), 20);
}

#[test]
fn whatever_manifest_can_be_stored_can_be_read_and_keeps_what_it_names() {
    tampered(targets::fill, &manifests(), 10);
}

#[test]
fn signatures_that_are_written_again_are_those_of_the_same_payload() {
    tampered(targets::schema1, &vectors("schema1"), 20);
}

#[test]
fn no_journal_leads_out_of_the_tree() {
    let scratch = Scratch::new();
    scratch.put("lib/app", b"unneeded");
    scratch.run(["gc", "--quarantine", "--min-age", "0", "--allow-rootless"]).code(0);
    let journal: Vec<_> = files(&scratch.root().join(".regtree/quarantine"));
    let journal: Vec<_> = journal.into_iter().filter(|content| content.starts_with(br#"{"type":"begin""#)).collect();
    tampered(targets::journal, &journal, 2000);
}

#[test]
fn hash_states_are_read_as_they_are_written() {
    tampered(targets::hash_state, &vectors("hashstates"), 50);
}
