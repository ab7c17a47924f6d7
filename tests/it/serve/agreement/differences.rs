//! Where regtree answers otherwise than registry 2.8.2 on purpose: the rows of a table in docs/serve.md, which has the
//! reasons.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::requests::{Asked, Contents, LIST, SCHEMA2, SIGNED};
use crate::support::image::{INDEX, MANIFEST};
use crate::support::planted::{blob_path, sha256};
use crate::support::wire::Answer;

/// A difference, by what its row begins with, and whether it is what makes two answers differ.
pub(super) type Difference = (&'static str, fn(&Case) -> bool);

/// In the order of the table.
pub(super) const DIFFERENCES: [Difference; 26] = [
    ("a tag or manifest whose kind the client does not accept", other_kind),
    ("schema1", schema1),
    ("`If-None-Match`", known_content),
    ("what is no manifest, or of an unknown kind", no_manifest),
    ("a damaged link, tag or manifest", damaged_link),
    ("a manifest of more than 4 MiB", large_manifest),
    ("an alias by sha512 whose blob has no sound link by sha256", lone_alias),
    ("damaged content, symbolic links", damaged_content),
    ("HEAD of lists", head_of_list),
    ("HEAD of `/` and `/v2`", head_without_length),
    ("`tags/list`", tags),
    ("`n` that is no number, or below 0", no_number),
    ("which repositories the catalog has", repositories),
    ("trees of the alphas", alphas),
    ("tarsum digests", tarsums),
    ("`referrers`", referrers),
    ("a digest that can't be one, a name that is too long", invalid),
    ("a name with a port or an IPv6 address", host_with_port),
    ("several ranges at once", several_ranges),
    ("a range outside of the blob, of no bytes, or with a sign", no_range),
    ("a range with a number of more than 63 bits", large_number),
    ("`If-Match`", precondition),
    ("a path with `//`, `.` or `..`, or with a slash too many or too few at its end", unclean_path),
    ("`/v2`, without its slash", redirect),
    ("a target that is no URL, or has a `#`", no_url),
    ("methods other than GET and HEAD, and all of uploads", no_pull),
];

/// The answer to a path that is none of the API's.
const NO_PATH: &[u8] = b"404 page not found\n";

/// A tree that both serve.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) name: String,
    pub(super) v2: PathBuf,
    pub(super) contents: Contents,
    pub(super) is_damaged: bool,
}

impl Tree {
    /// The content that is stored under a digest.
    fn blob(&self, digest: &str) -> Option<Vec<u8>> {
        digest.starts_with("sha256:").then(|| std::fs::read(self.v2.join(blob_path(digest))).ok())?
    }

    /// Whether registries see no repository in it, for its directories have other names.
    fn is_of_an_alpha(&self) -> bool {
        self.name == "2.0.0-alpha.0"
    }

    /// Whether the tree has a link or a directory for this.
    fn has(&self, (name, kind, which): &(String, String, String)) -> bool {
        let key = (name.clone(), which.clone());
        let Contents { tags, revisions, links, .. } = &self.contents;
        let is_linked = links.contains(&key);
        if kind == "blobs" { is_linked } else { is_linked || tags.contains(&key) || revisions.contains(&key) }
    }
}

/// A request, and two answers that differ. Those to a HEAD have the bodies of those to the GET.
#[derive(Debug)]
pub(super) struct Case<'a> {
    pub(super) tree: &'a Tree,
    pub(super) method: &'a str,
    pub(super) asked: &'a Asked,
    pub(super) theirs: Answer,
    pub(super) ours: Answer,
}

impl Case<'_> {
    fn statuses(&self) -> (u16, u16) {
        (self.theirs.status, self.ours.status)
    }

    /// The repository and the reference, if it asks for such a thing.
    fn of(&self, kind: &str) -> Option<(String, String)> {
        self.asked.thing().filter(|thing| thing.1 == kind).map(|(name, _, which)| (name, which))
    }

    /// Whether our answer is the manifest that it says it is, as it is stored.
    fn is_stored(&self) -> bool {
        let digest = self.ours.header("docker-content-digest");
        self.tree.blob(digest).is_some_and(|stored| stored == self.ours.body)
            && self.ours.header("etag") == format!("\"{digest}\"")
            && [SCHEMA2, LIST, MANIFEST, INDEX].contains(&self.ours.header("content-type"))
    }

    /// Whether we say that there is no such thing, as a registry says it.
    fn is_absent(&self) -> bool {
        match self.asked.thing() {
            Some((_, kind, _)) if kind == "blobs" => self.ours.is_error(404, "BLOB_UNKNOWN"),
            Some((_, kind, _)) if kind == "manifests" => self.ours.is_error(404, "MANIFEST_UNKNOWN"),
            Some((_, kind, _)) if kind == "tags" || kind == "referrers" => self.ours.is_error(404, "NAME_UNKNOWN"),
            _ => false,
        }
    }

    fn is_no_path(&self) -> bool {
        self.ours.status == 404 && self.ours.body == NO_PATH
    }

    /// What both are but for some headers.
    fn without(&self, headers: &[&str]) -> [Answer; 2] {
        [&self.theirs, &self.ours].map(|answer| {
            let mut answer = answer.clone();
            answer.headers.retain(|name, _| !headers.contains(&name.as_str()));
            answer
        })
    }
}

