//! What each kind needs, and in what order the refusals come.

use std::cell::RefCell;

use super::*;
use crate::error::Error;
use crate::manifest::decode;

const FOREIGN_LAYER: &str = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
/// The layer types whose URLs a registry looks at, and whether the blob may be elsewhere.
const OCI_LAYERS: [(&str, bool); 4] = [
    ("application/vnd.oci.image.layer.v1.tar", false),
    ("application/vnd.oci.image.layer.v1.tar+gzip", false),
    ("application/vnd.oci.image.layer.nondistributable.v1.tar", true),
    ("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", true),
];

/// A repository that has what a test gives it, and records what is asked of it.
#[derive(Default)]
struct Has {
    layers: Vec<String>,
    manifests: Vec<String>,
    asked: RefCell<Vec<String>>,
}

impl Presence for Has {
    fn layer(&self, digest: &Digest) -> Result<bool> {
        self.asked.borrow_mut().push(format!("layer {}", &digest.hex()[..1]));
        Ok(self.layers.contains(&digest.to_string()))
    }

    fn manifest(&self, digest: &Digest) -> Result<bool> {
        self.asked.borrow_mut().push(format!("manifest {}", &digest.hex()[..1]));
        Ok(self.manifests.contains(&digest.to_string()))
    }
}

fn d(digit: &str) -> String {
    format!("sha256:{}", digit.repeat(64))
}

fn has(layers: &[&str], manifests: &[&str]) -> Has {
    let digests = |digits: &[&str]| digits.iter().map(|digit| d(digit)).collect();
    Has { layers: digests(layers), manifests: digests(manifests), asked: RefCell::default() }
}

fn image(kind: Kind, layers: &str) -> Manifest {
    let media_type = kind.media_type().unwrap();
    let config = d("c");
    let document = format!(
        r#"{{"schemaVersion":2,"mediaType":"{media_type}","config":{{"digest":"{config}"}},"layers":[{layers}]}}"#
    );
    decode(document.as_bytes(), None).unwrap()
}

