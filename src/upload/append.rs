//! Appends bytes to an upload.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;

use super::{IgnoredState, Session, hash_state, record};
use crate::digest::{Algorithm, Digest, Hasher, Midstate};
use crate::durable::{EarlySync, Identity, Sync, WriteProof};
use crate::error::{Error, Result};
use crate::layout::{Entry, Form, Item, Place};
use crate::stream::{self, Interrupt, Watch};
use crate::tree::EntryKind;

/// How to append.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Append {
    /// How many bytes the upload must have, after `truncate_to`. So a chunk that is sent twice is appended once.
    pub offset: Option<u64>,
    /// Cut the data back to this many bytes first.
    pub truncate_to: Option<u64>,
    /// Read the data even if its hash is known.
    pub rehash: bool,
}

/// A hasher of all data so far.
struct Progressed {
    hasher: Hasher,
    /// Whether its state is proven to be that of the data. Otherwise it is only a registry's hint.
    proven: bool,
}

impl Session<'_> {
    /// Appends all of `source` and returns how many bytes the upload then has. Errors call the source `name`.
    ///
    /// `Err(OffsetMismatch)` when the upload does not have the size in `how`. An append that fails is undone.
    pub fn append(
        &mut self,
        source: impl Read + Send + 'static,
        name: &str,
        how: Append,
        watch: &Watch<'_>,
    ) -> Result<u64> {
        self.cut_back(how)?;
        self.or_as_it_was(|session, proof| {
            let at = session.progressed(how.rehash, &watch.interrupt)?;
            let hasher = session.receive(source, name, at.hasher, watch)?;
            let state = hasher.midstate().expect("one algorithm keeps its state");
            session.keep(&state, proof.filter(|_| at.proven));
            Ok(state.length())
        })
    }

    /// Leaves a new session for other processes to continue, with the registry's hash state of no bytes.
    pub(crate) fn keep_empty(&mut self) -> Result<()> {
        let state = Hasher::new([]).midstate().expect("one algorithm keeps its state");
        self.write_state(&state)?;
        self.data.sync_all().map_err(|error| self.failed("sync", error))
    }

    /// Leaves the session for other processes to continue: writes the registry's hash state, and our own record if
    /// `proof` proves the state. If neither can be written, the next process has to read the data; nothing else is
    /// lost.
    fn keep(&mut self, state: &Midstate, proof: Option<&WriteProof>) {
        if self.write_state(state).is_err() {
            let path = Entry::in_repository(&self.repository, self.state_item(state.length())).path();
            let path = self.writer.tree().locate(&path);
            self.ignored.push(IgnoredState { path, reason: hash_state::StateError::Unwritable });
        }
        if let Some(proof) = proof {
            record::keep(self.writer.tree(), &self.repository, &self.id, &self.data, state, proof);
        }
    }

    fn write_state(&self, state: &Midstate) -> Result<()> {
        let path = Entry::in_repository(&self.repository, self.state_item(state.length())).path();
        self.writer.write_small(&path, &hash_state::encode(state), Sync::Now)
    }

    /// Runs `act`, which may append, while the data is watched. If it fails, the data is cut back to its old size. If
    /// the hash of the old data was proven, its record is written again.
    pub(super) fn or_as_it_was<T>(
        &mut self,
        act: impl FnOnce(&mut Self, Option<&WriteProof>) -> Result<T>,
    ) -> Result<T> {
        // Start the watch before anything known is compared with the data.
        let proof = WriteProof::watch(&self.data);
        let (begin, known) = (self.offset()?, self.known()?);
        let done = act(self, proof.as_ref());
        if done.is_err() && !self.published {
            // The first error is the one to report. If the data can't be cut back, the upload's status shows that.
            let _ = self.undo(begin, known.map(|(state, _)| state).zip(proof));
        }
        done
    }

    fn undo(&mut self, begin: u64, known: Option<(Midstate, WriteProof)>) -> Result<()> {
        let found = self.offset()?;
        // Another process cut the data. Making it longer again would only add zeros.
        if found <= begin {
            return Ok(());
        }
        // If the size is not the sum of the old size and our bytes, another process changed the data too.
        let known = known.filter(|_| found == begin + self.written);
        self.forget_states(|offset| offset > begin)?;
        self.cut_to(begin)?;
        if let Some((state, proof)) = known {
            record::keep(self.writer.tree(), &self.repository, &self.id, &self.data, &state, &proof);
        }
        Ok(())
    }

    /// Appends `source`, hashes it with `hasher`, and syncs.
    pub(super) fn receive(
        &mut self,
        source: impl Read + Send + 'static,
        name: &str,
        hasher: Hasher,
        watch: &Watch<'_>,
    ) -> Result<Hasher> {
        let begin = self.offset()?;
        self.check_in_place()?;
        let mut sink = EarlySync::new(&self.data);
        let received = stream::copy_hashed(source, &mut sink, hasher, watch);
        self.written = sink.written();
        let hasher = received.map_err(|error| error.between(name, self.writer.tree().locate(&self.path)))?;
        sink.finish().map_err(|error| self.failed("sync", error))?;
        // The bytes were appended at the end of the file. If another process cut the file meanwhile, its size is wrong.
        self.identity(begin + self.written)?;
        self.check_in_place()?;
        Ok(hasher)
    }

    /// Checks the offset, and cuts the data back if `how` asks for it.
    fn cut_back(&mut self, how: Append) -> Result<()> {
        let found = self.offset()?;
        let mismatch = |expected, found| {
            let (repository, id) = (self.repository.clone(), self.id.clone());
            Err(Error::OffsetMismatch { repository, id, expected, found })
        };
        let begin = how.truncate_to.unwrap_or(found);
        match how.offset {
            Some(expected) if expected != begin => return mismatch(expected, begin),
            _ if begin > found => return mismatch(begin, found),
            _ => {}
        }
        // Remove the states before the data is cut: a registry would take a state of the removed bytes for one of the
        // bytes that come next. The state that is named by the new size is removed too. After a state is lost, a
        // registry names a later one by too small a size (layout.md §4.6), so it may be the state of other bytes.
        self.forget_states(|offset| offset > begin || begin < found && offset == begin)?;
        if begin < found {
            self.cut_to(begin)?;
        }
        Ok(())
    }

    /// The hash state that is proven for all of the data, and the identity of the data.
    pub(super) fn known(&self) -> Result<Option<(Midstate, Identity)>> {
        if let Some(known) = record::proven(self.writer.tree(), &self.repository, &self.id, &self.data) {
            return Ok(Some(known));
        }
        let identity = self.identity(self.offset()?)?;
        // The state of no bytes is always known.
        let none = Hasher::new([]).midstate().expect("one algorithm keeps its state");
        Ok((identity.size == 0).then_some((none, identity)))
    }

    fn cut_to(&mut self, size: u64) -> Result<()> {
        self.data.set_len(size).and_then(|()| self.data.sync_all()).map_err(|error| self.failed("cut back", error))
    }

    /// Removes the hash states whose offsets `are_gone`. Other bytes will come in place of the removed ones, and a
    /// registry would take such a state for theirs. A state whose name is not a plain number is removed too, because a
    /// registry may read the name as some number.
    fn forget_states(&self, are_gone: impl Fn(u64) -> bool) -> Result<()> {
        let directory = Place::of(&self.repository, Form::Current).hash_states(&self.id);
        let listed = match self.writer.tree().list(&directory) {
            // What is there instead of the directory has no states.
            Err(Error::WrongKind { .. }) => None,
            listed => listed?,
        };
        for entry in listed.unwrap_or_default() {
            let Some(name) = entry.text() else { continue };
            let stays = name.parse::<u64>().is_ok_and(|offset| !are_gone(offset) && offset.to_string() == name);
            if let Some(path) = directory.child(name)
                && !stays
                && entry.kind == EntryKind::File
            {
                self.writer.remove_file(&path, Sync::Now)?;
            }
        }
        Ok(())
    }

    /// A hasher of all data so far: by our own record, by the registry's state as a hint, or by reading the data.
    fn progressed(&mut self, rehash: bool, interrupt: &Interrupt) -> Result<Progressed> {
        if !rehash {
            if let Some((state, _)) = self.known()? {
                return Ok(Progressed { hasher: Hasher::resume(state), proven: true });
            }
            if let Some(state) = self.hint(self.offset()?) {
                return Ok(Progressed { hasher: Hasher::resume(state), proven: false });
            }
        }
        Ok(Progressed { hasher: self.read_all([], interrupt)?.0, proven: true })
    }

    /// The registry's hash state at `size`, if there is a usable one.
    pub(super) fn hint(&mut self, size: u64) -> Option<Midstate> {
        let path = Entry::in_repository(&self.repository, self.state_item(size)).path();
        let tree = self.writer.tree();
        let bytes = match tree.read_small(&path, hash_state::MAX_SIZE) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return None,
            // A state that can't be read is ignored. It must not keep the content from being committed.
            Err(_) => {
                let reason = hash_state::StateError::Unreadable;
                self.ignored.push(IgnoredState { path: tree.locate(&path), reason });
                return None;
            }
        };
        let reason = match hash_state::decode(&bytes) {
            Ok(state) if state.length() == size => return Some(state),
            Ok(_) => hash_state::StateError::Absurd,
            Err(reason) => reason,
        };
        self.ignored.push(IgnoredState { path: tree.locate(&path), reason });
        None
    }

    /// Hashes all of the data, for a comparison with `digests`. Also returns the identity of the data.
    pub(super) fn read_all(
        &self,
        digests: impl IntoIterator<Item = Digest>,
        interrupt: &Interrupt,
    ) -> Result<(Hasher, Identity)> {
        record::settle(&self.data);
        let before = self.identity(self.offset()?)?;
        let (source, watch) =
            (FromStart { data: &self.data, at: 0 }, Watch { interrupt: interrupt.clone(), ..Watch::none() });
        let hashed = stream::hash(source, Hasher::of(digests), &mut vec![0; stream::BUFFER], &watch);
        let hasher = hashed.map_err(|error| interrupt.or(self.failed("read", error)))?;
        if self.identity(before.size)? != before {
            return Err(self.changed());
        }
        Ok((hasher, before))
    }

    /// The identity of the data. `Err(Refused)` when its size is not `size`.
    pub(super) fn identity(&self, size: u64) -> Result<Identity> {
        let identity = Identity::of(&self.data).map_err(|error| self.failed("look at", error))?;
        if identity.size == size { Ok(identity) } else { Err(self.changed()) }
    }

    fn changed(&self) -> Error {
        let reason = format!("upload {} of repository {} changed meanwhile", self.id, self.repository);
        Error::Refused { reason }
    }

    /// `Err(UploadUnknown)` when a process that does not know our lock has finished or cancelled the upload.
    fn check_in_place(&self) -> Result<()> {
        if self.writer.tree().is_in_place(&self.path, &self.data)? {
            return Ok(());
        }
        Err(super::unknown(self.writer.tree(), &self.repository, &self.id))
    }

    fn state_item(&self, offset: u64) -> Item {
        Item::HashState { upload: self.id.clone(), algorithm: Algorithm::Sha256, offset }
    }
}

/// Reads a file from its start, without its shared position.
struct FromStart<'f> {
    data: &'f File,
    at: u64,
}

impl Read for FromStart<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.data.read_at(buffer, self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}
