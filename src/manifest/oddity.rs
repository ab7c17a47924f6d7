//! Oddities of manifests that can be read, but that other readers may read differently.

use std::fmt;

use serde::{Serialize, Serializer};

/// One way in which a manifest is odd.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Oddity {
    /// A field occurs twice in one object. Go takes the last, and merges what is inside.
    DuplicateKey,
    /// A field's name is in another case. Go accepts it, other readers ignore it.
    DifferentlyCasedKey,
    /// `manifests` occurs together with `config` or `layers` (CVE-2021-41190).
    AmbiguousKind,
    /// There are more levels than a registry reads.
    DeepNesting,
    /// A field or an element is `null`.
    NullValue,
    /// There are bytes that are not UTF-8.
    InvalidUtf8,
    /// A reference has no valid digest, or none at all.
    MalformedDigest,
    /// A reference has a digest by an algorithm that registries do not support.
    UnsupportedAlgorithm,
    /// A size is negative.
    NegativeSize,
    /// A field has another type than a registry reads, or its number does not fit.
    WrongType,
    /// An image manifest has no config.
    MissingConfig,
    /// There are more bytes than a registry accepts.
    Oversized,
    /// The media type is that of another kind than was asked for, or than the schema version implies.
    MediaTypeMismatch,
}

impl Oddity {
    /// Every oddity.
    pub const ALL: [Self; 13] = [
        Self::DuplicateKey,
        Self::DifferentlyCasedKey,
        Self::AmbiguousKind,
        Self::DeepNesting,
        Self::NullValue,
        Self::InvalidUtf8,
        Self::MalformedDigest,
        Self::UnsupportedAlgorithm,
        Self::NegativeSize,
        Self::WrongType,
        Self::MissingConfig,
        Self::Oversized,
        Self::MediaTypeMismatch,
    ];

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DuplicateKey => "duplicate-key",
            Self::DifferentlyCasedKey => "differently-cased-key",
            Self::AmbiguousKind => "ambiguous-kind",
            Self::DeepNesting => "deep-nesting",
            Self::NullValue => "null-value",
            Self::InvalidUtf8 => "invalid-utf-8",
            Self::MalformedDigest => "malformed-digest",
            Self::UnsupportedAlgorithm => "unsupported-algorithm",
            Self::NegativeSize => "negative-size",
            Self::WrongType => "wrong-type",
            Self::MissingConfig => "missing-config",
            Self::Oversized => "oversized",
            Self::MediaTypeMismatch => "media-type-mismatch",
        }
    }

    /// Whether another reader may see other references. Everything mentioned must then be kept.
    pub const fn casts_doubt(self) -> bool {
        !matches!(self, Self::NullValue | Self::NegativeSize | Self::Oversized | Self::InvalidUtf8)
    }
}

impl fmt::Display for Oddity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for Oddity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// An oddity, the first place where it was found, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Sighting {
    /// The oddity.
    pub oddity: Oddity,
    /// The first place, in bytes from the start of the document; 0 when it concerns the whole document.
    pub offset: usize,
    /// The number of places.
    pub count: usize,
}

/// Collects oddities. There is at most one entry for each kind of oddity.
#[derive(Clone, Debug, Default)]
pub(super) struct Sightings(Vec<Sighting>);

impl Sightings {
    pub(super) fn note(&mut self, oddity: Oddity, offset: usize) {
        self.merge(Sighting { oddity, offset, count: 1 });
    }

    pub(super) fn merge(&mut self, new: Sighting) {
        match self.0.iter_mut().find(|known| known.oddity == new.oddity) {
            Some(known) => {
                known.offset = known.offset.min(new.offset);
                known.count += new.count;
            }
            None => self.0.push(new),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Sighting> + '_ {
        self.0.iter().copied()
    }

    /// The sightings in the order of [`Oddity::ALL`].
    pub(super) fn sorted(mut self) -> Vec<Sighting> {
        self.0.sort_by_key(|sighting| sighting.oddity);
        self.0.shrink_to_fit();
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct_and_stable_in_form() {
        let names: std::collections::BTreeSet<_> = Oddity::ALL.iter().map(|oddity| oddity.name()).collect();
        assert_eq!(names.len(), Oddity::ALL.len());
        let kebab = |name: &&str| name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        assert!(names.iter().all(kebab), "{names:?}");
    }

    #[test]
    fn the_same_oddity_is_kept_once() {
        let mut sightings = Sightings::default();
        for (oddity, offset) in [(Oddity::NullValue, 9), (Oddity::DuplicateKey, 5), (Oddity::NullValue, 3)] {
            sightings.note(oddity, offset);
        }
        let sighting = |oddity, offset, count| Sighting { oddity, offset, count };
        let expected = [sighting(Oddity::DuplicateKey, 5, 1), sighting(Oddity::NullValue, 3, 2)];
        assert_eq!(sightings.sorted(), expected);
    }
}
