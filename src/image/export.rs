//! Exports images of the tree to an OCI image layout.
//!
//! All content comes first, each file whole and hashed on its way; the index that names the images comes last. So a
//! layout never names what it does not have, and an export that was cut short leaves the old layout.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::{Seek, SeekFrom};
use std::path::Path;

use serde_json::value::RawValue;

use super::layout::{self, Layout, Written};
use super::whole::{self, Content, Image, Wanted};
use super::{REF_NAME, REPOSITORY, SIGNATURE_OF};
use crate::digest::{Algorithm, Digest, Hasher};
use crate::durable::OutputDirectory;
use crate::error::{Error, Result};
use crate::layout::Entry;
use crate::manifest;
use crate::name::{Reference, RepositoryName, Tag, Target};
use crate::pattern::Pattern;
use crate::registry::Registry;
use crate::repository::Repository;
use crate::stream::{self, Watch};
use crate::tag;

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
#[derive(Clone, Copy, Debug)]
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
}

/// What an export did.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Exported {
    /// The images that are in the layout now, referrers included: the repository, the tag if there is one, and the
    /// digest.
    pub images: Vec<(RepositoryName, Option<Tag>, Digest)>,
    /// How many blobs and manifests were written, and their bytes.
    pub written: (u64, u64),
    /// How many the layout had already, and their bytes.
    pub present: (u64, u64),
    /// The images that were left out: their name, and why.
    pub skipped: Vec<(String, Error)>,
    /// What could not be read while looking for images and referrers.
    pub damage: Vec<Error>,
}

impl Default for Export {
    fn default() -> Self {
        Self { referrers: true, untagged: false, verify_existing: false, skip_damaged: false }
    }
}

