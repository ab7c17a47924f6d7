//! Reads the members of a signed document as bytes.
//!
//! A payload is signed as bytes and never written again. This only finds whether Go reads it as JSON, and its members.

use crate::manifest::json::{Event, GO_MAX_DEPTH, Reader};

fn reader(bytes: &[u8]) -> Reader<'_> {
    Reader::new(bytes).max_depth(GO_MAX_DEPTH)
}

/// Whether `bytes` are exactly one JSON object.
pub(super) fn is_object(bytes: &[u8]) -> bool {
    members(bytes).is_some()
}

/// Whether a value is `null`. In Go, that leaves the variable that it is read into unchanged.
pub(super) fn is_null(value: &[u8]) -> bool {
    value == b"null"
}

/// The text of a string value; `None` for another value.
pub(super) fn string(value: &[u8]) -> Option<String> {
    match reader(value).next() {
        Ok(Some(Event::String(text))) => Some(text.decode().into_owned()),
        _ => None,
    }
}

/// The name and the bytes of the value of each member of an object, in order; `None` if `object` is not an object.
pub(super) fn members(object: &[u8]) -> Option<Vec<(String, &[u8])>> {
    let mut reader = reader(object);
    let Event::BeginObject = reader.next().ok()?? else { return None };
    let mut found = Vec::new();
    while let Event::Key(name) = reader.next().ok()?? {
        let first = reader.next().ok()??;
        found.push((name.decode().into_owned(), reader.raw(first).ok()?));
    }
    reader.next().ok()?.is_none().then_some(found)
}

/// The bytes of each element of an array; `None` if `array` is not an array.
pub(super) fn elements(array: &[u8]) -> Option<Vec<&[u8]>> {
    let mut reader = reader(array);
    let Event::BeginArray = reader.next().ok()?? else { return None };
    let mut found = Vec::new();
    loop {
        match reader.next().ok()?? {
            Event::EndArray => break,
            first => found.push(reader.raw(first).ok()?),
        }
    }
    reader.next().ok()?.is_none().then_some(found)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests {
    use super::*;

    #[test]
    fn members_and_elements_are_the_bytes_as_they_are() {
        let found = members(b" {\"a\" : [1 , {}] ,\"\\u0062\":\"x\"} ").unwrap();
        assert_eq!(found, [("a".to_owned(), &b"[1 , {}]"[..]), ("b".to_owned(), b"\"x\"")]);
        assert_eq!(elements(found[0].1).unwrap(), [&b"1"[..], b"{}"]);
        assert_eq!((members(b"[]"), elements(b"{}"), members(b"{}")), (None, None, Some(vec![])));
        assert_eq!((members(b"{} {}"), elements(b"[] 1"), elements(b"[1,]")), (None, None, None));
        assert_eq!((string(br#""\u003c""#).as_deref(), string(b"null")), (Some("<"), None));
    }

    #[test]
    fn nesting_ends_where_go_ends_it() {
        let nested = |depth: usize| [vec![b'['; depth], vec![b']'; depth]].concat();
        assert!(elements(&nested(10_000)).is_some());
        assert_eq!(elements(&nested(10_001)), None);
    }
}
