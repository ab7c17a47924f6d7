//! Verifies RSA signatures, PKCS#1 v1.5.
//!
//! Only public numbers are used, so timing reveals nothing: RUSTSEC-2023-0071 on the `rsa` crate is about private keys.

use rsa::traits::SignatureScheme as _;
use rsa::{BoxedUint, Pkcs1v15Sign, RsaPublicKey};
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use spki::der::asn1::{AnyRef, UintRef};
use spki::der::{Decode as _, Encode as _, Reader as _, SliceReader, Tag};

/// The longest modulus in bytes. Longer ones take seconds to compute with, and no manifest is known to have one.
const MAX_MODULUS: usize = 16_384 / 8;

/// The hash of an RSA algorithm.
#[derive(Clone, Copy, Debug)]
pub(super) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    pub(super) fn by_algorithm(name: &str) -> Option<Self> {
        match name {
            "RS256" => Some(Self::Sha256),
            "RS384" => Some(Self::Sha384),
            "RS512" => Some(Self::Sha512),
            _ => None,
        }
    }

    /// The padding of a signature, and the hash of the message.
    fn digest(self, message: &[u8]) -> (Pkcs1v15Sign, Vec<u8>) {
        match self {
            Self::Sha256 => (Pkcs1v15Sign::new::<Sha256>(), Sha256::digest(message).to_vec()),
            Self::Sha384 => (Pkcs1v15Sign::new::<Sha384>(), Sha384::digest(message).to_vec()),
            Self::Sha512 => (Pkcs1v15Sign::new::<Sha512>(), Sha512::digest(message).to_vec()),
        }
    }
}

/// A modulus and an exponent, big-endian, without leading zeros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct PublicKey {
    modulus: Vec<u8>,
    exponent: u32,
}

impl PublicKey {
    /// A key from its numbers. `None` when Go would refuse to compute with them, or when they are too large.
    pub(super) fn new(modulus: &[u8], exponent: &[u8]) -> Option<Self> {
        let modulus = trimmed(modulus).to_vec();
        let exponent = trimmed(exponent)
            .iter()
            .try_fold(0, |sum: u32, &byte| (sum < 1 << 24).then_some(sum << 8 | u32::from(byte)))?;
        let odd = modulus.last()? % 2 == 1;
        let sound = odd && modulus.len() <= MAX_MODULUS && (2..1 << 31).contains(&exponent);
        sound.then_some(Self { modulus, exponent })
    }

    /// Reads an `RSAPublicKey`, as in a certificate.
    pub(super) fn from_der(der: &[u8]) -> Option<Self> {
        let mut reader = SliceReader::new(der).ok()?;
        let numbers = |reader: &mut SliceReader<'_>| {
            let (modulus, exponent) = (UintRef::decode(reader)?, UintRef::decode(reader)?);
            Ok::<_, spki::der::Error>(Self::new(modulus.as_bytes(), exponent.as_bytes()))
        };
        let key = reader.sequence(numbers).ok()??;
        reader.is_finished().then_some(key)
    }

    /// Writes an `RSAPublicKey`.
    pub(super) fn to_der(&self) -> Vec<u8> {
        const SHORT: &str = "a key is far from DER's limit of length";
        let number = |number: &[u8]| UintRef::new(number).and_then(|number| number.to_der()).expect(SHORT);
        let numbers = [number(&self.modulus), number(&self.exponent())].concat();
        AnyRef::new(Tag::Sequence, &numbers).and_then(|sequence| sequence.to_der()).expect(SHORT)
    }

    pub(super) fn modulus(&self) -> &[u8] {
        &self.modulus
    }

    /// The exponent in as few bytes as possible.
    pub(super) fn exponent(&self) -> Vec<u8> {
        trimmed(&self.exponent.to_be_bytes()).to_vec()
    }

    /// Whether `signature` was made with this key for `message`.
    pub(super) fn verify(&self, hash: Hash, message: &[u8], signature: &[u8]) -> bool {
        let (padding, digest) = hash.digest(message);
        self.numbers().is_some_and(|key| padding.verify(&key, &digest, signature).is_ok())
    }

    /// The key in the form used for computing. Short keys verify too, because a registry accepts them.
    fn numbers(&self) -> Option<RsaPublicKey> {
        let bits = u32::try_from(self.modulus.len() * 8).ok()?;
        let modulus = BoxedUint::from_be_slice(&self.modulus, bits).ok()?;
        RsaPublicKey::new_with_size_limits(modulus, BoxedUint::from(self.exponent), 1..=MAX_MODULUS * 8).ok()
    }
}

fn trimmed(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|&&byte| byte == 0).count();
    &number[zeros..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_no_key_has_are_refused() {
        let new = PublicKey::new;
        assert!(new(&[0, 0xc5], &[0, 1, 0, 1]).is_some_and(|key| key.modulus == [0xc5] && key.exponent() == [1, 0, 1]));
        assert_eq!(new(&[], &[3]), None);
        assert_eq!(new(&[0, 0], &[3]), None);
        assert_eq!(new(&[0xc4], &[3]), None);
        assert_eq!(new(&[0xc5; MAX_MODULUS + 1], &[3]), None);
        for exponent in [&[][..], &[0], &[1], &[0x80, 0, 0, 0], &[1, 0, 0, 0, 0]] {
            assert_eq!(new(&[0xc5; 128], exponent), None, "{exponent:?}");
        }
    }

    #[test]
    fn the_der_of_a_key_reads_as_the_key() {
        let key = PublicKey::new(&[0xc5; 128], &[1, 0, 1]);
        assert_eq!(key.as_ref().and_then(|key| PublicKey::from_der(&key.to_der())), key);
        assert_eq!(PublicKey::from_der(&[0x30, 0]), None);
    }

    #[test]
    fn a_key_too_short_for_its_hash_fits_no_signature() {
        for size in [1, 8, 61, 62, 2048] {
            let key = PublicKey::new(&vec![0xc5; size], &[3]);
            assert!(key.is_some_and(|key| !key.verify(Hash::Sha256, b"", &vec![0; size])), "{size}");
        }
    }
}
