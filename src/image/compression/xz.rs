//! xz: streams one after the other, each of blocks.

use std::io;

use liblzma::stream::{Action, CONCATENATED, Error, Status, Stream};

use super::decode::{Decode, Step, damaged};
use super::{Compression, MAX_WINDOW};
use crate::count;

/// What a decoder needs beside its window, with room to spare.
const BESIDE_WINDOW: u64 = 1024 * 1024;

pub(super) struct Decoder(Stream);

impl Decoder {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self(Stream::new_stream_decoder(MAX_WINDOW + BESIDE_WINDOW, CONCATENATED)?))
    }

    fn reason(&mut self, error: Error) -> String {
        match error {
            Error::MemLimit => {
                let (window, limit) = (count::bytes(self.window()), count::bytes(MAX_WINDOW));
                format!("its window has {window}, and at most {limit} are decoded")
            }
            error => error.to_string(),
        }
    }

    /// The window that was too large, in bytes. The library does not say it, but refuses a limit that is too low for it.
    fn window(&mut self) -> u64 {
        // These are all the sizes that a window can have (xz-file-format.txt, 5.3.1).
        let sizes = (MAX_WINDOW.ilog2()..u32::BITS).flat_map(|bits| [1_u64 << bits, 3 << (bits - 1)]);
        let mut larger = sizes.filter(|size| *size > MAX_WINDOW);
        larger.find(|size| self.0.set_memlimit(size + BESIDE_WINDOW).is_ok()).unwrap_or(u64::from(u32::MAX))
    }
}

impl Decode for Decoder {
    const COMPRESSION: Compression = Compression::Xz;

    fn decode(&mut self, input: &[u8], output: &mut [u8], is_last: bool) -> io::Result<Step> {
        let (read, written) = (self.0.total_in(), self.0.total_out());
        let action = if is_last { Action::Finish } else { Action::Run };
        let status = self.0.process(input, output, action);
        let status = status.map_err(|error| damaged(Self::COMPRESSION, self.reason(error)))?;
        // It is not told apart whether a stream may end here before it is known that nothing follows.
        let is_whole = matches!(status, Status::StreamEnd);
        // Neither is more than the length of its buffer.
        let since = |now: u64, before: u64| usize::try_from(now - before).unwrap_or_default();
        let (consumed, produced) = (since(self.0.total_in(), read), since(self.0.total_out(), written));
        Ok(Step { consumed, produced, is_whole })
    }
}
