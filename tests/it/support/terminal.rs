//! What a person sees.

use std::process::{Command, Stdio};

use super::Scratch;

/// Runs a shell script with the command as `regtree`, on a terminal of its own, and returns what the terminal showed.
pub(crate) fn on_a_terminal(script: &str, scratch: &Scratch) -> String {
    let program = env!("CARGO_BIN_EXE_regtree");
    let script = script.replace("regtree", program);
    let mut command = Command::new("script");
    command.args(["--quiet", "--return", "--command", &script, "/dev/null"]).stdin(Stdio::null());
    command
        .env("REGTREE_ROOT", scratch.root())
        .envs(super::nothing_installed())
        .env("TERM", "xterm")
        .env_remove("NO_COLOR");
    String::from_utf8_lossy(&command.output().unwrap().stdout).into_owned()
}
