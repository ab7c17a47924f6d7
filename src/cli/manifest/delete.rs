//! `regtree manifest delete`.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::cli::count::plural;
use crate::cli::deletion::{AllowUnreadable, Deletion, Manner};
use crate::cli::reference::{Revision, Several};
use crate::cli::subject::About;
use crate::cli::{Context, Exit};
use crate::digest::Digest;
use crate::error::Result;
use crate::manifest::{self, Needed, Tags};
use crate::reference::{Shortened, Target};

/// Remove manifests from a repository
///
/// Refuses while tags point to a manifest, unless --with-tags removes them too. Refuses to remove a child of an index,
/// unless the index is removed in the same call or --force is given, because no client could pull the whole index any
/// more. Refuses also if a tag or manifest can't be read, because it may need one of them. If any digest is unknown,
/// nothing is removed. The content is kept until gc collects it. To finish an interrupted deletion, run it again.
/// Referrers, such as signatures, have no tag: check manifest stat first, or let gc --delete-untagged remove what
/// nothing needs.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    removed
  1    not writable
  2    malformed name or digest
  3    removed, but there was damage among the tags, or (with --allow-unreadable) something could not be read
  4    unknown repository or manifest, and nothing removed
  10   no tree
  11   locked, or another process works on the tree
  12   tags point to one, an index names one, a tag or manifest can't be read, or Harbor keeps \
       the tags in a database; nothing removed

Examples:
  regtree manifest delete library/app sha256:… --dry-run
  regtree manifest delete library/app sha256:… --with-tags")]
pub(in crate::cli) struct Delete {
    #[command(flatten)]
    manifests: Several<Revision>,
    /// Also remove the tags that point to them
    #[arg(long)]
    with_tags: bool,
    /// Remove even children of indexes of the repository
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
        let moment = registry.tree().moment();
        let Several { repository: name, targets } = &self.manifests;
        let repository = registry.repository(name).about(name, None)?;
        // The lock is exclusive: a tag that is set meanwhile might point to the manifest.
        let writer = context.exclusive_writer(&registry, "manifest delete", self.manner.dry_run)?;
        context.check_tags(&registry, self.manner.dry_run)?;
        let resolve = |target: &Target| target.resolve(&repository, Shortened::Refuse).map(|resolved| resolved.digest);
        let digests = targets.iter().map(resolve).collect::<Result<Vec<Digest>>>().about(name, None)?;
        let tags = if self.with_tags { Tags::Remove } else { Tags::Keep };
        let needed = if self.force { Needed::Remove } else { Needed::Keep };
        let planned = manifest::plan_delete(&repository, &digests, tags, needed, self.unreadable.policy());
        let (removals, mut damage) = planned.about(name, None)?;
        let run = self.manner.carry_out(writer.as_ref(), "manifest delete", context, |remover| {
            manifest::delete(remover, &removals).about(name, None)
        })?;
        let deletion = Deletion { repository: name, manner: self.manner, run: run.as_ref() };
        for removal in &removals {
            let tags: Vec<_> = removal.tags.iter().map(|tag| &tag.tag).collect();
            let named = tags.iter().map(|tag| format!("{name}:{tag}"));
            let lines: Vec<String> = named.chain([removal.digest.to_string()]).collect();
            deletion.print("delete", json!({ "digest": removal.digest, "tags": tags }), &lines, context)?;
        }
        let told: HashSet<PathBuf> = damage.iter().filter_map(|error| error.path().map(Path::to_owned)).collect();
        let unread = registry.tree().unread_since(moment).into_iter();
        damage.extend(unread.filter(|error| error.path().is_none_or(|path| !told.contains(path))));
        let tags = removals.iter().map(|removal| removal.tags.len()).sum::<usize>();
        let what = format!("{} and {}", plural(removals.len(), "manifest"), plural(tags, "tag"));
        deletion.end(what, &damage, context)
    }
}
