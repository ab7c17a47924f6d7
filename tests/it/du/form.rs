//! What `du` shows, in which order, and how.

use std::process::{Command, Stdio};

use serde_json::Value;

use super::{Measure, usage};
use crate::support::{Scratch, nothing_installed};

/// Three repositories: one has most alone, another most in all, the last a little of both.
fn planted() -> Scratch {
    let scratch = Scratch::new();
    let text = |letter: &str, length| letter.repeat(length);
    scratch.image("lib/alone", &text("a", 60_000)).tag("v1");
    for repository in ["lib/much", "other/little"] {
        scratch.image(repository, &text("b", 90_000)).tag("big").tag("same");
    }
    scratch.image("lib/much", &text("c", 5000)).tag("small");
    scratch
}

fn names(usage: &Value, list: &str, fields: &[&str]) -> Vec<String> {
    let rows = usage[list].as_array().unwrap_or_else(|| panic!("{list} in {usage}")).iter();
    rows.map(|row| fields.iter().map(|field| row[*field].as_str().unwrap()).collect::<Vec<_>>().join(":")).collect()
}

fn repositories(scratch: &Scratch, words: &[&str]) -> Vec<String> {
    names(&usage(scratch, Measure::Apparent, words), "repositories", &["name"])
}

#[test]
fn repositories_are_sorted_by_what_could_be_freed_or_as_asked() {
    let scratch = planted();
    let by_unique = ["lib/alone", "lib/much", "other/little"];
    assert_eq!(repositories(&scratch, &[]), by_unique);
    assert_eq!(repositories(&scratch, &["--sort", "unique"]), by_unique);
    assert_eq!(repositories(&scratch, &["--sort", "total"]), ["lib/much", "other/little", "lib/alone"]);
    assert_eq!(repositories(&scratch, &["--sort", "name"]), by_unique);
    assert_eq!(repositories(&scratch, &["--sort", "total", "--top", "1"]), ["lib/much"]);
    assert_eq!(repositories(&scratch, &["--top", "0"]), [""; 0]);
}

#[test]
fn repositories_are_chosen_by_name_and_pattern() {
    let scratch = planted();
    assert_eq!(repositories(&scratch, &["other/little"]), ["other/little"]);
    assert_eq!(repositories(&scratch, &["lib/*"]), ["lib/alone", "lib/much"]);
    assert_eq!(repositories(&scratch, &["*/{alone,little}"]), ["lib/alone", "other/little"]);
    assert_eq!(repositories(&scratch, &["lib/alone", "other/*"]), ["lib/alone", "other/little"]);
    // A star is part of one name only.
    scratch.run(["du", "**", "*"]).code(4).silent().says(["\"*\"", "does not match a slash"]);
    assert_eq!(repositories(&scratch, &["**"]).len(), 3);
    // What is shared is so with all of the tree, chosen or not.
    let chosen = usage(&scratch, Measure::Apparent, &["other/little"]);
    let all = usage(&scratch, Measure::Apparent, &["--sort", "name"]);
    assert_eq!(chosen["repositories"][0], all["repositories"][2]);
    assert_eq!(chosen["tree"], all["tree"]);
}

#[test]
fn an_unknown_repository_is_refused_and_a_malformed_one_is_wrong_usage() {
    let scratch = planted();
    scratch.run(["du", "lib/none"]).code(4).silent().says(["lib/none is unknown"]);
    scratch.run(["du", "lib/*", "lib"]).code(4).silent().says(["lib is unknown"]);
    let error = scratch.run(["du", "lib/none", "--json"]).code(4).json_error();
    assert_eq!(error["code"], "NAME_UNKNOWN");
    scratch.run(["du", "Lib!"]).code(2);
    scratch.run(["du", "lib/["]).code(2);
    scratch.run(["du", "--sort", "age"]).code(2);
    Scratch::bare().run(["du"]).code(10);
}

#[test]
fn tags_are_told_with_what_they_point_to() {
    let scratch = planted();
    let usage = usage(&scratch, Measure::Apparent, &["--tags", "--sort", "name"]);
    let rows = names(&usage, "tags", &["repository", "tag"]);
    let expected =
        ["lib/alone:v1", "lib/much:big", "lib/much:same", "lib/much:small", "other/little:big", "other/little:same"];
    assert_eq!(rows, expected);
    let row = |at: usize| &usage["tags"][at];
    assert_eq!(row(0)["total"], row(0)["unique"]);
    assert_eq!(row(1)["unique"], 0, "another tag keeps it");
    assert_eq!(row(1)["digest"], row(4)["digest"]);
    assert!(row(3)["unique"].as_u64().unwrap() > 5000);
    let one = super::usage(&scratch, Measure::Apparent, &["lib/*", "--tags", "--top", "1"]);
    assert_eq!(names(&one, "tags", &["repository", "tag"]), ["lib/alone:v1"]);
}

