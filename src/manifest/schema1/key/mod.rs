//! Public keys, and checks of signatures with them.

mod certificate;
mod jwk;
mod rsa;

use ecdsa::signature::Verifier as _;
use p256::ecdsa;
use spki::der::Encode as _;
use spki::der::asn1::{AnyRef, BitStringRef, Null};
use spki::{AlgorithmIdentifier, ObjectIdentifier, SubjectPublicKeyInfo};

use super::error::{Fault, KeyFault};
use super::jose;

pub(super) use certificate::first_key;
pub(super) use jwk::Jwk;

const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// The three curves that libtrust supports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Curve {
    P256,
    P384,
    P521,
}

impl Curve {
    const ALL: [Self; 3] = [Self::P256, Self::P384, Self::P521];

    const fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
        }
    }

    /// The only algorithm that keys on this curve sign by.
    const fn algorithm(self) -> &'static str {
        match self {
            Self::P256 => "ES256",
            Self::P384 => "ES384",
            Self::P521 => "ES512",
        }
    }

    /// The length in bytes of a coordinate, and of each half of a signature.
    const fn size(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    const fn oid(self) -> ObjectIdentifier {
        match self {
            Self::P256 => ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7"),
            Self::P384 => ObjectIdentifier::new_unwrap("1.3.132.0.34"),
            Self::P521 => ObjectIdentifier::new_unwrap("1.3.132.0.35"),
        }
    }

    fn find(is: impl Fn(Self) -> bool) -> Option<Self> {
        Self::ALL.into_iter().find(|&curve| is(curve))
    }
}

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// A curve and a point on it: `04` and both coordinates.
    Ec { curve: Curve, point: Vec<u8> },
    /// A modulus and an exponent.
    Rsa(rsa::PublicKey),
}

impl Key {
    /// The key of an uncompressed point. `Err` when the point is not on the curve.
    fn ec(curve: Curve, point: Vec<u8>) -> Result<Self, KeyFault> {
        let on_curve = point.len() == 1 + 2 * curve.size()
            && match curve {
                Curve::P256 => p256::ecdsa::VerifyingKey::from_sec1_bytes(&point).is_ok(),
                Curve::P384 => p384::ecdsa::VerifyingKey::from_sec1_bytes(&point).is_ok(),
                Curve::P521 => p521::ecdsa::VerifyingKey::from_sec1_bytes(&point).is_ok(),
            };
        if on_curve { Ok(Self::Ec { curve, point }) } else { Err(KeyFault::Point) }
    }

    fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<Self, KeyFault> {
        rsa::PublicKey::new(modulus, exponent).map(Self::Rsa).ok_or(KeyFault::Rsa)
    }

    /// libtrust's id of the key.
    pub(super) fn id(&self) -> String {
        let oid = match self {
            Self::Ec { .. } => EC,
            Self::Rsa(_) => RSA,
        };
        let (rsa, curve);
        let (parameters, bits): (AnyRef<'_>, &[u8]) = match self {
            Self::Ec { curve: which, point } => {
                curve = which.oid();
                ((&curve).into(), point)
            }
            Self::Rsa(key) => {
                rsa = key.to_der();
                (Null.into(), &rsa)
            }
        };
        let algorithm = AlgorithmIdentifier { oid, parameters: Some(parameters) };
        let subject_public_key = BitStringRef::from_bytes(bits).expect("a key is far from DER's limit of length");
        let info = SubjectPublicKeyInfo { algorithm, subject_public_key };
        jose::key_id(&info.to_der().expect("a key is far from DER's limit of length"))
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Ec { curve, .. } => curve.name(),
            Self::Rsa(_) => "RSA",
        }
    }

    /// Checks that `signature` was made with this key for `message` by `algorithm`.
    pub(super) fn verify(&self, algorithm: &str, message: &[u8], signature: &[u8]) -> Result<(), Fault> {
        let wrong = || Fault::WrongAlgorithm { algorithm: algorithm.to_owned(), key: self.kind() };
        match self {
            Self::Ec { curve, point } => {
                if algorithm != curve.algorithm() {
                    return Err(wrong());
                }
                let (expected, found) = (2 * curve.size(), signature.len());
                if found != expected {
                    return Err(Fault::SignatureLength { algorithm: algorithm.to_owned(), expected, found });
                }
                fits(*curve, point, message, signature).map_err(|_| Fault::EcMismatch)
            }
            Self::Rsa(key) => {
                let hash = rsa::Hash::by_algorithm(algorithm).ok_or_else(wrong)?;
                if key.verify(hash, message, signature) { Ok(()) } else { Err(Fault::RsaMismatch) }
            }
        }
    }
}

/// Checks a signature. Each curve hashes the message with the hash of its own size.
fn fits(curve: Curve, point: &[u8], message: &[u8], signature: &[u8]) -> Result<(), ecdsa::Error> {
    match curve {
        Curve::P256 => {
            let signature = p256::ecdsa::Signature::from_slice(signature)?;
            p256::ecdsa::VerifyingKey::from_sec1_bytes(point)?.verify(message, &signature)
        }
        Curve::P384 => {
            let signature = p384::ecdsa::Signature::from_slice(signature)?;
            p384::ecdsa::VerifyingKey::from_sec1_bytes(point)?.verify(message, &signature)
        }
        Curve::P521 => {
            let signature = p521::ecdsa::Signature::from_slice(signature)?;
            p521::ecdsa::VerifyingKey::from_sec1_bytes(point)?.verify(message, &signature)
        }
    }
}
