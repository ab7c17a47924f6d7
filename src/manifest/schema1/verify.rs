//! Whether the signatures fit the payload.

use super::error::{Encoded, Fault, SignatureError};
use super::{Signature, Signed, jose};

/// What became of one signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Its number in the document, from 1.
    pub number: usize,
    /// The key that it was checked with, if that could be read.
    pub key_id: Option<String>,
    /// The algorithm that it names.
    pub algorithm: String,
    /// When it was made, as it says itself.
    pub time: Option<String>,
    /// Whether it fits, and why not.
    pub outcome: Result<(), Fault>,
}

impl Verdict {
    /// Whether the signature was checked at all; none is without the feature `schema1-signatures`.
    pub fn was_checked(&self) -> bool {
        self.outcome != Err(Fault::NotVerified)
    }

    /// The failure, if it is one.
    pub fn error(&self) -> Option<SignatureError> {
        let fault = self.outcome.as_ref().err()?;
        Some(fault.clone().of(self.number, self.key_id.as_deref()))
    }
}

impl Signed {
    /// Checks every signature. The document is good only if all of them are.
    #[must_use = "a signature that fails is told by its verdict"]
    pub fn verify(&self) -> Vec<Verdict> {
        let payload = jose::encode_url(&self.payload);
        let verdict = |(number, signature): (usize, &Signature)| Verdict {
            number,
            key_id: signature.key_id().map(str::to_owned),
            algorithm: signature.algorithm().to_owned(),
            time: signature.time().map(str::to_owned),
            outcome: signature.fits(&payload),
        };
        (1..).zip(&self.signatures).map(verdict).collect()
    }

    /// Checks every signature, and fails as the first one fails that does.
    pub fn check(&self) -> Result<(), SignatureError> {
        self.verify().iter().find_map(Verdict::error).map_or(Ok(()), Err)
    }
}

impl Signature {
    /// Checks the signature of a payload, which is in base64url.
    fn fits(&self, payload: &str) -> Result<(), Fault> {
        let key = self.key()?;
        let signature = jose::decode_url(self.text()).ok_or(Fault::BadBase64(Encoded::Signature))?;
        let message = [self.protected().as_bytes(), b".", payload.as_bytes()].concat();
        key.verify(self.algorithm(), &message, &signature)
    }
}
