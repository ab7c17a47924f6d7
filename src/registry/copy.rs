//! Copies a repository within a tree, or gives it another name. Only links are written, whatever the size of the images.
//!
//! Links to content come first, then manifests, then tags, and each step is on the disk before the next. **So a run that
//! is cut short leaves no tag without its manifest.** A repository that is renamed is removed last, when its copy is on
//! the disk: until then both exist. Another run finishes the work.

use super::delete::plan_delete;
use crate::count::plural;
use crate::digest::Digest;
use crate::durable::{ExclusiveWriter, Writer};
use crate::error::{Error, Result};
use crate::layout::{Entry, Form, Item, Place};
use crate::name::{RepositoryName, Tag};
use crate::repository::{Repository, Unreadable, revision};
use crate::tag;
use crate::tree::digests;
use crate::upload;

/// How many links of a repository were copied, or were there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// Layer links.
    pub layers: u64,
    /// Manifests.
    pub revisions: u64,
    /// Tags.
    pub tags: u64,
}

/// A link to copy.
#[derive(Debug, PartialEq, Eq)]
struct Link {
    item: Item,
    target: Digest,
    /// When it was written, where that means something: the order of a tag's history.
    since: Option<jiff::Timestamp>,
}

/// The links of a repository, in the order in which they are written: each kind may need those before it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Links {
    layers: Vec<Link>,
    revisions: Vec<Link>,
    tags: Vec<Link>,
}

/// The copy of a repository.
#[derive(Debug)]
pub struct Copy<'t> {
    from: Repository<'t>,
    to: RepositoryName,
    links: Links,
}

/// Plans to copy the repository `from` to `to`, which need not exist.
///
/// `Err(RepositoryUnknown)` when there is no `from`, `Err(Refused)` when both are one, and the error of whatever can't be
/// read. Without `force`, `Err(SafetyLimit)` when `from` has unfinished uploads, which are not copied, or when a tag of
/// `to` points to another image.
pub fn plan_copy<'t>(from: &Repository<'t>, to: &RepositoryName, force: bool) -> Result<Copy<'t>> {
    if !from.exists()? {
        // The empty directory that is left when a renaming was cut short at its end still counts as one.
        plan_delete(from, Unreadable::Refuse)?;
    }
    if from.name() == to {
        return Err(Error::Refused { reason: format!("both repositories are {to}") });
    }
    let copy = Copy { from: from.clone(), to: to.clone(), links: Links::of(from, to)? };
    if !force {
        copy.check_uploads()?;
        copy.check_tags()?;
    }
    Ok(copy)
}

impl Copy<'_> {
    /// How many links it has.
    pub fn counts(&self) -> Copied {
        let count =
            |links: &[Link], is_one: fn(&Item) -> bool| links.iter().filter(|link| is_one(&link.item)).count() as u64;
        Copied {
            layers: count(&self.links.layers, |item| matches!(item, Item::LayerLink(_))),
            revisions: count(&self.links.revisions, |item| matches!(item, Item::RevisionLink(_))),
            tags: count(&self.links.tags, |item| matches!(item, Item::TagCurrent(_))),
        }
    }

    /// Writes the links that are not there yet.
    pub fn execute(&self, writer: &Writer<'_>) -> Result<()> {
        let place = Place::of(&self.to, Form::Current);
        // A registry may not have synced the content yet.
        writer.sync_all()?;
        for directory in [place.layers(), place.tags()] {
            writer.make_directory(&directory)?;
        }
        for links in [&self.links.layers, &self.links.revisions, &self.links.tags] {
            for link in links {
                self.write(writer, link)?;
            }
            writer.sync_all()?;
        }
        Ok(())
    }

    /// Copies the repository, and removes it under its old name. `Err(Refused)`, with both in place, when another
    /// process changed it meanwhile. The error of whatever is damaged in it, before anything is changed: the removal
    /// would take that away too.
    pub fn rename(&self, writer: &ExclusiveWriter<'_>) -> Result<()> {
        let (_, damage) = plan_delete(&self.from, Unreadable::Refuse)?;
        refuse(&self.from, &self.to, damage)?;
        if self.from.exists()? {
            self.execute(writer)?;
        }
        if Links::of(&self.from, &self.to)? != self.links {
            let reason = format!("repository {} changed meanwhile; run it again", self.from.name());
            return Err(Error::Refused { reason });
        }
        plan_delete(&self.from, Unreadable::Refuse)?.0.execute(writer)
    }

    fn write(&self, writer: &Writer<'_>, link: &Link) -> Result<()> {
        let path = Entry::in_repository(&self.to, link.item.clone()).path();
        let text = link.target.to_string();
        let found = writer.tree().read_small(&path, text.len() as u64 + 1)?;
        if found.is_some_and(|found| found == text.as_bytes()) {
            return Ok(());
        }
        writer.write_dated(&path, text.as_bytes(), link.since)
    }

    fn check_uploads(&self) -> Result<()> {
        let uploads = upload::uploads(self.from.tree(), self.from.name());
        let count = uploads.into_iter().filter(|found| found.as_ref().is_ok_and(|upload| !upload.cancelled)).count();
        if count == 0 {
            return Ok(());
        }
        let reason = format!(
            "repository {} has {}, which can't be taken along",
            self.from.name(),
            plural(count, "unfinished upload")
        );
        Err(Error::SafetyLimit { reason, override_option: "--force".into() })
    }

    fn check_tags(&self) -> Result<()> {
        let to = Repository::new(self.from.tree(), self.to.clone());
        for link in &self.links.tags {
            let Item::TagCurrent(tag) = &link.item else { continue };
            if let Some(found) = tag::find(&to, tag)?.filter(|found| *found != link.target) {
                let reason = format!("{}:{tag} exists, and points to {found}, not {}", self.to, link.target);
                return Err(Error::SafetyLimit { reason, override_option: "--force".into() });
            }
        }
        Ok(())
    }
}

