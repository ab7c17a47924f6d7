//! Manifests as they lie in trees, odd ones, and bad input.

mod bad_input;
mod oddities;
mod vectors;

use super::*;

/// A sha256 digest of one digit over and over.
fn d(digit: &str) -> String {
    format!("sha256:{}", digit.repeat(64))
}

fn read(document: &str) -> Manifest {
    Manifest::read(document.as_bytes()).unwrap_or_else(|fault| panic!("{fault}: {document}"))
}

/// The digests referenced, as written.
fn references(manifest: &Manifest) -> Vec<&str> {
    manifest.references.iter().map(|reference| reference.text.as_str()).collect()
}

fn names(manifest: &Manifest) -> Vec<&'static str> {
    manifest.oddities.iter().map(|sighting| sighting.oddity.name()).collect()
}

fn mentioned(manifest: &Manifest) -> Vec<String> {
    manifest.mentioned.iter().map(ToString::to_string).collect()
}

const OCI: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const SCHEMA2: &str = "application/vnd.docker.distribution.manifest.v2+json";
const LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
#[test]
#[ignore]
fn zz_diff() {
    struct None_;
    impl Presence for None_ {
        fn layer(&self, _: &crate::Digest) -> crate::Result<bool> { Ok(false) }
        fn manifest(&self, _: &crate::Digest) -> crate::Result<bool> { Ok(false) }
    }
    let text = std::fs::read_to_string("/tmp/wtb-docs.txt").unwrap();
    let mut out = String::new();
    for line in text.lines() {
        let (mt, doc) = line.split_once('\t').unwrap();
        let r = match decode(doc.as_bytes(), Some(mt)) {
            Err(r) => vec![format!("{}:", r.code)],
            Ok(m) => check(&m, None, &None_).unwrap().iter().map(|r| format!("{}:{}", r.code, if r.code == Code::ManifestBlobUnknown { r.digest.clone().unwrap() } else { String::new() })).collect(),
        };
        out.push_str(&r.join(" "));
        out.push('\n');
    }
    std::fs::write("/tmp/wtb-ours.txt", out).unwrap();
}
#[test]
#[ignore]
fn zz_speed() {
    let mut docs = Vec::new();
    for layers in [5, 12, 40] {
        let l: Vec<_> = (0..layers).map(|i| format!(r#"{{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:{i:064x}","size":{i}}}"#)).collect();
        docs.push(format!(r#"{{"schemaVersion":2,"mediaType":"{OCI}","config":{{"mediaType":"x/y","digest":"{}","size":3}},"layers":[{}]}}"#, d("c"), l.join(",")));
    }
    let t = std::time::Instant::now();
    let mut bytes = 0;
    for _ in 0..20000 { for doc in &docs { bytes += doc.len(); std::hint::black_box(read(doc)); } }
    eprintln!("{} manifests {} MB in {:?}", 60000, bytes / 1_000_000, t.elapsed());
    let deep = format!("{{\"schemaVersion\":2,\"x\":{}{}}}", "[".repeat(30_000_000), "]".repeat(30_000_000));
    let t = std::time::Instant::now();
    let _ = std::hint::black_box(Manifest::read(deep.as_bytes()));
    eprintln!("deep 60 MB {:?}", t.elapsed());
    eprintln!("sizes {} {}", size_of::<Manifest>(), size_of::<Reference>());
}
