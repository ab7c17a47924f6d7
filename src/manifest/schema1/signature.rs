//! One signature, read from a signed document or from a stored blob.

use super::error::{Fault, SignatureError};
use super::format::{Format, Protected};
use super::json;
use super::key::{self, Jwk, Key};

/// One signature. Its parts are kept as they were read.
#[derive(Clone, Debug)]
pub(crate) struct Signature {
    parts: Parts,
    jwk: Option<Jwk>,
    format: Format,
    time: Option<String>,
    /// The key of the first certificate, and the id of that key.
    certified: Option<Result<(Key, String), Fault>>,
}

/// The members of a signature, before they are interpreted.
#[derive(Clone, Debug, Default)]
struct Parts {
    header: Header,
    text: String,
    protected: String,
}

#[derive(Clone, Debug, Default)]
struct Header {
    jwk: Option<Vec<u8>>,
    algorithm: String,
    chain: Vec<String>,
}

impl Signature {
    /// The key in the header's `jwk`, if there is one.
    pub(crate) fn jwk(&self) -> Option<&Jwk> {
        self.jwk.as_ref()
    }

    /// The algorithm in `alg`.
    pub(crate) fn algorithm(&self) -> &str {
        &self.parts.header.algorithm
    }

    /// The certificates in `x5c`, in base64.
    pub(crate) fn chain(&self) -> &[String] {
        &self.parts.header.chain
    }

    /// The signature itself, in base64url.
    pub(crate) fn text(&self) -> &str {
        &self.parts.text
    }

    /// The protected header as it was signed, in base64url.
    pub(crate) fn protected(&self) -> &str {
        &self.parts.protected
    }

    /// How to cut the payload from a document, by the protected header.
    pub(crate) fn format(&self) -> &Format {
        &self.format
    }

    /// When the signature was made, by the protected header.
    pub(crate) fn time(&self) -> Option<&str> {
        self.time.as_deref()
    }

    /// libtrust's id of the key that the signature is checked with: that of the first certificate, if there is one,
    /// even next to a `jwk`. `None` when there is no key, or it can't be read.
    pub(crate) fn key_id(&self) -> Option<&str> {
        match &self.certified {
            Some(key) => key.as_ref().ok().map(|(_, id)| id.as_str()),
            None => self.jwk.as_ref().map(Jwk::key_id),
        }
    }

    /// The sort key of signatures. Here `jwk` comes before the certificate, because libtrust sorts only by `jwk`.
    pub(super) fn order(&self) -> (&str, &str) {
        let key_id = self.jwk.as_ref().map(Jwk::key_id).or_else(|| self.key_id());
        (key_id.unwrap_or_default(), &self.parts.text)
    }

    /// The key that the signature is checked with.
    pub(super) fn key(&self) -> Result<&Key, Fault> {
        match (&self.certified, &self.jwk) {
            (Some(Ok((key, _))), _) => Ok(key),
            (Some(Err(fault)), _) => Err(fault.clone()),
            (None, Some(jwk)) => Ok(&jwk.key),
            (None, None) => Err(Fault::MissingKey),
        }
    }

    /// Reads the signature number `number`. `available` is the size in bytes of what the payload is cut from.
    pub(super) fn read(number: usize, value: &[u8], available: usize) -> Result<Self, SignatureError> {
        let parts = Parts::read(value).map_err(|fault| fault.of(number, None))?;
        let certified = key::first_key(&parts.header.chain);
        let known = certified.as_ref().and_then(|key| key.as_ref().ok()).map(|(_, id)| id.as_str());
        let protected = Protected::read(&parts.protected, available).map_err(|fault| fault.of(number, known))?;
        let jwk = parts.header.jwk.as_deref().map(Jwk::read).transpose();
        let jwk = jwk.map_err(|fault| Fault::BadKey(fault).of(number, known))?;
        Ok(Self { parts, jwk, format: protected.format, time: protected.time, certified })
    }
}

impl Parts {
    /// Reads the members. Their names match in any case, as the fields of Go's structs do.
    fn read(value: &[u8]) -> Result<Self, Fault> {
        let mut parts = Self::default();
        for (name, value) in json::members(value).ok_or(Fault::Malformed("it"))? {
            match name.to_ascii_lowercase().as_str() {
                "header" => parts.header.read(value)?,
                "signature" => assign(&mut parts.text, value, "its signature")?,
                "protected" => assign(&mut parts.protected, value, "its protected header")?,
                _ => {}
            }
        }
        Ok(parts)
    }
}

impl Header {
    /// Reads a header. A second header adds to the first, as in Go.
    fn read(&mut self, value: &[u8]) -> Result<(), Fault> {
        if json::is_null(value) {
            *self = Self::default();
            return Ok(());
        }
        for (name, value) in json::members(value).ok_or(Fault::Malformed("its header"))? {
            match name.to_ascii_lowercase().as_str() {
                "jwk" => self.jwk = Some(value.to_vec()),
                "alg" => assign(&mut self.algorithm, value, "its algorithm")?,
                "x5c" if json::is_null(value) => self.chain.clear(),
                "x5c" => {
                    let mut chain = Vec::new();
                    for certificate in json::elements(value).ok_or(Fault::Malformed("its certificate chain"))? {
                        let mut text = String::new();
                        assign(&mut text, certificate, "its certificate chain")?;
                        chain.push(text);
                    }
                    self.chain = chain;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Reads a string. `null` changes nothing.
fn assign(text: &mut String, value: &[u8], what: &'static str) -> Result<(), Fault> {
    if !json::is_null(value) {
        *text = json::string(value).ok_or(Fault::Malformed(what))?;
    }
    Ok(())
}
