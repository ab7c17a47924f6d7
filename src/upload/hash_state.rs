//! Reads and writes the registry's hash states, `hashstates/sha256/<offset>`, in the two forms that registries use.
//!
//! Registries from 2.7 on use 108 bytes of Go's binary form; those from 2.0 to 2.6 use a gob stream (layout.md §4.6).
//! regtree reads both and writes the first. **A registry's hash state is only a hint.** After a state is lost, later
//! ones represent other bytes than their names say, and nothing in the file shows it. regtree uses
//! a state only to write the next one without reading the data again, for a registry that may continue the upload. It
//! never uses one to publish a blob: for that it has its own record (`record`), or reads the content. This is stricter
//! than layout.md §4.6 asks for.

use crate::digest::Midstate;

/// The text `"sha"` and Go's number of SHA-256.
const MAGIC: [u8; 4] = *b"sha\x03";
const BINARY_SIZE: usize = 108;
/// The size of the longest gob form: each byte of the block takes two bytes, each word five.
pub(crate) const MAX_SIZE: u64 = 512;

/// Why a hash state can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// There are fewer bytes than the form needs.
    #[error("it is truncated")]
    Truncated,
    /// There are bytes after the state.
    #[error("it has trailing bytes")]
    Trailing,
    /// The bytes have neither form, or are the state of another hash.
    #[error("it is not a SHA-256 state")]
    Foreign,
    /// There is a number that no state can have.
    #[error("it holds an impossible number")]
    Absurd,
    /// The system refused, or something other than a file is in its place.
    #[error("it can't be read")]
    Unreadable,
    /// The system refused, or something other than a file is in its place.
    #[error("it can't be written")]
    Unwritable,
}

/// Writes the form that registries from 2.7 on read.
pub(crate) fn encode(state: &Midstate) -> [u8; BINARY_SIZE] {
    let mut bytes = [0; BINARY_SIZE];
    bytes[..4].copy_from_slice(&MAGIC);
    for (place, word) in bytes[4..36].as_chunks_mut::<4>().0.iter_mut().zip(state.chaining()) {
        *place = word.to_be_bytes();
    }
    bytes[36..100].copy_from_slice(state.block());
    bytes[100..].copy_from_slice(&state.length().to_be_bytes());
    bytes
}

/// Reads either form.
pub(crate) fn decode(bytes: &[u8]) -> Result<Midstate, StateError> {
    if bytes.starts_with(b"sha") { decode_binary(bytes) } else { decode_gob(bytes) }
}

fn decode_binary(bytes: &[u8]) -> Result<Midstate, StateError> {
    if !bytes.starts_with(&MAGIC) {
        return Err(StateError::Foreign);
    }
    let bytes: &[u8; BINARY_SIZE] = bytes
        .try_into()
        .map_err(|_| if bytes.len() < BINARY_SIZE { StateError::Truncated } else { StateError::Trailing })?;
    let mut chaining = [0; 8];
    for (word, place) in chaining.iter_mut().zip(bytes[4..36].as_chunks::<4>().0) {
        *word = u32::from_be_bytes(*place);
    }
    let block = bytes[36..100].try_into().expect("a block's bytes");
    let length = u64::from_be_bytes(bytes[100..].try_into().expect("eight bytes"));
    Midstate::new(chaining, &block, length).ok_or(StateError::Absurd)
}

/// Reads five values, each in its own message: the chaining value, the block, the fill count, the length, and the hash.
fn decode_gob(bytes: &[u8]) -> Result<Midstate, StateError> {
    let mut stream = Gob(bytes);
    let mut words = stream.message(Type::Words)?;
    let mut chaining = [0; 8];
    words.expect(8)?;
    for word in &mut chaining {
        *word = u32::try_from(words.uint()?).map_err(|_| StateError::Absurd)?;
    }
    words.end()?;
    let mut octets = stream.message(Type::Octets)?;
    let mut block = [0; 64];
    octets.expect(64)?;
    for octet in &mut block {
        *octet = u8::try_from(octets.uint()?).map_err(|_| StateError::Absurd)?;
    }
    octets.end()?;
    let mut fill = stream.message(Type::Int)?;
    // A signed number that is not negative is written as twice its value.
    let (fill, ()) = (fill.uint()?, fill.end()?);
    let mut length = stream.message(Type::Uint)?;
    let (length, ()) = (length.uint()?, length.end()?);
    stream.which_hash()?;
    if !stream.0.is_empty() {
        return Err(StateError::Trailing);
    }
    if fill != length % 64 * 2 {
        return Err(StateError::Absurd);
    }
    Midstate::new(chaining, &block, length).ok_or(StateError::Absurd)
}

/// The type of a gob value, given by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Bool,
    Int,
    Uint,
    Words,
    Octets,
}

impl Type {
    /// The type with this number on the wire, where signed numbers are doubled and negative ones define a type.
    fn of(number: u64) -> Result<Self, StateError> {
        match number {
            2 => Ok(Self::Bool),
            4 => Ok(Self::Int),
            6 => Ok(Self::Uint),
            130 => Ok(Self::Words),
            132 => Ok(Self::Octets),
            _ => Err(StateError::Foreign),
        }
    }
}

/// The rest of a gob stream, or of one message in it.
struct Gob<'b>(&'b [u8]);

