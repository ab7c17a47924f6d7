//! Finds the digests mentioned anywhere in a document, for documents whose references can't be known for sure.

use super::json::{Event, Malformed, Reader, Text};
use crate::digest::{Algorithm, Digest};

/// Every digest in any key or string of a document, alone or inside longer text; sorted, each once.
pub(super) fn mentioned(bytes: &[u8]) -> Result<Vec<Digest>, Malformed> {
    let mut reader = Reader::new(bytes);
    let mut found = Vec::new();
    while let Some(event) = reader.next()? {
        if let Event::Key(text) | Event::String(text) = event {
            in_string(text, &mut found);
        }
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

fn in_string(text: Text<'_>, found: &mut Vec<Digest>) {
    let text = text.decode();
    for (colon, _) in text.match_indices(':') {
        found.extend(around(&text, colon));
    }
}

/// The digest around this colon: the algorithm before it, and as many hex digits after it as the algorithm needs. More
/// digits may follow, because one digest too many is better than one missed.
fn around(text: &str, colon: usize) -> Option<Digest> {
    let (before, after) = (&text[..colon], &text[colon + 1..]);
    let algorithm = Algorithm::ALL.into_iter().find(|algorithm| before.ends_with(algorithm.name()))?;
    let encoded = after.get(..algorithm.size() * 2)?;
    let name = &before[before.len() - algorithm.name().len()..];
    let prefix = &before[..before.len() - name.len()];
    let tarsum = ["tarsum+", "tarsum.v1+", "tarsum.dev+"].into_iter().find(|tarsum| prefix.ends_with(tarsum));
    format!("{}{name}:{encoded}", tarsum.unwrap_or_default()).parse().ok()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests {
    use super::*;

    fn texts(document: &str) -> Vec<String> {
        mentioned(document.as_bytes()).unwrap().iter().map(Digest::to_string).collect()
    }

    #[test]
    fn digests_are_found_wherever_they_stand() {
        let of = |algorithm: &str, digit: &str, count| format!("{algorithm}:{}", digit.repeat(count));
        let mut expected = [
            of("sha256", "1", 64),
            of("sha256", "2", 64),
            of("sha256", "3", 64),
            of("tarsum.v1+sha256", "4", 64),
            of("sha256", "5", 64),
            of("sha512", "6", 128),
            of("sha384", "7", 96),
        ];
        let [key, embedded, escaped, tarsum, first, second, third] = &expected;
        let document = format!(
            r#"{{"{key}":[{{"x":"oci://host/name@{embedded}?x"}},"{embedded}"],"escaped":"\u0073{}","tarsum":"{tarsum}",
                "three":"{first}{second} {third}","short":"{}","upper":"{}","n":12}}"#,
            escaped[1..].replace(':', r"\u003a"),
            of("sha256", "8", 63),
            of("sha256", "A", 64),
        );
        let mut found = texts(&document);
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
    }

    #[test]
    fn text_that_is_no_ascii_does_no_harm() {
        let document = format!("[\"sha256:{}é\", \"é:é\", \"sha256:é\", \":\", \"sha256:\"]", "a".repeat(63));
        assert_eq!(texts(&document), [""; 0]);
    }
}
