//! Reads the manifests that are in a tree.

use std::collections::{BTreeMap, BTreeSet};

use super::json::{Malformed, Reason, Text};
use super::kind::Kind;
use super::mention::mentioned;
use super::model::{Embedded, Manifest, Platform, Reference, Role, Schema1};
use super::oddity::{Oddity, Sightings};
use super::unmarshal::{self, DescriptorSlot, Document, Field, Pairs, PlatformSlot, Slot, to_map};
use super::{MAX_PUT, MAX_READ};
use crate::digest::{Digest, DigestError};

impl Manifest {
    /// Reads a manifest of any kind. The kind follows from the content (layout.md §5.1).
    ///
    /// `Err` when the bytes are not a JSON object, or are more than [`MAX_READ`]. Anything else is read as far as
    /// possible, and what is odd about it is in [`Manifest::oddities`].
    pub fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let document = open(bytes)?;
        let kind = detect(&document);
        build(bytes, &document, kind, Empty::Dropped)
    }

    /// Reads a manifest as one of `kind`, even if its content names another.
    pub fn read_as(bytes: &[u8], kind: Kind) -> Result<Self, Malformed> {
        build(bytes, &open(bytes)?, kind, Empty::Dropped)
    }
}

/// The content `digest` that a descriptor in a manifest embeds as its `data`.
pub(crate) fn embedded(bytes: &[u8], digest: &Digest) -> Option<Vec<u8>> {
    let document = open(bytes).ok()?;
    let lists = document.layers.items().iter().chain(document.manifests.items());
    lists.chain([&document.config]).flatten().find_map(|slot| {
        let data =
            slot.data.as_ref().filter(|_| slot.digest.is_some_and(|text| text.decode().parse() == Ok(*digest)))?;
        (Embedded::of(data, digest, None) == Embedded::Right).then(|| data.clone())
    })
}

fn open(bytes: &[u8]) -> Result<Document<'_>, Malformed> {
    if bytes.len() > MAX_READ {
        return Err(Malformed { offset: MAX_READ, reason: Reason::TooLarge(MAX_READ) });
    }
    let document = unmarshal::document(bytes, usize::MAX)?;
    if !document.is_object {
        return Err(Malformed { offset: 0, reason: Reason::NotAnObject });
    }
    Ok(document)
}

/// The kind that a registry takes a stored document for (layout.md §5.1).
pub(super) fn detect(document: &Document<'_>) -> Kind {
    let versioned = |field| matches!(field, Field::SchemaVersion | Field::MediaType);
    if document.first_mismatch(versioned).is_some() {
        return Kind::Unknown;
    }
    let media_type = document.media_type.map(Text::decode).unwrap_or_default();
    match document.schema_version {
        Some(1) => Kind::Schema1,
        Some(2) if media_type.is_empty() => untyped(document),
        // Schema1's own media types do not fit version 2.
        Some(2) => Kind::from_media_type(&media_type).filter(|kind| *kind != Kind::Schema1).unwrap_or(Kind::Unknown),
        _ => Kind::Unknown,
    }
}

/// An index if it decodes as one and has `manifests`; else an image manifest.
pub(super) fn untyped(document: &Document<'_>) -> Kind {
    let decodes = document.first_mismatch(|field| field.is_decoded_in(Kind::OciIndex)).is_none();
    if decodes && document.manifests.is_present() { Kind::OciIndex } else { Kind::OciManifest }
}

/// What to do with references that have no digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Empty {
    /// Leave them out: they refer to nothing, and the oddity reports them.
    Dropped,
    /// Keep them, so that each can be refused.
    Kept,
}

/// Makes a manifest of `kind` from a document.
pub(super) fn build(bytes: &[u8], document: &Document<'_>, kind: Kind, empty: Empty) -> Result<Manifest, Malformed> {
    let mut builder = Builder { sightings: document.sightings.clone(), kind, empty };
    builder.whole(bytes, document);
    let references = builder.references(document);
    let subject = document.subject.as_ref().filter(|_| kind != Kind::Schema1);
    let subject = subject.and_then(|slot| builder.reference(Role::Subject, slot));
    let annotations = builder.map(Field::Annotations, &document.annotations);
    let oddities = builder.sightings.sorted();
    let mut manifest = Manifest {
        kind,
        media_type: own(document.media_type).filter(|text| !text.is_empty()),
        schema_version: document.schema_version,
        references,
        subject,
        artifact_type: own(document.artifact_type),
        annotations,
        schema1: (kind == Kind::Schema1).then(|| schema1(document)),
        odd_features: odd_features(document, kind),
        oddities,
        mentioned: Vec::new(),
    };
    if kind == Kind::Unknown || manifest.oddities.iter().any(|sighting| sighting.oddity.casts_doubt()) {
        // In an unknown kind, `subject` may mean anything.
        let subject = manifest.subject.iter().filter(|_| kind != Kind::Unknown);
        let known: BTreeSet<_> =
            manifest.references.iter().chain(subject).filter_map(|reference| reference.digest.ok()).collect();
        manifest.mentioned = mentioned(bytes)?;
        manifest.mentioned.retain(|digest| !known.contains(digest));
        manifest.mentioned.shrink_to_fit();
    }
    Ok(manifest)
}

