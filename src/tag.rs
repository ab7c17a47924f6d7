//! Tags: names in a repository that point to manifests (layout.md §6).
//!
//! A tag is a directory, `tags/<tag>/`: `current/link` holds the digest that it points to, and `index/<alg>/<hex>/link`
//! one for each that it ever pointed to. Neither is checked against the revisions by a registry; here a tag is only ever
//! set to a revision that exists.

use std::collections::HashSet;
use std::path::PathBuf;

use crate::blob;
use crate::digest::Digest;
use crate::durable::{Staged, Sync, Writer};
use crate::error::{Error, Missing, Result};
use crate::layout::{Entry, Form, Item, TreePath};
use crate::name::{RepositoryName, Tag};
use crate::repository::{Repository, link, revision};
use crate::tree::{Kind, Tree, digests};

/// What a look for tags came upon.
#[derive(Debug, Default)]
pub struct Found {
    /// The tags and what each points to, sorted by name.
    pub tags: Vec<(Tag, Digest)>,
    /// Tags that point nowhere, and what is no tag among them.
    pub damage: Vec<Error>,
}

/// Something that a tag pointed to at some time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// The manifest.
    pub digest: Digest,
    /// When the tag was last set to it: an older entry is written again when the tag returns to it.
    pub since: jiff::Timestamp,
    /// Whether the tag points to it now.
    pub current: bool,
    /// Whether the repository has no such manifest any more, or not its content: the tag can't be set to it then.
    pub missing: bool,
}

/// What `tag` points to. `Err(TagUnknown)` when there is no such tag, `Err(BrokenTag)` when its link holds no digest.
pub fn get(repository: &Repository<'_>, tag: &Tag) -> Result<Digest> {
    match find(repository, tag)? {
        Some(digest) => Ok(digest),
        None => Err(missing(repository, tag)?),
    }
}

/// What `tag` points to; `None` when there is no such tag, or when it has nothing but a past.
pub fn find(repository: &Repository<'_>, tag: &Tag) -> Result<Option<Digest>> {
    for form in Form::ALL {
        if let Some(digest) = find_in(repository, form, tag)? {
            return Ok(Some(digest));
        }
    }
    Ok(None)
}

fn find_in(repository: &Repository<'_>, form: Form, tag: &Tag) -> Result<Option<Digest>> {
    let path = current_path(repository, form, tag);
    let Some(said) = link::read(repository.tree(), &path)? else { return Ok(None) };
    said.map(Some).map_err(|fault| Error::BrokenTag {
        repository: repository.name().clone(),
        tag: tag.clone(),
        path: repository.tree().locate(&path),
        fault,
    })
}

/// When `tag` was set to what it points to now; `None` when there is no such tag.
pub fn since(repository: &Repository<'_>, tag: &Tag) -> Result<Option<jiff::Timestamp>> {
    for form in Form::ALL {
        if let Some(found) = repository.tree().metadata(&current_path(repository, form, tag))? {
            return Ok(Some(found.modified));
        }
    }
    Ok(None)
}

fn unknown(repository: &Repository<'_>, tag: &Tag) -> Error {
    unknown_in(repository, Form::Current, tag)
}

fn unknown_in(repository: &Repository<'_>, form: Form, tag: &Tag) -> Error {
    let path = repository.tree().locate(&current_path(repository, form, tag));
    Error::TagUnknown { repository: repository.name().clone(), tag: tag.clone(), path }
}

fn current_path(repository: &Repository<'_>, form: Form, tag: &Tag) -> TreePath {
    repository.place(form).tag(tag.as_str()).current().link()
}

/// Where `tag` lies, be it broken or nothing but a past. The alphas' folder `manifests/tags` may just as well hold other
/// repositories, so what lies there is a tag only if it has a link.
fn directory(repository: &Repository<'_>, form: Form, tag: &Tag) -> Result<Option<TreePath>> {
    let directory = repository.place(form).tag(tag.as_str());
    match repository.tree().metadata(&directory)? {
        None => Ok(None),
        Some(found) if found.kind != Kind::Directory && form == Form::Alpha => Ok(None),
        Some(found) if found.kind != Kind::Directory => {
            Err(repository.tree().wrong_kind(&directory, "a directory", found.kind))
        }
        Some(_) if form == Form::Alpha && !has_links(repository, form, tag)? => Ok(None),
        Some(_) => Ok(Some(directory)),
    }
}

fn has_links(repository: &Repository<'_>, form: Form, tag: &Tag) -> Result<bool> {
    let current = repository.tree().metadata(&current_path(repository, form, tag))?;
    let index = repository.place(form).history(tag.as_str());
    Ok(current.is_some() || digests::keyed(repository.tree(), &index).any(|found| found.is_ok()))
}

/// Every tag of `repository`.
pub fn tags(repository: &Repository<'_>) -> Found {
    let mut found = Found::default();
    for form in Form::ALL {
        look_into(repository, form, &mut found);
    }
    found.tags.sort();
    found
}

