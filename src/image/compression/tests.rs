#![expect(clippy::unwrap_used, reason = "a test may")]

use std::io::{self, Cursor, ErrorKind, Read, Write};
use std::process::{Command, Stdio};

use liblzma::stream::{Check, Filters, LzmaOptions, Stream};
use liblzma::write::XzEncoder;

use super::decoder::MAGIC;
use super::gzip::BLOCK;
use super::*;

const WRITTEN: [Compression; 3] = [Compression::None, Compression::Gzip, Compression::Zstd];

/// Content that can be compressed, but not to nothing.
fn content(size: usize) -> Vec<u8> {
    let mut state = 7_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        b"0123456789abcdef"[(state >> 28) as usize]
    };
    (0..size).map(|_| next()).collect()
}

fn encoded(content: &[u8], how: Compression) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new(), how).unwrap();
    // In pieces that fit no block.
    content.chunks(100_003).for_each(|piece| encoder.write_all(piece).unwrap());
    encoder.finish().unwrap()
}

fn xz(content: &[u8], dictionary: u32) -> Vec<u8> {
    let mut options = LzmaOptions::new_preset(0).unwrap();
    let stream = Stream::new_stream_encoder(Filters::new().lzma2(options.dict_size(dictionary)), Check::Crc64);
    let mut encoder = XzEncoder::new_stream(Vec::new(), stream.unwrap());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// Every way of compressing, `None` left out.
fn compressed(content: &[u8]) -> [(Compression, Vec<u8>); 3] {
    [
        (Compression::Gzip, encoded(content, Compression::Gzip)),
        (Compression::Zstd, encoded(content, Compression::Zstd)),
        (Compression::Xz, xz(content, 1 << 20)),
    ]
}

fn decoded(stream: &[u8]) -> io::Result<(Compression, Vec<u8>)> {
    let (compression, mut decoder) = decoder(Cursor::new(stream.to_vec()))?;
    let mut content = Vec::new();
    decoder.read_to_end(&mut content)?;
    Ok((compression, content))
}

#[test]
fn what_is_written_is_read_again_at_every_size() {
    for size in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 9 * BLOCK + 7] {
        let content = content(size);
        for how in WRITTEN {
            let (compression, read) = decoded(&encoded(&content, how)).unwrap();
            assert_eq!(compression, how, "{size}");
            assert!(read == content, "{how} {size}");
        }
    }
}

#[test]
fn any_number_of_threads_writes_the_same() {
    let content = content(13 * BLOCK + 1);
    for how in WRITTEN {
        let by = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| encoded(&content, how))
        };
        let one = by(1);
        assert!(one == encoded(&content, how), "{how}");
        for threads in [2, 8] {
            assert!(by(threads) == one, "{how} on {threads} threads");
        }
    }
}

/// The digests of layers in a tree depend on these bytes.
#[test]
fn what_is_written_stays_the_same() {
    let content = content(1_500_000);
    let digest = |how| crate::digest::Digest::of(&encoded(&content, how)).to_string();
    assert_eq!(digest(Compression::Gzip), "sha256:ed576ef1a514b6db8c4b86e5a48551c33ba5dc3dae6a061f12c19ce588f09c58");
    assert_eq!(digest(Compression::Zstd), "sha256:d8bdf1d95dd7c31071dec29c5914b33b8fff012fe16e9c6f46e00578acf367a5");
}

#[test]
fn gzip_itself_reads_what_is_written_as_one_member() {
    let content = content(5 * BLOCK + 11);
    let stream = encoded(&content, Compression::Gzip);
    let mut gzip = Command::new("gzip").arg("-dc").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = gzip.stdin.take().unwrap();
    let whole = stream.clone();
    let feeding = std::thread::spawn(move || input.write_all(&whole));
    let output = gzip.wait_with_output().unwrap();
    feeding.join().unwrap().unwrap();
    assert!(output.status.success() && output.stdout == content);
    let mut first = Vec::new();
    flate2::read::GzDecoder::new(&stream[..]).read_to_end(&mut first).unwrap();
    assert!(first == content);
}

#[test]
fn gzip_is_hardly_longer_than_in_one_piece() {
    let content = content(8 * BLOCK);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(4));
    encoder.write_all(&content).unwrap();
    let (one, ours) = (encoder.finish().unwrap().len(), encoded(&content, Compression::Gzip).len());
    assert!(ours < one + one / 100, "{ours} instead of {one} bytes");
}

#[test]
fn streams_one_after_the_other_are_read_as_one() {
    let (first, second) = (content(1000), b"second".to_vec());
    for ((how, one), (_, two)) in compressed(&first).into_iter().zip(compressed(&second)) {
        let (compression, read) = decoded(&[one, two].concat()).unwrap();
        assert!(compression == how && read == [&first[..], b"second"].concat(), "{how}");
    }
}

