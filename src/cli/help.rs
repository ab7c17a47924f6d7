//! Fits the table of exit codes in the long help to the terminal.
//!
//! clap wraps its lines too, but begins the rest of a text below the exit code, and not below the text.

use std::io::{stderr, stdout};

use super::terminal;

/// Wider lines are hard to read.
pub(super) const WIDTH_MAX: usize = 110;
/// The width where no terminal says one; clap has the same.
const USUAL: usize = 100;
/// Where the texts of the exit codes begin.
const INDENT: usize = 7;

/// The command with a last line in the short help of it and of all below it, which says where the other options are.
pub(super) fn pointing_to_the_rest(command: clap::Command) -> clap::Command {
    let command = command.mut_subcommands(pointing_to_the_rest);
    // Without a text of its own, the long help would have the line too.
    match command.get_after_long_help() {
        Some(_) => command.after_help("--help shows the other global options too, and more about each option."),
        None => command,
    }
}

/// The command with its help as wide as the terminal, and as that of all commands below it.
pub(super) fn fit(command: clap::Command) -> clap::Command {
    let width = terminal::known_columns(stdout()).or_else(|| terminal::known_columns(stderr()));
    let width = width.or_else(|| std::env::var("COLUMNS").ok()?.parse().ok()).unwrap_or(USUAL).min(WIDTH_MAX);
    hang(command.term_width(width), width)
}

fn hang(command: clap::Command, width: usize) -> clap::Command {
    let text = command.get_after_long_help().map(ToString::to_string);
    let command = command.mut_subcommands(|below| hang(below, width));
    match text {
        Some(text) => command.after_long_help(hanging(&text, width)),
        None => command,
    }
}

fn hanging(text: &str, width: usize) -> String {
    let lines = text.lines().map(|line| if is_exit_code(line) { wrapped(line, width) } else { line.to_owned() });
    lines.collect::<Vec<_>>().join("\n")
}

/// Whether a line of the help begins with an exit code.
fn is_exit_code(line: &str) -> bool {
    line.strip_prefix("  ").is_some_and(|line| line.starts_with(|first: char| first.is_ascii_digit()))
}

/// The line with breaks before the words that would not fit.
fn wrapped(line: &str, width: usize) -> String {
    let (code, text) = line.split_at_checked(INDENT).unwrap_or((line, ""));
    let (mut wrapped, mut column) = (code.to_owned(), INDENT);
    for (index, word) in text.split(' ').enumerate() {
        let columns = word.chars().count();
        if index > 0 && column + 1 + columns > width {
            wrapped.extend(["\n", &" ".repeat(INDENT)]);
            column = INDENT;
        } else if index > 0 {
            wrapped.push(' ');
            column += 1;
        }
        wrapped.push_str(word);
        column += columns;
    }
    wrapped
}
