//! `regtree repo delete`.

use serde_json::json;

use crate::cli::count::plural;
use crate::cli::deletion::AllowUnreadable;
use crate::cli::subject::About;
use crate::cli::{Context, Exit};
use crate::name::RepositoryName;
use crate::registry;
use crate::repository::Repository;

/// Remove a repository: its tags, manifests' links, layers' links and uploads
///
/// Prints how many of each were removed. The content stays until gc collects it; other repositories keep their links to
/// it. Repositories whose names begin with this name are kept too. No other regtree command may change the tree
/// meanwhile: repo delete fails while one is running. If it was interrupted, run it again to finish.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    removed
  1    not writable
  2    malformed name
  3    removed, and there was damage in it
  4    unknown repository
  5    something else is in the place of one of its folders
  10   no tree
  11   locked, or another process works on the tree
  12   one of its directories can't be listed, something in it can't be read, or its tags are Harbor's; nothing removed

Example:
  regtree repo delete library/app --dry-run")]
pub(in crate::cli) struct Delete {
    /// The repository
    #[arg(value_name = "REPO", value_parser = crate::cli::parse_repository)]
    repository: RepositoryName,
    #[command(flatten)]
    unreadable: AllowUnreadable,
    /// Show what would be removed, and remove nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
}

impl Delete {
    pub(in crate::cli) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let registry = context.registry()?;
        let writer = context.exclusive_writer(&registry, "repo delete", self.dry_run)?;
        context.check_tags(&registry, self.dry_run)?;
        let name = &self.repository;
        let planned = registry::plan_delete(&Repository::new(registry.tree(), name.clone()), self.unreadable.policy());
        let (removal, damage) = planned.about(name, None)?;
        if let Some(writer) = &writer {
            removal.execute(writer).about(name, None)?;
        }
        let counts = super::counts(&removal.census);
        let mut fields = json!({ "repository": name, "dry_run": self.dry_run });
        for (key, count) in counts {
            fields[key] = count.into();
        }
        let counts = counts.map(|(what, count)| plural(count, what.trim_end_matches('s'))).join(", ");
        let did = if self.dry_run { "would remove" } else { "removed" };
        context.output.answer(format_args!("{did} {name}: {counts}"), "delete", || fields)?;
        let exit = context.output.all_damage(&damage)?;
        if self.dry_run {
            context.output.note("nothing was removed (dry run)");
        }
        Ok(exit)
    }
}