fn look_into(repository: &Repository<'_>, form: Form, found: &mut Found) {
    let tree = repository.tree();
    let directory = repository.place(form).tags();
    let mut listed = match tree.list(&directory) {
        Ok(listed) => listed.unwrap_or_default(),
        Err(error) => return found.damage.push(error),
    };
    listed.sort();
    for entry in listed {
        let path = || tree.locate(&directory).join(&entry.name);
        let misplaced = |reason| Error::Misplaced { path: path(), reason };
        match (entry.kind, entry.text().and_then(|name| name.parse::<Tag>().ok())) {
            (Kind::Directory, Some(tag)) => look_at(repository, form, tag, found),
            // Folders of a repository of today that is called `…/manifests/tags`.
            _ if form == Form::Alpha => {}
            (Kind::Directory, None) => found.damage.push(misplaced("its name is no tag")),
            // A registry lists it as a tag, and then can't say what it points to.
            (Kind::File, _) => found.damage.push(misplaced("it is a file among the tags")),
            (kind, _) => {
                found.damage.push(Error::WrongKind { path: path(), expected: "a directory", found: kind.describe() });
            }
        }
    }
}

fn look_at(repository: &Repository<'_>, form: Form, tag: Tag, found: &mut Found) {
    if form == Form::Alpha && found.tags.iter().any(|(known, _)| *known == tag) {
        // It was set since, in the layout of today.
        return;
    }
    match directory(repository, form, &tag).and_then(|there| Ok((there, find_in(repository, form, &tag)?))) {
        Ok((None, _)) => {}
        Ok((Some(_), Some(digest))) => found.tags.push((tag, digest)),
        Ok((Some(_), None)) => found.damage.push(unknown_in(repository, form, &tag)),
        Err(error) => found.damage.push(error),
    }
}

/// All that `tag` ever pointed to, the newest first, and what is damaged among it. `Err(TagUnknown)` when there is no such
/// tag at all.
pub fn history(repository: &Repository<'_>, tag: &Tag) -> Result<(Vec<Past>, Vec<Error>)> {
    let tree = repository.tree();
    let (mut past, mut damage, mut known) = (Vec::new(), Vec::new(), false);
    let current = find(repository, tag).unwrap_or_else(|error| {
        damage.push(error);
        None
    });
    for form in Form::ALL {
        if directory(repository, form, tag)?.is_none() {
            continue;
        }
        known = true;
        for digest in digests::keyed(tree, &repository.place(form).history(tag.as_str())) {
            match digest.and_then(|digest| look_back(repository, form, tag, digest, current)) {
                Ok(entry) => past.extend(entry),
                Err(error) => damage.push(error),
            }
        }
    }
    if !known {
        return Err(missing(repository, tag)?);
    }
    // Whatever became of its entry, it points there.
    if let Some(digest) = current.filter(|_| !past.iter().any(|entry: &Past| entry.current))
        && let Some(since) = since(repository, tag)?
    {
        past.push(Past { digest, since, current: true, missing: false });
    }
    past.sort_by_key(|entry: &Past| (std::cmp::Reverse(entry.since), !entry.current, entry.digest));
    let mut seen = HashSet::new();
    past.retain(|entry| seen.insert(entry.digest));
    for entry in &mut past {
        match lacks(repository, entry.digest) {
            Ok(lacks) => entry.missing = lacks.is_some(),
            Err(error) => {
                entry.missing = true;
                damage.push(error);
            }
        }
    }
    Ok((past, damage))
}

/// Why there is no such tag.
fn missing(repository: &Repository<'_>, tag: &Tag) -> Result<Error> {
    Ok(if repository.exists()? { unknown(repository, tag) } else { repository.unknown() })
}

fn look_back(
    repository: &Repository<'_>,
    form: Form,
    tag: &Tag,
    digest: Digest,
    current: Option<Digest>,
) -> Result<Option<Past>> {
    let path = repository.place(form).past(tag.as_str(), &digest).link();
    // An emptied directory is what a registry's collector leaves.
    let Some(metadata) = repository.tree().metadata(&path)? else { return Ok(None) };
    repository.is_linked(digest, &path)?;
    Ok(Some(Past { digest, since: metadata.modified, current: current == Some(digest), missing: false }))
}

/// The tags of `repository` that point to `digest`, sorted. Damage met on the way is added to `damage`.
pub fn pointing_to(repository: &Repository<'_>, digest: Digest, damage: &mut Vec<Error>) -> Vec<Tag> {
    let found = tags(repository);
    damage.extend(found.damage);
    found.tags.into_iter().filter(|(_, target)| *target == digest).map(|(tag, _)| tag).collect()
}

/// The links of a tag, prepared beside their places.
pub(crate) struct StagedTag<'t> {
    // Fields are dropped in this order: what was made last goes first.
    current: Staged<'t>,
    index: Staged<'t>,
}

impl StagedTag<'_> {
    /// Puts them in their places, in the registry's order, and syncs.
    pub(crate) fn place(mut self) -> Result<()> {
        self.index.place()?;
        self.current.place()
    }
}

