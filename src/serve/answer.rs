//! The answer to a request: what it asks for, or an error in the shape of the registry's API (layout.md §8).

use http::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HOST, LINK, LOCATION};
use http::response::Builder;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version};
use serde_json::{Value, json};

use super::blob::ServeBlob;
use super::lists::{self, List};
use super::manifest;
use super::page::{Limits, Page};
use super::route::{Route, Unrouted};
use crate::blob::Pieces;
use crate::error::{Error, Result};
use crate::manifest::Kind;
use crate::registry::Registry;
use crate::repository::Repository;
use crate::stream::Interrupt;
use crate::tag;

const JSON: &str = "application/json; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";
const API_VERSION: (HeaderName, HeaderValue) =
    (HeaderName::from_static("docker-distribution-api-version"), HeaderValue::from_static("registry/2.0"));
/// Says that a list of referrers has only those of the wanted type (distribution-spec, "Listing Referrers").
const FILTERED: HeaderName = HeaderName::from_static("oci-filters-applied");
const NO_SNIFFING: HeaderName = HeaderName::from_static("x-content-type-options");
const VALID: &str = "numbers and texts of ours are valid in headers";

/// The content of an answer.
#[derive(Debug)]
pub(super) enum Content {
    Bytes(Vec<u8>),
    Blob(Box<Pieces>),
}

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) response: Response<Content>,
    /// Why it is not what was asked for, or what was found damaged on the way.
    pub(super) reason: Option<String>,
}

impl From<Response<Content>> for Answer {
    fn from(response: Response<Content>) -> Self {
        Self { response, reason: None }
    }
}

/// Answers a request with what is in the tree now, or with why that can't be opened.
pub(super) fn answer<B>(
    registry: Result<Registry>,
    request: &Request<B>,
    serve: ServeBlob,
    interrupt: &Interrupt,
) -> Answer {
    let mut answer = match registry {
        _ if !names_one_host(request) => {
            let response = Response::builder().status(StatusCode::BAD_REQUEST).header(CONTENT_TYPE, TEXT);
            with_bytes(response, b"400 Bad Request: one Host header is required\n".to_vec()).into()
        }
        _ if !matches!(*request.method(), Method::GET | Method::HEAD) => unsupported().into(),
        Ok(registry) => Asked { registry: &registry, request, serve, interrupt }.answer(),
        Err(error) => {
            let response = fault(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", "service unavailable", None);
            Answer { response, reason: Some(told(&error)) }
        }
    };
    if request.uri().path() != "/" {
        answer.response.headers_mut().extend([API_VERSION]);
    }
    if request.method() == Method::HEAD {
        *answer.response.body_mut() = Content::Bytes(Vec::new());
    }
    answer
}

/// Whether a request says to which host it goes, as HTTP/1.1 requires (RFC 9112 §3.2).
fn names_one_host<B>(request: &Request<B>) -> bool {
    request.version() != Version::HTTP_11 || request.headers().get_all(HOST).iter().count() == 1
}

/// A request to read something.
struct Asked<'a, B> {
    registry: &'a Registry,
    request: &'a Request<B>,
    serve: ServeBlob,
    interrupt: &'a Interrupt,
}

impl<B> Asked<'_, B> {
    fn answer(&self) -> Answer {
        match Route::of(self.request.uri().path()) {
            Ok(route) => self.go(&route),
            Err(unrouted) => refused(unrouted),
        }
    }

    fn go(&self, route: &Route) -> Answer {
        self.read(route).unwrap_or_else(|error| failed(route, &error))
    }

    fn read(&self, route: &Route) -> Result<Answer> {
        let tree = self.registry.tree();
        Ok(match route {
            Route::Alive => {
                let empty = Response::builder().header(CACHE_CONTROL, "no-cache");
                with_bytes(empty, Vec::new()).into()
            }
            Route::Base => with_bytes(Response::builder().header(CONTENT_TYPE, JSON), b"{}".to_vec()).into(),
            Route::Catalog => {
                self.list(Some(lists::REPOSITORIES), |page, path| Ok(lists::catalog(self.registry, page, path)))?
            }
            Route::Tags(name) => {
                let repository = Repository::new(tree, name.clone());
                self.list(None, |page, path| lists::tags(&repository, page, path))?
            }
            Route::Tag(name, tag) => {
                let digest = tag::get(&Repository::new(tree, name.clone()), tag)?;
                self.go(&Route::Manifest(name.clone(), digest))
            }
            Route::Manifest(name, digest) => {
                let repository = Repository::new(tree, name.clone());
                manifest::answer(&repository, *digest, self.request.headers())?.map(Content::Bytes).into()
            }
            Route::Blob(name, digest) => {
                let repository = Repository::new(tree, name.clone());
                let response = self.serve.answer(&repository, *digest, self.request, self.interrupt)?;
                response
                    .map(|content| {
                        content.map_or(Content::Bytes(Vec::new()), |content| Content::Blob(Box::new(content)))
                    })
                    .into()
            }
            Route::Referrers(name, digest) => {
                let repository = self.registry.repository(name)?;
                let query = self.query();
                let wanted = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "artifactType");
                let wanted = wanted.map(|(_, value)| value).filter(|value| !value.is_empty());
                let list = lists::referrers(&repository, *digest, wanted.as_deref())?;
                let mut answer = listed(list, Kind::OciIndex.media_type().unwrap_or(JSON));
                if wanted.is_some() {
                    answer.response.headers_mut().insert(FILTERED, HeaderValue::from_static("artifactType"));
                }
                answer
            }
        })
    }

    fn query(&self) -> &str {
        self.request.uri().query().unwrap_or_default()
    }

    /// The part of a list that the client wants.
    fn list(&self, limits: Option<Limits>, list: impl FnOnce(&Page, &str) -> Result<List>) -> Result<Answer> {
        match Page::of(self.query(), limits) {
            Ok(page) => Ok(listed(list(&page, self.request.uri().path())?, JSON)),
            Err(n) => {
                let (code, message) = ("PAGINATION_NUMBER_INVALID", "invalid number of results requested");
                Ok(fault(StatusCode::BAD_REQUEST, code, message, Some(json!({ "n": n }))).into())
            }
        }
    }
}

