//! `regtree upload cancel`.

use serde_json::json;

use crate::cli::subject::About;
use crate::cli::{Context, Exit};
use crate::name::{RepositoryName, UploadId};
use crate::upload;

/// Cancel uploads, and remove what they received
///
/// Prints the id of each upload removed. One that no longer exists is not an error.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    removed, or gone already
  1    not writable
  2    malformed name or id
  4    unknown repository
  5    something else is in the place of an upload
  10   no tree
  11   locked, or another process works on an upload

Example:
  regtree upload cancel library/app $id")]
pub(in crate::cli) struct Cancel {
    /// The repository
    #[arg(value_name = "REPO", value_parser = crate::cli::parse_repository)]
    repository: RepositoryName,
    /// The uploads
    #[arg(value_name = "ID", required = true)]
    ids: Vec<UploadId>,
    /// Show what would be removed, and remove nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
}

impl Cancel {
    pub(in crate::cli) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let registry = context.registry()?;
        registry.repository(&self.repository).about(&self.repository, None)?;
        let writer = context.writer_unless_dry(&registry, "upload cancel", self.dry_run)?;
        for id in &self.ids {
            let found = upload::look_up(registry.tree(), &self.repository, id).about(&self.repository, None)?;
            let wait = context.global.wait_lock.unwrap_or_default();
            let removed = match (found, &writer) {
                (Some(upload), Some(writer)) => {
                    upload::cancel(writer, &upload, wait, |_| true).about(&self.repository, None)?
                }
                (None, Some(writer)) => {
                    upload::forget(writer, &self.repository, id);
                    false
                }
                (found, None) => found.is_some(),
            };
            if context.output.is_json() {
                let fields =
                    json!({ "repository": self.repository, "upload": id, "gone": !removed, "dry_run": self.dry_run });
                context.output.event("cancel", fields)?;
            } else if removed {
                context.output.line(format_args!("{id}"))?;
            } else {
                context.output.note(format_args!("upload {id} of repository {} no longer exists", self.repository));
            }
        }
        if self.dry_run {
            context.output.note("nothing was removed (dry run)");
        }
        Ok(Exit::Done)
    }
}
