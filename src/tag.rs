//! Tags: names in a repository that point to manifests (layout.md §6).
//!
//! A tag is a directory, `tags/<tag>/`. Its `current/link` holds the digest that the tag points to. Its
//! `index/<alg>/<hex>/link` files hold one digest each, for everything that the tag ever pointed to. A registry does
//! not check either against the revisions; regtree sets a tag only to a revision that exists.

use std::collections::HashSet;
use std::os::fd::{AsFd, BorrowedFd};

use crate::blob;
use crate::digest::Digest;
use crate::durable::{Remover, Staged, Sync, Writer};
use crate::error::{Error, Missing, Result};
use crate::layout::{Entry, Form, Item, TreePath};
use crate::name::{RepositoryName, Tag};
use crate::repository::{Repository, link, revision};
use crate::tree::{EntryKind, Tree, digests};

/// The tags that were found, and the damage among them.
#[derive(Debug, Default)]
pub struct FoundTags {
    /// The tags and what each points to, sorted by name.
    pub tags: Vec<(Tag, Digest)>,
    /// One error for each tag that points nowhere, and for each entry that is not a tag.
    pub damage: Vec<Error>,
}

/// A manifest that a tag pointed to at some time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// The manifest.
    pub digest: Digest,
    /// When the tag was last set to it. A registry rewrites an older entry when the tag returns to it.
    pub since: jiff::Timestamp,
    /// Whether the tag points to it now.
    pub current: bool,
    /// Whether the repository no longer has this manifest or its content. The tag then can't be set to it.
    pub missing: bool,
}

/// The digest that `tag` points to. `Err(TagUnknown)` when there is no such tag, `Err(BrokenTag)` when its link is bad.
pub fn get(repository: &Repository<'_>, tag: &Tag) -> Result<Digest> {
    match find(repository, tag)? {
        Some(digest) => Ok(digest),
        None => Err(missing(repository, tag)?),
    }
}

