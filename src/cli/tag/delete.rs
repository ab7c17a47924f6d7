//! `regtree tag delete`.

use serde_json::json;

use crate::cli::count::plural;
use crate::cli::deletion::{Deletion, Manner};
use crate::cli::subject::About;
use crate::cli::{Context, Exit};
use crate::name::{RepositoryName, Tag};
use crate::tag;

/// Remove tags from a repository
///
/// Removes the tags and their history; the manifests and all other tags are kept. Prints each tag removed. If any tag
/// is unknown, nothing is removed.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    removed
  1    not writable
  2    malformed name or tag
  4    unknown repository or tag, and nothing removed
  5    something else is in a tag's place
  10   no tree
  11   locked
  12   the tags are Harbor's, which has them in a database; nothing removed

Example:
  regtree tag delete library/app v1.0 v1.1 --dry-run")]
pub(in crate::cli) struct Delete {
    /// The repository
    #[arg(value_name = "REPO", value_parser = crate::cli::parse_repository)]
    repository: RepositoryName,
    /// The tags
    #[arg(value_name = "TAG", required = true)]
    tags: Vec<Tag>,
    #[command(flatten)]
    manner: Manner,
}

impl Delete {
    pub(in crate::cli) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let registry = context.registry()?;
        let repository = registry.repository(&self.repository).about(&self.repository, None)?;
        let dry_run = self.manner.dry_run;
        // Only the quarantine needs the lock alone: a tag that is set meanwhile needs no other tag.
        let alone =
            self.manner.quarantine.is_quarantine().then(|| context.exclusive_writer(&registry, "tag delete", dry_run));
        let alone = alone.transpose()?.flatten();
        let shared = if self.manner.quarantine.is_quarantine() {
            None
        } else {
            context.writer_unless_dry(&registry, "tag delete", dry_run)?
        };
        context.check_tags(&registry, dry_run)?;
        let removals = tag::plan_delete(&repository, &self.tags).about(&self.repository, None)?;
        if let Some(writer) = &shared {
            tag::delete(writer, &removals).about(&self.repository, None)?;
        }
        let run = match &alone {
            Some(writer) => self.manner.carry_out(writer, "tag delete", context, |remover| {
                tag::delete(remover, &removals).about(&self.repository, None)
            })?,
            None => None,
        };
        let deletion = Deletion { repository: &self.repository, manner: self.manner, run: run.as_ref() };
        for tag::Removal { tag, digest, .. } in &removals {
            deletion.print("untag", json!({ "tag": tag, "digest": digest }), &[tag.to_string()], context)?;
        }
        deletion.end(plural(removals.len(), "tag"), &[], context)
    }
}
