//! The answers of `regtree serve` and of the registry are the same, but for a list of differences.

mod differences;
mod requests;
mod wrong;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use differences::{Case, DIFFERENCES, Tree, is_refused};
use requests::{Asked, CHANGING, Contents, ODD};
use wrong::Random;

use serde_json::{Value, json};

use crate::support::peers::DockerRegistry;
use crate::support::planted::sha256;
use crate::support::served::Served;
use crate::support::wire::{Answer, Wire};
use crate::support::{Scratch, snapshot, vectors};

/// How many wrong requests each sound tree gets.
const WRONG: usize = 200;
/// Damaged trees in which the two differ, each in another way, and some in which they do not.
const DAMAGED: [&str; 26] = [
    "revision-link-empty",
    "layer-link-newline",
    "tag-link-garbage",
    "tag-without-current",
    "tag-missing-revision",
    "manifest-truncated",
    "manifest-digest-flipped",
    "manifest-empty",
    "manifest-unknown-media-type",
    "manifest-huge",
    "layer-bit-flipped",
    "layer-truncated",
    "layer-link-other-digest",
    "revision-link-other-digest",
    "repo-without-layers",
    "repo-without-tags",
    "repo-without-revisions",
    "stray-file-in-tags",
    "invalid-repository-name-alive",
    "symlink-repository",
    "symlink-blob-data",
    "blob-data-is-directory",
    "sha512-alias-without-canonical",
    "alias-to-itself",
    "misplaced-revision-links",
    "dangling-layer-link",
];

/// What was found in all trees.
#[derive(Debug, Default)]
struct Found {
    /// The differences that were met.
    met: BTreeSet<usize>,
    unexplained: Vec<String>,
}

/// A tree that is served twice.
struct Pair<'a> {
    tree: &'a Tree,
    theirs: Wire,
    ours: Wire,
    found: Found,
}

impl Pair<'_> {
    /// Asks both, by GET and by HEAD.
    fn ask(&mut self, asked: &Asked) {
        let mut both = |method: &str| {
            [&mut self.theirs, &mut self.ours].map(|wire| wire.ask(method, &asked.target, &asked.headers))
        };
        let (get, mut head) = (both("GET"), both("HEAD"));
        // That content is damaged is found out when it is read.
        if !self.tree.is_damaged {
            assert_eq!(head[1], Answer { body: Vec::new(), ..get[1].clone() }, "HEAD is GET: {asked:?}");
        }
        if head[0] != head[1] {
            for (head, get) in head.iter_mut().zip(&get).filter(|(head, get)| head.status == get.status) {
                (head.body, head.is_cut) = (get.body.clone(), get.is_cut);
            }
            self.compare("HEAD", asked, head);
        }
        self.compare("GET", asked, get);
    }

    fn compare(&mut self, method: &str, asked: &Asked, [theirs, ours]: [Answer; 2]) {
        if theirs == ours {
            return;
        }
        let case = Case { tree: self.tree, method, asked, theirs, ours };
        match DIFFERENCES.iter().position(|(_, explains)| explains(&case)) {
            Some(difference) => drop(self.found.met.insert(difference)),
            None => self.found.unexplained.push(told(&case)),
        }
    }
}

/// What differs, and in what.
fn told(case: &Case) -> String {
    let shown = |answer: &Answer| {
        let body = String::from_utf8_lossy(&answer.body[..answer.body.len().min(200)]).into_owned();
        format!("{} {:?} {body:?}", answer.status, answer.headers)
    };
    let Asked { target, headers } = case.asked;
    let Case { tree, method, theirs, ours, .. } = case;
    format!("{}: {method} {target} {headers:?}\n  theirs {}\n  ours   {}", tree.name, shown(theirs), shown(ours))
}

/// Serves a tree twice, and compares.
fn compare(name: &str, scratch: &Scratch, work: impl FnOnce(&mut Pair<'_>)) -> Found {
    let (v2, is_damaged) = (scratch.v2(), DAMAGED.contains(&name));
    let tree = Tree { name: name.to_owned(), contents: Contents::of(&v2), v2, is_damaged };
    let (registry, served) = (DockerRegistry::serve(scratch.root()), Served::serve_with(scratch.root(), &["-q"]));
    let (theirs, ours) = (Wire::to(&registry.address()), Wire::to(served.address()));
    let mut pair = Pair { tree: &tree, theirs, ours, found: Found::default() };
    work(&mut pair);
    assert_eq!(pair.ours.broken_off, 0, "{name}");
    let found = pair.found;
    assert_eq!(served.stop(), "", "{name}");
    found
}

fn compare_sound(version: &str) -> Found {
    let scratch = vectors::tree(version);
    let before = snapshot(scratch.root());
    compare(version, &scratch, |pair| {
        let things = pair.tree.contents.things();
        pair.tree.contents.in_every_way().iter().for_each(|asked| pair.ask(asked));
        let mut random = Random::named(version);
        (0..WRONG).for_each(|_| pair.ask(&random.wrong(&things)));
        assert!(snapshot(scratch.root()) == before, "{version}: GET and HEAD changed the tree");
        for method in CHANGING.into_iter().chain(ODD) {
            for asked in things.iter().step_by(11) {
                let ours = pair.ours.ask(method, &asked.target, &[]);
                assert!(is_refused(&ours), "{method} {asked:?}: {ours:?}");
                // The registry would do what it is asked to.
                if !CHANGING.contains(&method) {
                    let theirs = pair.theirs.ask(method, &asked.target, &[]);
                    pair.compare(method, asked, [theirs, ours]);
                }
            }
        }
        assert!(snapshot(scratch.root()) == before, "{version}: {CHANGING:?} changed the tree");
    })
}

fn compare_damaged(name: &str) -> Found {
    let scratch = vectors::damaged(name);
    compare(name, &scratch, |pair| {
        pair.tree.contents.things().iter().for_each(|asked| pair.ask(&asked.accepting_all()));
    })
}

/// The rows of the table in docs/serve.md: what differs, and why.
fn rows() -> Vec<(String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/serve.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (_, section) = text.split_once("\n## Where it differs from the registry\n").unwrap();
    let rows = section.lines().filter(|line| line.starts_with('|')).skip(2);
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [what, _, _, why] = cells[..] else { panic!("{row}") };
        (what.to_owned(), why.to_owned())
    })
    .collect()
}