/// The digest that `tag` points to; `None` when there is no such tag, or only its history is left.
pub(crate) fn find(repository: &Repository<'_>, tag: &Tag) -> Result<Option<Digest>> {
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

/// When `tag` was set to the digest that it points to now; `None` when there is no such tag.
pub(crate) fn since(repository: &Repository<'_>, tag: &Tag) -> Result<Option<jiff::Timestamp>> {
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

/// The directory of `tag`, even if the tag is broken or only its history is left. The alphas' `manifests/tags` can also
/// hold other repositories, so a directory in it is a tag only if it has a link.
fn directory(repository: &Repository<'_>, form: Form, tag: &Tag) -> Result<Option<TreePath>> {
    let directory = repository.place(form).tag(tag.as_str());
    match repository.tree().metadata(&directory)? {
        None => Ok(None),
        Some(found) if found.kind != EntryKind::Directory && form == Form::Alpha => Ok(None),
        Some(found) if found.kind != EntryKind::Directory => {
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
pub fn tags(repository: &Repository<'_>) -> FoundTags {
    let mut found = FoundTags::default();
    for form in Form::ALL {
        look_into(repository, form, &mut found);
    }
    found.tags.sort();
    found
}

/// Adds the tags of `repository` in one layout.
pub(crate) fn look_into(repository: &Repository<'_>, form: Form, found: &mut FoundTags) {
    let tree = repository.tree();
    let directory = repository.place(form).tags();
    let (handle, mut listed) = match tree.open_and_list(&directory) {
        Ok(Some(opened)) => opened,
        Ok(None) => return,
        Err(error) => return found.damage.push(error),
    };
    listed.sort();
    for entry in listed {
        let path = || tree.locate(&directory).join(&entry.name);
        let misplaced = |reason| Error::Misplaced { path: path(), reason };
        match (entry.kind, entry.text().and_then(|name| name.parse::<Tag>().ok())) {
            (EntryKind::Directory, Some(tag)) => look_at(repository, form, handle.as_fd(), tag, found),
            // A directory of a repository of the current layout that is called `…/manifests/tags`.
            _ if form == Form::Alpha => {}
            (EntryKind::Directory, None) => found.damage.push(misplaced("its name is not a tag")),
            // A registry lists this file as a tag, but can't say what the tag points to.
            (EntryKind::File, _) => found.damage.push(misplaced("it is a file among the tags")),
            (kind, _) => {
                found.damage.push(Error::WrongKind { path: path(), expected: "a directory", found: kind.describe() });
            }
        }
    }
}

fn look_at(repository: &Repository<'_>, form: Form, tags: BorrowedFd<'_>, tag: Tag, found: &mut FoundTags) {
    if form == Form::Alpha && found.tags.iter().any(|(known, _)| *known == tag) {
        // The tag was set again since, in the current layout.
        return;
    }
    if let Ok(Ok(digest)) = link::read_below(tags, &format!("{tag}/current/link")) {
        return found.tags.push((tag, digest));
    }
    // Now slowly, to find out what is wrong.
    match directory(repository, form, &tag).and_then(|there| Ok((there, find_in(repository, form, &tag)?))) {
        Ok((None, _)) => {}
        Ok((Some(_), Some(digest))) => found.tags.push((tag, digest)),
        Ok((Some(_), None)) => found.damage.push(unknown_in(repository, form, &tag)),
        Err(error) => found.damage.push(error),
    }
}

/// All that `tag` ever pointed to, newest first, and the damage among it. `Err(TagUnknown)` when there is no such tag.
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
    // The tag points there even if its history entry is missing or damaged.
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

/// The error for a missing tag: its repository is unknown, or the tag is.
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
    // A registry's collector leaves an empty directory.
    let Some(metadata) = repository.tree().metadata(&path)? else { return Ok(None) };
    repository.is_linked(digest, &path)?;
    Ok(Some(Past { digest, since: metadata.modified, current: current == Some(digest), missing: false }))
}

/// The tags of `repository` that point to `digest`, sorted. Damage found on the way is added to `damage`.
pub(crate) fn pointing_to(repository: &Repository<'_>, digest: Digest, damage: &mut Vec<Error>) -> Vec<Tag> {
    let found = tags(repository);
    damage.extend(found.damage);
    found.tags.into_iter().filter(|(_, target)| *target == digest).map(|(tag, _)| tag).collect()
}

/// The links of a tag, staged next to their places.
pub(crate) struct StagedTag<'t> {
    // Fields are dropped in this order, the reverse of the order in which they are made.
    current: Staged<'t>,
    index: Staged<'t>,
}

impl StagedTag<'_> {
    /// Moves the links to their places, in the registry's order, and syncs.
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

/// What `repository` lacks of the manifest `digest`, if anything. `Err(Corrupt)` when its content is empty;
/// `Err(WrongKind)` when its place does not hold a file. The content is not read; `manifest verify` does that.
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

/// Points `tag` to `digest` and returns what [`check_set`] does. The check runs under the writer's lock, so regtree can't
/// remove the manifest after it.
pub fn set(writer: &Writer<'_>, repository: &Repository<'_>, tag: &Tag, digest: Digest) -> Result<Option<Digest>> {
    let before = check_set(repository, tag, digest)?;
    stage(writer, repository.name(), tag, digest)?.place()?;
    Ok(before)
}

/// Checks that `tag` can point to `digest`, and returns the digest that it points to now. `Err(ManifestUnknown)` when the
/// repository lacks the manifest or its content, `Err(Corrupt)` when that content is empty, `Err(WrongKind)` when its
/// place holds something other than a file.
pub fn check_set(repository: &Repository<'_>, tag: &Tag, digest: Digest) -> Result<Option<Digest>> {
    if let Some(missing) = lacks(repository, digest)? {
        let known = repository.exists()?;
        return Err(if known { repository.manifest_unknown(digest, missing) } else { repository.unknown() });
    }
    // Setting the tag repairs a broken link.
    match find(repository, tag) {
        Err(Error::BrokenTag { .. }) => Ok(None),
        found => found,
    }
}

/// A tag to remove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// The tag.
    pub tag: Tag,
    /// The digest that it points to, if that can be read.
    pub digest: Option<Digest>,
    current: TreePath,
    directory: TreePath,
}

impl Removal {
    /// Whether the tag no longer points anywhere, like one whose removal was cut short.
    fn is_begun(&self, tree: &Tree) -> bool {
        matches!(tree.metadata(&self.current), Ok(None))
    }

    fn unset(&self, remover: &(impl Remover + ?Sized)) -> Result<()> {
        match remover.writer().tree().metadata(&self.current) {
            Ok(Some(found)) if found.kind == EntryKind::File => remover.take_file(&self.current).map(drop),
            // Anything else in its place points nowhere, and is removed with the directory.
            _ => Ok(()),
        }
    }

    /// Removes the history. Until then the tag points where it did: one with a history and nothing else would keep all
    /// that the history names.
    fn forget(&self, remover: &(impl Remover + ?Sized)) -> Result<()> {
        let history = self.directory.history();
        match remover.writer().tree().metadata(&history) {
            Ok(Some(found)) if found.kind == EntryKind::Directory => remover.take_directory(&history),
            // Anything else in its place goes with the directory.
            _ => Ok(()),
        }
    }
}

/// Removes several tags with their histories: first all histories, then all current links, then the rest. So each tag
/// points to its manifest until only empty directories are left of it, and a run that was cut short can be repeated.
/// The manifests and other tags stay.
pub fn delete(remover: &(impl Remover + ?Sized), removals: &[Removal]) -> Result<()> {
    removals.iter().try_for_each(|removal| removal.forget(remover))?;
    removals.iter().try_for_each(|removal| removal.unset(remover))?;
    removals.iter().try_for_each(|removal| remover.take_directory(&removal.directory))
}

/// The tags of which a removal that was cut short left only empty directories.
pub(crate) fn left_over(repository: &Repository<'_>, found: &FoundTags) -> Result<Vec<Removal>> {
    let mut left = Vec::new();
    for error in &found.damage {
        let Error::TagUnknown { tag, .. } = error else { continue };
        let mut has = false;
        for form in Form::ALL {
            has |= has_links(repository, form, tag)?;
        }
        if !has {
            left.extend(removals_of(repository, tag)?);
        }
    }
    Ok(left)
}

/// What deleting `tags` from `repository` removes. `Err(TagUnknown)`, before anything is removed, when a tag does not
/// exist; a broken tag does exist. If all other tags have lost their current link, an earlier run was cut short, and
/// the missing tags are skipped.
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
