//! Digests as users give them: whole, or shortened to the first digits.

use std::fmt;
use std::str::FromStr;

use super::{Algorithm, Digest, DigestError, TarsumVersion, parts_of};

/// The fewest digits that a digest can be shortened to, as for git.
pub(super) const MIN_DIGITS: usize = 7;

/// A digest as a user gives it: `sha256:456bf45…`, whole or shortened. Digits alone are those of a SHA-256.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GivenDigest {
    /// All of it.
    Whole(Digest),
    /// Only its first digits.
    Shortened(DigestPrefix),
}

impl GivenDigest {
    /// Whether `digest` is this one, or begins with it.
    pub(crate) fn fits(&self, digest: &Digest) -> bool {
        match self {
            Self::Whole(whole) => whole == digest,
            Self::Shortened(prefix) => prefix.parts() == digest.parts() && digest.hex().starts_with(prefix.hex()),
        }
    }

    /// Whether a text can only be meant as a digest: it names an algorithm before its colon.
    pub(crate) fn is_meant(text: &str) -> bool {
        text.split_once(':').is_some_and(|(name, _)| parts_of(name).is_some())
    }
}

impl FromStr for GivenDigest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let (name, digits) = text.split_once(':').unwrap_or((Algorithm::Sha256.name(), text));
        match parts_of(name) {
            Some((tarsum, algorithm)) if digits.len() < algorithm.size() * 2 => {
                DigestPrefix::new(tarsum, algorithm, digits).map(Self::Shortened)
            }
            Some((tarsum, algorithm)) => Digest::from_parts(tarsum, algorithm, digits).map(Self::Whole),
            None => text.parse().map(Self::Whole),
        }
    }
}

impl fmt::Display for GivenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(digest) => fmt::Display::fmt(digest, f),
            Self::Shortened(prefix) => fmt::Display::fmt(prefix, f),
        }
    }
}

/// The first digits of a digest: at least seven, and not all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigestPrefix {
    tarsum: Option<TarsumVersion>,
    algorithm: Algorithm,
    digits: Box<str>,
}

impl DigestPrefix {
    fn new(tarsum: Option<TarsumVersion>, algorithm: Algorithm, digits: &str) -> Result<Self, DigestError> {
        if digits.is_empty() || !digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(DigestError::Format);
        }
        if digits.len() < MIN_DIGITS {
            return Err(DigestError::TooShort { found: digits.len() });
        }
        Ok(Self { tarsum, algorithm, digits: digits.into() })
    }

    /// The parts that a path is made of, as [`Digest::parts`] gives them.
    pub(crate) fn parts(&self) -> (Option<TarsumVersion>, Algorithm) {
        (self.tarsum, self.algorithm)
    }

    /// The digits.
    pub(crate) fn hex(&self) -> &str {
        &self.digits
    }
}

impl fmt::Display for DigestPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(version) = self.tarsum {
            f.write_str(version.prefix())?;
        }
        write!(f, "{}:{}", self.algorithm, self.digits)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests {
    use super::*;

    fn given(text: &str) -> Result<GivenDigest, DigestError> {
        text.parse()
    }

    #[test]
    fn a_digest_is_whole_or_begins_with_what_is_given() {
        let digest = Digest::of(b"");
        for text in
            ["sha256:e3b0c44", "e3b0c44", "e3b0c44298fc1c149afbf4c8996fb924", &digest.to_string(), &digest.hex()]
        {
            assert!(given(text).unwrap().fits(&digest), "{text}");
        }
        for text in ["sha512:e3b0c44", "tarsum.v1+sha256:e3b0c44", "e3b0c45"] {
            assert!(!given(text).unwrap().fits(&digest), "{text}");
        }
        assert_eq!(given("e3b0c44").unwrap().to_string(), "sha256:e3b0c44");
        assert_eq!(given("tarsum.v1+sha256:e3b0c44").unwrap().to_string(), "tarsum.v1+sha256:e3b0c44");
        assert_eq!(given(&digest.hex()), Ok(GivenDigest::Whole(digest)));
    }

    #[test]
    fn what_is_no_digest_and_no_beginning_of_one_is_refused() {
        assert_eq!(given("e3b0c4"), Err(DigestError::TooShort { found: 6 }));
        for text in ["", "sha256:", "v1.0.0-rc1", "E3B0C44", "e3b0c44g", "sha256:E3B0C44"] {
            assert_eq!(given(text), Err(DigestError::Format), "{text}");
        }
        assert!(matches!(given(&"a".repeat(65)), Err(DigestError::Length { .. })));
        assert_eq!(given("md5:0123456789"), Err(DigestError::Unsupported));
    }
}
