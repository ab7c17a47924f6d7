//! Compresses to one gzip member, on all threads, as `pigz` does.
//!
//! The content is cut into blocks of a fixed size. Each is deflated by itself, with the end of the block before as its
//! dictionary, so that it is hardly longer than it would be in one stream. All but the last end on a byte (a sync flush),
//! so they can be written one after the other. Which thread deflates a block, and when, does not change what is written.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::mem;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, TryRecvError};
use std::time::Duration;

use flate2::{Compress, Compression, Crc, FlushCompress, Status};

/// The bytes of a block. They decide what is written, so they are the same everywhere.
pub(super) const BLOCK: usize = 256 * 1024;
/// How far deflate looks back.
const DICTIONARY: usize = 32 * 1024;
/// Some 4 % longer than `gzip -6`, in a quarter of its time; level 6 would save most of that, and take half as long again.
const LEVEL: u32 = 4;
/// How many blocks are in memory at most, whatever the number of threads.
const MAX_BLOCKS: usize = 64;
/// No name, no time, and no operating system (RFC 1952, 2.3).
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
/// How long a thread of the pool waits before it looks for other work.
const LOOK: Duration = Duration::from_millis(1);

pub(super) struct Gzip<W> {
    sink: W,
    block: Block,
    crc: Crc,
    /// The blocks that are deflated, in the order in which they are written.
    pending: VecDeque<Receiver<Deflated>>,
    max_pending: usize,
}

/// What a thread deflates.
struct Block {
    /// The dictionary, and the content.
    bytes: Vec<u8>,
    dictionary: usize,
    is_last: bool,
}

type Deflated = io::Result<Vec<u8>>;

impl<W: Write> Gzip<W> {
    pub(super) fn new(mut sink: W) -> io::Result<Self> {
        sink.write_all(&HEADER)?;
        // Enough that no thread waits while the oldest block is written.
        let max_pending = (2 * rayon::current_num_threads()).min(MAX_BLOCKS);
        Ok(Self { sink, block: Block::after(&[]), crc: Crc::new(), pending: VecDeque::new(), max_pending })
    }

    pub(super) fn finish(mut self) -> io::Result<W> {
        self.block.is_last = true;
        self.deflate()?;
        while !self.pending.is_empty() {
            self.write_oldest()?;
        }
        self.sink.write_all(&self.crc.sum().to_le_bytes())?;
        // The size is modulo 2^32.
        self.sink.write_all(&self.crc.amount().to_le_bytes())?;
        Ok(self.sink)
    }

    /// Gives the block to a thread, and begins the next.
    fn deflate(&mut self) -> io::Result<()> {
        let next = Block::after(&self.block.bytes);
        let block = mem::replace(&mut self.block, next);
        while self.pending.len() >= self.max_pending {
            self.write_oldest()?;
        }
        let (give, deflated) = mpsc::sync_channel(1);
        // If writing has failed, the block is not received.
        rayon::spawn(move || drop(give.send(block.deflate())));
        self.pending.push_back(deflated);
        Ok(())
    }

    fn write_oldest(&mut self) -> io::Result<()> {
        let Some(oldest) = self.pending.pop_front() else { return Ok(()) };
        let deflated = wait(&oldest)?;
        self.sink.write_all(&deflated)
    }
}

impl<W: Write> Write for Gzip<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.block.len() == BLOCK {
            self.deflate()?;
        }
        let taken = &bytes[..bytes.len().min(BLOCK - self.block.len())];
        self.block.bytes.extend_from_slice(taken);
        self.crc.update(taken);
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Block {
    /// The block that comes after these bytes.
    fn after(before: &[u8]) -> Self {
        let dictionary = &before[before.len().saturating_sub(DICTIONARY)..];
        let mut bytes = Vec::with_capacity(DICTIONARY + BLOCK);
        bytes.extend_from_slice(dictionary);
        Self { bytes, dictionary: dictionary.len(), is_last: false }
    }

    fn len(&self) -> usize {
        self.bytes.len() - self.dictionary
    }

    fn deflate(self) -> Deflated {
        let (dictionary, content) = self.bytes.split_at(self.dictionary);
        let mut deflate = Compress::new(Compression::new(LEVEL), false);
        if !dictionary.is_empty() {
            deflate.set_dictionary(dictionary)?;
        }
        let flush = if self.is_last { FlushCompress::Finish } else { FlushCompress::Sync };
        // What can't be compressed gets five bytes longer for each 64 KiB at most.
        let mut deflated = Vec::with_capacity(content.len() + content.len() / 1024 + 64);
        loop {
            let done = usize::try_from(deflate.total_in()).unwrap_or(content.len());
            let status = deflate.compress_vec(&content[done..], &mut deflated, flush)?;
            // With room to spare nothing was held back.
            if status == Status::StreamEnd || (!self.is_last && deflated.len() < deflated.capacity()) {
                return Ok(deflated);
            }
            deflated.reserve(BLOCK);
        }
    }
}

/// Waits for a block. A thread of the pool works meanwhile, or a pool of one thread would wait for itself.
fn wait(deflated: &Receiver<Deflated>) -> Deflated {
    let gone = || io::Error::other("the thread that compressed is gone");
    loop {
        match deflated.try_recv() {
            Ok(deflated) => return deflated,
            Err(TryRecvError::Disconnected) => return Err(gone()),
            Err(TryRecvError::Empty) => {}
        }
        match rayon::yield_now() {
            None => return deflated.recv().map_err(|_| gone())?,
            Some(rayon::Yield::Executed) => continue,
            Some(rayon::Yield::Idle) => {}
        }
        match deflated.recv_timeout(LOOK) {
            Ok(deflated) => return deflated,
            Err(RecvTimeoutError::Disconnected) => return Err(gone()),
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}
