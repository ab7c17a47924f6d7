//! Serves a manifest over HTTP.

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG};
use http::{HeaderMap, Response, StatusCode};

use super::blob::CONTENT_DIGEST;
use super::etag;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::manifest::{self, Kind, signatures};
use crate::repository::Repository;

/// What a registry calls a schema1 manifest with its signatures (layout.md §5.1).
const SIGNED: &str = "application/vnd.docker.distribution.manifest.v1+prettyjws";

/// The answer to a request for the manifest `digest`: 200 or 304. Its kind is the one that it has, whatever the client
/// accepts.
///
/// The errors are those of [`manifest::read`]. `Err(SignaturesUnknown)` for schema1 without its signatures, which no
/// client takes, and `Err(ManifestMalformed)` for a kind that no registry serves.
pub(super) fn answer(repository: &Repository<'_>, digest: Digest, headers: &HeaderMap) -> Result<Response<Vec<u8>>> {
    let (bytes, manifest) = manifest::read(repository, digest)?;
    let name = || repository.name().clone();
    let (media_type, bytes) = match manifest.kind {
        Kind::Schema1 => {
            let signed = signatures::merged(repository, digest, bytes)?;
            (SIGNED, signed.ok_or_else(|| Error::SignaturesUnknown { repository: name(), digest })?.pretty())
        }
        kind => {
            let reason = || "no registry serves a manifest of an unknown kind".to_owned();
            let unknown = || Error::ManifestMalformed { repository: name(), digest, reason: reason() };
            (kind.media_type().ok_or_else(unknown)?, bytes)
        }
    };
    let response = Response::builder().header(CONTENT_DIGEST, digest.to_string()).header(ETAG, etag::of(digest));
    let response = if etag::is_known(headers, digest) {
        response.status(StatusCode::NOT_MODIFIED).body(Vec::new())
    } else {
        response.header(CONTENT_TYPE, media_type).header(CONTENT_LENGTH, bytes.len()).body(bytes)
    };
    Ok(response.expect("digests, numbers and media types of ours are valid in headers"))
}
