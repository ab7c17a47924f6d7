//! Decodes a stream, in constant memory whatever its size and whatever it says.

use std::io::{self, BufRead, Chain, Cursor, Read};

use flate2::bufread::MultiGzDecoder;

use super::decode::{Decoding, cut, damaged};
use super::{Compression, xz, zstd};

/// The bytes that tell how a stream is compressed.
pub(super) const MAGIC: usize = 6;

/// A source whose first bytes were looked at.
type Peeked<R> = Chain<Cursor<Vec<u8>>, R>;

/// Looks at the first bytes of `source`. Returns how it is compressed, and all of it as it is.
pub(in crate::image) fn peek<R: Read>(mut source: R) -> io::Result<(Compression, Peeked<R>)> {
    let mut magic = Vec::with_capacity(MAGIC);
    source.by_ref().take(MAGIC as u64).read_to_end(&mut magic)?;
    Ok((Compression::of(&magic), Cursor::new(magic).chain(source)))
}

/// Decodes `source`, which is recognised by its first bytes. What is not compressed is read as it is.
///
/// All of the stream is read: several gzip members, zstd frames or xz streams give their content one after the other.
/// A read fails with `InvalidData` when the stream is damaged, or something else follows it, or its window is too
/// large, and with `UnexpectedEof` when it is cut. Other errors are the source's own.
pub(in crate::image) fn decoder(
    source: impl BufRead + Send + 'static,
) -> io::Result<(Compression, Box<dyn Read + Send>)> {
    let (compression, source) = peek(source)?;
    let decoder: Box<dyn Read + Send> = match compression {
        Compression::None => Box::new(source),
        Compression::Gzip => Box::new(Gzip(MultiGzDecoder::new(source))),
        Compression::Zstd => Box::new(Decoding::new(source, zstd::Decoder::new()?)),
        Compression::Xz => Box::new(Decoding::new(source, xz::Decoder::new()?)),
    };
    Ok((compression, decoder))
}

struct Gzip<R>(MultiGzDecoder<R>);

impl<R: BufRead> Read for Gzip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => cut(Compression::Gzip),
            // The decoder's own. The kernel's would have a number.
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData if error.raw_os_error().is_none() => {
                damaged(Compression::Gzip, error)
            }
            _ => error,
        })
    }
}
