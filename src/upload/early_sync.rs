//! Sending a long file to the disk while the rest of it still arrives.
//!
//! A commit must wait until all content is on the disk. Begun only then, that wait comes on top of the hashing; begun
//! early, on a thread of its own, it overlaps.

use std::fs::File;
use std::io::{self, Write};
use std::sync::mpsc::{self, SyncSender};
use std::thread::{self, JoinHandle};

/// How much to write before the next sync; shorter files are synced at the end only. In bytes.
const STRIDE: usize = 16 * 1024 * 1024;

/// A file being written, and synced on the way.
#[derive(Debug)]
pub(super) struct EarlySync<'f> {
    file: &'f File,
    unsynced: usize,
    written: u64,
    syncing: Option<(SyncSender<()>, JoinHandle<io::Result<()>>)>,
}

impl<'f> EarlySync<'f> {
    pub(super) fn new(file: &'f File) -> Self {
        Self { file, unsynced: 0, written: 0, syncing: None }
    }

    /// How much was written, in bytes.
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// Syncs the rest. A failure of an early sync is reported here: the kernel tells it once, and not to a later one.
    pub(super) fn finish(self) -> io::Result<()> {
        if let Some((signal, thread)) = self.syncing {
            drop(signal);
            thread.join().expect("syncing does not panic")?;
        }
        self.file.sync_all()
    }

    fn sync_soon(&mut self) -> io::Result<()> {
        self.unsynced = 0;
        if let Some((signal, _)) = &self.syncing {
            // Full: a sync is about to begin anyway. Gone: it failed, which `finish` tells.
            let _ = signal.try_send(());
            return Ok(());
        }
        let file = self.file.try_clone()?;
        let (signal, signals) = mpsc::sync_channel(1);
        let _ = signal.try_send(());
        let sync_all = move || signals.iter().try_for_each(|()| file.sync_data());
        let thread = thread::Builder::new().spawn(sync_all)?;
        self.syncing = Some((signal, thread));
        Ok(())
    }
}

impl Write for EarlySync<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.file.write(bytes)?;
        self.unsynced += n;
        self.written += n as u64;
        if self.unsynced >= STRIDE {
            self.sync_soon()?;
        }
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
