//! Finds all that belongs to an image of the tree: its manifests, their configs and layers, and what is about them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::platform::{self, Choice, Manifests, Platforms};
use crate::blob;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::layout::Entry;
use crate::manifest::{self, Kind, Manifest, Role, signatures};
use crate::name::{RepositoryName, Tag};
use crate::reach::subject_of;
use crate::repository::{Repository, revision};
use crate::stream::Interrupt;
use crate::tag;

/// Content of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Content {
    /// The digest by which the image names it.
    pub(super) key: Digest,
    /// The digest under which the tree stores it.
    pub(super) target: Digest,
    /// In bytes.
    pub(super) size: u64,
}

/// An image with all that it names.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) digest: Digest,
    /// In bytes.
    pub(super) size: u64,
    pub(super) media_type: String,
    pub(super) artifact_type: Option<String>,
    /// Its manifests and their content, each once, sorted. An export remembers them of all images, so they are not in a
    /// tree of nodes, which would be several times as large.
    pub(super) contents: Box<[Content]>,
    /// Its manifests, sorted.
    pub(super) manifests: Box<[Digest]>,
    /// The signatures that a registry up to 2.4 stored: the manifest, the signature, and its size in bytes.
    pub(super) signatures: Vec<(Digest, Digest, u64)>,
    /// The bytes of an index that was made for some platforms, and that the tree does not have.
    pub(super) made: Option<Vec<u8>>,
}

/// An image of a repository.
#[derive(Debug)]
pub(super) struct Image {
    pub(super) repository: RepositoryName,
    pub(super) tag: Option<Tag>,
    pub(super) whole: Whole,
}

impl Image {
    /// Its name in a layout, if it has a tag.
    pub(super) fn name(&self) -> Option<String> {
        self.tag.as_ref().map(|tag| format!("{}:{tag}", self.repository))
    }

    /// Its name, or its repository and digest.
    pub(super) fn describe(&self) -> String {
        self.name().unwrap_or_else(|| format!("{}@{}", self.repository, self.whole.digest))
    }
}

/// Manifests of one repository, by the tag and the digest.
pub(super) type Wanted = BTreeSet<(Option<Tag>, Digest)>;

/// The wanted images of a repository, with their referrers if those are asked for, in the order of their tags.
///
/// Calls `skip` with the name of an image that is not whole, and the reason. What may hide a referrer is added to
/// `damage`.
pub(super) fn gather(
    repository: &Repository<'_>,
    wanted: Wanted,
    referrers: bool,
    interrupt: &Interrupt,
    damage: &mut Vec<Error>,
    skip: impl FnMut(String, Error) -> Result<()>,
) -> Result<Vec<Image>> {
    gather_for(repository, wanted, Platforms::default(), referrers, interrupt, damage, skip)
}

/// Does the same for some platforms. `Err(PlatformUnknown)` when an image has nothing for one of them.
pub(super) fn gather_for(
    repository: &Repository<'_>,
    wanted: Wanted,
    platforms: Platforms<'_>,
    referrers: bool,
    interrupt: &Interrupt,
    damage: &mut Vec<Error>,
    mut skip: impl FnMut(String, Error) -> Result<()>,
) -> Result<Vec<Image>> {
    let gathering = if referrers {
        let (gathering, hidden) = Gathering::with_referrers(repository);
        damage.extend(hidden);
        gathering
    } else {
        Gathering::of_images(repository)
    };
    let name = repository.name();
    let (mut known, mut images) = (HashSet::new(), Vec::new());
    let mut pending: Vec<_> = wanted.into_iter().map(|(tag, digest)| (tag, digest, platforms)).collect();
    while let Some((tag, digest, platforms)) = pending.pop() {
        interrupt.check()?;
        if !known.insert((tag.clone(), digest)) {
            continue;
        }
        match gathering.chosen(digest, platforms) {
            Ok(whole) => {
                // What is about an image has no platform.
                let about = gathering.about(&whole.manifests).into_iter();
                pending.extend(about.map(|(tag, digest)| (tag, digest, Platforms::default())));
                images.push(Image { repository: name.clone(), tag, whole });
            }
            Err(error) => {
                let target = tag.map_or_else(|| format!("@{digest}"), |tag| format!(":{tag}"));
                skip(format!("{name}{target}"), error)?;
            }
        }
    }
    // A manifest that has a tag, or that another image leads to, needs no entry without a name.
    let mut has_entry = HashSet::new();
    for Image { tag, whole, .. } in &images {
        has_entry.extend(whole.manifests.iter().copied().filter(|digest| tag.is_some() || *digest != whole.digest));
    }
    images.retain(|image| image.tag.is_some() || !has_entry.contains(&image.whole.digest));
    images.sort_by(|a, b| (&a.tag, a.whole.digest).cmp(&(&b.tag, b.whole.digest)));
    Ok(images)
}

