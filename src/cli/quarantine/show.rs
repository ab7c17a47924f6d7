//! `regtree quarantine show`.

use serde_json::json;

use crate::cli::count::human_bytes;
use crate::cli::{Context, Exit, count};
use crate::quarantine::{self, ListedChange, RunId};

const HEADER: &str = "        SIZE  KIND       PATH";

/// Show what is in a run of the quarantine
///
/// Prints one line per item, in the order in which they were moved: bytes, kind, and path. Items that were put back, or
/// never moved, are shown only with --all.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    shown
  1    not readable
  2    malformed run
  3    shown, but damage was found
  4    unknown run
  10   no tree

Example:
  regtree quarantine show 20261121T123000Z-0123abcd")]
pub(in crate::cli) struct Show {
    /// The run
    #[arg(value_name = "RUN")]
    run: RunId,
    /// Also show items that are no longer in it
    #[arg(long)]
    all: bool,
}

impl Show {
    pub(in crate::cli) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let registry = context.registry()?;
        let contents = quarantine::show(registry.tree(), &self.run)?;
        for (noted, held) in &contents.items {
            if !held && !self.all {
                continue;
            }
            let mut fields = super::item_document(noted);
            fields["held"] = json!(held);
            let (size, item) = (human_bytes(noted.item.size), &noted.item);
            let (mark, path) = (if *held { ' ' } else { '-' }, &item.path);
            let row = format_args!("{size:>12} {mark}{:<10} {path}", item.kind);
            context.output.row(HEADER, row, "item", || fields)?;
        }
        for ListedChange { path, change, before, in_place } in &contents.changes {
            if !in_place && !self.all {
                continue;
            }
            let fields =
                || json!({ "path": path.below_root(), "change": change, "before": before, "stands": in_place });
            let (mark, shown) = (if *in_place { ' ' } else { '-' }, path);
            let before = before.as_ref().map(|before| format!(" (before: {before})")).unwrap_or_default();
            let row = format_args!("{:>12} {mark}{change:<10} {shown}{before}", "");
            context.output.row(HEADER, row, "change", fields)?;
        }
        let exit = context.output.all_damage(&contents.damage)?;
        let run = &contents.summary;
        context.output.json_only("summary", || super::run_document(run))?;
        let (items, size) = (count::plural(run.items, "item"), count::bytes(run.bytes));
        context.output.note(format_args!("{} of {}: {items} of {size}", super::kind(run), run.began));
        Ok(exit)
    }
}
