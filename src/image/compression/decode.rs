//! What the decoders have in common: how they are fed, and how they fail.

use std::io::{self, BufRead, Read};

use super::Compression;

/// The error for a stream that is not what it should be.
pub(super) fn damaged(compression: Compression, reason: impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("its {compression} stream is damaged: {reason}"))
}

/// The error for a stream that ends before its end.
pub(super) fn cut(compression: Compression) -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, format!("its {compression} stream is cut short"))
}

/// A decoder from bytes to bytes.
pub(super) trait Decode {
    const COMPRESSION: Compression;

    /// Decodes some of `input` to `output`. `is_last` says that nothing comes after `input`.
    fn decode(&mut self, input: &[u8], output: &mut [u8], is_last: bool) -> io::Result<Step>;
}

/// What one step of a decoder did.
pub(super) struct Step {
    pub(super) consumed: usize,
    pub(super) produced: usize,
    /// Whether the stream may end here.
    pub(super) is_whole: bool,
}

/// A reader of what a decoder makes of its source.
pub(super) struct Decoding<R, D> {
    source: R,
    decoder: D,
    /// Whether the stream may end here.
    is_whole: bool,
}

impl<R, D> Decoding<R, D> {
    pub(super) fn new(source: R, decoder: D) -> Self {
        Self { source, decoder, is_whole: false }
    }
}

impl<R: BufRead, D: Decode> Read for Decoding<R, D> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let input = self.source.fill_buf()?;
            let is_last = input.is_empty();
            if is_last && self.is_whole {
                return Ok(0);
            }
            let step = self.decoder.decode(input, buffer, is_last)?;
            self.source.consume(step.consumed);
            self.is_whole = step.is_whole;
            if step.produced > 0 {
                return Ok(step.produced);
            }
            if is_last && !step.is_whole {
                return Err(cut(D::COMPRESSION));
            }
        }
    }
}
