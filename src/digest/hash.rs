//! Hashes bytes with one or several algorithms in one pass.

use std::io::{self, Read};

use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::{Algorithm, Digest, Midstate, TarsumVersion};
use crate::lanes::Hash;
use crate::tarsum::{self, Fault, Sums, Tarsum};

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

/// A kind of tarsum: by which rules, and with which hash.
type TarsumKind = (TarsumVersion, Algorithm);

/// Hashes bytes in one pass, with SHA-256 and any other algorithms asked for, and computes tarsums that are asked for.
#[derive(Debug)]
pub(crate) struct Hasher {
    // SHA-256 comes first; no algorithm occurs twice.
    states: Vec<State>,
    tarsums: Vec<(TarsumKind, Tarsum)>,
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
        Self { states: all.into_iter().map(State::new).collect(), tarsums: Vec::new(), size: 0 }
    }

    /// A hasher for SHA-256, and for all that content is to be compared with.
    pub(crate) fn of(digests: impl IntoIterator<Item = Digest>) -> Self {
        let (mut algorithms, mut kinds) = (Vec::new(), Vec::new());
        for digest in digests {
            match digest.parts() {
                (None, algorithm) => algorithms.push(algorithm),
                (Some(version), algorithm) if !kinds.contains(&(version, algorithm)) => {
                    kinds.push((version, algorithm));
                }
                _ => {}
            }
        }
        let tarsum = |kind: TarsumKind| (kind, Tarsum::new(kind.0, function(kind.1)));
        Self { tarsums: kinds.into_iter().map(tarsum).collect(), ..Self::new(algorithms) }
    }

    /// A hasher for SHA-256 alone that continues from `state`.
    pub(crate) fn resume(state: Midstate) -> Self {
        Self { states: vec![State::Sha256(state.to_hash())], tarsums: Vec::new(), size: state.length() }
    }

    /// The state of SHA-256 so far. `None` when other algorithms run too, because their states can't be saved.
    pub(crate) fn midstate(&self) -> Option<Midstate> {
        match &self.states[..] {
            [State::Sha256(state)] if self.tarsums.is_empty() => Some(Midstate::of(state)),
            _ => None,
        }
    }

    /// Hashes the next bytes.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        for state in &mut self.states {
            state.update(bytes);
        }
        for (_, tarsum) in &mut self.tarsums {
            tarsum.update(bytes);
        }
        self.size += bytes.len() as u64;
    }

    /// The digests of all bytes hashed.
    pub(crate) fn finish(self) -> Hashed {
        let tarsums = self.tarsums.into_iter().map(|(kind, tarsum)| (kind, tarsum.finish())).collect();
        Hashed { digests: self.states.into_iter().map(State::finish).collect(), tarsums, size: self.size }
    }
}

fn function(algorithm: Algorithm) -> tarsum::Function {
    match algorithm {
        Algorithm::Sha256 => tarsum::Function::Sha256,
        Algorithm::Sha384 => tarsum::Function::Sha384,
        Algorithm::Sha512 => tarsum::Function::Sha512,
    }
}

/// What content is by some digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Match {
    /// It is the content with that digest.
    Right,
    /// It has another digest of that kind.
    Other(Digest),
    /// It has no tarsum, because it is not an archive that can be read.
    NoTarsum(Fault),
    /// It can't be told, for this reason.
    Unknown(String),
}

/// The digests of some content, and its size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hashed {
    digests: Vec<Digest>,
    tarsums: Vec<(TarsumKind, Result<Sums, Fault>)>,
    /// How many bytes were hashed.
    pub size: u64,
}

impl Hashed {
    /// What lanes computed.
    pub(crate) fn by_lanes(hash: &Hash) -> Self {
        Self { digests: vec![Digest::from_sha256(hash.sha256)], tarsums: Vec::new(), size: hash.size }
    }

    /// The SHA-256, which is always computed.
    pub(crate) fn canonical(&self) -> Digest {
        self.digests[0]
    }

    /// The digest by `algorithm`; `None` if it was not asked for.
    pub(crate) fn by(&self, algorithm: Algorithm) -> Option<Digest> {
        self.digests.iter().copied().find(|digest| digest.algorithm() == Some(algorithm))
    }

    /// Whether this is the content with `digest`, which must have been asked for.
    pub(crate) fn compare(&self, digest: &Digest) -> Match {
        let (Some(version), algorithm) = digest.parts() else {
            let found = digest.algorithm().and_then(|algorithm| self.by(algorithm));
            return match found {
                Some(found) if found == *digest => Match::Right,
                Some(found) => Match::Other(found),
                None => Match::Unknown("it was not hashed by that algorithm".to_owned()),
            };
        };
        let summed = self.tarsums.iter().find(|(kind, _)| *kind == (version, algorithm));
        match summed.map(|(_, summed)| summed) {
            Some(Ok(sums)) if sums.all.iter().any(|sum| sum == digest.hash()) => Match::Right,
            Some(Ok(Sums { all, is_open: false })) => {
                let found = all.first().and_then(|sum| Digest::from_tarsum(version, algorithm, sum));
                Match::Other(found.expect("a sum has its algorithm's length"))
            }
            Some(Ok(_)) => Match::Unknown(
                "entries of one name are in an order that depended on how a program sorted them".to_owned(),
            ),
            Some(Err(fault)) if fault.is_limit() => Match::Unknown(fault.to_string()),
            Some(Err(fault)) => Match::NoTarsum(fault.clone()),
            None => Match::Unknown("its tarsum was not computed".to_owned()),
        }
    }

    /// Whether this is the content with `digest`.
    pub(crate) fn is(&self, digest: &Digest) -> bool {
        self.compare(digest) == Match::Right
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
