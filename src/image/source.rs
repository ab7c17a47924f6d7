//! Where images come from: an OCI image layout, or a registry's tree.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::layout::{self, Entry, Layout, Listed};
use super::whole;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::layout::Entry as TreeEntry;
use crate::manifest::{self, signatures};
use crate::name::{Reference, Tag, Target};
use crate::registry::Registry;
use crate::repository::Repository;
use crate::stream::Interrupt;
use crate::tag;

/// A source of images, open for reading.
#[derive(Debug)]
pub struct Source {
    path: PathBuf,
    kind: SourceKind,
    entries: Vec<Entry>,
}

#[derive(Debug)]
enum SourceKind {
    Layout(Layout),
    Tree(Box<Registry>),
}

impl Source {
    /// Opens the layout or the tree in the directory `path`. The images of a tree are those that its tags name, and
    /// their referrers.
    ///
    /// `Err(SourceInvalid)` when it is neither, or its index is malformed. `Err(NotExported)`, or the error of what
    /// can't be read, when not all images of a tree are whole.
    pub fn open(path: &Path, interrupt: &Interrupt) -> Result<Self> {
        if !layout::is_layout(path) {
            match Registry::open(path) {
                Ok(registry) => return Self::of_tree(path, registry, interrupt),
                Err(Error::NotATree { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let layout = Layout::open(path)?;
        let entries = layout.read_index()?;
        Ok(Self { path: path.to_owned(), kind: SourceKind::Layout(layout), entries })
    }

    fn of_tree(path: &Path, registry: Registry, interrupt: &Interrupt) -> Result<Self> {
        let found = registry.repositories();
        if let Some(error) = found.damage.into_iter().next() {
            return Err(error);
        }
        let mut entries = Vec::new();
        for name in found.repositories {
            let repository = registry.repository(&name)?;
            let tags = tag::tags(&repository);
            if let Some(error) = tags.damage.into_iter().next() {
                return Err(error);
            }
            let wanted = tags.tags.into_iter().map(|(tag, digest)| (Some(tag), digest)).collect();
            let mut damage = Vec::new();
            let images = whole::gather(&repository, wanted, true, interrupt, &mut damage, not_whole)?;
            entries.extend(images.iter().map(Entry::of_image));
            if let Some(error) = damage.into_iter().next() {
                return Err(error);
            }
        }
        Ok(Self { path: path.to_owned(), kind: SourceKind::Tree(Box::new(registry)), entries })
    }

    /// One image of a tree, with its referrers if those are asked for. If `tag` is given, the image gets it; its referrers
    /// keep their own.
    ///
    /// The errors are those of what is unknown. `Err(NotExported)` when the image is not whole.
    pub fn of_image(
        registry: Registry,
        reference: &Reference,
        tag: Option<&Tag>,
        referrers: bool,
        interrupt: &Interrupt,
    ) -> Result<Self> {
        let repository = registry.repository(&reference.repository)?;
        let digest = manifest::resolve(&repository, &reference.target)?;
        let own = match &reference.target {
            Target::Tag(tag) => Some(tag.clone()),
            Target::Digest(_) => None,
        };
        let (wanted, mut damage) = ([(own.clone(), digest)].into(), Vec::new());
        let mut images = whole::gather(&repository, wanted, referrers, interrupt, &mut damage, not_whole)?;
        if let Some(error) = damage.into_iter().next() {
            return Err(error);
        }
        for image in images.iter_mut().filter(|image| image.tag == own && image.whole.digest == digest) {
            image.tag = tag.or(own.as_ref()).cloned();
        }
        let entries = images.iter().map(Entry::of_image).collect();
        let path = registry.tree().path().to_owned();
        Ok(Self { path, kind: SourceKind::Tree(Box::new(registry)), entries })
    }

    /// The directory.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The images, and signatures that are content of their own.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The images that it names.
    pub fn images(&self) -> impl Iterator<Item = Listed<'_>> {
        self.entries.iter().filter(|entry| entry.signature_of.is_none()).map(Listed::of)
    }

    /// The bytes of a manifest of an image, which have its digest.
    pub(super) fn manifest(&self, image: &Entry, digest: Digest) -> Result<Vec<u8>> {
        match &self.kind {
            SourceKind::Layout(layout) => layout.manifest(digest),
            SourceKind::Tree(registry) => manifest::get(&repository(registry, image)?, digest),
        }
    }

    /// Opens content of an image; `None` when the source does not have it.
    pub(super) fn open_content(&self, image: &Entry, digest: Digest) -> Result<Option<(File, PathBuf)>> {
        match &self.kind {
            SourceKind::Layout(layout) => layout.open_content(&digest),
            SourceKind::Tree(registry) => {
                let (repository, tree) = (repository(registry, image)?, registry.tree());
                let Some(link) = repository.find_link(digest)? else { return Ok(None) };
                let path = TreeEntry::Blob(link.target).path();
                Ok(tree.open_file(&path)?.map(|file| (file, tree.locate(&path))))
            }
        }
    }

    /// The signatures of a schema1 manifest of an image.
    pub(super) fn signatures(&self, image: &Entry, revision: Digest) -> Result<Vec<Vec<u8>>> {
        match &self.kind {
            SourceKind::Layout(layout) => {
                let own = |entry: &&Entry| {
                    entry.signature_of == Some(revision) && entry.own_repository == image.own_repository
                };
                self.entries.iter().filter(own).map(|entry| layout.manifest(entry.digest)).collect()
            }
            SourceKind::Tree(registry) => {
                let stored = signatures::stored(&repository(registry, image)?, revision)?;
                Ok(stored.into_iter().map(|(_, bytes)| bytes).collect())
            }
        }
    }

    pub(super) fn invalid(&self, entry: &str, reason: String) -> Error {
        Error::SourceInvalid { path: self.path.clone(), entry: entry.to_owned(), reason }
    }
}

fn not_whole(image: String, source: Error) -> Result<()> {
    Err(Error::NotExported { image, source: Box::new(source) })
}

/// The repository of a tree that has an image.
fn repository<'r>(registry: &'r Registry, image: &Entry) -> Result<Repository<'r>> {
    let name = image.own_repository.as_deref().unwrap_or_default();
    let name = name.parse().map_err(|source| Error::RepositoryNameInvalid {
        path: registry.tree().path().to_owned(),
        name: name.to_owned(),
        source,
    })?;
    registry.repository(&name)
}
