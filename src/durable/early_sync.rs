//! Syncs a long file to the disk while the rest of it still arrives.
//!
//! A commit must wait until all content is on the disk. If syncing started only then, its time would be added to the
//! time of hashing. An early sync in a thread of its own overlaps with the hashing.

use std::fs::File;
use std::io::{self, Write};
use std::sync::mpsc::{self, SyncSender};
use std::thread::{self, JoinHandle};

/// How many bytes to write between syncs. A shorter file is synced only at the end.
const STRIDE: usize = 16 * 1024 * 1024;

/// A file that is synced while it is written.
#[derive(Debug)]
pub(crate) struct EarlySync<'f> {
    file: &'f File,
    unsynced: usize,
    written: u64,
    syncing: Option<(SyncSender<()>, JoinHandle<io::Result<()>>)>,
}

impl<'f> EarlySync<'f> {
    pub(crate) fn new(file: &'f File) -> Self {
        Self { file, unsynced: 0, written: 0, syncing: None }
    }

    /// How many bytes were written.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    /// Syncs the rest. An error of an early sync is returned here, because the kernel reports it only once.
    pub(crate) fn finish(self) -> io::Result<()> {
        if let Some((signal, thread)) = self.syncing {
            drop(signal);
            thread.join().expect("syncing does not panic")?;
        }
        self.file.sync_all()
    }

    fn sync_soon(&mut self) -> io::Result<()> {
        self.unsynced = 0;
        if let Some((signal, _)) = &self.syncing {
            // The channel is full when a sync is about to begin anyway, and closed when one failed: see `finish`.
            let _ = signal.try_send(());
            return Ok(());
        }
        let file = self.file.try_clone()?;
        let (signal, signals) = mpsc::sync_channel(1);
        let _ = signal.try_send(());
        let sync_all = move || signals.iter().try_for_each(|()| file.sync_data());
        match thread::Builder::new().spawn(sync_all) {
            Ok(thread) => self.syncing = Some((signal, thread)),
            // The system has no thread left: this one waits for the disk.
            Err(_) => self.file.sync_data()?,
        }
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
