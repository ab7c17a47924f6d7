//! Writes content to standard output, or to a file that appears whole or not at all.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::interrupt;
use super::output::STDOUT;
use crate::durable::resolve;
use crate::error::Error;
use crate::stream::Interrupt;

/// Whether the path is a name of standard output. A file to which that is redirected is not replaced.
pub(super) fn is_stdout(path: &Path) -> bool {
    ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"].iter().any(|name| path == Path::new(name))
}

/// Standard output as a file, for content.
pub(super) fn stdout() -> Result<File, Error> {
    let stdout = io::stdout().as_fd().try_clone_to_owned();
    stdout.map(File::from).map_err(|error| Error::io("open", STDOUT, error))
}

/// Lets `write` fill a file beside `path`, and renames it into place. A path that is not a regular file is written to
/// directly.
///
/// `write` gets the file, its name, and the interrupt that asks it to stop.
pub(super) fn write_file(
    path: &Path,
    write: impl FnOnce(File, &Path, Interrupt) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let failed = |error| Error::io("write", path, error);
    let target = resolve(path).map_err(failed)?;
    // These are open already, even if they are regular files. /dev/shm contains ordinary files, so it is not listed.
    let open = ["/dev/fd", "/dev/stdin", "/dev/stdout", "/dev/stderr", "/proc"];
    let in_place = open.iter().any(|name| path.starts_with(name));
    if in_place || target.exists() && !target.is_file() {
        // A device or a pipe can't be replaced, and what is written to it can't be taken back. A directory refuses.
        let sink = OpenOptions::new().write(true).open(&target).map_err(failed)?;
        return write(sink, path, Interrupt::default());
    }
    let directory = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let temporary = tempfile::Builder::new().prefix(".regtree-").make_in(directory, create).map_err(failed)?;
    let there = std::fs::metadata(&target).ok();
    if let Some(there) = &there {
        temporary.as_file().set_permissions(there.permissions()).map_err(failed)?;
    }
    let sink = temporary.as_file().try_clone().map_err(failed)?;
    // Only from now on there is something to clean up.
    write(sink, path, interrupt::catch()?)?;
    if there.is_some() {
        // Where the power fails, some file systems would keep the name without the content, and the older file is gone.
        temporary.as_file().sync_all().map_err(failed)?;
    }
    temporary.persist(&target).map_err(|error| failed(error.error))?;
    Ok(())
}

/// A new file with the usual mode, less the umask: tempfile's own 0600 is for secrets. The errors of tempfile's own function
/// name the temporary file instead of the one that was asked for.
fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).mode(0o666).open(path)
}
