//! `regtree tag set`.

use serde_json::json;

use crate::cli::subject::About;
use crate::cli::{Context, Exit};
use crate::manifest;
use crate::name::{RepositoryName, Tag, Target};
use crate::tag;

/// Point a tag to a manifest of the repository
///
/// The manifest must exist. What the tag pointed to before stays in its history; use tag set again to go back.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    set
  1    not writable, no space
  2    malformed name, tag or digest
  4    unknown repository or manifest, or tag to take it from
  5    the manifest, a link or a directory is damaged
  10   no tree
  11   locked

Examples:
  regtree tag set library/app latest v1.1
  regtree tag set library/app latest sha256:…")]
pub(in crate::cli) struct Set {
    /// The repository
    #[arg(value_name = "REPO", value_parser = crate::cli::parse_repository)]
    repository: RepositoryName,
    /// The tag
    #[arg(value_name = "TAG")]
    tag: Tag,
    /// The manifest: a digest, or a tag that points to it now
    #[arg(value_name = "REF", value_parser = crate::cli::parse_target)]
    target: Target,
}

impl Set {
    pub(in crate::cli) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let registry = context.registry()?;
        let repository = registry.repository(&self.repository).about(&self.repository, None)?;
        let writer = context.writer(&registry, "tag set")?;
        let digest = manifest::resolve(&repository, &self.target).about(&self.repository, None)?;
        let before = tag::set(&writer, &repository, &self.tag, digest).about(&self.repository, digest)?;
        let (name, tag) = (&self.repository, &self.tag);
        if let Some(before) = before.filter(|before| *before != digest) {
            context.output.note(format_args!("tag {tag} of repository {name} pointed to {before} before"));
        }
        let fields = || json!({ "repository": name, "tag": tag, "digest": digest, "before": before });
        context.output.answer(digest, "tag", fields)?;
        Ok(Exit::Done)
    }
}
