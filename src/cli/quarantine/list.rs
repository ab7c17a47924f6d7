//! `regtree quarantine list`.

use crate::cli::count::human_bytes;
use crate::cli::{Context, Exit};
use crate::quarantine;

/// List the runs in the quarantine
///
/// Prints one line per run, oldest first: its name, which begins with its time, the command that made it, the number of
/// items, and their bytes.
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
            let header = format!("{:25}  {:15}  {:>8}  {:>12}", "RUN", "KIND", "ITEMS", "SIZE");
            let row = format_args!("{:25}  {kind:15}  {:>8}  {size:>12}", run.id.as_str(), run.items);
            context.output.row(&header, row, "run", || super::run_document(run))?;
        }
        context.output.all_damage(&found.damage)
    }
}
