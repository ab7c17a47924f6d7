//! Serves a blob over HTTP.

use http::header::{ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, RANGE};
use http::{Method, Request, Response, StatusCode};

use super::etag;
use super::range::Wanted;
use crate::blob::{OpenBlob, Pieces};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::repository::Repository;
use crate::stream::Interrupt;

/// The header that has the digest under which content is stored.
pub(super) const CONTENT_DIGEST: &str = "docker-content-digest";
/// How long a blob may be cached, in seconds: a digest has the same content for ever.
const FOREVER: &str = "max-age=31536000";

/// Answers requests for blobs: what another server needs to serve one over HTTP.
///
/// ```
/// # use std::time::Duration;
/// # use regtree::{Registry, upload};
/// # use regtree::stream::{Interrupt, Watch};
/// use regtree::serve::ServeBlob;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let (registry, _) = Registry::create(directory.path())?;
/// # let name = "library/hello".parse()?;
/// # let now = jiff::Timestamp::UNIX_EPOCH;
/// # let writer = registry.writer("example", now, Duration::ZERO)?;
/// # let source = std::io::Cursor::new(b"hello");
/// # let put = upload::Put::new("memory").store(&writer, &name, source, now, &Watch::none())?;
/// # let digest = put.descriptor.digest;
/// let request = http::Request::get("/").header("range", "bytes=1-3").body(())?;
/// let repository = registry.repository(&name)?;
/// let response = ServeBlob::new().answer(&repository, digest, &request, &Interrupt::default())?;
///
/// assert_eq!(response.status(), 206);
/// let content = response.into_body().expect("there is content").next_piece(4096)?;
/// assert_eq!(content, Some(b"ell".to_vec()));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ServeBlob {
    verify: bool,
}

impl Default for ServeBlob {
    fn default() -> Self {
        Self::new()
    }
}

impl ServeBlob {
    /// Content is checked before its last byte is given out.
    pub fn new() -> Self {
        Self { verify: true }
    }

    /// Content is given out as it is stored, right or wrong.
    #[must_use]
    pub fn unverified(self) -> Self {
        Self { verify: false }
    }

    /// Whether all of a blob may be read before its answer begins: a part is given only of content that was checked.
    pub(super) fn reads_first<B>(self, request: &Request<B>) -> bool {
        self.verify && request.method() == Method::GET && request.headers().contains_key(RANGE)
    }

    /// The answer to a GET or HEAD of the blob that `repository` links as `digest`: 200, 206 or 304. To a HEAD it has no
    /// content, and none is read. The blob may be stored under another digest: that one is in the headers.
    ///
    /// The errors are those of [`OpenBlob::open`], and `Err(RangeInvalid)` when the blob does not have the bytes that
    /// are wanted. A part is given only of content that was checked whole before, so also the errors of
    /// [`Pieces::next_piece`], and `Err(Interrupted)`. What to answer then is left to the caller.
    pub fn answer<B>(
        &self,
        repository: &Repository<'_>,
        digest: Digest,
        request: &Request<B>,
        interrupt: &Interrupt,
    ) -> Result<Response<Option<Pieces>>> {
        let (headers, wants_content) = (request.headers(), request.method() != Method::HEAD);
        let blob = OpenBlob::open(repository, digest)?;
        let (stored, size) = (blob.descriptor().digest, blob.descriptor().size);
        let media_type = blob.descriptor().media_type;
        let response = Response::builder()
            .header(CONTENT_DIGEST, stored.to_string())
            .header(ETAG, etag::of(stored))
            .header(CACHE_CONTROL, FOREVER);
        if etag::is_known(headers, stored) {
            return Ok(response.status(StatusCode::NOT_MODIFIED).body(None).expect(VALID));
        }
        let range = headers.get(RANGE).filter(|range| !range.is_empty() && etag::is_range_of(headers, stored));
        // Bytes that are not text are no range.
        let wanted = range.map_or(Wanted::All, |range| Wanted::of(range.to_str().unwrap_or_default(), size));
        let response = response.header(CONTENT_TYPE, media_type).header(ACCEPT_RANGES, "bytes");
        let (response, content) = match wanted {
            Wanted::Unsatisfiable => {
                let range = String::from_utf8_lossy(range.map_or(b"", |range| range.as_bytes())).into_owned();
                return Err(Error::RangeInvalid { range, digest, size });
            }
            Wanted::All => (response, wants_content.then(|| blob.pieces(self.verify))),
            Wanted::Part { first, length } => {
                let range = format!("bytes {first}-{}/{size}", first + length - 1);
                let part = || blob.part(first, length, self.verify, interrupt);
                let content = wants_content.then(part).transpose()?;
                (response.status(StatusCode::PARTIAL_CONTENT).header(CONTENT_RANGE, range), content)
            }
        };
        let length = if let Wanted::Part { length, .. } = wanted { length } else { size };
        let mut response = response.header(CONTENT_LENGTH, length).body(content).expect(VALID);
        // No byte of an empty blob can be withheld later.
        if length == 0
            && let Some(content) = response.body_mut()
        {
            content.next_piece(1)?;
        }
        Ok(response)
    }
}

/// Why a response can be built.
const VALID: &str = "digests, numbers and our own texts are valid in headers";
