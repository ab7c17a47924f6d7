//! The manifests that both the registry and regtree are asked to take.
//!
//! In a row's text `$C` is replaced by the descriptor of a config that exists, and so on ([`Store::fill`]).

mod documents;
mod references;

use regtree::Digest;

use crate::support::Scratch;
use crate::support::scratch::digest_by;

use super::{REPOSITORY, put};

pub(super) const S1: &str = "application/vnd.docker.distribution.manifest.v1+prettyjws";
pub(super) const S2: &str = "application/vnd.docker.distribution.manifest.v2+json";
pub(super) const LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
pub(super) const OCI: &str = "application/vnd.oci.image.manifest.v1+json";
pub(super) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const FOREIGN: &str = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
const NONDISTRIBUTABLE: &str = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

const OK: &str = "";
const INVALID: &str = "MANIFEST_INVALID";
const ABSENT: &str = "MANIFEST_BLOB_UNKNOWN";
const UNKNOWN: &str = "UNKNOWN";
const BAD_DIGEST: &str = "DIGEST_INVALID MANIFEST_BLOB_UNKNOWN";
const BAD_REFERENCE: &str = "UNKNOWN MANIFEST_BLOB_UNKNOWN";

/// A manifest, and what becomes of it: the API's codes in order, or nothing.
pub(super) struct Row {
    pub(super) id: &'static str,
    pub(super) media_type: &'static str,
    pub(super) body: Vec<u8>,
    pub(super) regtree: &'static str,
    /// What registry 2.8 says, where that is something else.
    pub(super) registry: Option<&'static str>,
}

