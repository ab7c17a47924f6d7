//! The garbage collector: what it removes of trees by every registry version, of damaged and of random trees, held to
//! their truth files, to a naive model and to the real registry.

mod ages;
mod calls;
mod damaged;
mod doubt;
mod explain;
mod forest;
mod given_back;
mod known;
mod limit;
mod model;
mod own_folders;
mod races;
mod random;
mod referrers;
mod registry;
mod scope;
mod sparse;
mod stopped;
mod strays;
mod tags;
mod told;
mod uploads;
mod urls;
mod vectors;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{Run, Scratch, planted};

/// Nothing is too young to go, and uploads are left alone.
const NOW: [&str; 3] = ["--min-age", "0", "--keep-uploads"];
const NOW_UNTAGGED: [&str; 4] = ["--min-age", "0", "--keep-uploads", "--delete-untagged"];
/// In a random tree there may be no tag at all.
const ALL_UNTAGGED: [&str; 5] = ["--min-age", "0", "--keep-uploads", "--delete-untagged", "--allow-rootless"];

const ALL_DANGLING: [&str; 6] =
    ["--min-age", "0", "--keep-uploads", "--delete-untagged", "--allow-rootless", "--delete-dangling-referrers"];

const ALL_SPARSE: [&str; 6] =
    ["--min-age", "0", "--keep-uploads", "--delete-untagged", "--allow-rootless", "--allow-sparse-indexes"];

/// A repository and a digest.
type Link = (String, String);

/// What a tree no longer holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Gone {
    blobs: BTreeSet<String>,
    revisions: BTreeSet<Link>,
    layer_links: BTreeSet<Link>,
}

