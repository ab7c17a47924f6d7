//! `regtree blob delete`.

use serde_json::json;

use crate::blob;
use crate::cli::{Context, Exit};
use crate::digest::Digest;
use crate::name::RepositoryName;

/// Take blobs away from a repository
///
/// Removes the repository's links; the content stays until it is collected, and other repositories keep theirs. Prints
/// the digest of each link removed. Deleting an alias leaves the canonical link, and the reverse, unless --all-aliases
/// is given. Every digest must be known, or nothing is removed.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes: 0 removed; 1 not writable; 4 unknown repository or blob, and nothing removed; 5 something else lies in a
link's place; 10 no tree; 11 locked.

Examples:
  regtree blob delete library/app sha256:… --dry-run
  regtree blob delete library/app sha256:… --all-aliases")]
pub(in crate::cli) struct Delete {
    /// The repository
    #[arg(value_name = "REPO")]
    repository: RepositoryName,
    /// The blobs, by the digests that their links are called by
    #[arg(value_name = "DIGEST", required = true)]
    digests: Vec<Digest>,
    /// Remove the blob's links by its other digests too
    #[arg(long)]
    all_aliases: bool,
    /// Say what would be removed, and remove nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
}

impl Delete {
    pub(in crate::cli) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let registry = context.registry()?;
        let repository = registry.repository(&self.repository)?;
        // A dry run changes nothing, so it takes no lock.
        let writer = if self.dry_run { None } else { Some(context.writer(&registry, "blob delete")?) };
        for removal in blob::plan_delete(&repository, &self.digests, self.all_aliases)? {
            let gone = match &writer {
                Some(writer) => !removal.execute(writer)?,
                None => false,
            };
            if gone {
                context.output.note(format_args!("{} was gone already", removal.key));
            }
            let document = || json!({ "repository": self.repository, "digest": removal.key, "dry_run": self.dry_run });
            context.output.answer(removal.key, document)?;
        }
        if self.dry_run {
            context.output.note("nothing was removed (dry run)");
        }
        Ok(Exit::Done)
    }
}
