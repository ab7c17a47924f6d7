//! Random trees, small and the same for the same seed.

use serde_json::Value;

use super::planted::{Planted, blob_path, hex_of, layer_path, revision_path, sha256, sha512, tag_path};

/// Numbers that look random.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(number).unwrap() % bound
    }

    pub(super) fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub(super) fn pick<'a, T>(&mut self, among: &'a [T]) -> &'a T {
        &among[self.below(among.len())]
    }
}

/// What there may be in a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Images, tags, and what was left of others: what every registry collects right.
    Plain,
    /// Indexes, referrers and aliases too.
    Rich,
    /// Those, and damage.
    Damaged,
}

/// A manifest that was planted.
#[derive(Clone)]
pub(super) struct Made {
    pub(super) repository: String,
    pub(super) digest: String,
    aliased: bool,
    is_index: bool,
    subject: Option<String>,
}

/// A random tree, and how it came about.
pub(super) struct Tree {
    pub(super) planted: Planted,
    pub(super) made: Vec<Made>,
    /// Each step, for whoever has to understand what went wrong.
    pub(super) story: Vec<String>,
    dice: Dice,
    kind: Kind,
}

const REPOSITORIES: [&str; 5] = ["a", "a/b", "lib/app", "z/y/x", "Bad!/name"];
const TAGS: [&str; 4] = ["v1", "v2", "latest", "sha256-tag"];

/// Grows the tree of a seed.
pub(super) fn grow(seed: u64, kind: Kind) -> Tree {
    let mut tree = Tree { planted: Planted::new(), made: Vec::new(), story: Vec::new(), dice: Dice::new(seed), kind };
    let names = if kind == Kind::Plain { 4 } else { 5 };
    for _ in 0..2 + tree.dice.below(7) {
        let repository = REPOSITORIES[tree.dice.below(names)];
        tree.push(repository);
    }
    for _ in 0..tree.dice.below(4) {
        tree.leave();
    }
    if kind == Kind::Damaged {
        for _ in 0..=tree.dice.below(2) {
            let made = tree.dice.pick(&tree.made.clone()).clone();
            tree.damage(&made);
        }
    }
    tree
}

impl Tree {
    fn tell(&mut self, step: String) {
        self.story.push(step);
    }

    /// One push, by chance of an image, an index or a referrer.
    fn push(&mut self, repository: &str) {
        let choice = if self.kind == Kind::Plain { 0 } else { self.dice.below(9) };
        let here: Vec<Made> = self.made.iter().filter(|made| made.repository == repository).cloned().collect();
        let (manifest, aliased) = match choice {
            5 | 6 if !self.made.is_empty() => (self.index(repository), false),
            7 => {
                let subject = self.subject();
                let config = self.layer(repository);
                (self.planted.about(&subject, &config, &[]), false)
            }
            8 => {
                // What clients keep where a registry lists no referrers; by chance without any.
                let about = |made: &&Made| made.subject.is_some();
                let one = here.iter().find(about).map(|made| made.digest.clone());
                (self.planted.index_of(&one.iter().map(String::as_str).collect::<Vec<_>>()), false)
            }
            _ => self.image(repository),
        };
        let is_index = manifest["manifests"].is_array();
        let digest = self.planted.manifest(repository, &manifest);
        self.tell(format!("{repository}: {digest} is {manifest}"));
        // Both directories are there whatever is pushed; the registry that this is compared with stumbles without them.
        for directory in ["_layers", "_manifests/tags"] {
            std::fs::create_dir_all(self.planted.at(&format!("repositories/{repository}/{directory}"))).unwrap();
        }
        if !self.dice.one_in(3) {
            let tag = *self.dice.pick(&TAGS);
            self.planted.tag(repository, tag, &digest);
            self.tell(format!("{repository}: {tag} is {digest}"));
        }
        if self.kind != Kind::Plain && self.dice.one_in(3) {
            self.tag_for(&here, repository, &digest);
        }
        if !self.made.iter().any(|made| made.repository == repository && made.digest == digest) {
            let subject = manifest["subject"]["digest"].as_str().map(str::to_owned);
            self.made.push(Made { repository: repository.to_owned(), digest, aliased, is_index, subject });
        }
    }

