//! Oddities of manifests that can be read, but that other readers may read differently.

use serde::Serialize;

use crate::named::named;

named! {
    /// One way in which a manifest is odd.
    #[non_exhaustive]
    pub enum Oddity {
        /// A field occurs twice in one object. Go takes the last, and merges what is inside.
        DuplicateKey = "duplicate-key",
        /// A field's name is in another case. Go accepts it, other readers ignore it.
        DifferentlyCasedKey = "differently-cased-key",
        /// `manifests` occurs together with `config` or `layers` (CVE-2021-41190).
        AmbiguousKind = "ambiguous-kind",
        /// There are more levels than a registry reads.
        DeepNesting = "deep-nesting",
        /// A field or an element is `null`.
        NullValue = "null-value",
        /// There are bytes that are not UTF-8.
        InvalidUtf8 = "invalid-utf-8",
        /// A reference has no valid digest, or none at all.
        MalformedDigest = "malformed-digest",
        /// A reference has a digest by an algorithm that registries do not support.
        UnsupportedAlgorithm = "unsupported-algorithm",
        /// A size is negative.
        NegativeSize = "negative-size",
        /// A field has another type than a registry reads, or its number does not fit.
        WrongType = "wrong-type",
        /// An image manifest has no config.
        MissingConfig = "missing-config",
        /// There are more bytes than a registry accepts.
        Oversized = "oversized",
        /// The media type is that of another kind than was asked for, or than the schema version implies.
        MediaTypeMismatch = "media-type-mismatch",
    }
}

impl Oddity {
    /// Whether another reader may see other references. Everything mentioned must then be kept.
    pub const fn casts_doubt(self) -> bool {
        !matches!(self, Self::NullValue | Self::NegativeSize | Self::Oversized | Self::InvalidUtf8)
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
