//! Keys in a build without the feature `schema1-signatures`: kept as they were read, and no signature is verified.
//!
//! The id of a key is the `kid` that it states. Certificates are not read.

use serde_json::{Map, Value};

use super::error::{Fault, KeyFault};

/// The key that a signature would be checked with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key;

impl Key {
    #[expect(clippy::unused_self, reason = "another build has keys that verify")]
    pub(super) fn verify(&self, _: &str, _: &[u8], _: &[u8]) -> Result<(), Fault> {
        Err(Fault::NotVerified)
    }
}

/// The key of the first certificate of a chain, and its id. In this build it is never read.
pub(super) fn first_key(chain: &[String]) -> Option<Result<(Key, String), Fault>> {
    chain.first().map(|_| Err(Fault::NotVerified))
}

/// A public key as JSON, with all of its members.
#[derive(Clone, Debug)]
pub(crate) struct Jwk {
    members: Map<String, Value>,
    pub(super) key: Key,
    id: String,
}

impl Jwk {
    /// The `kid` of the key; empty when it has none.
    pub(crate) fn key_id(&self) -> &str {
        &self.id
    }

    pub(super) fn read(json: &[u8]) -> Result<Self, KeyFault> {
        let members: Map<String, Value> = serde_json::from_slice(json).map_err(|_| KeyFault::NotJson)?;
        let id = members.get("kid").and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(Self { members, key: Key, id })
    }

    /// The key as it was read, with its members sorted.
    pub(super) fn canonical(&self) -> Value {
        let mut value = Value::Object(self.members.clone());
        value.sort_all_objects();
        value
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests {
    use std::fs;
    use std::path::Path;

    use serde_json::Value;

    use super::super::{Fault, Signature, SignatureVerdict, from_stored, parse};
    use crate::Digest;

    fn read(name: &str) -> Vec<u8> {
        fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/schema1").join(name)).unwrap()
    }

    #[test]
    fn valid_documents_are_stored_and_put_together_as_ever_and_none_is_verified() {
        let index: Value = serde_json::from_slice(&read("index.json")).unwrap();
        let mut count = 0;
        for entry in index["files"].as_array().unwrap().iter().filter(|entry| entry["valid"] == true) {
            let (name, document) = (entry["file"].as_str().unwrap(), read(entry["file"].as_str().unwrap()));
            let signed = parse(&document).unwrap();
            assert_eq!(Digest::of(signed.payload()).to_string(), entry["payload_digest"], "{name}");
            let verdicts = signed.verify();
            assert!(!verdicts.is_empty() && !verdicts.iter().any(SignatureVerdict::was_checked), "{name}");
            let stored: Vec<_> = signed.signatures().iter().map(Signature::stored).collect();
            let again = from_stored(signed.payload().to_vec(), &stored).unwrap();
            assert_eq!(again.pretty(), signed.pretty(), "{name}");
            if signed.signatures().iter().all(|signature| signature.key_id().is_some_and(|id| !id.is_empty())) {
                let mut digests: Vec<_> = stored.iter().map(|stored| Digest::of(stored).to_string()).collect();
                digests.sort();
                assert_eq!(serde_json::to_value(digests).unwrap(), entry["stored_signatures"], "{name}");
                count += 1;
            }
        }
        assert!(count > 30, "{count}");
    }

    #[test]
    fn what_can_be_seen_without_a_key_is_still_refused() {
        let document = String::from_utf8(read("valid/es256.json")).unwrap();
        let at = document.find("\"signature\": \"").unwrap() + 14;
        let garbled = format!("{}!{}", &document[..at], &document[at + 1..]);
        let verdict = &parse(garbled.as_bytes()).unwrap().verify()[0];
        assert!(matches!(verdict.outcome, Err(Fault::BadBase64(_))), "{verdict:?}");
    }
}
