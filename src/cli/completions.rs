//! `regtree completions`.

use clap_complete::Shell;
use serde_json::json;

use super::{Context, Exit};

/// Print a completion script for a shell
///
/// The script completes commands, options and their fixed values, and runs without regtree. Install it where the shell
/// looks for it. For all users: /usr/share/bash-completion/completions/regtree,
/// /usr/share/zsh/vendor-completions/_regtree or /usr/share/fish/vendor_completions.d/regtree.fish. For one user:
/// ~/.local/share/bash-completion/completions/regtree, a directory of zsh's fpath, or
/// ~/.config/fish/completions/regtree.fish.
///
/// With --dynamic it is a short script that asks regtree. It also completes repositories, tags, digests, uploads and
/// runs of the quarantine. The tree is the one of the line's --root or --registry-config, or is found by the same rules
/// as for any command. Load this script when the shell starts, so that it always matches the regtree that it asks.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    printed
  2    no such shell

Examples:
  regtree completions bash > ~/.local/share/bash-completion/completions/regtree
  regtree completions zsh > \"${fpath[1]}/_regtree\"
  regtree completions fish > ~/.config/fish/completions/regtree.fish
  echo 'source <(regtree completions bash --dynamic)' >> ~/.bashrc
  echo 'source <(regtree completions zsh --dynamic)' >> ~/.zshrc      # after compinit
  echo 'regtree completions fish --dynamic | source' >> ~/.config/fish/config.fish")]
pub(super) struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
    /// Print a script that asks regtree, which completes the names in the tree too
    #[cfg(feature = "dynamic-completion")]
    #[arg(long)]
    dynamic: bool,
}

impl Completions {
    pub(super) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let script = self.script();
        let script = String::from_utf8_lossy(&script);
        if context.output.is_json() {
            context.output.event("completions", json!({ "shell": self.shell.to_string(), "script": script }))?;
        } else {
            context.output.bytes(script.as_bytes())?;
        }
        Ok(Exit::Done)
    }

    fn script(&self) -> Vec<u8> {
        #[cfg(feature = "dynamic-completion")]
        if self.dynamic
            && let Some(script) = super::completion::script(self.shell)
        {
            return script;
        }
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut super::command(), "regtree", &mut script);
        script
    }
}
