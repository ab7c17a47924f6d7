//! What the long commands show on terminals of 60, 80 and 200 columns.
//!
//! `INSTA_UPDATE=always cargo test captures` accepts what is shown now; the difference is then for review.

use std::fmt::Write as _;

use super::texts::{hold, masked};
use crate::support::terminal::on_a_terminal;
use crate::support::{Regtree, Scratch};

/// The listings, none of whose rows may wrap where they have 80 columns.
const LISTINGS: [&str; 7] = [
    "repo list --long",
    "tag list demo/app --long",
    "tag history demo/app v1",
    "manifest list demo/app --long",
    "blob list demo/web --long",
    "quarantine list",
    "du --apparent --layers --top 3",
];
/// An upload is named by its whole id, which leaves no room at 80 columns.
const REPORTS: [&str; 7] = [
    "upload list",
    "quarantine show RUN",
    "du --apparent",
    "du --apparent --tags",
    "gc -n",
    "fsck",
    "repair --all-safe -n",
];

#[test]
fn on_a_terminal_of_60_columns() {
    capture(60);
}

#[test]
fn on_a_terminal_of_80_columns() {
    capture(80);
}

#[test]
fn on_a_terminal_of_200_columns() {
    capture(200);
}

fn capture(columns: usize) {
    let tree = Scratch::bare();
    Regtree::new(["demo", "--quiet"]).with([tree.root()]).ok();
    let out = tree.run(["tag", "delete", "demo/app", "multi", "--quarantine"]).code(0).out();
    let run = out.lines().find_map(|line| line.strip_prefix("quarantine run ")).unwrap().to_owned();
    let mut text = String::new();
    for call in LISTINGS.into_iter().chain(REPORTS) {
        let shown = on_a_terminal(&format!("stty cols {columns}; regtree {}", call.replace("RUN", &run)), &tree);
        let shown = shown.replace('\r', "");
        if columns == 80 && LISTINGS.contains(&call) {
            let long: Vec<_> = shown.lines().filter(|line| line.chars().count() > columns).collect();
            assert!(long.is_empty(), "{call}: {long:?}");
        }
        // The sizes of directories, and the bars beside them, are the file system's.
        let shown = if call.starts_with("du") { shown.split("\n\n").next().unwrap() } else { &shown };
        writeln!(text, "$ regtree {call}\n{}\n", masked(shown, &tree).replace('\u{1b}', "^")).unwrap();
    }
    hold(&format!("terminal-{columns}"), &text);
}
