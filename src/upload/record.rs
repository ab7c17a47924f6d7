//! regtree's own record of how far an upload's hash is, in `.regtree/uploads`.
//!
//! It lets an append go on hashing, for the next of the registry's states, without reading what is there. It says which
//! file it was made of: device, inode, length, and both times to the nanosecond, taken after the data was synced, and only
//! when all of that still agrees is it used. Even so it publishes nothing: a registry that wrote to the same upload while
//! we did would not show, so a commit reads the content.
//!
//! Whatever goes wrong here costs a reading of the data, and nothing else.

use std::fs::File;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::hash_state;
use crate::digest::{Digest, Midstate};
use crate::durable::{Identity, private};
use crate::name::{RepositoryName, UploadId};
use crate::tree::Tree;

const KIND: &str = "uploads";
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

/// Notes that `state` is that of all of `data`, which is synced. Best effort.
pub(super) fn keep(tree: &Tree, repository: &RepositoryName, id: &UploadId, data: &File, state: &Midstate) {
    wait_for_step(data);
    let Ok(identity) = Identity::of(data) else { return };
    if identity.size != state.length() {
        return;
    }
    let record = Record { data: identity, state: hex::encode(hash_state::encode(state)) };
    if let Ok(text) = serde_json::to_vec(&record) {
        // What can't be written is not there, and then the data is read.
        let _ = private::write_record(tree, KIND, &name(repository, id), &text);
    }
}

/// A change within the same step would not show.
fn wait_for_step(data: &File) {
    use std::os::unix::fs::MetadataExt;

    let Ok(metadata) = data.metadata() else { return };
    let (seconds, nanoseconds) = (metadata.ctime(), metadata.ctime_nsec());
    let since_epoch = u64::try_from(seconds).ok().zip(u32::try_from(nanoseconds).ok());
    let changed =
        since_epoch.map(|(seconds, nanoseconds)| SystemTime::UNIX_EPOCH + Duration::new(seconds, nanoseconds));
    let age = changed.and_then(|changed| changed.elapsed().ok()).unwrap_or_default();
    std::thread::sleep(STEP.saturating_sub(age));
}

/// The state of all of `data`, if a record of that very file in that very condition says so.
pub(super) fn trusted(tree: &Tree, repository: &RepositoryName, id: &UploadId, data: &File) -> Option<Midstate> {
    let text = private::read_record(tree, KIND, &name(repository, id))?;
    let record: Record = serde_json::from_slice(&text).ok()?;
    let state = hash_state::decode(&hex::decode(record.state).ok()?).ok()?;
    let same = Identity::of(data).ok()? == record.data && record.data.size == state.length();
    same.then_some(state)
}

/// Removes the record of an upload that is over.
pub(super) fn forget(tree: &Tree, repository: &RepositoryName, id: &UploadId) {
    private::forget_record(tree, KIND, &name(repository, id));
}
