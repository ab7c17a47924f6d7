//! What one command says of a tree, the others say too: on trees of every registry version, on damaged and on random ones.
//!
//! A test that is ignored shows a known fault, by its number or in words. Whoever repairs the fault removes the `ignore`.

mod explain;
mod findings;
mod lengths;
mod plan;
mod random;
mod threads;
mod usage;
mod verdict;

use serde_json::Value;

use crate::support::vectors::{damaged, damaged_trees, tree, versions};
use crate::support::{Run, Scratch};

/// What a command answered with `--json`: its events, and how it ended.
struct Answer {
    events: Vec<Value>,
    run: Run,
}

/// Runs a command with `--json`.
#[track_caller]
fn ask<'w>(scratch: &Scratch, words: impl IntoIterator<Item = &'w str>) -> Answer {
    let run = scratch.regtree(words).with(["--json"]).run();
    Answer { events: run.json_lines(), run }
}

impl Answer {
    fn of_type<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.events.iter().filter(move |event| event["type"] == kind)
    }
}

/// Holds each tree of every registry version to `check`, and lists all that fails.
#[track_caller]
fn of_every_version(check: impl Fn(&dyn Fn() -> Scratch) -> Result<(), String>) {
    let trees = versions();
    list(trees.iter().map(|version| (version.as_str(), check(&|| tree(version)))));
}

/// Holds each damaged tree to `check`, and lists all that fails.
#[track_caller]
fn of_every_damage(check: impl Fn(&dyn Fn() -> Scratch) -> Result<(), String>) {
    let trees = damaged_trees();
    list(trees.iter().map(|name| (name.as_str(), check(&|| damaged(name)))));
}

#[track_caller]
fn list<'n>(held: impl Iterator<Item = (&'n str, Result<(), String>)>) {
    let complaints: Vec<String> = held.filter_map(|(name, held)| Some(format!("== {name}\n{}", held.err()?))).collect();
    assert!(complaints.is_empty(), "{} trees:\n{}", complaints.len(), complaints.join("\n"));
}

/// The lines that only one of two lists has, each as often as it is there more often.
fn difference(names: [&str; 2], mut lines: [Vec<String>; 2]) -> Result<(), String> {
    lines[0].sort();
    lines[1].sort();
    let [left, right] = &lines;
    let more = |these: &[String], those: &[String], name: &str| -> Vec<String> {
        let mut left: Vec<&String> = those.iter().collect();
        let alone = these.iter().filter(|line| {
            let found = left.iter().position(|other| other == line);
            found.map(|at| left.swap_remove(at)).is_none()
        });
        alone.map(|line| format!("{name}: {line}")).collect()
    };
    let complaints = [more(left, right, names[0]), more(right, left, names[1])].concat();
    if complaints.is_empty() { Ok(()) } else { Err(complaints.join("\n")) }
}
