//! Chooses the content to hash, if not all of it.

use std::str::FromStr;

use crate::digest::Digest;

/// A part of all content.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Subset {
    /// The `part`th of `parts`, counted from 1, by digest. Together the parts are all content, each blob once.
    Part {
        /// The number of the part.
        part: u64,
        /// The number of parts.
        parts: u64,
    },
    /// This many of a hundred blobs, at random.
    Percent(f64),
    /// About this many bytes, at random.
    Bytes(u64),
}

/// What the text of a subset must be.
const WANT: &str = "expected a part such as 3/16, a percentage such as 10%, or a size such as 50GiB";
const UNITS: [(&str, u32); 5] = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10), ("B", 0)];

impl FromStr for Subset {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some((part, parts)) = text.split_once('/') {
            let (part, parts): (u64, u64) = (number(part)?, number(parts)?);
            return if (1..=parts).contains(&part) { Ok(Self::Part { part, parts }) } else { Err(WANT) };
        }
        if let Some(percent) = text.strip_suffix('%') {
            let percent: f64 = percent.parse().map_err(|_| WANT)?;
            return if percent > 0.0 && percent <= 100.0 { Ok(Self::Percent(percent)) } else { Err(WANT) };
        }
        let (digits, shift) =
            UNITS.iter().find_map(|(unit, shift)| Some((text.strip_suffix(unit)?, *shift))).ok_or(WANT)?;
        let bytes = number(digits.trim_end())?.checked_mul(1 << shift).ok_or(WANT)?;
        if bytes > 0 { Ok(Self::Bytes(bytes)) } else { Err(WANT) }
    }
}

/// Parses digits only; a sign is refused.
fn number(text: &str) -> Result<u64, &'static str> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().map_err(|_| WANT) } else { Err(WANT) }
}

impl Subset {
    /// Whether the choice is random.
    pub(crate) const fn is_random(self) -> bool {
        !matches!(self, Self::Part { .. })
    }

    /// Returns the blobs in the subset. Each blob comes with its size.
    pub(super) fn choose(self, mut blobs: Vec<(Digest, u64)>, seed: u64) -> Vec<(Digest, u64)> {
        if let Self::Part { part, parts } = self {
            blobs.retain(|(digest, _)| begin(digest) % parts == part - 1);
            return blobs;
        }
        blobs.sort_unstable_by_key(|(digest, _)| (mix(begin(digest) ^ mix(seed)), *digest));
        let count = match self {
            Self::Bytes(limit) => {
                let mut sum = 0_u64;
                let until = |(_, size): &(Digest, u64)| {
                    sum = sum.saturating_add(*size);
                    sum >= limit
                };
                blobs.iter().position(until).map_or(blobs.len(), |last| last + 1)
            }
            #[expect(
                clippy::cast_precision_loss,
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a blob more or less of a percentage does not matter"
            )]
            Self::Percent(percent) => (blobs.len() as f64 * percent / 100.0).ceil() as usize,
            Self::Part { .. } => blobs.len(),
        };
        blobs.truncate(count);
        blobs
    }
}

/// The first eight bytes of the hash, which are as good as random.
fn begin(digest: &Digest) -> u64 {
    u64::from_be_bytes(digest.hash()[..8].try_into().expect("a hash has more bytes"))
}

/// Mixes a number, so that the result shows nothing of it (splitmix64).
fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blobs() -> Vec<(Digest, u64)> {
        (0..1000_u64).map(|i| (Digest::of(&i.to_be_bytes()), i)).collect()
    }

    #[test]
    fn a_subset_is_read_as_it_is_written() {
        let parse = |text: &str| text.parse::<Subset>();
        assert_eq!(parse("3/16"), Ok(Subset::Part { part: 3, parts: 16 }));
        assert_eq!(parse("1/1"), Ok(Subset::Part { part: 1, parts: 1 }));
        assert_eq!(parse("10%"), Ok(Subset::Percent(10.0)));
        assert_eq!(parse("0.5%"), Ok(Subset::Percent(0.5)));
        assert_eq!(parse("50GiB"), Ok(Subset::Bytes(50 << 30)));
        assert_eq!(parse("4096B"), Ok(Subset::Bytes(4096)));
        for bad in [
            "",
            "0/16",
            "17/16",
            "1/0",
            "0/0",
            "a/b",
            "1/",
            "/2",
            "-1/2",
            "1/2/3",
            "0%",
            "101%",
            "-1%",
            "%",
            "NaN%",
            "inf%",
            "GiB",
            "0B",
            // Blobs, percent or bytes?
            "50",
            "-5B",
            "1.5GiB",
            "50GB",
            "+5B",
            "99999999999TiB",
            "18446744073709551616B",
        ] {
            assert_eq!(parse(bad), Err(WANT), "{bad:?}");
        }
    }

    #[test]
    fn chance_is_repeated_by_its_seed() {
        let ten = Subset::Percent(10.0);
        assert_eq!(ten.choose(blobs(), 7).len(), 100);
        let mut turned = blobs();
        turned.reverse();
        assert_eq!(ten.choose(blobs(), 7), ten.choose(turned, 7));
        assert_ne!(ten.choose(blobs(), 7), ten.choose(blobs(), 8));
        assert_eq!(Subset::Percent(100.0).choose(blobs(), 7).len(), 1000);
        assert_eq!(Subset::Percent(0.001).choose(blobs(), 7).len(), 1);
    }

    #[test]
    fn bytes_are_enough_and_hardly_more() {
        let chosen = Subset::Bytes(50_000).choose(blobs(), 3);
        let sum: u64 = chosen.iter().map(|(_, size)| size).sum();
        assert!((50_000..51_000).contains(&sum), "{sum}");
        assert_eq!(Subset::Bytes(u64::MAX).choose(blobs(), 3).len(), 1000);
    }
}
