//! Exports images of the tree to an OCI image layout, in a directory or a tar archive.
//!
//! Into a directory all content comes first, each file whole and hashed on its way; the index that names the images
//! comes last. So a layout never names what it does not have, and an export that was cut short leaves the old layout.
//! An archive has its index first, for those who read it from a pipe, and takes its place when it is whole.
//!
//! - `gather` finds the images that are asked for.
//! - `content` reads content of the tree, and checks it.
//! - `index` writes the index that names the images.
//! - `directory` writes to a directory; `archive` writes a tar archive, by way of `tarball`.
//! - `prune` removes from a directory what is no longer needed.
//! - `docker_archive` writes an archive in another form, that of `docker save`.

mod archive;
mod content;
mod directory;
mod docker_archive;
mod gather;
mod index;
mod prune;
mod tarball;

use std::fs::File;
use std::path::PathBuf;

pub use prune::Pruned;

use super::compression::Compression;
use super::whole::Image;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::limit::Limit;
use crate::manifest::platform::Wanted;
use crate::name::{RepositoryName, Tag};
use crate::pattern::Pattern;
use crate::reference::Reference;
use crate::registry::Registry;
use crate::stream::Watch;

/// What to export.
#[derive(Clone, Debug)]
pub enum Selection {
    /// One image.
    Image(Reference),
    /// All tags of the repositories that the pattern chooses.
    Repositories(Pattern),
    /// All tags of all repositories.
    All,
}

/// How to export.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
#[non_exhaustive]
pub struct Export {
    /// Whether the signatures and other referrers of the images come along.
    pub referrers: bool,
    /// Whether manifests without a tag come along, where whole repositories are exported.
    pub untagged: bool,
    /// Whether to hash what the layout has already. Otherwise only its size is compared.
    pub verify_existing: bool,
    /// Whether to go on with the other images where one is damaged.
    pub skip_damaged: bool,
    /// The platforms to export of images that have several; none for all. Of one platform the manifest is exported, and
    /// of several an index is made.
    pub platforms: Vec<Wanted>,
    /// Whether to keep an index as it is, though it names platforms that are not exported.
    pub sparse_index: bool,
    /// Whether to remove from a layout what this export does not have: images that regtree wrote, and content that
    /// nothing names. For exports of all images.
    pub prune: bool,
    /// How much of a layout may be removed; half of its images or bytes if that is not said.
    pub max_delete: Option<Limit>,
    /// The form of an archive. A directory gets an OCI image layout.
    pub format: Format,
}

/// In which form images are exported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// An OCI image layout.
    #[default]
    Oci,
    /// What `docker save` writes: a tar archive of uncompressed layers. It holds no digests of manifests, no referrers,
    /// and one platform of an image.
    DockerArchive,
}

/// Where images go.
#[derive(Debug)]
#[non_exhaustive]
pub enum Destination {
    /// An image layout in a directory, which is made if it does not exist.
    Directory(PathBuf),
    /// An archive in a file, which it replaces when it is whole.
    File(PathBuf, Compression),
    /// An archive that is written to this open file. The path is its name in errors.
    Stream(File, PathBuf),
}

/// What an export did.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Exported {
    /// The images that were exported, referrers included: the repository, the tag if there is one, and the
    /// digest.
    pub images: Vec<(RepositoryName, Option<Tag>, Digest)>,
    /// How many blobs and manifests were written, and their bytes.
    pub written: (u64, u64),
    /// How many the layout had already, and their bytes.
    pub present: (u64, u64),
    /// The indexes that were made of some platforms: the image, and the digest of the index.
    pub made: Vec<(String, Digest)>,
    /// What was removed from a layout, or why nothing was.
    pub pruned: Option<Result<Pruned>>,
    /// The images that were left out: their name, and why.
    pub skipped: Vec<(String, Error)>,
    /// What could not be read while looking for images and referrers.
    pub damage: Vec<Error>,
}

impl Default for Export {
    fn default() -> Self {
        Self {
            referrers: true,
            untagged: false,
            verify_existing: false,
            skip_damaged: false,
            platforms: Vec::new(),
            sparse_index: false,
            prune: false,
            max_delete: None,
            format: Format::Oci,
        }
    }
}

/// Exports images. In a layout that exists, images of other names stay.
///
/// The errors are those of what can't be read. `Err(Corrupt)` names content that is not what its digest says.
/// `Err(Refused)` when something else is in the place of the destination. The destination is then as it was, but for
/// content of a layout that nothing names yet, and for what a stream got.
pub fn export(
    registry: &Registry,
    selections: &[Selection],
    destination: Destination,
    how: Export,
    watch: &Watch<'_>,
) -> Result<Exported> {
    let mut exporting = Exporting { registry, how, watch, exported: Exported::default() };
    let images = exporting.gather(selections)?;
    let images = match destination {
        Destination::Directory(path) => exporting.write_directory(&path, images)?,
        Destination::File(path, compression) => {
            archive::in_place(&path, compression, |sink| exporting.write_archive(sink, &path, images))?
        }
        Destination::Stream(mut file, name) => exporting.write_archive(&mut file, &name, images)?,
    };
    let made = |image: &Image| image.whole.made.as_ref().map(|_| (image.describe(), image.whole.digest));
    exporting.exported.made = images.iter().filter_map(made).collect();
    let named = |image: Image| (image.repository, image.tag, image.whole.digest);
    exporting.exported.images = images.into_iter().map(named).collect();
    Ok(exporting.exported)
}

struct Exporting<'e> {
    registry: &'e Registry,
    how: Export,
    watch: &'e Watch<'e>,
    exported: Exported,
}

impl Exporting<'_> {
    /// Notes an image that is left out, or fails where damage is not to be skipped.
    fn skip(&mut self, name: String, error: Error) -> Result<()> {
        if let Error::Interrupted { .. } = error {
            return Err(error);
        }
        if !self.how.skip_damaged {
            if let Error::PlatformUnknown { .. } | Error::PlatformWanted { .. } = error {
                return Err(error);
            }
            return Err(Error::NotExported { image: name, source: Box::new(error) });
        }
        self.exported.skipped.push((name, error));
        Ok(())
    }

    /// Counts a file of so many bytes as written.
    fn count(&mut self, bytes: u64) {
        self.exported.written.0 += 1;
        self.exported.written.1 += bytes;
    }

    /// Runs a task of so many bytes, and shows its progress.
    fn in_progress<T>(&mut self, task: &str, bytes: u64, run: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.watch.progress.begin(task, Some(bytes));
        let done = run(self);
        self.watch.progress.end();
        done
    }

    /// The images of which `has_all` finds all content right.
    fn only_whole(
        &mut self,
        images: Vec<Image>,
        mut has_all: impl FnMut(&mut Self, &Image) -> Result<()>,
    ) -> Result<Vec<Image>> {
        let mut whole = Vec::with_capacity(images.len());
        for image in images {
            match has_all(self, &image) {
                Ok(()) => whole.push(image),
                Err(error) if content::is_damage(&error) => self.skip(image.describe(), error)?,
                Err(error) => return Err(error),
            }
        }
        Ok(whole)
    }
}
