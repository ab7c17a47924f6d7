//! Checks every document in `tests/vectors/schema1` against what its index says, and tries random damage on them.

use std::collections::HashMap;
use std::io::Read as _;
use std::path::Path;
use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::digest::Digest;

fn read(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/schema1").join(name)).unwrap()
}

/// A document and what the index says about it.
struct Entry(Value);

static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    let index: Value = serde_json::from_slice(&read("index.json")).unwrap();
    index["files"].as_array().unwrap().iter().cloned().map(Entry).collect()
});

impl Entry {
    fn name(&self) -> &str {
        self.0["file"].as_str().unwrap()
    }

    fn bytes(&self) -> Vec<u8> {
        read(self.name())
    }

    fn is_valid(&self) -> bool {
        self.0["valid"] == true
    }

    /// Whether registries accept it although a strict reader should not.
    fn is_lax(&self) -> bool {
        self.0.get("policy").is_some()
    }

    fn texts(&self, member: &str) -> Vec<&str> {
        self.0[member].as_array().into_iter().flatten().map(|text| text.as_str().unwrap()).collect()
    }

    fn classes(&self) -> Vec<&str> {
        [vec![self.0["class"].as_str().unwrap()], self.texts("also_acceptable")].concat()
    }
}

fn valid() -> impl Iterator<Item = &'static Entry> {
    ENTRIES.iter().filter(|entry| entry.is_valid())
}

fn verdict(document: &[u8]) -> Result<Signed, SignatureError> {
    let signed = parse(document)?;
    check(&signed)?;
    Ok(signed)
}

/// The failure of the first signature that does not fit.
fn check(signed: &Signed) -> Result<(), SignatureError> {
    signed.verify().iter().find_map(SignatureVerdict::error).map_or(Ok(()), Err)
}

/// The name that the index has for the kind of failure.
fn class(error: &SignatureError) -> &'static str {
    match error {
        SignatureError::NotJson => "not-json",
        SignatureError::MissingSignatures => "missing-signatures",
        SignatureError::EmptySignatures => "empty-signatures",
        SignatureError::MalformedSignatures => "malformed-signatures",
        SignatureError::PayloadNotJson => "payload-not-json",
        SignatureError::Signature { fault, .. } => class_of_fault(fault),
    }
}

fn class_of_fault(fault: &Fault) -> &'static str {
    match fault {
        Fault::Malformed(_) => "malformed-signatures",
        Fault::BadBase64(_) => "bad-base64",
        Fault::BadProtected => "bad-protected",
        Fault::MissingFormat(_) => "missing-format",
        Fault::FormatLengthOutOfRange { .. } => "format-length-out-of-range",
        Fault::ConflictingFormat => "conflicting-format",
        Fault::BadKey(_) | Fault::BadCertificate(_) => "bad-key",
        Fault::MissingKey => "missing-key",
        Fault::WrongAlgorithm { .. } => "wrong-algorithm",
        Fault::SignatureLength { .. } | Fault::EcMismatch | Fault::RsaMismatch => "bad-signature",
        Fault::NotVerified => "not-verified",
    }
}

