//! Commands that read a whole tree show on a terminal how far they are, if that takes long.

use crate::support::planted::Planted;
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
fn the_use_of_the_disk() {
    assert_shows(&shown(&planted(), 10, "regtree du"), "looking at files ", " ");
}

#[test]
fn short_work_shows_nothing_and_neither_does_a_pipe() {
    let planted = planted();
    for command in ["gc --dry-run", "du", "repo list --long"] {
        let shown = on_a_terminal(&format!("regtree {command}"), &planted.scratch);
        let tasks = ["reading", "looking", "counting"];
        assert!(tasks.iter().all(|task| !shown.contains(task)), "{command}: {shown:?}");
        let piped = shown_in_a_pipe(&planted, command);
        assert!(tasks.iter().all(|task| !piped.contains(task)), "{command}: {piped:?}");
    }
}

/// What a command that takes a while says on standard error, where that is no terminal.
fn shown_in_a_pipe(planted: &Planted, command: &str) -> String {
    let slow = strace(&["-o", "/dev/null", "-e", "trace=getdents64", "-e", "inject=getdents64:delay_enter=10000"]);
    planted.regtree(command.split(' ')).behind(slow).run().err()
}
