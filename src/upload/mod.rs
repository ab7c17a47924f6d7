//! Upload sessions: content that is on its way into the tree.
//!
//! A session is `_uploads/<id>/` with `startedat` and `data` (layout.md §4.4). All content arrives through one, so that
//! whatever a killed process leaves behind is an upload that a registry and regtree know, and can purge. For as long as
//! a session is worked on, its `data` is locked.
//!
//! A commit goes in this order: `data` synced, its links prepared beside their places, `data` moved to its blob's place,
//! the links renamed to theirs, the session removed. A refusal for want of room or permission comes before the content is
//! published. A crash leaves content without a link, which is garbage, a `.tmp`, or a session; never a link without
//! content.

mod early_sync;
pub mod hash_state;

use std::fs::File;
use std::io::Read;

use early_sync::EarlySync;

use crate::blob::{Expected, Stored, store};
use crate::descriptor::Descriptor;
use crate::digest::Hasher;
use crate::digest::hash::Hashed;
use crate::durable::{Sync, Writer};
use crate::error::{Error, Result};
use crate::layout::{self, Entry, Form, Item, TreePath};
use crate::lock::UploadLock;
use crate::name::{RepositoryName, UploadId};
use crate::stream::{self, Interrupt, StreamError, Watch};

/// An upload in progress, locked.
#[derive(Debug)]
pub struct Session<'w> {
    writer: &'w Writer<'w>,
    repository: RepositoryName,
    directory: TreePath,
    path: TreePath,
    data: File,
    /// The directories that did not exist before; taken back with the session.
    made: Vec<TreePath>,
    _lock: UploadLock,
}

impl<'w> Session<'w> {
    /// Begins an upload to `repository`, which need not exist, at the time `now`.
    pub fn start(writer: &'w Writer<'w>, repository: &RepositoryName, now: jiff::Timestamp) -> Result<Self> {
        let id = UploadId::random();
        let directory = layout::upload_directory(repository, Form::Current, &id);
        let path = Entry::in_repository(repository, Item::UploadData(id.clone())).path();
        let started = Entry::in_repository(repository, Item::UploadStartedAt(id)).path();
        let text = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let made = writer.make_directory(&directory)?;
        let opened = writer
            .write_small(&started, text.as_bytes(), Sync::Later)
            .and_then(|()| writer.create_file(&path))
            .and_then(|data| Ok((UploadLock::acquire(writer.tree(), &path, &data)?, data)));
        match opened {
            Ok((lock, data)) => {
                Ok(Self { writer, repository: repository.clone(), directory, path, data, made, _lock: lock })
            }
            Err(error) => {
                let _ = take_back(writer, &directory, &made);
                Err(error)
            }
        }
    }

    /// Takes in all of `source`, checks its length and digest if they are `expected`, and syncs. `name` is what to call
    /// the source.
    pub fn receive(
        &mut self,
        source: impl Read + Send + 'static,
        name: &str,
        expected: Expected,
        watch: &Watch<'_>,
    ) -> Result<Hashed> {
        let hasher = Hasher::new(expected.digest.and_then(|digest| digest.algorithm()));
        // One byte too many says that it is too long; a stream without end must not fill the disk first.
        let source = source.take(expected.size.map_or(u64::MAX, |size| size.saturating_add(1)));
        let mut sink = EarlySync::new(&self.data);
        let received = stream::copy_hashed(source, &mut sink, hasher, watch);
        let hashed = received.map_err(|error| match error {
            StreamError::Read(error) => Error::io("read", name, error),
            StreamError::Write(error) => Error::io("write", self.writer.tree().locate(&self.path), error),
            StreamError::Interrupted(signal) => Error::Interrupted { signal },
        })?;
        // Checked before the last sync: a refusal need not wait for the disk.
        check(&hashed, expected, name, &self.repository)?;
        sink.finish().map_err(|error| Error::io("sync", self.writer.tree().locate(&self.path), error))?;
        Ok(hashed)
    }

    /// Makes what was received a blob of the repository. [`Session::finish`] comes after.
    pub fn commit(
        &mut self,
        hashed: &Hashed,
        expected: Expected,
        verify_existing: bool,
        interrupt: &Interrupt,
    ) -> Result<Stored> {
        let digest = hashed.canonical();
        let alias = expected.digest.filter(|alias| *alias != digest);
        // Whatever may be refused comes before the content is published.
        let links = store::stage_links(self.writer, &self.repository, digest, alias)?;
        let outcome = store::place(self.writer, &self.path, digest, hashed.size, verify_existing, interrupt)?;
        links.place()?;
        Ok(Stored { descriptor: Descriptor::blob(digest, hashed.size), alias, outcome })
    }

    /// Removes the session; what was committed stays.
    pub fn finish(self) -> Result<()> {
        self.writer.remove_directory(&self.directory)
    }

    /// Removes the session, and the directories that were made for it.
    pub fn cancel(self) -> Result<()> {
        take_back(self.writer, &self.directory, &self.made)
    }
}

fn take_back(writer: &Writer<'_>, directory: &TreePath, made: &[TreePath]) -> Result<()> {
    writer.remove_directory(directory)?;
    writer.unmake_directories(made)
}

/// The length first: it says more about what went wrong.
fn check(hashed: &Hashed, expected: Expected, name: &str, repository: &RepositoryName) -> Result<()> {
    let (what, repository) = (name.to_owned(), repository.clone());
    let (size, found) = (hashed.size, hashed.size);
    if let Some(expected) = expected.size.filter(|expected| *expected != found) {
        return Err(Error::SizeMismatch { what, repository, expected, found, more: found > expected });
    }
    let Some(expected) = expected.digest else { return Ok(()) };
    match expected.algorithm().and_then(|algorithm| hashed.by(algorithm)) {
        Some(found) if found == expected => Ok(()),
        Some(found) => Err(Error::DigestMismatch { what, repository, expected, found, size }),
        None => Err(Error::DigestUnusable { digest: expected, action: "check content" }),
    }
}