/// A repository whose images are gathered.
struct Gathering<'r> {
    repository: &'r Repository<'r>,
    /// The manifests that are about another one, by that one.
    referrers: HashMap<Digest, BTreeSet<Digest>>,
    /// The tags that were made for a manifest, by that manifest.
    tags_for: HashMap<Digest, BTreeMap<Tag, Digest>>,
}

impl<'r> Gathering<'r> {
    /// The images alone, without what is about them.
    fn of_images(repository: &'r Repository<'r>) -> Self {
        Self { repository, referrers: HashMap::new(), tags_for: HashMap::new() }
    }

    /// The images and their referrers. Manifests that can't be read are returned: what they are about is unknown.
    fn with_referrers(repository: &'r Repository<'r>) -> (Self, Vec<Error>) {
        let (mut gathering, mut damage) = (Self::of_images(repository), Vec::new());
        let mut indexes = HashSet::new();
        for manifest in manifest::manifests(repository) {
            match manifest {
                Ok((revision, manifest)) => {
                    if manifest.kind.has_children() {
                        indexes.insert(revision.digest);
                    }
                    if let Some(Ok(subject)) = manifest.subject.map(|subject| subject.digest) {
                        gathering.referrers.entry(subject).or_default().insert(revision.digest);
                    }
                }
                Err(error) => damage.push(error),
            }
        }
        let found = tag::tags(repository);
        damage.extend(found.damage);
        for (tag, digest) in found.tags {
            let Some((subject, suffix)) = subject_of(tag.as_str()) else { continue };
            // A tag that names its own image pins it, and a hash may be the version of something else.
            if digest != subject && (suffix.is_some() || indexes.contains(&digest)) {
                gathering.tags_for.entry(subject).or_default().insert(tag, digest);
            }
        }
        (gathering, damage)
    }

    /// What is about any of these manifests, and what is about that: the manifests, and the tags that name some.
    fn about(&self, manifests: &[Digest]) -> Vec<(Option<Tag>, Digest)> {
        let mut about = Vec::new();
        for subject in manifests {
            let tags = self.tags_for.get(subject).into_iter().flatten();
            about.extend(tags.map(|(tag, digest)| (Some(tag.clone()), *digest)));
            let referrers = self.referrers.get(subject).into_iter().flatten();
            about.extend(
                referrers
                    .filter(|referrer| manifests.binary_search(referrer).is_err())
                    .map(|referrer| (None, *referrer)),
            );
        }
        about
    }

    /// What the image `digest` has for some platforms, with all that it names.
    fn chosen(&self, digest: Digest, platforms: Platforms<'_>) -> Result<Whole> {
        let (bytes, manifest) = manifest::read(self.repository, digest)?;
        let size = bytes.len() as u64;
        let index = match platform::choose(digest, &bytes, &manifest, platforms, self)? {
            Choice::Whole => return self.whole(digest, size, manifest, &HashSet::new()),
            Choice::WithoutSome(left_out) => return self.whole(digest, size, manifest, &left_out),
            Choice::One(digest) => return self.chosen(digest, Platforms::default()),
            Choice::Made(index) => index,
        };
        let (digest, size) = (Digest::of(&index), index.len() as u64);
        let mut whole = self.whole(digest, size, self.parse(digest, &index)?, &HashSet::new())?;
        whole.contents = whole.contents.into_iter().filter(|content| content.key != digest).collect();
        whole.made = Some(index);
        Ok(whole)
    }

