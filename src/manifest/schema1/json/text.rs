//! What a JSON string says.

/// The text of a JSON string; `None` if the value is none. Like Go, what is no Unicode becomes U+FFFD.
pub(in super::super) fn string(value: &[u8]) -> Option<String> {
    let mut rest = value.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    let mut text = Vec::with_capacity(rest.len());
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'\\' {
            text.push(*first);
            continue;
        }
        let (escape, after) = rest.split_first()?;
        rest = after;
        let plain = match escape {
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let (character, after) = unicode(rest)?;
                rest = after;
                text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                continue;
            }
            other => *other,
        };
        text.push(plain);
    }
    Some(String::from_utf8_lossy(&text).into_owned())
}

/// The character after `\u`, and what follows: a second escape belongs to it where the two are a surrogate pair.
fn unicode(rest: &[u8]) -> Option<(char, &[u8])> {
    let (first, rest) = unit(rest)?;
    if let Some((second, after)) = rest.strip_prefix(b"\\u").and_then(unit)
        && let Some(Ok(character)) = char::decode_utf16([first, second]).next()
        && character > '\u{ffff}'
    {
        return Some((character, after));
    }
    Some((char::from_u32(first.into()).unwrap_or(char::REPLACEMENT_CHARACTER), rest))
}

fn unit(rest: &[u8]) -> Option<(u16, &[u8])> {
    let (digits, rest) = rest.split_at_checked(4)?;
    Some((u16::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_read_as_go_reads_them() {
        let table: [(&[u8], &str); 6] = [
            (br#""a\n\/\\\"b""#, "a\n/\\\"b"),
            (br#""\u003c\u00E9\u2028""#, "<\u{e9}\u{2028}"),
            (br#""\ud83d\ude00""#, "\u{1f600}"),
            (br#""\ud83dx\ude00""#, "\u{fffd}x\u{fffd}"),
            (br#""\ud83d\u0041""#, "\u{fffd}A"),
            (b"\"\xff\"", "\u{fffd}"),
        ];
        for (value, text) in table {
            assert_eq!(string(value).as_deref(), Some(text), "{}", value.escape_ascii());
        }
        assert_eq!(string(b"null"), None);
    }
}
