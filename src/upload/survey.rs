//! Finds uploads, with their sizes and the times when they started, and cancels them.

use std::cell::Cell;
use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use super::{record, unknown};
use crate::durable::lock::UploadLock;
use crate::durable::{Remover, Sync, Writer};
use crate::error::{Error, Result};
use crate::layout::{Form, Place, TreePath};
use crate::name::{RepositoryName, UploadId};
use crate::repository::Repository;
use crate::tree::{EntryKind, Metadata, Tree};

/// How much of a `startedat` to read, in bytes. A registry writes 20 bytes; a longer text is not a time.
const STARTED_MAX: u64 = 64;

/// An upload as it is on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Upload {
    /// The repository.
    pub repository: RepositoryName,
    /// Its id.
    pub id: UploadId,
    /// How many bytes it has received.
    pub size: u64,
    /// When it started; `None` when `startedat` is missing or is not a time.
    pub started: Option<jiff::Timestamp>,
    /// When the newest of its files was written; the time of its directory when it has no files.
    pub newest: jiff::Timestamp,
    /// The offsets in the names of its hash states; `None` when they can't be listed.
    pub states: Option<Vec<u64>>,
    /// Whether it has neither `startedat` nor `data`. Registries leave a cancelled upload like that: it has ended.
    pub cancelled: bool,
    pub(super) form: Form,
}

impl Upload {
    /// The time that its age is counted from. Without a valid `startedat`, a registry never purges an upload; regtree
    /// then counts from its newest file, if the times of all its files are known.
    pub fn since(&self) -> Option<jiff::Timestamp> {
        self.started.or(self.states.is_some().then_some(self.newest))
    }

    /// The error that its hash states can't be listed with. Without their times its age is unknown.
    pub(crate) fn unreadable_states(&self, tree: &Tree) -> Error {
        let changed = || Error::Refused { reason: format!("upload {} changed meanwhile", self.id) };
        tree.list(&Place::of(&self.repository, self.form).hash_states(&self.id)).err().unwrap_or_else(changed)
    }

    fn check_writable(&self) -> Result<()> {
        if self.form == Form::Current {
            return Ok(());
        }
        let (id, repository) = (&self.id, &self.repository);
        let reason =
            format!("upload {id} of repository {repository} was made by an alpha registry: regtree only reads it");
        Err(Error::Refused { reason })
    }

    /// Whether it is in the current layout. An upload of an alpha registry is only read.
    pub(crate) fn is_current(&self) -> bool {
        self.form == Form::Current
    }

    pub(crate) fn directory(&self) -> TreePath {
        Place::of(&self.repository, self.form).upload(&self.id)
    }

    /// The file with the bytes received so far.
    pub(crate) fn data_path(&self, tree: &Tree) -> PathBuf {
        tree.locate(&self.directory().data())
    }

    /// Opens the bytes received so far; `None` when there are none yet.
    pub fn open(&self, tree: &Tree) -> Result<Option<File>> {
        tree.open_file(&self.directory().data())
    }
}

/// The upload `id` of `repository`. `Err(UploadUnknown)` or `Err(RepositoryUnknown)` when there is no such one.
pub fn find(tree: &Tree, repository: &RepositoryName, id: &UploadId) -> Result<Upload> {
    if let Some(upload) = look_up(tree, repository, id)? {
        return Ok(upload);
    }
    let view = Repository::new(tree, repository.clone());
    Err(if view.exists()? { unknown(tree, repository, id) } else { view.unknown() })
}

/// The upload `id` of `repository`, if bytes can be appended to it.
pub(super) fn find_workable(tree: &Tree, repository: &RepositoryName, id: &UploadId) -> Result<Upload> {
    let upload = find(tree, repository, id)?;
    if upload.cancelled {
        return Err(unknown(tree, repository, id));
    }
    upload.check_writable()?;
    Ok(upload)
}

/// The upload `id` of `repository`, even if it has ended and only its directory is left.
pub(crate) fn look_up(tree: &Tree, repository: &RepositoryName, id: &UploadId) -> Result<Option<Upload>> {
    for form in Form::ALL {
        if let Some(upload) = look(tree, repository, id, form)? {
            return Ok(Some(upload));
        }
    }
    Ok(None)
}

/// The uploads of `repository`, sorted by id, and the damage among them.
pub fn uploads(tree: &Tree, repository: &RepositoryName) -> Vec<Result<Upload>> {
    Form::ALL.into_iter().flat_map(|form| uploads_in(tree, repository, form)).collect()
}

