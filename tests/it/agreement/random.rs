//! Random trees: steps that proptest draws and shrinks, planted one after the other.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::json;

use super::{Answer, ask};
use crate::support::planted::{Planted, hex_of, revision_path, sha256, tag_path};
use crate::support::{Scratch, image};

const REPOSITORIES: [&str; 3] = ["a", "a/b", "lib/app"];
const TAGS: [&str; 3] = ["v1", "v2", "latest"];
const SUFFIXES: [&str; 4] = ["", ".sig", ".att", ".sbom"];

/// One step in the life of a tree. Numbers choose among what there is, whatever they are.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Image {
        repository: u8,
        config: u8,
        layers: Vec<u8>,
        tag: Option<u8>,
    },
    /// An image with a layer that is linked by its sha512 digest too, and named by that.
    Aliased {
        repository: u8,
        layer: u8,
        tag: Option<u8>,
    },
    /// An index of manifests that are there, or of one that was never pushed.
    Index {
        repository: u8,
        children: Vec<u8>,
        tag: Option<u8>,
    },
    Referrer {
        repository: u8,
        subject: u8,
        tag: Option<u8>,
    },
    /// An image that names a manifest as its layer.
    Outer {
        repository: u8,
        inner: u8,
        tag: Option<u8>,
    },
    /// An image with a layer that lies elsewhere in the world.
    Foreign {
        repository: u8,
        tag: Option<u8>,
    },
    /// A manifest of a kind that nothing knows, which mentions content.
    Unknown {
        repository: u8,
        mentions: Vec<u8>,
        tag: Option<u8>,
    },
    /// A tag that a client made for a manifest, as cosign does.
    MadeFor {
        subject: u8,
        suffix: u8,
        target: u8,
    },
    /// A tag for a manifest that is nowhere. Mostly its directory is left, as a deletion leaves it.
    MadeForNone {
        target: u8,
        suffix: u8,
    },
    Untag {
        repository: u8,
        tag: u8,
    },
    DeleteRevision {
        manifest: u8,
    },
    Orphan {
        content: u8,
    },
    Stale {
        repository: u8,
        content: u8,
    },
    Upload {
        repository: u8,
    },
    Empty {
        repository: u8,
    },
}

/// One damage to one file, chosen among all by a number; or to a repository.
#[derive(Clone, Debug)]
pub(super) enum Damage {
    File {
        at: u16,
        how: How,
    },
    /// A plain file where a folder of a repository is to be.
    PlainFile {
        name: u8,
    },
    /// A folder of a repository that is gone.
    Folder {
        repository: u8,
        name: u8,
    },
}

#[derive(Clone, Copy, Debug)]
pub(super) enum How {
    Truncate,
    Empty,
    Remove,
    Flip,
    Newline,
    Long,
    Directory,
    Symlink,
}

/// How a tree comes about.
#[derive(Clone, Debug)]
pub(super) struct Recipe {
    /// What was done two days ago.
    pub(super) old: Vec<Step>,
    /// What is done now.
    pub(super) young: Vec<Step>,
    pub(super) damage: Vec<Damage>,
}

fn step() -> impl Strategy<Value = Step> {
    let few = || prop::collection::vec(0_u8..6, 0..3);
    let tag = || prop::option::weighted(0.6, any::<u8>());
    prop_oneof![
        6 => (any::<u8>(), 0_u8..6, few(), tag())
            .prop_map(|(repository, config, layers, tag)| Step::Image { repository, config, layers, tag }),
        1 => (any::<u8>(), 0_u8..3, tag()).prop_map(|(repository, layer, tag)| Step::Aliased { repository, layer, tag }),
        2 => (any::<u8>(), few(), tag())
            .prop_map(|(repository, children, tag)| Step::Index { repository, children, tag }),
        2 => (any::<u8>(), any::<u8>(), tag())
            .prop_map(|(repository, subject, tag)| Step::Referrer { repository, subject, tag }),
        2 => (any::<u8>(), any::<u8>(), tag()).prop_map(|(repository, inner, tag)| Step::Outer { repository, inner, tag }),
        1 => (any::<u8>(), tag()).prop_map(|(repository, tag)| Step::Foreign { repository, tag }),
        1 => (any::<u8>(), few(), tag())
            .prop_map(|(repository, mentions, tag)| Step::Unknown { repository, mentions, tag }),
        2 => (any::<u8>(), any::<u8>(), any::<u8>())
            .prop_map(|(subject, suffix, target)| Step::MadeFor { subject, suffix, target }),
        3 => (any::<u8>(), any::<u8>()).prop_map(|(target, suffix)| Step::MadeForNone { target, suffix }),
        1 => (any::<u8>(), any::<u8>()).prop_map(|(repository, tag)| Step::Untag { repository, tag }),
        1 => any::<u8>().prop_map(|manifest| Step::DeleteRevision { manifest }),
        1 => (0_u8..3).prop_map(|content| Step::Orphan { content }),
        1 => (any::<u8>(), 0_u8..6).prop_map(|(repository, content)| Step::Stale { repository, content }),
        1 => any::<u8>().prop_map(|repository| Step::Upload { repository }),
        1 => any::<u8>().prop_map(|repository| Step::Empty { repository }),
    ]
}

