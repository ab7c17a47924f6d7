//! `regtree tag list`.

use serde_json::json;

use crate::cli::count::{human_bytes, width};
use crate::cli::subject::About;
use crate::cli::time::to_the_second;
use crate::cli::{Context, Exit};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::manifest::{self, Kind};
use crate::name::{RepositoryName, Tag};
use crate::repository::Repository;
use crate::tag::{self, FoundTags};

/// List the tags of a repository
///
/// Prints one name per line, sorted; --long adds digest, kind and size of the manifest, and when the tag was set to it.
/// Damage is reported, and the listing continues: broken tags, and with --long also missing or damaged manifests.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    listed
  2    malformed name
  3    listed, but damage was found
  4    unknown repository
  10   no tree

Examples:
  regtree tag list library/app --long
  regtree tag list library/app --json | jq -r '\"\\(.digest) \\(.tag)\"'")]
pub(in crate::cli) struct List {
    /// The repository
    #[arg(value_name = "REPO", value_parser = crate::cli::parse_repository)]
    repository: RepositoryName,
    /// Show what each points to
    #[arg(short, long)]
    long: bool,
}

enum Target {
    Sound(Kind, u64),
    Missing,
    Damaged,
}

impl Target {
    fn kind(&self) -> Option<Kind> {
        if let Self::Sound(kind, _) = self { Some(*kind) } else { None }
    }

    fn size(&self) -> Option<u64> {
        if let Self::Sound(_, size) = self { Some(*size) } else { None }
    }

    fn columns(&self) -> (&'static str, String) {
        match self {
            Self::Sound(kind, size) => (kind.name(), human_bytes(*size)),
            Self::Missing => ("-", "missing".to_owned()),
            Self::Damaged => ("-", "damaged".to_owned()),
        }
    }
}

impl List {
    pub(in crate::cli) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let registry = context.registry()?;
        let repository = registry.repository(&self.repository).about(&self.repository, None)?;
        let FoundTags { tags, mut damage } = tag::tags(&repository);
        let mut missing = false;
        let width = width("TAG", tags.iter().map(|(tag, _)| tag.as_str()));
        for (tag, digest) in tags {
            if self.long {
                missing |= self.long(&repository, &tag, width, digest, &mut damage, context)?;
            } else {
                let fields = || json!({ "repository": self.repository, "tag": tag, "digest": digest });
                context.output.answer(&tag, "tag", fields)?;
            }
        }
        let exit = context.output.all_damage(&damage)?;
        Ok(if missing { Exit::Damage } else { exit })
    }

    /// Prints one tag. Returns whether its manifest is missing.
    fn long(
        &self,
        repository: &Repository<'_>,
        tag: &Tag,
        width: usize,
        digest: Digest,
        damage: &mut Vec<Error>,
        context: &mut Context,
    ) -> anyhow::Result<bool> {
        let target = look_up(repository, digest).unwrap_or_else(|error| {
            damage.push(error);
            Target::Damaged
        });
        let since = tag::since(repository, tag).unwrap_or_else(|error| {
            damage.push(error);
            None
        });
        let fields = || {
            json!({
                "repository": self.repository, "tag": tag, "digest": digest, "kind": target.kind(),
                "size": target.size(), "missing": matches!(target, Target::Missing),
                "since": since.map(to_the_second),
            })
        };
        let (kind, size) = target.columns();
        let time = since.map_or_else(|| "-".to_owned(), to_the_second);
        let digest = context.output.digest(&digest);
        let header = format!("{:width$}  {:19}  {:12} {:>10}  SINCE", "TAG", "DIGEST", "KIND", "SIZE");
        let row = format_args!("{:width$}  {digest}  {kind:12} {size:>10}  {time}", tag.as_str());
        context.output.row(&header, row, "tag", fields)?;
        Ok(matches!(target, Target::Missing))
    }
}

fn look_up(repository: &Repository<'_>, digest: Digest) -> Result<Target> {
    match manifest::read(repository, digest) {
        Ok((bytes, manifest)) => Ok(Target::Sound(manifest.kind, bytes.len() as u64)),
        Err(Error::ManifestUnknown { .. }) => Ok(Target::Missing),
        Err(error) => Err(error),
    }
}
