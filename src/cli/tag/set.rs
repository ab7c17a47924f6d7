//! `regtree tag set`.

use serde_json::json;

use crate::cli::subject::About;
use crate::cli::{Context, Exit};
use crate::digest::Digest;
use crate::name::{RepositoryName, Tag};
use crate::tag;

/// Let a tag point to a manifest of the repository
///
/// The manifest must be there. What the tag pointed to before stays in its history: tag set to one of those goes back.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    set
  1    not writable, no space
  2    malformed name, tag or digest
  4    unknown repository or manifest
  5    the manifest, a link or a directory is damaged
  10   no tree
  11   locked

Example:
  regtree tag set library/app latest sha256:…")]
pub(in crate::cli) struct Set {
    /// The repository
    #[arg(value_name = "REPO", value_parser = crate::cli::parse_repository)]
    repository: RepositoryName,
    /// The tag
    #[arg(value_name = "TAG")]
    tag: Tag,
    /// The manifest
    #[arg(value_name = "DIGEST", value_parser = crate::cli::parse_digest)]
    digest: Digest,
}

impl Set {
    pub(in crate::cli) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let registry = context.registry()?;
        let repository = registry.repository(&self.repository).about(&self.repository, None)?;
        let writer = context.writer(&registry, "tag set")?;
        let before = tag::set(&writer, &repository, &self.tag, self.digest).about(&self.repository, self.digest)?;
        let (name, tag, digest) = (&self.repository, &self.tag, self.digest);
        if let Some(before) = before.filter(|before| *before != digest) {
            context.output.note(format_args!("tag {tag} of repository {name} pointed to {before} before"));
        }
        context
            .output
            .answer(digest, || json!({ "repository": name, "tag": tag, "digest": digest, "before": before }))?;
        Ok(Exit::Done)
    }
}
