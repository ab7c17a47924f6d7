//! Writes an image layout to a directory.

use std::collections::HashSet;
use std::fs::File;
use std::io::{Seek, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::Exporting;
use super::content::{Outgoing, layout_path};
use super::index::index;
use crate::digest::{Digest, Hasher};
use crate::durable::OutputDirectory;
use crate::error::{Error, Result};
use crate::image::layout::{self, Layout};
use crate::image::whole::{Content, Image};
use crate::repository::Repository;
use crate::stream;

/// How many bytes the kernel copies before they are hashed: few enough that they are still in its memory.
const PART: usize = 8 * 1024 * 1024;

impl Exporting<'_> {
    /// Writes the images to the layout in the directory `path`. Returns those of which all is in the layout.
    pub(super) fn write_directory(&mut self, path: &Path, images: Vec<Image>) -> Result<Vec<Image>> {
        let mut directory = OutputDirectory::open(path, layout::MARKER, layout::MARKER_TEXT)?;
        let total = super::content::total(&images);
        let mut done = HashSet::new();
        let images = self.in_progress("exporting", total, |exporting| {
            exporting.only_whole(images, |exporting, image| exporting.write_image(&directory, image, &mut done))
        })?;
        let known = match directory.size(Path::new(layout::INDEX))? {
            Some(_) => Layout::open(directory.path())?.read_index()?,
            None => Vec::new(),
        };
        let pruning = self.how.prune.then(|| self.plan_pruning(&directory, &known, &images));
        let known = if let Some(Ok(plan)) = &pruning { plan.kept.clone() } else { known };
        directory.finish(Path::new(layout::INDEX), &index(known, &images)?)?;
        self.exported.pruned = match pruning {
            Some(Ok(plan)) => Some(Ok(plan.remove(&directory)?)),
            Some(Err(interrupted @ Error::Interrupted { .. })) => return Err(interrupted),
            Some(Err(reason)) => Some(Err(reason)),
            None => None,
        };
        Ok(images)
    }

    fn write_image(&mut self, directory: &OutputDirectory, image: &Image, done: &mut HashSet<Digest>) -> Result<()> {
        let repository = self.registry.repository(&image.repository)?;
        for content in &image.whole.contents {
            if !done.contains(&content.key) {
                self.write_content(directory, &repository, content)?;
                done.insert(content.key);
            }
        }
        self.write_made(directory, image)
    }

    /// Writes the index that was made for an image, if one was.
    fn write_made(&mut self, directory: &OutputDirectory, image: &Image) -> Result<()> {
        let Some(index) = &image.whole.made else { return Ok(()) };
        let (digest, size) = (image.whole.digest, image.whole.size);
        let name = layout_path(&digest)?;
        if self.is_present(directory, &name, &Content { key: digest, target: digest, size })? {
            return Ok(());
        }
        directory.write_whole(&name, |sink| {
            let place = directory.path().join(&name);
            sink.write_all(index).map_err(|error| Error::io("write", place, error))
        })?;
        self.count(size);
        Ok(())
    }

    fn write_content(
        &mut self,
        directory: &OutputDirectory,
        repository: &Repository<'_>,
        content: &Content,
    ) -> Result<()> {
        let name = layout_path(&content.key)?;
        if self.is_present(directory, &name, content)? {
            self.exported.present.0 += 1;
            self.exported.present.1 += content.size;
            self.watch.progress.advance(content.size);
            return Ok(());
        }
        let source = Outgoing::open(repository, content)?;
        let place = directory.path().join(&name);
        directory.write_whole(&name, |sink| self.clone_or_copy(&source, sink, &place))?;
        self.count(content.size);
        Ok(())
    }

    /// Writes content to a new file, and checks what was written: as a clone where the file system has those, else as a
    /// copy that the kernel makes, else as one of ours.
    fn clone_or_copy(&self, source: &Outgoing<'_>, sink: &mut File, place: &Path) -> Result<()> {
        if rustix::fs::ioctl_ficlone(&*sink, &source.file).is_ok() {
            let hashed = stream::hash(&*sink, source.hasher(), &mut vec![0; stream::BUFFER], self.watch);
            return source.check(hashed.map_err(|error| self.watch.interrupt.or(Error::io("read", place, error)))?);
        }
        if let Some(hasher) = self.copy_in_kernel(source, sink, place)? {
            return source.check(hasher);
        }
        let begun = sink.set_len(0).and_then(|()| sink.rewind());
        begun.map_err(|error| Error::io("write", place, error))?;
        source.copy(sink, place, self.watch)
    }

    /// Lets the kernel copy content, a part at a time, and hashes each part as it was written, while that is in memory.
    /// `None` when the kernel can't, whatever the reason: a copy of ours then shows whether it is one of reading or of
    /// writing.
    ///
    /// It copies a GiB in half of the time that reading and writing takes, though all is read again to hash it.
    fn copy_in_kernel(&self, source: &Outgoing<'_>, sink: &File, place: &Path) -> Result<Option<Hasher>> {
        let (mut hasher, mut buffer, mut copied) = (source.hasher(), vec![0; stream::BUFFER], 0);
        while copied < source.size() {
            self.watch.interrupt.check()?;
            let part = usize::try_from(source.size() - copied).map_or(PART, |left| left.min(PART));
            let (mut from, mut to) = (copied, copied);
            match rustix::fs::copy_file_range(&source.file, Some(&mut from), sink, Some(&mut to), part) {
                Ok(1..) => {}
                Ok(0) | Err(_) => return Ok(None),
            }
            while copied < to {
                let left = usize::try_from(to - copied).map_or(buffer.len(), |left| left.min(buffer.len()));
                let read = sink.read_at(&mut buffer[..left], copied);
                let read = read.map_err(|error| Error::io("read", place, error))?;
                if read == 0 {
                    return Ok(None);
                }
                hasher.update(&buffer[..read]);
                copied += read as u64;
                self.watch.progress.advance(read as u64);
            }
        }
        Ok(Some(hasher))
    }

    /// Whether the layout has the content already, right as far as it is looked at.
    fn is_present(&self, directory: &OutputDirectory, name: &Path, content: &Content) -> Result<bool> {
        if directory.size(name)? != Some(content.size) {
            return Ok(false);
        }
        if !self.how.verify_existing {
            return Ok(true);
        }
        let path = directory.path().join(name);
        let failed = |error| self.watch.interrupt.or(Error::io("read", &path, error));
        let file = File::open(&path).map_err(failed)?;
        let hashed = stream::hash_file(file, [content.key], &self.watch.interrupt).map_err(failed)?;
        Ok(hashed.is(&content.key))
    }
}
