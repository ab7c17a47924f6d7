//! The global store: one file for each content, and the links that grant it to repositories.

use std::fs::File;
use std::io::Read;

use serde::Serialize;

use super::stat::content_size;
use crate::descriptor::Descriptor;
use crate::digest::Digest;
use crate::durable::{HashedContent, Staged, Sync, Writer};
use crate::error::{Error, Result};
use crate::layout::{Entry, Item, TreePath};
use crate::name::RepositoryName;
use crate::stream::{self, Interrupt};
use crate::tree::Tree;

/// What happened to content that was to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Outcome {
    /// The content is new in the tree.
    Stored,
    /// The tree already had the content.
    Existed,
    /// The tree had damaged content under this digest, and it was replaced.
    Replaced {
        /// The size of the damaged content in bytes.
        damaged_size: u64,
    },
}

/// What the caller expects the content to be. Every value given is checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Expected {
    /// The digest, by any algorithm.
    pub digest: Option<Digest>,
    /// The size in bytes.
    pub size: Option<u64>,
}

impl Expected {
    /// How many bytes to read at most. One too many shows that a source is too long, and an endless one can't fill the
    /// disk.
    pub(crate) fn room(&self) -> u64 {
        self.size.map_or(u64::MAX, |size| size.saturating_add(1))
    }
}

/// Content that was stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Stored {
    /// The media type, the size and the canonical digest.
    #[serde(flatten)]
    pub descriptor: Descriptor,
    /// The other digest that clients can now ask for it by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias: Option<Digest>,
    /// Whether the content was new.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What [`place`] does with content of this digest and size, and the file that stays, if one does.
fn foresee(
    tree: &Tree,
    digest: Digest,
    size: u64,
    trust_existing: bool,
    interrupt: &Interrupt,
) -> Result<(Outcome, Option<File>)> {
    let path = Entry::Blob(digest).path();
    let Some(found) = content_size(tree, digest)? else { return Ok((Outcome::Stored, None)) };
    let replaced = Outcome::Replaced { damaged_size: found };
    if found != size {
        return Ok((replaced, None));
    }
    let Some(file) = tree.open_file(&path)? else { return Ok((Outcome::Stored, None)) };
    let is_sound = trust_existing || have_digests(tree, &file, &path, [digest], interrupt)?;
    Ok(if is_sound { (Outcome::Existed, Some(file)) } else { (replaced, None) })
}

/// What storing content of this digest and size would do.
pub(crate) fn outcome(
    tree: &Tree,
    digest: Digest,
    size: u64,
    trust_existing: bool,
    interrupt: &Interrupt,
) -> Result<Outcome> {
    foresee(tree, digest, size, trust_existing, interrupt).map(|(outcome, _)| outcome)
}

/// Puts `content` in the place of its blob.
///
/// A registry leaves any file that is already there. regtree reads it, and replaces it if its size or its content is
/// wrong; with `trust_existing` it compares only the size. If the file there is good, both it and `content` stay as they
/// are.
pub(crate) fn place(
    writer: &Writer<'_>,
    content: &HashedContent<'_>,
    trust_existing: bool,
    interrupt: &Interrupt,
) -> Result<Outcome> {
    let (digest, size) = (content.digest, content.identity.size);
    let path = Entry::Blob(digest).path();
    let (outcome, existing) = foresee(writer.tree(), digest, size, trust_existing, interrupt)?;
    if let Some(file) = existing {
        // Another process may have just put it there, and not have synced it yet.
        writer.sync_found(&file, &path)?;
        return Ok(outcome);
    }
    writer.publish(content, &path, interrupt)?;
    Ok(outcome)
}

/// Puts content that was staged in the place of its blob, and links it in a repository, also under `alias`.
pub(crate) fn store_staged(
    writer: &Writer<'_>,
    repository: &RepositoryName,
    content: &HashedContent<'_>,
    alias: Option<Digest>,
    interrupt: &Interrupt,
) -> Result<Outcome> {
    // All that can fail for lack of space or permission comes before the content is published.
    let links = stage_links(writer, repository, content.digest, alias)?;
    let outcome = place(writer, content, false, interrupt)?;
    links.place().map(|()| outcome)
}