#[test]
fn the_largest_layers_are_told_with_all_who_share_them() {
    let scratch = planted();
    let usage = usage(&scratch, Measure::Apparent, &["--layers", "--top", "3"]);
    let layers = usage["layers"].as_array().unwrap();
    let sizes: Vec<u64> = layers.iter().map(|layer| layer["bytes"].as_u64().unwrap()).collect();
    // Layers and configs hold the same texts.
    assert_eq!(sizes.len(), 3);
    assert!(sizes.is_sorted_by(|a, b| a >= b) && sizes[0] > 90_000, "{sizes:?}");
    assert_eq!(layers[0]["repositories"], serde_json::json!(["lib/much", "other/little"]));
    assert_eq!(layers[2]["repositories"], serde_json::json!(["lib/alone"]));
    // Who is not asked for is told all the same where they share.
    let little = super::usage(&scratch, Measure::Apparent, &["other/little", "--layers"]);
    let layers = little["layers"].as_array().unwrap();
    assert_eq!(layers.len(), 2);
    assert!(layers.iter().all(|layer| layer["repositories"][0] == "lib/much"), "{little}");
    let text = scratch.run(["du", "--layers", "--top", "1", "--apparent"]).code(0);
    assert!(text.out().contains("  lib/much, other/little\n"), "{}", text.out());
}

#[test]
fn json_is_one_document_of_integers() {
    let run = planted().run(["du", "--json", "--tags", "--layers"]).code(0);
    assert_eq!(run.lines().len(), 1);
    let usage = run.json();
    assert_eq!((&usage["type"], &usage["schema_version"]), (&"usage".into(), &1.into()));
    assert_eq!(usage["measure"], "allocated");
    for list in ["repositories", "tags"] {
        for row in usage[list].as_array().unwrap() {
            assert!(["total", "unique", "shared"].iter().all(|field| row[*field].is_u64()), "{row}");
        }
    }
    assert!(usage["tree"].as_object().unwrap().values().all(Value::is_u64), "{usage}");
    assert!(usage["totals"].is_u64() && usage["stored"].is_u64(), "{usage}");
}

#[test]
fn a_pipe_gets_plain_columns() {
    let run = planted().run(["du", "--apparent", "--sort", "name"]).code(0);
    let lines = run.lines();
    assert_eq!(lines[0], "    FREEABLE      SHARED       TOTAL  REPOSITORY");
    let words = |at: usize| lines[at].split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(1)[6..], ["lib/alone"]);
    assert_eq!((&words(1)[1], &words(1)[2], &words(1)[3]), (&"KiB".into(), &"0".into(), &"B".into()));
    let ends: Vec<usize> = (1..4).map(|at| lines[at].rfind("  ").unwrap()).collect();
    assert_eq!(ends, [36; 3], "{lines:?}");
    let tree: Vec<&str> = lines[5..12].iter().map(|line| line[14..].split_whitespace().next().unwrap()).collect();
    assert_eq!(
        tree,
        super::LINES.into_iter().filter(|line| !["doubtful", "strays"].contains(line)).collect::<Vec<_>>()
    );
    assert!(lines[12].ends_with("  total") && lines.len() == 13, "{lines:?}");
    assert!(run.out().is_ascii() && run.err().is_empty(), "{}{}", run.out(), run.err());
}

#[test]
fn a_terminal_gets_bars_and_the_dedup_factor() {
    let scratch = planted();
    let call = format!("'{}' --root '{}' du --apparent", env!("CARGO_BIN_EXE_regtree"), scratch.root().display());
    let output = Command::new("script")
        .args(["-qefc", &call, "/dev/null"])
        .envs(nothing_installed())
        .stdin(Stdio::null())
        .output()
        .expect("script runs");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    let bar = |name: &str| {
        let line = text.lines().find(|line| line.contains(name)).unwrap_or_else(|| panic!("{name} in {text}"));
        [line.matches('█').count(), line.matches('░').count()]
    };
    // The image that is shared has 180,000 bytes, that of one alone 120,000, and the little one 10,000.
    let [alone, much, little] = ["lib/alone", "lib/much", "other/little"].map(bar);
    assert_eq!(much.iter().sum::<usize>(), 24, "{text}");
    assert!(much[0] <= 2 && alone[1] == 0 && alone[0] > 12, "{text}");
    assert!(little[0] == 0 && little[1] > 20, "{text}");
    // Of 500,000 bytes in all totals, 320,000 are stored.
    assert!(text.contains("in use 1.5"), "{text}");
}
