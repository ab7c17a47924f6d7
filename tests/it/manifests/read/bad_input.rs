//! Input that must be refused, or be read without harm, or both.

use std::time::{Duration, Instant};

use regtree::manifest::{Kind, MAX_PUT, MAX_READ, Manifest, Reason, decode};

use super::*;

fn refused(bytes: &[u8], media_type: Option<&str>) -> String {
    let refusal = decode(bytes, media_type).unwrap_err();
    assert_eq!((refusal.code, &refusal.digest), (regtree::error::RefusalCode::ManifestInvalid, &None));
    refusal.message
}

#[test]
fn what_is_no_object_is_malformed() {
    for (bytes, reason) in [
        (&b""[..], Reason::Empty),
        (b"{\"schemaVersion\":2", Reason::Truncated),
        (b"null", Reason::NotAnObject),
        (b"[{}]", Reason::NotAnObject),
        (b"7", Reason::NotAnObject),
        (b"\x1F\x8B\x08", Reason::Unexpected("a value")),
    ] {
        assert_eq!(Manifest::read(bytes).unwrap_err().reason, reason);
        // `null` decodes to an empty document. The check of the version then refuses it, as a registry does.
        if bytes != b"null" {
            refused(bytes, Some(OCI));
        }
    }
    assert_eq!(decode(b"null", Some(OCI)).unwrap().schema_version, None);
    refused(b"null", Some(SCHEMA2));
}

#[test]
fn four_mebibytes_pass_and_one_byte_more_does_not() {
    let mut document = br#"{"schemaVersion":2,"config":{}}"#.to_vec();
    document.resize(MAX_PUT, b' ');
    assert!(decode(&document, None).is_ok());
    document.push(b' ');
    assert!(refused(&document, None).contains("4194305 bytes"));
    assert_eq!(names(&Manifest::read(&document).unwrap()), ["malformed-digest", "oversized"]);
    document.resize(MAX_READ, b' ');
    assert!(Manifest::read(&document).is_ok());
    document.push(b' ');
    let fault = Manifest::read(&document).unwrap_err();
    assert_eq!((fault.offset, fault.reason), (MAX_READ, Reason::TooLarge(MAX_READ)));
}

