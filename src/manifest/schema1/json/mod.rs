//! JSON as Go reads it, without recursion.
//!
//! A payload is signed as bytes and never written again, so all that is asked of it is whether it is JSON, and where
//! the members lie. The walk keeps its own stack, as deep as Go's limit, where a recursive parser would either refuse
//! what a registry takes or run out of stack. Strings may hold bytes that are no UTF-8, as Go allows.

mod text;
mod walk;

use std::collections::HashSet;

pub(super) use text::string;

use walk::{Event, after_space, value};

/// The one value that `bytes` hold, without the white space around it.
pub(super) fn only_value(bytes: &[u8]) -> Option<&[u8]> {
    let start = after_space(bytes, 0);
    let end = value(bytes, start, &mut |_| {})?;
    (after_space(bytes, end) == bytes.len()).then(|| &bytes[start..end])
}

/// Whether `bytes` are one JSON object and nothing else.
pub(super) fn is_object(bytes: &[u8]) -> bool {
    only_value(bytes).is_some_and(|value| value.starts_with(b"{"))
}

/// Whether a value is `null`, which in Go leaves what it is read into as it was.
pub(super) fn is_null(value: &[u8]) -> bool {
    value == b"null"
}

/// The members of an object in order, each name with the bytes of its value; `None` if `object` is none.
pub(super) fn members(object: &[u8]) -> Option<Vec<(String, &[u8])>> {
    let object = only_value(object)?;
    let mut found = Vec::new();
    let mut at = after_space(object, object.starts_with(b"{").then_some(1)?);
    while object[at] != b'}' {
        let colon = value(object, at, &mut |_| {})?;
        let name = string(&object[at..colon])?;
        let start = after_space(object, after_space(object, colon) + 1);
        let end = value(object, start, &mut |_| {})?;
        found.push((name, &object[start..end]));
        at = after_comma(object, end);
    }
    Some(found)
}

/// The elements of an array, each as its bytes; `None` if `array` is none.
pub(super) fn elements(array: &[u8]) -> Option<Vec<&[u8]>> {
    let array = only_value(array)?;
    let mut found = Vec::new();
    let mut at = after_space(array, array.starts_with(b"[").then_some(1)?);
    while array[at] != b']' {
        let end = value(array, at, &mut |_| {})?;
        found.push(&array[at..end]);
        at = after_comma(array, end);
    }
    Some(found)
}

/// Where the next member starts, or where the bracket closes; the text is known to be well formed.
fn after_comma(bytes: &[u8], end: usize) -> usize {
    let at = after_space(bytes, end);
    if bytes[at] == b',' { after_space(bytes, at + 1) } else { at }
}

/// A name that some object in `bytes` has twice. Readers differ in which of the two they take; Go takes the last.
pub(super) fn duplicate(bytes: &[u8]) -> Option<String> {
    let mut open: Vec<HashSet<String>> = Vec::new();
    let mut found = None;
    value(bytes, after_space(bytes, 0), &mut |event| match event {
        Event::Open => open.push(HashSet::new()),
        Event::Close => drop(open.pop()),
        Event::Name(raw) => {
            let name = string(raw).unwrap_or_default();
            if let Some(names) = open.last_mut()
                && !names.insert(name.clone())
            {
                found.get_or_insert(name);
            }
        }
    });
    found
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_go_takes_is_taken_and_the_rest_is_not() {
        let good: [&[u8]; 9] = [
            b"{}",
            b" [1, -0.5e+10, 0]\n",
            b"\"\xff\"",
            b"\"\\ud800 \\u00e9\"",
            b"{\"a\":{\"b\":[{}]}}",
            b"true",
            b"null",
            b"0",
            b"[[],[[]]]",
        ];
        for text in good {
            assert!(only_value(text).is_some(), "{}", text.escape_ascii());
        }
        let bad: [&[u8]; 20] = [
            b"",
            b"{",
            b"{]",
            b"[}",
            b"[1,]",
            b"{\"a\":1,}",
            b"{a:1}",
            b"01",
            b"1.",
            b"-",
            b"1e",
            b"tru",
            b"nul l",
            b"\"\n\"",
            b"\"\\x\"",
            b"\"\\u12g4\"",
            b"{} {}",
            b"\xef\xbb\xbf{}",
            b"{\"a\" 1}",
            b"[1 2]",
        ];
        for text in bad {
            assert_eq!(only_value(text), None, "{}", text.escape_ascii());
        }
    }

    #[test]
    fn nesting_ends_where_go_ends_it() {
        let nested = |depth: usize| [vec![b'['; depth], vec![b']'; depth]].concat();
        assert!(only_value(&nested(10_000)).is_some());
        assert_eq!(only_value(&nested(10_001)), None);
        assert_eq!(only_value(&vec![b'['; 1_000_000]), None);
    }

    #[test]
    fn members_and_elements_are_the_bytes_as_they_are() {
        let found = members(b" {\"a\" : [1 , {}] ,\"\\u0062\":\"x\"} ").unwrap();
        assert_eq!(found, [("a".to_owned(), &b"[1 , {}]"[..]), ("b".to_owned(), b"\"x\"")]);
        assert_eq!(elements(found[0].1).unwrap(), [&b"1"[..], b"{}"]);
        assert_eq!((members(b"[]"), elements(b"{}"), members(b"{}")), (None, None, Some(vec![])));
    }

    #[test]
    fn a_name_is_a_duplicate_only_within_its_object() {
        assert_eq!(duplicate(br#"{"a":{"a":1},"b":[{"a":1},{"a":2}]}"#), None);
        assert_eq!(duplicate(br#"[{"a":{"b":1,"\u0062":2}}]"#).as_deref(), Some("b"));
    }

    proptest! {
        #[test]
        fn the_walk_agrees_with_another_parser(text in "[\\[\\]{}:,\"a0-9.eE+\\-\\\\u tn]{0,16}") {
            let theirs = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
            prop_assert_eq!(only_value(text.as_bytes()).is_some(), theirs, "{}", text);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = (members(&bytes), elements(&bytes), duplicate(&bytes), string(&bytes));
        }
    }
}
