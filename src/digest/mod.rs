//! Content digests: the names of blobs, manifests and links.
//!
//! The grammar is go-digest's (layout.md §3.3). It has `sha256`, `sha384` and `sha512` with lower-case hex of the right
//! length. Any other well-formed text is *unsupported*; the rest is malformed. Historical tarsum digests (§1.5) parse
//! too, because they name links of registries up to 2.2 and blobs of the first alphas.
//!
//! This module has the value and its text; `given` has the digests that users shorten. Hashing is in `hash`, and
//! `layout` turns digests into paths.

mod compact;
mod given;
pub(crate) mod hash;
mod midstate;

use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use serde::{Serialize, Serializer};

pub(crate) use compact::CompactDigest;
pub use given::{DigestPrefix, GivenDigest};
pub(crate) use hash::{Hasher, HashingReader};
pub(crate) use midstate::Midstate;

pub(crate) use crate::tarsum::Version as TarsumVersion;

use crate::named::named;

/// The size of the longest hash, SHA-512, in bytes.
const MAX_SIZE: usize = 64;

/// The value of each lower-case hex digit; 255 for any other byte.
const DIGITS: [u8; 256] = {
    let mut digits = [255; 256];
    let mut value = 0;
    while value < 16 {
        digits[b"0123456789abcdef"[value as usize] as usize] = value;
        value += 1;
    }
    digits
};

named! {
    /// A hash function that content can be checked with. SHA-256 is the first.
    pub enum Algorithm {
        /// SHA-256. Registries store blobs under this one.
        Sha256 = "sha256",
        /// SHA-384, which occurs only in alias links.
        Sha384 = "sha384",
        /// SHA-512, which occurs only in alias links.
        Sha512 = "sha512",
    }
}

impl Algorithm {
    /// The length of the hash in bytes.
    pub(crate) const fn size(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// The algorithm called `name`, if it is one of the three.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }
}

/// Why a text is not a digest. go-digest distinguishes the same three cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DigestError {
    /// The text is not `algorithm:hex`, or has characters that are not hex digits.
    #[error("invalid checksum digest format (expected algorithm:hex, in lower case)")]
    Format,
    /// The algorithm is known, but there are too few or too many digits.
    #[error("invalid checksum digest length: {algorithm} takes {expected} hex digits, found {found}")]
    Length {
        /// The algorithm.
        algorithm: Algorithm,
        /// How many digits the algorithm needs.
        expected: usize,
        /// How many digits there are.
        found: usize,
    },
    /// The text is a digest that is shortened to too few digits.
    #[error("too few digits: a digest can be shortened to {} hex digits or more, found {found}", given::MIN_DIGITS)]
    TooShort {
        /// How many digits there are.
        found: usize,
    },
    /// The text is a tarsum of a version that no registry knew.
    #[error("unsupported tarsum version (tarsum, tarsum.v1 and tarsum.dev are supported)")]
    TarsumVersion,
    /// The text is well formed, but registries do not support the algorithm.
    #[error("unsupported digest algorithm (sha256, sha384 and sha512 are supported)")]
    Unsupported,
}

/// The name of content, made from its hash. A `Digest` is always valid.
///
/// It is small enough to copy. Its order is by kind, algorithm and hash; within one algorithm, it is that of the text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest {
    tarsum: Option<TarsumVersion>,
    algorithm: Algorithm,
    // Bytes past the algorithm's size are zero, so the derived comparisons are right.
    bytes: [u8; MAX_SIZE],
}

impl Digest {
    /// The SHA-256 of `content`.
    pub fn of(content: &[u8]) -> Self {
        let mut hasher = Hasher::new([Algorithm::Sha256]);
        hasher.update(content);
        hasher.finish().canonical()
    }

