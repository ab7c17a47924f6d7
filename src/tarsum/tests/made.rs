//! Makes archives.

use std::io::Write;

/// An entry as docker's tests make them.
#[derive(Clone, Debug)]
pub(super) struct Made {
    pub(super) kind: u8,
    pub(super) name: Vec<u8>,
    pub(super) numbers: [u64; 4],
    pub(super) owners: [&'static str; 2],
    pub(super) records: Vec<(Vec<u8>, Vec<u8>)>,
    pub(super) content: Vec<u8>,
}

impl Made {
    pub(super) fn new(kind: u8, name: &str, content: &[u8]) -> Self {
        let (name, content) = (name.as_bytes().to_vec(), content.to_vec());
        Self { kind, name, numbers: [0; 4], owners: [""; 2], records: Vec::new(), content }
    }

    /// A file of docker's tests, which they say belongs to a certain author.
    pub(super) fn of_author(name: &str) -> Self {
        Self { numbers: [0, 1000, 1000, 0], owners: ["slartibartfast", "users"], ..Self::new(b'0', name, b"test") }
    }

    pub(super) fn with(mut self, key: &[u8], value: &[u8]) -> Self {
        self.records.push((key.to_vec(), value.to_vec()));
        self
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        if !self.records.is_empty() {
            let records: Vec<u8> = self.records.iter().flat_map(|(key, value)| record(key, value)).collect();
            bytes = Self::new(b'x', "PaxHeaders.0/entry", &records).bytes();
        }
        let [mode, uid, gid, mtime] = self.numbers;
        let [uname, gname] = self.owners;
        let mut block = [0; 512];
        put(&mut block, 0, &self.name[..self.name.len().min(100)]);
        for (at, number) in [(100, mode), (108, uid), (116, gid)] {
            put(&mut block, at, format!("{number:07o}\0").as_bytes());
        }
        put(&mut block, 124, format!("{:011o}\0{mtime:011o}\0", self.content.len()).as_bytes());
        block[156] = self.kind;
        put(&mut block, 257, b"ustar\x0000");
        put(&mut block, 265, uname.as_bytes());
        put(&mut block, 297, gname.as_bytes());
        bytes.extend(signed(block));
        bytes.extend(&self.content);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
        bytes
    }
}

pub(super) fn put(block: &mut [u8; 512], at: usize, bytes: &[u8]) {
    block[at..at + bytes.len()].copy_from_slice(bytes);
}

/// The header with its checksum.
pub(super) fn signed(mut block: [u8; 512]) -> [u8; 512] {
    put(&mut block, 148, b"        ");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    put(&mut block, 148, format!("{sum:06o}\0 ").as_bytes());
    block
}

pub(super) fn record(key: &[u8], value: &[u8]) -> Vec<u8> {
    let rest = [b" ", key, b"=", value, b"\n"].concat();
    let with = |length: usize| length.to_string().len() + rest.len();
    [with(with(rest.len())).to_string().as_bytes(), &rest].concat()
}

pub(super) fn archive(entries: &[Made]) -> Vec<u8> {
    let mut bytes: Vec<u8> = entries.iter().flat_map(Made::bytes).collect();
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
