//! `repair`: trees with one damage each, content from a source, a live registry that would never heal by itself, kills.

mod access;
mod damaged;
mod dangling;
mod doubt;
mod embedded;
mod given_back;
mod heal;
mod kill;
mod links;
mod outdated;
mod permission;
mod plan;
mod source;
mod standing;
mod uploads;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::schema::below_v2;
use crate::support::{Run, Scratch, snapshot, vectors};

/// A damaged tree, at the time when the trees had been made: their uploads are stale by now.
fn damaged(name: &str) -> Scratch {
    vectors::damaged(name).at(vectors::TIME)
}

/// A version's tree, at that time.
fn undamaged(version: &str) -> Scratch {
    vectors::tree(version).at(vectors::TIME)
}

/// What `repair` said.
struct Repaired {
    run: Run,
    events: Vec<Value>,
}

/// Runs `repair --json` with these words.
#[track_caller]
fn repair(scratch: &Scratch, words: &[&str]) -> Repaired {
    let run = scratch.regtree(["repair", "--json"]).with(words).run();
    Repaired { events: run.json_lines(), run }
}

impl Repaired {
    #[track_caller]
    fn code(self, expected: i32) -> Self {
        Self { run: self.run.code(expected), ..self }
    }

    fn of_type(&self, kind: &str) -> Vec<&Value> {
        self.events.iter().filter(|event| event["type"] == kind).collect()
    }

    /// What was done, each with its code and the path of what is changed.
    fn actions(&self) -> Vec<String> {
        let line = |event: &&Value| ["repair", "code", "changes"].map(|field| below_v2(&event[field])).join(" ");
        self.of_type("repair").iter().map(line).collect()
    }

    #[track_caller]
    fn summary(&self) -> &Value {
        let summary = self.events.last().unwrap_or_else(|| panic!("no events: {}", self.run.err()));
        assert_eq!(summary["type"], "summary", "{}", self.run.err());
        summary
    }

    fn quarantine(&self) -> Option<&str> {
        self.summary()["quarantine"].as_str()
    }
}

/// All of a tree but regtree's own state.
fn tree(scratch: &Scratch) -> BTreeMap<PathBuf, String> {
    let mut found = snapshot(scratch.root());
    found.retain(|path, _| !path.starts_with(".regtree"));
    found
}

/// Restores runs. All is then as it was before the repairs, except that no restore breaks a link again.
fn restore<R: AsRef<str>>(scratch: &Scratch, runs: impl IntoIterator<Item = R>, before: &BTreeMap<PathBuf, String>) {
    let (mut left, mut before) = (BTreeSet::new(), before.clone());
    for run in runs {
        let run = run.as_ref();
        let restored = scratch.run(["quarantine", "restore", run]);
        let err = restored.err();
        let refused = err
            .lines()
            .filter_map(|line| line.strip_suffix(" is not undone: the link was broken before it was repaired"));
        let refused: Vec<_> = refused.map(|line| line.strip_prefix("warning: the change of ").unwrap()).collect();
        restored.code(if refused.is_empty() { 0 } else { 3 });
        assert_eq!(scratch.root().join(".regtree/quarantine").join(run).exists(), !refused.is_empty(), "{run}: {err}");
        left.extend(refused.into_iter().map(|path| Path::new(path).strip_prefix(scratch.root()).unwrap().to_owned()));
    }
    let mut found = tree(scratch);
    for path in left {
        assert_ne!(found.remove(&path), before.remove(&path), "{}", path.display());
    }
    // What is left of a small write that was killed is too young to go.
    found.retain(|path, _| before.contains_key(path) || path.extension().is_none_or(|extension| extension != "tmp"));
    assert_eq!(found, before);
}

/// The codes of the errors that `fsck --content` finds.
fn errors(scratch: &Scratch) -> Vec<String> {
    let run = scratch.run(["fsck", "--content", "--json"]);
    let events = run.json_lines();
    let errors = events.iter().filter(|event| event["type"] == "finding" && event["severity"] == "error");
    errors.map(|event| event["code"].as_str().unwrap().to_owned()).collect()
}
