//! Counts and bytes in sentences. No other file writes them.

use std::fmt::Display;

use bytesize::ByteSize;

/// From this number of bytes on, a rounded size is shown too.
const KIBIBYTE: u64 = 1024;

/// `1 tag`, `2 tags`.
pub(super) fn plural<N: Copy + Display + PartialEq + From<u8>>(count: N, thing: &str) -> String {
    format!("{count} {}", noun(count, thing))
}

/// The noun for a count: `tag`, or `tags`.
pub(super) fn noun<N: Copy + PartialEq + From<u8>>(count: N, thing: &str) -> String {
    match thing.strip_suffix('y') {
        _ if count == N::from(1) => thing.to_owned(),
        Some(stem) => format!("{stem}ies"),
        None => format!("{thing}s"),
    }
}

/// `51 B`, `2.00 KiB`.
pub(super) fn human_bytes(count: u64) -> String {
    format!("{:.2}", ByteSize(count))
}

/// `51 bytes`, `2048 bytes (2.00 KiB)`.
pub(super) fn bytes(count: u64) -> String {
    let exact = plural(count, "byte");
    if count < KIBIBYTE { exact } else { format!("{exact} ({})", human_bytes(count)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_no_plural() {
        for (count, text) in [(0, "0 repositories"), (1, "1 repository"), (2, "2 repositories")] {
            assert_eq!(plural(count, "repository"), text);
        }
        assert_eq!([plural(1_u64, "tag"), plural(7_u64, "tag")], ["1 tag", "7 tags"]);
    }

    #[test]
    fn sizes_are_rounded_to_units_of_1024() {
        let texts = [0, 1023, 1500, 1_500_000, u64::MAX].map(human_bytes);
        assert_eq!(texts, ["0 B", "1023 B", "1.46 KiB", "1.43 MiB", "16.00 EiB"]);
    }

    #[test]
    fn bytes_are_said_twice_only_where_the_two_differ() {
        let texts = [0, 1, 51, 1023, 2048].map(bytes);
        assert_eq!(texts, ["0 bytes", "1 byte", "51 bytes", "1023 bytes", "2048 bytes (2.00 KiB)"]);
    }
}
