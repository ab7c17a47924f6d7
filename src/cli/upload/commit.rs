//! `regtree upload commit`.

use std::path::PathBuf;

use serde_json::json;

use crate::blob::{self, Expected, Outcome, Stored};
use crate::cli::source::Source;
use crate::cli::subject::About;
use crate::cli::{Context, Exit, interrupt, progress};
use crate::digest::Digest;
use crate::error::Error;
use crate::name::{RepositoryName, UploadId};
use crate::registry::Registry;
use crate::stream::Watch;
use crate::upload::{self, Session};

/// Turn an upload into a blob, and print its digest
///
/// The last bytes may be given too. Size and digest are checked, the content is stored and linked, and the upload is
/// removed; if size or digest is wrong, the upload is left as it was. The content is read again, unless regtree itself
/// received all of it and can prove that it has not changed since; a registry's hash states are never trusted.
///
/// A blob that the tree already has is read too, and replaced if it is damaged; --no-verify-existing saves that reading,
/// and then only a wrong size is noticed.
///
/// A commit can be repeated, because a script may not have seen its end: if there is no such upload, and the repository
/// has the blob, that is a success, with a note. An id that is not a UUID was never an upload's.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    committed
  1    I/O or permission error, no space
  2    malformed name, id or digest
  4    unknown repository or upload
  5    the content has another digest or size, or is no archive that has a tarsum; the upload is as it was
  10   no tree
  11   locked, or another process works on this upload
  12   the upload changed meanwhile, or FILE is its own data
  130, 143 interrupted, and the upload is as it was

Example:
  regtree upload commit library/app $id --digest sha256:… --size 2097152")]
pub(in crate::cli) struct Commit {
    /// The repository
    #[arg(value_name = "REPO", value_parser = crate::cli::parse_repository)]
    repository: RepositoryName,
    /// The upload
    #[arg(value_name = "ID")]
    id: UploadId,
    /// The last bytes; - is standard input
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// The digest that the content must have; a sha384 or sha512 digest, or a tarsum, is linked as an
    /// alias
    #[arg(long, value_name = "DIGEST", value_parser = crate::cli::parse_digest)]
    digest: Digest,
    /// The size that the content must have, in bytes
    #[arg(long, value_name = "BYTES")]
    size: Option<u64>,
    /// Read the content, even if its hash is known
    #[arg(long)]
    rehash: bool,
    /// Compare only the size of a blob that the tree already has, and do not read it
    #[arg(long)]
    no_verify_existing: bool,
    /// Accepted and ignored: a blob that the tree already has is read
    #[arg(long, hide = true, conflicts_with = "no_verify_existing")]
    verify_existing: bool,
}

impl Commit {
    pub(in crate::cli) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let expected = Expected { digest: Some(self.digest), size: self.size };
        let source = self.file.map(|file| Source::open(Some(file), context)).transpose()?;
        let registry = context.registry()?;
        let writer = context.writer(&registry, "upload commit")?;
        let mut session = match Session::open(&writer, &self.repository, &self.id) {
            // If a commit was killed at its very end, nothing is left to do, and nothing shows that there was an upload.
            Err(Error::UploadUnknown { .. })
                if self.id.is_uuid() && is_there(&registry, &self.repository, self.digest) =>
            {
                if let Some(left) = upload::look_up(registry.tree(), &self.repository, &self.id)? {
                    upload::cancel(&writer, &left, std::time::Duration::ZERO, |left| left.cancelled)?;
                }
                upload::forget(&writer, &self.repository, &self.id);
                let stat = blob::stat(&registry.repository(&self.repository)?, self.digest)?;
                context.output.note(format_args!(
                    "there is no upload {} in repository {}; the blob is already stored, as after a commit that was not seen \
                     to end",
                    self.id, self.repository
                ));
                let stored = Stored { descriptor: stat.descriptor, alias: None, outcome: Outcome::Existed };
                let mut document = serde_json::to_value(&stored)?;
                document["repository"] = json!(self.repository);
                document["warnings"] = json!([]);
                document["upload_exists"] = false.into();
                context.output.answer(stored.descriptor.digest, "blob", || document)?;
                return Ok(Exit::Done);
            }
            opened => opened.about(&self.repository, self.digest)?,
        };
        if let Some(source) = &source {
            source.check_is_not(&session)?;
        }
        let progress = progress::observer(context.global.progress, &context.output);
        let watch = Watch { progress: &*progress, interrupt: interrupt::catch()? };
        let how = upload::Commit { expected, rehash: self.rehash, trust_existing: self.no_verify_existing };
        let (content, name) = source.map(|source| (source.content, source.name)).unzip();
        let committed = session.commit(content.zip(name.as_deref()), how, &watch);
        let warnings = super::warn_of_ignored(context, session.ignored());
        let stored = committed.about(&self.repository, self.digest)?;
        session.finish().about(&self.repository, self.digest)?;
        context.note_outcome(&stored, self.no_verify_existing);
        context.note_alias(&stored);
        let mut document = serde_json::to_value(&stored)?;
        if stored.outcome == Outcome::Existed {
            document["verified"] = (!self.no_verify_existing).into();
        }
        document["repository"] = json!(self.repository);
        document["warnings"] = json!(warnings);
        context.output.answer(stored.descriptor.digest, "blob", || document)?;
        Ok(Exit::Done)
    }
}

fn is_there(registry: &Registry, name: &RepositoryName, digest: Digest) -> bool {
    registry.repository(name).is_ok_and(|repository| blob::stat(&repository, digest).is_ok())
}
