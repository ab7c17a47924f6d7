//! `regtree quarantine restore`.

use serde_json::json;

use crate::cli::count::{self, plural};
use crate::cli::{Context, Exit, interrupt};
use crate::digest::Digest;
use crate::error::Error;
use crate::layout::TreePath;
use crate::quarantine::{self, NotedItem, RestoreOutcome, Restored, RunId};

/// Put back what a run took out of the tree
///
/// Puts back everything, or only the blobs, links and manifest revisions with the given digests. Prints how many, and
/// with --verbose where each was put. If something else is in an item's place, the item is kept in the quarantine. If
/// the same content is already in place, the copy in the quarantine is deleted. A run that is then empty is removed.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    put back
  1    not writable
  2    malformed run or digest
  3    done, but something could not be put back, or damage was found
  4    unknown run, or a digest that is not in it
  10   no tree
  11   locked
  130  interrupted: what was put back is kept; run it again to continue

Example:
  regtree quarantine restore 20261121T123000Z-0123abcd --dry-run")]
pub(in crate::cli) struct Restore {
    /// The run
    #[arg(value_name = "RUN")]
    run: RunId,
    /// What to put back; everything if omitted
    #[arg(value_name = "DIGEST", value_parser = crate::cli::parse_digest)]
    digests: Vec<Digest>,
    /// Hash each blob first, and leave those that do not match their digest
    #[arg(long)]
    verify: bool,
    /// Show what would be put back, and change nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
}

impl Restore {
    pub(in crate::cli) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let registry = context.registry()?;
        let writer = context.exclusive_writer(&registry, "quarantine restore", self.dry_run)?;
        let restore = quarantine::Restore::new(registry.tree(), &self.run, &self.digests)?;
        let restore = restore.verify(self.verify).interrupt(interrupt::catch()?);
        let mut damaged = context.output.all_damage(restore.faults())? == Exit::Damage;
        let done = match &writer {
            Some(writer) => restore.run(writer, context.now)?,
            None => restore.look(),
        };
        let mut counts = Counts::default();
        for (noted, outcome) in &done.items {
            match outcome {
                Ok(RestoreOutcome::NotHeld) => {}
                Ok(outcome) => {
                    counts.add(*outcome, noted.item.size);
                    print_item(noted, *outcome, context)?;
                }
                Err(error) => {
                    damaged = true;
                    context.output.damage(error)?;
                }
            }
        }
        for (path, undone) in &done.undone {
            match undone {
                Ok(()) => print_undone(path, context)?,
                Err(error) => {
                    damaged = true;
                    context.output.damage(error)?;
                }
            }
        }
        self.conclude(context, &done, &counts)?;
        if let Some(signal) = done.interrupted {
            return Err(Error::Interrupted { signal }.into());
        }
        Ok(Exit::damage_if(damaged))
    }

    fn conclude(&self, context: &mut Context, done: &Restored, counts: &Counts) -> anyhow::Result<()> {
        let Counts { put_back, bytes, already_there } = counts;
        let undone = done.undone.iter().filter(|(_, done)| done.is_ok()).count();
        let fields = || {
            json!({
                "run": self.run.as_str(), "items": put_back, "bytes": bytes, "already_there": already_there,
                "undone": undone, "emptied": done.emptied, "dry_run": self.dry_run,
            })
        };
        context.output.json_only("summary", fields)?;
        if !context.output.is_json() {
            let did = if self.dry_run { "would put back" } else { "put back" };
            context.output.line(format_args!("{did} {} of {}", plural(*put_back, "item"), count::bytes(*bytes)))?;
            context.output.flush()?;
        }
        if undone > 0 {
            let did = if self.dry_run { "would undo" } else { "undid" };
            context.output.note(format_args!("{did} {}", plural(undone, "change")));
        }
        if *already_there > 0 {
            let items = plural(*already_there, "item");
            context.output.note(format_args!("{items} already in place (identical, or repaired since)"));
        }
        if done.emptied {
            context.output.note(format_args!("run {} is now empty and was removed", self.run));
        }
        Ok(())
    }
}

#[derive(Debug, Default)]
struct Counts {
    put_back: u64,
    bytes: u64,
    already_there: u64,
}

impl Counts {
    fn add(&mut self, outcome: RestoreOutcome, size: u64) {
        match outcome {
            RestoreOutcome::PutBack => {
                (self.put_back, self.bytes) = (self.put_back + 1, self.bytes.saturating_add(size));
            }
            RestoreOutcome::AlreadyThere => self.already_there += 1,
            RestoreOutcome::NotHeld => {}
        }
    }
}

fn print_undone(path: &TreePath, context: &mut Context) -> anyhow::Result<()> {
    if !context.output.is_json() && !context.output.is_verbose() {
        return Ok(());
    }
    context.output.answer(path, "restore", || json!({ "path": path.below_root(), "outcome": "undone" }))
}

fn print_item(noted: &NotedItem, outcome: RestoreOutcome, context: &mut Context) -> anyhow::Result<()> {
    let is_back = outcome == RestoreOutcome::PutBack;
    if context.output.is_json() {
        let mut fields = super::item_document(noted);
        fields["outcome"] = json!(if is_back { "put-back" } else { "already-there" });
        return context.output.event("restore", fields);
    }
    if !context.output.is_verbose() {
        return Ok(());
    }
    let path = noted.item.path.to_string();
    if is_back {
        return context.output.line(format_args!("{path}"));
    }
    context.output.detail(format_args!("{path} is already in place"));
    Ok(())
}
