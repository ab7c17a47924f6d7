//! Why a signed document is refused.

use crate::count::plural;

/// Why a document is refused: for the whole, or for one of its signatures.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum SignatureError {
    /// The document is not a JSON object.
    #[error("the document is not a JSON object")]
    NotJson,
    /// The document has no `signatures`.
    #[error("the document has no member \"signatures\"")]
    MissingSignatures,
    /// `signatures` is empty or `null`.
    #[error("the document's list of signatures is empty")]
    EmptySignatures,
    /// `signatures` is not a list.
    #[error("the document's \"signatures\" is not a list")]
    MalformedSignatures,
    /// The payload is not a JSON object.
    #[error("the signed payload is not a JSON object")]
    PayloadNotJson,
    /// Something is wrong with one signature.
    #[error("signature {number}{}: {fault}", key_text(key_id.as_deref()))]
    Signature {
        /// The number of the signature in the document, from 1.
        number: usize,
        /// The id of the key that made it, if that could be read.
        key_id: Option<String>,
        /// What is wrong.
        fault: Fault,
    },
}

fn key_text(key_id: Option<&str>) -> String {
    key_id.map(|key_id| format!(" (key {key_id})")).unwrap_or_default()
}

impl SignatureError {
    /// The error code that a registry answers a push with (layout.md §5.3).
    pub(crate) fn api_code(&self) -> &'static str {
        match self {
            Self::Signature { fault, .. } => fault.api_code(),
            _ => INVALID,
        }
    }
}

const INVALID: &str = "MANIFEST_INVALID";
const UNVERIFIED: &str = "MANIFEST_UNVERIFIED";
const UNKNOWN: &str = "UNKNOWN";

/// What is wrong with one signature.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Fault {
    /// A member has the wrong type.
    #[error("{0} is of the wrong type")]
    Malformed(&'static str),
    /// A member is not base64.
    #[error("{0} is not base64")]
    BadBase64(Encoded),
    /// `protected` is not a JSON object.
    #[error("the protected header is not a JSON object")]
    BadProtected,
    /// The protected header does not say where the payload ends.
    #[error("the protected header has no valid {0}")]
    MissingFormat(&'static str),
    /// The payload would be longer than the document that it is cut from.
    #[error("the protected header's formatLength is out of range: there are {}", plural(*available, "byte"))]
    FormatLengthOutOfRange {
        /// How many bytes there are.
        available: usize,
    },
    /// Two signatures disagree about where the payload ends.
    #[error("its formatLength or formatTail is not that of the first signature")]
    ConflictingFormat,
    /// The `jwk` is not a public key that can be used.
    #[error("its key can't be used: {0}")]
    BadKey(KeyFault),
    /// The first certificate is not a certificate, or has no key that can be used.
    #[error("its certificate can't be used: {0}")]
    BadCertificate(KeyFault),
    /// The signature has neither `jwk` nor `x5c`.
    #[error("it names no key")]
    MissingKey,
    /// The key can't make signatures by this algorithm.
    #[error("a key of type {key} can't make a signature by {algorithm:?}")]
    WrongAlgorithm {
        /// The algorithm in `alg`.
        algorithm: String,
        /// The type of the key.
        key: &'static str,
    },
    /// The signature does not have the length of all signatures by its algorithm.
    #[error("it has {}, and signatures by {algorithm} have {expected}", plural(*found, "byte"))]
    SignatureLength {
        /// The algorithm in `alg`.
        algorithm: String,
        /// The length of such signatures in bytes.
        expected: usize,
        /// The length found in bytes.
        found: usize,
    },
    /// An elliptic-curve signature does not fit the payload and the key.
    #[error("it does not match the payload and the key")]
    EcMismatch,
    /// An RSA signature does not fit the payload and the key.
    #[error("it does not match the payload and the key (RSA)")]
    RsaMismatch,
    /// The signature was not checked, because regtree was built without the feature `schema1-signatures`.
    #[error("not verified: regtree was built without the feature schema1-signatures")]
    NotVerified,
}

impl Fault {
    /// The error code that a registry answers a push with. A registry recognises only one error text of libtrust as a
    /// failed verification; any other failure after the document was read becomes `UNKNOWN`.
    pub(crate) fn api_code(&self) -> &'static str {
        match self {
            Self::EcMismatch | Self::NotVerified => UNVERIFIED,
            Self::BadBase64(Encoded::Signature | Encoded::Certificate)
            | Self::BadCertificate(_)
            | Self::MissingKey
            | Self::WrongAlgorithm { .. }
            | Self::SignatureLength { .. }
            | Self::RsaMismatch => UNKNOWN,
            Self::Malformed(_)
            | Self::BadBase64(Encoded::Protected | Encoded::Tail)
            | Self::BadProtected
            | Self::MissingFormat(_)
            | Self::FormatLengthOutOfRange { .. }
            | Self::ConflictingFormat
            | Self::BadKey(_) => INVALID,
        }
    }

    pub(super) fn of(self, number: usize, key_id: Option<&str>) -> SignatureError {
        SignatureError::Signature { number, key_id: key_id.map(str::to_owned), fault: self }
    }
}

/// The members that are base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Encoded {
    /// `protected`.
    #[error("the protected header")]
    Protected,
    /// `formatTail` in `protected`.
    #[error("the protected header's formatTail")]
    Tail,
    /// `signature`.
    #[error("the signature itself")]
    Signature,
    /// The first certificate in `x5c`.
    #[error("its certificate")]
    Certificate,
}

/// Why a key can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum KeyFault {
    /// It is not a JSON object, or is nested too deep.
    #[error("it is not a JSON object")]
    NotJson,
    /// A member is missing, has another type, or is not base64url.
    #[error("its member {0:?} is missing or malformed")]
    Member(&'static str),
    /// Keys of this type sign no manifests.
    #[error("keys of type {0:?} are not supported")]
    Type(String),
    /// Keys on this curve sign no manifests.
    #[error("the curve {0:?} is not supported")]
    Curve(String),
    /// A coordinate does not have the length of the curve's coordinates.
    #[error("its member {member:?} has {}, and on its curve it must have {expected}", plural(*found, "byte"))]
    Length {
        /// The coordinate's member.
        member: &'static str,
        /// The curve's length in bytes.
        expected: usize,
        /// The length found in bytes.
        found: usize,
    },
    /// The coordinates are not a point of the curve.
    #[error("it is not a point of its curve")]
    Point,
    /// No key has this RSA modulus or exponent.
    #[error("its modulus or exponent is out of range")]
    Rsa,
    /// `kid` is not the id of the key.
    #[error("its kid {0:?} is not that of the key")]
    Kid(String),
    /// It is not an X.509 certificate.
    #[error("it is not an X.509 certificate")]
    Certificate,
    /// The certificate has a key of a type that signs no manifests.
    #[error("it holds a key of a kind that is not supported")]
    Foreign,
}