/// A list, unless something that belongs in it could not be read: a client would take the rest for all of it.
fn listed(list: List, media_type: &str) -> Answer {
    if let Some(unread) = list.damage.iter().find(|error| matches!(error, Error::Io { .. })) {
        return Answer { response: unknown(), reason: Some(told(unread)) };
    }
    let mut response = Response::builder().header(CONTENT_TYPE, media_type);
    if let Some(link) = list.link {
        response = response.header(LINK, link);
    }
    let others = list.damage.len().saturating_sub(1);
    let reason = list.damage.first().map(|first| match others {
        0 => told(first),
        _ => format!("{} (and {others} more)", told(first)),
    });
    Answer { response: with_bytes(response, line(&list.document)), reason }
}

/// The answer where what a path names can't be read. Damage is answered as if nothing were there.
fn failed(route: &Route, error: &Error) -> Answer {
    let response = match error {
        Error::Io { .. } | Error::Interrupted { .. } | Error::HashesDiffer { .. } => unknown(),
        Error::RangeInvalid { size, .. } => {
            let mut response = fault(StatusCode::RANGE_NOT_SATISFIABLE, "RANGE_INVALID", "invalid content range", None);
            let range = HeaderValue::try_from(format!("bytes */{size}")).expect(VALID);
            response.headers_mut().insert(CONTENT_RANGE, range);
            response
        }
        _ => absent(route),
    };
    Answer { response, reason: Some(told(error)) }
}

/// The answer where it is not known what is there.
fn unknown() -> Response<Content> {
    fault(StatusCode::INTERNAL_SERVER_ERROR, "UNKNOWN", "unknown error", None)
}

fn absent(route: &Route) -> Response<Content> {
    let (code, message, detail) = match route {
        Route::Alive | Route::Base | Route::Catalog => return unknown(),
        Route::Tags(name) | Route::Referrers(name, _) => {
            ("NAME_UNKNOWN", "repository name not known to registry", json!({ "name": name }))
        }
        Route::Tag(_, tag) => ("MANIFEST_UNKNOWN", "manifest unknown", json!({ "Tag": tag })),
        Route::Manifest(name, digest) => {
            ("MANIFEST_UNKNOWN", "manifest unknown", json!({ "Name": name, "Revision": digest }))
        }
        Route::Blob(_, digest) => ("BLOB_UNKNOWN", "blob unknown to registry", json!(digest)),
    };
    fault(StatusCode::NOT_FOUND, code, message, Some(detail))
}

/// The answer to a path that names nothing that can be pulled.
fn refused(unrouted: Unrouted) -> Answer {
    match unrouted {
        Unrouted::Upload => unsupported().into(),
        Unrouted::NoPath => {
            let response = Response::builder().status(StatusCode::NOT_FOUND).header(CONTENT_TYPE, TEXT);
            with_bytes(response.header(NO_SNIFFING, "nosniff"), b"404 page not found\n".to_vec()).into()
        }
        Unrouted::BaseWithoutSlash => {
            let response = Response::builder().status(StatusCode::MOVED_PERMANENTLY).header(LOCATION, "/v2/");
            let page = b"<a href=\"/v2/\">Moved Permanently</a>.\n\n".to_vec();
            with_bytes(response.header(CONTENT_TYPE, "text/html; charset=utf-8"), page).into()
        }
        Unrouted::Name(name, error) => {
            let detail = json!({ "name": name, "reason": error.to_string() });
            fault(StatusCode::BAD_REQUEST, "NAME_INVALID", "invalid repository name", Some(detail)).into()
        }
        Unrouted::Digest => {
            let (code, message) = ("DIGEST_INVALID", "provided digest did not match uploaded content");
            fault(StatusCode::BAD_REQUEST, code, message, Some(json!({}))).into()
        }
    }
}

/// The answer to whatever would change something.
fn unsupported() -> Response<Content> {
    let mut response = fault(StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED", "The operation is unsupported.", None);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}

fn fault(status: StatusCode, code: &str, message: &str, detail: Option<Value>) -> Response<Content> {
    let mut error = json!({ "code": code, "message": message });
    if let Some(detail) = detail {
        error["detail"] = detail;
    }
    let response = Response::builder().status(status).header(CONTENT_TYPE, JSON);
    with_bytes(response, line(&json!({ "errors": [error] })))
}

fn with_bytes(response: Builder, bytes: Vec<u8>) -> Response<Content> {
    response.header(CONTENT_LENGTH, bytes.len()).body(Content::Bytes(bytes)).expect(VALID)
}

/// A document on a line, as the registry ends its own.
fn line(document: &Value) -> Vec<u8> {
    format!("{document}\n").into_bytes()
}

/// What an error and its causes say, in one line.
pub(super) fn told(error: &Error) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |error| error.source());
    causes.fold(error.to_string(), |told, cause| format!("{told}: {cause}"))
}