pub(super) fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 0..=most)
}

/// What may be damaged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ways {
    pub(super) files: &'static [How],
    pub(super) folders: bool,
}

impl Ways {
    /// Files alone, in these ways.
    pub(super) const fn of(files: &'static [How]) -> Self {
        Self { files, folders: false }
    }

    pub(super) const ALL: Self = Self { files: &How::ALL, folders: true };
}

fn damage(ways: Ways) -> impl Strategy<Value = Damage> {
    let Ways { files, folders } = ways;
    let folders = u32::from(folders);
    prop_oneof![
        8 => (any::<u16>(), prop::sample::select(files.to_vec())).prop_map(|(at, how)| Damage::File { at, how }),
        folders => any::<u8>().prop_map(|name| Damage::PlainFile { name }),
        folders =>
            (any::<u8>(), any::<u8>()).prop_map(|(repository, name)| Damage::Folder { repository, name }),
    ]
}

/// Trees in which nothing is broken but what deletions and lost pushes leave.
pub(super) fn sound() -> impl Strategy<Value = Recipe> {
    (steps(9), steps(4)).prop_map(|(old, young)| Recipe { old, young, damage: Vec::new() })
}

/// The same with one damage or two.
pub(super) fn damaged(ways: Ways) -> impl Strategy<Value = Recipe> {
    (steps(9), steps(3), prop::collection::vec(damage(ways), 1..3)).prop_map(|(old, young, damage)| Recipe {
        old,
        young,
        damage,
    })
}

/// The same tree as one of a pull-through cache.
pub(super) fn cached(scratch: Scratch) -> Scratch {
    fs::write(scratch.root().join("scheduler-state.json"), "{}").unwrap();
    scratch
}

impl Recipe {
    /// The tree that comes of it.
    pub(super) fn grow(&self) -> Scratch {
        let mut grown = Grown { planted: Planted::new(), made: Vec::new() };
        grown.walk(&self.old);
        grown.planted.age(48);
        grown.walk(&self.young);
        for damage in &self.damage {
            damage.inflict(&grown.planted.scratch);
        }
        grown.planted.scratch
    }
}

/// Takes more steps in a tree that stands already.
pub(super) fn walk(scratch: Scratch, steps: &[Step]) -> Scratch {
    let mut grown = Grown { planted: Planted::within(scratch), made: Vec::new() };
    grown.walk(steps);
    grown.planted.scratch
}

struct Grown {
    planted: Planted,
    /// Repository and digest of each manifest.
    made: Vec<(String, String)>,
}

fn among<T>(all: &[T], number: u8) -> Option<&T> {
    (!all.is_empty()).then(|| &all[usize::from(number) % all.len()])
}

fn name(number: u8) -> &'static str {
    REPOSITORIES[usize::from(number) % REPOSITORIES.len()]
}

