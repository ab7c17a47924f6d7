//! What a path of the registry's API names. A path is decoded once, and every part of it is checked by its type.

use percent_encoding::percent_decode_str;

use crate::digest::Digest;
use crate::name::{NameError, RepositoryName, Tag};

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// `/`, by which others see that the server runs.
    Alive,
    /// `/v2/`, by which clients see that this is a registry.
    Base,
    /// The repositories.
    Catalog,
    /// The tags of a repository.
    Tags(RepositoryName),
    /// The manifest that a tag points to.
    Tag(RepositoryName, Tag),
    /// The manifest with a digest.
    Manifest(RepositoryName, Digest),
    /// A blob.
    Blob(RepositoryName, Digest),
    /// The manifests that refer to another.
    Referrers(RepositoryName, Digest),
}

/// Why a path names nothing that can be pulled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unrouted {
    /// The path is none of the API's.
    NoPath,
    /// The path lacks its last slash.
    BaseWithoutSlash,
    /// Uploads are for pushing.
    Upload,
    /// The name is too long for a repository.
    Name(String, NameError),
    /// What is in the place of a digest looks like one, and is none that can be looked up.
    Digest,
}

impl Route {
    /// What the path of a request names.
    pub(super) fn of(path: &str) -> Result<Self, Unrouted> {
        let path = percent_decode_str(path).decode_utf8().map_err(|_| Unrouted::NoPath)?;
        match &*path {
            "/" => return Ok(Self::Alive),
            "/v2" => return Err(Unrouted::BaseWithoutSlash),
            "/v2/" => return Ok(Self::Base),
            "/v2/_catalog" => return Ok(Self::Catalog),
            _ => {}
        }
        let below = path.strip_prefix("/v2/").ok_or(Unrouted::NoPath)?;
        let (above, last) = below.rsplit_once('/').ok_or(Unrouted::NoPath)?;
        if let Some(name) = above.strip_suffix("/blobs/uploads") {
            return Err(repository(name).map_or_else(|unrouted| unrouted, |_| Unrouted::Upload));
        }
        let (name, kind) = above.rsplit_once('/').ok_or(Unrouted::NoPath)?;
        match (kind, last) {
            ("tags", "list") => Ok(Self::Tags(repository(name)?)),
            ("manifests", reference) => match reference.parse() {
                Ok(tag) => Ok(Self::Tag(repository(name)?, tag)),
                Err(_) => in_repository(name, reference).map(|(name, digest)| Self::Manifest(name, digest)),
            },
            ("blobs", text) => in_repository(name, text).map(|(name, digest)| Self::Blob(name, digest)),
            ("referrers", text) => in_repository(name, text).map(|(name, digest)| Self::Referrers(name, digest)),
            _ => Err(Unrouted::NoPath),
        }
    }
}

fn repository(name: &str) -> Result<RepositoryName, Unrouted> {
    name.parse().map_err(|error| match error {
        NameError::TooLong { .. } => Unrouted::Name(name.to_owned(), error),
        _ => Unrouted::NoPath,
    })
}

fn in_repository(name: &str, text: &str) -> Result<(RepositoryName, Digest), Unrouted> {
    if !looks_like_digest(text) {
        return Err(Unrouted::NoPath);
    }
    let name = repository(name)?;
    Ok((name, text.parse().map_err(|_| Unrouted::Digest)?))
}

/// Whether a registry would take it for a digest, if only by its form (layout.md §3.3).
fn looks_like_digest(text: &str) -> bool {
    let Some((algorithm, encoded)) = text.split_once(':') else { return false };
    let is_part = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let is_encoded = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'=' | b'_' | b'-');
    algorithm.split(['.', '+', '_', '-']).all(is_part) && !encoded.is_empty() && encoded.bytes().all(is_encoded)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_one_thing() {
        let name: RepositoryName = "lib/app".parse().unwrap();
        let digest = Digest::of(b"content");
        let tarsum: Digest = format!("tarsum.v1+sha256:{}", "cd".repeat(32)).parse().unwrap();
        let encoded = digest.to_string().replace(':', "%3A");
        for (path, route) in [
            ("/".to_owned(), Route::Alive),
            ("/v2/".to_owned(), Route::Base),
            ("/v2/_catalog".to_owned(), Route::Catalog),
            ("/v2/lib/app/tags/list".to_owned(), Route::Tags(name.clone())),
            ("/v2/lib%2Fapp/tags/list".to_owned(), Route::Tags(name.clone())),
            ("/v2/lib/app/manifests/list".to_owned(), Route::Tag(name.clone(), "list".parse().unwrap())),
            (format!("/v2/lib/app/manifests/{digest}"), Route::Manifest(name.clone(), digest)),
            (format!("/v2/lib/app/blobs/{encoded}"), Route::Blob(name.clone(), digest)),
            (format!("/v2/lib/app/blobs/{tarsum}"), Route::Blob(name.clone(), tarsum)),
            (format!("/v2/lib/app/referrers/{digest}"), Route::Referrers(name, digest)),
            ("/v2/a/manifests/b/tags/list".to_owned(), Route::Tags("a/manifests/b".parse().unwrap())),
            ("/v2/a/blobs/manifests/x".to_owned(), Route::Tag("a/blobs".parse().unwrap(), "x".parse().unwrap())),
        ] {
            assert_eq!(Route::of(&path), Ok(route), "{path}");
        }
    }

    #[test]
    fn every_other_path_is_refused_for_a_reason() {
        let hex = "0".repeat(64);
        for path in [
            "",
            "*",
            "/v2//",
            "/v2/x",
            "/v2/tags/list",
            "/v2//tags/list",
            "/v2/a/tags/list/",
            "/v2/a/tags",
            "/v2/../tags/list",
            "/v2/a/../b/tags/list",
            "/v2/a/%2e%2e/b/tags/list",
            "/v2/a/tags/list%00",
            "/v2/a%00/tags/list",
            "/v2/%ff/tags/list",
            "/v2/_catalog/",
            "/v2/a/b/_manifests/tags/list",
            "/v2/a/manifests/.x",
            "/v2/a/manifests/",
            "/v2/a/blobs/x",
            "/v2/a/blobs/:x",
            "/v2/a/blobs/sha256:",
            "/v2/a/blobs/sha256:..",
            "/v2/a/manifests/SHA256:0",
            "/v2/A/tags/list",
            "/v2/a%2f%2fb/tags/list",
        ] {
            assert_eq!(Route::of(path), Err(Unrouted::NoPath), "{path}");
        }
        assert_eq!(Route::of("/v2"), Err(Unrouted::BaseWithoutSlash));
        for path in ["/v2/a/blobs/uploads/", "/v2/a/b/blobs/uploads/0000"] {
            assert_eq!(Route::of(path), Err(Unrouted::Upload), "{path}");
        }
        for text in ["sha256:0".to_owned(), format!("sha256:{}", "G".repeat(64)), format!("md5:{hex}")] {
            for kind in ["blobs", "manifests", "referrers"] {
                assert_eq!(Route::of(&format!("/v2/a/{kind}/{text}")), Err(Unrouted::Digest), "{kind} {text}");
            }
        }
        let long = "a".repeat(256);
        for rest in ["tags/list".to_owned(), "manifests/x".to_owned(), format!("blobs/sha256:{hex}")] {
            let found = Route::of(&format!("/v2/{long}/{rest}"));
            assert!(matches!(found, Err(Unrouted::Name(..))), "{found:?}");
        }
    }
}
