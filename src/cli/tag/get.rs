//! `regtree tag get`.

use serde_json::json;

use crate::cli::subject::About;
use crate::cli::{Context, Exit};
use crate::name::{RepositoryName, Tag};
use crate::tag;

/// Print the digest that a tag points to
///
/// Does not check that the manifest exists: tag list --long does.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    printed
  2    malformed name or tag
  4    unknown repository or tag
  5    the tag's link is broken
  10   no tree

Example:
  regtree tag get library/app latest")]
pub(in crate::cli) struct Get {
    /// The repository
    #[arg(value_name = "REPO", value_parser = crate::cli::parse_repository)]
    repository: RepositoryName,
    /// The tag
    #[arg(value_name = "TAG")]
    tag: Tag,
}

impl Get {
    pub(in crate::cli) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let registry = context.registry()?;
        let repository = registry.repository(&self.repository).about(&self.repository, None)?;
        let digest = tag::get(&repository, &self.tag).about(&self.repository, None)?;
        let (name, tag) = (&self.repository, &self.tag);
        context.output.answer(digest, "tag", || json!({ "repository": name, "tag": tag, "digest": digest }))?;
        Ok(Exit::Done)
    }
}
