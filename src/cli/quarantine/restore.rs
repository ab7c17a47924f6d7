//! `regtree quarantine restore`.

use serde_json::json;

use crate::cli::output::escaped;
use crate::cli::{Context, Exit, interrupt};
use crate::digest::Digest;
use crate::error::Error;
use crate::quarantine::{self, Outcome, Restored, RunId};

/// Put back what a run took out of the tree
///
/// All of it, or what is called by the digests: a blob, its links, its manifest revision. Prints where each went. What has
/// something else in its place stays in the quarantine. A run that is empty then goes away.
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
  130  interrupted: what was put back stays, and running it again goes on

Example:
  regtree quarantine restore 20261121T123000Z-0123abcd --dry-run")]
pub(in crate::cli) struct Restore {
    /// The run
    #[arg(value_name = "RUN")]
    run: RunId,
    /// What to put back; everything if omitted
    #[arg(value_name = "DIGEST", value_parser = crate::cli::parse_digest)]
    digests: Vec<Digest>,
    /// Hash each blob first, and leave one that is not what it is called
    #[arg(long)]
    verify: bool,
    /// Say what would be put back, and change nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
}

impl Restore {
    pub(in crate::cli) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let registry = context.registry()?;
        // A dry run changes nothing, so it takes no lock.
        let writer = if self.dry_run { None } else { Some(context.sole_writer(&registry, "quarantine restore")?) };
        let restore = quarantine::Restore::new(registry.tree(), &self.run, &self.digests)?;
        let restore = restore.verify(self.verify).interrupt(interrupt::catch()?);
        let mut damaged = !restore.faults().is_empty();
        for fault in restore.faults() {
            context.output.damage(fault)?;
        }
        let done = match &writer {
            Some(writer) => restore.run(writer, context.now)?,
            None => restore.look(),
        };
        let (mut count, mut bytes) = (0_u64, 0_u64);
        for (noted, outcome) in &done.things {
            let said = match outcome {
                Ok(Outcome::PutBack) => "put-back",
                Ok(Outcome::AlreadyThere) => "already-there",
                Ok(Outcome::NotHeld) => continue,
                Err(error) => {
                    damaged = true;
                    context.output.damage(error)?;
                    continue;
                }
            };
            count += 1;
            bytes = bytes.saturating_add(noted.item.size);
            if context.output.is_json() {
                let mut fields = super::item_document(noted);
                fields["outcome"] = json!(said);
                context.output.event("restore", fields)?;
            } else {
                context.output.text(format_args!("{}\n", escaped(&noted.item.path.to_string())))?;
            }
        }
        self.conclude(context, &done, count, bytes)?;
        if let Some(signal) = done.interrupted {
            return Err(Error::Interrupted { signal }.into());
        }
        Ok(Exit::damage_if(damaged))
    }

    fn conclude(&self, context: &mut Context, done: &Restored, count: u64, bytes: u64) -> anyhow::Result<()> {
        if context.output.is_json() {
            let fields = json!({
                "run": self.run.as_str(), "items": count, "bytes": bytes, "emptied": done.emptied,
                "dry_run": self.dry_run,
            });
            context.output.event("summary", fields)?;
        }
        let did = if self.dry_run { "would put back" } else { "put back" };
        context.output.note(format_args!("{did} {count} things of {bytes} bytes"));
        if done.emptied {
            context.output.note(format_args!("run {} is empty, and gone", self.run));
        }
        Ok(())
    }
}
