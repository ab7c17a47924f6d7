//! Where images come from: an OCI image layout, what skopeo calls `dir:`, an archive, or a registry's tree.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::archive::Archive;
use super::compression;
use super::dir::{self, Directory};
use super::docker;
use super::layout::{self, Entry, Layout, Listed};
use super::nested::{self, Indexes};
use super::reading::{ReadSource, SourceFormat};
use super::stage::{Staged, Stager, name_of};
use super::{DOCKER_MANIFEST, invalid, transport, whole};
use crate::digest::Digest;
use crate::durable::Staging;
use crate::error::{Error, Result};
use crate::layout::Entry as TreeEntry;
use crate::manifest::{self, signatures};
use crate::name::Tag;
use crate::reference::{Reference, Resolved, Shortened};
use crate::registry::Registry;
use crate::repository::Repository;
use crate::stream::{self, Interrupt};
use crate::tag;

/// A source of images, open for reading.
#[derive(Debug)]
pub struct Source {
    path: PathBuf,
    kind: SourceKind,
    entries: Vec<Entry>,
    /// The names of images that have no manifest, because only the names were asked for.
    names: Vec<Option<String>>,
}

#[derive(Debug)]
enum SourceKind {
    Layout(Layout),
    Directory(Directory),
    Archive(Box<Staged>),
    Tree(Box<Registry>),
}

impl Source {
    /// Opens the source at `path`, which may have skopeo's word before it, such as `oci:`. An archive is read to its end.
    /// The images of a tree are those that its tags name, and their referrers.
    ///
    /// `Err(SourceElsewhere)` when it is not on a disk, such as `docker://…`. `Err(SourceInvalid)` when it is none of them,
    /// or is malformed. `Err(NotExported)`, or the error of what can't be read, when not all images of a tree are whole.
    pub fn open(path: &Path, how: &ReadSource<'_>) -> Result<Self> {
        let path = transport::path(path)?;
        let failed = |error| Error::io("open", path, error);
        if !std::fs::metadata(path).map_err(failed)?.is_dir() {
            return Self::read(File::open(path).map_err(failed)?, path, how);
        }
        let interrupt = &how.watch.interrupt;
        match how.format {
            Some(SourceFormat::Tree) => return Self::of_tree(path, Registry::open(path)?, interrupt),
            Some(SourceFormat::DockerArchive) => {
                return Err(invalid(path, "directory", "it is a directory, and a docker archive is a file"));
            }
            Some(SourceFormat::Dir) => return Self::of_directory(path),
            None if !layout::is_layout(path) && dir::is_directory(path) => return Self::of_directory(path),
            None if !layout::is_layout(path) => match Registry::open(path) {
                Ok(registry) => return Self::of_tree(path, registry, interrupt),
                Err(Error::NotATree { .. }) => {
                    let reason = "it is not an image layout, a directory that skopeo wrote, or a registry tree";
                    return Err(invalid(path, "directory", reason));
                }
                Err(error) => return Err(error),
            },
            None | Some(SourceFormat::Oci) => {}
        }
        let layout = Layout::open(path)?;
        let entries = layout.read_index()?;
        Self { path: path.to_owned(), kind: SourceKind::Layout(layout), entries, names: Vec::new() }.unfold()
    }

    /// Finds the images in lists of images.
    fn unfold(mut self) -> Result<Self> {
        self.entries = nested::unfold(std::mem::take(&mut self.entries), &self)?;
        Ok(self)
    }

    fn of_directory(path: &Path) -> Result<Self> {
        let (directory, image) = Directory::open(path)?;
        let (path, entries) = (path.to_owned(), vec![image]);
        Ok(Self { path, kind: SourceKind::Directory(directory), entries, names: Vec::new() })
    }

    /// Reads an archive to its end, which errors call `name`. The errors are those of [`Source::open`].
    pub fn read(content: impl Read + Send + 'static, name: &Path, how: &ReadSource<'_>) -> Result<Self> {
        if let Some(format @ (SourceFormat::Dir | SourceFormat::Tree)) = how.format {
            return Err(invalid(name, "file", format!("it is not a directory, but {format} must be one")));
        }
        how.watch.progress.begin("reading", None);
        let read = Self::read_archive(content, name, how);
        how.watch.progress.end();
        read
    }

    fn read_archive(content: impl Read + Send + 'static, name: &Path, how: &ReadSource<'_>) -> Result<Self> {
        let interrupt = &how.watch.interrupt;
        let source = BufReader::with_capacity(stream::BUFFER, stream::read_ahead(content, interrupt));
        let archive = match compression::decoder(source) {
            Ok((_, source)) => Archive::new(source, name, interrupt),
            Err(error) => return Err(interrupt.or(Error::io("read", name, error))),
        };
        let staging = match how.writer {
            Some(writer) => Staging::open(writer, interrupt)?,
            None => Staging::scratch(interrupt)?,
        };
        let mut stager = Stager::new(archive, Arc::new(staging), how).read()?;
        let (entries, names) = images(&mut stager, how)?;
        let kind = SourceKind::Archive(Box::new(stager.into_staged()));
        Self { path: name.to_owned(), kind, entries, names }.unfold()
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
        Ok(Self { path: path.to_owned(), kind: SourceKind::Tree(Box::new(registry)), entries, names: Vec::new() })
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
        let Resolved { tag: own, digest } = reference.target.resolve(&repository, Shortened::Refuse)?;
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
        Ok(Self { path, kind: SourceKind::Tree(Box::new(registry)), entries, names: Vec::new() })
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
        let images = self.entries.iter().filter(|entry| entry.signature_of.is_none()).map(Listed::of);
        images.chain(self.names.iter().map(|name| Listed::named(name.as_deref())))
    }