    /// The digest with this hash. `None` when the hash does not have the algorithm's length.
    pub(crate) fn from_hash(algorithm: Algorithm, hash: &[u8]) -> Option<Self> {
        if hash.len() != algorithm.size() {
            return None;
        }
        let mut bytes = [0; MAX_SIZE];
        bytes[..hash.len()].copy_from_slice(hash);
        Some(Self { tarsum: None, algorithm, bytes })
    }

    /// The tarsum with this hash. `None` when the hash does not have the algorithm's length.
    pub(crate) fn from_tarsum(version: TarsumVersion, algorithm: Algorithm, hash: &[u8]) -> Option<Self> {
        Self::from_hash(algorithm, hash).map(|digest| Self { tarsum: Some(version), ..digest })
    }

    /// The digest that the parts of a path spell; `tarsum` is set below a `tarsum/<version>` directory.
    pub(crate) fn from_parts(
        tarsum: Option<TarsumVersion>,
        algorithm: Algorithm,
        encoded: &str,
    ) -> Result<Self, DigestError> {
        let expected = algorithm.size() * 2;
        if encoded.len() != expected {
            return Err(DigestError::Length { algorithm, expected, found: encoded.len() });
        }
        let mut bytes = [0; MAX_SIZE];
        // A tree has millions of digests. This takes a tenth of the time of a general decoder.
        for (byte, pair) in bytes.iter_mut().zip(encoded.as_bytes().as_chunks::<2>().0) {
            let (high, low) = (DIGITS[usize::from(pair[0])], DIGITS[usize::from(pair[1])]);
            if high | low > 15 {
                return Err(DigestError::Format);
            }
            *byte = high << 4 | low;
        }
        Ok(Self { tarsum, algorithm, bytes })
    }

    /// The SHA-256 digest with this hash.
    pub(crate) fn from_sha256(hash: [u8; 32]) -> Self {
        let mut bytes = [0; MAX_SIZE];
        bytes[..32].copy_from_slice(&hash);
        Self { tarsum: None, algorithm: Algorithm::Sha256, bytes }
    }

    /// The 32 bytes of a SHA-256; `None` for any other digest.
    pub(crate) fn sha256(&self) -> Option<[u8; 32]> {
        self.is_canonical().then(|| self.bytes[..32].try_into().expect("32 of 64 bytes"))
    }

    /// The algorithm that content can be checked with. `None` for a tarsum, which is not a hash of the bytes.
    pub fn algorithm(&self) -> Option<Algorithm> {
        match self.tarsum {
            None => Some(self.algorithm),
            Some(_) => None,
        }
    }

    /// Whether this is SHA-256. Registries since alpha.3 store blobs under no other algorithm (layout.md §1.1).
    pub(crate) fn is_canonical(&self) -> bool {
        self.algorithm() == Some(Algorithm::Sha256)
    }

    /// Whether this is a historical tarsum.
    pub(crate) fn is_tarsum(&self) -> bool {
        self.tarsum.is_some()
    }

    /// The parts that a path is made of: the tarsum version, and the hash function of the digest or of the tarsum.
    pub(crate) fn parts(&self) -> (Option<TarsumVersion>, Algorithm) {
        (self.tarsum, self.algorithm)
    }

    /// The hash, in bytes.
    pub fn hash(&self) -> &[u8] {
        &self.bytes[..self.algorithm.size()]
    }

    /// The hash in lower-case hex, made on the stack.
    pub fn hex(&self) -> Hex {
        let mut digits = [0; MAX_SIZE * 2];
        let len = self.algorithm.size() * 2;
        hex::encode_to_slice(self.hash(), &mut digits[..len]).expect("two digits for each byte");
        Hex { digits, len }
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let (name, encoded) = text.split_once(':').ok_or(DigestError::Format)?;
        if name.is_empty() || encoded.is_empty() {
            return Err(DigestError::Format);
        }
        if let Some((tarsum, algorithm)) = parts_of(name) {
            return Self::from_parts(tarsum, algorithm, encoded);
        }
        let is_known = |name: &str| TarsumVersion::ALL.into_iter().any(|version| name.starts_with(version.prefix()));
        match is_well_formed(name, encoded) {
            false => Err(DigestError::Format),
            true if name.starts_with("tarsum") && name.contains('+') && !is_known(name) => {
                Err(DigestError::TarsumVersion)
            }
            true => Err(DigestError::Unsupported),
        }
    }
}