/// What the repository has, for manifests to name.
pub(super) struct Store {
    names: Vec<(&'static str, String)>,
}

impl Store {
    /// Fills `lib/app`.
    pub(super) fn fill(scratch: &Scratch) -> Self {
        let entry =
            |media_type: &str, digest: &str| format!(r#"{{"mediaType":"{media_type}","digest":"{digest}","size":4}}"#);
        let config = scratch.put(REPOSITORY, b"{}").to_string();
        let layer = scratch.put(REPOSITORY, b"a layer").to_string();
        let elsewhere = scratch.put("lib/other", b"of another repository").to_string();
        let alias = digest_by("sha512", b"a layer").to_string();
        scratch.regtree(["blob", "put", REPOSITORY, "--digest", &alias]).stdin("a layer").ok();
        let child = |media_type: &str| {
            let (config, layer) = (entry("application/json", &config), entry(LAYER, &layer));
            let body =
                format!(r#"{{"schemaVersion":2,"mediaType":"{media_type}","config":{config},"layers":[{layer}]}}"#);
            put(scratch, body).ok().answer()
        };
        let (oci_child, docker_child) = (child(OCI), child(S2));
        let layer_only = format!(r#"{{"schemaVersion":2,"config":{},"layers":[]}}"#, entry("", &config));
        let layer_only = scratch.put(REPOSITORY, layer_only.as_bytes()).to_string();
        let absent = Digest::of(b"absent").to_string();
        let names = vec![
            ("$C", entry("application/vnd.oci.image.config.v1+json", &config)),
            ("$L", entry(LAYER, &layer)),
            ("$A", entry(LAYER, &alias)),
            ("$E", entry(LAYER, &elsewhere)),
            ("$X", entry(LAYER, &absent)),
            ("$K", entry(OCI, &oci_child)),
            ("$D", entry(S2, &docker_child)),
            ("$O", entry(OCI, &layer_only)),
            ("$layer", layer),
            ("$absent", absent),
            ("$child", docker_child),
            ("$upper", Digest::of(b"a layer").to_string().to_uppercase().replacen("SHA", "sha", 1)),
            ("$hex", "ab".repeat(16)),
        ];
        Self { names }
    }

    fn expand(&self, text: &str, media_type: &str) -> Vec<u8> {
        let text = text.replace("$M", &format!(r#""mediaType":"{media_type}""#)).replace("$V", r#""schemaVersion":2"#);
        let text = text.replace("$foreign", FOREIGN).replace("$nondist", NONDISTRIBUTABLE).replace("$ordinary", LAYER);
        let names = self.names.iter().rev();
        names.fold(text, |text, (name, value)| text.replace(name, value)).into_bytes()
    }

    pub(super) fn rows(&self) -> Vec<Row> {
        let differing = DIFFERING.iter().map(|&(id, media_type, text, regtree, registry)| {
            (id, media_type, self.expand(text, media_type), regtree, Some(registry))
        });
        let alike = documents::ALIKE
            .iter()
            .chain(references::ALIKE)
            .map(|&(id, media_type, text, verdict)| (id, media_type, self.expand(text, media_type), verdict, None));
        let made = self.made().into_iter().map(|(id, media_type, body, verdict)| (id, media_type, body, verdict, None));
        let row = |(id, media_type, body, regtree, registry)| Row { id, media_type, body, regtree, registry };
        alike.chain(made).chain(differing).map(row).collect()
    }

    /// What is not written by hand.
    fn made(&self) -> Vec<(&'static str, &'static str, Vec<u8>, &'static str)> {
        let image = |more: &str| self.expand(&format!(r#"{{$V,$M,"config":$C,"layers":[$L]{more}}}"#), OCI);
        let nested = |depth: usize| image(&format!(r#","x":{}{}"#, "[".repeat(depth), "]".repeat(depth)));
        let long = |length: usize| {
            let padding = length - image(r#","x":"""#).len();
            image(&format!(r#","x":"{}""#, "x".repeat(padding)))
        };
        let plain = image("");
        vec![
            ("empty", OCI, Vec::new(), INVALID),
            ("empty-schema2", S2, Vec::new(), INVALID),
            ("blank", INDEX, b" \n".to_vec(), INVALID),
            ("byte-order-mark", OCI, [b"\xef\xbb\xbf", &*plain].concat(), INVALID),
            ("leading-blanks", OCI, [b"\n \t\r", &*plain].concat(), OK),
            ("trailing-blanks", OCI, [&*plain, b"\n\n"].concat(), OK),
            ("trailing-garbage", OCI, [&*plain, b"x"].concat(), INVALID),
            ("trailing-document", OCI, [&*plain, b"{}"].concat(), INVALID),
            ("truncated", OCI, plain[..plain.len() - 1].to_vec(), INVALID),
            ("truncated-in-text", OCI, plain[..40].to_vec(), INVALID),
            ("nul", OCI, b"\0\0\0\0".to_vec(), INVALID),
            (
                "not-utf-8-in-text",
                OCI,
                image(",\"x\":\"?\"").into_iter().map(|b| if b == b'?' { 0xff } else { b }).collect(),
                OK,
            ),
            ("not-utf-8-outside", OCI, [b"\xff", &*plain].concat(), INVALID),
            ("control-in-text", OCI, image(",\"x\":\"\n\""), INVALID),
            ("lone-surrogate", OCI, image(r#","x":"\ud800""#), OK),
            ("nested-9998", OCI, nested(9_998), OK),
            ("nested-9999", OCI, nested(9_999), OK),
            ("nested-10000", OCI, nested(10_000), INVALID),
            ("nested-10001", OCI, nested(10_001), INVALID),
            ("4-mib", OCI, long(4 << 20), OK),
            ("4-mib-and-one", OCI, long((4 << 20) + 1), INVALID),
        ]
    }
}

type Alike = (&'static str, &'static str, &'static str, &'static str);

/// Where regtree does as 3.x: its verdict, and that of 2.8. docs/manifest-put.md has the reasons.
const DIFFERING: &[(&str, &str, &str, &str, &str)] = &[
    (
        "layer-with-url-absent",
        OCI,
        r#"{$V,"config":$C,"layers":[{"mediaType":"$ordinary","digest":"$absent","urls":["https://a/b"]}]}"#,
        ABSENT,
        OK,
    ),
    (
        "blob-with-url-absent",
        OCI,
        r#"{$V,"config":$C,"layers":[{"mediaType":"x/y","digest":"$absent","urls":["https://a/b"]}]}"#,
        ABSENT,
        OK,
    ),
    (
        "docker-layer-with-url-absent",
        S2,
        r#"{$V,$M,"config":$C,"layers":[{"mediaType":"x/y","digest":"$absent","urls":["https://a/b"]}]}"#,
        ABSENT,
        OK,
    ),
    (
        "manifest-as-layer-with-url",
        S2,
        r#"{$V,$M,"config":$C,"layers":[{"mediaType":"application/vnd.docker.distribution.manifest.v2+json","digest":"$child","urls":["https://a/b"]}]}"#,
        ABSENT,
        OK,
    ),
    ("child-is-only-a-layer", INDEX, r#"{$V,$M,"manifests":[$O]}"#, ABSENT, OK),
    ("index-read-back-as-image", INDEX, r"{$V}", INVALID, OK),
    ("annotations-of-index", INDEX, r#"{$V,"manifests":[$K],"annotations":5}"#, INVALID, OK),
    (
        "platform-features-of-index",
        INDEX,
        r#"{$V,"manifests":[{"digest":"$child","platform":{"features":5}}]}"#,
        OK,
        INVALID,
    ),
    ("data-of-layer", OCI, r#"{$V,"config":$C,"layers":[{"digest":"$layer","data":"!!"}]}"#, INVALID, OK),
    ("data-of-layer-no-text", OCI, r#"{$V,"config":$C,"layers":[{"digest":"$layer","data":5}]}"#, INVALID, OK),
    (
        "artifact-type-of-layer-no-text",
        OCI,
        r#"{$V,"config":$C,"layers":[{"digest":"$layer","artifactType":5}]}"#,
        INVALID,
        OK,
    ),
    (
        "foreign-digest-malformed",
        S2,
        r#"{$V,$M,"config":$C,"layers":[{"mediaType":"$foreign","digest":"x","urls":["https://a/b"]}]}"#,
        BAD_DIGEST,
        OK,
    ),
    ("child-alias", INDEX, r#"{$V,"manifests":[$A]}"#, ABSENT, OK),
    ("child-is-a-layer", LIST, r#"{$V,$M,"manifests":[$L]}"#, ABSENT, OK),
    (
        "content-type-bad-parameter",
        "application/vnd.oci.image.manifest.v1+json; charset",
        r#"{$V,"config":$C,"layers":[$L],"y":1}"#,
        OK,
        INVALID,
    ),
];
