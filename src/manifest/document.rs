//! A document as Go's decoder leaves it in the structs of all kinds at once.

use std::collections::BTreeMap;

use super::field::Field;
use super::go::Slice;
use super::json::Text;
use super::oddity::Sightings;

/// A list of texts.
pub(super) type Texts<'b> = Slice<Option<Text<'b>>>;
/// A descriptor, once a field of it was met: lists of millions of empty ones exist to fill memory.
pub(super) type Slot<'b> = Option<Box<DescriptorSlot<'b>>>;
/// A list of descriptors.
pub(super) type Descriptors<'b> = Slice<Slot<'b>>;
/// Annotations in document order, as a map would be filled.
pub(super) type Pairs<'b> = Vec<(Text<'b>, Option<Text<'b>>)>;

/// Everything that some kind's decoder reads, borrowed from the bytes.
#[derive(Debug, Default)]
pub(super) struct Document<'b> {
    /// Whether the top is an object; `null` decodes to an empty document in Go.
    pub(super) is_object: bool,
    pub(super) schema_version: Option<i64>,
    pub(super) media_type: Option<Text<'b>>,
    pub(super) config: Slot<'b>,
    pub(super) layers: Descriptors<'b>,
    pub(super) manifests: Descriptors<'b>,
    pub(super) annotations: Pairs<'b>,
    pub(super) subject: Option<Slot<'b>>,
    pub(super) artifact_type: Option<Text<'b>>,
    pub(super) fs_layers: Descriptors<'b>,
    /// Only their number matters.
    pub(super) history: Slice<()>,
    pub(super) name: Option<Text<'b>>,
    pub(super) tag: Option<Text<'b>>,
    pub(super) architecture: Option<Text<'b>>,
    pub(super) present: Present,
    /// What is odd about the whole.
    pub(super) sightings: Sightings,
    /// What is odd in each field.
    pub(super) in_field: [Sightings; Field::COUNT],
    /// The first wrong type in each field.
    pub(super) mismatches: [Option<Mismatch>; Field::COUNT],
}

impl Document<'_> {
    /// The first wrong type, in document order, in the fields that `sees` tells.
    pub(super) fn first_mismatch(&self, sees: impl Fn(Field) -> bool) -> Option<Mismatch> {
        let found = self.mismatches.iter().flatten().filter(|mismatch| sees(mismatch.field));
        found.min_by_key(|mismatch| mismatch.offset).copied()
    }

    /// Whether it says to be an index and an image manifest at once.
    pub(super) fn is_ambiguous(&self) -> bool {
        self.present.manifests && (self.present.config || self.present.layers)
    }
}

/// Which fields are something else than `null`, be it of the wrong type; the last of two counts.
#[derive(Debug, Default)]
pub(super) struct Present {
    pub(super) config: bool,
    pub(super) layers: bool,
    pub(super) manifests: bool,
}

/// A descriptor's fields; also `fsLayers`' elements, which have the digest only.
#[derive(Debug, Default)]
pub(super) struct DescriptorSlot<'b> {
    pub(super) offset: usize,
    pub(super) media_type: Option<Text<'b>>,
    pub(super) digest: Option<Text<'b>>,
    pub(super) size: Option<i64>,
    pub(super) urls: Texts<'b>,
    pub(super) annotations: Pairs<'b>,
    pub(super) platform: Option<Box<PlatformSlot<'b>>>,
    pub(super) artifact_type: Option<Text<'b>>,
}

/// A platform's fields.
#[derive(Debug, Default)]
pub(super) struct PlatformSlot<'b> {
    pub(super) architecture: Option<Text<'b>>,
    pub(super) os: Option<Text<'b>>,
    pub(super) os_version: Option<Text<'b>>,
    pub(super) variant: Option<Text<'b>>,
}

/// A value of another type than the field it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mismatch {
    pub(super) field: Field,
    /// The innermost key.
    pub(super) key: &'static str,
    pub(super) offset: usize,
    pub(super) wanted: &'static str,
    pub(super) found: &'static str,
}

/// Pairs as a map, the last one winning, and whether a key stands twice.
pub(super) fn to_map(pairs: &Pairs<'_>) -> (BTreeMap<String, String>, bool) {
    let text = |value: Option<Text<'_>>| value.map(|text| text.decode().into_owned()).unwrap_or_default();
    let map: BTreeMap<_, _> = pairs.iter().map(|(key, value)| (key.decode().into_owned(), text(*value))).collect();
    let twice = map.len() < pairs.len();
    (map, twice)
}
