//! Writes counts in sentences. Every message counts with this.

use std::fmt::Display;

/// A count with its noun: `1 tag`, `2 tags`.
pub(crate) fn plural<N: Copy + Display + PartialEq + From<u8>>(count: N, noun: &str) -> String {
    format!("{count} {}", self::noun(count, noun))
}

/// The noun for a count: `tag`, or `tags`.
pub(crate) fn noun<N: Copy + PartialEq + From<u8>>(count: N, noun: &str) -> String {
    match noun.strip_suffix('y') {
        _ if count == N::from(1) => noun.to_owned(),
        Some(stem) => format!("{stem}ies"),
        None => format!("{noun}s"),
    }
}

/// `1 byte`, `51 bytes`.
pub(crate) fn bytes(count: u64) -> String {
    plural(count, "byte")
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
        assert_eq!([0, 1, 2].map(bytes), ["0 bytes", "1 byte", "2 bytes"]);
    }
}
