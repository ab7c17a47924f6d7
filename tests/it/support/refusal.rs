//! How a call fails that is refused: as text and as JSON it names what it is about, it prints nothing on stdout, and it
//! leaves the tree as it was.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Regtree, snapshot};

/// How a call fails: its exit code, and the code in its JSON.
pub(crate) type Failure = (i32, &'static str);

pub(crate) const IO: Failure = (1, "UNKNOWN");
pub(crate) const USAGE: Failure = (2, "USAGE");
pub(crate) const MALFORMED_DIGEST: Failure = (2, "DIGEST_INVALID");
pub(crate) const MALFORMED_NAME: Failure = (2, "NAME_INVALID");
pub(crate) const NO_SUCH_RANGE: Failure = (2, "RANGE_INVALID");
pub(crate) const NO_REPOSITORY: Failure = (4, "NAME_UNKNOWN");
pub(crate) const NO_BLOB: Failure = (4, "BLOB_UNKNOWN");
pub(crate) const WRONG_DIGEST: Failure = (5, "DIGEST_INVALID");
pub(crate) const WRONG_SIZE: Failure = (5, "SIZE_INVALID");
pub(crate) const DAMAGED: Failure = (5, "DAMAGED");
pub(crate) const NO_TREE: Failure = (10, "NOT_A_TREE");
pub(crate) const REFUSED: Failure = (12, "REFUSED");

/// What the blobs of these tests hold.
pub(crate) const CONTENT: &[u8] = b"what the blob holds";
/// What a tree has never seen.
pub(crate) const OTHER: &[u8] = b"what no blob holds yet";

/// Expects `call` to fail as [`fails`] says, and to leave everything in `root` as it was.
#[track_caller]
pub(crate) fn refused(root: &Path, call: &Regtree, failure: Failure, names: &[&str]) {
    let before = tree(root);
    fails(call, failure, names);
    unchanged(root, &before, call);
}

/// Expects everything in `root` to be as it was before `call`.
#[track_caller]
pub(crate) fn unchanged(root: &Path, before: &BTreeMap<PathBuf, String>, call: &Regtree) {
    let after = tree(root);
    let differs = |path: &&PathBuf| before.get(*path) != after.get(*path);
    let changed: Vec<_> = before.keys().chain(after.keys()).filter(differs).collect();
    assert!(changed.is_empty(), "{:?}\nchanged {changed:?}", call.command());
}

/// Expects `call` to fail, as text and as JSON, to name each of `names` in both, and to print nothing.
#[track_caller]
pub(crate) fn fails(call: &Regtree, (exit, code): Failure, names: &[&str]) {
    call.clone().run().code(exit).silent().says(["error: "]).says(names);
    let error = call.clone().with(["--json"]).run().code(exit).silent().json_error();
    assert_eq!(error["code"], code, "{error}");
    let words = words(&error);
    for name in names {
        assert!(words.contains(name), "{name:?} is missing in {error}");
    }
}

/// Message and details of a JSON error, without JSON's own escapes.
fn words(error: &Value) -> String {
    let mut words = error["message"].as_str().unwrap().to_owned();
    for detail in error["detail"].as_object().unwrap().values() {
        words.push('\n');
        words.push_str(detail.as_str().map_or_else(|| detail.to_string(), str::to_owned).as_str());
    }
    words
}

/// Everything in `root` but regtree's own notes on locks.
pub(crate) fn tree(root: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = snapshot(root);
    found.retain(|path, _| !path.starts_with(".regtree"));
    found
}

/// A path as messages show it.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
