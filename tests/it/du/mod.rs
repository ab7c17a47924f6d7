//! `regtree du`: held to `du -s`, to what deletions and collections really free, and to trees planted by hand.

mod calls;
mod damaged;
mod form;
pub(crate) mod freed;
mod sums;

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde_json::Value;

use crate::support::{Run, Scratch};

/// The lines of a tree, in their order.
const LINES: [&str; 9] =
    ["unique", "shared", "untagged", "garbage", "doubtful", "uploads", "quarantine", "overhead", "strays"];

/// What is counted of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Measure {
    Allocated,
    Apparent,
}

const MEASURES: [Measure; 2] = [Measure::Allocated, Measure::Apparent];

impl Measure {
    fn of(self, path: &Path) -> u64 {
        let metadata = std::fs::symlink_metadata(path).unwrap();
        match self {
            Self::Allocated => metadata.blocks() * 512,
            Self::Apparent => metadata.len(),
        }
    }

    fn words(self) -> &'static [&'static str] {
        match self {
            Self::Allocated => &["du", "--json"],
            Self::Apparent => &["du", "--json", "--apparent"],
        }
    }
}

/// Runs `du --json` with these words.
fn run(scratch: &Scratch, measure: Measure, words: &[&str]) -> Run {
    scratch.regtree(measure.words()).with(words).run()
}

/// The document of `du --json` on a tree without damage.
#[track_caller]
fn usage(scratch: &Scratch, measure: Measure, words: &[&str]) -> Value {
    run(scratch, measure, words).code(0).json()
}

fn line(usage: &Value, name: &str) -> u64 {
    usage["tree"][name].as_u64().unwrap_or_else(|| panic!("{name} in {usage}"))
}

/// The bytes of everything below `path`, itself included.
fn below(path: &Path, measure: Measure) -> u64 {
    let entries = walkdir::WalkDir::new(path).into_iter();
    entries.map(|entry| measure.of(entry.unwrap().path())).sum()
}

/// The content of the tree: hex digits and bytes.
fn contents(scratch: &Scratch, measure: Measure) -> BTreeMap<String, u64> {
    let entries = walkdir::WalkDir::new(scratch.v2().join("blobs")).into_iter().map(Result::unwrap);
    let data = entries.filter(|entry| entry.file_type().is_file() && entry.file_name() == "data");
    let named = data.map(|entry| {
        let hex = entry.path().parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
        (hex, measure.of(entry.path()))
    });
    named.collect()
}
