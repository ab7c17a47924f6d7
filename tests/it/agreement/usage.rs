//! What `du` says of each repository and tag, a collection then frees; and its lines are gc's figures.

use super::random::{Ways, damaged, sound};
use super::{ask, list, of_every_version};
use crate::du::freed::{delete_each_repository, delete_each_tag};
use crate::support::Scratch;
use crate::support::hold::hold;
use crate::support::planted::Planted;
use crate::support::vectors::{damaged as damaged_tree, damaged_trees};

/// Garbage and untagged content are what collections say that they would free.
fn lines_are_figures(scratch: &Scratch) -> Result<(), String> {
    let usage = ask(scratch, ["du", "--apparent"]);
    let lines = &usage.of_type("usage").next().unwrap()["tree"];
    let garbage = lines["garbage"].as_u64().unwrap();
    let freed = |words: &[&str]| {
        let all = ["gc", "--dry-run", "--min-age", "0", "--keep-uploads", "--allow-rootless"];
        let gc = ask(scratch, all.iter().chain(words).copied());
        gc.of_type("summary").next().unwrap()["bytes"].as_u64().unwrap()
    };
    let (plain, untagged) = (freed(&[]), freed(&["--delete-untagged"]));
    let said = garbage + lines["untagged"].as_u64().unwrap();
    if (garbage, said) == (plain, untagged) {
        return Ok(());
    }
    Err(format!(
        "garbage is {garbage} and gc frees {plain}; with untagged it is {said}, and gc frees {untagged}: {lines}"
    ))
}

#[test]
fn of_any_version_s_tree_the_lines_are_gc_s_figures() {
    of_every_version(|make| lines_are_figures(&make()));
}

/// The damaged trees in which links may be unseen, so that no content goes.
const BLIND: [&str; 3] = ["repo-without-revisions", "symlink-repository", "symlink-loop"];

#[test]
fn of_most_damaged_trees_the_lines_are_gc_s_figures() {
    let names = damaged_trees();
    let names = names.iter().map(String::as_str).filter(|name| !BLIND.contains(name));
    list(names.map(|name| (name, lines_are_figures(&damaged_tree(name)))));
}

#[test]
fn of_trees_in_which_links_may_be_unseen_the_lines_are_gc_s_figures() {
    list(BLIND.iter().map(|name| (*name, lines_are_figures(&damaged_tree(name)))));
}

#[test]
fn of_a_random_tree_the_lines_are_gc_s_figures() {
    hold(60, 41, sound(), |recipe| lines_are_figures(&recipe.grow()));
}

#[test]
fn of_a_random_damaged_tree_the_lines_are_gc_s_figures() {
    hold(40, 42, damaged(Ways::ALL), |recipe| {
        let scratch = recipe.grow();
        let gc = ask(&scratch, ["gc", "--dry-run", "--allow-rootless"]);
        let is_blind = gc.of_type("summary").any(|summary| summary["content_kept_for_doubt"] == true);
        if is_blind { Ok(()) } else { lines_are_figures(&scratch) }
    });
}

/// An image that names another as its layer.
fn outer() -> Scratch {
    let planted = Planted::new();
    let inner = planted.image("lib", "an inner image");
    planted.link("lib", &inner);
    let config = planted.layer("lib", "config of an outer image");
    let outer = planted.manifest("lib", &planted.image_of(&config, &[&inner]));
    planted.tag("lib", "v1", &outer);
    planted.tagged_image("lib", "v2", "another image");
    planted.scratch
}

#[test]
fn a_tag_s_unique_bytes_count_a_manifest_that_is_named_as_a_layer() {
    assert_eq!(delete_each_tag("outer", outer), 2);
}

#[test]
fn a_repository_s_unique_bytes_count_a_manifest_that_is_named_as_a_layer() {
    assert_eq!(delete_each_repository("outer", outer), 1);
}

/// Whether a collection finds no doubt in it, so that all is freed that nothing needs.
fn is_clear(scratch: &Scratch) -> bool {
    ask(scratch, ["du", "--tags"]).run.exit() == Some(0)
}

#[test]
fn deleting_any_repository_of_a_random_tree_frees_what_is_unique_to_it() {
    hold(25, 43, sound(), |recipe| {
        if is_clear(&recipe.grow()) {
            delete_each_repository("random", || recipe.grow());
        }
        Ok(())
    });
}

#[test]
fn deleting_any_tag_of_a_random_tree_frees_what_is_unique_to_it() {
    hold(40, 45, sound(), |recipe| {
        if is_clear(&recipe.grow()) {
            delete_each_tag("random", || recipe.grow());
        }
        Ok(())
    });
}
