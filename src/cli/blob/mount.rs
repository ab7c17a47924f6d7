//! `regtree blob mount`.

use serde_json::json;

use crate::blob;
use crate::cli::reference::{self, Blob, Word, checked_arguments};
use crate::cli::subject::About;
use crate::cli::{Context, Exit};
use crate::digest::GivenDigest;
use crate::name::RepositoryName;
use crate::reference::Shortened;

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
    #[command(flatten)]
    source: Source,
    /// The repository to link it in
    #[arg(long, value_name = "REPO", value_parser = crate::cli::parse_repository)]
    to: RepositoryName,
}

/// The blob, and the repository that links it now.
#[derive(Debug)]
struct Source {
    repository: RepositoryName,
    digest: GivenDigest,
}

#[derive(clap::Args)]
struct SourceWords {
    /// The blob, by any digest that the source links, or a reference that names the source too
    #[arg(value_name = "[REPO@]DIGEST", value_parser = reference::next::<Blob>)]
    blob: Word<GivenDigest>,
    /// The repository that links it now, unless a reference names it
    #[arg(long, value_name = "REPO", value_parser = crate::cli::parse_repository)]
    from: Option<RepositoryName>,
}

impl TryFrom<SourceWords> for Source {
    type Error = clap::Error;

    fn try_from(words: SourceWords) -> Result<Self, clap::Error> {
        match (words.blob, words.from) {
            (Word::Target(digest), Some(repository)) | (Word::Whole(repository, digest), None) => {
                Ok(Self { repository, digest })
            }
            (Word::Whole(..), Some(_)) => {
                Err(reference::conflict("the source is given twice: --from, and in the reference"))
            }
            (Word::Target(_) | Word::Repository(_), _) => Err(reference::missing("--from <REPO>")),
        }
    }
}

checked_arguments!(Source, SourceWords);

impl Mount {
    pub(in crate::cli) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let registry = context.registry()?;
        let Source { repository: from, digest } = &self.source;
        let source = registry.repository(from).about(from, None)?;
        let digest = crate::reference::blob(&source, digest, Shortened::Refuse).about(from, None)?;
        let writer = context.writer(&registry, "blob mount")?;
        let stat = blob::mount(&writer, digest, &source, &self.to).about(&self.to, digest)?;
        let mut document = serde_json::to_value(&stat)?;
        document["from"] = json!(from);
        document["to"] = json!(self.to);
        context.output.answer(stat.descriptor.digest, "blob", || document)?;
        Ok(Exit::Done)
    }
}