impl Gob<'_> {
    /// The next value, which must have the type `wanted`. Definitions of types are skipped.
    fn message(&mut self, wanted: Type) -> Result<Self, StateError> {
        let (found, value) = self.any_message()?;
        if found == wanted { Ok(value) } else { Err(StateError::Foreign) }
    }

    fn any_message(&mut self) -> Result<(Type, Self), StateError> {
        loop {
            let size = usize::try_from(self.uint()?).map_err(|_| StateError::Absurd)?;
            let (message, rest) = self.0.split_at_checked(size).ok_or(StateError::Truncated)?;
            self.0 = rest;
            let mut message = Gob(message);
            let number = message.uint()?;
            if number % 2 == 0 {
                // A value that is not a structure has a zero before it.
                let found = Type::of(number)?;
                message.expect(0)?;
                return Ok((found, message));
            }
        }
    }

    /// Checks that the hash is SHA-256: false (true is SHA-224), or 5, its number in the last version of the library.
    fn which_hash(&mut self) -> Result<(), StateError> {
        let (found, mut value) = self.any_message()?;
        let number = value.uint()?;
        value.end()?;
        match (found, number) {
            (Type::Bool, 0) | (Type::Uint, 5) => Ok(()),
            _ => Err(StateError::Foreign),
        }
    }

    /// Reads a number: one byte up to 127, else the negated number of bytes that follow, and those bytes in big-endian.
    fn uint(&mut self) -> Result<u64, StateError> {
        let (&first, rest) = self.0.split_first().ok_or(StateError::Truncated)?;
        if first < 128 {
            self.0 = rest;
            return Ok(first.into());
        }
        let count = usize::from(first.wrapping_neg());
        if count > 8 {
            return Err(StateError::Absurd);
        }
        let (digits, rest) = rest.split_at_checked(count).ok_or(StateError::Truncated)?;
        self.0 = rest;
        Ok(digits.iter().fold(0, |number, &digit| number << 8 | u64::from(digit)))
    }

    fn expect(&mut self, wanted: u64) -> Result<(), StateError> {
        if self.uint()? == wanted { Ok(()) } else { Err(StateError::Absurd) }
    }

    fn end(&self) -> Result<(), StateError> {
        if self.0.is_empty() { Ok(()) } else { Err(StateError::Trailing) }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests {
    use std::path::{Path, PathBuf};

    use serde_json::Value;

    use super::*;
    use crate::digest::Hasher;

    fn vectors() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/hashstates")
    }

    fn read(name: &str) -> Vec<u8> {
        std::fs::read(vectors().join(name)).unwrap()
    }

    fn index() -> Value {
        serde_json::from_slice(&read("index.json")).unwrap()
    }

    fn file(entry: &Value) -> (&str, Vec<u8>) {
        let name = entry["file"].as_str().unwrap();
        (name, read(name))
    }

    /// The digest of the bytes that `state` represents, followed by `more`.
    fn digest_after(state: Midstate, more: &[u8]) -> String {
        let mut hasher = Hasher::resume(state);
        hasher.update(more);
        hasher.finish().canonical().to_string()
    }

    #[test]
    fn every_state_that_a_registry_wrote_resumes_to_the_right_digest() {
        let (index, tail) = (index(), read("tail.bin"));
        let mut forms = std::collections::BTreeSet::new();
        for entry in index["real"].as_array().unwrap() {
            let (name, bytes) = file(entry);
            let state = decode(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(state.length(), entry["offset"].as_u64().unwrap(), "{name}");
            assert_eq!(digest_after(state, b""), entry["sha256_of_prefix"], "{name}");
            assert_eq!(digest_after(state, &tail), entry["sha256_of_prefix_and_tail"], "{name}");
            if bytes.starts_with(b"sha") {
                assert_eq!(encode(&state)[..], bytes[..], "{name}: what is written is what a registry writes");
            }
            forms.insert(entry["format"].as_str().unwrap().to_owned());
        }
        assert_eq!(forms.len(), 2, "{forms:?}");
    }

    #[test]
    fn a_malformed_state_is_refused_or_right() {
        let (index, data) = (index(), read("data.bin"));
        for entry in index["malformed"].as_array().unwrap() {
            let (name, bytes) = file(entry);
            let offset = usize::try_from(entry["stored_as_offset"].as_u64().unwrap()).unwrap();
            let Ok(state) = decode(&bytes) else { continue };
            let right = digest_after(state, b"") == digest_after(Hasher::new([]).midstate().unwrap(), &data[..offset]);
            let named = state.length() == offset as u64;
            // A flipped bit in a well-formed state can't be found. A length that differs from the name can.
            let hidden = entry["class"] == "wrong-state";
            assert!(right || !named || hidden, "{name}");
        }
    }

    #[test]
    fn a_poisoned_state_is_well_formed_and_lies() {
        let (index, data) = (index(), read("data.bin"));
        for entry in index["poisoned"].as_array().unwrap() {
            let (name, bytes) = file(entry);
            let state = decode(&bytes).unwrap();
            assert_eq!(state.length(), 63, "{name}");
            assert_ne!(digest_after(state, b""), crate::digest::Digest::of(&data[..63]).to_string(), "{name}");
        }
    }
}