#[test]
fn frames_to_skip_are_skipped() {
    let skipped: &[u8] = b"\x5a\x2a\x4d\x18\x03\0\0\0abc";
    let frame = encoded(b"content", Compression::Zstd);
    for stream in [[skipped, &frame].concat(), [&frame, skipped].concat(), [&frame, skipped, &frame].concat()] {
        let (compression, read) = decoded(&stream).unwrap();
        assert_eq!(compression, Compression::Zstd);
        assert_eq!(read, b"content".repeat(read.len() / 7));
        assert!(!read.is_empty());
    }
}

#[test]
fn garbage_after_a_stream_is_an_error() {
    for (how, stream) in compressed(&content(100)) {
        let error = decoded(&[&stream[..], b"garbage that follows"].concat()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData, "{how}: {error}");
        assert!(error.to_string().contains(&format!("{how} stream is damaged")), "{error}");
    }
}

#[test]
fn a_stream_that_is_cut_anywhere_is_an_error() {
    for (how, stream) in compressed(&content(300)) {
        let twice = stream.repeat(2);
        // Less is not recognised, and is content as it is.
        for end in MAGIC..twice.len() {
            match decoded(&twice[..end]) {
                Ok(_) => assert_eq!(end, stream.len(), "{how}"),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "{how} {end}: {error}");
                    assert_eq!(error.to_string(), format!("its {how} stream is cut short"));
                }
            }
        }
    }
}

#[test]
fn a_byte_that_changed_is_noticed() {
    let content = content(300);
    for (how, stream) in compressed(&content) {
        let mut errors = 0;
        for position in MAGIC..stream.len() {
            let mut changed = stream.clone();
            changed[position] ^= 0x40;
            // Some bits of gzip's header, and those that fill up the last byte before its checksum, mean nothing here.
            match decoded(&changed) {
                Ok((_, read)) => assert!(read == content, "{how}: byte {position} of {}", stream.len()),
                Err(_) => errors += 1,
            }
        }
        assert!(errors > stream.len() - 20, "{how}: {errors} of {}", stream.len());
    }
}

/// An empty frame that says that it needs this window.
fn frame(window: u8) -> Vec<u8> {
    [b"\x28\xb5\x2f\xfd\0".as_slice(), &[window], b"\x01\0\0"].concat()
}

#[test]
fn a_large_window_is_refused() {
    let limit = "at most 134217728 bytes are decoded";
    assert_eq!(decoded(&frame((27 - 10) << 3)).unwrap().1, b"");
    assert_eq!(decoded(&xz(b"content", 128 << 20)).unwrap().1, b"content");
    let later = [encoded(b"content", Compression::Zstd), frame((28 - 10) << 3)].concat();
    // One segment, and its content has 1 GiB.
    let segment = b"\x28\xb5\x2f\xfd\xa0\0\0\0\x40\x01\0\0".to_vec();
    for (stream, window) in [
        (frame((28 - 10) << 3), 256_u64 << 20),
        (frame(((27 - 10) << 3) + 1), 144 << 20),
        (frame(0xff), (1 << 41) / 8 * 15),
        (later, 256 << 20),
        (segment, 1 << 30),
        (xz(b"content", 192 << 20), 192 << 20),
        (xz(b"content", 256 << 20), 256 << 20),
    ] {
        let error = decoded(&stream).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        let text = error.to_string();
        assert!(text.contains(&format!("its window has {window} bytes, and {limit}")), "{text}");
    }
}

/// A reader that gives a byte at a time, and then fails.
struct Failing(Vec<u8>, usize);

impl Read for Failing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let byte = self.0.get(self.1).ok_or_else(|| io::Error::from_raw_os_error(5))?;
        (buffer[0], self.1) = (*byte, self.1 + 1);
        Ok(1)
    }
}

#[test]
fn the_error_of_a_source_is_told_as_it_is() {
    for (how, mut stream) in compressed(&content(300)) {
        stream.truncate(60);
        let (compression, mut decoder) = decoder(io::BufReader::new(Failing(stream, 0))).unwrap();
        assert_eq!(compression, how);
        let error = decoder.read_to_end(&mut Vec::new()).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(5), "{how}: {error}");
    }
}

/// A sink with room for some bytes.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or_else(|| io::Error::from_raw_os_error(28))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn the_error_of_a_sink_ends_the_writing() {
    let content = content(20 * BLOCK);
    for how in WRITTEN {
        let mut encoder = Encoder::new(Full(4 * BLOCK), how).unwrap();
        let written = encoder.write_all(&content).and_then(|()| encoder.finish());
        assert_eq!(written.err().and_then(|error| error.raw_os_error()), Some(28), "{how}");
    }
}

#[test]
fn what_is_only_read_is_not_written() {
    assert!(!Compression::WRITTEN.contains(&Compression::Xz));
    assert_eq!(Encoder::new(Vec::new(), Compression::Xz).err().unwrap().kind(), ErrorKind::Unsupported);
}