#[test]
fn every_valid_document_verifies_and_is_what_the_index_says() {
    assert_eq!(valid().count(), 47);
    for entry in valid() {
        let (name, index) = (entry.name(), &entry.0);
        let signed = verdict(&entry.bytes()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(Digest::of(signed.payload()).to_string(), index["payload_digest"], "{name}");
        assert_eq!(signed.payload().len(), index["payload_size"], "{name}");
        assert_eq!(signed.format.length, index["format_length"], "{name}");
        assert_eq!(hex::encode(&signed.format.tail), index["format_tail_hex"], "{name}");
        let verdicts = signed.verify();
        let key_ids: Vec<_> = verdicts.iter().map(|verdict| verdict.key_id.as_deref().unwrap()).collect();
        assert_eq!(key_ids, entry.texts("key_ids"), "{name}");
        let algorithms: Vec<_> = verdicts.iter().map(|verdict| verdict.algorithm.as_str()).collect();
        assert_eq!(algorithms, entry.texts("algorithms"), "{name}");
    }
}

#[test]
fn every_invalid_document_is_refused_for_its_reason() {
    let mut count = 0;
    for entry in ENTRIES.iter().filter(|entry| !entry.is_valid() && !entry.is_lax()) {
        let error = verdict(&entry.bytes()).expect_err(entry.name());
        assert!(entry.classes().contains(&class(&error)), "{}: {} ({error})", entry.name(), class(&error));
        count += 1;
    }
    assert_eq!(count, 68);
}

#[test]
fn what_registries_accept_and_a_strict_reader_refuses_verifies() {
    let mut count = 0;
    for entry in ENTRIES.iter().filter(|entry| entry.is_lax()) {
        let _ = verdict(&entry.bytes()).unwrap_or_else(|error| panic!("{}: {error}", entry.name()));
        count += 1;
    }
    assert_eq!(count, 5);
}

#[test]
fn a_failure_names_its_signature_and_key() {
    let error = verdict(&read("invalid/second-of-two-bad.json")).unwrap_err();
    let SignatureError::Signature { number: 2, key_id: Some(key_id), fault: Fault::EcMismatch } = &error else {
        panic!("{error}");
    };
    assert_eq!(error.to_string(), format!("signature 2 (key {key_id}): it does not match the payload and the key"));
    let verdicts = parse(&read("invalid/second-of-two-bad.json")).unwrap().verify();
    assert_eq!((verdicts[0].outcome.clone(), verdicts[0].error()), (Ok(()), None));
    assert_eq!(verdicts[1].time.as_deref(), Some("2012-02-13T07:16:24Z"));
}

/// The codes about signatures in a registry's reply. The layers never existed, so a reply has a code for them too, for
/// each document that could be read. Codes about names are not checked here.
fn signature_codes(reply: &str) -> Vec<&str> {
    let others = ["MANIFEST_BLOB_UNKNOWN", "NAME_INVALID"];
    reply.split(' ').skip(1).filter(|code| !others.contains(code)).collect()
}

#[test]
fn failures_have_the_codes_that_a_registry_answers_with() {
    // The registry crashed on these. regtree refuses each when it reads the document, and that has this code.
    let crashes = ["format-length-1e300", "format-length-negative", "format-length-min-int64", "point-not-on-curve"];
    for entry in ENTRIES.iter() {
        let codes: Vec<_> = verdict(&entry.bytes()).err().iter().map(SignatureError::api_code).collect();
        let reply = entry.0["registry_2_8_2_push"].as_str().unwrap();
        let crash = crashes.iter().any(|name| entry.name() == format!("invalid/{name}.json"));
        assert_eq!(crash, reply == "connection closed without a reply", "{}", entry.name());
        let expected = if crash { vec!["MANIFEST_INVALID"] } else { signature_codes(reply) };
        assert_eq!(codes, expected, "{}: {reply}", entry.name());
    }
}

#[test]
fn signatures_are_stored_as_registries_stored_them() {
    for entry in valid() {
        let signed = parse(&entry.bytes()).unwrap();
        let mut digests: Vec<_> =
            signed.signatures().iter().map(|signature| Digest::of(&signature.stored()).to_string()).collect();
        digests.sort();
        assert_eq!(digests, entry.texts("stored_signatures"), "{}", entry.name());
    }
}

#[test]
fn documents_are_written_as_libtrust_writes_them() {
    for entry in valid() {
        let document = entry.bytes();
        let signed = parse(&document).unwrap();
        let pretty = signed.pretty();
        assert_eq!(pretty == document, entry.0["reassembles_byte_identical"] == true, "{}", entry.name());
        let again = verdict(&pretty).unwrap_or_else(|error| panic!("{}: {error}", entry.name()));
        assert_eq!((again.payload(), again.pretty()), (signed.payload(), pretty), "{}", entry.name());
    }
}

#[test]
fn what_was_stored_apart_comes_together_again() {
    for entry in valid() {
        let signed = parse(&entry.bytes()).unwrap();
        let mut stored: Vec<_> = signed.signatures().iter().map(Signature::stored).collect();
        stored.sort_by_key(|stored| Digest::of(stored));
        let again = from_stored(signed.payload().to_vec(), &stored).unwrap();
        check(&again).unwrap_or_else(|error| panic!("{}: {error}", entry.name()));
        assert_eq!(again.format, signed.format, "{}", entry.name());
        assert_eq!(again.pretty(), signed.pretty(), "{}", entry.name());
    }
}

/// The blobs of a tree that a registry wrote, by digest.
fn blobs(tree: &str) -> HashMap<String, Vec<u8>> {
    let archive = flate2::read::GzDecoder::new(std::io::Cursor::new(read(&format!("../trees/{tree}.tar.gz"))));
    let mut blobs = HashMap::new();
    for entry in tar::Archive::new(archive).entries().unwrap() {
        let mut entry = entry.unwrap();
        if entry.path().unwrap().ends_with("data") {
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            blobs.insert(Digest::of(&content).to_string(), content);
        }
    }
    blobs
}

#[test]
fn what_old_registries_stored_comes_together_and_verifies() {
    let mut count = 0;
    for tree in ["2.0.0-alpha.0", "2.0.0-alpha.3", "2.0.0", "2.1.0", "2.2.0", "2.3.0", "2.4.1"] {
        let blobs = blobs(tree);
        let index: Value = serde_json::from_slice(&read(&format!("../trees/{tree}.json"))).unwrap();
        let repositories = index["repositories"].as_object().unwrap().values();
        for (digest, manifest) in repositories.flat_map(|repository| repository["manifests"].as_object().unwrap()) {
            let Some(known) = manifest["stored_signatures"].as_object() else { continue };
            let stored: Vec<&Vec<u8>> = known.keys().map(|digest| &blobs[digest]).collect();
            let signed = from_stored(blobs[digest].clone(), &stored).unwrap();
            assert_eq!(verdict(&signed.pretty()).unwrap().payload(), blobs[digest], "{tree} {digest}");
            for (signature, (digest, known)) in signed.signatures().iter().zip(known) {
                assert_eq!(Digest::of(&signature.stored()).to_string(), *digest, "{tree}");
                assert_eq!(signature.key_id(), known["kid"].as_str(), "{tree} {digest}");
                count += 1;
            }
        }
    }
    assert_eq!(count, 46);
}

#[test]
fn what_is_stored_is_judged_like_a_document() {
    let signed = parse(&read("valid/es256.json")).unwrap();
    let stored = [signed.signatures()[0].stored()];
    let refused = |payload: &[u8], stored: &[Vec<u8>]| from_stored(payload.to_vec(), stored).unwrap_err();
    assert_eq!(refused(signed.payload(), &[]), SignatureError::EmptySignatures);
    assert_eq!(refused(b"[]", &stored), SignatureError::PayloadNotJson);
    assert_eq!(class(&refused(signed.payload(), &[b"[]".to_vec()])), "malformed-signatures");
    assert_eq!(class(&refused(b"{}", &stored)), "format-length-out-of-range");
    let mut other = signed.payload().to_vec();
    other.push(b'\n');
    assert_eq!(class(&check(&from_stored(other, &stored).unwrap()).unwrap_err()), "bad-signature");
}

#[test]
fn a_certificate_without_a_jwk_is_sorted_by_its_own_key() {
    let lone = parse(&read("valid/x5c-ec.json")).unwrap();
    let chain = parse(&read("valid/x5c-rsa-chain.json")).unwrap();
    assert_eq!(lone.payload(), chain.payload());
    let stored = [&lone, &chain].map(|signed| signed.signatures()[0].stored());
    let both = from_stored(lone.payload().to_vec(), &stored).unwrap();
    let sorted = verdict(&both.pretty()).unwrap();
    let key_ids: Vec<_> = sorted.signatures().iter().map(|signature| signature.key_id().unwrap()).collect();
    assert_eq!(key_ids, [chain.signatures()[0].key_id().unwrap(), lone.signatures()[0].key_id().unwrap()]);
}

#[test]
fn a_payload_may_nest_as_deep_as_go_lets_it() {
    let nested = |depth: usize| {
        let mut document = b"{\"a\":".to_vec();
        document.extend(vec![b'['; depth]);
        document.extend(vec![b']'; depth]);
        let length = document.len();
        let protected = format!(r#"{{"formatLength":{length},"formatTail":"fQ"}}"#);
        let protected = data_encoding::BASE64URL_NOPAD.encode(protected.as_bytes());
        document.extend(format!(r#","signatures":[{{"protected":"{protected}"}}]}}"#).bytes());
        document
    };
    let signed = parse(&nested(9_999)).unwrap();
    assert_eq!(class(&check(&signed).unwrap_err()), "missing-key");
    assert_eq!(parse(&nested(10_000)).unwrap_err(), SignatureError::NotJson);
    assert_eq!(parse(&vec![b'['; 1 << 20]).unwrap_err(), SignatureError::NotJson);
}

/// Does everything that can be done with a document.
fn exercise(document: &[u8]) {
    if let Ok(signed) = parse(document) {
        let _ = (signed.verify(), signed.pretty());
        let stored: Vec<_> = signed.signatures().iter().map(Signature::stored).collect();
        let _ = from_stored(signed.payload().to_vec(), &stored);
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        exercise(&bytes);
        let _ = from_stored(bytes.clone(), &[bytes]);
    }

    #[test]
    fn no_list_of_signatures_makes_it_panic(list in "[\\[{](\"(header|signature|protected|x5c|jwk|e30|)\"[:,]|[\\[\\]{}0n,]){0,12}") {
        exercise(format!("{{\"signatures\":{list}}}").as_bytes());
        exercise(format!("{{\"signatures\":[{{\"header\":{{}},\"protected\":\"e30\",{list}}}]}}").as_bytes());
    }

    #[test]
    fn no_change_of_a_byte_makes_it_panic(which in 0..120_usize, at: prop::sample::Index, byte: u8) {
        let mut document = ENTRIES[which % ENTRIES.len()].bytes();
        if !document.is_empty() {
            let at = at.index(document.len());
            document[at] = byte;
        }
        exercise(&document);
    }

    #[test]
    fn a_payload_with_a_flipped_bit_never_verifies(which in 0..47_usize, at: prop::sample::Index, bit in 0..8_u8) {
        let document = valid().nth(which).unwrap().bytes();
        let signed = parse(&document).unwrap();
        let mut changed = document;
        changed[at.index(signed.format.length)] ^= 1 << bit;
        prop_assert!(verdict(&changed).is_err());
        let stored: Vec<_> = signed.signatures().iter().map(Signature::stored).collect();
        let mut payload = signed.payload;
        let at = at.index(payload.len());
        payload[at] ^= 1 << bit;
        prop_assert!(from_stored(payload, &stored).and_then(|signed| check(&signed)).is_err());
    }
}
