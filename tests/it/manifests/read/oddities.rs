//! Documents that other readers read differently. What is expected of duplicates was seen in replies of registry 2.8.2.

use proptest::prelude::*;

use regtree::manifest::{Kind, Manifest, Role, decode};

use super::*;

/// An OCI manifest with a config, and `more` after it.
fn oci(more: &str) -> String {
    format!(r#"{{"schemaVersion":2,"config":{{"digest":"{}"}},{more}}}"#, d("c"))
}

#[test]
fn the_last_of_two_lists_wins_and_the_first_is_mentioned() {
    let [a, b] = [d("a"), d("b")];
    let manifest = read(&oci(&format!(r#""layers":[{{"digest":"{a}"}}],"layers":[{{"digest":"{b}"}}]"#)));
    assert_eq!(references(&manifest), [d("c"), b]);
    assert_eq!(names(&manifest), ["duplicate-key"]);
    assert_eq!(mentioned(&manifest), [a]);
}

#[test]
fn a_second_list_is_decoded_over_the_first_one_s_elements() {
    let [a, b, e] = [d("a"), d("b"), d("e")];
    let two = format!(r#""layers":[{{"digest":"{a}"}},{{"digest":"{b}"}}]"#);
    let manifest = read(&oci(&format!(r#"{two},"layers":[{{"size":1}}]"#)));
    assert_eq!(references(&manifest), [d("c"), a.clone()]);
    assert_eq!(manifest.references[1].size, Some(1));
    assert_eq!(mentioned(&manifest), vec![b.clone()]);

    let manifest = read(&oci(&format!(r#"{two},"layers":[{{"digest":"{e}"}}],"layers":[{{}},{{}},{{}}]"#)));
    assert_eq!(references(&manifest), [&*d("c"), &*e, &*b]);
    assert_eq!(mentioned(&manifest), vec![a.clone()]);

    let manifest = read(&oci(&format!(r#"{two},"layers":[],"layers":[{{}}]"#)));
    assert_eq!(references(&manifest), [&*d("c")]);
    assert_eq!(mentioned(&manifest), [a, b]);
}

#[test]
fn two_configs_are_merged_and_null_takes_nothing_away() {
    let c = d("c");
    let manifest = read(&oci(r#""config":{"size":7,"digest":null},"config":null,"layers":null"#));
    assert_eq!(references(&manifest), [c]);
    assert_eq!(manifest.references[0].size, Some(7));
    assert_eq!(names(&manifest), ["duplicate-key", "null-value"]);
}

#[test]
fn keys_in_other_case_count() {
    let a = d("a");
    for key in ["Layers", "LAYERS", "layer\u{17F}", r"layer\u017f"] {
        let manifest = read(&oci(&format!(r#""{key}":[{{"diGest":"{a}"}}]"#)));
        assert_eq!(references(&manifest), [d("c"), a.clone()], "{key}");
        assert_eq!(names(&manifest), ["differently-cased-key"], "{key}");
        assert_eq!(manifest.oddities[0].count, 2);
    }
    let manifest = read(&oci(&format!(r#""layers":[],"Layers":[{{"digest":"{a}"}}],"layers":[]"#)));
    assert_eq!(references(&manifest), [d("c")]);
    assert_eq!(names(&manifest), ["duplicate-key", "differently-cased-key"]);
    assert_eq!(mentioned(&manifest), [a]);
}

#[test]
fn an_index_and_an_image_in_one_keep_both() {
    let [a, b] = [d("a"), d("b")];
    let both = format!(r#""layers":[{{"digest":"{a}"}}],"manifests":[{{"digest":"{b}"}}]"#);
    for (media_type, kind) in [("", Kind::OciIndex), (OCI, Kind::OciManifest), (INDEX, Kind::OciIndex)] {
        let manifest = read(&oci(&format!(r#""mediaType":"{media_type}",{both}"#)));
        assert_eq!(manifest.kind, kind);
        assert_eq!(names(&manifest), ["ambiguous-kind"]);
        let mut kept: Vec<_> = manifest.retained().map(|(digest, _)| digest.to_string()).collect();
        kept.sort();
        assert_eq!(kept, [a.clone(), b.clone(), d("c")]);
        assert_eq!(
            decode(oci(&both).as_bytes(), Some(kind.media_type().unwrap())).unwrap_err().code.name(),
            "MANIFEST_INVALID"
        );
    }
    for media_type in [SCHEMA2, LIST] {
        let document = oci(&format!(r#""mediaType":"{media_type}",{both}"#));
        assert!(decode(document.as_bytes(), None).is_ok(), "docker's kinds are not asked");
        assert_eq!(names(&read(&document)), ["ambiguous-kind"]);
    }
}

#[test]
fn manifests_decide_whether_an_untyped_document_is_an_index() {
    for (manifests, kind) in [
        ("[]", Kind::OciIndex),
        ("[null]", Kind::OciIndex),
        ("null", Kind::OciManifest),
        ("5", Kind::OciManifest),
        ("[5]", Kind::OciManifest),
        (r#"[{"size":"1"}]"#, Kind::OciManifest),
        ("[],\"manifests\":null", Kind::OciManifest),
    ] {
        let document = format!(r#"{{"schemaVersion":2,"manifests":{manifests}}}"#);
        assert_eq!(read(&document).kind, kind, "{manifests}");
    }
}

#[test]
fn what_no_registry_reads_is_unknown() {
    let a = d("a");
    for head in [
        r#""schemaVersion":3"#.to_owned(),
        r#""schemaVersion":"2""#.to_owned(),
        r#""schemaVersion":2.0"#.to_owned(),
        format!(r#""mediaType":"{OCI}""#),
        r#""schemaVersion":2,"mediaType":"x/y""#.to_owned(),
        r#""schemaVersion":2,"mediaType":5"#.to_owned(),
        r#""schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v1+json""#.to_owned(),
    ] {
        let document = format!(r#"{{{head},"layers":[{{"digest":"{a}"}}],"subject":{{"digest":"{}"}}}}"#, d("b"));
        let manifest = read(&document);
        assert_eq!((manifest.kind, mentioned(&manifest)), (Kind::Unknown, vec![a.clone(), d("b")]), "{head}");
        assert_eq!(references(&manifest), [""; 0]);
    }
    let manifest = Manifest::read_as(oci(r#""schemaVersion":3"#).as_bytes(), Kind::OciManifest).unwrap();
    assert_eq!(references(&manifest), [d("c")]);
}

#[test]
fn each_oddity_of_a_reference_is_told() {
    for (layer, expected) in [
        (format!(r#"{{"digest":"{}","size":-1}}"#, d("a")), vec!["negative-size"]),
        (format!(r#"{{"digest":"{}","size":9223372036854775808}}"#, d("a")), vec!["wrong-type"]),
        (format!(r#"{{"digest":"{}","size":1e3}}"#, d("a")), vec!["wrong-type"]),
        (format!(r#"{{"digest":"{}","size":null}}"#, d("a")), vec!["null-value"]),
        (r#"{"digest":"md5:00"}"#.to_owned(), vec!["unsupported-algorithm"]),
        (r#"{"digest":"sha256:00"}"#.to_owned(), vec!["malformed-digest"]),
        ("{}".to_owned(), vec!["malformed-digest"]),
        ("null".to_owned(), vec!["null-value", "malformed-digest"]),
        ("[]".to_owned(), vec!["malformed-digest", "wrong-type"]),
    ] {
        assert_eq!(names(&read(&oci(&format!(r#""layers":[{layer}]"#)))), expected, "{layer}");
    }
    let manifest = read(r#"{"schemaVersion":2,"layers":[]}"#);
    assert_eq!(names(&manifest), ["malformed-digest", "missing-config"]);
    let manifest = read(&oci(r#""annotations":{"a":"1","a":"2","b":null}"#));
    assert_eq!(names(&manifest), ["duplicate-key", "null-value"]);
    assert_eq!(manifest.annotations["a"], "2");
    assert_eq!(manifest.annotations["b"], "");
    let manifest = read(&format!(r#"{{"schemaVersion":1,"mediaType":"{OCI}","fsLayers":[]}}"#));
    assert_eq!((manifest.kind, names(&manifest)), (Kind::Schema1, vec!["media-type-mismatch"]));
}

#[test]
fn an_oddity_that_a_registry_does_not_see_is_none() {
    let manifest = read(&oci(r#""name":1,"name":2,"Tag":null,"x":{"layers":1,"layers":2}"#));
    assert_eq!(names(&manifest), [""; 0]);
}

#[test]
fn text_that_is_no_utf8_is_read_and_told() {
    let mut document = oci(r#""layers":[{"mediaType":"?","digest":"x"}]"#).into_bytes();
    let at = document.iter().position(|&byte| byte == b'?').unwrap();
    document[at] = 0xFF;
    let manifest = Manifest::read(&document).unwrap();
    assert_eq!(names(&manifest), ["invalid-utf-8", "malformed-digest"]);
    assert_eq!(manifest.oddities[0].offset, at);
    assert_eq!(manifest.references[1].media_type.as_deref(), Some("\u{FFFD}"));
}

#[test]
fn all_of_a_descriptor_is_read() {
    let document = format!(
        r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{{"mediaType":"{OCI}","digest":"{}","size":5,
            "urls":["http://h/","x"],"artifactType":"a/b","annotations":{{"k":"v"}},"data":"e30=",
            "platform":{{"os":"windows","architecture":"arm","variant":"v7","os.version":"10","os.features":["f"]}}}}],
            "artifactType":"t/y","annotations":{{"x":"y"}},"subject":{{"digest":"{}","size":9}}}}"#,
        d("a"),
        d("b")
    );
    let manifest = decode(document.as_bytes(), None).unwrap();
    let child = &manifest.references[0];
    assert_eq!((child.role, child.size, child.media_type.as_deref()), (Role::Child, Some(5), Some(OCI)));
    assert_eq!(child.urls, ["http://h/", "x"]);
    assert_eq!((child.artifact_type.as_deref(), &*child.annotations["k"]), (Some("a/b"), "v"));
    let platform = child.platform.as_ref().unwrap();
    let fields = [&platform.os, &platform.architecture, &platform.variant, &platform.os_version];
    assert_eq!(fields, ["windows", "arm", "v7", "10"]);
    let subject = manifest.subject.as_ref().unwrap();
    assert_eq!((subject.role, &subject.text, subject.size), (Role::Subject, &d("b"), Some(9)));
    assert_eq!((manifest.referrer_type(), &*manifest.annotations["x"]), (Some("t/y"), "y"));
    assert_eq!(manifest.oddities, []);
}

#[test]
fn a_referrer_s_type_is_its_own_or_its_config_s() {
    let document = |artifact: &str| {
        format!(
            r#"{{"schemaVersion":2,"artifactType":"{artifact}","config":{{"mediaType":"c/t","digest":"{}"}}}}"#,
            d("c")
        )
    };
    assert_eq!(read(&document("a/t")).referrer_type(), Some("a/t"));
    assert_eq!(read(&document("")).referrer_type(), Some("c/t"));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Manifest::read(&bytes);
        let _ = decode(&bytes, Some(OCI));
    }

    #[test]
    fn no_shape_makes_it_panic_and_every_digest_is_kept_in_doubt(
        tokens in prop::collection::vec(prop::sample::select(TOKENS), 0..40),
    ) {
        let document = format!("{{\"schemaVersion\":2,{}}}", tokens.concat());
        if let Ok(manifest) = Manifest::read(document.as_bytes())
            && manifest.oddities.iter().any(|sighting| sighting.oddity.casts_doubt()) {
            let kept: Vec<_> = manifest.retained().map(|(digest, _)| digest.to_string()).collect();
            let subject = manifest.subject.as_ref().map(|subject| subject.text.clone());
            for digit in ["a", "b"] {
                let digest = d(digit);
                if document.contains(&digest) && subject.as_ref() != Some(&digest) {
                    prop_assert!(kept.contains(&digest), "{document}");
                }
            }
        }
        let _ = decode(document.as_bytes(), None);
    }
}

const TOKENS: &[&str] = &[
    "\"layers\":[{\"digest\":\"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}],",
    "\"Layers\":[{\"digest\":\"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"}],",
    "\"config\":{\"digest\":\"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"},",
    "\"subject\":{\"digest\":\"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"},",
    "\"manifests\":[{},null],",
    "\"layers\":null,",
    "\"config\":5,",
    "\"manifests\":[{\"platform\":{\"os\":[]}}],",
    "\"x\":[[{}]]",
    "\"schemaVersion\":2",
    ",",
    "{",
    "}",
];
