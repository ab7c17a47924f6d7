//! Writes an image layout as a tar archive.

use std::collections::{BTreeMap, HashSet};
use std::io::Write;
use std::path::Path;

use super::Exporting;
use super::content::{self, Outgoing, layout_path};
use super::index::index;
use super::tarball::Tarball;
use crate::digest::Digest;
use crate::durable::OutputFile;
use crate::error::{Error, Result};
use crate::image::layout;
use crate::image::whole::{Content, Image};

/// Lets `write` write a file, which takes its place at `path` only when that succeeded.
pub(super) fn in_place<T>(path: &Path, write: impl FnOnce(&mut dyn Write) -> Result<T>) -> Result<T> {
    let mut file = OutputFile::create(path)?;
    let written = write(file.sink())?;
    file.finish()?;
    Ok(written)
}

impl Exporting<'_> {
    /// Writes the images to a tar archive: what names them first, then the content in the order of its digests. Returns
    /// those that are in the archive.
    ///
    /// An archive can't take back what it has, so where damaged images are to be left out, all are read twice.
    pub(super) fn write_archive(
        &mut self,
        sink: &mut dyn Write,
        name: &Path,
        images: Vec<Image>,
    ) -> Result<Vec<Image>> {
        let images = if self.how.skip_damaged { self.verified(images)? } else { images };
        let mut contents = BTreeMap::new();
        for image in &images {
            let stored = image.whole.contents.iter();
            contents.extend(stored.map(|content| (content.key, (image, Bytes::Stored(content)))));
            contents.extend(image.whole.made.iter().map(|index| (image.whole.digest, (image, Bytes::Made(index)))));
        }
        let mut archive = Tarball::new(sink, name);
        archive.add(Path::new(layout::MARKER), layout::MARKER_TEXT.as_bytes())?;
        archive.add(Path::new(layout::INDEX), &index(Vec::new(), &images)?)?;
        self.in_progress("exporting", content::total(&images), |exporting| {
            contents.iter().try_for_each(|(digest, (image, bytes))| {
                let added = exporting.add_content(&mut archive, image, *digest, bytes);
                added.map_err(|error| of_image(error, image))
            })
        })?;
        archive.finish()?;
        Ok(images)
    }

    /// The images of which all content is right.
    fn verified(&mut self, images: Vec<Image>) -> Result<Vec<Image>> {
        let mut verified = HashSet::new();
        self.in_progress("verifying", content::total(&images), |exporting| {
            exporting.only_whole(images, |exporting, image| {
                let repository = exporting.registry.repository(&image.repository)?;
                for content in &image.whole.contents {
                    if !verified.contains(&content.key) {
                        layout_path(&content.key)?;
                        Outgoing::open(&repository, content)?.verify(exporting.watch)?;
                        verified.insert(content.key);
                    }
                }
                Ok(())
            })
        })
    }

    fn add_content(
        &mut self,
        archive: &mut Tarball<'_, impl Write>,
        image: &Image,
        digest: Digest,
        bytes: &Bytes<'_>,
    ) -> Result<()> {
        let (path, size) = (layout_path(&digest)?, bytes.size());
        match bytes {
            Bytes::Made(index) => archive.add(&path, index)?,
            Bytes::Stored(content) => {
                let repository = self.registry.repository(&image.repository)?;
                let (name, watch) = (archive.name(), self.watch);
                let source = Outgoing::open(&repository, content)?;
                archive.add_streamed(&path, size, |sink| source.copy(sink, name, watch))?;
            }
        }
        self.exported.written.0 += 1;
        self.exported.written.1 += size;
        Ok(())
    }
}

/// Where the bytes of a file of the archive are.
enum Bytes<'b> {
    /// In the tree.
    Stored(&'b Content),
    /// Here.
    Made(&'b [u8]),
}

impl Bytes<'_> {
    fn size(&self) -> u64 {
        match self {
            Self::Stored(content) => content.size,
            Self::Made(bytes) => bytes.len() as u64,
        }
    }
}

/// The error for what can't be exported of an image.
fn of_image(error: Error, image: &Image) -> Error {
    if content::is_damage(&error) {
        return Error::NotExported { image: image.describe(), source: Box::new(error) };
    }
    error
}
