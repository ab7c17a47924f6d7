//! `regtree repo rename`.

use crate::cli::subject::About;
use crate::cli::{Context, Exit};
use crate::name::RepositoryName;
use crate::registry;
use crate::repository::Repository;

/// Give a repository another name: its tags with their history, manifests and layers
///
/// Only links are written, so it is fast whatever the size. The old name is removed last: until then the repository has
/// both names. To finish an interrupted run, run it again. Repositories whose names begin with OLD keep their names. No
/// other regtree command may change the tree meanwhile. Stop the registry first, or make it read-only: what is pushed
/// to OLD at the same time may be lost.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    renamed
  1    not writable, no space
  2    malformed name
  4    unknown repository
  5    a link or tag in it is broken, and nothing changed
  10   no tree
  11   locked, or another process works on the tree
  12   it has unfinished uploads, or a tag of NEW points to another image (--force)

Example:
  regtree repo rename library/app team/app --dry-run")]
pub(in crate::cli) struct Rename {
    /// The repository
    #[arg(value_name = "OLD", value_parser = crate::cli::parse_repository)]
    old: RepositoryName,
    /// Its new name; a repository of that name gets what it does not have
    #[arg(value_name = "NEW", value_parser = crate::cli::parse_repository)]
    new: RepositoryName,
    /// Remove the unfinished uploads, and move tags of NEW that point to other images
    #[arg(long)]
    force: bool,
    /// Show what would be renamed, and change nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
}

impl Rename {
    pub(in crate::cli) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let registry = context.registry()?;
        let repository = Repository::new(registry.tree(), self.old.clone());
        let writer = context.exclusive_writer(&registry, "repo rename", self.dry_run)?;
        let copy = registry::plan_copy(&repository, &self.new, self.force).about(&self.old, None)?;
        if let Some(writer) = &writer {
            copy.rename(writer).about(&self.old, None)?;
        }
        let did = if self.dry_run { "would rename" } else { "renamed" };
        super::print_copied(did, "rename", &copy.counts(), [&self.old, &self.new], self.dry_run, context)?;
        Ok(Exit::Done)
    }
}
