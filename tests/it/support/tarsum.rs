//! Layers that are called by a tarsum, computed apart from the code under test.

use regtree::Digest;

use super::scratch::digest_by;
use super::tar_writer::TarWriter;

/// An archive of one file, whose header has no names of owners.
pub(crate) fn layer(content: &[u8]) -> Vec<u8> {
    TarWriter::new().file("file", content).end()
}

/// Its tarsum, from the description: the hash of the hashes of all entries, in hex and sorted.
pub(crate) fn tarsum(content: &[u8]) -> Digest {
    let size = content.len();
    let head = format!("namefilemode420uid0gid0size{size}typeflag0linknameunamegnamedevmajor0devminor0");
    let entry = digest_by("sha256", &[head.as_bytes(), content].concat());
    let total = digest_by("sha256", entry.hex().as_bytes());
    format!("tarsum.v1+{total}").parse().unwrap()
}
