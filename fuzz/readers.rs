//! What must hold of any bytes that one of the readers of untrusted content is given: it does not panic, and what it
//! accepts it accepts in every form.
//!
//! Each function is the body of a fuzz target. `tests/unit/untrusted.rs` calls the same functions with the test vectors.

use std::cell::LazyCell;
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use serde::de::IgnoredAny;

use crate::digest::{Digest, Hasher};
use crate::layout;
use crate::manifest::json::{Event, Reader};
use crate::manifest::schema1::{self, Signed};
use crate::manifest::{Kind, Manifest, decode};
use crate::quarantine::{self, RunId};
use crate::registry::Registry;
use crate::upload::hash_state;

/// JSON: another parser finds the same documents valid, and a value that is skipped has the bytes that it was read from.
pub fn json(bytes: &[u8]) {
    let mut reader = Reader::new(bytes);
    let read = loop {
        match reader.next() {
            Ok(Some(Event::String(text) | Event::Key(text))) => drop(text.decode()),
            Ok(Some(_)) => {}
            Ok(None) => break true,
            Err(fault) => {
                assert!(fault.offset <= bytes.len(), "{fault:?}");
                break false;
            }
        }
    };
    let theirs = serde_json::from_slice::<IgnoredAny>(bytes);
    assert_eq!(read, theirs.is_ok(), "{theirs:?}");
    let mut again = Reader::new(bytes);
    if let Ok(Some(first)) = again.next() {
        let raw = again.raw(first);
        assert!(!read || raw == Ok(bytes.trim_ascii()), "{raw:?}");
    }
}

/// Manifests: whatever can be stored can be read, and a collection keeps every digest that was checked when it was stored.
pub fn fill(bytes: &[u8]) {
    let read = Manifest::read(bytes);
    for kind in Kind::KNOWN {
        let read_as = Manifest::read_as(bytes, kind);
        assert_eq!(read_as.is_ok(), read.is_ok());
        if let Ok(stored) = decode(bytes, kind.media_type()) {
            let kept = digests(&read_as.expect("what is stored can be read"));
            assert!(digests(&stored).is_subset(&kept), "{stored:?}");
        }
    }
    if let Ok(stored) = decode(bytes, None) {
        let read = read.expect("what is stored can be read");
        assert!(digests(&stored).is_subset(&digests(&read)), "{stored:?}\n{read:?}");
    }
}

fn digests(manifest: &Manifest) -> BTreeSet<Digest> {
    manifest.retained().map(|(digest, _)| digest).collect()
}

/// Signed manifests: the signatures, stored apart or written again as registries do, are those of the same payload.
pub fn schema1(bytes: &[u8]) {
    let Ok(signed) = schema1::parse(bytes) else { return };
    let verdicts = verdicts(&signed);
    let stored: Vec<Vec<u8>> = signed.signatures().iter().map(schema1::Signature::stored).collect();
    if let Ok(assembled) = schema1::from_stored(signed.payload().to_vec(), &stored) {
        assert_eq!(assembled.payload(), signed.payload());
        assert_eq!(self::verdicts(&assembled), verdicts);
    }
    if let Ok(again) = schema1::parse(&signed.pretty()) {
        assert_eq!(again.payload(), signed.payload());
    }
}

/// Which signatures are right.
fn verdicts(signed: &Signed) -> Vec<bool> {
    signed.verify().iter().map(|verdict| verdict.error().is_none()).collect()
}

/// Journals of the quarantine: whatever they say, nothing outside of the tree would be put back.
pub fn journal(bytes: &[u8]) {
    thread_local! {
        static TREE: LazyCell<(tempfile::TempDir, Registry, PathBuf)> = LazyCell::new(|| {
            let root = tempfile::tempdir().expect("a directory for the tree");
            let (registry, _) = Registry::create(root.path()).expect("a tree");
            let run = root.path().join(".regtree/quarantine").join(RUN);
            fs::create_dir_all(run.join("things")).expect("a run");
            (root, registry, run.join("journal"))
        });
    }
    TREE.with(|tree| {
        let (_, registry, journal) = &**tree;
        fs::write(journal, bytes).expect("a journal");
        let id: RunId = RUN.parse().expect("a name of a run");
        let contents = quarantine::show(registry.tree(), &id).expect("a run that can be read");
        assert_eq!(contents.summary.items, 0);
        for (noted, is_there) in &contents.items {
            let path = &noted.item.path;
            assert!(!is_there && path.parent().is_some() && !layout::is_in_quarantine(path), "{path}");
            assert!(path.to_string().split('/').all(|segment| segment != ".."), "{path}");
        }
    });
}

const RUN: &str = "20261121T123000Z-ffffffff";

/// Hash states of uploads: a state that is read can be written, read again, and hashed on from.
pub fn hash_state(bytes: &[u8]) {
    let Ok(state) = hash_state::decode(bytes) else { return };
    let written = hash_state::encode(&state);
    assert!(hash_state::decode(&written) == Ok(state), "{written:?}");
    let mut hasher = Hasher::resume(state);
    hasher.update(b"more");
    assert_eq!(hasher.midstate().map(|state| state.length()), state.length().checked_add(4));
    let _ = hasher.finish();
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
#[path = "../tests/unit/untrusted.rs"]
mod tests;
