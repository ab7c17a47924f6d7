//! Digests of which so many are remembered that their size matters.

use super::Digest;

/// A digest in 40 bytes instead of 66, unless it is no SHA-256, as hardly any is.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum CompactDigest {
    Sha256([u8; 32]),
    Other(Box<Digest>),
}

impl CompactDigest {
    /// The digest.
    pub(crate) fn get(&self) -> Digest {
        match self {
            Self::Sha256(hash) => Digest::from_sha256(*hash),
            Self::Other(digest) => **digest,
        }
    }
}

impl From<Digest> for CompactDigest {
    fn from(digest: Digest) -> Self {
        digest.sha256().map_or_else(|| Self::Other(Box::new(digest)), Self::Sha256)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Algorithm;
    use super::*;

    #[test]
    fn every_digest_comes_back_from_fewer_bytes() {
        assert!(size_of::<CompactDigest>() <= 40);
        for digest in [Digest::of(b"a"), Digest::from_hash(Algorithm::Sha512, &[7; 64]).expect("a digest")] {
            assert_eq!(CompactDigest::from(digest).get(), digest);
        }
    }
}
