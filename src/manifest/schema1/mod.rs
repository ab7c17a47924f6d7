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

#[cfg_attr(not(feature = "schema1-signatures"), expect(dead_code, reason = "some of it is wrong with keys alone"))]
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

pub(crate) use error::{Fault, SignatureError};
pub(crate) use format::Format;
pub(in crate::manifest) use jose::decode_standard;
pub(crate) use signature::Signature;
pub(crate) use verify::SignatureVerdict;

/// A payload and its signatures, which are not verified yet.
#[derive(Clone, Debug)]
#[must_use = "nothing is verified before `verify` or `check` is called"]
pub(crate) struct Signed {
    payload: Vec<u8>,
    format: Format,
    signatures: Vec<Signature>,
}

impl Signed {
    /// What was signed: the bytes that a registry stores and that give the manifest its digest.
    pub(crate) fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The signatures, in the document's order.
    pub(crate) fn signatures(&self) -> &[Signature] {
        &self.signatures
    }
}

/// Takes a signed document apart and accepts what a registry accepts. The signatures are not verified.
pub(crate) fn parse(document: &[u8]) -> Result<Signed, SignatureError> {
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
    Ok(Signed { payload, format, signatures })
}

/// Assembles what a registry up to 2.4 stores apart: a payload, and each signature as [`Signature::stored`] wrote it.
pub(crate) fn from_stored(payload: Vec<u8>, stored: &[impl AsRef<[u8]>]) -> Result<Signed, SignatureError> {
    let format = Format::of(&payload).ok_or(SignatureError::PayloadNotJson)?;
    let signatures: Vec<Signature> = (1..)
        .zip(stored)
        .map(|(number, stored)| Signature::read(number, stored.as_ref(), payload.len()))
        .collect::<Result<_, _>>()?;
    if signatures.is_empty() {
        return Err(SignatureError::EmptySignatures);
    }
    Ok(Signed { payload, format, signatures })
}

#[cfg(all(test, feature = "schema1-signatures"))]
#[expect(clippy::unwrap_used, reason = "a test may")]
#[path = "../../../tests/unit/schema1.rs"]
mod tests;
