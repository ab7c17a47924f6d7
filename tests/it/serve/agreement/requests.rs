//! What is asked: everything that a tree has, in every way.

use std::collections::BTreeSet;
use std::path::Path;

use crate::support::image::{INDEX, MANIFEST};

pub(super) const SCHEMA2: &str = "application/vnd.docker.distribution.manifest.v2+json";
pub(super) const LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
pub(super) const SIGNED: &str = "application/vnd.docker.distribution.manifest.v1+prettyjws";

/// A request, whose method is GET and HEAD.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) target: String,
    pub(super) headers: Vec<(&'static str, String)>,
}

impl Asked {
    /// A request for a manifest of any kind.
    pub(super) fn accepting_all(&self) -> Self {
        self.with("Accept", [SCHEMA2, LIST, MANIFEST, INDEX].join(", "))
    }

    pub(super) fn plain(target: impl Into<String>) -> Self {
        Self { target: target.into(), headers: Vec::new() }
    }

    fn with(&self, name: &'static str, value: impl Into<String>) -> Self {
        let mut asked = self.clone();
        asked.headers.push((name, value.into()));
        asked
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| *other == name).map(|(_, value)| value.as_str())
    }

    /// Whether the client accepts a kind of manifest, as registry 2.8 reads the header.
    pub(super) fn accepts(&self, kind: &str) -> bool {
        let accepted = self.header("Accept").unwrap_or_default().split(',');
        accepted.map(|accepted| accepted.split(';').next().unwrap_or_default().trim()).any(|accepted| accepted == kind)
    }

    /// The path, as it was written.
    pub(super) fn path(&self) -> &str {
        let target = self
            .target
            .split_once("://")
            .map_or(&*self.target, |(_, rest)| rest.find('/').map_or("", |slash| &rest[slash..]));
        target.split(['?', '#']).next().unwrap_or_default()
    }

    /// The path, with no `%` in it.
    pub(super) fn decoded(&self) -> String {
        percent_encoding::percent_decode_str(self.path()).decode_utf8_lossy().into_owned()
    }

    /// The value in the query, or nothing. A key has a value once.
    pub(super) fn query(&self, key: &str) -> String {
        let query = self.target.split_once('?').map_or("", |(_, query)| query);
        let found = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == key);
        found.map(|(_, value)| value.into_owned()).unwrap_or_default()
    }

    /// The repository, the kind of thing, and which, where the path is one of a thing in a repository.
    pub(super) fn thing(&self) -> Option<(String, String, String)> {
        let path = self.decoded();
        let (above, which) = path.strip_prefix("/v2/")?.rsplit_once('/')?;
        let (name, kind) = above.rsplit_once('/')?;
        Some((name.to_owned(), kind.to_owned(), which.to_owned()))
    }
}

/// What a tree has, by the names of its files alone.
#[derive(Debug, Default)]
pub(super) struct Contents {
    /// Directories that some registry takes for a repository, but no symbolic links, and no names that none can have.
    pub(super) repositories: BTreeSet<String>,
    pub(super) tags: BTreeSet<(String, String)>,
    pub(super) revisions: BTreeSet<(String, String)>,
    /// What `_layers` has a link for.
    pub(super) links: BTreeSet<(String, String)>,
}

