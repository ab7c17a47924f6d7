//! Writes an image layout as a tar archive.

use std::collections::{BTreeMap, HashSet};
use std::io::Write;
use std::path::Path;

use super::content::{self, Outgoing, layout_path};
use super::index::index;
use super::tarball::Tarball;
use super::{Exporting, Format};
use crate::digest::Digest;
use crate::durable::OutputFile;
use crate::error::{Error, Result};
use crate::image::compression::{Compression, Encoder};
use crate::image::layout;
use crate::image::whole::{Content, Image};

/// Lets `write` write a compressed file, which takes its place at `path` only when that succeeded.
pub(super) fn in_place<T>(
    path: &Path,
    compression: Compression,
    write: impl FnOnce(&mut dyn Write) -> Result<T>,
) -> Result<T> {
    let failed = |error| Error::io("write", path, error);
    let mut file = OutputFile::create(path)?;
    let mut encoder = Encoder::new(file.sink(), compression).map_err(failed)?;
    let written = write(&mut encoder)?;
    encoder.finish().map_err(failed)?;
    file.finish()?;
    Ok(written)
}

impl Exporting<'_> {
    /// Writes the images to an archive. Returns those that are in it.
    pub(super) fn write_archive(
        &mut self,
        sink: &mut dyn Write,
        name: &Path,
        images: Vec<Image>,
    ) -> Result<Vec<Image>> {
        match self.how.format {
            Format::Oci => self.write_oci(sink, name, images),
            Format::DockerArchive => self.write_docker(sink, name, images),
        }
    }

    /// Writes the images to a tar archive: what names them first, then the content in the order of its digests. Returns
    /// those that are in the archive.
    ///
    /// An archive can't take back what it has, so where damaged images are to be left out, all are read twice.
    fn write_oci(&mut self, sink: &mut dyn Write, name: &Path, images: Vec<Image>) -> Result<Vec<Image>> {
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
                added.map_err(|error| content::blame(error, || image.describe()))
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
        self.count(size);
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
