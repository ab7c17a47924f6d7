//! Hash states that registries wrote, lost or garbled: none of them changes what a commit says.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{ID, append, commit, committed, digest, place, plant, start, upload};
use crate::support::Scratch;

/// One of the vectors.
pub(super) fn read(name: &str) -> Vec<u8> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/hashstates");
    fs::read(directory.join(name)).unwrap()
}

fn entries(class: &str) -> Vec<Value> {
    let index: Value = serde_json::from_slice(&read("index.json")).unwrap();
    index[class].as_array().unwrap().clone()
}

fn number(entry: &Value, field: &str) -> usize {
    usize::try_from(entry[field].as_u64().unwrap()).unwrap()
}

/// An upload of `content` with a state of that name.
fn with_state(scratch: &Scratch, content: &[u8], offset: usize, state: &[u8]) -> PathBuf {
    let path = plant(scratch, ID, content).join(format!("hashstates/sha256/{offset}"));
    Scratch::plant(&path, state);
    path
}

/// Expects an upload of `content` with that state to be committed under the right digest only, and not under that of
/// `lie`. What it said.
#[track_caller]
fn commits_rightly(name: &str, content: &[u8], offset: usize, lie: &[u8]) -> String {
    let scratch = Scratch::new();
    let path = with_state(&scratch, content, offset, &read(name));
    // The digest that a state gives is the likeliest wrong one.
    let state = read(name);
    let mut wrong = vec![digest(b"other"), digest(lie)];
    wrong.extend((state.len() == BINARY).then(|| stands_for(&state)));
    let right = digest(content);
    for wrong in wrong.iter().filter(|wrong| **wrong != right) {
        commit(&scratch, ID, wrong).run().code(5).silent().says([&right]);
    }
    let run = commit(&scratch, ID, &right).ok();
    committed(&scratch, ID, content);
    run.err().replace(path.to_str().unwrap(), "PATH")
}

/// Appends the tail to an upload of `content` with that state, and commits. The state that is written for the whole.
#[track_caller]
fn resumes_rightly(name: &str, content: &[u8], offset: usize) -> Vec<u8> {
    let (scratch, tail) = (Scratch::new(), read("tail.bin"));
    with_state(&scratch, content, offset, &read(name));
    let whole = [content, &tail].concat();
    let end = whole.len();
    assert_eq!(append(&scratch, ID, &tail).code(0).answer(), end.to_string(), "{name}");
    let state = fs::read(place(&scratch, ID).join(format!("hashstates/sha256/{end}"))).unwrap();
    assert_eq!(state.len(), BINARY, "{name}");
    commit(&scratch, ID, &digest(content)).run().code(5);
    commit(&scratch, ID, &digest(&whole)).ok();
    committed(&scratch, ID, &whole);
    state
}

/// The size of a state in the form of registries from 2.7 on: the magic bytes, the chaining value, the block and the
/// length.
const BINARY: usize = 108;

/// The digest of what a state in that form stands for, computed apart from the code under test.
fn stands_for(state: &[u8]) -> String {
    let mut chaining = [0; 8];
    for (word, bytes) in chaining.iter_mut().zip(state[4..36].as_chunks::<4>().0) {
        *word = u32::from_be_bytes(*bytes);
    }
    let length = u64::from_be_bytes(state[100..].try_into().unwrap());
    let mut rest = state[36..][..usize::try_from(length % 64).unwrap()].to_vec();
    rest.push(0x80);
    rest.resize(rest.len() + (120 - rest.len()) % 64, 0);
    rest.extend(length.wrapping_mul(8).to_be_bytes());
    sha2::block_api::compress256(&mut chaining, rest.as_chunks::<64>().0);
    format!("sha256:{}", hex::encode(chaining.map(u32::to_be_bytes).concat()))
}

#[test]
fn every_state_that_a_registry_wrote_lets_its_upload_be_committed() {
    let data = read("data.bin");
    for entry in entries("real") {
        let (name, offset) = (entry["file"].as_str().unwrap(), number(&entry, "offset"));
        let said = commits_rightly(name, &data[..offset], offset, b"");
        assert!(!said.contains("ignored"), "{name}: {said}");
    }
}

