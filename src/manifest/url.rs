//! Whether a registry accepts a URL for a layer that is stored elsewhere (layout.md §5.4).
//!
//! A registry requires that Go's `url.Parse` reads the URL, that its scheme is http or https, and that it has no
//! fragment. This module does exactly that much of `url.Parse`. A `#` without a fragment passes there, and so do a URL
//! without a host and an opaque one (`http:name`).

/// Whether a registry that allows every host accepts this URL.
pub(super) fn is_acceptable(url: &str) -> bool {
    let (url, fragment) = url.split_once('#').unwrap_or((url, ""));
    let Some((scheme, rest)) = url.split_once(':') else { return false };
    let http = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    if !http || !fragment.is_empty() || url.bytes().any(|byte| byte.is_ascii_control()) {
        return false;
    }
    // The query is not checked.
    let rest = rest.split_once('?').map_or(rest, |(rest, _)| rest);
    let Some(rest) = rest.strip_prefix('/') else { return true };
    match rest.strip_prefix('/') {
        None => escapes(rest.as_bytes()).all(|escape| escape.is_some()),
        Some(rest) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            is_authority(authority) && escapes(path.as_bytes()).all(|escape| escape.is_some())
        }
    }
}

fn is_authority(authority: &str) -> bool {
    match authority.rsplit_once('@') {
        None => is_host(authority),
        Some((user, host)) => is_user(user) && is_host(host),
    }
}

fn is_user(user: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte);
    user.bytes().all(allowed) && escapes(user.as_bytes()).all(|escape| escape.is_some())
}

fn is_host(host: &str) -> bool {
    let (host, zone, port) = if host.starts_with('[') {
        let Some((inside, port)) = host.rsplit_once(']') else { return false };
        let (inside, zone) = inside.split_at(inside.find("%25").unwrap_or(inside.len()));
        (inside, zone, port)
    } else {
        let (host, port) = host.split_at(host.rfind(':').unwrap_or(host.len()));
        (host, "", port)
    };
    let digits = port.strip_prefix(':').unwrap_or(port);
    is_port(port, digits) && is_host_text(host) && is_zone(zone)
}

fn is_port(port: &str, digits: &str) -> bool {
    port.is_empty() || digits.len() < port.len() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_host_text(text: &str) -> bool {
    // An escape may only represent bytes beyond ASCII, and the percent sign itself.
    let escapes = escapes(text.as_bytes()).all(|escape| escape.is_some_and(|byte| byte >= 0x80 || byte == b'%'));
    escapes && text.bytes().all(is_host_byte)
}

fn is_zone(text: &str) -> bool {
    escapes(text.as_bytes()).all(|escape| escape.is_some()) && text.bytes().all(is_host_byte)
}

fn is_host_byte(byte: u8) -> bool {
    byte >= 0x80 || byte.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:[]<>\"%".contains(&byte)
}

/// The byte of each percent escape; `None` when two hex digits do not follow the percent sign.
fn escapes(bytes: &[u8]) -> impl Iterator<Item = Option<u8>> + '_ {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let at = rest.iter().position(|&byte| byte == b'%')?;
        let digits = rest.get(at + 1..at + 3);
        rest = rest.get(at + 3..).unwrap_or_default();
        let mut byte = [0];
        Some(digits.filter(|digits| hex::decode_to_slice(digits, &mut byte).is_ok()).map(|_| byte[0]))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_go_parses_and_the_rules_allow_passes() {
        for url in [
            "http://host/path",
            "HTTPS://user:pa%20ss@host:443/a%2Fb?x=%zz y",
            "https://host",
            "http://host:/",
            "http://[::1]:80/",
            "http://[fe80::1%25en0]/",
            "http://h%c3%a9/",
            "http://hé/",
            "http:opaque",
            "http:",
            "http:/path",
            "http:///path",
            "http://host/#",
            "http://host/a b",
        ] {
            assert!(is_acceptable(url), "{url}");
        }
    }

    #[test]
    fn anything_else_does_not() {
        for url in [
            "",
            "host/path",
            "//host/path",
            "ftp://host/",
            "file:///etc",
            " http://host/",
            "http://host/#part",
            "http://host/a\nb",
            "http://host/\u{7f}",
            "http://host/%",
            "http://host/%4",
            "http://host/%4g",
            "http:/%zz",
            "http://ho st/",
            "http://ho%20st/",
            "http://host:80x/",
            "http://[::1/",
            "http://[::1]80/",
            "http://us er@host/",
            "http://us%zz@host/",
            "http://ho\\st/",
        ] {
            assert!(!is_acceptable(url), "{url:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(https?:(//)?)?[%@:/\\[\\]#?a-f0-9é ]{0,30}") {
            let _ = is_acceptable(&text);
        }
    }
}