/// The parts that a path is made of, by what a digest has before its colon; `None` when regtree does not know that.
fn parts_of(name: &str) -> Option<(Option<TarsumVersion>, Algorithm)> {
    if let Some(algorithm) = Algorithm::from_name(name) {
        return Some((None, algorithm));
    }
    TarsumVersion::ALL.into_iter().find_map(|version| {
        let algorithm = Algorithm::from_name(name.strip_prefix(version.prefix())?)?;
        Some((Some(version), algorithm))
    })
}

/// Whether the digest matches go-digest's `[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+`, anchored.
fn is_well_formed(name: &str, encoded: &str) -> bool {
    let name_is = name
        .split(['.', '+', '_', '-'])
        .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
    name_is && encoded.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'=' | b'_' | b'-'))
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(version) = self.tarsum {
            f.write_str(version.prefix())?;
        }
        write!(f, "{}:{}", self.algorithm, self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The hex digits of a digest, on the stack.
#[derive(Clone, Copy)]
pub struct Hex {
    digits: [u8; MAX_SIZE * 2],
    len: usize,
}

impl Deref for Hex {
    type Target = str;

    fn deref(&self) -> &str {
        std::str::from_utf8(&self.digits[..self.len]).expect("hex digits are ASCII")
    }
}

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl fmt::Debug for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn parse(text: &str) -> Result<Digest, DigestError> {
        text.parse()
    }

    #[test]
    fn digest_of_nothing_is_the_well_known_one() {
        assert_eq!(Digest::of(b"").to_string(), EMPTY);
    }

    #[test]
    fn a_digest_is_a_small_copy() {
        assert!(size_of::<Digest>() <= 66, "{}", size_of::<Digest>());
    }

    #[test]
    fn tarsum_digests_parse_and_are_no_hash_of_the_bytes() {
        for prefix in ["tarsum+", "tarsum.v1+", "tarsum.dev+"] {
            let text = format!("{prefix}{EMPTY}");
            let digest = parse(&text).unwrap();
            assert_eq!(digest.to_string(), text);
            assert!(digest.is_tarsum() && !digest.is_canonical());
            assert_eq!(digest.algorithm(), None);
            assert_ne!(digest, parse(EMPTY).unwrap());
        }
    }

    #[test]
    fn a_hash_of_another_length_is_no_digest() {
        assert_eq!(Digest::from_hash(Algorithm::Sha256, &[0; 31]), None);
        assert_eq!(Digest::from_hash(Algorithm::Sha512, &[0; 32]), None);
    }

    proptest! {
        #[test]
        fn text_and_value_are_inverse(hash in proptest::collection::vec(any::<u8>(), 64), which in 0..3usize) {
            let algorithm = Algorithm::ALL[which];
            let digest = Digest::from_hash(algorithm, &hash[..algorithm.size()]).unwrap();
            prop_assert_eq!(parse(&digest.to_string()), Ok(digest));
        }

        #[test]
        fn order_is_that_of_the_text(a in any::<[u8; 32]>(), b in any::<[u8; 32]>()) {
            let [a, b] = [a, b].map(|hash| Digest::from_hash(Algorithm::Sha256, &hash).unwrap());
            prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
        }

        #[test]
        fn whatever_parses_prints_the_same(text in "(tarsum(\\.v1|\\.dev)?\\+)?(sha256|sha512|md5)?:?[a-f0-9A-F]{0,130}") {
            if let Ok(digest) = parse(&text) {
                prop_assert_eq!(digest.to_string(), text);
            }
        }
    }
}
