//! Whether a client has the content already: `ETag` and `If-None-Match` (RFC 9110 §13.1.2).

use http::header::{HeaderMap, IF_NONE_MATCH, IF_RANGE};

use crate::digest::Digest;

/// The entity tag of content with this digest.
pub(super) fn of(digest: Digest) -> String {
    format!("\"{digest}\"")
}

/// Whether the client says that it has the content. It may leave out the quotes, as the registry lets it.
pub(super) fn is_known(headers: &HeaderMap, digest: Digest) -> bool {
    let named = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    named.flat_map(|list| list.split(',')).map(str::trim).any(|tag| {
        let tag = tag.strip_prefix("W/").filter(|tag| tag.starts_with('"')).unwrap_or(tag);
        tag == "*" || tag == of(digest) || tag == digest.to_string()
    })
}

/// Whether a range is wanted of this content: the client may say of which only (RFC 9110 §13.1.5).
pub(super) fn is_range_of(headers: &HeaderMap, digest: Digest) -> bool {
    headers.get(IF_RANGE).is_none_or(|tag| tag.as_bytes() == of(digest).as_bytes())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_client_names_what_it_has_in_many_ways() {
        let (ours, other) = (Digest::of(b"ours"), Digest::of(b"other"));
        let says = |values: &[String]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(IF_NONE_MATCH, HeaderValue::from_str(value).unwrap());
            }
            is_known(&headers, ours)
        };
        for known in [
            vec![format!("\"{ours}\"")],
            vec![format!("W/\"{ours}\"")],
            vec![ours.to_string()],
            vec!["*".to_owned()],
            vec![format!("\"{other}\" , \"{ours}\"")],
            vec![other.to_string(), ours.to_string()],
        ] {
            assert!(says(&known), "{known:?}");
        }
        for unknown in
            [vec![], vec![String::new()], vec!["W/*".to_owned()], vec![other.to_string()], vec![format!("\"{ours}")]]
        {
            assert!(!says(&unknown), "{unknown:?}");
        }
    }

    #[test]
    fn a_range_may_be_wanted_of_one_content_only() {
        let (ours, other) = (Digest::of(b"ours"), Digest::of(b"other"));
        let mut headers = HeaderMap::new();
        assert!(is_range_of(&headers, ours));
        headers.insert(IF_RANGE, of(ours).parse().unwrap());
        assert!(is_range_of(&headers, ours) && !is_range_of(&headers, other));
        headers.insert(IF_RANGE, "Mon, 30 Nov 2026 15:51:08 GMT".parse().unwrap());
        assert!(!is_range_of(&headers, ours));
    }
}