pub(crate) fn stage<'t>(
    writer: &Writer<'t>,
    repository: &RepositoryName,
    tag: &Tag,
    digest: Digest,
) -> Result<StagedTag<'t>> {
    let text = digest.to_string();
    let path = |item| Entry::in_repository(repository, item).path();
    let index = path(Item::TagIndex(tag.clone(), digest));
    let index = writer.stage_small(&index, text.as_bytes(), Sync::Now)?;
    let current = writer.stage_small(&path(Item::TagCurrent(tag.clone())), text.as_bytes(), Sync::Now)?;
    Ok(StagedTag { current, index })
}

/// What `repository` lacks of the manifest `digest`, if anything. `Err(Corrupt)` when its content is empty, and
/// `Err(WrongKind)` for something else in its place; what it says is for `manifest verify` to read.
fn lacks(repository: &Repository<'_>, digest: Digest) -> Result<Option<Missing>> {
    if revision::find(repository, digest)?.is_none() {
        return Ok(Some(Missing::Link));
    }
    match blob::content_size(repository.tree(), digest)? {
        None => Ok(Some(Missing::Content)),
        Some(0) => {
            let path = repository.tree().locate(&Entry::Blob(digest).path());
            let (repository, found) = (repository.name().clone(), Digest::of(b""));
            Err(Error::Corrupt { path, repository, expected: digest, found, size: 0 })
        }
        Some(_) => Ok(None),
    }
}

/// Lets `tag` point to `digest`, and returns what it pointed to before. `Err(ManifestUnknown)` when the repository has no
/// such manifest, or not its content; `Err(Corrupt)` when that is empty, `Err(WrongKind)` for something else in its place.
/// It is looked at under the writer's lock, which keeps it from being taken away.
pub fn set(writer: &Writer<'_>, repository: &Repository<'_>, tag: &Tag, digest: Digest) -> Result<Option<Digest>> {
    if let Some(missing) = lacks(repository, digest)? {
        let known = repository.exists()?;
        return Err(if known { repository.manifest_unknown(digest, missing) } else { repository.unknown() });
    }
    // A broken link is mended by this.
    let before = match find(repository, tag) {
        Err(Error::BrokenTag { .. }) => None,
        found => found?,
    };
    stage(writer, repository.name(), tag, digest)?.place()?;
    Ok(before)
}

/// A tag that is to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// The tag.
    pub tag: Tag,
    /// What it points to, where that can be told.
    pub digest: Option<Digest>,
    current: TreePath,
    directory: TreePath,
}

impl Removal {
    /// Where it lies.
    pub fn path(&self, repository: &Repository<'_>) -> PathBuf {
        repository.tree().locate(&self.directory)
    }

    /// Whether the tag points nowhere by now, as one does whose removal was cut short.
    fn is_begun(&self, tree: &Tree) -> bool {
        matches!(tree.metadata(&self.current), Ok(None))
    }

    fn unset(&self, writer: &Writer<'_>) -> Result<()> {
        match writer.tree().metadata(&self.current) {
            Ok(Some(found)) if found.kind == Kind::File => writer.remove_file(&self.current, Sync::Later).map(drop),
            // Whatever else lies there points nowhere, and goes with the rest.
            _ => Ok(()),
        }
    }

    /// Removes the tag and its past; the manifests and other tags stay.
    pub fn execute(&self, writer: &Writer<'_>) -> Result<()> {
        // First what makes it a tag: one whose removal is cut short points nowhere, and never lost its past alone.
        self.unset(writer)?;
        writer.remove_directory(&self.directory, Sync::Now)
    }
}

/// Removes several tags: first what each points to, then the rest, so that a run that was cut short can be run again with
/// the same tags.
pub fn delete(writer: &Writer<'_>, removals: &[Removal]) -> Result<()> {
    for removal in removals {
        removal.unset(writer)?;
    }
    removals.iter().try_for_each(|removal| removal.execute(writer))
}

/// What deleting `tags` from `repository` removes. `Err(TagUnknown)`, before anything is removed, for one that isn't there;
/// a broken one is. One that is gone is passed over beside others that are half gone: a run was cut short.
pub fn plan_delete(repository: &Repository<'_>, tags: &[Tag]) -> Result<Vec<Removal>> {
    let mut removals: Vec<Removal> = Vec::new();
    let mut gone = Vec::new();
    for tag in tags {
        let found = removals_of(repository, tag)?;
        if found.is_empty() {
            gone.push(tag);
        }
        for removal in found {
            if !removals.contains(&removal) {
                removals.push(removal);
            }
        }
    }
    if let Some(tag) = gone.first() {
        let tree = repository.tree();
        if removals.is_empty() || !removals.iter().all(|removal| removal.is_begun(tree)) {
            return Err(missing(repository, tag)?);
        }
    }
    Ok(removals)
}

fn removals_of(repository: &Repository<'_>, tag: &Tag) -> Result<Vec<Removal>> {
    let mut removals = Vec::new();
    for form in Form::ALL {
        if let Some(directory) = directory(repository, form, tag)? {
            let digest = find_in(repository, form, tag).unwrap_or_default();
            let current = current_path(repository, form, tag);
            removals.push(Removal { tag: tag.clone(), digest, current, directory });
        }
    }
    Ok(removals)
}
