//! What the documents show is what the commands print: each console block is run, in order, and compared.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::error::ErrorKind;

use crate::support::nothing_installed;

fn document(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// The README and the pages in `docs`.
fn documents() -> Vec<PathBuf> {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pages = fs::read_dir(project.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let pages = pages.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    pages.chain([project.join("README.md")]).collect()
}

/// The commands of a text's console blocks, each with what it is said to print.
fn shown(text: &str) -> Vec<(String, String)> {
    let mut shown: Vec<(String, String)> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        match line {
            "```console" => inside = true,
            "```" => inside = false,
            _ if !inside => {}
            _ => {
                if let Some(command) = line.strip_prefix("$ ") {
                    shown.push((command.to_owned(), String::new()));
                } else {
                    let (_, output) = shown.last_mut().expect("a block begins with a command");
                    output.push_str(line);
                    output.push('\n');
                }
            }
        }
    }
    shown
}

/// Runs the commands one after the other in a directory, after `settings`, and compares what they print.
fn check(shown: Vec<(String, String)>, settings: &str, directory: &Path) {
    let program = Path::new(env!("CARGO_BIN_EXE_regtree"));
    let path = format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let mut settings = settings.to_owned();
    for (command, expected) in shown {
        if command.starts_with("export ") {
            settings = format!("{command}\n");
            continue;
        }
        // A terminal shows both streams, and the talk first, for the answer waits in a buffer.
        let script = format!("{settings}{{ {command}; }} 2>&1\ncode=$?\n[ $code = 0 ] || echo \"(exit code $code)\"");
        let mut shell = Command::new("bash");
        let output = shell
            .args(["-c", &script])
            .current_dir(directory)
            .env_clear()
            .env("PATH", &path)
            .envs(nothing_installed())
            .output();
        let printed = String::from_utf8(output.unwrap().stdout).unwrap();
        assert_eq!(comparable(&printed), comparable(&expected), "$ {command}\n{printed}");
    }
}

/// A text without what another run or another file system makes different: the names of quarantine runs and uploads, and
/// the size of directories, which only `du` shows.
fn comparable(text: &str) -> String {
    let line = |line: &str| match line.split_whitespace().nth(2) {
        Some(sum @ ("overhead" | "total")) => format!("… {sum}"),
        _ => line.split(' ').map(|word| if is_made_up(word) { "NAME" } else { word }).collect::<Vec<_>>().join(" "),
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// Whether a word is the name of a quarantine run (`20261129T173939Z-3ba9d2b9`) or of an upload (a UUID).
fn is_made_up(word: &str) -> bool {
    let shape: String = word.chars().map(|c| if c.is_ascii_hexdigit() { '0' } else { c }).collect();
    ["00000000T000000Z-00000000", "00000000-0000-0000-0000-000000000000"].contains(&shape.as_str())
}

#[test]
fn the_tour_is_what_the_commands_print() {
    let directory = tempfile::tempdir().unwrap();
    let shown = shown(&document("docs/tour.md"));
    assert!(shown.len() > 15, "{}", shown.len());
    check(shown, "", directory.path());
}

/// Each recipe of the README begins with the demo's tree, and a backup of its damaged layer.
#[test]
fn the_recipes_are_what_the_commands_print() {
    let readme = document("README.md");
    let recipes: Vec<_> = readme.split("\n### ").skip(1).collect();
    assert_eq!(recipes.len(), 6);
    for recipe in recipes {
        let directory = tempfile::tempdir().unwrap();
        let begin =
            "regtree demo tree --quiet >/dev/null && mkdir backup && cp tree/original-layer.tar backup/layer.tar";
        check(vec![(begin.to_owned(), String::new())], "", directory.path());
        let shown = shown(recipe);
        assert!(!shown.is_empty(), "{recipe}");
        check(shown, "export REGTREE_ROOT=tree\n", directory.path());
    }
}

/// The commands of blocks that are not run, and of lines that a program has in its configuration, can be parsed.
#[test]
fn every_command_in_the_documents_can_be_parsed() {
    let mut checked = 0;
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        // What console blocks show is run.
        for block in text.split("\n```").skip(1).step_by(2).filter(|block| !block.starts_with("console")) {
            for line in block.lines().flat_map(|line| line.split(" | ").flat_map(|part| part.split(" && "))) {
                let Some((_, command)) = line.split_once("regtree ") else { continue };
                let command = command.split([';', '#', '>', '|', ')']).next().unwrap();
                if is_command(line) {
                    checked += 1;
                    parse(command, &document);
                }
            }
        }
    }
    assert!(checked > 20, "{checked}");
}

/// Whether `regtree` begins a command on this line, and is no word of a sentence, name or path.
fn is_command(line: &str) -> bool {
    let before = line.split("regtree ").next().unwrap();
    before.is_empty() || ["run --rm ", "root  ", "ExecStart=/usr/bin/"].iter().any(|end| before.ends_with(end))
}

fn parse(command: &str, document: &Path) {
    let words = command.split_whitespace().map(|word| word.trim_matches(['\'', '"']));
    // What the reader fills in.
    let words = words.filter(|word| !word.starts_with("[DIGEST"));
    let words = words.map(|word| if word == "RUN" { "20261129T173939Z-3ba9d2b9" } else { word });
    if let Err(error) = regtree::cli::command().try_get_matches_from(std::iter::once("regtree").chain(words)) {
        assert_eq!(error.kind(), ErrorKind::DisplayHelp, "{}: regtree {command}\n{error}", document.display());
    }
}
