//! `regtree repo copy`.

use crate::cli::subject::About;
use crate::cli::{Context, Exit};
use crate::name::RepositoryName;
use crate::registry;

/// Copy a repository: its tags with their history, manifests and layers
///
/// Only links are written, so it is fast whatever the size. Repositories whose names begin with OLD are not copied. To
/// copy to another tree, use regtree copy --to.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    copied
  1    not writable, no space
  2    malformed name
  4    unknown repository
  5    a link or tag in it is broken, and nothing copied
  10   no tree
  11   locked
  12   it has unfinished uploads, or a tag of NEW points to another image (--force)

Example:
  regtree repo copy library/app archive/app")]
pub(in crate::cli) struct Copy {
    /// The repository
    #[arg(value_name = "OLD", value_parser = crate::cli::parse_repository)]
    old: RepositoryName,
    /// The copy, which need not exist
    #[arg(value_name = "NEW", value_parser = crate::cli::parse_repository)]
    new: RepositoryName,
    /// Copy without the unfinished uploads, and move tags of NEW that point to other images
    #[arg(long)]
    force: bool,
    /// Show what would be copied, and change nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
}

impl Copy {
    pub(in crate::cli) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let registry = context.registry()?;
        let repository = registry.repository(&self.old).about(&self.old, None)?;
        let writer = context.writer_unless_dry(&registry, "repo copy", self.dry_run)?;
        let copy = registry::plan_copy(&repository, &self.new, self.force).about(&self.old, None)?;
        if let Some(writer) = &writer {
            copy.execute(writer).about(&self.new, None)?;
        }
        let did = if self.dry_run { "would copy" } else { "copied" };
        super::print_copied(did, "copy", &copy.counts(), [&self.old, &self.new], self.dry_run, context)?;
        Ok(Exit::Done)
    }
}
