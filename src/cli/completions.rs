//! `regtree completions`.

use clap_complete::Shell;
use serde_json::json;

use super::{Context, Exit};

/// Print a completion script for a shell
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    printed
  2    no such shell

Examples:
  regtree completions bash > /etc/bash_completion.d/regtree
  regtree completions zsh > \"${fpath[1]}/_regtree\"
  regtree completions fish > ~/.config/fish/completions/regtree.fish")]
pub(super) struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut super::command(), "regtree", &mut script);
        let script = String::from_utf8_lossy(&script);
        if context.output.is_json() {
            context.output.event("completions", json!({ "shell": self.shell.to_string(), "script": script }))?;
        } else {
            context.output.bytes(script.as_bytes())?;
        }
        Ok(Exit::Done)
    }
}