impl Gone {
    fn between(before: &BTreeSet<String>, after: &BTreeSet<String>) -> Self {
        let mut gone = Self::default();
        for path in before.difference(after) {
            match place(path) {
                Some(Place::Blob(digest)) => {
                    gone.blobs.insert(digest);
                }
                Some(Place::Revision(link)) => {
                    gone.revisions.insert(link);
                }
                Some(Place::LayerLink(link)) => {
                    gone.layer_links.insert(link);
                }
                None => {}
            }
        }
        gone
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Revisions and layer links alike: 2.1.0 wrote the one as the other.
    fn links(&self) -> BTreeSet<Link> {
        self.revisions.union(&self.layer_links).cloned().collect()
    }
}

enum Place {
    Blob(String),
    Revision(Link),
    LayerLink(Link),
}

/// What a file below `docker/registry/v2` stands for.
fn place(path: &str) -> Option<Place> {
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        ["blobs", algorithm @ .., _, hex, "data"] => Some(Place::Blob(digest_at(algorithm, hex))),
        ["repositories", inside @ .., "link"] => {
            // The alphas had no underscores.
            let reserved = ["_layers", "_manifests", "layers", "manifests"];
            let begin = inside.iter().position(|part| reserved.contains(part))?;
            let repository = inside[..begin].join("/");
            match &inside[begin + 1..] {
                ["revisions", algorithm, hex] => Some(Place::Revision((repository, digest_at(&[algorithm], hex)))),
                [algorithm @ .., hex] if inside[begin].ends_with("layers") => {
                    Some(Place::LayerLink((repository, digest_at(algorithm, hex))))
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// The digest of a blob, by the path of its content.
fn digest_of_blob(path: &str) -> Option<String> {
    match place(path) {
        Some(Place::Blob(digest)) => Some(digest),
        _ => None,
    }
}

/// The digest that directories name.
fn digest_at(algorithm: &[&str], hex: &str) -> String {
    match algorithm {
        ["tarsum", version, hash] => format!("tarsum.{version}+{hash}:{hex}"),
        _ => format!("{}:{hex}", algorithm.join("/")),
    }
}

/// Every file below `docker/registry/v2`, without following symbolic links.
fn files(scratch: &Scratch) -> BTreeSet<String> {
    let entries = walkdir::WalkDir::new(scratch.v2()).into_iter().map(Result::unwrap);
    let files = entries.filter(|entry| !entry.file_type().is_dir());
    files.map(|entry| entry.path().strip_prefix(scratch.v2()).unwrap().to_str().unwrap().to_owned()).collect()
}

/// A collection, and what came of it.
struct Collection {
    run: Run,
    events: Vec<Value>,
    gone: Gone,
}

/// Runs `gc --json` with these words, and expects it to have removed what it says, no more and no less.
#[track_caller]
fn collect(scratch: &Scratch, words: &[&str]) -> Collection {
    let before = files(scratch);
    let run = scratch.regtree(["gc", "--json"]).with(words).run();
    let gone = Gone::between(&before, &files(scratch));
    let collection = Collection { events: run.json_lines(), gone, run };
    if matches!(collection.run.exit(), Some(0 | 3)) && !words.contains(&"--dry-run") {
        let said = collection.said();
        assert_eq!(collection.gone.blobs, said.blobs, "blobs gone, and those it said would go");
        assert_eq!(collection.gone.links(), said.links(), "links gone, and those it said would go");
    }
    collection
}

impl Collection {
    #[track_caller]
    fn code(self, expected: i32) -> Self {
        Self { run: self.run.code(expected), ..self }
    }

    fn of_type<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.events.iter().filter(move |event| event["type"] == kind)
    }

    /// The events that tell what goes, without what depends on the run.
    fn removals(&self) -> Vec<Value> {
        self.of_type("remove").cloned().collect()
    }

    /// What goes of a kind: `repository field` or, where there is no repository, the field alone.
    fn removed(&self, kind: &str, field: &str) -> BTreeSet<String> {
        let events = self.of_type("remove").filter(|event| event["kind"] == kind);
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let words = events.map(|event| [text(&event["repository"]), text(&event[field])]);
        words.map(|words| words.into_iter().flatten().collect::<Vec<_>>().join(" ")).collect()
    }

    /// What it said that goes.
    fn said(&self) -> Gone {
        let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned();
        let mut said = Gone::default();
        for event in self.of_type("remove") {
            match event["kind"].as_str().unwrap() {
                "blob" => {
                    said.blobs.insert(text(&event["digest"]));
                }
                "revision" => {
                    said.revisions.insert((text(&event["repository"]), text(&event["digest"])));
                }
                "layer-link" => {
                    said.layer_links.insert((text(&event["repository"]), text(&event["digest"])));
                }
                _ => {}
            }
        }
        said
    }

    /// The doubts that were found.
    fn doubts(&self) -> BTreeSet<String> {
        let doubts = self.of_type("finding").map(|finding| finding["doubt"].as_str().unwrap().to_owned());
        doubts.filter(|doubt| doubt != "none").collect()
    }

    fn opaque(&self) -> BTreeSet<String> {
        self.of_type("keep-opaque").map(|event| event["repository"].as_str().unwrap().to_owned()).collect()
    }

    #[track_caller]
    fn summary(&self) -> &Value {
        let summary = self.events.last().unwrap_or_else(|| panic!("no events: {}", self.run.err()));
        assert_eq!(summary["type"], "summary");
        summary
    }
}

/// Expects every manifest that a tree still has to be whole.
#[track_caller]
fn assert_whole(scratch: &Scratch) {
    scratch.run(["manifest", "verify", "--all", "--content"]).code(0);
}

/// A random tree with indexes, referrers and aliases, the same for the same seed; with damage, if it shall have some.
pub(crate) fn random_tree(seed: u64, damaged: bool) -> Scratch {
    forest::grow(seed, if damaged { forest::Kind::Damaged } else { forest::Kind::Rich }).planted.scratch
}

/// A tree in which manifests lead on in every way that there is, and some lead nowhere. All is old but what it returns
/// beside: content that nothing but a young link keeps.
fn every_edge() -> (planted::Planted, String) {
    let planted = planted::Planted::new();
    let made_for = |digest: &str, suffix: &str| format!("{}{suffix}", digest.replace(':', "-"));
    let image = planted.tagged_image("lib", "v1", "an image");
    // Each made for the one before.
    let signature = planted.tagged_image("lib", &made_for(&image, ".sig"), "a signature");
    planted.tagged_image("lib", &made_for(&signature, ".att"), "an attestation of it");
    planted.tagged_image("lib", &made_for(&planted::sha256(b"nowhere"), ".sig"), "a signature of nothing");
    let referrer = planted.referrer("lib", &image, "a referrer");
    planted.referrer("lib", &referrer, "a referrer of it");
    planted.index("lib", &[&planted.image("lib", "an untagged child")]);
    let child = planted.image("other", "a child from another repository");
    planted.tag("lib", "multi", &planted.index("lib", &[&planted.image("lib", "a child"), &child]));
    // A manifest that is named as a layer leads on.
    let inner = planted.image("lib", "an inner image");
    let outer = planted.image_of(&planted.layer("lib", "config of an outer image"), &[&inner]);
    planted.tag("lib", "outer", &planted.manifest("lib", &outer));
    let alias = planted.alias("lib", "a layer of two names");
    let aliased = planted.image_of(&planted.layer("lib", "config of names"), &[&alias]);
    planted.tag("lib", "names", &planted.manifest("lib", &aliased));
    planted.layer("lib", "a stale layer");
    planted.tagged_image("other", "v1", "another image");
    planted.age(48);
    let young = planted.alias("other", "a layer by a young link");
    planted.age_of(&planted::blob_path(&planted::sha256(b"a layer by a young link")), 48);
    (planted, young)
}

/// The same, for whoever only asks what is in it.
pub(crate) fn tree_of_every_edge() -> Scratch {
    every_edge().0.scratch
}
