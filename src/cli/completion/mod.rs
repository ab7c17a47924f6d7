//! Completes a command while it is typed: the shell runs regtree with the line, and gets the names that the tree has.
//!
//! The shell's script is what `regtree completions SHELL --dynamic` prints. It sets `COMPLETE` to the shell's name and
//! gives the line after `--`; no other call begins so. **Nothing is ever said on standard error, and nothing fails**: where
//! there is no tree, there are no names.

mod bash;
mod candidates;
mod line;

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::process::ExitCode;

use clap_complete::Shell;
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate, ValueCompleter};
use clap_complete::env::{Elvish, EnvCompleter, Fish, Powershell, Zsh};

use candidates::Wanted;

/// The variable with the name of the shell that asks.
const VARIABLE: &str = "COMPLETE";
const PROGRAM: &str = "regtree";

/// Answers a shell that asks what can stand in its line. `None` when this is another call.
pub(super) fn answer(arguments: &[OsString]) -> Option<ExitCode> {
    let name = std::env::var(VARIABLE).ok()?;
    let (_, asked) = arguments.split_first()?;
    let (_, words) = asked.split_first().filter(|(first, _)| *first == "--")?;
    let mut answer = Vec::new();
    // What can't be completed has no candidates.
    let _ = match shell(&name)? {
        Asking::Bash => bash::write_complete(words, &mut answer),
        Asking::Other(shell) => {
            let before = before_cursor(words);
            let mut command = command(&before);
            command.build();
            let is_option = words.get(before.len()).is_some_and(|word| word.as_encoded_bytes().starts_with(b"-"));
            if !is_option {
                command = with_options_last(command);
            }
            shell.write_complete(&mut command, words.to_vec(), None, &mut answer)
        }
    };
    let _ = std::io::stdout().write_all(&answer);
    Some(ExitCode::SUCCESS)
}

/// The script that lets a shell ask; `None` for one that can't.
pub(super) fn script(asking: Shell) -> Option<Vec<u8>> {
    let mut script = Vec::new();
    let written = match shell(&asking.to_string())? {
        Asking::Bash => bash::write_registration(&mut script),
        Asking::Other(shell) => shell.write_registration(VARIABLE, PROGRAM, PROGRAM, PROGRAM, &mut script),
    };
    written.ok().map(|()| script)
}

/// A shell that asks.
enum Asking {
    Bash,
    /// One that clap_complete's own scripts serve well.
    Other(&'static dyn EnvCompleter),
}

fn shell(name: &str) -> Option<Asking> {
    Some(match name {
        "bash" => Asking::Bash,
        "elvish" => Asking::Other(&Elvish),
        "fish" => Asking::Other(&Fish),
        "powershell" => Asking::Other(&Powershell),
        "zsh" => Asking::Other(&Zsh),
        _ => return None,
    })
}

/// The words before the one that is completed: some shells say which that is, the others give the line up to it.
fn before_cursor(words: &[OsString]) -> Vec<OsString> {
    let index = std::env::var("_CLAP_COMPLETE_INDEX").ok().and_then(|index| index.parse().ok());
    words.iter().take(index.unwrap_or(words.len().saturating_sub(1))).cloned().collect()
}

/// The commands, in which each argument that names something in a tree knows what there is. `before` is the line up to
/// the word that is completed.
fn command(before: &[OsString]) -> clap::Command {
    with_candidates(super::command(), before)
}

fn with_candidates(command: clap::Command, before: &[OsString]) -> clap::Command {
    let command = command.mut_args(|argument| {
        let names = argument.get_value_names().unwrap_or_default();
        let wanted: Vec<_> = names.iter().map(|name| Wanted::by(name)).collect();
        if wanted.iter().all(Option::is_none) {
            return argument;
        }
        argument.add(ArgValueCompleter::new(Names { wanted, before: before.to_vec() }))
    });
    command.mut_subcommands(|inner| with_candidates(inner, before))
}

/// The command with its options offered only where nothing else is: among them the names would be lost.
fn with_options_last(command: clap::Command) -> clap::Command {
    let command = command.mut_args(|argument| if argument.is_positional() { argument } else { argument.hide(true) });
    command.mut_subcommands(with_options_last)
}

/// Completes the values of an argument by names in the tree.
struct Names {
    /// What each value wants.
    wanted: Vec<Option<Wanted>>,
    before: Vec<OsString>,
}

impl ValueCompleter for Names {
    fn complete(&self, current: &OsStr) -> Vec<CompletionCandidate> {
        self.complete_at(0, current)
    }

    fn complete_at(&self, index: usize, current: &OsStr) -> Vec<CompletionCandidate> {
        // All further values are like the last.
        let wanted = self.wanted.get(index).or(self.wanted.last()).copied().flatten();
        let found = wanted.zip(current.to_str()).and_then(|(wanted, current)| {
            let line = line::Line::read(&self.before)?;
            Some(candidates::of(wanted, current, &line))
        });
        found.unwrap_or_default().into_iter().map(CompletionCandidate::new).collect()
    }
}
