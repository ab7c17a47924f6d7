//! Hashes several blobs at once on one core, with SHA-256.
//!
//! Each step of SHA-256 waits for the one before, so one message leaves a core's SHA unit idle half of the time. The
//! blocks of *independent* messages fill the gaps: two or three messages take little longer than one.
//!
//! A *lane* has one blob. All lanes advance together, by as many whole blocks as each of them has in its buffer. A lane
//! that has no more reads on, and one whose blob has ended takes the next from a [`Queue`]. So a blob of 1 GiB beside
//! thousands of 500 bytes leaves no lane empty while any blob is queued.
//!
//! `sha_ni` uses the SHA instructions of x86-64, if the processor has them. Elsewhere there is one lane, and `sha2`
//! hashes. The SHA instructions of aarch64 are used by `sha2` alone, because lanes with them could not be checked.

#[cfg(target_arch = "x86_64")]
mod sha_ni;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests;

use std::io::{self, Read};
use std::ops::Range;

/// The size of a block of SHA-256 in bytes.
const BLOCK: usize = 64;
/// The largest number of lanes. Two fill the SHA unit nearly, three do; more would only need more buffers.
const MOST: usize = 3;
/// How much a lane reads at once, in blocks: 128 KiB, so that the buffers of all lanes stay in a second-level cache.
const READ: usize = 2048;
/// The blocks that the end of a message needs beside its last whole block.
const END: usize = 2;
/// The state of SHA-256 before the first block.
const START: State =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

type State = [u32; 8];
type Block = [u8; BLOCK];

/// Advances each state by its blocks. All have the same number of blocks.
type Compress<'c> = dyn Fn(&mut [State], &[&[Block]]) + 'c;

/// The blobs to hash.
pub(crate) trait Queue {
    /// A blob that can be read.
    type Blob: Read;

    /// The next blob, for a lane that has none; `busy` lanes have one. After `None` it is asked again when the others
    /// have advanced.
    fn next(&mut self, busy: usize) -> Option<Self::Blob>;

    /// Takes back a blob that was hashed to its end, or failed.
    fn done(&mut self, blob: Self::Blob, hash: io::Result<Hash>);
}

/// The hash of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hash {
    /// The SHA-256.
    pub(crate) sha256: [u8; 32],
    /// How many bytes were hashed.
    pub(crate) size: u64,
}

/// The lanes of one thread.
pub(crate) struct Lanes<'c> {
    compress: Box<Compress<'c>>,
    buffers: Vec<Vec<Block>>,
}

impl<'c> Lanes<'c> {
    /// As many lanes as this processor can use.
    pub(crate) fn new() -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(compress) = sha_ni::detect() {
            return Self::with(MOST, compress);
        }
        Self::with(1, one_by_one)
    }

    /// So many lanes, which `compress` advances.
    fn with(count: usize, compress: impl Fn(&mut [State], &[&[Block]]) + 'c) -> Self {
        Self { compress: Box::new(compress), buffers: vec![vec![[0; BLOCK]; READ + END]; count] }
    }

    /// Lanes that compute wrong hashes.
    #[cfg(test)]
    pub(crate) fn wrong() -> Self {
        Self::with(MOST, |states: &mut [State], blocks: &[&[Block]]| {
            one_by_one(states, blocks);
            states[0][0] ^= 1;
        })
    }

    /// Hashes the blobs of `queue`, until there is no next one and all have ended.
    pub(crate) fn run<Q: Queue>(&mut self, queue: &mut Q) {
        let mut lanes: Vec<Lane<'_, Q::Blob>> = self.buffers.iter_mut().map(|buffer| Lane::new(buffer)).collect();
        loop {
            for at in 0..lanes.len() {
                let others = lanes.iter().enumerate().filter(|(other, lane)| *other != at && lane.blob.is_some());
                let busy = others.count();
                lanes[at].fill(busy, queue);
            }
            if lanes.iter().all(|lane| lane.blob.is_none()) {
                return;
            }
            advance(&*self.compress, &mut lanes);
        }
    }
}