    /// The digest of a manifest of any repository, or of one that is gone or not yet there.
    fn subject(&mut self) -> String {
        let number = self.dice.below(5);
        self.made.get(number).map_or_else(|| sha256(b"nowhere"), |made| made.digest.clone())
    }

    /// Tags a manifest as one that was made for another; by chance for itself, or for what something here is about.
    fn tag_for(&mut self, here: &[Made], repository: &str, digest: &str) {
        let subject = match self.dice.below(6) {
            0 => digest.to_owned(),
            1 | 2 => here.iter().find_map(|made| made.subject.clone()).unwrap_or_else(|| sha256(b"nowhere")),
            _ => self.subject(),
        };
        let tag = format!("sha256-{}{}", hex_of(&subject), self.dice.pick(&["", "", ".sig", ".att", ".sbom"]));
        self.planted.tag(repository, &tag, digest);
        self.tell(format!("{repository}: {tag} is {digest}"));
    }

    /// The digest of a layer that is pushed, one of a few.
    fn layer(&mut self, repository: &str) -> String {
        let content = format!("layer {}", self.dice.below(7));
        self.planted.layer(repository, content)
    }

    fn image(&mut self, repository: &str) -> (Value, bool) {
        let config = self.layer(repository);
        let mut layers: Vec<String> = (0..=self.dice.below(2)).map(|_| self.layer(repository)).collect();
        let aliased = self.kind != Kind::Plain && self.dice.one_in(4);
        if aliased {
            let content = format!("layer {} of two names", self.dice.below(3));
            layers.push(self.planted.alias(repository, content));
        }
        let layers: Vec<&str> = layers.iter().map(String::as_str).collect();
        let mut image = self.planted.image_of(&config, &layers);
        if self.kind != Kind::Plain && self.dice.one_in(3) {
            // It may lie here, in another repository, or nowhere.
            let content = sha256(format!("layer {}", self.dice.below(7)).as_bytes());
            let mut foreign = self.planted.image_of(&config, &[&content])["layers"][0].take();
            foreign["urls"] = serde_json::json!(["https://example.com/layer"]);
            image["layers"].as_array_mut().unwrap().push(foreign);
        }
        (image, aliased)
    }

