//! Commands that read a whole tree show on a terminal how far they are, if that takes long.

use std::fs;

use crate::support::planted::{Planted, blob_path};
use crate::support::strace::strace;
use crate::support::terminal::on_a_terminal;

const REPOSITORIES: usize = 12;

fn planted() -> Planted {
    let planted = Planted::new();
    for number in 0..REPOSITORIES {
        planted.tagged_image(&format!("project/app{number:02}"), "v1", &number.to_string());
    }
    planted.layer("project/app00", "what nothing needs");
    planted
}

/// What a terminal shows of a command, on a disk that takes so long to list a directory.
fn shown(planted: &Planted, milliseconds: u32, command: &str) -> String {
    let inject = format!("inject=getdents64:delay_enter={}", milliseconds * 1000);
    let slow = strace(&["-o", "/dev/null", "-e", "trace=getdents64", "-e", &inject]).join(" ");
    on_a_terminal(&format!("{slow} {command}"), &planted.scratch)
}

#[track_caller]
fn assert_shows(shown: &str, task: &str, items: &str) {
    let lines = shown.split(['\r', '\n']).filter(|line| line.contains(task));
    let mut rates = lines.filter(|line| line.contains(items) && line.contains("/s "));
    assert!(rates.next().is_some(), "{task} with {items}: {shown:?}");
}

#[test]
fn a_collection_and_what_it_removes() {
    let planted = planted();
    assert_shows(&shown(&planted, 10, "regtree gc --dry-run"), "reading repositories ", &format!("/{REPOSITORIES} "));
    let silent = shown(&planted, 10, "regtree gc --dry-run --quiet");
    assert!(!silent.contains("reading"), "{silent:?}");
    // Lines on the same terminal are not mixed with a bar; what comes before the first of them is shown.
    let lines = shown(&planted, 10, "regtree gc --min-age 0 --verbose");
    assert!(lines.contains("reading repositories") && lines.contains("layer-link"), "{lines:?}");
}

#[test]
fn a_list_of_repositories() {
    let planted = planted();
    let counted = shown(&planted, 40, "regtree repo list --long > /dev/null");
    assert_shows(&counted, "looking for repositories ", " ");
    assert_shows(&counted, "counting ", &format!("/{REPOSITORIES} "));
    let rows = shown(&planted, 40, "regtree repo list --long");
    assert!(!rows.contains("counting") && rows.contains("project/app11 "), "{rows:?}");
}

#[test]
fn manifests_that_are_verified_and_the_bytes_that_are_hashed() {
    let planted = planted();
    let slow = strace(&["-o", "/dev/null", "-e", "trace=openat2", "-e", "inject=openat2:delay_enter=20000"]).join(" ");
    let shown = |words: &str| on_a_terminal(&format!("{slow} regtree manifest verify --all {words}"), &planted.scratch);
    let whole = shown("--content");
    assert_shows(&whole, "verifying manifests ", " B");
    assert_shows(&shown(""), "verifying manifests ", " ");
    let lines = shown("--json");
    assert!(!lines.contains("verifying"), "{lines:?}");
}

#[test]
fn a_finding_stands_on_a_line_of_its_own_and_the_progress_goes_on() {
    let planted = Planted::new();
    let [config, lost, large] = ["{}", "lost", "large"].map(|content| planted.layer("app", content));
    for (repository, layer) in [("app", &lost), ("last", &large)] {
        planted.link(repository, &config);
        planted.link(repository, layer);
        planted.manifest(repository, &planted.image_of(&config, &[layer]));
    }
    planted.remove(&blob_path(&lost));
    // A hole takes no room, and a while to hash.
    fs::File::options().write(true).open(planted.at(&blob_path(&large))).unwrap().set_len(1 << 30).unwrap();
    fs::write(planted.root().join("site.toml"), "jobs = 1\n").unwrap();
    let verify = "REGTREE_CONFIG=$REGTREE_ROOT/site.toml regtree manifest verify --all --content";
    let shown = on_a_terminal(verify, &planted.scratch);
    let [before, between, _] = shown.split("error:").collect::<Vec<_>>()[..] else { panic!("{shown:?}") };
    assert!(!before.contains("verifying") && between.contains("\nverifying manifests "), "{shown:?}");
    let cleared = between.rsplit("\u{1b}[2K").next().unwrap();
    assert!(!cleared.contains("verifying"), "{shown:?}");
}

#[test]
fn the_use_of_the_disk() {
    assert_shows(&shown(&planted(), 10, "regtree du"), "looking at files ", " ");
}

#[test]
fn a_moment_shows_nothing_on_a_terminal_and_neither_do_a_few_seconds_in_a_pipe() {
    let planted = planted();
    for command in ["gc --dry-run", "du", "repo list --long", "manifest verify --all"] {
        let shown = on_a_terminal(&format!("regtree {command}"), &planted.scratch);
        let tasks = ["reading", "looking", "counting", "verifying"];
        assert!(tasks.iter().all(|task| !shown.contains(task)), "{command}: {shown:?}");
        let piped = said_in_a_pipe(&planted, command);
        assert!(tasks.iter().all(|task| !piped.contains(task)), "{command}: {piped:?}");
    }
}

/// What a command that takes a moment, and less than 10 seconds, says on standard error where that is no terminal.
fn said_in_a_pipe(planted: &Planted, command: &str) -> String {
    let slow = strace(&["-o", "/dev/null", "-e", "trace=getdents64", "-e", "inject=getdents64:delay_enter=10000"]);
    planted.regtree(command.split(' ')).behind(slow).run().err()
}