/// The uploads of `repository` in one layout.
pub(crate) fn uploads_in(tree: &Tree, repository: &RepositoryName, form: Form) -> Vec<Result<Upload>> {
    let directory = Place::of(repository, form).uploads();
    let mut listed = match tree.list(&directory) {
        Ok(listed) => listed.unwrap_or_default(),
        Err(error) => return vec![Err(error)],
    };
    listed.sort();
    let mut found = Vec::new();
    for entry in listed {
        let path = tree.locate(&directory).join(&entry.name);
        match (entry.kind, entry.text().and_then(|name| name.parse::<UploadId>().ok())) {
            (EntryKind::Directory, Some(id)) => found.extend(look(tree, repository, &id, form).transpose()),
            // A directory of a repository of the current layout that is called `…/uploads`.
            (EntryKind::Directory, None) if form == Form::Alpha => {}
            (EntryKind::Directory, None) => {
                found.push(Err(Error::Misplaced { path, reason: "its name is not an upload id" }));
            }
            (EntryKind::File, _) => {}
            (kind, _) => {
                found.push(Err(Error::WrongKind { path, expected: "a directory", found: kind.describe() }));
            }
        }
    }
    found
}

fn look(tree: &Tree, repository: &RepositoryName, id: &UploadId, form: Form) -> Result<Option<Upload>> {
    let directory = Place::of(repository, form).upload(id);
    let Some(itself) = tree.metadata(&directory)? else { return Ok(None) };
    if itself.kind != EntryKind::Directory {
        return Err(tree.wrong_kind(&directory, "a directory", itself.kind));
    }
    let (data, started) = (directory.data(), directory.started_at());
    let [data_found, started_found] = [tree.metadata(&data)?, tree.metadata(&started)?];
    let is_file = |found: Option<Metadata>| found.is_some_and(|found| found.kind == EntryKind::File);
    if form == Form::Alpha && !is_file(data_found) && !is_file(started_found) {
        // This is a repository of the current layout that is called `…/uploads/…`.
        return Ok(None);
    }
    if let Some(found) = data_found.filter(|found| found.kind != EntryKind::File) {
        return Err(tree.wrong_kind(&data, "a regular file", found.kind));
    }
    let states = Place::of(repository, form).hash_states(id);
    let listed = match tree.list(&states) {
        // What is there instead of the directory has no states, and must not hide the received bytes.
        Err(Error::WrongKind { .. }) => Some(Vec::new()),
        Err(Error::Io { .. }) => None,
        listed => Some(listed?.unwrap_or_default()),
    };
    let offsets = listed.as_ref().map(|listed| {
        let mut offsets: Vec<u64> = listed.iter().filter_map(|entry| entry.text()?.parse().ok()).collect();
        offsets.sort_unstable();
        offsets
    });
    let mut files = vec![data_found, started_found];
    for path in listed.iter().flatten().filter_map(|entry| states.child(entry.text()?)) {
        files.push(tree.metadata(&path)?);
    }
    let newest = files.into_iter().flatten().map(|found| found.modified).max();
    Ok(Some(Upload {
        repository: repository.clone(),
        id: id.clone(),
        size: data_found.map_or(0, |found| found.size),
        started: read_started(tree, &started)?,
        newest: newest.unwrap_or(itself.modified),
        states: offsets,
        cancelled: data_found.is_none() && started_found.is_none(),
        form,
    }))
}

