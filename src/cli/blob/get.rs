//! `regtree blob get`.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::blob::{ByteRange, OpenBlob};
use crate::cli::output::STDOUT;
use crate::cli::progress::{self, ProgressStyle};
use crate::cli::subject::About;
use crate::cli::{Context, Exit, interrupt};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::name::RepositoryName;
use crate::stream::{Interrupt, Watch};

/// Write a blob's content to standard output or a file
///
/// The content is hashed on its way, and a mismatch is exit code 5. With -o the file appears whole or not at all; it is
/// not synced. To standard output, what was written before a mismatch was found can't be taken back: check the exit
/// code. A --range is exact, and is not verified: a part has no digest.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    written
  1    not readable or not writable
  2    malformed, or a range that the blob does not have
  4    unknown repository or blob
  5    the content or its link is damaged
  10   no tree
  12   will not write to a terminal
  130, 143 interrupted

Examples:
  regtree blob get library/app sha256:… -o layer.tar.gz
  regtree blob get library/app sha256:… | tar tz
  regtree blob get library/app sha256:… --range 0-1023 | xxd")]
pub(in crate::cli) struct Get {
    /// The repository
    #[arg(value_name = "REPO", value_parser = crate::cli::parse_repository)]
    repository: RepositoryName,
    /// The blob, by any digest that the repository links
    #[arg(value_name = "DIGEST", value_parser = crate::cli::parse_digest)]
    digest: Digest,
    /// Write to FILE; - is standard output, even if it is a terminal
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Only bytes A to B, both included, counted from 0; A- is from A to the end
    #[arg(long, value_name = "A-B")]
    range: Option<ByteRange>,
}

impl Get {
    pub(in crate::cli) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let registry = context.registry()?;
        let repository = registry.repository(&self.repository).about(&self.repository, None)?;
        let blob = OpenBlob::open(&repository, self.digest).about(&self.repository, self.digest)?;
        let descriptor = blob.descriptor().clone();
        if self.output.is_none()
            && io::stdout().is_terminal()
            && is_binary(&blob.beginning().about(&self.repository, self.digest)?)
        {
            let reason = "will not write binary content to a terminal; use -o FILE, or -o - if you mean it".to_owned();
            return Err(Error::Refused { reason }.into());
        }
        let verified = self.range.is_none() && blob.is_verifiable();
        if self.range.is_none() && !verified {
            context.output.note("a tarsum is no hash of the bytes: the content is not verified");
        }
        match self.output.filter(|path| !is_stdout(path)) {
            None => {
                // A bar in the middle of the content helps nobody.
                let mixed = io::stdout().is_terminal();
                let style = if mixed { ProgressStyle::None } else { context.global.progress };
                let progress = progress::observer(style, &context.output);
                // There is nothing to clean up, so a signal may end the process, even while nobody reads.
                let watch = Watch { progress: &*progress, interrupt: Interrupt::default() };
                let name = Path::new(STDOUT);
                let stdout =
                    io::stdout().as_fd().try_clone_to_owned().map_err(|error| Error::io("open", name, error))?;
                copy(blob, self.range, File::from(stdout), name, &watch).about(&self.repository, self.digest)?;
            }
            Some(path) => {
                let progress = progress::observer(context.global.progress, &context.output);
                let watch = Watch { progress: &*progress, interrupt: Interrupt::default() };
                write_file(blob, self.range, &path, watch)?;
                if context.output.is_json() {
                    let mut document = serde_json::to_value(&descriptor)?;
                    document["file"] = json!(path.to_string_lossy());
                    document["verified"] = json!(verified);
                    context.output.document(&document)?;
                }
            }
        }
        Ok(Exit::Done)
    }
}

/// A file of that name is what standard output was redirected to: to be written on, not replaced.
fn is_stdout(path: &Path) -> bool {
    ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"].iter().any(|name| path == Path::new(name))
}

/// Whether a terminal would take the content for commands, or show nonsense.
fn is_binary(beginning: &[u8]) -> bool {
    let text = match std::str::from_utf8(beginning) {
        Ok(text) => text,
        // The beginning may end inside of a character.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&beginning[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return true,
    };
    text.chars().any(|character| character.is_control() && !matches!(character, '\n' | '\r' | '\t'))
}

fn copy(blob: OpenBlob, range: Option<ByteRange>, mut sink: File, name: &Path, watch: &Watch<'_>) -> Result<()> {
    match range {
        Some(range) => blob.copy_range(range, &mut sink, name, &watch.interrupt),
        None => blob.copy_to(&mut sink, name, watch),
    }
}

/// Writes beside `path` and renames, so that it appears whole or not at all.
fn write_file(blob: OpenBlob, range: Option<ByteRange>, path: &Path, mut watch: Watch<'_>) -> anyhow::Result<()> {
    let failed = |error| Error::io("write", path, error);
    let target = resolve(path).map_err(failed)?;
    let in_place = ["/dev", "/proc"].iter().any(|directory| path.starts_with(directory));
    if in_place || target.exists() && !target.is_file() {
        // A device or a pipe can't be replaced, and need not be: what is written to it is gone. A directory refuses.
        let sink = OpenOptions::new().write(true).open(&target).map_err(failed)?;
        return Ok(copy(blob, range, sink, path, &watch)?);
    }
    let directory = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    watch.interrupt = interrupt::catch()?;
    let mut builder = tempfile::Builder::new();
    // tempfile's own 0600 is for secrets; this is what any program would make, less the umask.
    let builder = builder.prefix(".regtree-").permissions(Permissions::from_mode(0o666));
    let temporary = builder.tempfile_in(directory).map_err(|error| failed(without_path(error)))?;
    if let Ok(there) = std::fs::metadata(&target) {
        temporary.as_file().set_permissions(there.permissions()).map_err(failed)?;
    }
    let sink = temporary.as_file().try_clone().map_err(failed)?;
    copy(blob, range, sink, path, &watch)?;
    temporary.persist(&target).map_err(|error| failed(error.error))?;
    Ok(())
}

/// The system's own error, where tempfile adds the name of the temporary.
fn without_path(error: io::Error) -> io::Error {
    let inner = error.get_ref().and_then(|error| error.source()).and_then(|error| error.downcast_ref::<io::Error>());
    inner.and_then(io::Error::raw_os_error).map_or(error, io::Error::from_raw_os_error)
}

/// What `path` leads to, which need not be there yet: a symbolic link stays one.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    match std::fs::canonicalize(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        resolved => return resolved,
    }
    let Ok(link) = std::fs::read_link(path) else { return Ok(path.to_owned()) };
    Ok(path.parent().unwrap_or(Path::new("")).join(link))
}
