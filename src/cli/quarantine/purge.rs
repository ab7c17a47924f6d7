//! `regtree quarantine purge`.

use std::time::Duration;

use serde_json::json;

use crate::cli::count::{self, plural};
use crate::cli::{Context, Exit, interrupt};
use crate::error::Error;
use crate::quarantine::{self, RunId, RunSummary};

/// Remove runs of the quarantine for good
///
/// Removes the named runs, and the runs that began longer ago than --older-than, with everything in them. Prints the name
/// of each. If a named run is unknown, nothing is removed.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("which").required(true).multiple(true), after_long_help = "\
Exit codes:
  0    removed
  1    not writable
  2    malformed run or age, or neither of them
  3    done, but damage was found or some could not be removed
  4    unknown run; nothing removed
  10   no tree
  11   locked
  130  interrupted: run it again to continue

Examples:
  regtree quarantine purge 20261121T123000Z-0123abcd
  regtree quarantine purge --older-than 14d --dry-run")]
pub(in crate::cli) struct Purge {
    /// The runs
    #[arg(value_name = "RUN", group = "which")]
    runs: Vec<RunId>,
    /// Also remove the runs that began longer ago than AGE (30m, 12h, 14d, 2w)
    #[arg(long, value_name = "AGE", group = "which", value_parser = crate::cli::parse_span)]
    older_than: Option<Duration>,
    /// Show what would be removed, and remove nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
}

impl Purge {
    pub(in crate::cli) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let registry = context.registry()?;
        let writer = context.exclusive_writer(&registry, "quarantine purge", self.dry_run)?;
        let interrupt = interrupt::catch()?;
        let found = quarantine::runs(registry.tree())?;
        for run in self.runs.iter().filter(|run| !found.runs.iter().any(|found| found.id == **run)) {
            // This says what is wrong with it.
            quarantine::show(registry.tree(), run)?;
        }
        let mut damage = found.damage;
        let (mut runs, mut items, mut bytes) = (0_u64, 0_u64, 0_u64);
        for run in &found.runs {
            if interrupt.signal().is_some() {
                break;
            }
            if !self.selects(run, context) {
                continue;
            }
            if let Some(writer) = &writer
                && let Err(error) = quarantine::purge(writer, &run.id)
            {
                damage.push(error);
                continue;
            }
            (runs, items, bytes) = (runs + 1, items + run.items, bytes.saturating_add(run.bytes));
            context.output.answer(&run.id, "purge", || super::run_document(run))?;
        }
        let exit = context.output.all_damage(&damage)?;
        let fields = || json!({ "runs": runs, "items": items, "bytes": bytes, "dry_run": self.dry_run });
        context.output.json_only("summary", fields)?;
        let did = if self.dry_run { "would remove" } else { "removed" };
        let (runs, items, size) = (plural(runs, "run"), plural(items, "item"), count::bytes(bytes));
        context.output.note(format_args!("{did} {runs} with {items} of {size}"));
        if let Some(signal) = interrupt.signal() {
            return Err(Error::Interrupted { signal }.into());
        }
        Ok(exit)
    }

    fn selects(&self, run: &RunSummary, context: &Context) -> bool {
        let is_old = self.older_than.is_some_and(|age| context.is_older(run.began, Some(age)));
        is_old || self.runs.contains(&run.id)
    }
}
