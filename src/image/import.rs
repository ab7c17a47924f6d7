//! Imports images from OCI image layouts.
//!
//! Each image goes in from the bottom up: content, then manifests, each after what it names, then the tag. **A tag
//! appears last, when all of its image is in the tree, on the disk, and checked as `manifest put` checks it.** So a killed
//! import leaves no tag and no link that leads nowhere, and the next run finds what is there already.

use std::collections::{BTreeMap, HashSet};

use super::MAX_DEPTH;
use super::layout::Entry;
use super::names::{Name, Names};
use super::platform::{self, Choice, Manifests, Platforms};
use super::source::Source;
use super::stage::{Staged, name_of};
use crate::blob::{self, Expected, Outcome};
use crate::count;
use crate::digest::Digest;
use crate::durable::{ContentPlace, HashedContent, Writer};
use crate::error::{Error, Result};
use crate::manifest::platform::Wanted;
use crate::manifest::{self, Kind, Manifest, Reference, Role};
use crate::name::{RepositoryName, Tag};
use crate::repository::Repository;
use crate::stream::Watch;
use crate::tag;
use crate::tree::Tree;
use crate::upload;

/// How to import.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Import {
    /// How to name the images.
    pub names: Names,
    /// The platforms that are wanted of images that have several; none for all.
    pub platforms: Vec<Wanted>,
    /// What to do where a tag points to another image.
    pub taken: TakenTag,
    /// Whether to compare a blob that the tree has already by its size only. Otherwise it is hashed, and replaced if it
    /// is damaged.
    pub trust_existing: bool,
}

/// What to do where a tag that an image is to get points to another image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TakenTag {
    /// Move it.
    #[default]
    Move,
    /// Refuse to import anything.
    Keep,
    /// Refuse to import anything. The user can override that with `--force`.
    KeepUnlessForced,
}

/// One step of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Imported {
    /// A repository has this content now.
    Blob {
        /// The repository.
        repository: RepositoryName,
        /// The digest by which the image names it.
        digest: Digest,
        /// In bytes.
        size: u64,
        /// Whether it was new to the tree.
        outcome: Outcome,
    },
    /// A repository has this manifest now.
    Manifest {
        /// The repository.
        repository: RepositoryName,
        /// Its digest.
        digest: Digest,
        /// In bytes.
        size: u64,
        /// Whether it was new to the tree.
        outcome: Outcome,
    },
    /// A tag points to this image now.
    Tag {
        /// The repository.
        repository: RepositoryName,
        /// The tag.
        tag: Tag,
        /// The image.
        digest: Digest,
        /// The image that it pointed to before, if that is another one.
        before: Option<Digest>,
    },
}

/// An image of a source, and the name that it gets.
struct Incoming<'s> {
    source: &'s Source,
    entry: Entry,
    /// The bytes of an index that was made for some platforms, and that the source does not have.
    made: Option<Vec<u8>>,
    name: Name,
    /// What its tag points to, if that is another image.
    before: Option<Digest>,
}

/// Imports the images of `sources` into the tree, and calls `tell` after each step. Without a `writer` nothing is
/// changed, and it tells what would be done.
///
/// `Err(ImageUnnamed)`, `Err(NameTwice)`, the errors of platforms, and `Err(Refused)` or `Err(SafetyLimit)` for a taken
/// tag come before anything is imported. `Err(SourceInvalid)`, `Err(DigestMismatch)` or `Err(SizeMismatch)` when a source
/// does not have what it names, and `Err(ManifestInvalid)` when a registry would refuse it: what was imported before that
/// stays.
pub fn import(
    tree: &Tree,
    writer: Option<&Writer<'_>>,
    sources: &[Source],
    how: &Import,
    now: jiff::Timestamp,
    watch: &Watch<'_>,
    tell: impl FnMut(Imported),
) -> Result<()> {
    let images = incoming(tree, sources, how)?;
    let (done, sound) = (HashSet::new(), HashSet::new());
    let mut importing = Importing { tree, writer, how, now, watch, tell, done, sound };
    images.iter().try_for_each(|image| importing.image(image))
}

