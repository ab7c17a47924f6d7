//! A registry's checks against the repository before it stores a manifest (layout.md §5.3 as in 2.8, §5.4 as in 3.x).

use super::kind::Kind;
use super::model::{Manifest, Reference};
use super::url;
use crate::digest::{Digest, DigestError};
use crate::error::{Refusal, RefusalCode, Result};

/// What a repository has.
pub(crate) trait Presence {
    /// Whether the repository has the blob as a layer. An alias counts.
    fn layer(&self, digest: &Digest) -> Result<bool>;

    /// Whether the repository has the manifest.
    fn manifest(&self, digest: &Digest) -> Result<bool>;
}

/// A repository that has everything.
pub(crate) struct Anything;

impl Presence for Anything {
    fn layer(&self, _: &Digest) -> Result<bool> {
        Ok(true)
    }

    fn manifest(&self, _: &Digest) -> Result<bool> {
        Ok(true)
    }
}

const FOREIGN_LAYER: &str = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
/// The layer types whose URLs a registry checks, and whether the blob may be missing from the repository.
const OCI_LAYERS: [(&str, bool); 4] = [
    ("application/vnd.oci.image.layer.v1.tar", false),
    ("application/vnd.oci.image.layer.v1.tar+gzip", false),
    ("application/vnd.oci.image.layer.nondistributable.v1.tar", true),
    ("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", true),
];
/// The most bytes of a name in schema1.
const NAME_MAX: usize = 255;

/// Every reason for which a registry would not store a decoded manifest, in the order in which the registry reports
/// them. An empty list means that it would store it.
///
/// `signature` is what is wrong with schema1's signatures, if anything. It comes after the refusals of the form and
/// before those of the layers. A schema version other than 2 is the only refusal, and is found before anything is
/// looked up. The size in a descriptor, `subject` and `artifactType` are not checked. Where a registry answers a bare
/// `UNKNOWN` and then one with the text, this gives the second.
///
/// A registry's default configuration allows no URL in a foreign layer. regtree accepts any http or https URL, because
/// it has no configuration of the allowed hosts.
///
/// `Err` when the repository can't be read.
pub(crate) fn check(manifest: &Manifest, signature: Option<Refusal>, presence: &impl Presence) -> Result<Vec<Refusal>> {
    let mut refusals = Vec::new();
    match manifest.kind {
        Kind::Unknown => refusals.push(Refusal::new(RefusalCode::ManifestInvalid, "unknown kind of manifest")),
        Kind::Schema1 => {
            schema1_form(manifest, &mut refusals);
            refusals.extend(signature);
            for reference in &manifest.references {
                let verdict = ask(reference, |digest| presence.layer(digest))?;
                report(reference, verdict, &mut refusals);
            }
        }
        _ if manifest.schema_version != Some(2) => refusals.push(version(manifest)),
        Kind::ManifestList | Kind::OciIndex => {
            for reference in &manifest.references {
                let verdict = ask(reference, |digest| presence.manifest(digest))?;
                report(reference, verdict, &mut refusals);
            }
        }
        Kind::Schema2 | Kind::OciManifest => {
            for reference in &manifest.references {
                let verdict = blob(manifest.kind, reference, presence)?;
                report(reference, verdict, &mut refusals);
            }
        }
    }
    Ok(refusals)
}

/// Whether the repository has what is referenced, or what else is wrong with the reference.
type ReferenceVerdict = Result<bool, (RefusalCode, String)>;

/// Asks `present` about the digest of a reference, if that is valid.
fn ask(reference: &Reference, present: impl FnOnce(&Digest) -> Result<bool>) -> Result<ReferenceVerdict> {
    match digest(reference) {
        Ok(digest) => present(&digest).map(Ok),
        Err(wrong) => Ok(Err(wrong)),
    }
}

/// Adds what is wrong with a reference. A registry always adds at the end that the blob is unknown.
fn report(reference: &Reference, verdict: ReferenceVerdict, refusals: &mut Vec<Refusal>) {
    let text = &reference.text;
    match verdict {
        Ok(true) => return,
        Ok(false) => {}
        Err((code, message)) => refusals.push(Refusal::about(code, text, message)),
    }
    let message = if text.is_empty() {
        "the digest of a reference is missing".to_owned()
    } else {
        format!("{} {text} is unknown in the repository", reference.role)
    };
    let refusal = Refusal::about(RefusalCode::ManifestBlobUnknown, text, message);
    refusals.push(Refusal { role: Some(reference.role.name()), ..refusal });
}