impl Grown {
    fn walk(&mut self, steps: &[Step]) {
        for step in steps {
            self.take(step);
        }
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Image { repository, config, layers, tag } => {
                let config = self.layer(*repository, *config);
                let layers: Vec<String> = layers.iter().map(|layer| self.layer(*repository, *layer)).collect();
                let layers: Vec<&str> = layers.iter().map(String::as_str).collect();
                let manifest = self.planted.image_of(&config, &layers);
                self.push(*repository, &manifest, *tag);
            }
            Step::Aliased { repository, layer, tag } => {
                let config = self.layer(*repository, 0);
                let alias = self.planted.alias(name(*repository), format!("layer {layer} of two names"));
                let manifest = self.planted.image_of(&config, &[&alias]);
                self.push(*repository, &manifest, *tag);
            }
            Step::Index { repository, children, tag } => self.index(*repository, children, *tag),
            Step::Referrer { repository, subject, tag } => {
                let config = self.layer(*repository, 0);
                let layer = self.layer(*repository, *subject % 6);
                let subject = self.manifest(*subject);
                let manifest = self.planted.about(&subject, &config, &[&layer]);
                self.push(*repository, &manifest, *tag);
            }
            Step::Outer { repository, inner, tag } => {
                let config = self.layer(*repository, 0);
                let inner = self.manifest(*inner);
                self.planted.link(name(*repository), &inner);
                let manifest = self.planted.image_of(&config, &[&inner]);
                self.push(*repository, &manifest, *tag);
            }
            Step::Foreign { repository, tag } => self.foreign(*repository, *tag),
            Step::Unknown { repository, mentions, tag } => {
                let mentions: Vec<String> = mentions.iter().map(|layer| self.layer(*repository, *layer)).collect();
                let media_type = "application/vnd.example.things.v1+json";
                let manifest = json!({ "schemaVersion": 2, "mediaType": media_type, "things": mentions });
                self.push(*repository, &manifest, *tag);
            }
            Step::MadeFor { subject, suffix, target } => {
                if let Some((_, subject)) = among(&self.made, *subject).cloned() {
                    self.tag_for(&subject, *suffix, *target);
                }
            }
            Step::MadeForNone { target, suffix } => {
                let subject = sha256(b"nowhere");
                if let Some((repository, _)) = among(&self.made, *target).filter(|_| !target.is_multiple_of(4)) {
                    fs::create_dir_all(self.planted.at(&revision_path(repository, &subject))).unwrap();
                }
                self.tag_for(&subject, *suffix, *target);
            }
            _ => self.leave(step),
        }
    }

    /// What pushes and deletions leave behind.
    fn leave(&mut self, step: &Step) {
        match step {
            Step::Untag { repository, tag } => {
                let path = tag_path(name(*repository), TAGS[usize::from(*tag) % TAGS.len()]);
                if self.planted.at(&path).exists() {
                    self.planted.remove(&path);
                }
            }
            Step::DeleteRevision { manifest } => {
                if let Some((repository, digest)) = among(&self.made, *manifest).cloned() {
                    let path = revision_path(&repository, &digest);
                    let is_named = ["blobs", &format!("repositories/{repository}/_manifests/tags")]
                        .iter()
                        .any(|place| is_named_below(&self.planted.at(place), &digest));
                    if self.planted.at(&path).exists() && !is_named {
                        self.planted.remove(&path);
                        self.made.retain(|made| *made != (repository.clone(), digest.clone()));
                    }
                }
            }
            Step::Orphan { content } => drop(self.planted.blob(format!("orphan {content}"))),
            Step::Stale { repository, content } => drop(self.layer(*repository, *content)),
            Step::Upload { repository } => {
                let id = "49c7033d-8881-4914-9c95-d56c28397fe8";
                self.planted.upload(name(*repository), id, "2015-01-01T00:00:00Z");
            }
            Step::Empty { repository } => self.complete(name(*repository)),
            _ => unreachable!("a step that is taken"),
        }
    }

    fn layer(&self, repository: u8, content: u8) -> String {
        self.planted.layer(name(repository), format!("layer {content}"))
    }

    /// The digest of a manifest that was pushed somewhere, or of none.
    fn manifest(&self, number: u8) -> String {
        among(&self.made, number).map_or_else(|| sha256(b"never pushed"), |(_, digest)| digest.clone())
    }

    /// The folders that every registry makes.
    fn complete(&self, repository: &str) {
        for folder in ["_layers", "_manifests/tags", "_manifests/revisions"] {
            fs::create_dir_all(self.planted.at(&format!("repositories/{repository}/{folder}"))).unwrap();
        }
    }

    fn push(&mut self, repository: u8, manifest: &serde_json::Value, tag: Option<u8>) {
        let repository = name(repository);
        self.complete(repository);
        let digest = self.planted.manifest(repository, manifest);
        if let Some(tag) = tag {
            self.planted.tag(repository, TAGS[usize::from(tag) % TAGS.len()], &digest);
        }
        self.made.push((repository.to_owned(), digest));
    }

    fn index(&mut self, repository: u8, children: &[u8], tag: Option<u8>) {
        let here: Vec<&(String, String)> = self.made.iter().filter(|(place, _)| place == name(repository)).collect();
        let children: Vec<&str> =
            children.iter().filter_map(|child| among(&here, *child)).map(|(_, digest)| digest.as_str()).collect();
        let manifest = self.planted.index_of(&children);
        self.push(repository, &manifest, tag);
    }

    fn foreign(&mut self, repository: u8, tag: Option<u8>) {
        let config = self.layer(repository, 0);
        // Some were pushed all the same.
        if tag.is_some_and(|tag| tag % 2 == 0) {
            self.planted.layer(name(repository), "elsewhere");
        }
        let mut manifest = self.planted.image_of(&config, &[&sha256(b"elsewhere")]);
        manifest["layers"][0]["mediaType"] = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip".into();
        manifest["layers"][0]["urls"] = json!(["https://example.com/layer"]);
        self.push(repository, &manifest, tag);
    }

    /// Tags a manifest as one that was made for `subject`, in its own repository. Without a suffix that is often the list
    /// that clients keep, which lists nothing here.
    fn tag_for(&self, subject: &str, suffix: u8, number: u8) {
        let Some((repository, target)) = among(&self.made, number) else { return };
        let suffix = SUFFIXES[usize::from(suffix) % SUFFIXES.len()];
        let list = (suffix.is_empty() && !number.is_multiple_of(4)).then(|| self.planted.index(repository, &[]));
        let target = list.as_ref().unwrap_or(target);
        self.planted.tag(repository, &format!("sha256-{}{suffix}", hex_of(subject)), target);
    }
}