impl Contents {
    pub(super) fn of(v2: &Path) -> Self {
        let mut found = Self::default();
        let repositories = v2.join("repositories");
        for entry in walkdir::WalkDir::new(&repositories).follow_links(true).into_iter().flatten() {
            let path = entry.path().strip_prefix(&repositories).unwrap().to_str().unwrap().to_owned();
            let parts: Vec<&str> = path.split('/').collect();
            // The alphas have no underscores.
            let is_area = |part: &&str| matches!(part.trim_start_matches('_'), "layers" | "manifests" | "uploads");
            let Some(area) = parts.iter().position(is_area) else { continue };
            let name = parts[..area].join("/");
            let is_name = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"/._-".contains(&b));
            if is_name && !repositories.join(&name).is_symlink() {
                found.repositories.insert(name.clone());
            }
            match parts[area..] {
                ["_layers" | "layers", "tarsum", version, algorithm, hex] => {
                    found.links.insert((name, format!("tarsum.{version}+{algorithm}:{hex}")));
                }
                ["_layers" | "layers", algorithm, hex] if algorithm != "tarsum" => {
                    found.links.insert((name, format!("{algorithm}:{hex}")));
                }
                ["_manifests" | "manifests", "revisions", algorithm, hex] => {
                    found.revisions.insert((name, format!("{algorithm}:{hex}")));
                }
                ["_manifests" | "manifests", "tags", tag] => {
                    found.tags.insert((name, tag.to_owned()));
                }
                _ => {}
            }
        }
        found
    }

    /// A plain request for each thing.
    pub(super) fn things(&self) -> Vec<Asked> {
        let manifests = self.tags.iter().chain(&self.revisions).map(|(name, which)| ("manifests", name, which));
        let blobs = self.links.iter().map(|(name, which)| ("blobs", name, which));
        let things = manifests.chain(blobs).map(|(kind, name, which)| format!("/v2/{name}/{kind}/{which}"));
        let lists = self.repositories.iter().map(|name| format!("/v2/{name}/tags/list"));
        let fixed = ["/", "/v2", "/v2?n=1", "/v2/", "/v2/_catalog"].map(str::to_owned);
        fixed.into_iter().chain(lists).chain(things).map(Asked::plain).collect()
    }

    /// Everything, in every way in which a client may ask for it.
    pub(super) fn in_every_way(&self) -> Vec<Asked> {
        let mut asked = self.things();
        asked.extend(self.lists());
        asked.extend(self.manifests());
        asked.extend(self.blobs());
        asked
    }

    fn lists(&self) -> Vec<Asked> {
        let catalog = [
            "n=1",
            "n=2",
            "n=3",
            "n=4",
            "n=1000",
            "n=1001",
            "n=0",
            "n=-1",
            "n=x",
            "n=",
            "n=99999999999999999999",
            "last=",
            "last=a",
            "last=lib",
            "last=lib&n=1",
            "n=1&last=lib%2Fapp",
            "last=zzz",
            "last=zzz&n=1",
            "other=1",
        ];
        let mut asked: Vec<Asked> = catalog.iter().map(|query| Asked::plain(format!("/v2/_catalog?{query}"))).collect();
        let tags = ["", "?n=1", "?n=2", "?n=10000", "?n=0", "?n=-1", "?n=x", "?last=l", "?last=v1&n=1", "?last=zzz"];
        for name in self.repositories.iter().map(String::as_str).chain(["none", "lib/none"]) {
            asked.extend(tags.iter().map(|query| Asked::plain(format!("/v2/{name}/tags/list{query}"))));
        }
        asked
    }

    fn manifests(&self) -> Vec<Asked> {
        let mut asked = Vec::new();
        for (number, (name, which)) in self.revisions.iter().chain(&self.tags).enumerate() {
            let plain = Asked::plain(format!("/v2/{name}/manifests/{which}"));
            let accepted = plain.accepting_all();
            let accepts = ["*/*", SCHEMA2, LIST, SIGNED, &format!("{MANIFEST};q=0.5,{INDEX} , text/html")];
            asked.push(plain.with("Accept", accepts[number % 5]));
            let digest = if which.contains(':') { which } else { &self.revisions.iter().next().unwrap().1 };
            asked.push(accepted.with("If-None-Match", format!("\"{digest}\"")));
            if number % 8 == 0 {
                asked.extend(known(digest).into_iter().map(|tag| accepted.with("If-None-Match", tag)));
                asked.push(accepted.with("Range", "bytes=0-1"));
            }
            asked.push(accepted);
            asked.push(Asked::plain(format!("/v2/{name}/referrers/{which}")));
            asked.push(Asked::plain(format!("/v2/{name}/blobs/{which}")));
        }
        // Not all that has a link is a manifest.
        let links = self.links.iter().filter(|link| !self.revisions.contains(link));
        asked.extend(links.map(|(name, which)| Asked::plain(format!("/v2/{name}/manifests/{which}")).accepting_all()));
        asked
    }

    fn blobs(&self) -> Vec<Asked> {
        let mut asked = Vec::new();
        let is_empty = |which: &str| which.ends_with("b934ca495991b7852b855");
        for (number, (name, which)) in self.links.iter().enumerate() {
            let plain = Asked::plain(format!("/v2/{name}/blobs/{which}"));
            asked.push(plain.with("If-None-Match", format!("\"{which}\"")));
            asked.push(plain.with("Range", "bytes=1-"));
            if number % 16 != 0 && !is_empty(which) && !which.starts_with("sha512") {
                continue;
            }
            asked.extend(known(which).into_iter().map(|tag| plain.with("If-None-Match", tag)));
            asked.extend(RANGES.iter().map(|range| plain.with("Range", *range)));
            let part = plain.with("Range", "bytes=0-0");
            let tags = [format!("\"{which}\""), format!("W/\"{which}\""), which.clone(), "\"x\"".to_owned()];
            asked.extend(tags.iter().map(|tag| part.with("If-Range", tag)));
            asked.extend(tags.iter().map(|tag| plain.with("If-Match", tag)));
            for date in ["Mon, 30 Nov 2020 15:51:08 GMT", "Mon, 30 Nov 2099 15:51:08 GMT"] {
                asked.push(part.with("If-Range", date));
                asked.push(plain.with("If-Modified-Since", date));
                asked.push(plain.with("If-Unmodified-Since", date));
            }
            asked.push(plain.with("Accept-Encoding", "gzip"));
            asked.push(plain.with("Accept", "text/html"));
            asked.push(part.with("If-None-Match", format!("\"{which}\"")));
        }
        asked
    }
}

/// The ways to say that one has, or has not, what has a digest.
fn known(digest: &str) -> Vec<String> {
    let [tag, other] = [digest, "other"].map(|digest| format!("\"{digest}\""));
    vec![digest.to_owned(), "*".to_owned(), format!("W/{tag}"), format!("{other}, {tag}"), other, String::new()]
}

const RANGES: [&str; 29] = [
    "bytes=0-0",
    "bytes=0-",
    "bytes=5-9",
    "bytes=-1",
    "bytes=-99999999",
    "bytes=1-99999999",
    "bytes=99999999-",
    "bytes=5-2",
    "bytes=-0",
    "bytes=0-9223372036854775807",
    "bytes=0-9223372036854775808",
    "bytes=0-99999999999999999999",
    "bytes=99999999999999999999-",
    "bytes=-99999999999999999999",
    "bytes=",
    "bytes=-",
    "bytes=--1",
    "bytes=+1-2",
    "bytes=0x1-2",
    "bytes=1",
    "bytes= 0 - 1 ",
    "bytes=0-1,",
    "bytes=, ,0-1",
    "bytes=0-1,3-4",
    "bytes=0-0,99999999-",
    "bytes=0-1,x",
    "Bytes=0-1",
    "lines=0-1",
    "",
];

/// The methods that change something.
pub(super) const CHANGING: [&str; 4] = ["POST", "PUT", "PATCH", "DELETE"];
/// Methods that a registry does not know.
pub(super) const ODD: [&str; 4] = ["OPTIONS", "TRACE", "BREW", "get"];
