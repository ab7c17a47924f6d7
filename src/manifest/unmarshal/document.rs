//! A document as Go's decoder would leave it in the structs of all kinds at once.

use std::collections::BTreeMap;

use super::super::json::Text;
use super::super::oddity::Sightings;
use super::field::Field;
use super::go_slice::Slice;

/// A list of texts.
pub(in crate::manifest) type Texts<'b> = Slice<Option<Text<'b>>>;
/// A descriptor, once one of its fields was read. Documents with millions of empty ones exist to fill memory.
pub(in crate::manifest) type Slot<'b> = Option<Box<DescriptorSlot<'b>>>;
/// A list of descriptors.
pub(in crate::manifest) type Descriptors<'b> = Slice<Slot<'b>>;
/// Annotations in document order, before they become a map.
pub(in crate::manifest) type Pairs<'b> = Vec<(Text<'b>, Option<Text<'b>>)>;

/// Everything that the decoder of some kind reads, borrowed from the bytes.
#[derive(Debug, Default)]
pub(in crate::manifest) struct Document<'b> {
    /// Whether the top is an object. In Go, `null` decodes to an empty document.
    pub(in crate::manifest) is_object: bool,
    pub(in crate::manifest) schema_version: Option<i64>,
    pub(in crate::manifest) media_type: Option<Text<'b>>,
    pub(in crate::manifest) config: Slot<'b>,
    pub(in crate::manifest) layers: Descriptors<'b>,
    pub(in crate::manifest) manifests: Descriptors<'b>,
    pub(in crate::manifest) annotations: Pairs<'b>,
    pub(in crate::manifest) subject: Option<Slot<'b>>,
    pub(in crate::manifest) artifact_type: Option<Text<'b>>,
    pub(in crate::manifest) fs_layers: Descriptors<'b>,
    /// Only the number of entries matters.
    pub(in crate::manifest) history: Slice<()>,
    pub(in crate::manifest) name: Option<Text<'b>>,
    pub(in crate::manifest) tag: Option<Text<'b>>,
    pub(in crate::manifest) architecture: Option<Text<'b>>,
    pub(in crate::manifest) present: Present,
    /// The oddities of the whole document.
    pub(in crate::manifest) sightings: Sightings,
    /// The oddities in each field.
    pub(in crate::manifest) in_field: [Sightings; Field::COUNT],
    /// The first wrong type in each field.
    pub(in crate::manifest) mismatches: [Option<Mismatch>; Field::COUNT],
}

impl Document<'_> {
    /// The first value of a wrong type, in document order, in the fields for which `sees` is true.
    pub(in crate::manifest) fn first_mismatch(&self, sees: impl Fn(Field) -> bool) -> Option<Mismatch> {
        let found = self.mismatches.iter().flatten().filter(|mismatch| sees(mismatch.field));
        found.min_by_key(|mismatch| mismatch.offset).copied()
    }

    /// Whether it looks like an index and like an image manifest.
    pub(in crate::manifest) fn is_ambiguous(&self) -> bool {
        self.present.manifests && (self.present.config || self.present.layers)
    }
}

/// Which fields have a value other than `null`, even one of the wrong type. The last of two equal keys counts.
#[derive(Debug, Default)]
pub(in crate::manifest) struct Present {
    pub(in crate::manifest) config: bool,
    pub(in crate::manifest) layers: bool,
    pub(in crate::manifest) manifests: bool,
}

/// The fields of a descriptor. Elements of `fsLayers` use it too, and have only the digest.
#[derive(Debug, Default)]
pub(in crate::manifest) struct DescriptorSlot<'b> {
    pub(in crate::manifest) offset: usize,
    pub(in crate::manifest) media_type: Option<Text<'b>>,
    pub(in crate::manifest) digest: Option<Text<'b>>,
    pub(in crate::manifest) size: Option<i64>,
    pub(in crate::manifest) urls: Texts<'b>,
    pub(in crate::manifest) annotations: Pairs<'b>,
    pub(in crate::manifest) platform: Option<Box<PlatformSlot<'b>>>,
    pub(in crate::manifest) artifact_type: Option<Text<'b>>,
    /// The content inside of it, decoded.
    pub(in crate::manifest) data: Option<Vec<u8>>,
}

/// A platform's fields.
#[derive(Debug, Default)]
pub(in crate::manifest) struct PlatformSlot<'b> {
    pub(in crate::manifest) architecture: Option<Text<'b>>,
    pub(in crate::manifest) os: Option<Text<'b>>,
    pub(in crate::manifest) os_version: Option<Text<'b>>,
    pub(in crate::manifest) variant: Option<Text<'b>>,
}

/// A value that does not have the type of its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::manifest) struct Mismatch {
    pub(in crate::manifest) field: Field,
    /// The innermost key.
    pub(in crate::manifest) key: &'static str,
    pub(in crate::manifest) offset: usize,
    pub(in crate::manifest) wanted: &'static str,
    pub(in crate::manifest) found: &'static str,
}

/// The pairs as a map in which the last of two equal keys wins, and whether a key occurs twice.
pub(in crate::manifest) fn to_map(pairs: &Pairs<'_>) -> (BTreeMap<String, String>, bool) {
    let text = |value: Option<Text<'_>>| value.map(|text| text.decode().into_owned()).unwrap_or_default();
    let map: BTreeMap<_, _> = pairs.iter().map(|(key, value)| (key.decode().into_owned(), text(*value))).collect();
    let twice = map.len() < pairs.len();
    (map, twice)
}
