//! Compresses a stream.

use std::io::{self, Write};

use super::gzip::Gzip;
use super::{Compression, zstd};

/// A writer that compresses what is written to it. Only [`Encoder::finish`] writes the end.
pub(in crate::image) struct Encoder<W: Write>(Kind<W>);

enum Kind<W: Write> {
    None(W),
    Gzip(Gzip<W>),
    Zstd(::zstd::stream::write::Encoder<'static, W>),
}

impl<W: Write> Encoder<W> {
    /// A writer to `sink`. `Err(Unsupported)` for xz, which is only read.
    pub(in crate::image) fn new(sink: W, how: Compression) -> io::Result<Self> {
        let kind = match how {
            Compression::None => Kind::None(sink),
            Compression::Gzip => Kind::Gzip(Gzip::new(sink)?),
            Compression::Zstd => Kind::Zstd(zstd::encoder(sink)?),
            Compression::Xz => return Err(io::Error::new(io::ErrorKind::Unsupported, "xz is only read")),
        };
        Ok(Self(kind))
    }

    /// Writes the end of the stream, and gives the sink back.
    pub(in crate::image) fn finish(self) -> io::Result<W> {
        match self.0 {
            Kind::None(sink) => Ok(sink),
            Kind::Gzip(encoder) => encoder.finish(),
            Kind::Zstd(encoder) => encoder.finish(),
        }
    }
}

impl<W: Write> Write for Encoder<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            Kind::None(sink) => sink.write(bytes),
            Kind::Gzip(encoder) => encoder.write(bytes),
            Kind::Zstd(encoder) => encoder.write(bytes),
        }
    }

    /// Does nothing: where a stream is flushed would change what is written.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
