//! `gc --explain` says "kept" exactly of what the plan of the same options leaves.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::Value;

use super::random::{Ways, damaged, sound};
use super::{ask, of_every_damage, of_every_version};
use crate::support::Scratch;
use crate::support::hold::hold;
use crate::support::planted::{Planted, hex_of};

const MARKS: [&[&str]; 3] = [&[], &["--delete-untagged"], &["--delete-untagged", "--delete-dangling-referrers"]];
const AGES: [&[&str]; 2] = [&["--min-age", "0"], &[]];
const CHILDREN: [&[&str]; 2] = [&[], &["--allow-sparse-indexes"]];
const ONLY: [&[&str]; 2] = [&[], &["--repository", "a"]];

/// Some options of each kind.
fn options() -> impl Strategy<Value = Vec<&'static str>> {
    let choices = [&MARKS[..], &AGES, &CHILDREN, &ONLY].map(|choices| prop::sample::select(choices.to_vec()));
    choices.prop_map(|chosen| chosen.concat())
}

/// What is linked or stored, by digest; and whether its content is a plain file.
fn digests(scratch: &Scratch) -> BTreeMap<String, bool> {
    let mut digests = BTreeMap::new();
    for entry in walkdir::WalkDir::new(scratch.v2()).into_iter().map(Result::unwrap) {
        let path = entry.path().strip_prefix(scratch.v2()).unwrap();
        let parts: Vec<&str> = path.iter().map(|part| part.to_str().unwrap()).collect();
        let (digest, is_content) = match parts.as_slice() {
            ["blobs", algorithm, fan, hex, "data"] if hex.starts_with(fan) => {
                (format!("{algorithm}:{hex}"), entry.file_type().is_file())
            }
            [.., folder, algorithm, hex, "link"] if *folder != "index" => (format!("{algorithm}:{hex}"), false),
            _ => continue,
        };
        if digest.parse::<regtree::Digest>().is_ok() {
            *digests.entry(digest).or_default() |= is_content;
        }
    }
    digests
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn agrees(scratch: &Scratch, options: &[&str]) -> Result<(), String> {
    let digests = digests(scratch);
    if digests.is_empty() {
        return Ok(());
    }
    let words = [&["gc", "--allow-rootless"], options].concat();
    let plan = ask(scratch, words.iter().copied().chain(["--dry-run"]));
    let explain = words.iter().copied().chain(["--explain"]).chain(digests.keys().map(String::as_str));
    let explained = ask(scratch, explain);
    let mut gone: BTreeSet<String> = BTreeSet::new();
    let mut links: BTreeMap<String, BTreeSet<[String; 2]>> = BTreeMap::new();
    for event in plan.of_type("remove").filter(|event| event["digest"].is_string()) {
        if event["kind"] == "blob" {
            gone.insert(text(&event["digest"]));
        } else {
            let link = [text(&event["kind"]), text(&event["repository"])];
            links.entry(text(&event["digest"])).or_default().insert(link);
        }
    }
    if plan.run.exit() == Some(4) && explained.run.exit() == Some(4) && plan.events.len() == 1 {
        // There is no such repository.
        return Ok(());
    }
    let said: Vec<&Value> = explained.of_type("explain").collect();
    if said.len() != digests.len() {
        return Err(format!("{options:?}: {} of {} explained: {}", said.len(), digests.len(), explained.run.err()));
    }
    for event in said {
        let (digest, fate) = (text(&event["digest"]), text(&event["fate"]));
        let going = event["links_going"].as_array().unwrap().iter();
        let going: BTreeSet<[String; 2]> = going.map(|link| [text(&link["kind"]), text(&link["repository"])]).collect();
        let expected = links.remove(&digest).unwrap_or_default();
        if going != expected {
            return Err(format!("{options:?}: {digest}: links {going:?} are said to go, {expected:?} are planned"));
        }
        let fits = match (gone.contains(&digest), digests[&digest]) {
            (true, _) => fate == "goes",
            (false, true) => fate == "kept",
            (false, false) => fate != "goes",
        };
        if !fits {
            let going = if gone.contains(&digest) { "goes" } else { "stays" };
            return Err(format!("{options:?}: {digest} {going}, and the fate is {fate}: {event}"));
        }
    }
    Ok(())
}

fn each(make: &dyn Fn() -> Scratch) -> Result<(), String> {
    let scratch = make();
    MARKS.iter().try_for_each(|marks| agrees(&scratch, &[*marks, AGES[0]].concat()))
}

#[test]
fn of_any_version_s_tree_what_is_explained_is_what_is_planned() {
    of_every_version(each);
}

#[test]
fn of_any_damaged_tree_what_is_explained_is_what_is_planned() {
    of_every_damage(each);
}

/// A signature that a tag keeps which was made for its image.
fn signed() -> Scratch {
    let planted = Planted::new();
    let image = planted.tagged_image("lib", "v1", "an image");
    let signature = planted.image("lib", "a signature");
    planted.tag("lib", &format!("sha256-{}.sig", hex_of(&image)), &signature);
    planted.scratch
}

#[test]
fn what_is_explained_of_a_signature_is_what_is_planned() {
    each(&signed).unwrap_or_else(|complaint| panic!("{complaint}"));
}

#[test]
fn of_a_random_tree_what_is_explained_is_what_is_planned() {
    hold(60, 12, (sound(), options()), |(recipe, options)| {
        let scratch = recipe.grow();
        agrees(&scratch, options)?;
        agrees(&scratch, &[MARKS[2], AGES[0]].concat())
    });
}

#[test]
fn of_a_random_damaged_tree_what_is_explained_is_what_is_planned() {
    hold(60, 13, (damaged(Ways::ALL), options()), |(recipe, options)| agrees(&recipe.grow(), options));
}