    /// An index of what was pushed here, or elsewhere.
    fn index(&mut self, repository: &str) -> Value {
        let sparse = self.dice.one_in(3);
        let fits = |made: &&Made| made.repository == repository || sparse && !made.aliased && !made.is_index;
        let children: Vec<Made> = self.made.iter().filter(fits).cloned().collect();
        if children.is_empty() {
            return self.planted.index_of(&[]);
        }
        let children: Vec<String> =
            (0..=self.dice.below(2)).map(|_| self.dice.pick(&children).digest.clone()).collect();
        self.planted.index_of(&children.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// What pushes and deletions leave.
    fn leave(&mut self) {
        let made = self.dice.pick(&self.made.clone()).clone();
        let repository = made.repository.as_str();
        let number = self.dice.below(3);
        let choice = self.dice.below(if self.kind == Kind::Plain { 6 } else { 8 });
        match choice {
            0 => drop(self.planted.blob(format!("orphan {number}"))),
            1 => drop(self.planted.layer(repository, format!("stale {number}"))),
            2 => self.planted.link(repository, &sha256(format!("long gone {number}").as_bytes())),
            // A manifest deleted by its digest: its tags went before, its directory stays.
            3 if !self.is_child_or_tagged(&made) => {
                self.planted.remove(&(revision_path(repository, &made.digest) + "/link"));
                self.forget(&made);
            }
            // A child deleted on purpose.
            6 | 7 if !self.is_tagged(&made) => {
                self.planted.remove(&(revision_path(repository, &made.digest) + "/link"));
                self.forget(&made);
            }
            4 if self.kind != Kind::Plain => drop(self.planted.alias(repository, format!("stale alias {number}"))),
            5 => self.planted.upload(repository, "49c7033d-8881-4914-9c95-d56c28397fe8", "2015-01-01T00:00:00Z"),
            _ => return,
        }
        self.tell(format!("{repository}: left over, {choice} ({number})"));
    }

    fn forget(&mut self, made: &Made) {
        self.made.retain(|other| !(other.repository == made.repository && other.digest == made.digest));
        if self.made.is_empty() {
            self.push("a");
        }
    }

    fn is_tagged(&self, made: &Made) -> bool {
        let tags = self.planted.at(&format!("repositories/{}/_manifests/tags", made.repository));
        let entries = walkdir::WalkDir::new(tags).into_iter().map(Result::unwrap);
        let mut files = entries.filter(|entry| entry.file_type().is_file());
        files.any(|entry| std::fs::read_to_string(entry.path()).unwrap() == made.digest)
    }

    fn is_child_or_tagged(&self, made: &Made) -> bool {
        walkdir::WalkDir::new(self.planted.v2()).into_iter().map(Result::unwrap).any(|entry| {
            let path = entry.path().to_str().unwrap();
            let text = entry.file_type().is_file().then(|| std::fs::read_to_string(entry.path()).unwrap());
            !path.contains("/revisions/")
                && text.is_some_and(|text| {
                    text.contains(&made.digest) && (path.ends_with("data") || path.contains("/tags/"))
                })
        })
    }

    /// One damage, to a manifest or its repository.
    fn damage(&mut self, made: &Made) {
        let (repository, digest) = (made.repository.as_str(), made.digest.as_str());
        let inside = |path: &str| format!("repositories/{repository}/{path}");
        let revision = revision_path(repository, digest) + "/link";
        let choice = self.dice.below(16);
        let planted = &self.planted;
        let exists = |path: &str| planted.at(path).exists();
        match choice {
            0 => planted.plant(&revision, ""),
            1 => planted.plant(&revision, format!("{digest}\n")),
            2 if planted.has(digest) => planted.remove(&blob_path(digest)),
            3 => planted.plant(&blob_path(digest), ""),
            4 => planted.plant(&blob_path(digest), "{\"schemaVersion\":2}"),
            5 => drop(planted.manifest(repository, &planted.index_of(&[&sha256(b"never pushed")]))),
            6 => planted.tag(repository, "dangling", &sha256(b"never pushed")),
            7 => planted.plant(&format!("{}/current/link", tag_path(repository, "v1")), ""),
            8 if exists(&inside("_manifests/revisions")) => {
                planted.tag(repository, "v9", digest);
                planted.remove(&inside("_manifests/revisions"));
            }
            9 if exists(&inside("_layers")) => planted.remove(&inside("_layers")),
            10 if exists(&inside("_manifests/tags")) => planted.remove(&inside("_manifests/tags")),
            11 => planted.remove(&blob_path(&planted.layer(repository, "layer 1"))),
            12 => {
                // As 2.1 and 2.2 delete: the tag stays, and the empty directory.
                planted.tag(repository, "deleted", digest);
                if exists(&revision) {
                    planted.remove(&revision);
                }
            }
            13 => {
                let alias = planted.alias(repository, "layer 0 of two names");
                assert_eq!(alias, sha512(b"layer 0 of two names"));
                planted.plant(&layer_path(repository, &alias), "sha256:");
            }
            14 if !exists("repositories/loop") => {
                std::os::unix::fs::symlink("..", planted.at("repositories/loop")).unwrap();
            }
            15 if exists(&format!("{}/current", tag_path(repository, "v1"))) => {
                planted.remove(&format!("{}/current", tag_path(repository, "v1")));
            }
            _ => return,
        }
        self.tell(format!("{repository}: damage {choice} about {}", hex_of(digest)));
    }
}
