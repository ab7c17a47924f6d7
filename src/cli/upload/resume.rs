//! `regtree upload resume`.

use std::path::PathBuf;

use serde_json::json;

use crate::cli::source::Source;
use crate::cli::subject::About;
use crate::cli::{Context, Exit, interrupt, progress};
use crate::name::{RepositoryName, UploadId};
use crate::stream::Watch;
use crate::upload::{Append, Session};

/// Append to an upload, and print its new size in bytes
///
/// With --offset, bytes are appended only if the upload has exactly this many, so a part that is sent again is never
/// appended twice. If an append fails, the upload is cut back to its former size. If an append is killed, the bytes
/// received so far are kept: upload status shows how many, and --truncate-to cuts the upload back.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    appended
  1    I/O or permission error, no space; the upload is as it was
  2    malformed name or id
  4    unknown repository or upload
  5    the upload has another number of bytes than --offset says
  10   no tree
  11   locked, or another process works on this upload
  12   FILE is the upload's own data
  130, 143 interrupted, and the upload is as it was

Examples:
  regtree upload resume library/app $id part-2 --offset 1048576
  curl -r 1048576- $url | regtree upload resume library/app $id --truncate-to 1048576")]
pub(in crate::cli) struct Resume {
    /// The repository
    #[arg(value_name = "REPO", value_parser = crate::cli::parse_repository)]
    repository: RepositoryName,
    /// The upload
    #[arg(value_name = "ID")]
    id: UploadId,
    /// The next bytes; standard input if omitted or -
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// How many bytes the upload must already have (after --truncate-to)
    #[arg(long, value_name = "BYTES")]
    offset: Option<u64>,
    /// Cut the upload back to this many bytes first
    #[arg(long, value_name = "BYTES")]
    truncate_to: Option<u64>,
    /// Read the content again, even if its hash is known
    #[arg(long)]
    rehash: bool,
}

impl Resume {
    pub(in crate::cli) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let source = Source::open(self.file, context)?;
        let registry = context.registry()?;
        let writer = context.writer(&registry, "upload resume")?;
        let mut session = Session::open(&writer, &self.repository, &self.id).about(&self.repository, None)?;
        source.check_is_not(&session)?;
        let progress = progress::observer(context.global.progress, &context.output);
        let watch = Watch { progress: &*progress, interrupt: interrupt::catch()? };
        let how = Append { offset: self.offset, truncate_to: self.truncate_to, rehash: self.rehash };
        watch.progress.begin("appending", source.size);
        let appended = session.append(source.content, &source.name, how, &watch);
        watch.progress.end();
        let warnings = super::warn_of_ignored(context, session.ignored());
        let size = appended.about(&self.repository, None)?;
        let (repository, id) = (&self.repository, &self.id);
        let fields = || json!({ "repository": repository, "upload": id, "size": size, "warnings": warnings });
        context.output.answer(size, "upload", fields)?;
        Ok(Exit::Done)
    }
}
