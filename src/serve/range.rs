//! Which bytes a client wants: the `Range` header (RFC 9110 §14.1).

/// What a client wants of content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All of it.
    All,
    /// A part, from `first` on.
    Part {
        /// The first byte, counted from 0.
        first: u64,
        /// The number of bytes, at least 1.
        length: u64,
    },
    /// Bytes that it does not have, or no range at all.
    Unsatisfiable,
}

impl Wanted {
    /// What a `Range` header wants of content of `size` bytes. Of several ranges none is answered, so all is wanted.
    pub(super) fn of(header: &str, size: u64) -> Self {
        let Some(ranges) = header.strip_prefix("bytes=") else { return Self::Unsatisfiable };
        // A list may have empty elements (RFC 9110 §5.6.1.2).
        let mut ranges = ranges.split(',').map(str::trim).filter(|range| !range.is_empty());
        match (ranges.next(), ranges.next()) {
            (Some(range), None) => Self::of_one(range, size).unwrap_or(Self::Unsatisfiable),
            _ => Self::All,
        }
    }

    fn of_one(range: &str, size: u64) -> Option<Self> {
        let number = |text: &str| {
            // The standard parser accepts a sign. A number that is too large for it lies behind the end, as any such.
            let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            is_number.then(|| text.parse().unwrap_or(u64::MAX))
        };
        let (first, last) = range.split_once('-')?;
        let (first, last) = (first.trim(), last.trim());
        if first.is_empty() {
            let length = number(last)?.min(size);
            return (length > 0).then_some(Self::Part { first: size - length, length });
        }
        let first = number(first)?;
        let last = if last.is_empty() { u64::MAX } else { number(last)? };
        (first < size && first <= last).then(|| Self::Part { first, length: last.min(size - 1) - first + 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_one_part_of_what_is_there() {
        let part = |first, length| Wanted::Part { first, length };
        for (header, size, wanted) in [
            ("bytes=0-3", 10, part(0, 4)),
            ("bytes=0-0", 10, part(0, 1)),
            ("bytes=9-", 10, part(9, 1)),
            ("bytes=2-99", 10, part(2, 8)),
            ("bytes=2-18446744073709551615", 10, part(2, 8)),
            ("bytes=2-18446744073709551616", 10, part(2, 8)),
            ("bytes=-99999999999999999999", 10, part(0, 10)),
            ("bytes=,0-1, ", 10, part(0, 2)),
            ("bytes= 0 - 1", 10, part(0, 2)),
            ("bytes=-4", 10, part(6, 4)),
            ("bytes=-40", 10, part(0, 10)),
            ("bytes=0-1,3-4", 10, Wanted::All),
            ("bytes=", 10, Wanted::All),
        ] {
            assert_eq!(Wanted::of(header, size), wanted, "{header}");
        }
        for header in [
            "bytes=10-",
            "bytes=5-2",
            "bytes=-0",
            "bytes=-",
            "bytes=x-1",
            "bytes=+1-2",
            "bytes=1",
            "junk",
            "bytes=18446744073709551616-",
            "lines=0-1",
            "",
        ] {
            assert_eq!(Wanted::of(header, 10), Wanted::Unsatisfiable, "{header}");
        }
        for header in ["bytes=0-", "bytes=-1", "bytes=0-0"] {
            assert_eq!(Wanted::of(header, 0), Wanted::Unsatisfiable, "{header}");
        }
    }
}
