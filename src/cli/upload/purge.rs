//! `regtree upload purge`.

use std::time::Duration;

use serde_json::json;

use crate::cli::{Context, Exit, count};
use crate::durable::Writer;
use crate::error::{Error, Result};
use crate::image::{self, Leftovers};
use crate::name::RepositoryName;
use crate::upload::{self, Upload};

/// Remove old unfinished uploads
///
/// Removes uploads that began longer ago than --older-than, as a registry's own purge does. Also removes those that a
/// registry never purges: uploads whose id is not a UUID, and uploads without a start time, whose age is that of their
/// newest file. An upload that another process is working on is skipped. For the whole tree, upload purge also removes
/// from .regtree/import what a killed import of an archive left there. Prints how many, and with --verbose each of
/// them.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    removed
  1    not writable
  2    malformed name or age
  3    done, but damage was found or some could not be removed
  4    unknown repository
  10   no tree
  11   locked

Example:
  regtree upload purge --older-than 7d --dry-run")]
pub(in crate::cli) struct Purge {
    /// The repositories; the whole tree if omitted
    #[arg(value_name = "REPO", value_parser = crate::cli::parse_repository)]
    repositories: Vec<RepositoryName>,
    /// Minimum age (30m, 12h, 7d, 2w)
    #[arg(long, value_name = "AGE", default_value = "7d", value_parser = crate::cli::parse_span)]
    older_than: Duration,
    /// Show what would be removed, and remove nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
}

impl Purge {
    pub(in crate::cli) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let registry = context.registry()?;
        let writer = context.writer_unless_dry(&registry, "upload purge", self.dry_run)?;
        let (mut names, mut damage) = (self.repositories.clone(), Vec::new());
        names.sort();
        names.dedup();
        let found = super::older(&registry, names, Some(self.older_than), &mut damage, context)?;
        let (mut uploads, mut bytes) = (0_u64, 0_u64);
        for (upload, _) in found {
            let stale = |upload: &Upload| super::is_over(upload, Some(self.older_than), context);
            match remove(writer.as_ref(), &upload, stale) {
                Ok(false) => continue,
                Ok(true) => {}
                // An upload of an alpha registry is only read.
                Err(Error::Refused { reason }) => {
                    context.output.note(reason);
                    continue;
                }
                Err(Error::Locked { .. }) => {
                    context.output.note(format_args!(
                        "upload {} is skipped, because another process is working on it",
                        upload.id
                    ));
                    continue;
                }
                Err(error) => {
                    damage.push(error);
                    continue;
                }
            }
            uploads += 1;
            bytes += upload.size;
            if context.output.is_json() || context.output.is_verbose() {
                let line = format_args!("{} {}", upload.repository, upload.id);
                context.output.answer(line, "purge", || super::document(&upload))?;
            }
        }
        let mut left = Leftovers::default();
        if self.repositories.is_empty() {
            match image::leftovers(registry.tree(), writer.as_ref(), self.older_than) {
                Ok(found) => left = found,
                Err(error) => damage.push(error),
            }
        }
        let exit = context.output.all_damage(&damage)?;
        let fields = || {
            let mut summary = json!({ "uploads": uploads, "bytes": bytes, "dry_run": self.dry_run });
            if left.files > 0 {
                summary["imports"] = json!({ "files": left.files, "bytes": left.bytes });
            }
            summary
        };
        context.output.json_only("summary", fields)?;
        let did = if self.dry_run { "would remove" } else { "removed" };
        context.output.note(format_args!("{did} {} of {}", count::plural(uploads, "upload"), count::bytes(bytes)));
        if left.files > 0 {
            let files = count::plural(left.files, "file");
            context.output.note(format_args!("{did} {files} of {} that imports left", count::bytes(left.bytes)));
        }
        Ok(exit)
    }
}

fn remove(writer: Option<&Writer<'_>>, upload: &Upload, stale: impl Fn(&Upload) -> bool) -> Result<bool> {
    writer.map_or(Ok(true), |writer| upload::cancel(writer, upload, Duration::ZERO, stale))
}