fn other_kind(case: &Case) -> bool {
    let is_refused = match case.theirs.status {
        404 => case.theirs.code() == "MANIFEST_UNKNOWN",
        // It tries to make schema1 of it, which needs more than the tree has.
        400 => case.theirs.code() == "MANIFEST_INVALID",
        // Schema1 that it made, or the image of an index that is for amd64 and linux.
        status => status == 200 && [SIGNED, SCHEMA2].contains(&case.theirs.header("content-type")),
    };
    let is_accepted = case.asked.accepts(case.ours.header("content-type"));
    case.of("manifests").is_some() && case.ours.status == 200 && case.is_stored() && !is_accepted && is_refused
}

/// A manifest without its signatures.
fn unsigned(answer: &Answer) -> Value {
    let mut document = answer.document();
    document.as_object_mut().and_then(|fields| fields.shift_remove("signatures"));
    document
}

fn schema1(case: &Case) -> bool {
    if case.of("manifests").is_none() || case.theirs.header("content-type") != SIGNED {
        return false;
    }
    let digest = case.theirs.header("docker-content-digest");
    let stored: Option<Value> = case.tree.blob(digest).and_then(|stored| serde_json::from_slice(&stored).ok());
    if case.ours.status == 404 {
        return case.is_absent() && stored.is_some_and(|stored| stored["schemaVersion"] == 1);
    }
    let [theirs, ours] = case.without(&["content-length"]);
    let is_signed = ours.document()["signatures"].as_array().is_some_and(|all| !all.is_empty());
    let is_same = unsigned(&theirs) == unsigned(&ours) && stored == Some(unsigned(&ours));
    is_same && is_signed && (theirs.status, theirs.headers) == (ours.status, ours.headers)
}

fn known_content(case: &Case) -> bool {
    let Some(tags) = case.asked.header("If-None-Match") else { return false };
    let digest = case.ours.header("docker-content-digest");
    let is_known = tags == "*" || (!digest.is_empty() && tags.contains(digest));
    match case.statuses() {
        (200 | 206, 304) => is_known && case.ours.header("etag") == format!("\"{digest}\""),
        // Registries look at the tag before they look for the manifest.
        (304, 304) => is_known && case.of("manifests").is_some() && case.theirs.header("etag").is_empty(),
        (304, 404) => case.is_absent() && case.of("manifests").is_some(),
        _ => false,
    }
}

fn no_manifest(case: &Case) -> bool {
    let Some((name, which)) = case.of("manifests") else { return false };
    let is_manifest = case.tree.contents.revisions.contains(&(name.clone(), which.clone()));
    let is_blob = !is_manifest && case.tree.contents.links.contains(&(name, which));
    let is_of_no_kind = case.tree.name == "manifest-unknown-media-type";
    case.theirs.is_error(500, "UNKNOWN") && case.is_absent() && (is_blob || is_of_no_kind)
}

/// What is there is broken, so it is the server's fault to a registry.
fn damaged_link(case: &Case) -> bool {
    let is_there = case.asked.thing().is_some_and(|thing| case.tree.has(&thing));
    // It tries to make schema1 of a manifest that it does not check.
    let is_their_fault = case.theirs.is_error(500, "UNKNOWN") || case.theirs.is_error(400, "MANIFEST_INVALID");
    is_there && case.tree.is_damaged && is_their_fault && case.is_absent()
}

fn large_manifest(case: &Case) -> bool {
    case.theirs.is_error(500, "UNKNOWN")
        && case.ours.status == 200
        && case.is_stored()
        && case.ours.body.len() > 4 << 20
}

fn lone_alias(case: &Case) -> bool {
    let Some((_, which)) = case.of("blobs") else { return false };
    let content = case.tree.blob(case.ours.header("docker-content-digest"));
    which.starts_with("sha512:")
        && case.theirs.is_error(500, "UNKNOWN")
        && content.is_some_and(|it| it == case.ours.body)
}

