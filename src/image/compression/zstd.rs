//! Zstandard: frames one after the other, some of which are to be skipped (RFC 8878).

use std::io::{self, Write};
use std::sync::Mutex;
use std::thread;

use zstd::stream::raw::{self, CParameter, DParameter, Operation};
use zstd::stream::write;

use super::decode::{Decode, Step, damaged};
use super::{Compression, MAX_WINDOW};
use crate::count;

/// `zstd`'s own.
const LEVEL: i32 = 3;
/// The bytes that a thread compresses at a time. They decide what is written, so they are the same everywhere.
const JOB: u32 = 2 * 1024 * 1024;
/// More threads than this would need too much memory.
const MAX_THREADS: usize = 8;
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// The most bytes of a frame's header that are needed to tell its window.
const HEADER: usize = 17;

pub(super) struct Decoder {
    decoder: raw::Decoder<'static>,
    /// The first bytes of the frame.
    header: Vec<u8>,
}

impl Decoder {
    pub(super) fn new() -> io::Result<Self> {
        let mut decoder = raw::Decoder::new()?;
        decoder.set_parameter(DParameter::WindowLogMax(MAX_WINDOW.ilog2()))?;
        Ok(Self { decoder, header: Vec::with_capacity(HEADER) })
    }

    /// Why the decoder did not go on at `input`.
    fn reason(&self, input: &[u8], error: &io::Error) -> String {
        let header: Vec<u8> = self.header.iter().chain(input).copied().take(HEADER).collect();
        match window(&header).filter(|window| *window > MAX_WINDOW) {
            Some(window) => {
                let (window, limit) = (count::bytes(window), count::bytes(MAX_WINDOW));
                format!("its window has {window}, and at most {limit} are decoded")
            }
            None => error.to_string(),
        }
    }
}

impl Decode for Decoder {
    const COMPRESSION: Compression = Compression::Zstd;

    fn decode(&mut self, input: &[u8], output: &mut [u8], _is_last: bool) -> io::Result<Step> {
        let status = self.decoder.run_on_buffers(input, output);
        let status = status.map_err(|error| damaged(Self::COMPRESSION, self.reason(input, &error)))?;
        // Zero also says that a frame ended, and with it what may follow begins anew.
        let is_whole = status.remaining == 0;
        if is_whole {
            self.header.clear();
        } else {
            let missing = HEADER - self.header.len();
            self.header.extend(input[..status.bytes_read].iter().take(missing));
        }
        Ok(Step { consumed: status.bytes_read, produced: status.bytes_written, is_whole })
    }
}

/// The window of the frame with this header, in bytes (RFC 8878, 3.1.1.1).
fn window(header: &[u8]) -> Option<u64> {
    let (descriptor, header) = header.strip_prefix(&MAGIC)?.split_first()?;
    let is_single_segment = descriptor & 0x20 != 0;
    if !is_single_segment {
        let window = header.first()?;
        let base = 1_u64 << (10 + (window >> 3));
        return Some(base + base / 8 * u64::from(window & 7));
    }
    // The window is as large as the content.
    let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
    let size = 1 << (descriptor >> 6);
    let mut content = [0; 8];
    content[..size].copy_from_slice(header.get(dictionary..)?.get(..size)?);
    // A size of two bytes is 256 more, which does not count here.
    Some(u64::from_le_bytes(content))
}

/// A writer of one frame, compressed on several threads.
pub(super) fn encoder<W: Write>(sink: W) -> io::Result<write::Encoder<'static, W>> {
    let mut encoder = write::Encoder::new(sink, LEVEL)?;
    encoder.include_checksum(true)?;
    // One thread writes the same as many. None writes other bytes, so that is only where the system refuses all.
    let threads = given(rayon::current_num_threads().clamp(1, MAX_THREADS));
    if threads > 0 {
        encoder.multithread(u32::try_from(threads).unwrap_or(1))?;
        encoder.set_parameter(CParameter::JobSize(JOB))?;
    }
    Ok(encoder)
}

/// How many of `wanted` threads the system gives. If it gives fewer than `zstd` asks for, `zstd` fails, and calls that a lack
/// of memory.
fn given(wanted: usize) -> usize {
    let gate = Mutex::new(());
    thread::scope(|scope| {
        let closed = gate.lock();
        // Each waits until all are counted.
        let wait = || drop(gate.lock());
        let threads = (0..wanted).map_while(|_| thread::Builder::new().spawn_scoped(scope, wait).ok()).count();
        drop(closed);
        threads
    })
}
