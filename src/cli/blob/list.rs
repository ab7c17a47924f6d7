//! `regtree blob list`.

use serde_json::json;

use crate::blob;
use crate::cli::count::human_bytes;
use crate::cli::subject::About;
use crate::cli::{Context, Exit};
use crate::digest::Digest;
use crate::error::Result;
use crate::layout::TreePath;
use crate::name::RepositoryName;
use crate::registry::Registry;
use crate::repository::Repository;

/// List the blobs of a repository, or of the whole tree
///
/// Prints one digest per line, sorted. With REPO, these are the digests that the repository links, including aliases
/// and links whose content is missing; --long shows which. Damage is reported, and the listing continues.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    listed
  3    listed, but damage was found
  4    unknown repository
  10   no tree

Examples:
  regtree blob list | wc -l
  regtree blob list library/app --long
  regtree blob list --long --json | jq -s 'map(.size) | add'")]
pub(in crate::cli) struct List {
    /// The repository; the whole tree if omitted
    #[arg(value_name = "REPO", value_parser = crate::cli::parse_repository)]
    repository: Option<RepositoryName>,
    /// Show sizes, and the digest to which an alias leads
    #[arg(short, long)]
    long: bool,
}

impl List {
    pub(in crate::cli) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let registry = context.registry()?;
        let mut listing = Listing { context, damaged: false };
        match self.repository {
            None => listing.tree(&registry, self.long)?,
            Some(name) => listing.repository(&registry.repository(&name).about(&name, None)?, self.long)?,
        }
        Ok(Exit::damage_if(listing.damaged))
    }
}

struct Listing<'c> {
    context: &'c mut Context,
    damaged: bool,
}

impl Listing<'_> {
    fn tree(&mut self, registry: &Registry, long: bool) -> anyhow::Result<()> {
        for found in blob::blobs(registry.tree()) {
            if !long {
                self.short(found)?;
                continue;
            }
            let sized = found.and_then(|(digest, path)| {
                let size = registry.tree().metadata(&path)?.map(|found| found.size);
                Ok((digest, digest, size))
            });
            self.long(sized)?;
        }
        Ok(())
    }

    fn repository(&mut self, repository: &Repository<'_>, long: bool) -> anyhow::Result<()> {
        for found in repository.keys() {
            if !long {
                self.short(found)?;
                continue;
            }
            let sized = found.and_then(|(key, _)| {
                let link = repository.link(key)?;
                let size = blob::content_size(repository.tree(), link.target)?;
                Ok((key, link.target, size))
            });
            self.long(sized)?;
        }
        Ok(())
    }

    fn short(&mut self, found: Result<(Digest, TreePath)>) -> anyhow::Result<()> {
        match found {
            Ok((digest, _)) => self.context.output.answer(digest, "blob", || json!({ "digest": digest })),
            Err(error) => self.damage(&error),
        }
    }

    /// The digest of a link, the digest to which it leads, and the size of the content, if there is any.
    fn long(&mut self, found: Result<(Digest, Digest, Option<u64>)>) -> anyhow::Result<()> {
        let (key, target, size) = match found {
            Ok(found) => found,
            Err(error) => return self.damage(&error),
        };
        self.damaged |= size.is_none();
        let fields = || json!({ "digest": key, "target": target, "alias": key != target, "size": size });
        let size = size.map_or_else(|| "missing".to_owned(), human_bytes);
        let output = &mut self.context.output;
        let shown = output.digest(&key);
        let alias = if key == target { String::new() } else { format!("  -> {}", output.digest(&target)) };
        let header = format!("{:19}  {:>12}", "DIGEST", "SIZE");
        output.row(&header, format_args!("{shown}  {size:>12}{alias}"), "blob", fields)
    }

    fn damage(&mut self, error: &crate::error::Error) -> anyhow::Result<()> {
        self.damaged = true;
        self.context.output.damage(error)
    }
}