/// The first error, unless all are of tags that a renaming copied and then began to remove.
fn refuse(from: &Repository<'_>, to: &RepositoryName, damage: Vec<Error>) -> Result<()> {
    for error in damage {
        match &error {
            Error::TagUnknown { tag, .. } if is_copied(from, to, tag)? => {}
            _ => return Err(error),
        }
    }
    Ok(())
}

/// Whether `to` has a tag, and all that is left of its history in `from`.
fn is_copied(from: &Repository<'_>, to: &RepositoryName, tag: &Tag) -> Result<bool> {
    let to = Repository::new(from.tree(), to.clone());
    if tag::find(&to, tag)?.is_none() {
        return Ok(false);
    }
    let (left, copied) = (tag::history(from, tag)?, tag::history(&to, tag)?);
    let has = |past: &tag::Past| copied.0.iter().any(|copied| copied.digest == past.digest);
    Ok(left.1.is_empty() && left.0.iter().all(has))
}

impl Links {
    fn of(repository: &Repository<'_>, to: &RepositoryName) -> Result<Self> {
        let mut links = Self::default();
        for key in repository.keys() {
            let (key, _) = key?;
            if let Some(link) = repository.find_link(key)? {
                links.layers.push(Link { item: Item::LayerLink(key), target: link.target, since: None });
            }
        }
        for revision in revision::revisions(repository) {
            let revision = revision?;
            revision.check(repository)?;
            let digest = revision.digest;
            for form in Form::ALL {
                for signature in digests::keyed(repository.tree(), &repository.place(form).signatures(&digest)) {
                    let signature = signature?;
                    let item = Item::SignatureLink { revision: digest, signature };
                    let name = repository.name().clone();
                    let path = Entry::InRepository { repository: name, form, item: item.clone() }.path();
                    if repository.is_linked(signature, &path)? {
                        links.revisions.push(Link { item, target: signature, since: None });
                    }
                }
            }
            links.revisions.push(Link { item: Item::RevisionLink(digest), target: digest, since: None });
        }
        let tags = tag::tags(repository);
        refuse(repository, to, tags.damage)?;
        for (tag, digest) in tags.tags {
            let (past, damage) = tag::history(repository, &tag)?;
            if let Some(error) = damage.into_iter().next() {
                return Err(error);
            }
            let since = tag::since(repository, &tag)?;
            let index = |past: tag::Past| Link {
                item: Item::TagIndex(tag.clone(), past.digest),
                target: past.digest,
                since: Some(past.since),
            };
            links.tags.extend(past.into_iter().map(index));
            links.tags.push(Link { item: Item::TagCurrent(tag), target: digest, since });
        }
        Ok(links)
    }
}
