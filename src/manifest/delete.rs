//! Taking a manifest away from a repository. Its content stays until it is collected.

use super::need::{Going, check_unnamed};
use crate::digest::Digest;
use crate::durable::{ExclusiveWriter, Sync};
use crate::error::{Error, Missing, Result};
use crate::layout::{Entry, Form, Item, TreePath};
use crate::name::Tag;
use crate::repository::Repository;
use crate::repository::revision::{self, Revision};
use crate::tag;

/// A manifest that is to go.
#[derive(Debug)]
pub struct Removal {
    /// The manifest.
    pub digest: Digest,
    /// The tags that go with it, and first.
    pub tags: Vec<tag::Removal>,
    links: Vec<TreePath>,
    directory: TreePath,
}

impl Removal {
    /// Removes the tags, then the link that makes the manifest the repository's, and then the rest of its directory: beside
    /// a layer link of the same digest an emptied one looks as if registry 2.1.0 had put the manifest there.
    pub fn execute(&self, writer: &ExclusiveWriter<'_>) -> Result<()> {
        for tag in &self.tags {
            tag.execute(writer)?;
        }
        for link in &self.links {
            writer.remove_file(link, Sync::Now)?;
        }
        writer.remove_directory(&self.directory, Sync::Now)
    }
}

/// Whether tags that point to a manifest go with it, or keep it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tags {
    /// They keep it.
    Keep,
    /// They go with it.
    Remove,
}

/// Whether an index that stays keeps what it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Indexes {
    /// It does.
    Keep,
    /// It is left with a child that is gone.
    Ignore,
}

/// What deleting `digests` from `repository` removes, and the damage met on the way.
///
/// Before anything is removed: `Err(ManifestUnknown)` for a digest that is no revision here, with [`Tags::Keep`]
/// `Err(InUse)` for one that tags point to, and with [`Indexes::Keep`] for one that an index names which does not go with
/// it. A tag that does not say what it points to keeps nothing, and is told; of a manifest that can't be read nobody knows
/// what it names, and that is `Err(Refused)`.
pub fn plan_delete(
    repository: &Repository<'_>,
    digests: &[Digest],
    tags: Tags,
    indexes: Indexes,
) -> Result<(Vec<Removal>, Vec<Error>)> {
    let found = tag::tags(repository);
    let (mut removals, mut going): (Vec<Removal>, Vec<Going>) = (Vec::new(), Vec::new());
    for &digest in digests {
        if removals.iter().any(|removal| removal.digest == digest) {
            continue;
        }
        let (links, misplaced) = links(repository, digest)?;
        if links.is_empty() {
            let known = repository.exists()?;
            let unknown = || repository.manifest_unknown(digest, Missing::Link);
            return Err(if known { unknown() } else { repository.unknown() });
        }
        let pointing: Vec<Tag> =
            found.tags.iter().filter(|(_, target)| *target == digest).map(|(tag, _)| tag.clone()).collect();
        if tags == Tags::Keep && !pointing.is_empty() {
            let by = pointing.iter().map(|tag| format!("tag {tag}")).collect();
            let (what, repository) = (format!("manifest {digest}"), repository.name().clone());
            return Err(Error::InUse { what, repository, digest, by, release: "--with-tags" });
        }
        let tags = tag::plan_delete(repository, &pointing)?;
        let directory = repository.place(Form::Current).revision(&digest);
        removals.push(Removal { digest, tags, links, directory });
        going.push(Going { digest, misplaced });
    }
    if indexes == Indexes::Keep {
        check_unnamed(repository, &going)?;
    }
    Ok((removals, found.damage))
}

/// Every link that makes `digest` a manifest of `repository`, sound or broken, and whether it is one among those of layers.
fn links(repository: &Repository<'_>, digest: Digest) -> Result<(Vec<TreePath>, bool)> {
    let mut links = Vec::new();
    for form in Form::ALL {
        let item = Item::RevisionLink(digest);
        let path = Entry::InRepository { repository: repository.name().clone(), form, item }.path();
        if repository.tree().metadata(&path)?.is_some() {
            links.push(path);
        }
    }
    let misplaced = links.is_empty();
    if misplaced {
        links.extend(revision::find(repository, digest)?.map(|Revision { path, .. }| path));
    }
    Ok((links, misplaced))
}
