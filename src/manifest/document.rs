//! A document as Go's decoder would leave it in the structs of all kinds at once.

use std::collections::BTreeMap;

use super::field::Field;
use super::go::Slice;
use super::json::Text;
use super::oddity::Sightings;

/// A list of texts.
pub(super) type Texts<'b> = Slice<Option<Text<'b>>>;
/// A descriptor, once one of its fields was read. Documents with millions of empty ones exist to fill memory.
pub(super) type Slot<'b> = Option<Box<DescriptorSlot<'b>>>;
/// A list of descriptors.
pub(super) type Descriptors<'b> = Slice<Slot<'b>>;
/// Annotations in document order, before they become a map.
pub(super) type Pairs<'b> = Vec<(Text<'b>, Option<Text<'b>>)>;

/// Everything that the decoder of some kind reads, borrowed from the bytes.
#[derive(Debug, Default)]
pub(super) struct Document<'b> {
    /// Whether the top is an object. In Go, `null` decodes to an empty document.
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
    /// Only the number of entries matters.
    pub(super) history: Slice<()>,
    pub(super) name: Option<Text<'b>>,
    pub(super) tag: Option<Text<'b>>,
    pub(super) architecture: Option<Text<'b>>,
    pub(super) present: Present,
    /// The oddities of the whole document.
    pub(super) sightings: Sightings,
    /// The oddities in each field.
    pub(super) in_field: [Sightings; Field::COUNT],
    /// The first wrong type in each field.
    pub(super) mismatches: [Option<Mismatch>; Field::COUNT],
}

impl Document<'_> {
    /// The first value of a wrong type, in document order, in the fields for which `sees` is true.
    pub(super) fn first_mismatch(&self, sees: impl Fn(Field) -> bool) -> Option<Mismatch> {
        let found = self.mismatches.iter().flatten().filter(|mismatch| sees(mismatch.field));
        found.min_by_key(|mismatch| mismatch.offset).copied()
    }

    /// Whether it looks like an index and like an image manifest.
    pub(super) fn is_ambiguous(&self) -> bool {
        self.present.manifests && (self.present.config || self.present.layers)
    }
}

/// Which fields have a value other than `null`, even one of the wrong type. The last of two equal keys counts.
#[derive(Debug, Default)]
pub(super) struct Present {
    pub(super) config: bool,
    pub(super) layers: bool,
    pub(super) manifests: bool,
}

/// The fields of a descriptor. Elements of `fsLayers` use it too, and have only the digest.
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

/// A value that does not have the type of its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mismatch {
    pub(super) field: Field,
    /// The innermost key.
    pub(super) key: &'static str,
    pub(super) offset: usize,
    pub(super) wanted: &'static str,
    pub(super) found: &'static str,
}

/// The pairs as a map in which the last of two equal keys wins, and whether a key occurs twice.
pub(super) fn to_map(pairs: &Pairs<'_>) -> (BTreeMap<String, String>, bool) {
    let text = |value: Option<Text<'_>>| value.map(|text| text.decode().into_owned()).unwrap_or_default();
    let map: BTreeMap<_, _> = pairs.iter().map(|(key, value)| (key.decode().into_owned(), text(*value))).collect();
    let twice = map.len() < pairs.len();
    (map, twice)
}
