//! `regtree tag delete`.

use serde_json::json;

use crate::cli::count::plural;
use crate::cli::deletion::{Deletion, Manner};
use crate::cli::reference::{Several, TagName};
use crate::cli::subject::About;
use crate::cli::{Context, Exit};
use crate::name::Tag;
use crate::reference::Shortened;
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
  12   Harbor keeps the tags of this tree in a database; nothing removed

Example:
  regtree tag delete library/app v1.0 v1.1 --dry-run")]
pub(in crate::cli) struct Delete {
    #[command(flatten)]
    tags: Several<TagName>,
    #[command(flatten)]
    manner: Manner,
}

impl Delete {
    pub(in crate::cli) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let registry = context.registry()?;
        let Several { repository: name, targets } = &self.tags;
        let repository = registry.repository(name).about(name, None)?;
        let dry_run = self.manner.dry_run;
        // Only the quarantine needs the lock alone: a tag that is set meanwhile needs no other tag.
        let (alone, shared) = if self.manner.quarantine.is_quarantine() {
            (context.exclusive_writer(&registry, "tag delete", dry_run)?, None)
        } else {
            (None, context.writer_unless_dry(&registry, "tag delete", dry_run)?)
        };
        context.check_tags(&registry, dry_run)?;
        targets.iter().try_for_each(|target| target.check(&repository, Shortened::Refuse)).about(name, None)?;
        let tags: Vec<Tag> = targets.iter().map(|target| target.tag().clone()).collect();
        let removals = tag::plan_delete(&repository, &tags).about(name, None)?;
        if let Some(writer) = &shared {
            tag::delete(writer, &removals).about(name, None)?;
        }
        let run = self.manner.carry_out(alone.as_ref(), "tag delete", context, |remover| {
            tag::delete(remover, &removals).about(name, None)
        })?;
        let deletion = Deletion { repository: name, manner: self.manner, run: run.as_ref() };
        for tag::Removal { tag, digest, .. } in &removals {
            deletion.print("untag", json!({ "tag": tag, "digest": digest }), &[tag.to_string()], context)?;
        }
        deletion.end(plural(removals.len(), "tag"), &[], context)
    }
}
