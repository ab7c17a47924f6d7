//! The plan that a dry run shows is what the real run does.

use std::collections::BTreeSet;
use std::path::Path;

use proptest::prelude::*;
use regtree::finding::REPAIRABLE;
use serde_json::Value;

use super::random::{Recipe, Step, Ways, damaged, sound, steps, walk};
use super::{Answer, ask, difference, list, of_every_damage, of_every_version};
use crate::support::Scratch;
use crate::support::hold::hold;
use crate::support::planted::{Planted, layer_path, sha256};
use crate::support::schema::below_v2;
use crate::support::vectors::{damaged as damaged_tree, damaged_trees, tree, versions};

const NOW: &[&str] = &["gc", "--min-age", "0", "--allow-rootless"];

/// The options of a collection that change what goes.
const OPTIONS: [&[&str]; 7] = [
    &[],
    &["--delete-untagged"],
    &["--delete-untagged", "--delete-dangling-referrers"],
    &["--keep-empty-repositories", "--keep-uploads", "--sizes"],
    &["--quarantine"],
    &["--quarantine", "--delete-untagged", "--delete-dangling-referrers", "--allow-sparse-indexes"],
    &["--delete-untagged", "--repository", "lib/*"],
];

fn options() -> impl Strategy<Value = &'static [&'static str]> {
    prop::sample::select(OPTIONS.to_vec())
}

/// The events of a run but `without`, and of its summary all but `beside`, which a dry run can't know; and how it ended.
fn told(answer: &Answer, without: &str, beside: &[&str]) -> Vec<String> {
    let events = answer.events.iter().filter(|event| event["type"] != without).cloned();
    let lines = events.map(|mut event| {
        let is_summary = event["type"] == "summary";
        let fields = event.as_object_mut().unwrap();
        fields.remove("dry_run");
        beside.iter().filter(|_| is_summary).for_each(|field| drop(fields.remove(*field)));
        event.to_string()
    });
    lines.collect()
}

/// Every path below `docker/registry/v2` but the quarantine's own.
fn paths(scratch: &Scratch) -> BTreeSet<String> {
    let entries = walkdir::WalkDir::new(scratch.v2()).min_depth(1).into_iter().map(Result::unwrap);
    let paths = entries.map(|entry| entry.path().strip_prefix(scratch.v2()).unwrap().display().to_string());
    paths.filter(|path| !path.contains("regtree-quarantine")).collect()
}

/// Runs a command dry and then really.
fn both(scratch: &Scratch, words: &[&str]) -> [Answer; 2] {
    let before = paths(scratch);
    let dry = ask(scratch, words.iter().copied().chain(["--dry-run"]));
    assert!(paths(scratch) == before, "a dry run of {words:?} changed the tree");
    [dry, ask(scratch, words.iter().copied())]
}

/// A collection, dry and real.
fn collect_with(scratch: &Scratch, words: &[&str]) -> Result<(), String> {
    let answers = both(scratch, words);
    let exit = |answer: &Answer| format!("exit {:?}", answer.run.exit());
    let lines =
        answers.each_ref().map(|answer| [told(answer, "", &["quarantine", "run"]), vec![exit(answer)]].concat());
    difference(["dry", "real"], lines).map_err(|complaint| format!("{words:?}\n{complaint}"))
}

/// One of whatever age.
fn collect(scratch: &Scratch, options: &[&str]) -> Result<(), String> {
    collect_with(scratch, &[NOW, options].concat())
}

fn collect_each(options: &[&[&str]], make: &dyn Fn() -> Scratch) -> Result<(), String> {
    options.iter().try_for_each(|options| collect(&make(), options))
}

