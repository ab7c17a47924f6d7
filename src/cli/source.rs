//! Where content comes from: a file or standard input.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::PathBuf;

use super::Context;
use crate::blob::Expected;
use crate::error::Error;
use crate::name::RepositoryName;

/// What is to be stored.
pub(super) struct Source {
    pub(super) content: Box<dyn Read + Send>,
    pub(super) name: String,
    /// The length in bytes, if it is a file that has one.
    pub(super) size: Option<u64>,
}

impl Source {
    pub(super) fn open(file: Option<PathBuf>, context: &Context) -> anyhow::Result<Self> {
        let Some(path) = file.filter(|path| path.as_os_str() != "-") else {
            if io::stdin().is_terminal() {
                context.output.note("reading standard input");
            }
            let name = "standard input".to_owned();
            return Ok(Self { content: Box::new(io::stdin()), name, size: None });
        };
        let failed = |error| Error::io("read", &path, error);
        let file = File::open(&path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if metadata.is_dir() {
            return Err(failed(io::ErrorKind::IsADirectory.into()).into());
        }
        let size = metadata.is_file().then_some(metadata.len());
        Ok(Self { content: Box::new(file), name: path.display().to_string(), size })
    }

    /// A file of the wrong length need not be read to be refused.
    pub(super) fn check_size(&self, expected: &Expected, repository: &RepositoryName) -> anyhow::Result<()> {
        match (expected.size, self.size) {
            // Of some files, as in /proc, only reading tells the length.
            (Some(expected), Some(found)) if expected != found && found != 0 => {
                let (what, repository) = (self.name.clone(), repository.clone());
                Err(Error::SizeMismatch { what, repository, expected, found, more: false }.into())
            }
            _ => Ok(()),
        }
    }
}