#[test]
fn depth_is_refused_where_go_refuses_it_and_read_all_the_same() {
    let nested = |levels: usize| {
        let (open, close) = ("[".repeat(levels), "]".repeat(levels));
        format!(r#"{{"schemaVersion":2,"x":{open}"{}"{close},"config":{{"digest":"{}"}}}}"#, d("a"), d("c"))
    };
    assert!(decode(nested(9_999).as_bytes(), None).is_ok());
    assert!(refused(nested(10_000).as_bytes(), None).contains("deeper than 10000"));
    assert_eq!(names(&read(&nested(9_999))), [""; 0]);
    for levels in [10_000, 2_000_000] {
        let manifest = read(&nested(levels));
        assert_eq!((references(&manifest), names(&manifest)), (vec![&*d("c")], vec!["deep-nesting"]));
        assert_eq!(mentioned(&manifest), [d("a")]);
    }
    let manifest = read(&nested(2_000_000).replace("\"schemaVersion\":2", "\"schemaVersion\":7"));
    assert_eq!(mentioned(&manifest), [d("a"), d("c")]);
}

#[test]
fn what_go_can_t_decode_is_refused() {
    let table = [
        (OCI, r#"{"schemaVersion":"2"}"#, "schemaVersion can't be read, expected 64-bit integer, found string"),
        (OCI, r#"{"schemaVersion":2.0}"#, "schemaVersion"),
        (OCI, r#"{"mediaType":5}"#, "mediaType"),
        (OCI, r#"{"config":[]}"#, "expected object, found array"),
        (OCI, r#"{"config":{"size":9223372036854775808}}"#, "size"),
        (OCI, r#"{"config":{"size":-9223372036854775809}}"#, "size"),
        (OCI, r#"{"config":{"size":1e2}}"#, "size"),
        (OCI, r#"{"config":{"size":"1"}}"#, "size"),
        (OCI, r#"{"config":{"digest":1}}"#, "digest"),
        (OCI, r#"{"config":{"urls":"x"}}"#, "expected array, found string"),
        (OCI, r#"{"config":{"urls":[1]}}"#, "urls"),
        (OCI, r#"{"config":{"annotations":{"a":1}}}"#, "annotations"),
        (OCI, r#"{"config":{"data":"e30"}}"#, "base64"),
        (OCI, r#"{"config":{"data":[256]}}"#, "byte"),
        (OCI, r#"{"config":{"platform":{"os":true}}}"#, "os can't be read, expected string, found bool"),
        (OCI, r#"{"config":{"platform":{"os.features":["a",1]}}}"#, "os.features"),
        (OCI, r#"{"layers":{}}"#, "layers"),
        (OCI, r#"{"layers":[[]]}"#, "descriptor can't be read, expected object, found array"),
        (OCI, r#"{"annotations":[]}"#, "annotations"),
        (OCI, r#"{"manifests":[]}"#, "found an index"),
        (OCI, r#"{"MANIFESTS":false}"#, "found an index"),
        (INDEX, r#"{"config":{}}"#, "found an image manifest: it has \"config\""),
        (INDEX, r#"{"layers":[]}"#, "found an image manifest: it has \"layers\""),
        (INDEX, r#"{"manifests":{}}"#, "manifests"),
        (INDEX, r#"{"mediaType":"x"}"#, "mediaType should be"),
        (LIST, r#"{"manifests":[]}"#, "mediaType should be"),
        (SCHEMA2, r#"{"config":{}}"#, "mediaType should be"),
        ("text/plain", "{}", "unsupported manifest media type \"text/plain\""),
        ("", "{}", "unsupported"),
        ("application/vnd.docker.distribution.manifest.v1+json", r#"{"fsLayers":[{"blobSum":1}]}"#, "blobSum"),
        ("application/vnd.docker.distribution.manifest.v1+json", r#"{"name":1}"#, "name"),
    ];
    for (media_type, document, says) in table {
        let message = refused(document.as_bytes(), Some(media_type));
        assert!(message.contains(says), "{document}: {message}");
    }
    let features = |media_type| {
        let platform = r#"{"platform":{"features":1}}"#;
        format!(r#"{{"schemaVersion":2,"mediaType":"{media_type}","manifests":[{platform}]}}"#)
    };
    assert!(refused(features(LIST).as_bytes(), None).contains("features"));
    assert!(decode(features(INDEX).as_bytes(), None).is_ok());
}

#[test]
fn what_go_decodes_passes() {
    for document in [
        "{}",
        r#"{"manifests":null,"layers":[null],"config":null,"annotations":null}"#,
        r#"{"subject":5,"artifactType":[],"fsLayers":1,"name":2}"#,
        r#"{"config":{"size":-1,"data":[1,null,255],"x":1e999},"config":{"data":"e3\n0="}}"#,
        r#"{"manifests":[1],"manifests":null}"#,
        "{\"mediaType\":\"\",\"\u{FFFD}\":1}",
    ] {
        decode(document.as_bytes(), Some(OCI)).unwrap_or_else(|refusal| panic!("{document}: {refusal}"));
    }
}

#[test]
fn without_a_type_the_content_must_tell() {
    for (document, says) in [
        ("{}", "schemaVersion is missing"),
        (r#"{"schemaVersion":3}"#, "schemaVersion is 3"),
        (r#"{"schemaVersion":2,"mediaType":"x/y"}"#, "unsupported manifest media type \"x/y\""),
        (r#"{"schemaVersion":2,"manifests":[],"layers":[]}"#, "found an image manifest"),
        ("[]", "document can't be read, expected object, found array"),
    ] {
        let message = refused(document.as_bytes(), None);
        assert!(message.contains(says), "{document}: {message}");
    }
    for (document, kind) in [
        (r#"{"schemaVersion":1}"#.to_owned(), Kind::Schema1),
        (r#"{"schemaVersion":2}"#.to_owned(), Kind::OciManifest),
        (r#"{"schemaVersion":2,"manifests":[]}"#.to_owned(), Kind::OciIndex),
        (format!(r#"{{"mediaType":"{LIST}"}}"#), Kind::ManifestList),
    ] {
        assert_eq!(decode(document.as_bytes(), None).unwrap().kind, kind);
    }
}

#[test]
fn elements_without_a_digest_cost_little() {
    let size = MAX_READ / 16;
    let document = format!(r#"{{"schemaVersion":2,"layers":[0{}]}}"#, ",{}".repeat(size / 3));
    let manifest = read(&document);
    assert_eq!(references(&manifest), [""; 0]);
    assert_eq!(manifest.oddities[0].count, size / 3 + 2);
}

#[test]
fn an_index_of_itself_is_just_an_index() {
    // No document can have its own digest in it, but a tree may claim that one does, so following references must end.
    let document = format!(r#"{{"schemaVersion":2,"manifests":[{{"digest":"{0}"}},{{"digest":"{0}"}}]}}"#, d("a"));
    assert_eq!(references(&read(&document)), [d("a"), d("a")]);
}

#[test]
fn time_grows_no_faster_than_the_document() {
    let size = 1024 * 1024;
    let fill = |unit: &str| {
        let units = unit.repeat(size / unit.len());
        format!(r#"{{"schemaVersion":2,"end":0{units}}}"#)
    };
    let start = Instant::now();
    for unit in [
        r#","layers":[{}]"#,
        r#","layers":[{},{},{}],"layers":null"#,
        r#","config":{"urls":["sha512:"]}"#,
        r#","annotations":{"a":"b"}"#,
        r#","subject":{"annotations":{"a":"b"}}"#,
        r#","Manifests":[{"platform":{}}]"#,
        r#","x":"sha512:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa""#,
        r#","\u006c\u0061\u0079\u0065\u0072\u0073":[]"#,
    ] {
        let document = fill(unit);
        assert!(Manifest::read(document.as_bytes()).is_ok(), "{unit}");
        let _ = decode(&document.as_bytes()[..MAX_PUT.min(document.len())], None);
    }
    assert!(start.elapsed() < Duration::from_mins(1), "{:?}", start.elapsed());
}
