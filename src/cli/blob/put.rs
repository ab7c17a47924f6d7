//! `regtree blob put`.

use std::path::PathBuf;

use serde_json::json;

use crate::blob::{Expected, Outcome, Stored};
use crate::cli::source::Source;
use crate::cli::subject::About;
use crate::cli::{Context, Exit, count, interrupt, progress};
use crate::digest::Digest;
use crate::name::RepositoryName;
use crate::stream::Watch;
use crate::upload;

/// Store content in a repository, and print its digest
///
/// Content of any size streams through constant memory while it is hashed. It is checked against --digest and --size,
/// synced, and only then linked; a failure leaves no content and no upload behind. If the repository does not exist, it
/// is created.
///
/// A blob that the tree already has is read and kept. Unlike a registry, regtree replaces it if it is damaged, so blob
/// put repairs what a push can't. This reads the blob once more; --no-verify-existing skips that, and then only a wrong
/// size is noticed. A running registry may remember the damaged blob's size until it is restarted, or its redis is
/// flushed.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    stored
  1    I/O or permission error, no space
  2    malformed name or digest
  5    the content has another digest or size, or is no archive that has a tarsum
  10   no tree
  11   locked
  130, 143 interrupted, and nothing stored

Examples:
  regtree blob put library/app layer.tar.gz
  gzip -c layer.tar | regtree blob put library/app
  regtree blob put library/app layer.tar.gz --dry-run
  regtree blob put library/app layer.tar.gz --digest sha256:… --size 1048576")]
pub(in crate::cli) struct Put {
    /// The repository
    #[arg(value_name = "REPO", value_parser = crate::cli::parse_repository)]
    repository: RepositoryName,
    /// The content; standard input if omitted or -
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// The digest that the content must have; a sha384 or sha512 digest, or a tarsum, is linked as an
    /// alias
    #[arg(long, value_name = "DIGEST", value_parser = crate::cli::parse_digest)]
    digest: Option<Digest>,
    /// The size that the content must have, in bytes
    #[arg(long, value_name = "BYTES")]
    size: Option<u64>,
    /// Read and check the content, print its digest, show whether the tree has it, and write nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Compare only the size of a blob that the tree already has, and do not read it
    #[arg(long)]
    no_verify_existing: bool,
    /// Accepted and ignored: a blob that the tree already has is read
    #[arg(long, hide = true, conflicts_with = "no_verify_existing")]
    verify_existing: bool,
}

impl Put {
    pub(in crate::cli) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let expected = Expected { digest: self.digest, size: self.size };
        let source = Source::open(self.file, context)?;
        source.check_size(&expected, &self.repository)?;
        let registry = context.registry()?;
        context.note_name(&registry, &self.repository);
        let writer = context.writer_unless_dry(&registry, "blob put", self.dry_run)?;
        let progress = progress::observer(context.global.progress, &context.output);
        let watch = Watch { progress: &*progress, interrupt: interrupt::catch()? };
        // A size that the user did not promise serves the progress bar only.
        let trust_existing = self.no_verify_existing;
        let put = upload::Put { source_name: &source.name, expected, size_hint: source.size, trust_existing };
        let stored = match &writer {
            Some(writer) => put.store(writer, &self.repository, source.content, context.now, &watch),
            None => put.check(registry.tree(), &self.repository, source.content, &watch),
        };
        let stored = stored.about(&self.repository, self.digest)?;
        if self.dry_run {
            context.output.note(foreseen(&stored));
        } else {
            context.note_outcome(&stored, self.no_verify_existing);
        }
        context.note_alias(&stored);
        let mut document = serde_json::to_value(&stored)?;
        if stored.outcome == Outcome::Existed {
            document["verified"] = (!self.no_verify_existing).into();
        }
        document["repository"] = json!(self.repository);
        document["dry_run"] = self.dry_run.into();
        context.output.answer(stored.descriptor.digest, "blob", || document)?;
        Ok(Exit::Done)
    }
}

/// What storing would do.
fn foreseen(stored: &Stored) -> String {
    let size = stored.descriptor.size;
    match stored.outcome {
        Outcome::Stored => format!("would store {} (dry run)", count::bytes(size)),
        Outcome::Existed => "would only link it: the tree already has this content (dry run)".to_owned(),
        Outcome::Replaced { damaged_size } => format!(
            "would replace a damaged blob of {} with the right one of {} (dry run)",
            count::plural(damaged_size, "byte"),
            count::plural(size, "byte")
        ),
    }
}
