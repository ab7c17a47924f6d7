//! Reads the key in a certificate of `x5c`.
//!
//! Only the key of a certificate counts. A registry never checks who signed it, and anyone who can make a signature can
//! make a certificate too (layout.md §5.5).

use spki::der::asn1::AnyRef;
use spki::der::{Decode as _, Reader as _, SliceReader, Tag, Tagged as _};
use spki::{ObjectIdentifier, SubjectPublicKeyInfoRef};

use super::rsa;
use super::{Curve, EC, Key, KeyFault, RSA};
use crate::manifest::schema1::error::{Encoded, Fault};
use crate::manifest::schema1::jose;

/// The key of the first certificate of a chain, and the id of that key. The first certificate is the one that signed.
pub(in super::super) fn first_key(chain: &[String]) -> Option<Result<(Key, String), Fault>> {
    let first = chain.first()?;
    let key = match jose::decode_standard(first) {
        Some(certificate) => key(&certificate).map_err(Fault::BadCertificate),
        None => Err(Fault::BadBase64(Encoded::Certificate)),
    };
    Some(key.map(|key| {
        let id = key.id();
        (key, id)
    }))
}

fn key(certificate: &[u8]) -> Result<Key, KeyFault> {
    let info = public_key_info(certificate).map_err(|_| KeyFault::Certificate)?;
    let bits = info.subject_public_key.as_bytes().ok_or(KeyFault::Certificate)?;
    match info.algorithm.oid {
        EC => {
            let named = info.algorithm.parameters.and_then(|named| named.decode_as::<ObjectIdentifier>().ok());
            let curve = Curve::find(|curve| named == Some(curve.oid())).ok_or(KeyFault::Foreign)?;
            Key::ec(curve, bits.to_vec())
        }
        RSA => rsa::PublicKey::from_der(bits).map(Key::Rsa).ok_or(KeyFault::Rsa),
        _ => Err(KeyFault::Foreign),
    }
}

/// Finds the key in a certificate. A certificate has a body, an algorithm and a signature. The body has a version
/// (omitted for version 1), serial number, algorithm, issuer, validity and subject, and then the key.
fn public_key_info(certificate: &[u8]) -> spki::der::Result<SubjectPublicKeyInfoRef<'_>> {
    let mut reader = SliceReader::new(certificate)?;
    let info = reader.sequence(|outer| {
        let info = outer.sequence(|certified| {
            let versioned = matches!(AnyRef::decode(certified)?.tag(), Tag::ContextSpecific { .. });
            for _ in 0..if versioned { 5 } else { 4 } {
                AnyRef::decode(certified)?;
            }
            let info = SubjectPublicKeyInfoRef::decode(certified)?;
            while !certified.is_finished() {
                AnyRef::decode(certified)?;
            }
            Ok::<_, spki::der::Error>(info)
        })?;
        let (_algorithm, _signature) = (AnyRef::decode(outer)?, AnyRef::decode(outer)?);
        Ok::<_, spki::der::Error>(info)
    })?;
    reader.finish()?;
    Ok(info)
}
