//! Tar archives and compressed streams written byte by byte, as no library would write them.

/// The size of a header, and the unit to which content is padded.
const BLOCK: usize = 512;
/// The most that one block of a zstd stream says.
const ZSTD_BLOCK: u64 = 128 << 10;

/// A tar archive.
#[derive(Clone, Default)]
pub(crate) struct TarWriter {
    bytes: Vec<u8>,
}

/// A header of one's own.
#[derive(Clone, Debug)]
pub(crate) struct Header {
    block: [u8; BLOCK],
    /// What is added to the checksum.
    pub(crate) wrong: u32,
}

impl Header {
    /// An entry of this type, name and size, as POSIX has it.
    pub(crate) fn new(kind: u8, name: &str, size: u64) -> Self {
        let mut header = Self { block: [0; BLOCK], wrong: 0 };
        header.put(0, name.as_bytes()).put(100, b"0000644\0").put(108, b"0000000\0").put(116, b"0000000\0");
        header.put(136, b"00000000000\0").put(257, b"ustar\x0000");
        header.block[156] = kind;
        header.size(size)
    }

    /// With this size, in octal digits, or in base 256 where those do not suffice.
    pub(crate) fn size(mut self, size: u64) -> Self {
        if size < 1 << 33 {
            self.put(124, format!("{size:011o}\0").as_bytes());
        } else {
            self.put(124, &[&[0x80, 0, 0, 0][..], &size.to_be_bytes()].concat());
        }
        self
    }

    /// With these bytes in the place of the size.
    pub(crate) fn size_field(mut self, field: &[u8; 12]) -> Self {
        self.put(124, field);
        self
    }

    pub(crate) fn link(mut self, target: &str) -> Self {
        self.put(157, target.as_bytes());
        self
    }

    pub(crate) fn wrong_checksum(mut self) -> Self {
        self.wrong = 1;
        self
    }

    fn put(&mut self, at: usize, bytes: &[u8]) -> &mut Self {
        self.block[at..at + bytes.len()].copy_from_slice(bytes);
        self
    }

    pub(crate) fn bytes(mut self) -> [u8; BLOCK] {
        self.put(148, b"        ");
        let sum: u32 = self.block.iter().map(|byte| u32::from(*byte)).sum();
        let sum = format!("{:06o}\0 ", sum + self.wrong);
        self.put(148, sum.as_bytes());
        self.block
    }
}

impl TarWriter {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds a header alone.
    pub(crate) fn header(mut self, header: Header) -> Self {
        self.bytes.extend(header.bytes());
        self
    }

    /// Adds content, up to the next block.
    pub(crate) fn content(mut self, content: &[u8]) -> Self {
        self.bytes.extend(content);
        self.bytes.resize(self.bytes.len().next_multiple_of(BLOCK), 0);
        self
    }

    pub(crate) fn file(self, name: &str, content: &[u8]) -> Self {
        self.entry(b'0', name, content)
    }

    /// Adds a header of any type, with content.
    pub(crate) fn entry(self, kind: u8, name: &str, content: &[u8]) -> Self {
        self.header(Header::new(kind, name, content.len() as u64)).content(content)
    }

    /// Adds a symbolic link (`2`) or a hard link (`1`).
    pub(crate) fn link(self, kind: u8, name: &str, target: &str) -> Self {
        self.header(Header::new(kind, name, 0).link(target))
    }

    /// Adds a name for the next entry, as GNU tar does.
    pub(crate) fn gnu_name(self, name: &str) -> Self {
        self.entry(b'L', "././@LongLink", &[name.as_bytes(), b"\0"].concat())
    }

    /// Adds pax records for the next entry.
    pub(crate) fn pax(self, records: &[(&str, &str)]) -> Self {
        let records: Vec<String> = records.iter().map(|(key, value)| pax_record(key, value)).collect();
        self.entry(b'x', "PaxHeaders/entry", records.concat().as_bytes())
    }

    pub(crate) fn all(self, files: &[(String, Vec<u8>)]) -> Self {
        files.iter().fold(self, |archive, (name, content)| archive.file(name, content))
    }

    /// The archive, without the mark of its end.
    pub(crate) fn unended(self) -> Vec<u8> {
        self.bytes
    }

    pub(crate) fn end(mut self) -> Vec<u8> {
        self.bytes.extend([0; 2 * BLOCK]);
        self.bytes
    }
}

/// A pax record, which begins with its own length.
fn pax_record(key: &str, value: &str) -> String {
    let rest = format!(" {key}={value}\n");
    let with = |length: usize| length.to_string().len() + rest.len();
    format!("{}{rest}", with(with(rest.len())))
}

/// A zstd stream that says `begin`, then as many zeros, then `end`. Its decoder wants a window of `1 << window_log`.
pub(crate) fn zstd(begin: &[u8], zeros: u64, end: &[u8], window_log: u8) -> Vec<u8> {
    // RFC 8878: the magic number, a descriptor without any flag, and the window.
    let mut bytes = vec![0x28, 0xb5, 0x2f, 0xfd, 0, (window_log - 10) << 3];
    let mut block = |kind: u32, size: u64, content: &[u8], is_last: bool| {
        let header = u32::try_from(size).unwrap() << 3 | kind << 1 | u32::from(is_last);
        bytes.extend(&header.to_le_bytes()[..3]);
        bytes.extend(content);
    };
    let most = usize::try_from(ZSTD_BLOCK).unwrap();
    begin.chunks(most).for_each(|chunk| block(0, chunk.len() as u64, chunk, false));
    for _ in 0..zeros / ZSTD_BLOCK {
        block(1, ZSTD_BLOCK, &[0], false);
    }
    block(1, zeros % ZSTD_BLOCK, &[0], false);
    end.chunks(most).for_each(|chunk| block(0, chunk.len() as u64, chunk, false));
    block(0, 0, &[], true);
    bytes
}

pub(crate) fn gzip(content: &[u8]) -> Vec<u8> {
    use std::io::Write;

    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}
