//! A JSON string as it is in the bytes, and what Go decodes it to.

use std::borrow::Cow;

/// A string or key as written: a checked slice of the document without its quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Text<'b> {
    raw: &'b [u8],
    escaped: bool,
}

/// How a key compares with the name of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Match {
    /// It is the name.
    Exact,
    /// It is the name in another case, which Go accepts too.
    Folded,
    /// It is another key.
    No,
}

impl<'b> Text<'b> {
    /// The text `raw`, which must have passed the reader. `escaped` is whether it has a backslash.
    pub(super) fn new(raw: &'b [u8], escaped: bool) -> Self {
        Self { raw, escaped }
    }

    /// The text without its escapes. As in Go, each byte that is not Unicode and each half of a surrogate pair becomes
    /// U+FFFD.
    pub(crate) fn decode(self) -> Cow<'b, str> {
        if self.escaped {
            return Cow::Owned(self.unescape());
        }
        match std::str::from_utf8(self.raw) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => Cow::Owned(unicode(self.raw)),
        }
    }

    fn unescape(self) -> String {
        let mut bytes = Vec::with_capacity(self.raw.len());
        let mut rest = self.raw;
        while let Some(at) = rest.iter().position(|&byte| byte == b'\\') {
            bytes.extend_from_slice(&rest[..at]);
            let (character, used) = escape(&rest[at + 1..]);
            bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            rest = rest.get(at + 1 + used..).unwrap_or_default();
        }
        bytes.extend_from_slice(rest);
        // Escapes have become whole characters, so they can't complete stray bytes next to them.
        unicode(&bytes)
    }

    /// How this key compares with `name`, which must be ASCII.
    pub(crate) fn matches(self, name: &str) -> Match {
        if self.raw == name.as_bytes() {
            return Match::Exact;
        }
        // A character that folds to an ASCII letter has up to three bytes, and an escape has six.
        if self.raw.len() < name.len() || self.raw.len() > name.len() * 6 {
            return Match::No;
        }
        let key = self.decode();
        if key == name {
            return Match::Exact;
        }
        let same = key.chars().map(fold).eq(name.chars().map(fold));
        if same { Match::Folded } else { Match::No }
    }
}

/// Maps characters that Go takes for the same letter of a field's name: the other case, the Kelvin sign, the long s.
fn fold(character: char) -> char {
    match character {
        '\u{212A}' => 'k',
        '\u{17F}' => 's',
        other => other.to_ascii_lowercase(),
    }
}

fn unicode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    text
}

/// The character that an escape represents, and how many bytes it has after its backslash.
fn escape(after: &[u8]) -> (char, usize) {
    match after.first() {
        Some(b'b') => ('\u{8}', 1),
        Some(b'f') => ('\u{C}', 1),
        Some(b'n') => ('\n', 1),
        Some(b'r') => ('\r', 1),
        Some(b't') => ('\t', 1),
        Some(b'u') => unit_escape(after),
        Some(&byte) => (char::from(byte), 1),
        None => (char::REPLACEMENT_CHARACTER, 0),
    }
}

fn unit_escape(after: &[u8]) -> (char, usize) {
    let first = unit(&after[1..]);
    let second = after.get(5..7).filter(|next| next == b"\\u").map(|_| unit(&after[7..]));
    let pair = second.map(|second| char::decode_utf16([first, second]).next());
    match (char::from_u32(first.into()), pair) {
        (Some(character), _) => (character, 5),
        (None, Some(Some(Ok(character)))) => (character, 11),
        _ => (char::REPLACEMENT_CHARACTER, 5),
    }
}

fn unit(digits: &[u8]) -> u16 {
    let digits = digits.iter().take(4).filter_map(|&digit| char::from(digit).to_digit(16));
    digits.fold(0, |unit, digit| unit << 4 | u16::try_from(digit).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(raw: &[u8]) -> String {
        Text::new(raw, raw.contains(&b'\\')).decode().into_owned()
    }

    #[test]
    fn text_is_decoded_as_in_go() {
        let table: [(&[u8], &str); 12] = [
            (b"plain", "plain"),
            (br#"\"\\\/\b\f\n\r\t"#, "\"\\/\u{8}\u{C}\n\r\t"),
            (br"\u0073ha256", "sha256"),
            (br"\u00e9\u00E9", "\u{e9}\u{e9}"),
            (br"\ud83d\ude00", "\u{1F600}"),
            (br"\ud83d", "\u{FFFD}"),
            (br"\ud83dx", "\u{FFFD}x"),
            (br"\ude00\ud83d", "\u{FFFD}\u{FFFD}"),
            (br"\ud83d\u0041", "\u{FFFD}A"),
            (b"\xE2\x82A", "\u{FFFD}\u{FFFD}A"),
            (b"\xED\xA0\x80", "\u{FFFD}\u{FFFD}\u{FFFD}"),
            (b"\xFF\\n\xFF", "\u{FFFD}\n\u{FFFD}"),
        ];
        for (raw, expected) in table {
            assert_eq!(decoded(raw), expected, "{}", raw.escape_ascii());
        }
    }

    #[test]
    fn keys_match_as_in_go() {
        let table = [
            ("layers", "layers", Match::Exact),
            (r"l\u0061yers", "layers", Match::Exact),
            ("LAYERS", "layers", Match::Folded),
            ("layer\u{17F}", "layers", Match::Folded),
            (r"layer\u017f", "layers", Match::Folded),
            ("\u{212A}ey", "key", Match::Folded),
            ("\u{212A}\u{212A}", "kk", Match::Folded),
            ("layer", "layers", Match::No),
            ("layers ", "layers", Match::No),
            ("o\u{17F}.VERSION", "os.version", Match::Folded),
            ("os_version", "os.version", Match::No),
            ("\u{e9}", "e", Match::No),
            ("", "layers", Match::No),
        ];
        for (key, name, expected) in table {
            assert_eq!(Text::new(key.as_bytes(), key.contains('\\')).matches(name), expected, "{key}");
        }
    }
}
