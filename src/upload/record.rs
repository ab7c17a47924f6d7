//! regtree's own records of uploads, in `.regtree/uploads`: how far the hash is, and what a commit is about to do.
//!
//! **A state here is proven to be that of the data**, so that a commit need not read it (layout.md §4.6 asks for that
//! before a state of the registry's is believed; this is the stricter reading: the registry's are never believed). It says
//! which file it was made of: device, inode, length, and both times to the nanosecond, taken after the data was synced
//! and while a [`SoleWriter`] proved that nobody else had written to it. Whoever writes later moves the times. Only when
//! all of that still agrees is it used.
//!
//! An intent says, before a commit moves the data to its place, which place that is: so that the same command can finish a
//! commit that was killed after that, and no other upload without data passes for such a one.
//!
//! Whatever goes wrong here costs a reading of the data, or that a killed commit has to be begun again.

use std::fs::File;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::hash_state;
use crate::digest::{Digest, Midstate};
use crate::durable::{Identity, SoleWriter, Sync, private};
use crate::name::{RepositoryName, UploadId};
use crate::tree::Tree;

const STATES: &str = "uploads";
const INTENTS: &str = "commits";
/// Longer than the step of any kernel's file times, which is one tick, at most 10 ms.
const STEP: Duration = Duration::from_millis(12);

#[derive(Debug, Serialize, Deserialize)]
struct Record {
    data: Identity,
    state: String,
}

/// A name for any upload of any repository; ids and names are no file names of ours.
fn name(repository: &RepositoryName, id: &UploadId) -> String {
    format!("{}.json", Digest::of(format!("{repository}\n{id}").as_bytes()).hex())
}

/// Notes that `state` is that of all of `data`, which is synced, if `sole` proves it. Best effort.
pub(super) fn keep(
    tree: &Tree,
    repository: &RepositoryName,
    id: &UploadId,
    data: &File,
    state: &Midstate,
    sole: &SoleWriter,
) {
    let Some(identity) = settled(data) else { return };
    // In this order: who wrote before the proof shows in it, who writes after the identity was taken moves the times.
    if identity.size != state.length() || !sole.is_proven() {
        return;
    }
    let record = Record { data: identity, state: hex::encode(hash_state::encode(state)) };
    if let Ok(text) = serde_json::to_vec(&record) {
        // What can't be written is not there, and then the data is read.
        let _ = private::write_record(tree, STATES, &name(repository, id), &text, Sync::Later);
    }
}

/// The identity of `data`, when any later change will show in it.
fn settled(data: &File) -> Option<Identity> {
    if settle(data) { Identity::of(data).ok() } else { None }
}

/// Waits until any later change of `data` will show in its times: a change within the same step would not. `false` where
/// its file system keeps times that are too coarse for that.
pub(super) fn settle(data: &File) -> bool {
    let Some(changed) = Identity::of(data).ok().and_then(|identity| identity.changed()) else { return false };
    std::thread::sleep(STEP.saturating_sub(age(changed)));
    true
}

/// How long ago a file changed. A time in the future has no age.
#[expect(clippy::disallowed_methods, reason = "file times are by the kernel's own clock, whatever time is given")]
fn age(changed: SystemTime) -> Duration {
    changed.elapsed().unwrap_or_default()
}

/// The state of all of `data`, if a record of that very file in that very condition says so.
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

/// Notes that a commit is about to publish `digest`. On the disk when it returns; best effort.
pub(super) fn intend(tree: &Tree, repository: &RepositoryName, id: &UploadId, digest: Digest) {
    let _ = private::write_record(tree, INTENTS, &name(repository, id), digest.to_string().as_bytes(), Sync::Now);
}

/// What a commit was about to publish when it was killed.
pub(super) fn intended(tree: &Tree, repository: &RepositoryName, id: &UploadId) -> Option<Digest> {
    let text = private::read_record(tree, INTENTS, &name(repository, id))?;
    std::str::from_utf8(&text).ok()?.parse().ok()
}

/// Takes back [`intend`], when the data stays where it is.
pub(super) fn give_up(tree: &Tree, repository: &RepositoryName, id: &UploadId) {
    private::forget_record(tree, INTENTS, &name(repository, id));
}

/// Removes the records of an upload that is over.
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