/// A collection takes away the paths that it says, with those below them, and the bare directories above a repository; and
/// no others.
fn takes_what_it_says(scratch: &Scratch, options: &[&str]) -> Result<(), String> {
    let before = paths(scratch);
    let real = ask(scratch, NOW.iter().chain(options).copied());
    let after = paths(scratch);
    let path = |event: &Value| below_v2(&event["changes"]).to_owned();
    let said: BTreeSet<String> = real.of_type("remove").map(path).collect();
    let is_repository = |event: &&Value| event["kind"] == "repository";
    let repositories: BTreeSet<String> = real.of_type("remove").filter(is_repository).map(path).collect();
    let bare: BTreeSet<String> = repositories.iter().flat_map(|path| above(path)).collect();
    let is_said = |path: &&String| bare.contains(*path) || above(path).iter().any(|above| said.contains(above));
    let unsaid: Vec<&String> = before.difference(&after).filter(|path| !is_said(path)).collect();
    // Other repositories may lie in the directory of one that is gone.
    let own =
        |path: &String| ["_layers", "_manifests", "_uploads", "layers", "manifests"].map(|own| format!("{path}/{own}"));
    let is_there = |path: &&String| {
        after.contains(*path) && (!repositories.contains(*path) || own(path).iter().any(|own| after.contains(own)))
    };
    let stay: Vec<&String> = said.iter().filter(is_there).collect();
    if unsaid.is_empty() && stay.is_empty() {
        return Ok(());
    }
    Err(format!("{options:?}: {unsaid:?} went unsaid, {stay:?} are said to go and stay"))
}

/// A path and all above it.
fn above(path: &str) -> Vec<String> {
    Path::new(path).ancestors().map(|above| above.to_str().unwrap().to_owned()).collect()
}

#[test]
fn a_collection_of_any_version_s_tree_takes_what_it_says() {
    for version in versions().iter().filter(|version| *version != "2.0.0-alpha.0") {
        let held = takes_what_it_says(&tree(version), &["--delete-untagged"]);
        held.unwrap_or_else(|complaint| panic!("{version}: {complaint}"));
    }
}

#[test]
fn a_collection_of_the_first_alpha_s_tree_takes_what_it_says() {
    let held = takes_what_it_says(&tree("2.0.0-alpha.0"), &[]);
    held.unwrap_or_else(|complaint| panic!("{complaint}"));
}

#[test]
fn a_collection_of_any_damaged_tree_takes_what_it_says() {
    of_every_damage(|make| takes_what_it_says(&make(), &["--delete-untagged", "--delete-dangling-referrers"]));
}

#[test]
fn a_collection_of_a_random_tree_takes_what_it_says() {
    hold(30, 7, (damaged(Ways::ALL), options()), |(recipe, options)| takes_what_it_says(&recipe.grow(), options));
}

#[test]
fn a_dry_collection_of_any_version_s_tree_is_the_real_one() {
    of_every_version(|make| collect_each(&OPTIONS, make));
}

#[test]
fn a_dry_collection_of_any_damaged_tree_is_the_real_one() {
    of_every_damage(|make| collect_each(&OPTIONS[1..4], make));
}

#[test]
fn a_dry_collection_of_a_random_tree_is_the_real_one() {
    hold(60, 1, (sound(), options()), |(recipe, options)| collect(&recipe.grow(), options));
}

#[test]
fn a_dry_collection_of_a_random_damaged_tree_is_the_real_one() {
    hold(40, 2, (damaged(Ways::ALL), options()), |(recipe, options)| collect(&recipe.grow(), options));
}

#[test]
fn what_is_young_is_kept_alike_by_a_dry_and_a_real_collection() {
    hold(30, 3, sound(), |recipe| {
        let words = ["gc", "--delete-untagged", "--allow-rootless"];
        collect_with(&recipe.grow(), &words)
    });
}

/// The quarantine has an untagged image whose links are back, and something else is not needed.
fn needed_again() -> Scratch {
    let planted = Planted::new();
    planted.tagged_image("lib", "v1", "what stays");
    let image = planted.image("lib", "an untagged image");
    let call = planted.regtree(NOW).with(["--quarantine", "--delete-untagged"]);
    call.ok();
    assert!(!planted.has(&image));
    planted.revision("lib", &image);
    for content in ["config of an untagged image", "layer of an untagged image"] {
        planted.link("lib", &sha256(content.as_bytes()));
    }
    for number in 0..3 {
        planted.layer("lib", format!("unneeded {number}"));
    }
    planted.scratch
}

#[test]
fn a_dry_collection_counts_on_what_the_quarantine_gives_back() {
    let scratch = needed_again();
    collect(&scratch, &[]).unwrap_or_else(|complaint| panic!("{complaint}"));
    assert!(!scratch.v2().join(layer_path("lib", &sha256(b"unneeded 0"))).exists());
}

