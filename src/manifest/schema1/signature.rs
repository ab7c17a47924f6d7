//! One signature, as a signed document and the registry's own files hold it.

use super::error::{Fault, SignatureError};
use super::format::{Format, Protected};
use super::key::{self, Jwk, Key};
use super::{Irregularity, json};

/// One signature. What it is made of is kept as it came.
#[derive(Clone, Debug)]
pub struct Signature {
    parts: Parts,
    jwk: Option<Jwk>,
    format: Format,
    time: Option<String>,
    /// The key of the first certificate, and its id.
    certified: Option<Result<(Key, String), Fault>>,
    irregularities: Vec<Irregularity>,
}

/// The members of a signature, before anything is made of them.
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
    pub fn jwk(&self) -> Option<&Jwk> {
        self.jwk.as_ref()
    }

    /// The algorithm, as `alg` calls it.
    pub fn algorithm(&self) -> &str {
        &self.parts.header.algorithm
    }

    /// The certificates of `x5c`, in base64.
    pub fn chain(&self) -> &[String] {
        &self.parts.header.chain
    }

    /// The signature itself, in base64url.
    pub fn text(&self) -> &str {
        &self.parts.text
    }

    /// The protected header as it was signed, in base64url.
    pub fn protected(&self) -> &str {
        &self.parts.protected
    }

    /// How the payload is cut from a document, as the protected header says.
    pub fn format(&self) -> &Format {
        &self.format
    }

    /// When it was made, as the protected header says.
    pub fn time(&self) -> Option<&str> {
        self.time.as_deref()
    }

    /// What libtrust calls the key that the signature is checked with: that of the first certificate, where there is
    /// one, even beside a `jwk`. `None` if there is no key, or none that can be read.
    pub fn key_id(&self) -> Option<&str> {
        match &self.certified {
            Some(key) => key.as_ref().ok().map(|(_, id)| id.as_str()),
            None => self.jwk.as_ref().map(Jwk::key_id),
        }
    }

    /// What signatures are sorted by: the `jwk` before the certificate, since libtrust knows no other.
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

    pub(super) fn irregularities(&self) -> &[Irregularity] {
        &self.irregularities
    }

    /// Reads the signature of this number; its payload is cut from `available` bytes.
    pub(super) fn read(number: usize, value: &[u8], available: usize) -> Result<Self, SignatureError> {
        let parts = Parts::read(value).map_err(|fault| fault.of(number, None))?;
        let certified = key::first_key(&parts.header.chain);
        let known = certified.as_ref().and_then(|key| key.as_ref().ok()).map(|(_, id)| id.as_str());
        let protected = Protected::read(&parts.protected, available).map_err(|fault| fault.of(number, known))?;
        let jwk = parts.header.jwk.as_deref().map(Jwk::read).transpose();
        let jwk = jwk.map_err(|fault| Fault::BadKey(fault).of(number, known))?;

        let mut irregularities: Vec<Irregularity> = [json::duplicate(value), protected.duplicate]
            .into_iter()
            .flatten()
            .map(|name| Irregularity::DuplicateKey { name, signature: Some(number) })
            .collect();
        if jwk.as_ref().is_some_and(Jwk::is_private) {
            irregularities.push(Irregularity::PrivateKey { signature: number });
        }
        Ok(Self { parts, jwk, format: protected.format, time: protected.time, certified, irregularities })
    }
}

impl Parts {
    /// Names are those of Go's structures, which take them in any case.
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
    /// A second header adds to the first, as in Go.
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

/// Takes a string; `null` says nothing.
fn assign(text: &mut String, value: &[u8], what: &'static str) -> Result<(), Fault> {
    if !json::is_null(value) {
        *text = json::string(value).ok_or(Fault::Malformed(what))?;
    }
    Ok(())
}
