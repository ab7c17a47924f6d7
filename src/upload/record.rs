//! regtree's own records of uploads, in `.regtree/uploads` and `.regtree/commits`: hash states, and intents to commit.
//!
//! **A hash state in a record is proven to be that of the data**, so a commit need not read the data. For a registry's
//! state, layout.md §4.6 asks for a check before it is used; regtree is stricter and never trusts one. A record names
//! the file that it was made of: device, inode, size, and both times to the nanosecond. They are taken after the data
//! was synced, while a [`WriteProof`] proves that no other process has written to it. A later write changes the times.
//! The record is used only if all of these values are still the same.
//!
//! An intent is written before a commit moves the data to its place, and names that place. With it, the same command
//! can finish a commit that was killed later, and no other upload without data is mistaken for such a commit.
//!
//! A failure here only means that the data is read again, or that a killed commit has to start again.

use std::fs::File;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::hash_state;
use crate::digest::{Digest, Midstate};
use crate::durable::{Identity, Sync, WriteProof, private};
use crate::name::{RepositoryName, UploadId};
use crate::tree::Tree;

const STATES: &str = "uploads";
const INTENTS: &str = "commits";
/// Longer than one step of the file times of any kernel, which is a tick of at most 10 ms.
const STEP: Duration = Duration::from_millis(12);

#[derive(Debug, Serialize, Deserialize)]
struct Record {
    data: Identity,
    state: String,
}

/// The file name of a record. It is a hash because names and ids can have characters that our file names do not have.
fn name(repository: &RepositoryName, id: &UploadId) -> String {
    format!("{}.json", Digest::of(format!("{repository}\n{id}").as_bytes()).hex())
}

/// Records that `state` is the hash state of all of `data`, if `proof` proves it. `data` must be synced. Best effort.
pub(super) fn keep(
    tree: &Tree,
    repository: &RepositoryName,
    id: &UploadId,
    data: &File,
    state: &Midstate,
    proof: &WriteProof,
) {
    let Some(identity) = settled(data) else { return };
    // First the identity, then the proof: the proof shows any write before it, and a later write changes the times.
    if identity.size != state.length() || !proof.holds() {
        return;
    }
    let record = Record { data: identity, state: hex::encode(hash_state::encode(state)) };
    if let Ok(text) = serde_json::to_vec(&record) {
        // Without a record, the data is read.
        let _ = private::write_record(tree, STATES, &name(repository, id), &text, Sync::Later);
    }
}

/// The identity of `data`, if it will show every later change.
fn settled(data: &File) -> Option<Identity> {
    if settle(data) { Identity::of(data).ok() } else { None }
}

/// Waits until the times of `data` will show every later change. A change within the same step would not show. `false`
/// when the times of the file system are too coarse.
pub(super) fn settle(data: &File) -> bool {
    let Some(changed) = Identity::of(data).ok().and_then(|identity| identity.changed()) else { return false };
    std::thread::sleep(STEP.saturating_sub(age(changed)));
    true
}

/// How long ago a file changed; 0 for a time in the future.
#[expect(
    clippy::disallowed_methods,
    reason = "file times are by the kernel's own clock, whatever the caller's time is"
)]
fn age(changed: SystemTime) -> Duration {
    changed.elapsed().unwrap_or_default()
}

/// The hash state of all of `data`, if there is a record of this file and its identity is unchanged.
pub(super) fn proven(
    tree: &Tree,
    repository: &RepositoryName,
    id: &UploadId,
    data: &File,
) -> Option<(Midstate, Identity)> {
    let text = private::read_record(tree, STATES, &name(repository, id))?;
    let record: Record = serde_json::from_slice(&text).ok()?;
    let state = hash_state::decode(&hex::decode(record.state).ok()?).ok()?;
    let same = Identity::of(data).ok()? == record.data && record.data.size == state.length();
    same.then_some((state, record.data))
}

/// Records that a commit is about to publish `digest`. The record is on the disk when this returns. Best effort.
pub(super) fn intend(tree: &Tree, repository: &RepositoryName, id: &UploadId, digest: Digest) {
    let _ = private::write_record(tree, INTENTS, &name(repository, id), digest.to_string().as_bytes(), Sync::Now);
}

/// The digest that a killed commit was about to publish.
pub(super) fn intended(tree: &Tree, repository: &RepositoryName, id: &UploadId) -> Option<Digest> {
    let text = private::read_record(tree, INTENTS, &name(repository, id))?;
    std::str::from_utf8(&text).ok()?.parse().ok()
}

/// Removes the record of [`intend`], because the data stays where it is.
pub(super) fn give_up(tree: &Tree, repository: &RepositoryName, id: &UploadId) {
    private::forget_record(tree, INTENTS, &name(repository, id));
}

/// Removes the records of an upload that has ended.
pub(super) fn forget(tree: &Tree, repository: &RepositoryName, id: &UploadId) {
    for kind in [STATES, INTENTS] {
        private::forget_record(tree, kind, &name(repository, id));
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn who_has_waited_sees_any_later_change() {
        let mut file = tempfile::tempfile().unwrap();
        for _ in 0..5 {
            file.write_all(b"another process's").unwrap();
            if settle(&file) {
                let before = Identity::of(&file).unwrap();
                assert!(age(before.changed().unwrap()) >= STEP);
                file.write_all(b"later").unwrap();
                assert_ne!(Identity::of(&file).unwrap(), before);
            }
        }
    }
}
