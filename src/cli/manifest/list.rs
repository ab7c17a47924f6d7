//! `regtree manifest list`.

use std::collections::{BTreeMap, HashSet};

use serde_json::json;

use crate::cli::count::human_bytes;
use crate::cli::subject::About;
use crate::cli::time::to_the_second;
use crate::cli::{Context, Exit, hint, interrupt};
use crate::digest::Digest;
use crate::gc::{Finding, Foresight};
use crate::manifest;
use crate::name::{RepositoryName, Tag};
use crate::registry::Registry;
use crate::repository::Repository;
use crate::repository::revision::{self, Revision};
use crate::stream::Watch;
use crate::tag;

/// List the manifests of a repository
///
/// Prints one digest per line, sorted; --long adds kind, size and tags. Damage is reported, and the listing continues.
///
/// With --untagged, only the manifests to which no tag in the tree leads: not the children of tagged indexes, and not the
/// referrers of what a tag leads to. These are what gc --delete-untagged removes when it is old enough. Kind and size are shown, and
/// since when the repository has each. To find them, the links of the whole tree are read, as gc does. What can't be read
/// may need any of them, as for gc: then the list may be incomplete.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    listed
  2    malformed name
  3    listed, but damage was found, and with --untagged the list may be incomplete
  4    unknown repository
  10   no tree

Examples:
  regtree manifest list library/app --long
  regtree manifest list library/app --untagged")]
pub(in crate::cli) struct List {
    /// The repository
    #[arg(value_name = "REPO", value_parser = crate::cli::parse_repository)]
    repository: RepositoryName,
    /// Only manifests to which no tag leads, with size and age
    #[arg(long)]
    untagged: bool,
    /// Show kind, size and tags
    #[arg(short, long)]
    long: bool,
}

impl List {
    pub(in crate::cli) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let registry = context.registry()?;
        let repository = registry.repository(&self.repository).about(&self.repository, None)?;
        let untagged = self.untagged.then(|| self.without_tags(&registry, context)).transpose()?;
        let (untagged, unfollowed) = untagged.unzip();
        let found = tag::tags(&repository);
        let mut damage = found.damage;
        let mut tags: BTreeMap<Digest, Vec<Tag>> = BTreeMap::new();
        for (tag, digest) in found.tags {
            tags.entry(digest).or_default().push(tag);
        }
        for found in revision::revisions(&repository) {
            match found {
                Ok(revision) => {
                    let tags = tags.get(&revision.digest).map(Vec::as_slice).unwrap_or_default();
                    if untagged.as_ref().is_none_or(|untagged| untagged.contains(&revision.digest)) {
                        damage.extend(self.print(&repository, &revision, tags, context)?);
                    }
                }
                Err(error) => damage.push(error),
            }
        }
        let exit = context.output.all_damage(&damage)?;
        let unfollowed = unfollowed.unwrap_or_default();
        if unfollowed.is_empty() {
            return Ok(exit);
        }
        for finding in &unfollowed {
            context.output.unfollowed(finding)?;
        }
        let regtree = hint::command(&context.global);
        context.output.flush()?;
        context.output.note(format_args!(
            "the list may be incomplete: what can't be read may need more manifests; to see what that is: {regtree} gc -n"
        ));
        Ok(Exit::Damage)
    }

    /// The manifests to which no tag leads, and what can't be followed, because of which these may not be all.
    fn without_tags(&self, registry: &Registry, context: &Context) -> anyhow::Result<(HashSet<Digest>, Vec<Finding>)> {
        let watch = Watch::silent(&interrupt::catch()?);
        let mut foresight = Foresight::read(registry.tree(), &watch)?;
        Ok(foresight.untagged(registry.tree(), &self.repository, context.now, &watch)?)
    }

    /// Prints one manifest. Returns why it can't be read, if it can't.
    fn print(
        &self,
        repository: &Repository<'_>,
        revision: &Revision,
        tags: &[Tag],
        context: &mut Context,
    ) -> anyhow::Result<Option<crate::error::Error>> {
        let digest = revision.digest;
        let mut fields = json!({ "repository": self.repository, "digest": digest, "tags": tags });
        if !self.long && !self.untagged {
            context.output.answer(digest, "manifest", || fields)?;
            return Ok(revision.check(repository).err());
        }
        let read = manifest::read(repository, digest);
        let (kind, size) = match &read {
            Ok((bytes, manifest)) => (manifest.kind.name(), Some(bytes.len() as u64)),
            Err(_) => ("damaged", None),
        };
        fields["kind"] = json!(kind);
        fields["size"] = json!(size);
        let size = size.map_or_else(|| "-".to_owned(), human_bytes);
        if self.untagged {
            let link = repository.tree().metadata(&revision.path).about(&self.repository, digest)?;
            let since = link.map(|link| to_the_second(link.modified));
            fields["since"] = json!(since);
            let since = since.as_deref().unwrap_or("-");
            let line = format_args!("{}  {kind:12} {size:>10}  {since}", context.output.digest(&digest));
            let header = format!("{:19}  {:12} {:>10}  SINCE", "DIGEST", "KIND", "SIZE");
            context.output.row(&header, line, "manifest", || fields)?;
            return Ok(read.err());
        }
        let tags: Vec<&str> = tags.iter().map(Tag::as_str).collect();
        let line = format!("{}  {kind:12} {size:>10}  {}", context.output.digest(&digest), tags.join(", "));
        let header = format!("{:19}  {:12} {:>10}  TAGS", "DIGEST", "KIND", "SIZE");
        context.output.row(&header, format_args!("{}", line.trim_end()), "manifest", || fields)?;
        Ok(read.err())
    }
}