fn damaged_content(case: &Case) -> bool {
    let is_withheld = case.ours.is_cut || case.is_absent();
    let is_link = case.tree.name.starts_with("symlink");
    let asked = case.asked.thing().map(|(_, _, which)| which).filter(|which| which.starts_with("sha256:"));
    let said = asked.unwrap_or_else(|| case.theirs.header("docker-content-digest").to_owned());
    let is_wrong_content = case.theirs.status == 200 && sha256(&case.theirs.body) != said;
    case.tree.is_damaged && is_withheld && (is_link || is_wrong_content)
}

fn is_list(case: &Case) -> bool {
    case.of("tags").is_some_and(|(_, which)| which == "list") || case.asked.decoded() == "/v2/_catalog"
}

fn head_of_list(case: &Case) -> bool {
    case.method == "HEAD" && case.theirs.status == 405 && case.theirs.header("allow") == "GET"
}

fn head_without_length(case: &Case) -> bool {
    let [theirs, ours] = case.without(&["content-length"]);
    case.method == "HEAD" && case.theirs.header("content-length").is_empty() && theirs == ours
}

/// The part of a list that is asked for, and whether there is more.
fn part(asked: &Asked, mut names: Vec<String>, usual: usize) -> (Vec<String>, bool) {
    let parts = |name: &str| name.split('/').map(str::to_owned).collect::<Vec<_>>();
    names.sort_by_key(|name| parts(name));
    let last = asked.query("last");
    names.retain(|name| last.is_empty() || parts(name) > parts(&last));
    let n = asked.query("n").parse().unwrap_or(usual);
    let is_more = names.len() > n;
    names.truncate(n);
    (names, is_more)
}

/// Registry 3 sorts tags by their bytes, and has parts of them (layout.md §6).
fn tags(case: &Case) -> bool {
    if !is_list(case) || case.statuses() != (200, 200) {
        return false;
    }
    let theirs = case.theirs.document();
    let mut all: Vec<String> = serde_json::from_value(theirs["tags"].clone()).unwrap_or_default();
    all.retain(|tag| !tag.starts_with('.'));
    let (part, is_more) = part(case.asked, all, usize::MAX);
    let body = format!("{}\n", json!({ "name": theirs["name"], "tags": part }));
    case.ours.body == body.as_bytes() && case.ours.headers.contains_key("link") == (is_more && !part.is_empty())
}

fn no_number(case: &Case) -> bool {
    let n = case.asked.query("n");
    let is_number = n.parse::<i64>().is_ok_and(|n| n >= 0);
    let detail = json!({ "n": n });
    let is_refused =
        case.ours.is_error(400, "PAGINATION_NUMBER_INVALID") && case.ours.document()["errors"][0]["detail"] == detail;
    is_list(case) && !is_number && [200, 404].contains(&case.theirs.status) && is_refused
}

/// Ours are those that any registry would see (layout.md §1.6), theirs have `_layers`.
fn repositories(case: &Case) -> bool {
    let all: Vec<String> = case.tree.contents.repositories.iter().cloned().collect();
    let (part, is_more) = part(case.asked, all, 100);
    let body = format!("{}\n", json!({ "repositories": part }));
    let is_whole = case.ours.body == body.as_bytes() && case.ours.headers.contains_key("link") == is_more;
    is_list(case) && is_whole && case.statuses() == (200, 200) && case.theirs.body != case.ours.body
}

fn alphas(case: &Case) -> bool {
    let is_read = match case.asked.thing() {
        Some((name, kind, which)) if kind == "blobs" => {
            case.tree.contents.links.contains(&(name, which)) && matches!(case.ours.status, 200 | 206 | 304 | 416)
        }
        Some((_, kind, _)) if kind == "manifests" => {
            case.ours.header("content-type") == SIGNED || case.ours.status == 304
        }
        Some((name, kind, _)) if kind == "tags" => case.tree.contents.repositories.contains(&name),
        _ => is_list(case),
    };
    case.tree.is_of_an_alpha() && is_read && matches!(case.theirs.status, 200 | 400 | 404)
}

fn tarsums(case: &Case) -> bool {
    let Some((_, kind, which)) = case.asked.thing() else { return false };
    let is_refused = case.theirs.is_error(400, "DIGEST_INVALID") || case.theirs.is_error(500, "UNKNOWN");
    let is_read = case.is_absent() || (kind == "blobs" && matches!(case.ours.status, 200 | 206 | 304 | 416));
    which.starts_with("tarsum") && is_refused && is_read
}

