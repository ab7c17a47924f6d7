//! Finds where the payload ends in a signed document.

use serde_json::Number;

use super::error::{Encoded, Fault};
use super::{jose, json};

/// How to cut a payload from a signed document: take bytes from its start, and add the tail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Format {
    /// How many bytes to take from the document.
    pub length: usize,
    /// The bytes to add.
    pub tail: Vec<u8>,
}

impl Format {
    /// The format of a new signature of `payload`: it is cut before the white space in front of the last brace. `None`
    /// when the payload is not a JSON object.
    pub(super) fn of(payload: &[u8]) -> Option<Self> {
        if !json::is_object(payload) {
            return None;
        }
        // Go trims Unicode white space. Next to a bracket of valid JSON, only ASCII white space can occur.
        let body = payload.trim_ascii_end().strip_suffix(b"}")?.trim_ascii_end();
        Some(Self { length: body.len(), tail: payload[body.len()..].to_vec() })
    }

    /// The payload of `document`, which must be long enough.
    pub(super) fn payload(&self, document: &[u8]) -> Vec<u8> {
        [&document[..self.length], &self.tail].concat()
    }
}

/// What a signature's protected header says.
#[derive(Clone, Debug)]
pub(super) struct Protected {
    pub(super) format: Format,
    pub(super) time: Option<String>,
}

impl Protected {
    /// Reads a protected header. `available` is the size in bytes of the document that the payload is cut from.
    pub(super) fn read(encoded: &str, available: usize) -> Result<Self, Fault> {
        let text = jose::decode_url(encoded).ok_or(Fault::BadBase64(Encoded::Protected))?;
        let members = json::members(&text).ok_or(Fault::BadProtected)?;
        let last = |name| members.iter().rev().find(|(found, _)| found == name).map(|(_, value)| *value);
        let length = last("formatLength").and_then(number).ok_or(Fault::MissingFormat("formatLength"))?;
        let tail = last("formatTail").and_then(json::string).ok_or(Fault::MissingFormat("formatTail"))?;
        let tail = jose::decode_url(&tail).ok_or(Fault::BadBase64(Encoded::Tail))?;
        let length = within(length, available).ok_or(Fault::FormatLengthOutOfRange { available })?;
        let time = last("time").and_then(json::string);
        Ok(Self { format: Format { length, tail }, time })
    }
}

/// Reads a number as floating point, as Go does. `None` when it is too large for that.
fn number(value: &[u8]) -> Option<f64> {
    serde_json::from_slice::<Number>(value).ok()?.as_f64()
}

/// The number without its fraction, which Go drops too; `None` when it is not between 0 and `available`.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 0 and a length")]
#[expect(clippy::cast_precision_loss, reason = "no document is that long")]
fn within(number: f64, available: usize) -> Option<usize> {
    let whole = number.trunc();
    (0.0..=available as f64).contains(&whole).then_some(whole as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cut_is_before_the_white_space_before_the_last_brace() {
        let table: [(&[u8], usize, &[u8]); 4] = [
            (b"{\n \"a\": 1\n}\n", 9, b"\n}\n"),
            (b"{}", 1, b"}"),
            (b" { } ", 2, b" } "),
            (b"{\"a\":\"\xc2\xa0\"}", 9, b"}"),
        ];
        for (payload, length, tail) in table {
            assert_eq!(Format::of(payload), Some(Format { length, tail: tail.to_vec() }), "{}", payload.escape_ascii());
        }
        assert_eq!(Format::of(b"[]"), None);
        assert_eq!(Format::of(b"{,}"), None);
    }

    #[test]
    fn a_length_is_cut_to_a_whole_number_within_the_document() {
        let table = [(3.9, Some(3)), (-0.5, Some(0)), (10.0, Some(10)), (11.0, None), (-1.0, None), (1e300, None)];
        for (number, length) in table {
            assert_eq!(within(number, 10), length, "{number}");
        }
        assert_eq!(within(f64::NAN, 10), None);
    }
}
