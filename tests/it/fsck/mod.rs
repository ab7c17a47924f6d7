//! What is found to be wrong with trees: by every registry version, with one damage each, damaged at random, live, and
//! with content hashed in parts.

mod agrees;
mod aliases;
mod bad_input;
mod calls;
mod changes;
mod content;
mod damaged;
mod descriptors;
mod follow;
mod future;
mod live;
mod many;
mod odd;
mod only;
mod served;
mod sparse;
mod strays;
mod vectors;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::schema::below_v2;
use crate::support::{Regtree, Run, Scratch};

/// What `fsck` said.
struct Checked {
    run: Run,
    events: Vec<Value>,
}

/// Runs `fsck --json` with these words.
#[track_caller]
fn fsck(scratch: &Scratch, words: &[&str]) -> Checked {
    checked(scratch.regtree(["fsck", "--json"]).with(words))
}

#[track_caller]
fn checked(call: Regtree) -> Checked {
    let run = call.run();
    Checked { events: run.json_lines(), run }
}

/// Where a finding is, below `docker/registry/v2`.
fn place(finding: &Value) -> String {
    below_v2(&finding["path"]).to_owned()
}

impl Checked {
    #[track_caller]
    fn code(self, expected: i32) -> Self {
        Self { run: self.run.code(expected), ..self }
    }

    fn findings(&self) -> impl Iterator<Item = &Value> {
        self.events.iter().filter(|event| event["type"] == "finding")
    }

    #[track_caller]
    fn summary(&self) -> &Value {
        let summary = self.events.last().unwrap_or_else(|| panic!("no events: {}", self.run.err()));
        assert_eq!(summary["type"], "summary");
        summary
    }

    /// Codes and paths.
    fn found(&self) -> BTreeSet<(String, String)> {
        self.findings().map(|finding| (text(&finding["code"]), place(finding))).collect()
    }

    fn codes(&self) -> Vec<String> {
        self.findings().map(|finding| text(&finding["code"])).collect()
    }

    fn of_severity(&self, severity: &str) -> Vec<&Value> {
        self.findings().filter(|finding| finding["severity"] == severity).collect()
    }

    /// The images that cannot be pulled whole, `repository:tag`.
    fn broken(&self) -> BTreeSet<String> {
        let images = self.summary()["broken_images"].as_array().unwrap();
        images.iter().map(|image| format!("{}:{}", text(&image["repository"]), text(&image["tag"]))).collect()
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}