fn referrers(case: &Case) -> bool {
    let index = case.ours.document();
    let is_list = case.ours.status == 200
        && case.ours.header("content-type") == INDEX
        && index["mediaType"] == INDEX
        && index["manifests"].is_array();
    let is_answer = is_list || case.is_absent() || case.ours.is_error(400, "DIGEST_INVALID");
    case.of("referrers").is_some() && case.theirs.body == NO_PATH && is_answer
}

fn invalid(case: &Case) -> bool {
    let Some((name, kind, which)) = case.asked.thing() else { return false };
    let (is_no_digest, is_no_name) =
        (case.ours.is_error(400, "DIGEST_INVALID"), case.ours.is_error(400, "NAME_INVALID"));
    // Registry 3 does not count what may be a host.
    let is_long = name.len() > 255 && (is_no_name || is_no_digest || case.is_absent());
    let is_digest = is_no_digest && kind == "manifests" && which.contains(':');
    match case.theirs.status {
        404 => is_long && is_no_name && case.theirs.body == NO_PATH,
        _ => case.theirs.is_error(500, "UNKNOWN") && (is_digest || is_long),
    }
}

fn host_with_port(case: &Case) -> bool {
    let Some((name, ..)) = case.asked.thing() else { return false };
    name.contains([':', '[']) && matches!(case.theirs.status, 400 | 404 | 500) && case.is_no_path()
}

/// The ranges that are wanted of a blob.
fn ranges<'a>(case: &'a Case) -> Vec<&'a str> {
    let header = case.asked.header("Range").and_then(|header| header.strip_prefix("bytes=")).unwrap_or_default();
    header.split(',').map(str::trim).filter(|range| !range.is_empty()).collect()
}

fn several_ranges(case: &Case) -> bool {
    let whole = case.tree.blob(case.ours.header("docker-content-digest"));
    ranges(case).len() > 1 && case.ours.status == 200 && whole.is_some_and(|whole| whole == case.ours.body)
}

fn no_range(case: &Case) -> bool {
    let is_said = case.ours.is_error(416, "RANGE_INVALID") && case.ours.header("content-range").starts_with("bytes */");
    // It has a part without bytes, from 0 to -1, and reads numbers with a sign.
    let is_lenient = case.theirs.body.is_empty() || ranges(case).iter().any(|range| range.contains('+'));
    is_said && (case.theirs.status == 416 || (case.theirs.status == 206 && is_lenient))
}

fn large_number(case: &Case) -> bool {
    let numbers = ranges(case).into_iter().flat_map(|range| range.split('-')).filter(|number| !number.is_empty());
    let is_large = numbers.map(str::parse::<i64>).any(|number| number.is_err());
    let whole = case.tree.blob(case.ours.header("docker-content-digest"));
    is_large && case.statuses() == (416, 206) && whole.is_some_and(|whole| whole == case.ours.body)
}

fn precondition(case: &Case) -> bool {
    case.asked.header("If-Match").is_some() && case.statuses() == (412, 200)
}

fn unclean_path(case: &Case) -> bool {
    let location = case.theirs.header("location");
    case.theirs.status == 301 && case.is_no_path() && location != case.asked.target && location.contains('/')
}

fn redirect(case: &Case) -> bool {
    let place = case.theirs.header("location");
    let is_more = case.asked.decoded() == "/v2" && place != "/v2/" && place.contains("/v2/");
    case.statuses() == (301, 301) && is_more && case.ours.header("location") == "/v2/"
}

fn no_url(case: &Case) -> bool {
    let target = &case.asked.target;
    // What follows is no part of a URL that is sent (RFC 9112 §3.2), so it is not looked at.
    let is_fragment = target.contains('#') && case.theirs.body == NO_PATH;
    let is_odd = target.contains(['<', '>', '"', '\\', '^', '`', '{', '|', '}', '\u{7f}', 'é', '%']);
    let is_of_odd_form = !target.starts_with('/');
    let is_without_path = case.asked.path().is_empty() && case.statuses() == (301, 200);
    let is_refused = |answer: &Answer| answer.status == 400 && answer.header("connection") == "close";
    let is_one_refused = is_refused(&case.ours) || (is_refused(&case.theirs) && case.is_no_path());
    is_fragment || is_without_path || ((is_odd || is_of_odd_form) && is_one_refused)
}

/// Whether we refuse it as what changes something.
pub(super) fn is_refused(ours: &Answer) -> bool {
    ours.is_error(405, "UNSUPPORTED") && ours.header("allow") == "GET, HEAD"
}

fn no_pull(case: &Case) -> bool {
    let is_pull = ["GET", "HEAD"].contains(&case.method);
    let is_upload = case.asked.thing().is_some_and(|(name, kind, _)| kind == "uploads" && name.ends_with("/blobs"));
    is_refused(&case.ours) && (!is_pull || is_upload)
}
