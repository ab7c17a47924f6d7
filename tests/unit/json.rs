//! What is valid JSON, and how deep it may be nested.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn walk(bytes: &[u8]) -> Result<usize, Malformed> {
    walk_to(bytes, usize::MAX)
}

fn walk_to(bytes: &[u8], max_depth: usize) -> Result<usize, Malformed> {
    let mut reader = Reader::new(bytes).max_depth(max_depth);
    while reader.next()?.is_some() {}
    Ok(reader.deepest())
}

fn reason(bytes: &[u8]) -> (usize, Reason) {
    let fault = walk(bytes).expect_err(&format!("{}", bytes.escape_ascii()));
    (fault.offset, fault.reason)
}

#[test]
fn what_is_json_passes_and_is_measured() {
    let table: [(&[u8], usize); 12] = [
        (b"null", 0),
        (b" true\r\n\t", 0),
        (b"-0", 0),
        (b"0.10e+5", 0),
        (b"1E400", 0),
        (b"\"\"", 0),
        (b"{}", 1),
        (b"[[],[[]]]", 3),
        (b"{\"a\" : {\"b\":[1 , 2]}, \"a\":1}", 3),
        (b"\"\xFF\xFE\"", 0),
        (br#""\ud800""#, 0),
        (b"\"\x7F\"", 0),
    ];
    for (bytes, depth) in table {
        assert_eq!(walk(bytes), Ok(depth), "{}", bytes.escape_ascii());
    }
}

#[test]
fn what_is_no_json_is_refused_where_it_goes_wrong() {
    let table: [(&[u8], usize, Reason); 24] = [
        (b"", 0, Reason::Empty),
        (b" \n", 2, Reason::Empty),
        (b"{", 1, Reason::Truncated),
        (b"[1,", 3, Reason::Truncated),
        (b"{\"a", 3, Reason::Truncated),
        (b"{\"a\"", 4, Reason::Truncated),
        (b"tru", 3, Reason::Truncated),
        (b"-", 1, Reason::Truncated),
        (b"1.", 2, Reason::Truncated),
        (b"\"\\u00", 5, Reason::Truncated),
        (b"01", 1, Reason::Trailing),
        (b"{} {}", 3, Reason::Trailing),
        (b"{}\0", 2, Reason::Trailing),
        (b"\"\t\"", 1, Reason::Control),
        (br#""\x""#, 2, Reason::Escape),
        (br#""\u00g0""#, 5, Reason::Escape),
        (b"[1,]", 3, Reason::Unexpected("a value")),
        (b"{\"a\":1,}", 7, Reason::Unexpected("a key in quotes")),
        (b"{a:1}", 1, Reason::Unexpected("a key in quotes")),
        (b"{\"a\" 1}", 5, Reason::Unexpected("':'")),
        (b"[1}", 2, Reason::Unexpected("',' or ']'")),
        (b"{\"a\":1]", 6, Reason::Unexpected("',' or '}'")),
        (b"\xEF\xBB\xBF{}", 0, Reason::Unexpected("a value")),
        (b"+1", 0, Reason::Unexpected("a value")),
    ];
    for (bytes, offset, expected) in table {
        assert_eq!(reason(bytes), (offset, expected), "{}", bytes.escape_ascii());
    }
}

#[test]
fn depth_has_no_limit_of_its_own() {
    let levels = 3_000_000;
    let document = [vec![b'['; levels], vec![b']'; levels]].concat();
    assert_eq!(walk(&document), Ok(levels));
    assert_eq!(walk_to(&document, levels), Ok(levels));
    let fault = walk_to(&document, GO_MAX_DEPTH).unwrap_err();
    assert_eq!((fault.offset, fault.reason), (GO_MAX_DEPTH, Reason::TooDeep(GO_MAX_DEPTH)));
}

#[test]
fn a_value_is_skipped_as_a_whole() {
    let mut reader = Reader::new(br#"[{"a":[1,{"b":"]"}]},7]"#);
    assert_eq!(reader.next(), Ok(Some(Event::BeginArray)));
    let first = reader.next().unwrap().unwrap();
    assert_eq!(reader.raw(first).unwrap(), br#"{"a":[1,{"b":"]"}]}"#);
    assert_eq!(reader.next(), Ok(Some(Event::Number("7"))));
    assert_eq!(reader.raw(Event::Number("7")).unwrap(), b"7");
    assert_eq!(reader.next(), Ok(Some(Event::EndArray)));
    assert_eq!(reader.next(), Ok(None));
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(".{0,5}", inner, 0..5).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = walk(&bytes);
    }

    #[test]
    fn another_parser_agrees_on_what_is_valid(
        value in json(),
        pretty in any::<bool>(),
        at in any::<prop::sample::Index>(),
        with in prop::option::of("[\\[\\]{},:\"\\\\ 0a.e-]"),
    ) {
        let mut text = if pretty { format!("{value:#}") } else { value.to_string() };
        if let Some(with) = with {
            let places: Vec<_> = text.char_indices().map(|(place, _)| place).collect();
            text.insert_str(places[at.index(places.len())], &with);
        }
        // serde_json also refuses numbers that do not fit a float.
        let theirs = serde_json::from_str::<Value>(&text);
        let stricter = |error: &serde_json::Error| error.to_string().starts_with("number out of range");
        prop_assume!(!theirs.as_ref().is_err_and(stricter));
        prop_assert_eq!(walk(text.as_bytes()).is_ok(), theirs.is_ok(), "{}", text);
    }

    #[test]
    fn a_string_is_decoded_as_by_another_parser(text in ".{0,20}") {
        let written = Value::from(text.clone()).to_string();
        let event = Reader::new(written.as_bytes()).next().unwrap();
        let Some(Event::String(read)) = event else { panic!("{event:?}") };
        prop_assert_eq!(read.decode(), text);
    }
}