struct Builder {
    sightings: Sightings,
    kind: Kind,
    empty: Empty,
}

impl Builder {
    /// Collects the oddities of the whole document, and those in fields that matter in this kind.
    fn whole(&mut self, bytes: &[u8], document: &Document<'_>) {
        for (_, field) in Field::TOP.into_iter().chain([("features", Field::Features)]) {
            if field.matters_in(self.kind) {
                document.in_field[field as usize].iter().for_each(|sighting| self.sightings.merge(sighting));
            }
        }
        if document.is_ambiguous() {
            self.sightings.note(Oddity::AmbiguousKind, 0);
        }
        if bytes.len() > MAX_PUT {
            self.sightings.note(Oddity::Oversized, MAX_PUT);
        }
        let named = document.media_type.map(Text::decode).filter(|text| !text.is_empty());
        let named = named.and_then(|text| Kind::from_media_type(&text));
        if named.is_some_and(|named| named != self.kind) {
            self.sightings.note(Oddity::MediaTypeMismatch, 0);
        }
    }

    fn references(&mut self, document: &Document<'_>) -> Vec<Reference> {
        match self.kind {
            Kind::Schema1 => self.list(Role::Layer, document.fs_layers.items()),
            Kind::Schema2 | Kind::OciManifest => {
                if !document.present.config && document.config.is_none() {
                    self.sightings.note(Oddity::MissingConfig, 0);
                }
                let mut references = Vec::new();
                references.extend(self.reference(Role::Config, &document.config));
                references.extend(self.list(Role::Layer, document.layers.items()));
                references
            }
            Kind::ManifestList | Kind::OciIndex => self.list(Role::Child, document.manifests.items()),
            Kind::Unknown => Vec::new(),
        }
    }

    fn list(&mut self, role: Role, slots: &[Slot<'_>]) -> Vec<Reference> {
        slots.iter().filter_map(|slot| self.reference(role, slot)).collect()
    }

    /// The reference in `slot`; `None` when it has no digest and such references are left out.
    fn reference(&mut self, role: Role, slot: &Slot<'_>) -> Option<Reference> {
        let empty = DescriptorSlot::default();
        let slot = slot.as_deref().unwrap_or(&empty);
        let text = own(slot.digest).unwrap_or_default();
        let digest = text.parse();
        match digest {
            Ok(_) => {}
            Err(DigestError::Unsupported | DigestError::TarsumVersion) => {
                self.sightings.note(Oddity::UnsupportedAlgorithm, slot.offset);
            }
            Err(_) => self.sightings.note(Oddity::MalformedDigest, slot.offset),
        }
        if slot.size.is_some_and(i64::is_negative) {
            self.sightings.note(Oddity::NegativeSize, slot.offset);
        }
        if text.is_empty() && self.empty == Empty::Dropped {
            return None;
        }
        let embedded = slot.data.as_ref().zip(digest.ok());
        Some(Reference {
            role,
            text,
            digest,
            embedded: embedded.map(|(data, digest)| Embedded::of(data, &digest, slot.size)),
            size: slot.size,
            media_type: own(slot.media_type),
            urls: slot.urls.items().iter().map(|url| own(*url).unwrap_or_default()).collect(),
            platform: slot.platform.as_deref().map(platform),
            artifact_type: own(slot.artifact_type),
            annotations: self.map_at(slot.offset, &slot.annotations),
        })
    }

    fn map(&mut self, field: Field, pairs: &Pairs<'_>) -> BTreeMap<String, String> {
        if field.matters_in(self.kind) { self.map_at(0, pairs) } else { to_map(pairs).0 }
    }

    fn map_at(&mut self, offset: usize, pairs: &Pairs<'_>) -> BTreeMap<String, String> {
        let (map, twice) = to_map(pairs);
        if twice {
            self.sightings.note(Oddity::DuplicateKey, offset);
        }
        map
    }
}

fn odd_features(document: &Document<'_>, kind: Kind) -> Option<usize> {
    let found = document.first_mismatch(|field| field == Field::Features);
    found.filter(|_| kind == Kind::OciIndex).map(|mismatch| mismatch.offset)
}

fn own(text: Option<Text<'_>>) -> Option<String> {
    text.map(|text| text.decode().into_owned())
}

fn platform(slot: &PlatformSlot<'_>) -> Platform {
    let text = |text| own(text).unwrap_or_default();
    Platform {
        os: text(slot.os),
        architecture: text(slot.architecture),
        variant: text(slot.variant),
        os_version: text(slot.os_version),
    }
}

fn schema1(document: &Document<'_>) -> Schema1 {
    let text = |text| own(text).unwrap_or_default();
    Schema1 {
        name: text(document.name),
        tag: text(document.tag),
        architecture: text(document.architecture),
        history: document.history.items().len(),
    }
}
