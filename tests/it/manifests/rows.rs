//! The manifests that both the registry and regtree are asked to take.
//!
//! In a row's text `$C` stands for the descriptor of a config that is there, and so on ([`Store::fill`]).

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
        let alike = ALIKE
            .iter()
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

/// Where both say the same.
const ALIKE: &[Alike] = &[
    ("schema2", S2, r#"{$V,$M,"config":$C,"layers":[$L]}"#, OK),
    ("list", LIST, r#"{$V,$M,"manifests":[$D,$K]}"#, OK),
    ("oci", OCI, r#"{$V,$M,"config":$C,"layers":[$L]}"#, OK),
    ("oci-untyped", OCI, r#"{$V,"config":$C,"layers":[$L,$L]}"#, OK),
    ("index", INDEX, r#"{$V,$M,"manifests":[$K,$D]}"#, OK),
    ("index-untyped", INDEX, r#"{$V,"manifests":[$K]}"#, OK),
    (
        "content-type-parameters",
        "application/vnd.oci.image.manifest.v1+json; charset=utf-8",
        r#"{$V,"config":$C,"layers":[$L],"x":1}"#,
        OK,
    ),
    ("artifact", OCI, r#"{$V,$M,"artifactType":"a/b","config":$C,"layers":[$L],"subject":$K}"#, OK),
    ("artifact-of-nothing", OCI, r#"{$V,$M,"artifactType":"a/b","config":$C,"layers":[],"subject":$X}"#, OK),
    ("artifact-subject-number", OCI, r#"{$V,$M,"artifactType":5,"config":$C,"layers":[],"subject":5}"#, OK),
    ("unknown-fields", S2, r#"{$V,$M,"config":$C,"layers":[$L],"x":{"y":[1e999]},"annotations":5}"#, OK),
    ("layers-empty", S2, r#"{$V,$M,"config":$C,"layers":[]}"#, OK),
    ("layers-null", S2, r#"{$V,$M,"config":$C,"layers":null}"#, OK),
    ("layers-missing", S2, r#"{$V,$M,"config":$C}"#, OK),
    ("layers-missing-oci", OCI, r#"{$V,$M,"config":$C}"#, OK),
    ("layers-object", S2, r#"{$V,$M,"config":$C,"layers":{}}"#, INVALID),
    ("layers-of-text", OCI, r#"{$V,$M,"config":$C,"layers":["$layer"]}"#, INVALID),
    ("layers-of-null", OCI, r#"{$V,$M,"config":$C,"layers":[null]}"#, BAD_DIGEST),
    ("config-missing", S2, r#"{$V,$M,"layers":[$L]}"#, BAD_DIGEST),
    ("config-missing-oci", OCI, r#"{$V,$M,"layers":[$L]}"#, BAD_DIGEST),
    ("config-null", OCI, r#"{$V,$M,"config":null,"layers":[$L]}"#, BAD_DIGEST),
    ("config-empty", OCI, r#"{$V,$M,"config":{},"layers":[$L]}"#, BAD_DIGEST),
    ("config-array", OCI, r#"{$V,$M,"config":[$C],"layers":[$L]}"#, INVALID),
    ("config-text", S2, r#"{$V,$M,"config":"$layer","layers":[$L]}"#, INVALID),
    ("manifests-missing", INDEX, "{$V,$M}", OK),
    ("manifests-null", INDEX, r#"{$V,$M,"manifests":null}"#, OK),
    ("manifests-empty", LIST, r#"{$V,$M,"manifests":[]}"#, OK),
    ("manifests-text", INDEX, r#"{$V,$M,"manifests":"x"}"#, INVALID),
    ("no-object", OCI, "[]", INVALID),
    ("null", S2, "null", INVALID),
    ("text", INDEX, r#""manifest""#, INVALID),
    ("keys-of-other-case", OCI, r#"{"SCHEMAversion":2,"Config":$C,"LAYERS":[$L]}"#, OK),
    ("keys-of-other-case-absent", OCI, r#"{$V,"config":$C,"LAYERS":[$X]}"#, ABSENT),
    ("duplicate-layers-last-good", OCI, r#"{$V,"config":$C,"layers":[$X],"layers":[$L]}"#, OK),
    ("duplicate-layers-last-absent", OCI, r#"{$V,"config":$C,"layers":[$L],"layers":[$X]}"#, ABSENT),
    ("duplicate-layers-last-null", OCI, r#"{$V,"config":$C,"layers":[$X],"layers":null}"#, OK),
    ("duplicate-config-merged", OCI, r#"{$V,"config":$C,"config":{"size":1},"layers":[]}"#, OK),
    ("duplicate-version", S2, r#"{"schemaVersion":1,$V,$M,"config":$C,"layers":[]}"#, OK),
    ("both-manifest", OCI, r#"{$V,$M,"config":$C,"layers":[$L],"manifests":[$K]}"#, INVALID),
    ("both-manifest-empty", OCI, r#"{$V,$M,"config":$C,"layers":[$L],"manifests":[]}"#, INVALID),
    ("both-manifest-null", OCI, r#"{$V,$M,"config":$C,"layers":[$L],"manifests":null}"#, OK),
    ("both-index-layers", INDEX, r#"{$V,$M,"manifests":[$K],"layers":[]}"#, INVALID),
    ("both-index-config", INDEX, r#"{$V,$M,"manifests":[$K],"config":{}}"#, INVALID),
    ("both-index-null", INDEX, r#"{$V,$M,"manifests":[$K],"config":null,"layers":null}"#, OK),
    ("both-schema2", S2, r#"{$V,$M,"config":$C,"layers":[$L],"manifests":[$X]}"#, OK),
    ("both-list", LIST, r#"{$V,$M,"manifests":[$D],"config":$X,"layers":[$X]}"#, OK),
    ("version-0", S2, r#"{"schemaVersion":0,$M,"config":$C,"layers":[$X]}"#, UNKNOWN),
    ("version-1", OCI, r#"{"schemaVersion":1,$M,"config":$C,"layers":[$L]}"#, UNKNOWN),
    ("version-3", INDEX, r#"{"schemaVersion":3,$M,"manifests":[$X]}"#, UNKNOWN),
    ("version-missing", LIST, r#"{$M,"manifests":[$D]}"#, UNKNOWN),
    ("version-missing-oci", OCI, r#"{$M,"config":$C,"layers":[]}"#, UNKNOWN),
    ("version-text", S2, r#"{"schemaVersion":"2",$M,"config":$C,"layers":[]}"#, INVALID),
    ("version-float", OCI, r#"{"schemaVersion":2.0,$M,"config":$C,"layers":[]}"#, INVALID),
    ("version-null", OCI, r#"{"schemaVersion":null,$M,"config":$C,"layers":[]}"#, UNKNOWN),
    ("type-missing-schema2", S2, r#"{$V,"config":$C,"layers":[$L]}"#, INVALID),
    ("type-missing-list", LIST, r#"{$V,"manifests":[$D]}"#, INVALID),
    (
        "type-of-oci-as-schema2",
        S2,
        r#"{$V,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":$C,"layers":[$L]}"#,
        INVALID,
    ),
    (
        "type-of-schema2-as-oci",
        OCI,
        r#"{$V,"mediaType":"application/vnd.docker.distribution.manifest.v2+json","config":$C,"layers":[$L]}"#,
        INVALID,
    ),
    (
        "type-of-manifest-as-index",
        INDEX,
        r#"{$V,"mediaType":"application/vnd.oci.image.manifest.v1+json","manifests":[$K]}"#,
        INVALID,
    ),
    ("type-unknown-as-oci", OCI, r#"{$V,"mediaType":"text/plain","config":$C,"layers":[$L]}"#, INVALID),
    (
        "type-of-other-case",
        OCI,
        r#"{$V,"mediaType":"Application/vnd.oci.image.manifest.v1+json","config":$C,"layers":[$L]}"#,
        INVALID,
    ),
    ("type-number", OCI, r#"{$V,"mediaType":2,"config":$C,"layers":[$L]}"#, INVALID),
    ("type-empty-oci", OCI, r#"{$V,"mediaType":"","config":$C,"layers":[$L]}"#, OK),
    ("absent-layer", S2, r#"{$V,$M,"config":$C,"layers":[$L,$X]}"#, ABSENT),
    ("absent-twice", OCI, r#"{$V,$M,"config":$X,"layers":[$L,$X]}"#, "MANIFEST_BLOB_UNKNOWN MANIFEST_BLOB_UNKNOWN"),
    ("absent-config", OCI, r#"{$V,$M,"config":$X,"layers":[$L]}"#, ABSENT),
    ("of-another-repository", OCI, r#"{$V,$M,"config":$C,"layers":[$E]}"#, ABSENT),
    ("alias", OCI, r#"{$V,$M,"config":$C,"layers":[$A]}"#, OK),
    ("digest-malformed", OCI, r#"{$V,"config":$C,"layers":[{"digest":"layer","size":1}]}"#, BAD_DIGEST),
    ("digest-empty", S2, r#"{$V,$M,"config":$C,"layers":[{"digest":"","size":1}]}"#, BAD_DIGEST),
    ("digest-upper-case", OCI, r#"{$V,"config":$C,"layers":[{"digest":"$upper","size":1}]}"#, BAD_DIGEST),
    ("digest-short", OCI, r#"{$V,"config":$C,"layers":[{"digest":"sha256:ab","size":1}]}"#, BAD_REFERENCE),
    ("digest-md5", OCI, r#"{$V,"config":$C,"layers":[{"digest":"md5:$hex","size":1}]}"#, BAD_REFERENCE),
    ("digest-blake3", S2, r#"{$V,$M,"config":$C,"layers":[{"digest":"blake3:$hex$hex","size":1}]}"#, BAD_REFERENCE),
    ("digest-number", OCI, r#"{$V,"config":$C,"layers":[{"digest":5,"size":1}]}"#, INVALID),
    ("digest-of-child-malformed", INDEX, r#"{$V,"manifests":[{"digest":"child"},$K]}"#, BAD_DIGEST),
    ("size-negative", OCI, r#"{$V,"config":$C,"layers":[{"digest":"$layer","size":-1}]}"#, OK),
    ("size-wrong", S2, r#"{$V,$M,"config":$C,"layers":[{"digest":"$layer","size":999999}]}"#, OK),
    ("size-greatest", OCI, r#"{$V,"config":$C,"layers":[{"digest":"$layer","size":9223372036854775807}]}"#, OK),
    ("size-overflowing", OCI, r#"{$V,"config":$C,"layers":[{"digest":"$layer","size":9223372036854775808}]}"#, INVALID),
    ("size-float", OCI, r#"{$V,"config":$C,"layers":[{"digest":"$layer","size":1.5}]}"#, INVALID),
    ("size-exponent", OCI, r#"{$V,"config":$C,"layers":[{"digest":"$layer","size":1e3}]}"#, INVALID),
    ("size-text", OCI, r#"{$V,"config":$C,"layers":[{"digest":"$layer","size":"1"}]}"#, INVALID),
    ("size-missing", OCI, r#"{$V,"config":$C,"layers":[{"digest":"$layer"}]}"#, OK),
    ("child-absent", INDEX, r#"{$V,$M,"manifests":[$K,$X]}"#, ABSENT),
    ("child-absent-list", LIST, r#"{$V,$M,"manifests":[$X,$X]}"#, "MANIFEST_BLOB_UNKNOWN MANIFEST_BLOB_UNKNOWN"),
    ("child-with-urls-absent", INDEX, r#"{$V,"manifests":[{"digest":"$absent","urls":["https://a/b"]}]}"#, ABSENT),
    ("child-platform-text", LIST, r#"{$V,$M,"manifests":[{"digest":"$child","platform":"linux"}]}"#, INVALID),
    ("manifest-as-layer", S2, r#"{$V,$M,"config":$C,"layers":[$D]}"#, ABSENT),
    (
        "foreign-without-urls",
        S2,
        r#"{$V,$M,"config":$C,"layers":[{"mediaType":"$foreign","digest":"$absent"}]}"#,
        BAD_REFERENCE,
    ),
    (
        "foreign-with-url",
        S2,
        r#"{$V,$M,"config":$C,"layers":[{"mediaType":"$foreign","digest":"$absent","urls":["https://a/b","http://c"]}]}"#,
        OK,
    ),
    (
        "foreign-url-of-ftp",
        S2,
        r#"{$V,$M,"config":$C,"layers":[{"mediaType":"$foreign","digest":"$absent","urls":["ftp://a/b"]}]}"#,
        BAD_REFERENCE,
    ),
    (
        "foreign-url-with-fragment",
        S2,
        r#"{$V,$M,"config":$C,"layers":[{"mediaType":"$foreign","digest":"$absent","urls":["https://a/b#c"]}]}"#,
        BAD_REFERENCE,
    ),
    (
        "foreign-url-malformed",
        S2,
        r#"{$V,$M,"config":$C,"layers":[{"mediaType":"$foreign","digest":"$absent","urls":["https://a/%zz"]}]}"#,
        BAD_REFERENCE,
    ),
    (
        "foreign-url-empty",
        S2,
        r#"{$V,$M,"config":$C,"layers":[{"mediaType":"$foreign","digest":"$absent","urls":[""]}]}"#,
        BAD_REFERENCE,
    ),
    (
        "urls-text",
        S2,
        r#"{$V,$M,"config":$C,"layers":[{"mediaType":"$foreign","digest":"$absent","urls":"https://a/b"}]}"#,
        INVALID,
    ),
    (
        "nondistributable-with-url",
        OCI,
        r#"{$V,"config":$C,"layers":[{"mediaType":"$nondist","digest":"$absent","urls":["https://a/b"]}]}"#,
        OK,
    ),
    (
        "nondistributable-without-urls",
        OCI,
        r#"{$V,"config":$C,"layers":[{"mediaType":"$nondist","digest":"$absent"}]}"#,
        ABSENT,
    ),
    (
        "nondistributable-bad-url",
        OCI,
        r#"{$V,"config":$C,"layers":[{"mediaType":"$nondist","digest":"$layer","urls":["file:///a"]}]}"#,
        BAD_REFERENCE,
    ),
    (
        "ordinary-bad-url",
        OCI,
        r#"{$V,"config":$C,"layers":[{"mediaType":"$ordinary","digest":"$layer","urls":["a/b"]}]}"#,
        BAD_REFERENCE,
    ),
    (
        "ordinary-with-url-present",
        OCI,
        r#"{$V,"config":$C,"layers":[{"mediaType":"$ordinary","digest":"$layer","urls":["https://a/b"]}]}"#,
        OK,
    ),
    ("content-type-unknown", "text/plain", r#"{$V,"config":$C,"layers":[$L]}"#, INVALID),
    ("content-type-of-oci-artifact", "application/vnd.oci.artifact.manifest.v1+json", r#"{$V,"blobs":[$L]}"#, INVALID),
    ("content-type-json", "application/json", r#"{$V,"config":$C,"layers":[$L]}"#, INVALID),
    ("schema1-unsigned", S1, r#"{"schemaVersion":1,"name":"a","tag":"b","fsLayers":[],"history":[]}"#, INVALID),
    (
        "schema1-bare",
        "application/vnd.docker.distribution.manifest.v1+json",
        r#"{"schemaVersion":1,"name":"a","tag":"b","fsLayers":[],"history":[]}"#,
        INVALID,
    ),
    ("schema2-as-schema1", S1, r#"{$V,$M,"config":$C,"layers":[$L]}"#, INVALID),
];

/// Where regtree does as 3.x: its verdict, and that of 2.8. The reasons stand in the README.
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
];
