//! Upload sessions: content that is on its way into the tree.
//!
//! A session is `_uploads/<id>/` with `startedat`, `data` and hash states (layout.md §4.4). All content arrives through
//! one, so that whatever a killed process leaves behind is an upload that a registry and regtree know, and can purge. A
//! session begun in one process may be continued in others, and a registry may take it over or hand it over. For as long
//! as it is worked on, its directory is locked, from before its `data` is opened until it is gone.
//!
//! A commit goes in this order: `data` synced, its links prepared beside their places, `data` moved to its blob's place,
//! the links renamed to theirs, the session removed. A refusal for want of room or permission comes before the content is
//! published. A crash leaves content without a link, which is garbage, a `.tmp`, or a session; never a link without
//! content.

mod append;
mod commit;
mod early_sync;
pub mod hash_state;
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
pub use survey::{Upload, cancel, find, forget, look_up, uploads};
pub(crate) use survey::{cancel_by, remove};

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
    /// The directories that did not exist before; taken back with the session.
    made: Vec<TreePath>,
    ignored: Vec<IgnoredState>,
    /// How many bytes this session has written, whatever became of them.
    written: u64,
    /// Whether `data` may be a blob by now, which must not be cut.
    published: bool,
    _lock: UploadLock,
}

/// A hash state that was there and could not be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the hash state {} is ignored: {reason}", path.display())]
pub struct IgnoredState {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: StateError,
}

impl<'w> Session<'w> {
    /// Begins an upload to `repository`, which need not exist, at the time `now`. With [`Sync::Now`] it survives a power
    /// cut.
    pub fn start(
        writer: &'w Writer<'w>,
        repository: &RepositoryName,
        now: jiff::Timestamp,
        sync: Sync,
    ) -> Result<Self> {
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

    /// Takes up the upload `id` of `repository`, whoever began it.
    ///
    /// `Err(UploadUnknown)` when there is none, `Err(Locked)` while another process works on it.
    pub fn open(writer: &'w Writer<'w>, repository: &RepositoryName, id: &UploadId) -> Result<Self> {
        survey::find_workable(writer.tree(), repository, id)?;
        let lock = Self::lock(writer, repository, id)?;
        // While we waited for it, another process may have left nothing to work on.
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

    /// Whether `file` is what it has received: to append that would never end.
    pub fn is_its_data(&self, file: &std::fs::Metadata) -> Result<bool> {
        use std::os::unix::fs::MetadataExt;

        let data = self.data.metadata().map_err(|error| self.failed("look at", error))?;
        Ok((data.dev(), data.ino()) == (file.dev(), file.ino()))
    }

    /// How many bytes it has received.
    pub fn offset(&self) -> Result<u64> {
        Ok(self.data.metadata().map_err(|error| self.failed("look at", error))?.len())
    }

    /// The hash states that could not be used so far.
    pub fn ignored(&self) -> &[IgnoredState] {
        &self.ignored
    }

    /// Removes the session; what was committed stays.
    pub fn finish(self) -> Result<()> {
        // In this order: until it is gone, a commit may have to be finished.
        self.writer.remove_directory(&self.directory, Sync::Later)?;
        record::forget(self.writer.tree(), &self.repository, &self.id);
        Ok(())
    }

    /// Removes the session, and the directories that were made for it.
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
