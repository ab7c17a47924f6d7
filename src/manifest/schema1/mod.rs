//! Signed manifests of schema 1, in libtrust's "pretty JWS" format (layout.md §5.5).
//!
//! A signed document is a payload, which is a JSON object, with a member `signatures` inserted before its last brace.
//! The protected header of each signature says how to restore the payload: take so many bytes of the document, and add
//! a tail. **The payload is bytes**: it is cut out of the document, hashed and stored as it is, and never written anew.
//!
//! Registries store the payload as a blob. Those up to 2.4 also store each signature as a blob, and assemble the
//! document when a client asks for it. [`parse`] takes a document apart, and [`Signed::verify`] checks its signatures.
//! [`Signature::stored`] is the blob of a signature; [`from_stored`] and [`Signed::pretty`] assemble the document.
//!
//! Anyone can make a key and sign. A valid signature shows that the payload is unchanged, and not who made it.
//!
//! Without the feature `schema1-signatures` no signature is verified. Documents are still taken apart and assembled,
//! and each signature that would be checked is [`Fault::NotVerified`].

mod error;
mod format;
mod go_json;
#[cfg_attr(not(feature = "schema1-signatures"), expect(dead_code, reason = "some of it serves keys alone"))]
mod jose;
mod json;
#[cfg(feature = "schema1-signatures")]
mod key;
mod pretty;
mod signature;
#[cfg(not(feature = "schema1-signatures"))]
mod unverified;
mod verify;

#[cfg(not(feature = "schema1-signatures"))]
use unverified as key;

pub use error::{Encoded, Fault, KeyFault, SignatureError};
pub use format::Format;
pub use key::Jwk;
pub use signature::Signature;
pub use verify::SignatureVerdict;

/// A payload and its signatures, which are not verified yet.
#[derive(Clone, Debug)]
#[must_use = "nothing is verified before `verify` or `check` is called"]
pub struct Signed {
    payload: Vec<u8>,
    format: Format,
    signatures: Vec<Signature>,
    /// The irregularities of the document itself, without those of its signatures.
    irregularities: Vec<Irregularity>,
}

impl Signed {
    /// What was signed: the bytes that a registry stores and that give the manifest its digest.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The payload, without copying it.
    pub fn into_payload(self) -> Vec<u8> {
        self.payload
    }

    /// How the payload is cut from a document.
    pub fn format(&self) -> &Format {
        &self.format
    }

    /// The signatures, in the document's order.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// What a registry accepts and a strict reader would refuse.
    pub fn irregularities(&self) -> impl Iterator<Item = &Irregularity> {
        self.irregularities.iter().chain(self.signatures.iter().flat_map(Signature::irregularities))
    }
}

/// Something that registries accept and other readers may understand differently.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Irregularity {
    /// An object has a member name twice. Registries take the last.
    #[error("{}a member {name:?} occurs twice", place_text(*.signature))]
    DuplicateKey {
        /// The name.
        name: String,
        /// The number of the signature, from 1; `None` for the payload and the document.
        signature: Option<usize>,
    },
    /// A signature contains the private key that made it.
    #[error("signature {signature} holds a private key")]
    PrivateKey {
        /// The number of the signature, from 1.
        signature: usize,
    },
}

fn place_text(signature: Option<usize>) -> String {
    signature.map(|number| format!("in signature {number}, ")).unwrap_or_default()
}

impl Irregularity {
    /// A stable name for the kind of irregularity, from the same list as [`SignatureError::class`].
    pub fn class(&self) -> &'static str {
        match self {
            Self::DuplicateKey { .. } => "duplicate-key",
            Self::PrivateKey { .. } => "bad-key",
        }
    }
}

/// Takes a signed document apart and accepts what a registry accepts. The signatures are not verified.
pub fn parse(document: &[u8]) -> Result<Signed, SignatureError> {
    let members = json::members(document).ok_or(SignatureError::NotJson)?;
    let lists: Vec<&[u8]> = members.iter().filter(|(name, _)| name == "signatures").map(|(_, value)| *value).collect();
    let Some(list) = lists.last() else { return Err(SignatureError::MissingSignatures) };
    if json::is_null(list) {
        return Err(SignatureError::EmptySignatures);
    }
    let elements = json::elements(list).ok_or(SignatureError::MalformedSignatures)?;
    let mut signatures: Vec<Signature> = Vec::new();
    for (number, element) in (1..).zip(elements) {
        let signature = Signature::read(number, element, document.len())?;
        if signatures.first().is_some_and(|first| first.format() != signature.format()) {
            return Err(Fault::ConflictingFormat.of(number, signature.key_id()));
        }
        signatures.push(signature);
    }
    let format = signatures.first().ok_or(SignatureError::EmptySignatures)?.format().clone();
    let payload = format.payload(document);
    if !json::is_object(&payload) {
        return Err(SignatureError::PayloadNotJson);
    }
    let twice = (lists.len() > 1).then(|| "signatures".to_owned());
    let irregularities = twice
        .into_iter()
        .chain(json::duplicate(&payload))
        .map(|name| Irregularity::DuplicateKey { name, signature: None })
        .collect();
    Ok(Signed { payload, format, signatures, irregularities })
}

/// Assembles what a registry up to 2.4 stores apart: a payload, and each signature as [`Signature::stored`] wrote it.
pub fn from_stored(payload: Vec<u8>, stored: &[impl AsRef<[u8]>]) -> Result<Signed, SignatureError> {
    let format = Format::of(&payload).ok_or(SignatureError::PayloadNotJson)?;
    let signatures: Vec<Signature> = (1..)
        .zip(stored)
        .map(|(number, stored)| Signature::read(number, stored.as_ref(), payload.len()))
        .collect::<Result<_, _>>()?;
    if signatures.is_empty() {
        return Err(SignatureError::EmptySignatures);
    }
    let irregularities = json::duplicate(&payload)
        .map(|name| Irregularity::DuplicateKey { name, signature: None })
        .into_iter()
        .collect();
    Ok(Signed { payload, format, signatures, irregularities })
}
