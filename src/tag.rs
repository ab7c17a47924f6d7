//! Tags: names in a repository that point to manifests (layout.md §6).
//!
//! A tag is a directory, `tags/<tag>/`: `current/link` holds the digest that it points to, and `index/<alg>/<hex>/link`
//! one for each that it ever pointed to. Neither is checked against the revisions by a registry; here a tag is only ever
//! set to a revision that exists.

use std::path::PathBuf;

use crate::digest::Digest;
use crate::durable::{Staged, Sync, Writer};
use crate::error::{Error, Missing, Result};
use crate::layout::{self, Entry, Form, Item, TreePath};
use crate::manifest::revision;
use crate::name::{RepositoryName, Tag};
use crate::repository::{self, Repository};
use crate::tree::Kind;

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
}

/// What `tag` points to. `Err(TagUnknown)` when there is no such tag, `Err(BrokenTag)` when its link holds no digest.
pub fn get(repository: &Repository<'_>, tag: &Tag) -> Result<Digest> {
    match find(repository, tag)? {
        Some(digest) => Ok(digest),
        None if repository.exists()? => Err(unknown(repository, tag)),
        None => Err(repository.unknown()),
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
    let Some(content) = repository.tree().read_small(&path, repository::LINK_MAX)? else { return Ok(None) };
    repository::parse_target(&content).map(Some).map_err(|fault| Error::BrokenTag {
        repository: repository.name().clone(),
        tag: tag.clone(),
        path: repository.tree().locate(&path),
        fault,
    })
}

fn unknown(repository: &Repository<'_>, tag: &Tag) -> Error {
    let path = repository.tree().locate(&current_path(repository, Form::Current, tag));
    Error::TagUnknown { repository: repository.name().clone(), tag: tag.clone(), path }
}

fn current_path(repository: &Repository<'_>, form: Form, tag: &Tag) -> TreePath {
    Entry::InRepository { repository: repository.name().clone(), form, item: Item::TagCurrent(tag.clone()) }.path()
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
    let directory = layout::tags_directory(repository.name(), form);
    let mut listed = match tree.list(&directory) {
        Ok(listed) => listed.unwrap_or_default(),
        Err(error) => return found.damage.push(error),
    };
    listed.sort();
    for entry in listed {
        let path = || tree.locate(&directory).join(&entry.name);
        let misplaced = |reason| Error::Misplaced { path: path(), reason };
        match (entry.kind, entry.text().and_then(|name| name.parse::<Tag>().ok())) {
            (Kind::Directory, Some(tag)) => match find_in(repository, form, &tag) {
                Ok(Some(digest)) => found.tags.push((tag, digest)),
                Ok(None) => found.damage.push(unknown(repository, &tag)),
                Err(error) => found.damage.push(error),
            },
            (Kind::Directory, None) => found.damage.push(misplaced("its name is no tag")),
            // A registry lists it as a tag, and then can't say what it points to.
            (Kind::File, _) => found.damage.push(misplaced("it is a file among the tags")),
            (kind, _) => {
                found.damage.push(Error::WrongKind { path: path(), expected: "a directory", found: kind.describe() });
            }
        }
    }
}

/// All that `tag` ever pointed to, the newest first, and what is damaged among it. `Err(TagUnknown)` when there is no such
/// tag at all.
pub fn history(repository: &Repository<'_>, tag: &Tag) -> Result<(Vec<Past>, Vec<Error>)> {
    let tree = repository.tree();
    let (mut past, mut damage, mut known) = (Vec::new(), Vec::new(), false);
    for form in Form::ALL {
        let directory = layout::tag_directory(repository.name(), form, tag);
        if tree.metadata(&directory)?.is_none_or(|found| found.kind != Kind::Directory) {
            continue;
        }
        known = true;
        let current = find_in(repository, form, tag).unwrap_or_else(|error| {
            damage.push(error);
            None
        });
        for digest in revision::keyed(tree, &layout::tag_index_directory(repository.name(), form, tag)) {
            match digest.and_then(|digest| look_back(repository, form, tag, digest, current)) {
                Ok(entry) => past.extend(entry),
                Err(error) => damage.push(error),
            }
        }
    }
    if !known {
        return Err(if repository.exists()? { unknown(repository, tag) } else { repository.unknown() });
    }
    past.sort_by_key(|entry: &Past| (std::cmp::Reverse(entry.since), !entry.current, entry.digest));
    Ok((past, damage))
}

fn look_back(
    repository: &Repository<'_>,
    form: Form,
    tag: &Tag,
    digest: Digest,
    current: Option<Digest>,
) -> Result<Option<Past>> {
    let item = Item::TagIndex(tag.clone(), digest);
    let path = Entry::InRepository { repository: repository.name().clone(), form, item }.path();
    // An emptied directory is what a registry's collector leaves.
    let Some(metadata) = repository.tree().metadata(&path)? else { return Ok(None) };
    repository.read_link(digest, &path)?;
    Ok(Some(Past { digest, since: metadata.modified, current: current == Some(digest) }))
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

/// Lets `tag` point to `digest`, and returns what it pointed to before. `Err(ManifestUnknown)` when the repository has no
/// such manifest, or not its content.
pub fn set(writer: &Writer<'_>, repository: &Repository<'_>, tag: &Tag, digest: Digest) -> Result<Option<Digest>> {
    let tree = repository.tree();
    if revision::find(repository, digest)?.is_none() {
        let known = repository.exists()?;
        let unknown = || crate::manifest::unknown(repository, digest, Missing::Link);
        return Err(if known { unknown() } else { repository.unknown() });
    }
    if tree.metadata(&Entry::Blob(digest).path())?.is_none() {
        return Err(crate::manifest::unknown(repository, digest, Missing::Content));
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
    directory: TreePath,
}

impl Removal {
    /// Where it lies.
    pub fn path(&self, repository: &Repository<'_>) -> PathBuf {
        repository.tree().locate(&self.directory)
    }

    /// Removes the tag and its past; the manifests and other tags stay.
    pub fn execute(&self, writer: &Writer<'_>) -> Result<()> {
        writer.remove_directory(&self.directory, Sync::Now)
    }
}

/// What deleting `tags` from `repository` removes. `Err(TagUnknown)`, before anything is removed, for one that isn't there;
/// a broken one is.
pub fn plan_delete(repository: &Repository<'_>, tags: &[Tag]) -> Result<Vec<Removal>> {
    let mut removals: Vec<Removal> = Vec::new();
    for tag in tags {
        let mut known = false;
        for form in Form::ALL {
            let directory = layout::tag_directory(repository.name(), form, tag);
            match repository.tree().metadata(&directory)? {
                Some(found) if found.kind == Kind::Directory => {}
                Some(found) => return Err(repository.tree().wrong_kind(&directory, "a directory", found.kind)),
                None => continue,
            }
            known = true;
            let digest = find_in(repository, form, tag).unwrap_or_default();
            let removal = Removal { tag: tag.clone(), digest, directory };
            if !removals.contains(&removal) {
                removals.push(removal);
            }
        }
        if !known {
            return Err(if repository.exists()? { unknown(repository, tag) } else { repository.unknown() });
        }
    }
    Ok(removals)
}
