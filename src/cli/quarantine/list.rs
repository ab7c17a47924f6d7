//! `regtree quarantine list`.

use crate::cli::count::human_bytes;
use crate::cli::{Context, Exit};
use crate::quarantine;

/// List the runs in the quarantine
///
/// Prints one line per run, oldest first: bytes, number of items, the kind of run, and its name, which begins with its
/// time.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    listed
  1    not readable
  3    listed, but damage was found
  10   no tree

Example:
  regtree quarantine list")]
pub(in crate::cli) struct List {}

impl List {
    #[expect(clippy::unused_self, reason = "as every command's")]
    pub(in crate::cli) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let registry = context.registry()?;
        let found = quarantine::runs(registry.tree())?;
        for run in &found.runs {
            let (size, kind) = (human_bytes(run.bytes), super::kind(run));
            let row = format_args!("{size:>12}  {:>8} {kind:<15} {}", run.items, run.id);
            context
                .output
                .row("        SIZE     ITEMS KIND            RUN", row, "run", || super::run_document(run))?;
        }
        context.output.all_damage(&found.damage)
    }
}
