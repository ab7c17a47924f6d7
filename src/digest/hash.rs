//! Hashes bytes with one or several algorithms in one pass.

use std::io::{self, Read};

use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::{Algorithm, Digest, Midstate};
use crate::lanes::Hash;

/// The running state of one algorithm.
#[derive(Clone, Debug)]
enum State {
    Sha256(Sha256),
    Sha384(Sha384),
    Sha512(Sha512),
}

impl State {
    fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Sha256 => Self::Sha256(Sha256::new()),
            Algorithm::Sha384 => Self::Sha384(Sha384::new()),
            Algorithm::Sha512 => Self::Sha512(Sha512::new()),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(state) => state.update(bytes),
            Self::Sha384(state) => state.update(bytes),
            Self::Sha512(state) => state.update(bytes),
        }
    }

    fn finish(self) -> Digest {
        let digest = match self {
            Self::Sha256(state) => Digest::from_hash(Algorithm::Sha256, &state.finalize()),
            Self::Sha384(state) => Digest::from_hash(Algorithm::Sha384, &state.finalize()),
            Self::Sha512(state) => Digest::from_hash(Algorithm::Sha512, &state.finalize()),
        };
        digest.expect("a hash has its algorithm's length")
    }
}

/// Hashes bytes in one pass, with SHA-256 and any other algorithms asked for.
#[derive(Clone, Debug)]
pub(crate) struct Hasher {
    // SHA-256 comes first; no algorithm occurs twice.
    states: Vec<State>,
    size: u64,
}

impl Hasher {
    /// A hasher for SHA-256 and `algorithms`; naming one twice is harmless.
    pub(crate) fn new(algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        let mut all = vec![Algorithm::Sha256];
        for algorithm in algorithms {
            if !all.contains(&algorithm) {
                all.push(algorithm);
            }
        }
        Self { states: all.into_iter().map(State::new).collect(), size: 0 }
    }

    /// A hasher for SHA-256 alone that continues from `state`.
    pub(crate) fn resume(state: Midstate) -> Self {
        Self { states: vec![State::Sha256(state.to_hash())], size: state.length() }
    }

    /// The state of SHA-256 so far. `None` when other algorithms run too, because their states can't be saved.
    pub(crate) fn midstate(&self) -> Option<Midstate> {
        match &self.states[..] {
            [State::Sha256(state)] => Some(Midstate::of(state)),
            _ => None,
        }
    }

    /// Hashes the next bytes.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        for state in &mut self.states {
            state.update(bytes);
        }
        self.size += bytes.len() as u64;
    }

    /// The digests of all bytes hashed.
    pub(crate) fn finish(self) -> Hashed {
        Hashed { digests: self.states.into_iter().map(State::finish).collect(), size: self.size }
    }
}

/// The digests of some content, and its size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hashed {
    digests: Vec<Digest>,
    /// How many bytes were hashed.
    pub size: u64,
}

impl Hashed {
    /// What lanes computed.
    pub(crate) fn by_lanes(hash: &Hash) -> Self {
        Self { digests: vec![Digest::from_sha256(hash.sha256)], size: hash.size }
    }

    /// The SHA-256, which is always computed.
    pub(crate) fn canonical(&self) -> Digest {
        self.digests[0]
    }

    /// The digest by `algorithm`; `None` if it was not asked for.
    pub(crate) fn by(&self, algorithm: Algorithm) -> Option<Digest> {
        self.digests.iter().copied().find(|digest| digest.algorithm() == Some(algorithm))
    }
}

/// A reader that hashes all bytes read through it.
#[derive(Debug)]
pub(crate) struct HashingReader<R> {
    inner: R,
    hasher: Hasher,
}

impl<R: Read> HashingReader<R> {
    /// A reader over `inner` that hashes with SHA-256 and `algorithms`.
    pub(crate) fn new(inner: R, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        Self { inner, hasher: Hasher::new(algorithms) }
    }

    /// The digests of the bytes read.
    pub(crate) fn finish(self) -> Hashed {
        self.hasher.finish()
    }
}

impl<R: Read> Read for HashingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..n]);
        Ok(n)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests {
    use super::*;

    // FIPS 180-2, "abc".
    const ABC: [&str; 3] = [
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "sha384:cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
        "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    ];

    fn check(hashed: &Hashed) {
        assert_eq!(hashed.size, 3);
        for (algorithm, text) in Algorithm::ALL.into_iter().zip(ABC) {
            assert_eq!(hashed.by(algorithm).unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_reader_hashes_with_several_algorithms_in_one_pass() {
        let mut reader = HashingReader::new(&b"abc"[..], Algorithm::ALL);
        let mut content = Vec::new();
        reader.read_to_end(&mut content).unwrap();
        assert_eq!(content, b"abc");
        check(&reader.finish());
    }

    #[test]
    fn what_was_not_asked_for_is_not_there() {
        let hashed = Hasher::new([Algorithm::Sha512, Algorithm::Sha256, Algorithm::Sha512]).finish();
        assert_eq!(hashed.digests.len(), 2);
        assert_eq!(hashed.by(Algorithm::Sha384), None);
        assert!(hashed.canonical().is_canonical());
    }
}