/// Exports images to the layout in the directory `output`, which is made if it does not exist. Images that the layout
/// has under other names stay.
///
/// The errors are those of what can't be read. `Err(Corrupt)` names content that is not what its digest says.
/// `Err(Refused)` when something else is at `output`. The layout is then as it was, but for content that nothing names
/// yet.
pub fn export(
    registry: &Registry,
    selections: &[Selection],
    output: &Path,
    how: Export,
    watch: &Watch<'_>,
) -> Result<Exported> {
    let mut exporting = Exporting { registry, how, watch, exported: Exported::default() };
    let images = exporting.gather(selections)?;
    let directory = OutputDirectory::open(output, layout::MARKER, layout::MARKER_TEXT)?;
    let images = exporting.write(&directory, images)?;
    let index = index(&directory, &images)?;
    directory.finish(Path::new(layout::INDEX), &index)?;
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
    /// The images that are asked for, with what is about them.
    fn gather(&mut self, selections: &[Selection]) -> Result<Vec<Image>> {
        let mut wanted: BTreeMap<RepositoryName, Wanted> = BTreeMap::new();
        for selection in selections {
            match selection {
                Selection::Image(reference) => self.add_image(reference, &mut wanted)?,
                Selection::Repositories(pattern) => {
                    if !self.add_repositories(|name| pattern.is_match(name.as_str()), &mut wanted)? {
                        return Err(Error::NoMatch { pattern: pattern.to_string() });
                    }
                }
                Selection::All => drop(self.add_repositories(|_| true, &mut wanted)?),
            }
        }
        let mut images = Vec::new();
        for (name, wanted) in wanted {
            self.gather_repository(&name, wanted, &mut images)?;
        }
        Ok(images)
    }

    fn add_image(&mut self, reference: &Reference, wanted: &mut BTreeMap<RepositoryName, Wanted>) -> Result<()> {
        let repository = self.registry.repository(&reference.repository)?;
        let digest = manifest::resolve(&repository, &reference.target)?;
        let tag = match &reference.target {
            Target::Tag(tag) => Some(tag.clone()),
            Target::Digest(_) => None,
        };
        wanted.entry(reference.repository.clone()).or_default().insert((tag, digest));
        Ok(())
    }

    /// Adds what the chosen repositories have. `false` when none is chosen.
    fn add_repositories(
        &mut self,
        is_chosen: impl Fn(&RepositoryName) -> bool,
        wanted: &mut BTreeMap<RepositoryName, Wanted>,
    ) -> Result<bool> {
        let found = self.registry.repositories();
        let mut any = false;
        for name in found.repositories.into_iter().filter(is_chosen) {
            any = true;
            let repository = self.registry.repository(&name)?;
            let tags = tag::tags(&repository);
            self.damaged(&name, tags.damage)?;
            let wanted = wanted.entry(name.clone()).or_default();
            wanted.extend(tags.tags.into_iter().map(|(tag, digest)| (Some(tag), digest)));
            if self.how.untagged {
                let tagged: HashSet<Digest> = wanted.iter().map(|(_, digest)| *digest).collect();
                for found in crate::repository::revision::revisions(&repository) {
                    match found {
                        Ok(revision) if !tagged.contains(&revision.digest) => {
                            wanted.insert((None, revision.digest));
                        }
                        Ok(_) => {}
                        Err(error) => self.damaged(&name, [error])?,
                    }
                }
            }
        }
        self.exported.damage.extend(found.damage);
        Ok(any)
    }

    /// Notes what can't be read of a repository, or fails where damage is not to be skipped.
    fn damaged(&mut self, repository: &RepositoryName, damage: impl IntoIterator<Item = Error>) -> Result<()> {
        for error in damage {
            self.skip(repository.to_string(), error)?;
        }
        Ok(())
    }

    fn skip(&mut self, name: String, error: Error) -> Result<()> {
        if let Error::Interrupted { .. } = error {
            return Err(error);
        }
        if !self.how.skip_damaged {
            return Err(Error::NotExported { image: name, source: Box::new(error) });
        }
        self.exported.skipped.push((name, error));
        Ok(())
    }

    fn gather_repository(&mut self, name: &RepositoryName, wanted: Wanted, images: &mut Vec<Image>) -> Result<()> {
        let repository = self.registry.repository(name)?;
        let (referrers, interrupt) = (self.how.referrers, self.watch.interrupt.clone());
        let mut damage = Vec::new();
        let gathered = whole::gather(&repository, wanted, referrers, &interrupt, &mut damage, |image, error| {
            self.skip(image, error)
        });
        self.exported.damage.append(&mut damage);
        images.extend(gathered?);
        Ok(())
    }

    /// Writes the content of all images. Returns the images of which all is in the layout.
    fn write(&mut self, directory: &OutputDirectory, images: Vec<Image>) -> Result<Vec<Image>> {
        let contents: BTreeSet<Content> =
            images.iter().flat_map(|image| image.whole.contents.iter().copied()).collect();
        let total = contents.iter().map(|content| content.size).sum();
        self.watch.progress.begin("exporting", Some(total));
        let whole = self.write_all(directory, images);
        self.watch.progress.end();
        whole
    }

    fn write_all(&mut self, directory: &OutputDirectory, images: Vec<Image>) -> Result<Vec<Image>> {
        let (mut whole, mut done) = (Vec::with_capacity(images.len()), BTreeSet::new());
        for image in images {
            match self.write_image(directory, &image, &mut done)? {
                None => whole.push(image),
                Some(error) => self.skip(describe(&image), error)?,
            }
        }
        Ok(whole)
    }

    /// Writes the content of an image. `Ok(Some)` is the error for content that the tree does not have right.
    fn write_image(
        &mut self,
        directory: &OutputDirectory,
        image: &Image,
        done: &mut BTreeSet<Digest>,
    ) -> Result<Option<Error>> {
        let repository = self.registry.repository(&image.repository)?;
        for content in &image.whole.contents {
            if done.contains(&content.key) {
                continue;
            }
            match self.write_content(directory, &repository, content) {
                Ok(()) => drop(done.insert(content.key)),
                Err(
                    error @ (Error::Corrupt { .. }
                    | Error::ContentMissing { .. }
                    | Error::DigestUnusable { .. }
                    | Error::WrongKind { .. }),
                ) => return Ok(Some(error)),
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    fn write_content(
        &mut self,
        directory: &OutputDirectory,
        repository: &Repository<'_>,
        content: &Content,
    ) -> Result<()> {
        let Some(name) = layout::content_path(&content.key) else {
            return Err(Error::DigestUnusable { digest: content.key, action: "name content of an image layout" });
        };
        if self.is_present(directory, &name, content)? {
            self.exported.present.0 += 1;
            self.exported.present.1 += content.size;
            self.watch.progress.advance(content.size);
            return Ok(());
        }
        let (tree, path) = (repository.tree(), Entry::Blob(content.target).path());
        let missing = || Error::ContentMissing {
            repository: repository.name().clone(),
            digest: content.key,
            path: tree.locate(&path),
        };
        let source = tree.open_file(&path)?.ok_or_else(missing)?;
        directory.write_whole(&name, |sink| {
            let algorithms: BTreeSet<Algorithm> =
                [content.key, content.target].into_iter().filter_map(|digest| digest.algorithm()).collect();
            let sink_name = directory.path().join(&name);
            let hasher = Hasher::new(algorithms);
            let hashed = if rustix::fs::ioctl_ficlone(&*sink, &source).is_ok() {
                // The clone is hashed, and not what it was made of: that may change.
                let rewound = sink.seek(SeekFrom::Start(0));
                rewound.map_err(|error| Error::io("read", &sink_name, error))?;
                let hashed = stream::hash(&*sink, hasher, &mut vec![0; stream::BUFFER], self.watch);
                hashed.map_err(|error| self.watch.interrupt.or(Error::io("read", &sink_name, error)))?
            } else {
                let copied = stream::copy_hashed(source, sink, hasher, self.watch);
                copied.map_err(|error| error.between(tree.locate(&path), &sink_name))?
            };
            let hashed = hashed.finish();
            for expected in [content.key, content.target] {
                let found = expected.algorithm().and_then(|algorithm| hashed.by(algorithm));
                if let Some(found) = found.filter(|found| *found != expected) {
                    let (path, repository, size) = (tree.locate(&path), repository.name().clone(), hashed.size);
                    return Err(Error::Corrupt { path, repository, expected, found, size });
                }
            }
            Ok(())
        })?;
        self.exported.written.0 += 1;
        self.exported.written.1 += content.size;
        Ok(())
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
        let file = std::fs::File::open(&path).map_err(failed)?;
        let hashed = stream::hash_file(file, content.key.algorithm(), &self.watch.interrupt).map_err(failed)?;
        Ok(content.key.algorithm().and_then(|algorithm| hashed.by(algorithm)) == Some(content.key))
    }
}

fn describe(image: &Image) -> String {
    image.name().unwrap_or_else(|| format!("{}@{}", image.repository, image.whole.digest))
}

/// The index: the entries that are there, with those of the images in their places or at the end.
fn index(directory: &OutputDirectory, images: &[Image]) -> Result<Vec<u8>> {
    let known = match directory.size(Path::new(layout::INDEX))? {
        Some(_) => Layout::open(directory.path())?.read_index()?,
        None => Vec::new(),
    };
    let mut new = BTreeMap::new();
    for image in images {
        new.insert(Key::of_image(image), written(image)?);
        for (revision, signature, size) in &image.whole.signatures {
            let key = Key::Untagged(Some(image.repository.to_string()), *signature);
            new.insert(key, written_signature(&image.repository, *revision, *signature, *size)?);
        }
    }
    let mut entries = Vec::new();
    for entry in known {
        entries.extend(new.remove(&Key::of_entry(&entry)).or(entry.raw));
    }
    // In the order of the names.
    entries.extend(new.into_values());
    let document = Index { schema_version: 2, media_type: INDEX_TYPE, manifests: entries };
    serde_json::to_vec(&document).map_err(|error| Error::io("write", directory.path().join(layout::INDEX), error))
}

/// The media type of a stored signature: a JSON web signature.
const SIGNATURE_TYPE: &str = "application/jose+json";
const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Index {
    schema_version: u8,
    media_type: &'static str,
    manifests: Vec<Box<RawValue>>,
}

/// What makes two entries of an index the same image.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Name(String),
    Untagged(Option<String>, Digest),
}

impl Key {
    fn of_image(image: &Image) -> Self {
        match image.name() {
            Some(name) => Self::Name(name),
            None => Self::Untagged(Some(image.repository.to_string()), image.whole.digest),
        }
    }

    fn of_entry(entry: &layout::Entry) -> Self {
        match &entry.ref_name {
            Some(name) => Self::Name(name.clone()),
            None => Self::Untagged(entry.own_repository.clone(), entry.digest),
        }
    }
}

/// The entry of a signature, which is content of its own and no image.
fn written_signature(
    repository: &RepositoryName,
    revision: Digest,
    digest: Digest,
    size: u64,
) -> Result<Box<RawValue>> {
    let annotations = BTreeMap::from([(REPOSITORY, repository.to_string()), (SIGNATURE_OF, revision.to_string())]);
    raw(&Written { media_type: SIGNATURE_TYPE, digest, size, artifact_type: None, annotations })
}

fn written(image: &Image) -> Result<Box<RawValue>> {
    let mut annotations = BTreeMap::from([(REPOSITORY, image.repository.to_string())]);
    if let Some(name) = image.name() {
        annotations.insert(REF_NAME, name);
    }
    let whole = &image.whole;
    raw(&Written {
        media_type: &whole.media_type,
        digest: whole.digest,
        size: whole.size,
        artifact_type: whole.artifact_type.as_deref(),
        annotations,
    })
}

fn raw(entry: &Written<'_>) -> Result<Box<RawValue>> {
    serde_json::value::to_raw_value(entry).map_err(|error| Error::io("write", layout::INDEX, error))
}
