//! Taking in bytes at the end of an upload.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;

use super::early_sync::EarlySync;
use super::{IgnoredState, Session, hash_state, record};
use crate::digest::{Algorithm, Hasher, Midstate};
use crate::durable::{Identity, SoleWriter, Sync};
use crate::error::{Error, Result};
use crate::layout::{Entry, Form, Item, Place};
use crate::stream::{self, Interrupt, StreamError, Watch};
use crate::tree::Kind;

/// How to append.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Append {
    /// What the upload must have received already, in bytes: a chunk that is sent again must not land twice.
    pub offset: Option<u64>,
    /// Cut it back to so many bytes first.
    pub truncate_to: Option<u64>,
    /// Read what is there, whatever is known of its hash.
    pub rehash: bool,
}

/// A hash that is as far as the data.
struct Progressed {
    hasher: Hasher,
    /// Whether it is proven to be the data's, and not only said to be.
    proven: bool,
}

impl Session<'_> {
    /// Appends all of `source`, and returns how much the upload has received then. `name` is what to call the source.
    ///
    /// `Err(OffsetMismatch)` when it is not where `how` says. An append that fails is cut back to where it began.
    pub fn append(
        &mut self,
        source: impl Read + Send + 'static,
        name: &str,
        how: Append,
        watch: &Watch<'_>,
    ) -> Result<u64> {
        self.cut_back(how)?;
        self.or_as_it_was(|session, sole| {
            let at = session.progressed(how.rehash, &watch.interrupt)?;
            let hasher = session.receive(source, name, at.hasher, watch)?;
            let state = hasher.midstate().expect("one algorithm keeps its state");
            session.keep(&state, sole.filter(|_| at.proven));
            Ok(state.length())
        })
    }

    /// Leaves the session, which has just begun, for others to go on with: with the registry's hash state for no bytes.
    pub fn keep_empty(&mut self) -> Result<()> {
        let state = Hasher::new([]).midstate().expect("one algorithm keeps its state");
        self.write_state(&state)?;
        self.data.sync_all().map_err(|error| self.failed("sync", error))
    }

    /// Leaves the session for others to go on with: the registry's hash state is written, and our own record if the state
    /// is proven, up to here by `sole`. Where neither can be written, somebody will have to read the data; that is all.
    fn keep(&mut self, state: &Midstate, sole: Option<&SoleWriter>) {
        if self.write_state(state).is_err() {
            let path = Entry::in_repository(&self.repository, self.state_item(state.length())).path();
            let path = self.writer.tree().locate(&path);
            self.ignored.push(IgnoredState { path, reason: hash_state::StateError::Unwritable });
        }
        if let Some(sole) = sole {
            record::keep(self.writer.tree(), &self.repository, &self.id, &self.data, state, sole);
        }
    }

    fn write_state(&self, state: &Midstate) -> Result<()> {
        let path = Entry::in_repository(&self.repository, self.state_item(state.length())).path();
        self.writer.write_small(&path, &hash_state::encode(state), Sync::Now)
    }

    /// Does what may append, watching over the data; if it fails, the data is cut back to where it was, with all that is
    /// known of it.
    pub(super) fn or_as_it_was<T>(
        &mut self,
        act: impl FnOnce(&mut Self, Option<&SoleWriter>) -> Result<T>,
    ) -> Result<T> {
        // Watched before anything that is known is compared with the data.
        let sole = SoleWriter::watch(&self.data);
        let (begin, known) = (self.offset()?, self.known()?);
        let done = act(self, sole.as_ref());
        if done.is_err() && !self.published {
            // What failed first is what gets reported; that it could not be undone shows in the status.
            let _ = self.undo(begin, known.map(|(state, _)| state).zip(sole));
        }
        done
    }

    fn undo(&mut self, begin: u64, known: Option<(Midstate, SoleWriter)>) -> Result<()> {
        let found = self.offset()?;
        // What another process cut off is not ours to put back, least of all as zeros.
        if found <= begin {
            return Ok(());
        }
        // With more or less than we wrote, another process had a hand in it.
        let known = known.filter(|_| found == begin + self.written);
        self.forget_states(|offset| offset > begin)?;
        self.cut_to(begin)?;
        if let Some((state, sole)) = known {
            record::keep(self.writer.tree(), &self.repository, &self.id, &self.data, &state, &sole);
        }
        Ok(())
    }

    /// Appends `source`, hashing it with `hasher`, and syncs.
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
        let hasher = received.map_err(|error| match error {
            StreamError::Read(error) => Error::io("read", name, error),
            StreamError::Write(error) => self.failed("write", error),
            StreamError::Interrupted(signal) => Error::Interrupted { signal },
        })?;
        sink.finish().map_err(|error| self.failed("sync", error))?;
        // It was written to the end, wherever that was: if another process cut it, this is where it shows.
        self.identity(begin + self.written)?;
        self.check_in_place()?;
        Ok(hasher)
    }

    /// Checks the offset, and cuts the data back if that is wanted.
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
        // In this order: a state of bytes that are gone would be taken for that of those that come. Nor is one believed
        // that bears the number to which the data is cut: that is where a lost state makes the next one lie.
        self.forget_states(|offset| offset > begin || begin < found && offset == begin)?;
        if begin < found {
            self.cut_to(begin)?;
        }
        Ok(())
    }

    /// What is proven of the data, and of which file in which condition.
    pub(super) fn known(&self) -> Result<Option<(Midstate, Identity)>> {
        if let Some(known) = record::proven(self.writer.tree(), &self.repository, &self.id, &self.data) {
            return Ok(Some(known));
        }
        let identity = self.identity(self.offset()?)?;
        // Of nothing, all is known.
        let none = Hasher::new([]).midstate().expect("one algorithm keeps its state");
        Ok((identity.size == 0).then_some((none, identity)))
    }

    fn cut_to(&mut self, size: u64) -> Result<()> {
        self.data.set_len(size).and_then(|()| self.data.sync_all()).map_err(|error| self.failed("cut back", error))
    }

    /// Removes states of bytes that the data does not have, by their offsets: other bytes will take their place, and a
    /// registry would take such a state for theirs. A name that is no plain number may be read as one by a registry.
    fn forget_states(&self, are_gone: impl Fn(u64) -> bool) -> Result<()> {
        let directory = Place::of(&self.repository, Form::Current).hash_states(&self.id);
        let listed = match self.writer.tree().list(&directory) {
            // No directory, no states.
            Err(Error::WrongKind { .. }) => None,
            listed => listed?,
        };
        for entry in listed.unwrap_or_default() {
            let Some(name) = entry.text() else { continue };
            let stays = name.parse::<u64>().is_ok_and(|offset| !are_gone(offset) && offset.to_string() == name);
            if let Some(path) = directory.child(name)
                && !stays
                && entry.kind == Kind::File
            {
                self.writer.remove_file(&path, Sync::Now)?;
            }
        }
        Ok(())
    }

    /// A hash that is as far as the data: from our own record, from the registry's state as a hint, or read anew.
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

    /// The registry's state at `size`, if there is a usable one.
    pub(super) fn hint(&mut self, size: u64) -> Option<Midstate> {
        let path = Entry::in_repository(&self.repository, self.state_item(size)).path();
        let tree = self.writer.tree();
        let bytes = match tree.read_small(&path, hash_state::MAX_SIZE) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return None,
            // What can't be read is no state, and must not keep the content from being committed.
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

    /// Hashes all of the data, and says of which file in which condition.
    pub(super) fn read_all(
        &self,
        algorithms: impl IntoIterator<Item = Algorithm>,
        interrupt: &Interrupt,
    ) -> Result<(Hasher, Identity)> {
        record::settle(&self.data);
        let before = self.identity(self.offset()?)?;
        let (source, watch) =
            (FromStart { data: &self.data, at: 0 }, Watch { interrupt: interrupt.clone(), ..Watch::none() });
        let hashed = stream::hash(source, Hasher::new(algorithms), &mut vec![0; stream::BUFFER], &watch);
        let hasher = hashed.map_err(|error| interrupt.or(self.failed("read", error)))?;
        if self.identity(before.size)? != before {
            return Err(self.changed());
        }
        Ok((hasher, before))
    }

    /// Which file the data is, in which condition; `Err(Refused)` when it has another length than `size`.
    pub(super) fn identity(&self, size: u64) -> Result<Identity> {
        let identity = Identity::of(&self.data).map_err(|error| self.failed("look at", error))?;
        if identity.size == size { Ok(identity) } else { Err(self.changed()) }
    }

    fn changed(&self) -> Error {
        let reason = format!("upload {} of repository {} changed meanwhile", self.id, self.repository);
        Error::Refused { reason }
    }

    /// Another process, which knows nothing of our lock, may have finished or cancelled the upload.
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

/// Reads a file from its start, wherever its own position is.
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