/// The size in bytes of the content stored under `digest`; `None` unless it hashes to `digest` and to `wanted`.
pub(crate) fn sound_size(
    writer: &Writer<'_>,
    digest: Digest,
    wanted: Digest,
    interrupt: &Interrupt,
) -> Result<Option<u64>> {
    let (tree, path) = (writer.tree(), Entry::Blob(digest).path());
    let Some(file) = tree.open_file(&path)? else { return Ok(None) };
    let sound = have_digests(tree, &file, &path, [digest, wanted], interrupt)?;
    let size = file.metadata().map_err(|error| Error::io("look at", tree.locate(&path), error))?.len();
    Ok(sound.then_some(size))
}

fn have_digests<const N: usize>(
    tree: &Tree,
    file: &File,
    path: &TreePath,
    digests: [Digest; N],
    interrupt: &Interrupt,
) -> Result<bool> {
    let failed = |error| interrupt.or(Error::io("read", tree.locate(path), error));
    let hashed = stream::hash_file(file, digests, interrupt).map_err(failed)?;
    Ok(digests.iter().all(|digest| hashed.is(digest)))
}

/// Links content that the tree has under the canonical `digest`, also under `alias`, and syncs both. `false` when the
/// tree does not have it, or `verify` is set and the content is damaged.
pub(crate) fn link_existing(
    writer: &Writer<'_>,
    repository: &RepositoryName,
    digest: Digest,
    alias: Option<Digest>,
    verify: bool,
    interrupt: &Interrupt,
) -> Result<bool> {
    if !digest.is_canonical() || verify && sound_size(writer, digest, alias.unwrap_or(digest), interrupt)?.is_none() {
        return Ok(false);
    }
    sync_content(writer, digest)?;
    stage_links(writer, repository, digest, alias)?.place()?;
    Ok(true)
}

/// Syncs existing content to the disk, whichever process put it there.
pub(crate) fn sync_content(writer: &Writer<'_>, digest: Digest) -> Result<()> {
    let path = Entry::Blob(digest).path();
    match writer.tree().open_file(&path)? {
        Some(file) => writer.sync_found(&file, &path),
        None => Err(Error::io("open", writer.tree().locate(&path), std::io::ErrorKind::NotFound)),
    }
}

/// The links that grant content, staged next to their places. All that can fail for lack of space or permission is
/// already done; what is left is one rename for each. Links that are dropped unplaced are removed, the later one first.
pub(crate) struct StagedLinks<'t> {
    // Fields are dropped in this order: the alias may use directories that were made for the canonical link.
    alias: Option<Staged<'t>>,
    canonical: Option<Staged<'t>>,
}

impl StagedLinks<'_> {
    /// Moves the links to their places, the canonical one first, and syncs.
    pub(crate) fn place(mut self) -> Result<()> {
        [&mut self.canonical, &mut self.alias].into_iter().flatten().try_for_each(Staged::place)
    }
}

/// Stages the link to the content `target` in `repository`, and the one at `alias`. A link that is right is left alone.
pub(crate) fn stage_links<'t>(
    writer: &Writer<'t>,
    repository: &RepositoryName,
    target: Digest,
    alias: Option<Digest>,
) -> Result<StagedLinks<'t>> {
    let canonical = stage_link(writer, repository, target, target)?;
    let mut links = StagedLinks { alias: None, canonical };
    if let Some(alias) = alias {
        links.alias = stage_link(writer, repository, alias, target)?;
    }
    Ok(links)
}

fn stage_link<'t>(
    writer: &Writer<'t>,
    repository: &RepositoryName,
    key: Digest,
    target: Digest,
) -> Result<Option<Staged<'t>>> {
    let path = Entry::in_repository(repository, Item::LayerLink(key)).path();
    let content = target.to_string();
    if let Some(file) = writer.tree().open_file(&path)? {
        let mut found = Vec::new();
        let read = (&file).take(content.len() as u64 + 1).read_to_end(&mut found);
        read.map_err(|error| Error::io("read", writer.tree().locate(&path), error))?;
        if found == content.as_bytes() {
            return writer.sync_found(&file, &path).map(|()| None);
        }
    }
    writer.stage_small(&path, content.as_bytes(), Sync::Now).map(Some)
}