/// The time in `startedat`; `None` when the file is anything but exactly one time.
fn read_started(tree: &Tree, path: &TreePath) -> Result<Option<jiff::Timestamp>> {
    match tree.read_small(path, STARTED_MAX) {
        Ok(content) => Ok(content.and_then(|content| time(std::str::from_utf8(&content).ok()?))),
        Err(Error::WrongKind { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads an RFC 3339 time as a registry does. `jiff` accepts more forms.
pub(crate) fn time(text: &str) -> Option<jiff::Timestamp> {
    let shape: Vec<u8> = text.bytes().map(|byte| if byte.is_ascii_digit() { b'0' } else { byte }).collect();
    let rest = shape.strip_prefix(b"0000-00-00T00:00:00")?;
    let zone = match rest.strip_prefix(b".") {
        Some(fraction) => {
            let digits = fraction.iter().take_while(|&&byte| byte == b'0').count();
            if digits == 0 {
                return None;
            }
            &fraction[digits..]
        }
        None => rest,
    };
    matches!(zone, b"Z" | b"+00:00" | b"-00:00").then(|| text.parse().ok())?
}

/// Opens the data of an existing upload for writing, or makes it: registries up to 2.3 made it with the first byte.
pub(super) fn open_data(writer: &Writer<'_>, path: &TreePath) -> Result<File> {
    if let Some(data) = writer.open_to_append(path)? {
        return Ok(data);
    }
    match writer.create_file(path) {
        // A registry was faster, or another process that needs the file for the lock.
        Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::AlreadyExists => {
            let gone = || Error::io("open", writer.tree().locate(path), std::io::ErrorKind::NotFound);
            writer.open_to_append(path)?.ok_or_else(gone)
        }
        created => created,
    }
}

/// Removes an upload if it is still `stale` once it is locked. `false` when it no longer is, or is already gone.
///
/// `Err(Locked)` when another process uses it for longer than `wait`. `Err(Refused)` when it is an alpha registry's,
/// which is only read.
pub fn cancel(writer: &Writer<'_>, upload: &Upload, wait: Duration, stale: impl Fn(&Upload) -> bool) -> Result<bool> {
    cancel_by(writer, upload, wait, stale, |directory| remove(writer, directory).map(|()| true))
}

/// Removes an upload's directory, `startedat` last, so that the rest can be purged by age if the removal is killed.
pub(crate) fn remove(writer: &Writer<'_>, directory: &TreePath) -> Result<()> {
    writer.remove_file(&directory.data(), Sync::Later)?;
    writer.remove_directory(&directory.hash_states(), Sync::Later)?;
    writer.remove_directory(directory, Sync::Later)
}

/// Does the same with a [`Remover`], and syncs.
pub(crate) fn take(remover: &(impl Remover + ?Sized), directory: &TreePath) -> Result<()> {
    remover.take_file(&directory.data())?;
    remover.take_directory(&directory.hash_states())?;
    remover.take_directory(directory)
}

/// Like [`cancel`], but `remove` removes the upload's directory. It returns whether there was one.
pub(crate) fn cancel_by(
    writer: &Writer<'_>,
    upload: &Upload,
    wait: Duration,
    stale: impl Fn(&Upload) -> bool,
    remove: impl FnOnce(&TreePath) -> Result<bool>,
) -> Result<bool> {
    let tree = writer.tree();
    upload.check_writable()?;
    let directory = upload.directory();
    let data = directory.data();
    let is_stale = || {
        let found = look(tree, &upload.repository, &upload.id, upload.form)?;
        Ok(found.is_some_and(|found| stale(&found)))
    };
    if !is_stale()? {
        return Ok(false);
    }
    // If the data has to be made for the lock, it is the newest file and says nothing about the age.
    let made = Cell::new(false);
    let open = || {
        made.set(tree.metadata(&data)?.is_none());
        open_data(writer, &data)
    };
    let Some(_lock) = UploadLock::acquire(tree, &directory, wait, open)? else { return Ok(false) };
    // The last holder of the lock may have appended to the upload.
    if !made.get() && !is_stale()? {
        return Ok(false);
    }
    record::forget(tree, &upload.repository, &upload.id);
    remove(&directory)
}

/// Removes our records of an upload that is gone: the process that removed it may have been killed, or not know them.
pub(crate) fn forget(writer: &Writer<'_>, repository: &RepositoryName, id: &UploadId) {
    record::forget(writer.tree(), repository, id);
}

#[cfg(test)]
mod tests {
    use super::time;

    #[test]
    fn a_time_is_what_a_registry_reads_as_one() {
        for good in ["2015-01-02T03:04:05Z", "2015-01-02T03:04:05.123456789Z", "2015-01-02T03:04:05+02:00"] {
            assert!(time(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "2015-01-02",
            "2015-01-02 03:04:05Z",
            "2015-01-02t03:04:05Z",
            "2015-01-02T03:04:05z",
            "2015-01-02T03:04:05",
            "2015-01-02T03:04:05.Z",
            "2015-01-02T03:04:05Z\n",
            "2015-01-02T03:04Z",
            "2015-13-02T03:04:05Z",
            "2015-01-02T03:04:61Z",
            "2015-01-02T03:04:05+02",
            "2015-01-02T03:04:05+02:00[Europe/Berlin]",
            "+002015-01-02T03:04:05Z",
        ] {
            assert!(time(bad).is_none(), "{bad}");
        }
    }
}
