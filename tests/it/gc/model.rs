//! A naive model of a collection: plain texts and maps, nothing clever, nothing shared with the collector.
//!
//! It knows neither ages nor uploads: everything is old, and uploads are left alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::planted::sha256;
use super::{Gone, Link, digest_at};
use crate::support::Scratch;
use crate::support::vectors::{tree, truth, versions};

/// What no registry reads as a manifest.
const OVER_LARGE: usize = 4 << 20;

type Digests = BTreeSet<String>;

/// What a collection removes besides what nothing needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Plain,
    /// `--delete-untagged`
    Untagged,
    /// The same and `--delete-dangling-referrers`.
    Dangling,
    /// `--delete-untagged --allow-sparse-indexes`
    Sparse,
}

/// What a collection of a tree should come to.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub(super) gone: Gone,
    /// Repositories from which nothing goes.
    pub(super) opaque: BTreeSet<String>,
    /// No content goes anywhere, and links may stay.
    pub(super) doubt: bool,
}

#[derive(Debug, Default)]
struct Repository {
    /// Digest in the path → text of the link.
    revisions: BTreeMap<String, String>,
    /// Revision directories, with a link or without.
    revision_directories: Digests,
    has_revisions: bool,
    /// Revision → digests of its signatures.
    signatures: BTreeMap<String, Digests>,
    layers: BTreeMap<String, String>,
    has_layers: bool,
    /// Tag → text of `current/link`.
    tags: BTreeMap<String, String>,
    /// What the histories name of tags without `current/link`.
    lost: Digests,
    /// Texts of the histories of tags, by the digest in the path.
    history: Vec<Link>,
    has_tags: bool,
}

/// What a manifest says.
#[derive(Clone, Debug, Default)]
struct Manifest {
    content: Digests,
    /// What it names with `urls`.
    elsewhere: Digests,
    children: Digests,
    subject: Option<String>,
    is_index: bool,
}

struct Model {
    blobs: BTreeMap<String, Vec<u8>>,
    repositories: BTreeMap<String, Repository>,
    hidden: bool,
    sparse: bool,
    /// Whether tags are let go whose manifest has no link.
    lets_go: bool,
}

/// What goes of a tree.
pub(super) fn verdict(scratch: &Scratch, mode: Mode, lets_go: bool) -> Verdict {
    Model { sparse: mode == Mode::Sparse, lets_go, ..Model::read(&scratch.v2()) }.verdict(mode)
}