    /// The bytes of a manifest of an image, which have its digest.
    pub(super) fn manifest(&self, image: &Entry, digest: Digest) -> Result<Vec<u8>> {
        match &self.kind {
            SourceKind::Layout(layout) => layout.manifest(digest),
            SourceKind::Directory(directory) => directory.manifest(digest),
            SourceKind::Archive(staged) => self.staged_manifest(staged, digest),
            SourceKind::Tree(registry) => manifest::get(&repository(registry, image)?, digest),
        }
    }

    /// The bytes of a manifest or a config of an image, which have its digest.
    pub(super) fn document(&self, image: &Entry, digest: Digest) -> Result<Vec<u8>> {
        let SourceKind::Tree(registry) = &self.kind else { return self.manifest(image, digest) };
        let repository = repository(registry, image)?;
        let link = repository.find_link(digest)?;
        manifest::content(&repository, link.map_or(digest, |link| link.target))
    }

    /// Opens content of an image; `None` when the source does not have it.
    pub(super) fn open_content(&self, image: &Entry, digest: Digest) -> Result<Option<(File, PathBuf)>> {
        match &self.kind {
            SourceKind::Layout(layout) => layout.open_content(&digest),
            SourceKind::Directory(directory) => directory.open_content(&digest),
            SourceKind::Archive(_) => Ok(None),
            SourceKind::Tree(registry) => {
                let (repository, tree) = (repository(registry, image)?, registry.tree());
                let Some(link) = repository.find_link(digest)? else { return Ok(None) };
                let path = TreeEntry::Blob(link.target).path();
                Ok(tree.open_file(&path)?.map(|file| (file, tree.locate(&path))))
            }
        }
    }

    /// Whether the source has content of an image.
    pub(super) fn has_content(&self, image: &Entry, digest: Digest) -> Result<bool> {
        match self.staged() {
            Some(staged) => Ok(staged.content(&digest).is_some()),
            None => Ok(self.open_content(image, digest)?.is_some()),
        }
    }

    fn staged_manifest(&self, staged: &Staged, digest: Digest) -> Result<Vec<u8>> {
        let invalid = |reason| self.invalid(&format!("manifest {digest}"), reason);
        let Some((file, _)) = staged.open(&digest)? else {
            return Err(invalid("its content is missing, or is not a manifest".to_owned()));
        };
        layout::read_manifest(file, &staged.staging().locate(&name_of(&digest)), digest, invalid)
    }

    /// What was staged, if it is an archive.
    pub(super) fn staged(&self) -> Option<&Staged> {
        match &self.kind {
            SourceKind::Archive(staged) => Some(staged),
            SourceKind::Layout(_) | SourceKind::Directory(_) | SourceKind::Tree(_) => None,
        }
    }

    /// The signatures of a schema1 manifest of an image.
    pub(super) fn signatures(&self, image: &Entry, revision: Digest) -> Result<Vec<Vec<u8>>> {
        match &self.kind {
            SourceKind::Layout(_) | SourceKind::Directory(_) | SourceKind::Archive(_) => {
                let own = |entry: &&Entry| {
                    entry.signature_of == Some(revision) && entry.own_repository == image.own_repository
                };
                self.entries.iter().filter(own).map(|entry| self.manifest(entry, entry.digest)).collect()
            }
            SourceKind::Tree(registry) => {
                let stored = signatures::stored(&repository(registry, image)?, revision)?;
                Ok(stored.into_iter().map(|(_, bytes)| bytes).collect())
            }
        }
    }

    pub(super) fn invalid(&self, entry: &str, reason: String) -> Error {
        invalid(&self.path, entry, reason)
    }
}

impl Indexes for Source {
    fn index(&self, digest: Digest) -> Result<Option<Vec<u8>>> {
        match &self.kind {
            SourceKind::Layout(layout) if layout.open_content(&digest)?.is_some() => layout.manifest(digest).map(Some),
            SourceKind::Archive(staged) if staged.content(&digest).is_some() => {
                self.staged_manifest(staged, digest).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn invalid(&self, entry: &str, reason: String) -> Error {
        self.invalid(entry, reason)
    }
}

/// The images of an archive; only their names, where those are what is asked for and there are no manifests.
fn images(stager: &mut Stager<'_>, how: &ReadSource<'_>) -> Result<(Vec<Entry>, Vec<Option<String>>)> {
    if let Some(entries) = stager.take_index() {
        return Ok((entries, Vec::new()));
    }
    let staged = stager.staged();
    let is_docker = how.format == Some(SourceFormat::DockerArchive);
    let may_be_docker = how.format.is_none() && !staged.is_layout();
    let Some(text) = staged.docker_manifest.clone().filter(|_| is_docker || may_be_docker) else {
        let missing = if is_docker { DOCKER_MANIFEST } else { layout::INDEX };
        let reason = "it is missing, so this is neither an OCI image layout nor a docker archive";
        return Err(stager.invalid(missing, reason));
    };
    if how.only_names {
        return Ok((Vec::new(), docker::names(stager, &text)?));
    }
    Ok((docker::images(stager, &text)?, Vec::new()))
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
