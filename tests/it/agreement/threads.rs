//! However many threads work, a command says the same, in the same order.

use std::fs;

use super::of_every_damage;
use crate::support::Scratch;
use crate::support::planted::{Planted, blob_path, layer_path, revision_path};

/// The commands that read a tree on all threads, and print what they find.
const COMMANDS: [&[&str]; 4] = [
    &["manifest", "verify", "--all", "--json"],
    &["manifest", "verify", "--all", "--json", "--content"],
    &["repo", "list", "--long", "--json"],
    &["blob", "list", "--json"],
];

/// All that a command says on so many threads, and how it ends.
fn said(scratch: &Scratch, words: &[&str], jobs: usize) -> (String, String, Option<i32>) {
    let site = scratch.root().join("site.toml");
    fs::write(&site, format!("jobs = {jobs}\n")).unwrap();
    let run = scratch.regtree(words).env("REGTREE_CONFIG", site).run();
    (run.out(), run.err(), run.exit())
}

fn differs(scratch: &Scratch, jobs: &[usize]) -> Result<(), String> {
    for words in COMMANDS {
        let one = said(scratch, words, 1);
        for jobs in jobs {
            let many = said(scratch, words, *jobs);
            if many != one {
                return Err(format!("{words:?}\nby 1: {one:?}\nby {jobs}: {many:?}"));
            }
        }
    }
    Ok(())
}

#[test]
fn of_a_damaged_tree() {
    of_every_damage(|tree| differs(&tree(), &[3]));
}

/// A tree with more manifests than all threads take at a time, some of them wrong in each way.
#[test]
fn of_many_manifests() {
    let planted = Planted::new();
    let shared = planted.layer("a", "shared by all");
    for repository in ["a", "b/c", "d"] {
        planted.link(repository, &shared);
        let mut children = Vec::new();
        for number in 0..if repository == "a" { 600 } else { 150 } {
            let config = planted.layer(repository, format!("config {number}"));
            let layer = planted.layer(repository, format!("layer {number} of {repository}"));
            let manifest = planted.manifest(repository, &planted.image_of(&config, &[&layer, &shared]));
            match number % 40 {
                1 => planted.remove(&blob_path(&layer)),
                2 => planted.plant(&blob_path(&layer), "short"),
                3 => planted.remove(&layer_path(repository, &layer)),
                4 => planted.plant(&layer_path(repository, &layer), "no digest"),
                5 => planted.plant(&(revision_path(repository, &manifest) + "/link"), "no digest"),
                6 => planted.remove(&blob_path(&manifest)),
                7 => planted.plant(&blob_path(&manifest), "no manifest"),
                8 => planted.remove(&(revision_path(repository, &manifest) + "/link")),
                _ => children.push(manifest),
            }
        }
        let children: Vec<&str> = children.iter().map(String::as_str).collect();
        let index = planted.index(repository, &children[..50]);
        planted.tag(repository, "v1", &index);
    }
    differs(&planted.scratch, &[2, 7]).unwrap();
    let (out, ..) = said(&planted.scratch, COMMANDS[0], 2);
    let events: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (mut repository, mut manifest, mut ends) = (0, String::new(), Vec::new());
    let names = ["a", "b/c", "d"];
    for event in &events {
        match event["type"].as_str().unwrap() {
            "finding" => {
                let found = event["manifest"].as_str().unwrap().to_owned();
                assert!(event["repository"] == names[repository] && found >= manifest, "{event}");
                manifest = found;
            }
            "verified" => {
                assert_eq!(event["repository"], names[repository]);
                ends.push(event["manifests"].as_u64().unwrap());
                (repository, manifest) = (repository + 1, String::new());
            }
            _ => {}
        }
    }
    // An index, and all images but those that have no link.
    assert_eq!(ends, [600 - 15 + 1, 150 - 4 + 1, 150 - 4 + 1]);
}