#[test]
fn answers_are_those_of_the_registry_but_for_the_differences_that_are_written_down() {
    let (written, differences) = (rows(), DIFFERENCES.map(|(what, _)| what));
    assert_eq!(written.iter().map(|(what, _)| what.as_str()).collect::<Vec<_>>(), differences);
    assert_eq!(written.iter().find(|(_, why)| why.is_empty()), None, "without a reason");

    let mut trees = vectors::versions();
    trees.extend(DAMAGED.map(str::to_owned));
    let (next, all) = (AtomicUsize::new(0), Mutex::new(Found::default()));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(name) = trees.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let found =
                        if DAMAGED.contains(&name.as_str()) { compare_damaged(name) } else { compare_sound(name) };
                    let mut all = all.lock().unwrap();
                    all.met.extend(found.met);
                    all.unexplained.extend(found.unexplained);
                }
            });
        }
    });
    let Found { met, unexplained } = all.into_inner().unwrap();
    let (count, shown) = (unexplained.len(), &unexplained[..unexplained.len().min(20)]);
    assert!(unexplained.is_empty(), "{count} differences, such as:\n{}", shown.join("\n"));
    let unmet: Vec<&str> = (0..differences.len()).filter(|at| !met.contains(at)).map(|at| differences[at]).collect();
    assert!(unmet.is_empty(), "nothing differs in this any more: {unmet:?}");
}

/// How many signatures of a manifest are stored.
fn signatures(manifest: &Value) -> usize {
    manifest["stored_signatures"].as_object().map_or(0, serde_json::Map::len)
}

/// Expects the tags and manifests of a repository to be served as they are.
fn assert_served(wire: &mut Wire, name: &str, repository: &Value, place: &str) {
    let mut get = |path: &str| wire.ask("GET", &format!("/v2/{name}/{path}"), &[]);
    let (tags, manifests) = (repository["tags"].as_object().unwrap(), repository["manifests"].as_object().unwrap());
    let (listed, sorted) = (get("tags/list"), tags.keys().collect::<BTreeSet<_>>());
    // Where nothing was ever tagged there may be no folder for tags.
    let is_listed =
        listed.document()["tags"] == json!(sorted) || (tags.is_empty() && listed.is_error(404, "NAME_UNKNOWN"));
    assert!(is_listed, "{place}: {listed:?}");
    let tagged = tags.iter().map(|(tag, tagged)| (tag, tagged["digest"].as_str().unwrap()));
    for (reference, digest) in tagged.chain(manifests.keys().map(|digest| (digest, digest.as_str()))) {
        let (answer, place) = (get(&format!("manifests/{reference}")), format!("{place} {name}:{reference}"));
        let is_served = |manifest: &&Value| manifest["kind"] != "schema1" || signatures(manifest) > 0;
        let Some(manifest) = manifests.get(digest).filter(is_served) else {
            assert!(answer.is_error(404, "MANIFEST_UNKNOWN"), "{place}: {answer:?}");
            continue;
        };
        assert_eq!(answer.header("docker-content-digest"), digest, "{place}");
        assert_eq!(answer.header("content-type"), manifest["media_type"], "{place}");
        match answer.document()["signatures"].as_array() {
            Some(served) => assert_eq!(served.len(), signatures(manifest), "{place}"),
            None => assert_eq!(sha256(&answer.body), digest, "{place}"),
        }
    }
}

/// This is also what registry 3 is known to do (layout.md §1.6, §6): it sorts tags by their bytes, and finds repositories
/// that have `_manifests`.
#[test]
fn what_is_true_of_a_tree_is_what_is_served() {
    for version in vectors::versions() {
        let (truth, scratch) = (vectors::truth(&version), vectors::tree(&version));
        let served = Served::serve(scratch.root());
        let mut wire = Wire::to(served.address());
        let repositories = truth["repositories"].as_object().unwrap();
        let names: BTreeSet<&String> = repositories.keys().collect();
        assert_eq!(wire.ask("GET", "/v2/_catalog", &[]).document()["repositories"], json!(names), "{version}");
        for (name, repository) in repositories {
            assert_served(&mut wire, name, repository, &version);
        }
    }
}
