//! The encodings of JOSE, as libtrust reads and writes them.

use std::sync::LazyLock;

use data_encoding::{BASE32_NOPAD, BASE64_NOPAD, BASE64URL_NOPAD, Encoding, Specification};
use sha2::{Digest as _, Sha256};

/// Go ignores the bits of the last character that are past the last byte. The ready-made decoders would refuse them.
fn lenient(mut specification: Specification) -> Encoding {
    specification.check_trailing_bits = false;
    specification.encoding().expect("a known alphabet without padding")
}

static URL: LazyLock<Encoding> = LazyLock::new(|| lenient(BASE64URL_NOPAD.specification()));
static STANDARD: LazyLock<Encoding> = LazyLock::new(|| lenient(BASE64_NOPAD.specification()));

/// Reads base64url. Line ends and blanks are skipped. Padding is optional, and must make the length right.
pub(super) fn decode_url(text: &str) -> Option<Vec<u8>> {
    let text: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b'\n' | b'\r' | b' ')).collect();
    URL.decode(without_padding(&text)).ok()
}

/// Reads standard base64, which must be padded.
pub(in crate::manifest) fn decode_standard(text: &str) -> Option<Vec<u8>> {
    let text: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b'\n' | b'\r')).collect();
    if !text.len().is_multiple_of(4) {
        return None;
    }
    STANDARD.decode(without_padding(&text)).ok()
}

/// Removes padding that makes the length right. Other padding stays, and the decoder then refuses it.
fn without_padding(text: &[u8]) -> &[u8] {
    match text {
        [letters @ .., b'=', b'='] | [letters @ .., b'='] if text.len().is_multiple_of(4) => letters,
        text => text,
    }
}

/// Writes base64url without padding.
pub(super) fn encode_url(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

/// libtrust's id of a key: twelve groups of four letters, made from the hash of its `SubjectPublicKeyInfo`.
pub(super) fn key_id(info: &[u8]) -> String {
    let letters = BASE32_NOPAD.encode(&Sha256::digest(info)[..30]);
    let groups: Vec<&str> = (0..letters.len()).step_by(4).map(|at| &letters[at..at + 4]).collect();
    groups.join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64url_is_read_as_leniently_as_by_libtrust() {
        for text in ["Cn0", "Cn0=", "C n\n0", "Cn1"] {
            assert_eq!(decode_url(text).as_deref(), Some(&b"\n}"[..]), "{text:?}");
        }
        for text in ["C", "Cn0==", "Cn=0", "Cn0+", "=", "====", "Cn0\t", "\u{e9}"] {
            assert_eq!(decode_url(text), None, "{text:?}");
        }
        assert_eq!(decode_url(""), Some(vec![]));
        assert_eq!(decode_url("-_8"), Some(vec![0xfb, 0xff]));
    }

    #[test]
    fn standard_base64_has_to_be_padded() {
        assert_eq!(decode_standard("+/\n8="), Some(vec![0xfb, 0xff]));
        assert_eq!((decode_standard("+/8"), decode_standard("-_8="), decode_standard("+/8==")), (None, None, None));
    }
}
