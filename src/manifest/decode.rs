//! Refuses what a registry refuses when it decodes a pushed manifest (layout.md §5.4, as in 3.x).

use super::MAX_PUT;
use super::json::{GO_MAX_DEPTH, Malformed, Text};
use super::kind::Kind;
use super::model::Manifest;
use super::read::{Empty, build, detect, untyped};
use super::unmarshal::{self, Document, Field, Mismatch};
use crate::count::plural;
use crate::error::Refusal;

/// Reads a manifest that is to be stored. Its kind is the one that `media_type` (a `Content-Type`) names; without
/// `media_type`, it follows from the content.
///
/// For schema1 the bytes are the payload without its signatures. Every refusal is a `MANIFEST_INVALID`, and the first
/// one that a registry would report, in this order: size, type, JSON (nested at most 10,000 deep), `manifests` next to
/// `config` or `layers` in an OCI kind, a field of the wrong type, `mediaType`. The version is left to
/// `check`.
///
/// Duplicate keys, `null` and other oddities are not refused, because registries accept them.
pub fn decode(bytes: &[u8], media_type: Option<&str>) -> Result<Manifest, Refusal> {
    if bytes.len() > MAX_PUT {
        let size = plural(bytes.len(), "byte");
        return Err(Refusal::invalid(format!("it has {size}, a registry takes {MAX_PUT} at most")));
    }
    let asked = media_type.map(|header| Kind::from_content_type(header).ok_or_else(|| unsupported(header)));
    let asked = asked.transpose()?;
    let document = unmarshal::document(bytes, GO_MAX_DEPTH).map_err(|fault| malformed(&fault))?;
    let kind = asked.map_or_else(|| stated(&document), Ok)?;
    check_confusion(&document, kind)?;
    // Any value that is not an object fails in every kind.
    let mismatch = document.first_mismatch(|field| field.is_decoded_in(kind));
    mismatch.map_or(Ok(()), |mismatch| Err(wrong_type(mismatch)))?;
    check_media_type(&document, kind)?;
    check_read_back(&document, kind)?;
    build(bytes, &document, kind, Empty::Kept).map_err(|fault| malformed(&fault))
}

/// The kind that a client would name as the content type of this document.
fn stated(document: &Document<'_>) -> Result<Kind, Refusal> {
    let versioned = |field| matches!(field, Field::SchemaVersion | Field::MediaType);
    if let Some(mismatch) = document.first_mismatch(versioned) {
        return Err(wrong_type(mismatch));
    }
    let media_type = document.media_type.map(Text::decode).unwrap_or_default();
    match document.schema_version {
        _ if !media_type.is_empty() => Kind::from_media_type(&media_type).ok_or_else(|| unsupported(&media_type)),
        Some(1) => Ok(Kind::Schema1),
        Some(2) => Ok(untyped(document)),
        version => Err(Refusal::invalid(format!(
            "neither a media type nor the content shows its kind: schemaVersion is {}, expected 2 (or 1 for schema1)",
            version.map_or("missing".to_owned(), |version| version.to_string())
        ))),
    }
}

fn malformed(fault: &Malformed) -> Refusal {
    Refusal::invalid(fault.to_string())
}

fn unsupported(media_type: &str) -> Refusal {
    Refusal::invalid(format!("unsupported manifest media type {media_type:?}"))
}

fn wrong_type(mismatch: Mismatch) -> Refusal {
    let Mismatch { key, offset, wanted, found, .. } = mismatch;
    Refusal::invalid(format!("at byte {offset}: {key} can't be read, expected {wanted}, found {found}"))
}

/// OCI kinds must not look like each other (CVE-2021-41190). Registries do not check this for Docker's kinds.
fn check_confusion(document: &Document<'_>, kind: Kind) -> Result<(), Refusal> {
    if !matches!(kind, Kind::OciManifest | Kind::OciIndex) {
        return Ok(());
    }
    if kind == Kind::OciManifest && document.present.manifests {
        return Err(Refusal::invalid("expected an image manifest, found an index: it has \"manifests\""));
    }
    if kind == Kind::OciIndex && (document.present.config || document.present.layers) {
        let key = if document.present.config { "config" } else { "layers" };
        return Err(Refusal::invalid(format!("expected an index, found an image manifest: it has {key:?}")));
    }
    Ok(())
}

/// The tree does not keep the media type, so an index without one inside has to show what it is. Registries take one
/// that does not, and serve it as an image manifest without a config from then on.
fn check_read_back(document: &Document<'_>, kind: Kind) -> Result<(), Refusal> {
    let is_lost = kind == Kind::OciIndex && document.schema_version == Some(2) && detect(document) != kind;
    if is_lost {
        let message = "it has neither \"mediaType\" nor \"manifests\", so it would be read as an image manifest";
        return Err(Refusal::invalid(message));
    }
    Ok(())
}

/// Docker's kinds must state their media type; OCI kinds may omit it; schema1 is not checked.
fn check_media_type(document: &Document<'_>, kind: Kind) -> Result<(), Refusal> {
    let (Some(wanted), true) = (kind.media_type(), kind != Kind::Schema1) else { return Ok(()) };
    let found = document.media_type.map(Text::decode).unwrap_or_default();
    let optional = matches!(kind, Kind::OciManifest | Kind::OciIndex);
    if found == wanted || optional && found.is_empty() {
        return Ok(());
    }
    Err(Refusal::invalid(format!("mediaType should be {wanted:?}, not {found:?}")))
}
