//! `regtree manifest delete`.

use serde_json::json;

use crate::cli::count::plural;
use crate::cli::deletion::Deletion;
use crate::cli::subject::About;
use crate::cli::{Context, Exit};
use crate::digest::Digest;
use crate::manifest::{self, Indexes, Tags};
use crate::name::RepositoryName;

/// Take manifests away from a repository
///
/// Refuses while tags point to one, unless --with-tags removes those too; and what an index of the repository names, unless
/// that index goes in the same call or --force is given: no client pulls such an index whole. The content stays until it is
/// collected. Every digest must be known, or nothing is removed. Referrers, such as signatures, have no tag: look at manifest
/// stat first, or let gc --delete-untagged find what nobody needs.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    removed
  1    not writable
  2    malformed name or digest
  3    removed, but there are tags that don't say what they point to
  4    unknown repository or manifest, and nothing removed
  10   no tree
  11   locked, or another process works on the tree
  12   tags point to one, an index names one, or a manifest can't be read to tell; nothing removed

Examples:
  regtree manifest delete library/app sha256:… --dry-run
  regtree manifest delete library/app sha256:… --with-tags")]
pub(in crate::cli) struct Delete {
    /// The repository
    #[arg(value_name = "REPO", value_parser = crate::cli::parse_repository)]
    repository: RepositoryName,
    /// The manifests
    #[arg(value_name = "DIGEST", required = true, value_parser = crate::cli::parse_digest)]
    digests: Vec<Digest>,
    /// Remove the tags that point to them too
    #[arg(long)]
    with_tags: bool,
    /// Remove also what indexes of the repository name
    #[arg(long)]
    force: bool,
    /// Say what would be removed, and remove nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
}

impl Delete {
    pub(in crate::cli) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let registry = context.registry()?;
        let repository = registry.repository(&self.repository).about(&self.repository, None)?;
        // Alone, or a tag set meanwhile may point to what had none.
        let writer = context.exclusive_writer(&registry, "manifest delete", self.dry_run)?;
        let tags = if self.with_tags { Tags::Remove } else { Tags::Keep };
        let indexes = if self.force { Indexes::Ignore } else { Indexes::Keep };
        let planned = manifest::plan_delete(&repository, &self.digests, tags, indexes);
        let (removals, damage) = planned.about(&self.repository, None)?;
        let deletion = Deletion { repository: &self.repository, dry_run: self.dry_run };
        for removal in &removals {
            if let Some(writer) = &writer {
                removal.execute(writer).about(&self.repository, removal.digest)?;
            }
            let tags: Vec<_> = removal.tags.iter().map(|tag| &tag.tag).collect();
            let named = tags.iter().map(|tag| format!("{}:{tag}", self.repository));
            let lines: Vec<String> = named.chain([removal.digest.to_string()]).collect();
            deletion.print("delete", json!({ "digest": removal.digest, "tags": tags }), &lines, context)?;
        }
        let tags = removals.iter().map(|removal| removal.tags.len()).sum::<usize>();
        let what = format!("{} and {}", plural(removals.len(), "manifest"), plural(tags, "tag"));
        deletion.end(what, &damage, context)
    }
}
