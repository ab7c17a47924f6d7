//! `regtree blob delete`.

use serde_json::json;

use crate::blob;
use crate::cli::count::plural;
use crate::cli::deletion::{AllowUnreadable, Deletion, Manner};
use crate::cli::reference::{Blob, Several};
use crate::cli::subject::About;
use crate::cli::{Context, Exit};
use crate::digest::Digest;
use crate::error::Result;
use crate::manifest::{self, Needed};
use crate::reference::{self, Shortened};

/// Remove (unlink) blobs from a repository
///
/// Removes the repository's links, and prints the digest of each. The content is kept until gc collects it, and other
/// repositories keep their links. Deleting an alias leaves the canonical link, and deleting the canonical link leaves
/// the aliases, unless --all-aliases is given. If any digest is unknown, nothing is removed; a digest that was deleted
/// before is skipped if others are given too. A blob that a manifest of the repository needs is kept, unless --force is
/// given: without the link, no pull of that manifest would succeed. Refuses also if a tag or manifest can't be read,
/// because it may need one of them.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    removed
  1    not writable
  3    removed, but (with --allow-unreadable) something could not be read
  4    unknown repository or blob, and nothing removed
  5    something else is in a link's place
  10   no tree
  11   locked, or another process works on the tree
  12   a manifest of the repository needs one, or a tag or manifest can't be read; nothing removed

Examples:
  regtree blob delete library/app sha256:… --dry-run
  regtree blob delete library/app sha256:… --all-aliases")]
pub(in crate::cli) struct Delete {
    #[command(flatten)]
    blobs: Several<Blob>,
    /// Remove the links under the blob's other digests too
    #[arg(long)]
    all_aliases: bool,
    /// Remove even what manifests of the repository need
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    unreadable: AllowUnreadable,
    #[command(flatten)]
    manner: Manner,
}

impl Delete {
    pub(in crate::cli) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let registry = context.registry()?;
        let Several { repository: name, targets } = &self.blobs;
        let repository = registry.repository(name).about(name, None)?;
        let resolve = |given| reference::blob(&repository, given, Shortened::Refuse);
        let digests = targets.iter().map(resolve).collect::<Result<Vec<Digest>>>().about(name, None)?;
        // The lock is exclusive: a manifest that is put meanwhile might need the blob.
        let writer = context.exclusive_writer(&registry, "blob delete", self.manner.dry_run)?;
        let plan = blob::plan_delete(&repository, &digests, self.all_aliases).about(name, None)?;
        let keys: Vec<Digest> = plan.iter().map(|removal| removal.key).collect();
        let needed = if self.force { Needed::Remove } else { Needed::Keep };
        let checked = manifest::check_unneeded(&repository, &keys, needed, self.unreadable.policy());
        let unread = checked.about(name, None)?;
        let mut gone = vec![false; plan.len()];
        let run = self.manner.carry_out(writer.as_ref(), "blob delete", context, |remover| {
            for (removal, gone) in plan.iter().zip(&mut gone) {
                *gone = !removal.execute(remover).about(name, removal.key)?;
            }
            Ok(())
        })?;
        let deletion = Deletion { repository: name, manner: self.manner, run: run.as_ref() };
        for (removal, gone) in plan.iter().zip(gone) {
            if gone {
                context.output.note(format_args!("{} was already removed", removal.key));
            }
            let fields = json!({ "digest": removal.key, "gone": gone });
            deletion.print("unlink", fields, &[removal.key.to_string()], context)?;
        }
        deletion.end(plural(plan.len(), "link"), &unread, context)
    }
}