/// The images to import, by their names.
fn incoming<'s>(tree: &Tree, sources: &'s [Source], how: &Import) -> Result<Vec<Incoming<'s>>> {
    let mut named: BTreeMap<(Name, Option<Digest>), Incoming<'s>> = BTreeMap::new();
    for source in sources {
        for entry in source.entries().iter().filter(|entry| entry.signature_of.is_none()) {
            let Some(name) = how.names.of(entry, source.path())? else { continue };
            let (entry, made) = chosen(source, entry, &name, &how.platforms)?;
            // Any number of images of a repository may have no tag.
            let key = (name.clone(), name.tag.is_none().then_some(entry.digest));
            match named.get(&key) {
                Some(first) if first.entry.digest == entry.digest => continue,
                Some(first) => {
                    return Err(Error::NameTwice {
                        name: name.to_string(),
                        first: (first.source.path().to_owned(), first.entry.digest),
                        second: (source.path().to_owned(), entry.digest),
                    });
                }
                None => {}
            }
            let before = current(tree, &name)?.filter(|digest| *digest != entry.digest);
            if let Some(before) = before {
                check_taken(&name, before, how.taken)?;
            }
            named.insert(key, Incoming { source, entry, made, name, before });
        }
    }
    Ok(named.into_values().collect())
}

fn check_taken(name: &Name, before: Digest, taken: TakenTag) -> Result<()> {
    let reason = || format!("{name} exists, and points to {before}");
    match taken {
        TakenTag::Move => Ok(()),
        TakenTag::Keep => Err(Error::Refused { reason: reason() }),
        TakenTag::KeepUnlessForced => Err(Error::SafetyLimit { reason: reason(), override_option: "--force".into() }),
    }
}

/// What an image has for some platforms: the entry of that, and the bytes of an index that was made for it. The errors
/// are those of [`platform::choose`].
fn chosen(source: &Source, entry: &Entry, name: &Name, wanted: &[Wanted]) -> Result<(Entry, Option<Vec<u8>>)> {
    if wanted.is_empty() {
        return Ok((entry.clone(), None));
    }
    let image = OfImage { source, entry, name };
    let bytes = image.read(entry.digest)?;
    let manifest = image.parse(entry.digest, &bytes)?;
    let platforms = Platforms { wanted, ..Platforms::default() };
    let of = |digest, bytes: &[u8]| Entry { digest, size: bytes.len() as u64, ..entry.clone() };
    Ok(match platform::choose(entry.digest, &bytes, &manifest, platforms, &image)? {
        // An index is never to stay as it is here.
        Choice::Whole | Choice::WithoutSome(_) => (entry.clone(), None),
        Choice::One(digest) => (of(digest, &image.read(digest)?), None),
        Choice::Made(index) => (of(Digest::of(&index), &index), Some(index)),
    })
}

/// The manifests of an image of a source, and the name that it gets.
struct OfImage<'s> {
    source: &'s Source,
    entry: &'s Entry,
    name: &'s Name,
}

impl Manifests for OfImage<'_> {
    fn repository(&self) -> &RepositoryName {
        &self.name.repository
    }

    fn read(&self, digest: Digest) -> Result<Vec<u8>> {
        self.source.document(self.entry, digest)
    }

    fn parse(&self, digest: Digest, bytes: &[u8]) -> Result<Manifest> {
        read(self.source, digest, bytes)
    }
}

/// What the tag of this name points to. A broken tag points to nothing, and is set again.
fn current(tree: &Tree, name: &Name) -> Result<Option<Digest>> {
    let Some(tag) = &name.tag else { return Ok(None) };
    match tag::find(&Repository::new(tree, name.repository.clone()), tag) {
        Err(Error::BrokenTag { .. }) => Ok(None),
        found => found,
    }
}

struct Importing<'i, T> {
    tree: &'i Tree,
    writer: Option<&'i Writer<'i>>,
    how: &'i Import,
    now: jiff::Timestamp,
    watch: &'i Watch<'i>,
    tell: T,
    /// What a repository got in this run.
    done: HashSet<(RepositoryName, Digest)>,
    /// Content of the tree that was hashed in this run.
    sound: HashSet<Digest>,
}

/// A manifest of a source, and whether what it names was already followed.
struct Pending {
    digest: Digest,
    followed: bool,
    /// How many indexes lead to it.
    depth: usize,
}

