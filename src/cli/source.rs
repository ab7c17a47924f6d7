//! Reads content from a file or from standard input.

use std::fs::{File, Metadata};
use std::io::{self, IsTerminal, Read};
use std::os::fd::AsFd;
use std::path::PathBuf;

use super::Context;
use crate::blob::Expected;
use crate::error::Error;
use crate::name::RepositoryName;
use crate::upload::Session;

pub(super) struct Source {
    pub(super) content: Box<dyn Read + Send>,
    pub(super) name: String,
    /// The size in bytes, if it is a file that has one.
    pub(super) size: Option<u64>,
    /// The file's metadata; `None` if standard input has none.
    pub(super) metadata: Option<Metadata>,
}

impl Source {
    pub(super) fn open(file: Option<PathBuf>, context: &Context) -> anyhow::Result<Self> {
        let Some(path) = file.filter(|path| path.as_os_str() != "-") else {
            if io::stdin().is_terminal() {
                context.output.note("reading standard input");
            }
            let name = "standard input".to_owned();
            let file = io::stdin().as_fd().try_clone_to_owned().map(File::from);
            let metadata = file.and_then(|file| file.metadata()).ok();
            return Ok(Self { content: Box::new(io::stdin()), name, size: None, metadata });
        };
        let failed = |error| Error::io("read", &path, error);
        let file = File::open(&path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if metadata.is_dir() {
            return Err(failed(io::ErrorKind::IsADirectory.into()).into());
        }
        let size = metadata.is_file().then_some(metadata.len());
        let name = path.display().to_string();
        Ok(Self { content: Box::new(file), name, size, metadata: Some(metadata) })
    }

    /// Refuses the file of the upload itself: it would be appended to itself without end.
    pub(super) fn check_is_not(&self, session: &Session<'_>) -> Result<(), Error> {
        match &self.metadata {
            Some(metadata) if session.is_its_data(metadata)? => {
                let reason = format!("{} is what upload {} has received itself", self.name, session.id());
                Err(Error::Refused { reason })
            }
            _ => Ok(()),
        }
    }

    /// Refuses a file of the wrong size without reading it.
    pub(super) fn check_size(&self, expected: &Expected, repository: &RepositoryName) -> anyhow::Result<()> {
        match (expected.size, self.size) {
            // The size of some files, as in /proc, is known only by reading.
            (Some(expected), Some(found)) if expected != found && found != 0 => {
                let (what, repository) = (self.name.clone(), repository.clone());
                Err(Error::SizeMismatch { what, repository, expected, found, more: false }.into())
            }
            _ => Ok(()),
        }
    }
}