/// Links of a tree that a collection moved to the quarantine, of which some are put back by hand, and more is done.
fn comes_again(recipe: &Recipe, back: u64, more: &[Step]) -> Scratch {
    let scratch = recipe.grow();
    let links = links(&scratch);
    scratch.regtree(NOW).with(["--quarantine", "--delete-untagged"]).ok();
    let gone = links.iter().filter(|(path, _)| !scratch.v2().join(path).exists());
    for (_, (path, text)) in (0..).zip(gone).filter(|(at, _)| back >> (at % 64) & 1 == 1) {
        Scratch::plant(&scratch.v2().join(path), text);
    }
    walk(scratch, more)
}

/// Every link, with what it says.
fn links(scratch: &Scratch) -> Vec<(String, String)> {
    let links = paths(scratch).into_iter().filter(|path| path.ends_with("/link"));
    links.map(|path| (path.clone(), std::fs::read_to_string(scratch.v2().join(path)).unwrap())).collect()
}

#[test]
fn a_dry_collection_of_a_random_tree_counts_on_what_the_quarantine_gives_back() {
    let trees = (sound(), any::<u64>(), steps(4), options());
    hold(40, 4, trees, |(recipe, back, more, options)| collect(&comes_again(recipe, *back, more), options));
}

/// What only a look at the mended tree shows.
const LEFT: [&str; 4] = ["quarantine", "run", "errors", "broken_images"];

/// A repair, dry and real.
fn repair(scratch: &Scratch, words: &[&str]) -> Result<(), String> {
    let answers = both(scratch, &[&["repair", "--assume-blobs-lost"], words].concat());
    let lines = answers.each_ref().map(|answer| told(answer, "finding", &LEFT));
    difference(["dry", "real"], lines).map_err(|complaint| format!("{words:?}\n{complaint}"))
}

/// What a dry repair says will be left is what is left.
fn foresees(scratch: &Scratch, words: &[&str]) -> Result<(), String> {
    let answers = both(scratch, &[&["repair", "--assume-blobs-lost"], words].concat());
    let lines = answers.each_ref().map(|answer| {
        let summary = answer.of_type("summary").next().unwrap();
        vec![format!("{} left, {}, exit {:?}", summary["errors"], summary["broken_images"], answer.run.exit())]
    });
    difference(["dry", "real"], lines).map_err(|complaint| format!("{words:?}\n{complaint}"))
}

/// The codes that are found in a tree and that something mends.
fn repairable(scratch: &Scratch) -> BTreeSet<String> {
    let found = ask(scratch, ["fsck", "--content"]);
    let codes = found.of_type("finding").map(|finding| finding["code"].as_str().unwrap().to_owned());
    codes.filter(|code| REPAIRABLE.iter().any(|repairable| repairable.name() == code)).collect()
}

fn repair_each_code(make: &dyn Fn() -> Scratch) -> Result<(), String> {
    repairable(&make()).iter().try_for_each(|code| repair(&make(), &["--only", code]))
}

#[test]
fn a_dry_repair_of_all_that_is_safe_is_the_real_one() {
    of_every_version(|make| repair(&make(), &["--all-safe"]));
    of_every_damage(|make| repair(&make(), &["--all-safe"]));
}

#[test]
fn a_dry_repair_of_one_code_is_the_real_one() {
    of_every_version(repair_each_code);
    of_every_damage(repair_each_code);
}

#[test]
fn a_dry_repair_of_a_random_damaged_tree_is_the_real_one() {
    hold(30, 5, (damaged(Ways::ALL), any::<bool>()), |(recipe, by_name)| {
        if *by_name { repair_each_code(&|| recipe.grow()) } else { repair(&recipe.grow(), &["--all-safe"]) }
    });
}

fn foresees_all(name: &str) -> Result<(), String> {
    foresees(&damaged_tree(name), &["--all-safe"])?;
    let codes = repairable(&damaged_tree(name));
    codes.iter().try_for_each(|code| foresees(&damaged_tree(name), &["--only", code]))
}

#[test]
fn a_dry_repair_foresees_what_is_left_of_any_damaged_tree() {
    let trees = damaged_trees();
    list(trees.iter().map(|name| (name.as_str(), foresees_all(name))));
}

#[test]
fn a_dry_repair_counts_on_what_the_quarantine_gives_back() {
    hold(20, 6, (sound(), any::<u64>()), |(recipe, back)| repair(&comes_again(recipe, *back, &[]), &["--all-safe"]));
}