fn names(directory: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Digests whose directories lie in `directory`, each with its directory.
fn digests(directory: &Path) -> Vec<(String, std::path::PathBuf)> {
    let mut found = Vec::new();
    for algorithm in names(directory) {
        let inside = directory.join(&algorithm);
        if algorithm == "tarsum" {
            for version in names(&inside) {
                for hash in names(&inside.join(&version)) {
                    let inside = inside.join(&version).join(&hash);
                    let digest = |hex: &String| digest_at(&["tarsum", &version, &hash], hex);
                    found.extend(names(&inside).iter().map(|hex| (digest(hex), inside.join(hex))));
                }
            }
        } else {
            found.extend(names(&inside).iter().map(|hex| (format!("{algorithm}:{hex}"), inside.join(hex))));
        }
    }
    found
}

impl Model {
    fn read(v2: &Path) -> Self {
        let (blobs, repositories) = (BTreeMap::new(), BTreeMap::new());
        let mut model = Self { blobs, repositories, hidden: false, sparse: false, lets_go: false };
        for entry in walkdir::WalkDir::new(v2.join("blobs")).into_iter().map(Result::unwrap) {
            let path = entry.path().strip_prefix(v2).unwrap().to_str().unwrap().to_owned();
            if let (true, Some(super::Place::Blob(digest))) = (entry.file_type().is_file(), super::place(&path)) {
                model.blobs.insert(digest, fs::read(entry.path()).unwrap());
            }
        }
        model.descend(&v2.join("repositories"), String::new());
        model
    }

    fn descend(&mut self, directory: &Path, name: String) {
        let mut repository = Repository::default();
        let mut is_one = false;
        for child in names(directory) {
            let path = directory.join(&child);
            if fs::symlink_metadata(&path).unwrap().is_symlink() {
                self.hidden = true;
            } else if path.is_dir() {
                match child.trim_start_matches('_') {
                    "layers" => repository.read_layers(&path),
                    "manifests" => repository.read_manifests(&path),
                    "uploads" => {}
                    _ => {
                        let inside = if name.is_empty() { child } else { format!("{name}/{child}") };
                        self.descend(&path, inside);
                        continue;
                    }
                }
                is_one = true;
            }
        }
        if is_one {
            repository.admit_misplaced();
            self.hidden |= repository.has_tags && !repository.has_revisions;
            self.repositories.insert(name, repository);
        }
    }

    /// What is under this digest, if it is that and can be read.
    fn manifest(&self, digest: &str) -> Option<Manifest> {
        let content = self.blobs.get(digest)?;
        if content.len() > OVER_LARGE || sha256(content) != digest {
            return None;
        }
        let document: Value = serde_json::from_slice(content).ok()?;
        let digests = |field: &str, key: &str| -> Digests {
            let entries = document[field].as_array().into_iter().flatten();
            entries.filter_map(|entry| entry[key].as_str().map(str::to_owned)).collect()
        };
        let mut manifest = Manifest { children: digests("manifests", "digest"), ..Manifest::default() };
        for layer in document["layers"].as_array().into_iter().flatten() {
            let has_urls = layer["urls"].as_array().is_some_and(|urls| !urls.is_empty());
            let names = if has_urls { &mut manifest.elsewhere } else { &mut manifest.content };
            names.extend(layer["digest"].as_str().map(str::to_owned));
        }
        manifest.content.extend(digests("fsLayers", "blobSum"));
        manifest.content.extend(document["config"]["digest"].as_str().map(str::to_owned));
        manifest.is_index = document["manifests"].is_array();
        manifest.subject = document["subject"]["digest"].as_str().map(str::to_owned);
        Some(manifest)
    }

    /// Whether a manifest and all below it can be read.
    fn is_readable(&self, digest: &str) -> bool {
        let is_absent = |child: &String| self.sparse && !self.blobs.contains_key(child);
        let is_fine = |child: &String| is_absent(child) || self.is_readable(child);
        self.manifest(digest).is_some_and(|manifest| manifest.children.iter().all(is_fine))
    }

    fn is_opaque(&self, repository: &Repository) -> bool {
        let right = |(path, text): (&String, &String)| path == text;
        let digest = |text: &String| text.len() == 71 && text.starts_with("sha256:");
        repository.has_tags && !repository.has_revisions
            || !repository.revisions.iter().all(right)
            || !repository.revisions.keys().all(|revision| self.is_readable(revision))
            || !repository.tags.values().all(|text| digest(text) && self.is_clear(repository, text))
            // Those of sha256 say by their names what is in them.
            || !repository.layers.iter().all(|(path, text)| {
                path.starts_with("sha256:") || path.starts_with("tarsum") || digest(text)
            })
    }

    /// Whether it is clear what a tag of this digest needs.
    fn is_clear(&self, repository: &Repository, digest: &str) -> bool {
        if self.lets_go || repository.revisions.contains_key(digest) {
            return true;
        }
        if self.blobs.contains_key(digest) {
            return self.is_whole(digest) && self.is_readable(digest);
        }
        repository.revision_directories.contains(digest)
    }

    fn is_whole(&self, digest: &str) -> bool {
        self.blobs.get(digest).is_some_and(|content| sha256(content) == digest)
    }

    /// The manifests that tags keep though a link was lost: their own, or that of the manifest.
    fn kept_by_tags(&self, repository: &Repository) -> Digests {
        let is_unlinked = |digest: &&String| !repository.revisions.contains_key(*digest) && self.is_whole(digest);
        let unlinked = repository.tags.values().filter(is_unlinked).filter(|_| !self.lets_go);
        let is_kept = |digest: &&String| repository.revisions.contains_key(*digest) || self.is_whole(digest);
        unlinked.chain(repository.lost.iter().filter(is_kept)).cloned().collect()
    }

    fn verdict(&self, mode: Mode) -> Verdict {
        let opaque = self.repositories.iter().filter(|(_, repository)| self.is_opaque(repository));
        let opaque: BTreeSet<String> = opaque.map(|(name, _)| name.clone()).collect();
        let mut verdict = Verdict { doubt: self.hidden, opaque, ..Verdict::default() };
        let kept = self.kept(mode, &verdict.opaque);
        for (name, kept) in &kept {
            let repository = &self.repositories[name];
            let content = self.content(repository, kept);
            for revision in repository.revisions.keys().filter(|revision| !kept.contains(*revision)) {
                verdict.gone.revisions.insert((name.clone(), revision.clone()));
            }
            for (link, target) in &repository.layers {
                if !content.contains(link) && !content.contains(target) {
                    verdict.gone.layer_links.insert((name.clone(), link.clone()));
                }
            }
        }
        if !self.hidden {
            let needed = self.needed(&kept, &verdict.opaque);
            verdict.gone.blobs = self.blobs.keys().filter(|digest| !needed.contains(*digest)).cloned().collect();
        }
        verdict
    }

    /// All that repositories need which keep these manifests, and those from which nothing goes.
    fn needed(&self, kept: &BTreeMap<String, Digests>, opaque: &BTreeSet<String>) -> Digests {
        let mut needed = Digests::new();
        for repository in opaque.iter().map(|name| &self.repositories[name]) {
            for digest in repository.mentions() {
                let manifests = self.below(&Digests::from([digest.clone()]), true);
                needed.extend(self.content(repository, &manifests));
                needed.insert(digest);
            }
        }
        for (name, kept) in kept {
            let repository = &self.repositories[name];
            needed.extend(self.content(repository, kept));
            let signatures = kept.iter().filter_map(|digest| repository.signatures.get(digest)).flatten();
            needed.extend(signatures.cloned());
        }
        needed
    }

    /// Manifests, and all that they name as children, wherever their content is. Where something goes, and sparse indexes
    /// are allowed, only what some repository links.
    fn below(&self, manifests: &Digests, keeps_all: bool) -> Digests {
        let mut all = manifests.clone();
        for manifest in manifests.iter().filter_map(|digest| self.manifest(digest)) {
            let keeps_all = keeps_all || !self.sparse || self.hidden;
            let stays = |child: &&String| keeps_all || !self.blobs.contains_key(*child) || self.is_linked(child);
            all.extend(self.below(&manifest.children.iter().filter(stays).cloned().collect(), keeps_all));
        }
        all
    }

    fn is_linked(&self, digest: &String) -> bool {
        self.repositories.values().any(|repository| {
            repository.revisions.contains_key(digest)
                || repository.layers.iter().any(|(path, text)| path == digest || text == digest)
        })
    }

    /// The manifests that each repository keeps from which anything may go.
    fn kept(&self, mode: Mode, opaque: &BTreeSet<String>) -> BTreeMap<String, Digests> {
        let open = self.repositories.iter().filter(|(name, _)| !opaque.contains(*name));
        let roots = open.clone().map(|(name, repository)| {
            let tagged = repository.tags.iter().filter(|(tag, digest)| {
                repository.revisions.contains_key(*digest) && !self.is_dependent(mode, opaque, repository, tag, digest)
            });
            let roots = match mode {
                Mode::Plain => repository.revisions.keys().cloned().collect(),
                Mode::Untagged | Mode::Dangling | Mode::Sparse => tagged.map(|(_, digest)| digest.clone()).collect(),
            };
            let roots: Digests = roots;
            (name.clone(), self.below(&roots.union(&self.kept_by_tags(repository)).cloned().collect(), false))
        });
        let mut kept: BTreeMap<String, Digests> = roots.collect();
        loop {
            let (needed, mut grown) = (self.needed(&kept, opaque), false);
            for (name, repository) in open.clone() {
                let about_needed = repository.revisions.keys().filter(|revision| {
                    let field = self.manifest(revision).and_then(|manifest| manifest.subject);
                    let tags = repository.tags.iter().filter(|(tag, digest)| {
                        digest == revision && self.is_dependent(mode, opaque, repository, tag, digest)
                    });
                    tags.filter_map(|(tag, _)| named_by(tag)).chain(field).any(|subject| needed.contains(&subject))
                });
                let more = self.below(&about_needed.cloned().collect(), false);
                let kept = kept.get_mut(name).unwrap();
                grown |= !more.is_subset(kept);
                kept.extend(more);
            }
            if !grown || mode == Mode::Plain {
                return kept;
            }
        }
    }

    /// Whether a tag stays only with the manifest that it was made for.
    fn is_dependent(
        &self,
        mode: Mode,
        opaque: &BTreeSet<String>,
        repository: &Repository,
        tag: &str,
        digest: &String,
    ) -> bool {
        let Some(subject) = self.made_for(tag, digest).filter(|_| mode == Mode::Dangling) else { return false };
        if self.blobs.contains_key(&subject) {
            return !self.hidden;
        }
        let made_for = |(tag, digest): (&String, &String)| {
            self.made_for(tag, digest).filter(|_| repository.revisions.contains_key(digest))
        };
        let mut subjects = repository.tags.iter().filter_map(made_for);
        !self.hidden && opaque.is_empty() && subjects.any(|subject| self.was_here(&subject))
    }

    /// The manifest that a tag was made for: by its suffix, or because all that it lists is about that.
    fn made_for(&self, tag: &str, digest: &String) -> Option<String> {
        let subject = named_by(tag).filter(|subject| subject != digest)?;
        let is_about =
            |child: &String| self.manifest(child).is_some_and(|child| child.subject.as_ref() == Some(&subject));
        let is_list = self.manifest(digest).is_some_and(|it| it.is_index && it.children.iter().all(is_about));
        (tag.contains('.') || is_list).then_some(subject)
    }

    /// Whether anything but a mention in a manifest shows that content was in the tree.
    fn was_here(&self, digest: &String) -> bool {
        let shows = |repository: &Repository| {
            repository.revision_directories.contains(digest)
                || repository.layers.iter().any(|(path, text)| path == digest || text == digest)
                || repository.tags.values().any(|target| target == digest)
        };
        self.blobs.contains_key(digest) || self.repositories.values().any(shows)
    }

    /// Manifests and what they reference, by whatever digest it is linked.
    fn content(&self, repository: &Repository, manifests: &Digests) -> Digests {
        let mut content = manifests.clone();
        let has = |digest: &String| !repository.has_layers || repository.layers.contains_key(digest);
        let named = manifests.iter().filter_map(|digest| self.manifest(digest)).flat_map(|found| {
            let elsewhere = found.elsewhere.into_iter().filter(has).collect::<Digests>();
            found.content.into_iter().chain(elsewhere)
        });
        for digest in named {
            content.extend(repository.layers.get(&digest).cloned());
            content.insert(digest);
        }
        content
    }
}

/// The digest that a tag names, if clients name tags so that they make for it.
fn named_by(tag: &str) -> Option<String> {
    let rest = tag.strip_prefix("sha256-")?;
    let hex = [".sig", ".att", ".sbom"].iter().find_map(|suffix| rest.strip_suffix(suffix)).unwrap_or(rest);
    (hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| format!("sha256:{hex}"))
}

impl Repository {
    fn read_layers(&mut self, directory: &Path) {
        self.has_layers = true;
        for (digest, path) in digests(directory) {
            if let Ok(text) = fs::read_to_string(path.join("link")) {
                self.layers.insert(digest, text);
            }
        }
    }

    fn read_manifests(&mut self, directory: &Path) {
        self.has_revisions = directory.join("revisions").is_dir();
        for (digest, path) in digests(&directory.join("revisions")) {
            if let Ok(text) = fs::read_to_string(path.join("link")) {
                self.revisions.insert(digest.clone(), text);
            }
            let signatures = digests(&path.join("signatures")).into_iter().map(|(digest, _)| digest);
            self.signatures.insert(digest.clone(), signatures.collect());
            self.revision_directories.insert(digest);
        }
        for tag in names(&directory.join("tags")) {
            self.has_tags = true;
            let directory = directory.join("tags").join(&tag);
            if let Ok(text) = fs::read_to_string(directory.join("current/link")) {
                self.tags.insert(tag, text);
            } else {
                self.lost.extend(digests(&directory.join("index")).into_iter().map(|(digest, _)| digest));
            }
            for (digest, path) in digests(&directory.join("index")) {
                if let Ok(text) = fs::read_to_string(path.join("link")) {
                    self.history.push((digest, text));
                }
            }
        }
    }

    /// 2.1.0 put the links of revisions among those of layers.
    fn admit_misplaced(&mut self) {
        for digest in &self.revision_directories {
            if !self.revisions.contains_key(digest) && self.layers.contains_key(digest) {
                self.revisions.insert(digest.clone(), digest.clone());
            }
        }
    }

    /// All that it names by any path or link.
    fn mentions(&self) -> Digests {
        let links = self.revisions.iter().chain(&self.layers).flat_map(|(path, text)| [path, text]);
        let history = self.history.iter().flat_map(|(path, text)| [path, text]);
        let signatures = self.signatures.values().flatten();
        links
            .chain(history)
            .chain(self.tags.values())
            .chain(&self.revision_directories)
            .chain(signatures)
            .cloned()
            .collect()
    }
}

#[test]
fn the_model_says_of_every_version_s_tree_what_its_truth_file_does() {
    for version in versions() {
        for (field, mode) in [("gc", Mode::Plain), ("gc_delete_untagged", Mode::Untagged)] {
            let (scratch, truth) = (tree(&version), truth(&version));
            // Registries 2.1 and 2.2 leave the tags of deleted manifests, and the truth files say what goes without these.
            let verdict = verdict(&scratch, mode, true);
            let expected = &truth[field];
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let blobs: Digests = expected["remove_blobs"].as_array().unwrap().iter().map(text).collect();
            let links = |field: &str| -> BTreeSet<Link> {
                let repositories = expected[field].as_object().unwrap().iter();
                let pairs = |(name, digests): (&String, &Value)| -> Vec<Link> {
                    digests.as_array().unwrap().iter().map(|digest| (name.clone(), text(digest))).collect()
                };
                repositories.flat_map(pairs).collect()
            };
            let context = format!("{version} {field}");
            assert_eq!((&verdict.opaque, verdict.doubt), (&BTreeSet::new(), false), "{context}");
            assert_eq!(verdict.gone.blobs, blobs, "{context}");
            assert_eq!(verdict.gone.revisions, links("remove_revisions"), "{context}");
            let unreferenced = links("links_not_referenced_in_their_repository");
            assert_eq!(verdict.gone.layer_links, unreferenced, "{context}");
        }
    }
}