/// Whether a file below a directory names a manifest.
fn is_named_below(directory: &Path, digest: &str) -> bool {
    files(directory).iter().any(|file| fs::read_to_string(file).is_ok_and(|text| text.contains(digest)))
}

/// Every plain file below a directory, in order.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = walkdir::WalkDir::new(directory).sort_by_file_name().into_iter().filter_map(Result::ok);
    entries.filter(|entry| entry.file_type().is_file()).map(walkdir::DirEntry::into_path).collect()
}

impl Damage {
    fn inflict(&self, scratch: &Scratch) {
        match self {
            Self::File { at, how } => {
                let files = files(&scratch.v2());
                if !files.is_empty() {
                    how.inflict(&files[usize::from(*at) % files.len()], scratch.root());
                }
            }
            Self::PlainFile { name } => {
                let name = ["_layers", "_manifests", "_uploads"][usize::from(*name) % 3];
                Scratch::plant(&scratch.repository("odd").join(name), "");
            }
            Self::Folder { repository, name } => {
                let folder = ["_layers", "_manifests/tags", "_manifests/revisions"][usize::from(*name) % 3];
                let path = scratch.repository(self::name(*repository)).join(folder);
                if path.exists() {
                    fs::remove_dir_all(path).unwrap();
                }
            }
        }
    }
}

impl How {
    pub(super) const ALL: [Self; 8] = [
        Self::Truncate,
        Self::Empty,
        Self::Remove,
        Self::Flip,
        Self::Newline,
        Self::Long,
        Self::Directory,
        Self::Symlink,
    ];

    fn inflict(self, file: &Path, root: &Path) {
        let mut content = fs::read(file).unwrap();
        match self {
            Self::Truncate => content.truncate(content.len() / 2),
            Self::Empty => content.clear(),
            Self::Flip => {
                if let Some(byte) = content.last_mut() {
                    *byte ^= 1;
                }
            }
            Self::Newline => content.push(b'\n'),
            Self::Long => content = image::noise(7, 5000).iter().map(|byte| b'a' + byte % 26).collect(),
            Self::Remove | Self::Directory | Self::Symlink => {
                fs::remove_file(file).unwrap();
                return match self {
                    Self::Directory => fs::create_dir(file).unwrap(),
                    Self::Symlink => symlink(root.join("nowhere"), file).unwrap(),
                    _ => (),
                };
            }
        }
        fs::write(file, content).unwrap();
    }
}

/// The first values that are drawn for a seed.
fn first<S: Strategy>(number: usize, seed: u8, values: &S) -> Vec<S::Value> {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    (0..number).map(|_| values.new_tree(&mut runner).unwrap().current()).collect()
}

#[test]
fn the_random_trees_show_what_there_is_to_show() {
    let answers = |recipes: Vec<Recipe>, words: &[&str]| -> Vec<Answer> {
        recipes.iter().map(|recipe| ask(&recipe.grow(), words.iter().copied())).collect()
    };
    let count = |answers: &[Answer], holds: &dyn Fn(&Answer) -> bool| answers.iter().filter(|it| holds(it)).count();
    let has = |kind: &'static str| move |answer: &Answer| answer.of_type("remove").any(|event| event["kind"] == kind);
    let words = ["gc", "-n", "--min-age", "0", "--allow-rootless", "--delete-untagged", "--delete-dangling-referrers"];
    let sound = answers(first(60, 1, &sound()), &words);
    for (kind, least) in [("blob", 40), ("revision", 30), ("layer-link", 30), ("tag", 8), ("repository", 10)] {
        let found = count(&sound, &has(kind));
        assert!(found >= least, "{kind}: {found}");
    }
    assert!(count(&sound, &|answer| answer.run.exit() == Some(0)) > 55, "trees without damage");
    let damaged = answers(first(60, 2, &damaged(Ways::ALL)), &["fsck", "--content"]);
    let codes = damaged.iter().flat_map(|answer| answer.of_type("finding")).map(|finding| finding["code"].to_string());
    let codes: BTreeSet<String> = codes.collect();
    assert!(codes.len() > 12, "{codes:?}");
}
