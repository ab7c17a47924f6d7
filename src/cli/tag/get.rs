//! `regtree tag get`.

use serde_json::json;

use crate::cli::reference::{One, TagName};
use crate::cli::subject::About;
use crate::cli::{Context, Exit};
use crate::reference::Shortened;

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
    #[command(flatten)]
    tag: One<TagName>,
}

impl Get {
    pub(in crate::cli) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let registry = context.registry()?;
        let One { repository: name, target } = &self.tag;
        let repository = registry.repository(name).about(name, None)?;
        let digest = target.resolve(&repository, Shortened::Expand).about(name, None)?;
        let tag = target.tag();
        context.output.answer(digest, "tag", || json!({ "repository": name, "tag": tag, "digest": digest }))?;
        Ok(Exit::Done)
    }
}