impl std::fmt::Debug for Lanes<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Lanes({})", self.buffers.len())
    }
}

/// A blob, and how far it is hashed.
struct Lane<'b, B> {
    blob: Option<B>,
    state: State,
    /// How many bytes were read.
    size: u64,
    /// Whether the end of the message is in the buffer.
    has_ended: bool,
    buffer: &'b mut [Block],
    /// What of the buffer is to be hashed.
    ready: Range<usize>,
}

impl<'b, B: Read> Lane<'b, B> {
    fn new(buffer: &'b mut [Block]) -> Self {
        Self { blob: None, state: START, size: 0, has_ended: false, buffer, ready: 0..0 }
    }

    /// Gets blocks to hash, of this blob or the next one.
    fn fill(&mut self, busy: usize, queue: &mut impl Queue<Blob = B>) {
        while self.ready.is_empty() {
            let Some(mut blob) = self.blob.take().or_else(|| queue.next(busy)) else { return };
            if self.has_ended {
                queue.done(blob, Ok(self.hash()));
                self.reset();
                continue;
            }
            match self.read(&mut blob) {
                Ok(()) => self.blob = Some(blob),
                Err(error) => {
                    queue.done(blob, Err(error));
                    self.reset();
                }
            }
        }
    }

    fn reset(&mut self) {
        (self.state, self.size, self.has_ended) = (START, 0, false);
    }

    /// Fills the buffer, with whole blocks only: the last of the message is filled up as SHA-256 wants it.
    fn read(&mut self, blob: &mut B) -> io::Result<()> {
        let bytes = self.buffer.as_flattened_mut();
        let mut filled = 0;
        while filled < READ * BLOCK && !self.has_ended {
            match blob.read(&mut bytes[filled..READ * BLOCK]) {
                Ok(0) => self.has_ended = true,
                Ok(n) => filled += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.size += filled as u64;
        self.ready = 0..if self.has_ended { end(bytes, filled, self.size) } else { READ };
        Ok(())
    }

    fn hash(&self) -> Hash {
        let mut sha256 = [0; 32];
        for (bytes, word) in sha256.as_chunks_mut::<4>().0.iter_mut().zip(self.state) {
            *bytes = word.to_be_bytes();
        }
        Hash { sha256, size: self.size }
    }
}

/// Writes the end of a message of `size` bytes behind the last `filled` of them. Returns how many blocks these are then.
fn end(bytes: &mut [u8], filled: usize, size: u64) -> usize {
    let length = (size << 3).to_be_bytes();
    let blocks = (filled + 1 + length.len()).div_ceil(BLOCK);
    let (rest, last) = bytes[filled..blocks * BLOCK].split_at_mut(blocks * BLOCK - filled - length.len());
    rest.fill(0);
    rest[0] = 0x80;
    last.copy_from_slice(&length);
    blocks
}

/// Advances all lanes that have a blob by as many blocks as each of them has.
fn advance<B>(compress: &Compress<'_>, lanes: &mut [Lane<'_, B>]) {
    let ready = lanes.iter().filter(|lane| lane.blob.is_some()).map(|lane| lane.ready.len());
    let by = ready.min().unwrap_or_default();
    let (mut states, mut blocks, mut busy) = ([START; MOST], [&[][..]; MOST], 0);
    for lane in lanes.iter().filter(|lane| lane.blob.is_some()) {
        (states[busy], blocks[busy]) = (lane.state, &lane.buffer[lane.ready.clone()][..by]);
        busy += 1;
    }
    compress(&mut states[..busy], &blocks[..busy]);
    for (lane, state) in lanes.iter_mut().filter(|lane| lane.blob.is_some()).zip(states) {
        lane.state = state;
        lane.ready.start += by;
    }
}

/// Advances one message after the other.
fn one_by_one(states: &mut [State], blocks: &[&[Block]]) {
    for (state, blocks) in states.iter_mut().zip(blocks) {
        sha2::block_api::compress256(state, blocks);
    }
}
