//! `regtree upload get`.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use crate::cli::output::STDOUT;
use crate::cli::subject::About;
use crate::cli::{Context, Exit, sink};
use crate::error::{Error, Result};
use crate::name::{RepositoryName, UploadId};
use crate::stream::{self, Interrupt};
use crate::upload;

/// Write what an upload has received so far to standard output or a file
///
/// Nothing is verified: the digest is not known before the commit.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    written
  1    not readable or not writable
  2    malformed name or id
  4    unknown repository or upload
  5    something else is in the place of the upload or its data
  10   no tree
  130, 143 interrupted

Example:
  regtree upload get library/app $id | sha256sum")]
pub(in crate::cli) struct Get {
    /// The repository
    #[arg(value_name = "REPO", value_parser = crate::cli::parse_repository)]
    repository: RepositoryName,
    /// The upload
    #[arg(value_name = "ID")]
    id: UploadId,
    /// Write to FILE; - is standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Get {
    pub(in crate::cli) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let registry = context.registry()?;
        let upload = upload::find(registry.tree(), &self.repository, &self.id).about(&self.repository, None)?;
        let data = upload.open(registry.tree()).about(&self.repository, None)?;
        let data = data.map(|data| (data, upload.data_path(registry.tree())));
        match self.output.filter(|path| !sink::is_stdout(path)) {
            None => {
                let name = Path::new(STDOUT);
                let stdout =
                    io::stdout().as_fd().try_clone_to_owned().map_err(|error| Error::io("open", name, error))?;
                copy(data, File::from(stdout), name, &Interrupt::default())?;
            }
            Some(path) => {
                sink::write_file(&path, |sink, name, interrupt| Ok(copy(data, sink, name, &interrupt)?))?;
                if context.output.is_json() {
                    let mut document = super::document(&upload);
                    document["file"] = path.to_string_lossy().into();
                    context.output.event("upload", document)?;
                }
            }
        }
        Ok(Exit::Done)
    }
}

fn copy(data: Option<(File, PathBuf)>, mut sink: File, name: &Path, interrupt: &Interrupt) -> Result<()> {
    let Some((data, path)) = data else { return Ok(()) };
    stream::copy(data, &mut sink, interrupt).map(drop).map_err(|error| error.between(path, name))
}
