//! Checks signatures against the payload.

use super::error::{Encoded, Fault, SignatureError};
use super::{Signature, Signed, jose};

/// The result for one signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SignatureVerdict {
    /// The number of the signature in the document, from 1.
    pub number: usize,
    /// The id of the key that it was checked with, if that could be read.
    pub key_id: Option<String>,
    /// The algorithm in `alg`.
    pub algorithm: String,
    /// When it was made, by its protected header.
    pub time: Option<String>,
    /// `Ok` when the signature fits; else what is wrong.
    pub outcome: Result<(), Fault>,
}

impl SignatureVerdict {
    /// Whether the signature was checked. Without the feature `schema1-signatures` none is.
    pub(crate) fn was_checked(&self) -> bool {
        self.outcome != Err(Fault::NotVerified)
    }

    /// The error, if the signature does not fit.
    pub(crate) fn error(&self) -> Option<SignatureError> {
        let fault = self.outcome.as_ref().err()?;
        Some(fault.clone().of(self.number, self.key_id.as_deref()))
    }
}

impl Signed {
    /// Checks every signature. The document is good only if all of them fit.
    #[must_use = "a signature that fails is reported only by its verdict"]
    pub(crate) fn verify(&self) -> Vec<SignatureVerdict> {
        let payload = jose::encode_url(&self.payload);
        let verdict = |(number, signature): (usize, &Signature)| SignatureVerdict {
            number,
            key_id: signature.key_id().map(str::to_owned),
            algorithm: signature.algorithm().to_owned(),
            time: signature.time().map(str::to_owned),
            outcome: signature.fits(&payload),
        };
        (1..).zip(&self.signatures).map(verdict).collect()
    }
}

impl Signature {
    /// Checks the signature of `payload`, which is in base64url.
    fn fits(&self, payload: &str) -> Result<(), Fault> {
        let key = self.key()?;
        let signature = jose::decode_url(self.text()).ok_or(Fault::BadBase64(Encoded::Signature))?;
        let message = [self.protected().as_bytes(), b".", payload.as_bytes()].concat();
        key.verify(self.algorithm(), &message, &signature)
    }
}
