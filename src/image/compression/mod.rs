//! Reads and writes compressed content: layers, and archives.
//!
//! What is read is recognised by its first bytes. It may be hostile, so nothing that it says decides how much memory is
//! used. **What is written is the same on every machine**, whatever the number of threads, because the digest of a layer
//! that regtree compresses must not depend on where that was.

mod decode;
mod decoder;
mod encoder;
mod gzip;
mod xz;
mod zstd;

pub(super) use decoder::{decoder, peek};
pub(super) use encoder::Encoder;

use crate::named::named;

/// The most bytes of a window, which a decoder has to remember of what it decoded: 128 MiB. `zstd` decodes no more
/// either, if it is not told to, and no level of `xz` needs more than half of it.
const MAX_WINDOW: u64 = 128 * 1024 * 1024;

named! {
    /// How content is compressed.
    #[derive(Default)]
    #[non_exhaustive]
    pub enum Compression {
        /// Not at all.
        #[default]
        None = "none",
        /// gzip (RFC 1952), which every registry and client reads.
        Gzip = "gzip",
        /// Zstandard (RFC 8878).
        Zstd = "zstd",
        /// xz, which is only read.
        Xz = "xz",
    }
}

impl Compression {
    /// Those that can be written.
    pub const WRITTEN: [Self; 3] = [Self::Gzip, Self::Zstd, Self::None];

    /// How content that begins with these bytes is compressed.
    pub(super) fn of(magic: &[u8]) -> Self {
        match magic {
            [0x1f, 0x8b, ..] => Self::Gzip,
            // The second is a frame to skip. Some tools that compress in parallel begin with one.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            _ => Self::None,
        }
    }
}

#[cfg(test)]
mod tests;