#[test]
fn every_state_that_a_registry_wrote_lets_its_upload_go_on() {
    let data = read("data.bin");
    for entry in entries("real") {
        let (name, offset) = (entry["file"].as_str().unwrap(), number(&entry, "offset"));
        let state = resumes_rightly(name, &data[..offset], offset);
        assert_eq!(stands_for(&state), entry["sha256_of_prefix_and_tail"], "{name}");
    }
}

#[test]
fn a_poisoned_state_changes_nothing() {
    let data = read("data.bin");
    for entry in entries("poisoned") {
        let (name, offset) = (entry["file"].as_str().unwrap(), number(&entry, "file_name_offset"));
        let size = number(&entry, "upload_size");
        // As it was found, and where it does the most harm.
        for length in [size, offset] {
            // It stands for the end of the data, not for its beginning.
            commits_rightly(name, &data[..length], offset, &data[size - offset..size]);
            let state = resumes_rightly(name, &data[..length], offset);
            assert!(state.starts_with(b"sha\x03"), "{name}");
        }
    }
}

#[test]
fn a_malformed_state_is_named_and_changes_nothing() {
    // Well-formed as far as anybody can see, or harmless.
    let unseen = ["bin-dirty-buffer", "bin-chaining-bit", "bin-buffer-bit", "gob-missing-typedefs"];
    let data = read("data.bin");
    let mut quiet = BTreeSet::new();
    for entry in entries("malformed") {
        let (name, offset) = (entry["file"].as_str().unwrap(), number(&entry, "stored_as_offset"));
        let said = commits_rightly(name, &data[..offset], offset, b"");
        if said.is_empty() {
            quiet.insert(name.trim_start_matches("malformed/").to_owned());
        } else {
            assert!(said.contains("warning: the hash state PATH is ignored"), "{name}: {said}");
        }
        resumes_rightly(name, &data[..offset], offset);
    }
    assert_eq!(quiet, unseen.map(str::to_owned).into());
}

#[test]
fn the_states_written_on_the_way_are_a_registrys_to_the_byte() {
    let (scratch, data) = (Scratch::new(), read("data.bin"));
    let id = start(&scratch);
    let mut begin = 0;
    for end in [1, 55, 63, 64, 65, 127, 128, 129, 1000, 4095, 4096, 70_000, 131_072] {
        append(&scratch, &id, &data[begin..end]).code(0);
        let state = fs::read(place(&scratch, &id).join(format!("hashstates/sha256/{end}"))).unwrap();
        assert_eq!(state, read(&format!("real/3.1.1-{end}")), "{end}");
        begin = end;
    }
    commit(&scratch, &id, &digest(&data)).ok();
}

#[test]
fn what_is_no_file_in_the_place_of_a_state_is_no_state() {
    let lies: [fn(&Path); 3] = [
        |path| fs::create_dir(path).unwrap(),
        |path| std::os::unix::fs::symlink("0", path).unwrap(),
        |path| fs::write(path, vec![0; 1 << 20]).unwrap(),
    ];
    for lie in lies {
        let scratch = Scratch::new();
        let path = plant(&scratch, ID, b"content").join("hashstates/sha256/7");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        lie(&path);
        commit(&scratch, ID, &digest(b"other")).run().code(5);
        commit(&scratch, ID, &digest(b"content")).ok().says(["warning: ", path.to_str().unwrap()]);
    }
}

#[test]
fn what_is_no_directory_in_the_place_of_the_states_blocks_no_commit() {
    for place in ["hashstates", "hashstates/sha256"] {
        let scratch = Scratch::new();
        let directory = plant(&scratch, ID, b"content");
        Scratch::plant(&directory.join(place), "no directory");
        upload(&scratch, "status", ID).ok();
        commit(&scratch, ID, &digest(b"content")).ok();
        committed(&scratch, ID, b"content");
    }
}

#[test]
fn states_of_other_hashes_and_with_odd_names_are_passed_over() {
    let scratch = Scratch::new();
    let directory = plant(&scratch, ID, b"content");
    for name in ["sha512/7", "sha256/0x7", "sha256/07", "sha256/seven", "sha256/-7", "md5/7"] {
        Scratch::plant(&directory.join("hashstates").join(name), read("malformed/bin-sha512-state"));
    }
    upload(&scratch, "status", ID).ok();
    assert_eq!(append(&scratch, ID, b"!").code(0).answer(), "8");
    commit(&scratch, ID, &digest(b"content!")).ok();
}