    /// The image `digest` with all that it names, but what is to be `left_out`. A child or layer that is missing is an
    /// error; a layer that the repository does not link and that has `urls` is left out.
    fn whole(&self, digest: Digest, size: u64, manifest: Manifest, left_out: &HashSet<Digest>) -> Result<Whole> {
        let mut whole = Whole {
            digest,
            size,
            media_type: manifest.served_as().unwrap_or(crate::descriptor::OCTET_STREAM).to_owned(),
            artifact_type: manifest.artifact_type.clone(),
            contents: Box::default(),
            manifests: Box::default(),
            signatures: Vec::new(),
            made: None,
        };
        let (mut contents, mut manifests) = (BTreeSet::new(), BTreeSet::new());
        let mut pending = vec![(digest, size, manifest)];
        let mut seen = HashSet::from([digest]);
        while let Some((digest, size, manifest)) = pending.pop() {
            contents.insert(Content { key: digest, target: digest, size });
            manifests.insert(digest);
            if manifest.kind == Kind::Schema1 {
                for (signature, bytes) in signatures::stored(self.repository, digest)? {
                    let size = bytes.len() as u64;
                    contents.insert(Content { key: signature, target: signature, size });
                    whole.signatures.push((digest, signature, size));
                }
            }
            for named in self.named(digest, &manifest, left_out)? {
                match named {
                    Named::Content(content) => drop(contents.insert(content)),
                    Named::Manifest(child) if seen.insert(child) => {
                        let (bytes, manifest) = manifest::read(self.repository, child)?;
                        pending.push((child, bytes.len() as u64, manifest));
                    }
                    Named::Manifest(_) => {}
                }
            }
        }
        whole.contents = contents.into_iter().collect();
        whole.manifests = manifests.into_iter().collect();
        Ok(whole)
    }

    /// What a manifest names, but what is to be `left_out`.
    fn named(&self, parent: Digest, manifest: &Manifest, left_out: &HashSet<Digest>) -> Result<Vec<Named>> {
        let mut named = Vec::new();
        for reference in manifest.references.iter().chain(&manifest.mentions().collect::<Vec<_>>()) {
            let Ok(digest) = reference.digest else {
                let reason = format!("{} {:?} is not a digest", reference.role, reference.text);
                let repository = self.repository.name().clone();
                return Err(Error::ManifestMalformed { repository, digest: parent, reason });
            };
            if left_out.contains(&digest) {
                continue;
            }
            let is_manifest = || Ok(revision::find(self.repository, digest)?.is_some());
            let may_be_manifest = matches!(reference.role, Role::Child | Role::Mention);
            if may_be_manifest && is_manifest()? {
                named.push(Named::Manifest(digest));
                continue;
            }
            match self.content(digest)? {
                Some(content) => named.push(Named::Content(content)),
                // What a manifest of an unknown kind mentions may be anything, and need not exist.
                None if reference.role == Role::Mention || reference.is_elsewhere() => {}
                None if reference.role == Role::Child => {
                    return Err(self.repository.manifest_unknown(digest, crate::error::Missing::Link));
                }
                None => return Err(self.repository.blob_unknown(digest)?),
            }
        }
        Ok(named)
    }

    /// Content that the repository links. `Err(ContentMissing)` when there is only the link.
    fn content(&self, key: Digest) -> Result<Option<Content>> {
        let Some(link) = self.repository.find_link(key)? else { return Ok(None) };
        let tree = self.repository.tree();
        if let Some(size) = blob::content_size(tree, link.target)? {
            return Ok(Some(Content { key, target: link.target, size }));
        }
        let path = tree.locate(&Entry::Blob(link.target).path());
        Err(Error::ContentMissing { repository: self.repository.name().clone(), digest: key, path })
    }
}

impl Manifests for Gathering<'_> {
    fn repository(&self) -> &RepositoryName {
        self.repository.name()
    }

    fn read(&self, digest: Digest) -> Result<Vec<u8>> {
        let link = self.repository.find_link(digest)?;
        manifest::content(self.repository, link.map_or(digest, |link| link.target))
    }

    fn parse(&self, digest: Digest, bytes: &[u8]) -> Result<Manifest> {
        manifest::parse(self.repository, digest, bytes)
    }
}

enum Named {
    Manifest(Digest),
    Content(Content),
}
