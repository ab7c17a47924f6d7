//! `regtree upload status`.

use crate::cli::subject::About;
use crate::cli::time::to_the_second;
use crate::cli::{Context, Exit, count};
use crate::name::{RepositoryName, UploadId};
use crate::upload;

/// Show how far an upload is
///
/// Takes no lock: while another process appends to the upload, it shows what has arrived so far.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    shown
  2    malformed name or id
  4    unknown repository or upload
  5    something else is in the place of the upload or its data
  10   no tree

Example:
  regtree upload status library/app $id --json | jq .size")]
pub(in crate::cli) struct Status {
    /// The repository
    #[arg(value_name = "REPO", value_parser = crate::cli::parse_repository)]
    repository: RepositoryName,
    /// The upload
    #[arg(value_name = "ID")]
    id: UploadId,
}

impl Status {
    pub(in crate::cli) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let registry = context.registry()?;
        let upload = upload::find(registry.tree(), &self.repository, &self.id).about(&self.repository, None)?;
        if context.output.is_json() {
            context.output.event("upload", super::document(&upload))?;
            return Ok(Exit::Done);
        }
        let started = upload.started.map_or_else(|| "not readable".to_owned(), to_the_second);
        let states = match upload.states.as_deref() {
            None => "not readable".to_owned(),
            Some([]) => "none".to_owned(),
            Some(states) => format!("at {}", states.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")),
        };
        context.output.line(format_args!("received:    {}", count::bytes(upload.size)))?;
        context.output.line(format_args!("started:     {started}"))?;
        context.output.line(format_args!("hash states: {states}"))?;
        Ok(Exit::Done)
    }
}