/// The digest, if go-digest accepts it. To go-digest, a tarsum has an unsupported algorithm.
fn digest(reference: &Reference) -> Result<Digest, (RefusalCode, String)> {
    let error = match (reference.digest, reference.text.split_once(':')) {
        (Ok(digest), _) if !digest.is_tarsum() => return Ok(digest),
        (_, Some((algorithm, encoded))) if algorithm.contains("tarsum") => {
            if has_form(algorithm, encoded) {
                DigestError::Unsupported
            } else {
                DigestError::Format
            }
        }
        (Ok(_), _) => DigestError::Format,
        (Err(error), _) => error,
    };
    let code = if error == DigestError::Format { RefusalCode::DigestInvalid } else { RefusalCode::Unknown };
    Err((code, format!("{:?}: {error}", reference.text)))
}

/// Whether go-digest accepts the form of a digest, even if it does not know the algorithm.
fn has_form(algorithm: &str, encoded: &str) -> bool {
    let is_part = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || b"=_-".contains(&byte);
    algorithm.split(['+', '.', '_', '-']).all(is_part) && !encoded.is_empty() && encoded.bytes().all(is_digit)
}

fn blob(kind: Kind, reference: &Reference, presence: &impl Presence) -> Result<ReferenceVerdict> {
    let digest = match digest(reference) {
        Ok(digest) => digest,
        Err(wrong) => return Ok(Err(wrong)),
    };
    let media_type = reference.media_type.as_deref().unwrap_or_default();
    let urls = &reference.urls;
    let oci = OCI_LAYERS.iter().find(|(name, _)| kind == Kind::OciManifest && *name == media_type);
    let foreign = kind == Kind::Schema2 && media_type == FOREIGN_LAYER;
    if foreign && urls.is_empty() {
        return Ok(Err((RefusalCode::Unknown, "missing URL on layer".to_owned())));
    }
    if let Some(url) = urls.iter().find(|url| (foreign || oci.is_some()) && !url::is_acceptable(url)) {
        return Ok(Err((RefusalCode::Unknown, format!("invalid URL on layer: {url:?}"))));
    }
    if may_be_elsewhere(kind, reference) { Ok(Ok(true)) } else { presence.layer(&digest).map(Ok) }
}

/// Whether a manifest of this kind may reference a blob that its repository does not have. That is a layer of a
/// nondistributable type that has URLs.
fn may_be_elsewhere(kind: Kind, reference: &Reference) -> bool {
    let media_type = reference.media_type.as_deref().unwrap_or_default();
    let is_free = match kind {
        Kind::Schema2 => media_type == FOREIGN_LAYER,
        Kind::OciManifest => OCI_LAYERS.contains(&(media_type, true)),
        _ => false,
    };
    is_free && !reference.urls.is_empty()
}

fn version(manifest: &Manifest) -> Refusal {
    let what = if manifest.kind.has_children() { "manifest list" } else { "manifest" };
    let version = manifest.schema_version.unwrap_or_default();
    Refusal::new(RefusalCode::Unknown, format!("unrecognized {what} schema version {version}, expected 2"))
}

fn schema1_form(manifest: &Manifest, refusals: &mut Vec<Refusal>) {
    let Some(schema1) = &manifest.schema1 else { return };
    let name = &schema1.name;
    let mut refuse = |reason: &str| {
        refusals.push(Refusal::new(RefusalCode::NameInvalid, format!("manifest name {name:?} invalid: {reason}")));
    };
    if name.len() > NAME_MAX {
        refuse("it has more than 255 characters");
    }
    // The registry's regular expression is not anchored, so one such character anywhere is enough.
    if !name.bytes().any(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) {
        refuse("it has no letter in lower case and no digit");
    }
    let layers = manifest.references.len();
    if schema1.history != layers {
        let message = format!("mismatched history and fslayer cardinality {} != {layers}", schema1.history);
        refusals.push(Refusal::new(RefusalCode::Unknown, message));
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
#[path = "../../tests/unit/check.rs"]
mod tests;
