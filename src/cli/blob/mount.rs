//! `regtree blob mount`.

use serde_json::json;

use crate::blob;
use crate::cli::subject::About;
use crate::cli::{Context, Exit};
use crate::digest::Digest;
use crate::name::RepositoryName;

/// Link a blob of one repository in another, without copying it
///
/// The link names the canonical sha256 digest, which is printed; an alias is linked as well. If the target repository
/// does not exist, it is created.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    linked
  1    not writable, no space
  2    malformed, or a tarsum
  4    unknown source repository or blob
  5    the source's link or blob is damaged
  10   no tree
  11   locked

Example:
  regtree blob mount sha256:… --from library/app --to library/other")]
pub(in crate::cli) struct Mount {
    /// The blob, by any digest that the source links
    #[arg(value_name = "DIGEST", value_parser = crate::cli::parse_digest)]
    digest: Digest,
    /// The repository that links it now
    #[arg(long, value_name = "REPO", value_parser = crate::cli::parse_repository)]
    from: RepositoryName,
    /// The repository to link it in
    #[arg(long, value_name = "REPO", value_parser = crate::cli::parse_repository)]
    to: RepositoryName,
}

impl Mount {
    pub(in crate::cli) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let registry = context.registry()?;
        let source = registry.repository(&self.from).about(&self.from, None)?;
        let writer = context.writer(&registry, "blob mount")?;
        let stat = blob::mount(&writer, self.digest, &source, &self.to).about(&self.to, self.digest)?;
        let mut document = serde_json::to_value(&stat)?;
        document["from"] = json!(self.from);
        document["to"] = json!(self.to);
        context.output.answer(stat.descriptor.digest, "blob", || document)?;
        Ok(Exit::Done)
    }
}