impl<T: FnMut(Imported)> Importing<'_, T> {
    fn image(&mut self, image: &Incoming<'_>) -> Result<()> {
        let mut pending = vec![Pending { digest: image.entry.digest, followed: false, depth: 0 }];
        let mut begun = HashSet::new();
        while let Some(Pending { digest, followed, depth }) = pending.pop() {
            self.watch.interrupt.check()?;
            // Two indexes can't name each other, because a digest is of the bytes. But one may be named twice.
            if self.is_done(image, digest) || !followed && !begun.insert(digest) {
                continue;
            }
            if depth > MAX_DEPTH {
                let reason = format!("it is nested in more than {MAX_DEPTH} indexes");
                return Err(image.source.invalid(&format!("manifest {digest}"), reason));
            }
            let bytes = match &image.made {
                Some(made) if digest == image.entry.digest => made.clone(),
                _ => image.source.manifest(&image.entry, digest)?,
            };
            Self::check_size(image, digest, bytes.len() as u64)?;
            let manifest = read(image.source, digest, &bytes)?;
            if followed {
                self.manifest(image, digest, &bytes, &manifest)?;
                continue;
            }
            pending.push(Pending { digest, followed: true, depth });
            let mut named = HashSet::new();
            for reference in &manifest.references {
                match reference.digest {
                    Ok(child) if is_manifest(reference) => {
                        let is_new = named.insert(child) && !begun.contains(&child);
                        pending.extend(is_new.then_some(Pending { digest: child, followed: false, depth: depth + 1 }));
                    }
                    Ok(content) => self.content(image, digest, content, reference)?,
                    Err(error) => {
                        let reason = format!("{} {:?}: {error}", reference.role, reference.text);
                        return Err(image.source.invalid(&format!("manifest {digest}"), reason));
                    }
                }
            }
        }
        self.tag(image)
    }

    /// Checks the size that the index says.
    fn check_size(image: &Incoming<'_>, digest: Digest, found: u64) -> Result<()> {
        let expected = image.entry.size;
        if digest != image.entry.digest || found == expected {
            return Ok(());
        }
        let reason = format!("expected {}, found {}", count::bytes(expected), count::bytes(found));
        Err(image.source.invalid(&format!("manifest {digest}"), reason))
    }

    fn is_done(&self, image: &Incoming<'_>, digest: Digest) -> bool {
        self.done.contains(&(image.name.repository.clone(), digest))
    }

    fn repository(&self, image: &Incoming<'_>) -> Repository<'_> {
        Repository::new(self.tree, image.name.repository.clone())
    }

    /// Puts a layer or config into the repository, unless it is there.
    fn content(&mut self, image: &Incoming<'_>, parent: Digest, digest: Digest, reference: &Reference) -> Result<()> {
        if self.is_done(image, digest) {
            return Ok(());
        }
        if digest.is_tarsum() {
            let reason =
                format!("its {} {digest} is not a hash of the bytes: such content can't be imported", reference.role);
            return Err(image.source.invalid(&format!("manifest {parent}"), reason));
        }
        let size = reference.size.and_then(|size| u64::try_from(size).ok());
        let repository = image.name.repository.clone();
        let found = blob::content_size(self.tree, digest)?.filter(|found| size.is_none_or(|size| size == *found));
        let found = if found.is_some() && self.may_link(image, digest)? { found } else { None };
        let linked = match (self.writer, found) {
            (None, Some(_)) => true,
            (Some(writer), Some(_)) => {
                let is_known =
                    self.how.trust_existing || self.sound.contains(&digest) || is_staged_in_tree(image, digest);
                blob::link_existing(writer, &repository, digest, None, !is_known, &self.watch.interrupt)?
            }
            (_, None) => false,
        };
        let (size, outcome) = match found {
            Some(found) if linked => (found, Outcome::Existed),
            _ => match self.store(image, parent, digest, reference, size)? {
                Some(stored) => stored,
                None => return Ok(()),
            },
        };
        self.done.insert((repository.clone(), digest));
        if !self.how.trust_existing || outcome != Outcome::Existed {
            self.sound.insert(digest);
        }
        (self.tell)(Imported::Blob { repository, digest, size, outcome });
        Ok(())
    }

    /// Whether the repository may have content that the tree has already: if the source has it too, or the repository
    /// has it by now. A link is a permission, and a manifest that only names content of others does not give it.
    fn may_link(&self, image: &Incoming<'_>, digest: Digest) -> Result<bool> {
        Ok(image.source.has_content(&image.entry, digest)? || self.repository(image).find_link(digest)?.is_some())
    }

    /// Stores content of the source. `None` where the source need not have it.
    fn store(
        &mut self,
        image: &Incoming<'_>,
        parent: Digest,
        digest: Digest,
        reference: &Reference,
        size: Option<u64>,
    ) -> Result<Option<(u64, Outcome)>> {
        if let Some(staged) = image.source.staged().filter(|staged| staged.content(&digest).is_some()) {
            return self.store_staged(image, staged, digest, size).map(Some);
        }
        let Some((file, path)) = image.source.open_content(&image.entry, digest)? else {
            // It may be anywhere, as its `urls` say, or in the repository, by a link under another digest.
            if reference.is_elsewhere() || self.repository(image).find_link(digest)?.is_some() {
                return Ok(None);
            }
            let reason = format!("its {} {digest} is missing", reference.role);
            return Err(image.source.invalid(&format!("manifest {parent}"), reason));
        };
        let name = path.display().to_string();
        let found = file.metadata().map_err(|error| Error::io("look at", &path, error))?.len();
        let Some(writer) = self.writer else { return Ok(Some((found, Outcome::Stored))) };
        let mut put = upload::Put::new(&name);
        put.expected = Expected { digest: Some(digest), size };
        put.size_hint = Some(found);
        let stored = put.store(writer, &image.name.repository, file, self.now, self.watch)?;
        Ok(Some((stored.descriptor.size, stored.outcome)))
    }

    /// Moves content that was staged to the tree. Returns its size in bytes.
    fn store_staged(
        &mut self,
        image: &Incoming<'_>,
        staged: &Staged,
        digest: Digest,
        size: Option<u64>,
    ) -> Result<(u64, Outcome)> {
        let gone = || Error::Refused { reason: format!("blob {digest} changed meanwhile: run the import again") };
        let repository = &image.name.repository;
        let content = staged.content(&digest).ok_or_else(gone)?;
        if let Some(expected) = size.filter(|expected| *expected != content.size) {
            let what = format!("blob {digest} of {}", image.source.path().display());
            let (repository, found) = (repository.clone(), content.size);
            return Err(Error::SizeMismatch { what, repository, expected, found, more: false });
        }
        let Some(writer) = self.writer else { return Ok((content.size, Outcome::Stored)) };
        let (canonical, name) = (content.canonical, name_of(&digest));
        let (alias, interrupt) = (Some(digest).filter(|alias| *alias != canonical), &self.watch.interrupt);
        let Some((file, identity)) = staged.open(&digest)? else {
            // It was moved to the tree before, for another repository.
            let verify = !self.sound.contains(&canonical);
            let linked = blob::link_existing(writer, repository, canonical, alias, verify, interrupt)?;
            return if linked { Ok((content.size, Outcome::Existed)) } else { Err(gone()) };
        };
        file.sync_all().map_err(|error| Error::io("sync", staged.staging().locate(&name), error))?;
        let place = ContentPlace::Staged(staged.staging(), &name);
        let hashed = HashedContent { place, file: &file, digest: canonical, identity };
        let outcome = blob::store_staged(writer, repository, &hashed, alias, interrupt)?;
        self.sound.insert(canonical);
        Ok((content.size, outcome))
    }

    /// Stores a manifest after everything that it names.
    fn manifest(&mut self, image: &Incoming<'_>, digest: Digest, bytes: &[u8], manifest: &Manifest) -> Result<()> {
        let repository = image.name.repository.clone();
        let outcome = match self.writer {
            Some(writer) => {
                let name = format!("manifest {digest} of {}", image.source.path().display());
                let mut put = manifest::Put::new(&name);
                put.media_type = manifest.kind.media_type();
                // A build cache is an index of layers, which 2.8 takes and 3.x does not. Each was just put in.
                put.skip_references = manifest
                    .references
                    .iter()
                    .any(|reference| reference.role == Role::Child && !is_manifest(reference));
                let signatures = image.source.signatures(&image.entry, digest)?;
                put.store_payload(writer, &repository, bytes, &signatures)?.outcome
            }
            None if blob::content_size(self.tree, digest)?.is_some() => Outcome::Existed,
            None => Outcome::Stored,
        };
        self.done.insert((repository.clone(), digest));
        (self.tell)(Imported::Manifest { repository, digest, size: bytes.len() as u64, outcome });
        Ok(())
    }

    fn tag(&mut self, image: &Incoming<'_>) -> Result<()> {
        let (Some(tag), digest) = (&image.name.tag, image.entry.digest) else { return Ok(()) };
        let is_set = current(self.tree, &image.name)? == Some(digest);
        if let Some(writer) = self.writer.filter(|_| !is_set) {
            tag::set(writer, &self.repository(image), tag, digest)?;
        }
        let (repository, tag) = (image.name.repository.clone(), tag.clone());
        (self.tell)(Imported::Tag { repository, tag, digest, before: image.before });
        Ok(())
    }
}

/// Whether an archive has content that was not staged, because it is right in the tree.
fn is_staged_in_tree(image: &Incoming<'_>, digest: Digest) -> bool {
    let content = image.source.staged().and_then(|staged| staged.content(&digest));
    content.is_some_and(|content| content.is_in_tree)
}

/// Whether a reference leads to a manifest. A build cache is an index whose children are layers.
fn is_manifest(reference: &Reference) -> bool {
    let is_kind = |media_type: &String| Kind::from_media_type(media_type).is_some();
    reference.role == Role::Child && reference.media_type.as_ref().is_none_or(is_kind)
}

fn read(source: &Source, digest: Digest, bytes: &[u8]) -> Result<Manifest> {
    Manifest::read(bytes).map_err(|fault| source.invalid(&format!("manifest {digest}"), fault.to_string()))
}