fn layer(digest: &str, media_type: &str, urls: &str) -> String {
    format!(r#"{{"digest":"{digest}","mediaType":"{media_type}","urls":[{urls}]}}"#)
}

fn answers(manifest: &Manifest, has: &Has) -> Vec<(&'static str, String)> {
    let refusals = check(manifest, None, has).unwrap();
    refusals.into_iter().map(|refusal| (refusal.code.name(), refusal.digest.unwrap_or_default())).collect()
}

#[test]
fn an_image_needs_its_config_and_its_layers_in_order() {
    for kind in [Kind::Schema2, Kind::OciManifest] {
        let manifest = image(kind, &[layer(&d("a"), "x/y", ""), layer(&d("b"), "x/y", r#""http://h/""#)].join(","));
        assert_eq!(answers(&manifest, &has(&["a", "b", "c"], &[])), []);
        let none = has(&[], &["a", "b", "c"]);
        let unknown = |digit| ("MANIFEST_BLOB_UNKNOWN", d(digit));
        assert_eq!(answers(&manifest, &none), [unknown("c"), unknown("a"), unknown("b")]);
        assert_eq!(*none.asked.borrow(), ["layer c", "layer a", "layer b"]);
    }
}

#[test]
fn a_list_needs_its_children_as_manifests() {
    for kind in [Kind::ManifestList, Kind::OciIndex] {
        let media_type = kind.media_type().unwrap();
        let children = format!(r#"{{"digest":"{}"}},{{"digest":"{}"}},{{}}"#, d("a"), d("b"));
        let document = format!(r#"{{"schemaVersion":2,"mediaType":"{media_type}","manifests":[{children}]}}"#);
        let manifest = decode(document.as_bytes(), None).unwrap();
        let found = answers(&manifest, &has(&["a"], &["b"]));
        let missing = [("DIGEST_INVALID", String::new()), ("MANIFEST_BLOB_UNKNOWN", String::new())];
        assert_eq!(found, [vec![("MANIFEST_BLOB_UNKNOWN", d("a"))], missing.to_vec()].concat());
    }
}

#[test]
fn a_digest_that_is_none_is_told_and_unknown() {
    let long = format!("{}a", d("a"));
    let upper = d("A");
    let tarsum = format!("tarsum.v1+{}", d("a"));
    for (digest, code) in [
        ("", "DIGEST_INVALID"),
        ("sha256", "DIGEST_INVALID"),
        (&upper, "DIGEST_INVALID"),
        (&long, "UNKNOWN"),
        ("md5:00", "UNKNOWN"),
        (&tarsum, "UNKNOWN"),
    ] {
        let manifest = image(Kind::Schema2, &layer(digest, "x/y", ""));
        let expected = [(code, digest.to_owned()), ("MANIFEST_BLOB_UNKNOWN", digest.to_owned())];
        assert_eq!(answers(&manifest, &has(&["c"], &[])), expected);
    }
}

#[test]
fn a_foreign_layer_needs_urls_and_no_blob() {
    let only_config = has(&["c"], &[]);
    let of = |urls| image(Kind::Schema2, &layer(&d("f"), FOREIGN_LAYER, urls));
    let wrong = [("UNKNOWN", d("f")), ("MANIFEST_BLOB_UNKNOWN", d("f"))];
    assert_eq!(answers(&of(r#""http://h/x","https://h/y""#), &only_config), []);
    assert_eq!(answers(&of(""), &only_config), wrong);
    assert_eq!(answers(&of(r#""http://h/x","ftp://h/y""#), &only_config), wrong);
    assert_eq!(answers(&of(r#""http://h/x#y""#), &only_config), wrong);
    assert_eq!(answers(&of("null"), &only_config), wrong);
}

#[test]
fn an_oci_layer_may_be_elsewhere_only_if_nondistributable() {
    let only_config = has(&["c"], &[]);
    for (media_type, elsewhere) in OCI_LAYERS {
        let of = |urls| image(Kind::OciManifest, &layer(&d("f"), media_type, urls));
        let unknown = ("MANIFEST_BLOB_UNKNOWN", d("f"));
        let expected = if elsewhere { vec![] } else { vec![unknown.clone()] };
        assert_eq!(answers(&of(r#""http://h/x""#), &only_config), expected, "{media_type}");
        assert_eq!(answers(&of(""), &only_config), vec![unknown.clone()], "{media_type}");
        assert_eq!(answers(&of(r#""x""#), &only_config), [("UNKNOWN", d("f")), unknown], "{media_type}");
    }
    // Docker's foreign type means nothing to the handler of OCI manifests, and the reverse.
    let other = image(Kind::OciManifest, &layer(&d("f"), FOREIGN_LAYER, r#""http://h/x""#));
    assert_eq!(answers(&other, &only_config), [("MANIFEST_BLOB_UNKNOWN", d("f"))]);
}

#[test]
fn a_schema_version_other_than_two_is_the_only_refusal() {
    for (kind, says) in [(Kind::OciManifest, "manifest schema"), (Kind::OciIndex, "manifest list schema")] {
        for version in ["", r#""schemaVersion":3,"#] {
            let document = format!(r#"{{{version}"mediaType":"{}"}}"#, kind.media_type().unwrap());
            let manifest = decode(document.as_bytes(), None).unwrap();
            let refusals = check(&manifest, None, &Has::default()).unwrap();
            assert_eq!(refusals.len(), 1);
            assert_eq!(refusals[0].code, RefusalCode::Unknown);
            assert!(refusals[0].message.contains(says), "{}", refusals[0]);
        }
    }
}

#[test]
fn schema1_is_told_form_then_signature_then_layers() {
    let name = "N".repeat(256);
    let layers = format!(r#"[{{"blobSum":"{0}"}},{{"blobSum":"{0}"}}]"#, d("a"));
    let document = format!(r#"{{"schemaVersion":1,"name":"{name}","fsLayers":{layers},"history":[{{}}]}}"#);
    let manifest = decode(document.as_bytes(), None).unwrap();
    let unverified = Refusal::new(RefusalCode::ManifestUnverified, "no");
    let refusals = check(&manifest, Some(unverified), &Has::default()).unwrap();
    let codes: Vec<_> = refusals.iter().map(|refusal| refusal.code.name()).collect();
    let unknown = "MANIFEST_BLOB_UNKNOWN";
    assert_eq!(codes, ["NAME_INVALID", "NAME_INVALID", "UNKNOWN", "MANIFEST_UNVERIFIED", unknown, unknown]);
    assert!(refusals[2].message.contains("1 != 2"));

    let document = format!(r#"{{"schemaVersion":1,"name":"UPPER CASE!x","fsLayers":{layers},"history":[{{}},{{}}]}}"#);
    let manifest = decode(document.as_bytes(), None).unwrap();
    assert_eq!(answers(&manifest, &has(&["a"], &[])), []);
}

#[test]
fn a_failure_to_look_is_no_answer() {
    struct Broken;
    impl Presence for Broken {
        fn layer(&self, _: &Digest) -> Result<bool> {
            Err(Error::Refused { reason: "test".to_owned() })
        }
        fn manifest(&self, digest: &Digest) -> Result<bool> {
            self.layer(digest)
        }
    }
    assert!(check(&image(Kind::Schema2, ""), None, &Broken).is_err());
}
