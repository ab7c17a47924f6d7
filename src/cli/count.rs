//! Writes sizes for people. `crate::count` writes counts.

use bytesize::ByteSize;

pub(super) use crate::count::plural;

/// From this number of bytes on, a rounded size is shown too.
const KIBIBYTE: u64 = 1024;

/// `51 B`, `2.00 KiB`.
pub(super) fn human_bytes(count: u64) -> String {
    format!("{:.2}", ByteSize(count))
}

/// `51 bytes`, `2048 bytes (2.00 KiB)`.
pub(super) fn bytes(count: u64) -> String {
    let exact = crate::count::bytes(count);
    if count < KIBIBYTE { exact } else { format!("{exact} ({})", human_bytes(count)) }
}

/// The width of a column of names below this header.
pub(super) fn width<'n>(header: &str, names: impl Iterator<Item = &'n str>) -> usize {
    names.map(|name| name.chars().count()).max().unwrap_or(0).max(header.len())
}

/// `; 2 blobs already existed`, for the end of a sentence; nothing for none.
pub(super) fn already_there(blobs: u64) -> String {
    match blobs {
        0 => String::new(),
        1 => "; 1 blob already existed".to_owned(),
        _ => format!("; {} already existed", plural(blobs, "blob")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    #[test]
    fn one_blob_was_there_and_two_were() {
        assert_eq!([0, 1, 2].map(already_there), ["", "; 1 blob already existed", "; 2 blobs already existed"]);
    }
}
