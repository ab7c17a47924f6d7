//! Upload sessions: content that is arriving in the tree.
//!
//! A session is a directory, `_uploads/<id>/`, with `startedat`, `data` and hash states (layout.md §4.4). All content
//! arrives through one. So a killed process leaves behind only an upload that a registry and regtree know and can
//! purge. Other processes and registries can continue a session, and regtree can continue one of theirs. **While a
//! session is used, its directory is locked**, from before its `data` is opened until the session is removed.
//!
//! A commit does these steps in this order:
//!
//! 1. sync `data`;
//! 2. stage the links next to their places;
//! 3. move `data` to the place of its blob;
//! 4. rename the links to their places;
//! 5. remove the session.
//!
//! So an error for lack of space or permission comes before the content is published. A crash leaves content without a
//! link, which is garbage, or a `.tmp`, or a session, but **never a link without content**.

mod append;
mod commit;

pub(crate) mod hash_state;
mod put;
mod record;
mod survey;

use std::fs::File;
use std::path::PathBuf;

pub use append::Append;
pub use commit::Commit;
pub use hash_state::StateError;
pub use put::Put;
pub(crate) use survey::time as parse_time;
pub use survey::{Upload, cancel, find, uploads};
pub(crate) use survey::{cancel_by, forget, look_up, remove, take, uploads_in};

use crate::durable::lock::UploadLock;
use crate::durable::{Sync, Writer};
use crate::error::{Error, Result};
use crate::layout::{Entry, Form, Item, Place, TreePath};
use crate::name::{RepositoryName, UploadId};
use crate::tree::Tree;

/// An upload in progress, locked.
#[derive(Debug)]
pub struct Session<'w> {
    writer: &'w Writer<'w>,
    repository: RepositoryName,
    id: UploadId,
    directory: TreePath,
    path: TreePath,
    data: File,
    /// The directories that were made for the session. They are removed when it is cancelled.
    made: Vec<TreePath>,
    ignored: Vec<IgnoredState>,
    /// How many bytes this process has written to `data`, even if they were cut off again.
    written: u64,
    /// Whether `data` may already be a blob. A blob must not be cut.
    published: bool,
    _lock: UploadLock,
}

/// A hash state that was found and can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the hash state {} is ignored: {reason}", path.display())]
pub struct IgnoredState {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: StateError,
}

impl<'w> Session<'w> {
    /// Starts an upload at the time `now`, which survives a power cut. `repository` need not exist.
    pub fn start(writer: &'w Writer<'w>, repository: &RepositoryName, now: jiff::Timestamp) -> Result<Self> {
        Self::begin(writer, repository, now, Sync::Now)
    }

    /// Starts an upload. With [`Sync::Later`] a power cut may lose it.
    fn begin(writer: &'w Writer<'w>, repository: &RepositoryName, now: jiff::Timestamp, sync: Sync) -> Result<Self> {
        let id = UploadId::random();
        let directory = Place::of(repository, Form::Current).upload(&id);
        let started = Entry::in_repository(repository, Item::UploadStartedAt(id.clone())).path();
        let text = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let made = writer.make_directory(&directory)?;
        let begin = || {
            let lock = Self::lock(writer, repository, &id)?;
            writer.write_small(&started, text.as_bytes(), sync)?;
            Self::with(writer, repository, &id, lock)
        };
        match begin() {
            Ok(session) => Ok(Self { made, ..session }),
            Err(error) => {
                let _ = take_back(writer, &directory, &made);
                Err(error)
            }
        }
    }

    /// Opens the upload `id` of `repository`, whichever process started it.
    ///
    /// `Err(UploadUnknown)` when there is no such upload, `Err(Locked)` while another process uses it.
    pub fn open(writer: &'w Writer<'w>, repository: &RepositoryName, id: &UploadId) -> Result<Self> {
        survey::find_workable(writer.tree(), repository, id)?;
        let lock = Self::lock(writer, repository, id)?;
        // While this process waited for the lock, another one may have finished the upload.
        survey::find_workable(writer.tree(), repository, id)?;
        Self::with(writer, repository, id, lock)
    }

    fn lock(writer: &Writer<'_>, repository: &RepositoryName, id: &UploadId) -> Result<UploadLock> {
        let directory = Place::of(repository, Form::Current).upload(id);
        let data = || survey::open_data(writer, &data_path(repository, id));
        let lock = UploadLock::acquire(writer.tree(), &directory, writer.wait(), data)?;
        lock.ok_or_else(|| unknown(writer.tree(), repository, id))
    }

    fn with(writer: &'w Writer<'w>, repository: &RepositoryName, id: &UploadId, lock: UploadLock) -> Result<Self> {
        let path = data_path(repository, id);
        Ok(Self {
            data: survey::open_data(writer, &path)?,
            writer,
            repository: repository.clone(),
            id: id.clone(),
            directory: Place::of(repository, Form::Current).upload(id),
            path,
            made: Vec::new(),
            ignored: Vec::new(),
            written: 0,
            published: false,
            _lock: lock,
        })
    }

    /// The upload's id.
    pub fn id(&self) -> &UploadId {
        &self.id
    }

    /// Whether `file` is the upload's own data. Appending it to itself would never end.
    pub(crate) fn is_its_data(&self, file: &std::fs::Metadata) -> Result<bool> {
        use std::os::unix::fs::MetadataExt;

        let data = self.data.metadata().map_err(|error| self.failed("look at", error))?;
        Ok((data.dev(), data.ino()) == (file.dev(), file.ino()))
    }

    /// How many bytes the upload has received.
    pub fn offset(&self) -> Result<u64> {
        Ok(self.data.metadata().map_err(|error| self.failed("look at", error))?.len())
    }

    /// The hash states that could not be used so far.
    pub fn ignored(&self) -> &[IgnoredState] {
        &self.ignored
    }

    /// Removes the session. What it committed stays.
    pub fn finish(self) -> Result<()> {
        // Remove the session first: as long as it exists, a killed commit may have to be finished by our record.
        self.writer.remove_directory(&self.directory, Sync::Later)?;
        record::forget(self.writer.tree(), &self.repository, &self.id);
        Ok(())
    }

    /// Removes the session and the directories that were made for it.
    pub fn cancel(self) -> Result<()> {
        record::forget(self.writer.tree(), &self.repository, &self.id);
        take_back(self.writer, &self.directory, &self.made)
    }

    fn failed(&self, action: &'static str, error: impl Into<std::io::Error>) -> Error {
        Error::io(action, self.writer.tree().locate(&self.path), error)
    }
}

fn take_back(writer: &Writer<'_>, directory: &TreePath, made: &[TreePath]) -> Result<()> {
    writer.remove_directory(directory, Sync::Later)?;
    writer.unmake_directories(made)
}

fn data_path(repository: &RepositoryName, id: &UploadId) -> TreePath {
    Entry::in_repository(repository, Item::UploadData(id.clone())).path()
}

fn unknown(tree: &Tree, repository: &RepositoryName, id: &UploadId) -> Error {
    let path = tree.locate(&Place::of(repository, Form::Current).upload(id));
    Error::UploadUnknown { repository: repository.clone(), id: id.clone(), path }
}
