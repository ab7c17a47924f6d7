//! What must hold of any bytes that one of the readers of untrusted content is given: it does not panic, and what it
//! accepts it accepts in every form.
//!
//! Each function is the body of a fuzz target. `tests/unit/untrusted.rs` calls the same functions with the test vectors.

use std::cell::LazyCell;
use std::collections::BTreeSet;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::IgnoredAny;

use crate::digest::{Digest, Hasher};
use crate::durable::Writer;
use crate::image::{self, Import, ReadSource, Source};
use crate::layout;
use crate::manifest::json::{Event, Reader};
use crate::manifest::schema1::{self, Signed};
use crate::manifest::{self, Kind, Manifest, decode};
use crate::quarantine::{self, RunId};
use crate::registry::Registry;
use crate::repository::Repository;
use crate::stream::Watch;
use crate::tag;
use crate::tarsum::{Function, Tarsum, Version};
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

/// Archives of images, compressed or not: what is not refused is imported whole, and nothing is left elsewhere.
pub fn archive(bytes: &[u8]) {
    let watch = Watch::none();
    IMPORTED.with(|imported| {
        let (_, registry) = &**imported;
        let writer = registry.writer("fuzz", jiff::Timestamp::UNIX_EPOCH, Duration::ZERO).expect("a lock");
        let mut how = ReadSource::new(&watch);
        (how.layer_max, how.writer) = (1 << 20, Some(&writer));
        if let Ok(source) = Source::read(Cursor::new(bytes.to_vec()), Path::new("archive"), &how) {
            import(registry, &writer, source, &watch);
        }
    });
}

/// Layers by a tarsum: in pieces they have the sums that they have in one, and there is a hash for each or a reason.
pub fn tarsum(bytes: &[u8]) {
    for version in Version::ALL {
        let in_pieces = |size: usize| {
            let mut tarsum = Tarsum::new(version, Function::Sha256);
            bytes.chunks(size).for_each(|piece| tarsum.update(piece));
            tarsum.finish()
        };
        let whole = in_pieces(bytes.len().max(1));
        assert!(whole.as_ref().is_ok_and(|sums| !sums.all.is_empty()) || whole.is_err());
        for size in [1, 511, 4096] {
            let sums = in_pieces(size);
            assert!(sums == whole || sums.is_err() && whole.is_err(), "{sums:?} {whole:?}");
        }
    }
}

/// Indexes of image layouts: as the first one, and nested in another.
pub fn index(bytes: &[u8]) {
    let (watch, layout) = (Watch::none(), tempfile::tempdir().expect("a directory for the layout"));
    let digest = Digest::of(bytes);
    let blobs = layout.path().join("blobs/sha256");
    fs::create_dir_all(&blobs).expect("a layout");
    fs::write(layout.path().join("oci-layout"), "{}").expect("a layout");
    fs::write(blobs.join(&*digest.hex()), bytes).expect("a blob");
    let outer = format!(r#"{{"manifests":[{{"digest":"{digest}","size":{}}}]}}"#, bytes.len());
    IMPORTED.with(|imported| {
        let (_, registry) = &**imported;
        let writer = registry.writer("fuzz", jiff::Timestamp::UNIX_EPOCH, Duration::ZERO).expect("a lock");
        for index in [bytes, outer.as_bytes()] {
            fs::write(layout.path().join("index.json"), index).expect("an index");
            if let Ok(source) = Source::open(layout.path(), &ReadSource::new(&watch)) {
                import(registry, &writer, source, &watch);
            }
        }
    });
}

/// Imports the images of a source as `lib/app:v1`. If there is such a tag then, it leads to a whole image.
fn import(registry: &Registry, writer: &Writer<'_>, source: Source, watch: &Watch<'_>) {
    let (repository, tag) = ("lib/app".parse().expect("a name"), "v1".parse().expect("a tag"));
    let mut how = Import::default();
    (how.names.repository, how.names.tag) = (Some(repository), Some(tag));
    let (names, now) = (&how.names, jiff::Timestamp::UNIX_EPOCH);
    let imported = image::import(registry.tree(), Some(writer), &[source], &how, now, watch, drop);
    if let (Ok(()), Some(name), Some(tag)) = (imported, &names.repository, &names.tag) {
        let repository = Repository::new(registry.tree(), name.clone());
        if let Some(digest) = tag::find(&repository, tag).expect("a tag that can be read") {
            manifest::get(&repository, digest).expect("a manifest that a tag leads to");
        }
    }
    let left = fs::read_dir(registry.tree().root().join(".regtree/import")).map_or(0, Iterator::count);
    assert_eq!(left, 0, "something is left");
}

thread_local! {
    /// A tree that images are imported into.
    static IMPORTED: LazyCell<(tempfile::TempDir, Registry)> = LazyCell::new(|| {
        let root = tempfile::tempdir().expect("a directory for the tree");
        let (registry, _) = Registry::create(root.path()).expect("a tree");
        (root, registry)
    });
}

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
#[path = "untrusted.rs"]
mod tests;
