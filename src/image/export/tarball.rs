//! Writes a tar archive of which every byte follows from the names and the content of its files.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use tar::EntryType;

use crate::error::{Error, Result};

/// The unit of a tar archive, in bytes. The content of a file is filled up to it.
const BLOCK: u64 = 512;

/// A tar archive that is being written.
pub(super) struct Tarball<'n, W: Write> {
    sink: W,
    name: &'n Path,
    /// The directories that are in it.
    directories: BTreeSet<PathBuf>,
}

impl<'n, W: Write> Tarball<'n, W> {
    pub(super) fn new(sink: W, name: &'n Path) -> Self {
        Self { sink, name, directories: BTreeSet::new() }
    }

    /// Its name in errors.
    pub(super) fn name(&self) -> &'n Path {
        self.name
    }

    /// Adds a file with this content.
    pub(super) fn add(&mut self, path: &Path, content: &[u8]) -> Result<()> {
        let archive = self.name;
        self.add_streamed(path, content.len() as u64, |sink| {
            sink.write_all(content).map_err(|error| Error::io("write", archive, error))
        })
    }

    /// Adds a file of `size` bytes, all of which `fill` writes unless it fails.
    pub(super) fn add_streamed(
        &mut self,
        path: &Path,
        size: u64,
        fill: impl FnOnce(&mut W) -> Result<()>,
    ) -> Result<()> {
        self.add_parents(path)?;
        self.add_header(path, EntryType::Regular, 0o644, size)?;
        let sink = &mut self.sink;
        fill(sink)?;
        let filling = io::copy(&mut io::repeat(0).take(size.next_multiple_of(BLOCK) - size), sink);
        filling.map(drop).map_err(|error| Error::io("write", self.name, error))
    }

    /// Adds the directories that lead to a file. skopeo and podman give those that they have to make to root, which
    /// only root may do.
    fn add_parents(&mut self, path: &Path) -> Result<()> {
        let parents: Vec<&Path> = path.ancestors().skip(1).filter(|parent| !parent.as_os_str().is_empty()).collect();
        for parent in parents.into_iter().rev() {
            if self.directories.insert(parent.to_owned()) {
                // With a slash at the end, as every tar writes it.
                self.add_header(&parent.join(""), EntryType::Directory, 0o755, 0)?;
            }
        }
        Ok(())
    }

    fn add_header(&mut self, path: &Path, kind: EntryType, mode: u32, size: u64) -> Result<()> {
        // No time, no owner: names of users stay empty.
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        header.set_size(size);
        // The headers alone, with what a long name needs. A builder of the whole archive would end it when it is dropped,
        // so that one cut short by an error would look whole.
        let mut headers = tar::Builder::new(Vec::new());
        let written = headers.append_data(&mut header, path, io::empty());
        let written = written.and_then(|()| self.sink.write_all(headers.get_ref()));
        written.map_err(|error| Error::io("write", self.name, error))
    }

    /// Writes the end of the archive: two empty blocks.
    pub(super) fn finish(mut self) -> Result<()> {
        let ended = self.sink.write_all(&[0; 1024]).and_then(|()| self.sink.flush());
        ended.map_err(|error| Error::io("write", self.name, error))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests {
    use super::*;

    #[test]
    fn sizes_beyond_what_octal_digits_hold_and_long_names_are_written_whole() {
        let (size, name) = (9 << 30, "n".repeat(141));
        let mut sink = Vec::new();
        Tarball::new(&mut sink, Path::new("archive")).add_streamed(Path::new(&name), size, |_| Ok(())).unwrap();
        let mut archive = tar::Archive::new(&*sink);
        let entry = archive.entries().unwrap().next().unwrap().unwrap();
        assert_eq!((entry.size(), entry.path().unwrap().to_str()), (size, Some(&*name)));
    }
}
