//! Checks again whether a finding still holds just before it is repaired: hashing a tree takes hours, and a registry
//! may run meanwhile.

use std::time::Duration;

use super::{Action, retag};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::finding::{Code, Repair, Subject};
use crate::fsck;
use crate::layout::{Entry, Place, TreePath};
use crate::repository::link;
use crate::stream::{self, Interrupt};
use crate::tree::{EntryKind, Tree};

/// A file younger than this may be in use, because a registry takes no lock.
const YOUNG: Duration = Duration::from_hours(1);

/// Why the finding of `action` no longer holds; `None` if it does.
pub(super) fn no_longer_holds(
    tree: &Tree,
    action: &Action,
    now: jiff::Timestamp,
    interrupt: &Interrupt,
) -> Result<Option<&'static str>> {
    let look = Look { tree, action };
    match action.repair {
        Repair::QuarantineBlob => look.content(interrupt),
        Repair::RewriteLink => look.broken_link(),
        Repair::LinkRevision => look.missing_link(),
        Repair::SetTag => look.lost_tag(),
        Repair::QuarantineTag | Repair::QuarantineLink => match &action.finding.subject {
            Subject::Tag(repository, tag) => look.tag(repository, tag),
            Subject::PastTag(repository, tag, _) => look.past_tag(repository, tag),
            _ => look.dangling_link(),
        },
        Repair::QuarantineFile | Repair::QuarantineUpload => {
            Ok(is_young(tree, &action.path, now)?.then_some("it was written to meanwhile"))
        }
        Repair::FixPermissions => {
            Ok(fsck::may_read(tree, &action.path)?.then_some("its mode lets the owner read it now"))
        }
        // These check the tree themselves, and replace nothing.
        Repair::RefillBlob | Repair::MakeDirectory => Ok(None),
    }
}

/// Whether a file, or any file below a directory, was written so lately that it may be in use. The time of a directory
/// counts if there is no file in it.
pub(super) fn is_young(tree: &Tree, path: &TreePath, now: jiff::Timestamp) -> Result<bool> {
    let limit = now.checked_sub(YOUNG).unwrap_or(jiff::Timestamp::MIN);
    Ok(last_written(tree, path)?.is_some_and(|written| written > limit))
}

fn last_written(tree: &Tree, path: &TreePath) -> Result<Option<jiff::Timestamp>> {
    let Some(found) = tree.metadata(path)? else { return Ok(None) };
    let mut last = None;
    if found.kind == EntryKind::Directory {
        for child in tree.list(path)?.unwrap_or_default().iter().filter_map(|entry| path.child(entry.text()?)) {
            last = last.max(last_written(tree, &child)?);
        }
    }
    Ok(last.or(Some(found.modified)))
}

struct Look<'l> {
    tree: &'l Tree,
    action: &'l Action,
}

impl Look<'_> {
    /// The content may have been healed, so it is hashed again.
    fn content(&self, interrupt: &Interrupt) -> Result<Option<&'static str>> {
        let digest = self.action.digest();
        let path = Entry::Blob(digest).path();
        let Some(file) = self.tree.open_file(&path)? else { return Ok(Some("it no longer exists")) };
        let failed = |error| interrupt.or(Error::io("read", self.tree.locate(&path), error));
        let is_right = stream::hash_file(file, [digest], interrupt).map_err(failed)?.is(&digest);
        Ok(is_right.then_some("its content is right now"))
    }

    fn broken_link(&self) -> Result<Option<&'static str>> {
        let digest = self.action.digest();
        if !self.has_content(&digest)? {
            return Ok(Some("its content is missing"));
        }
        let was_missing = self.action.finding.code.grants();
        let is_as_found = match link::read(self.tree, &self.action.path)? {
            // The link of a tag may point anywhere, so it is broken only as long as it says no digest.
            Some(said) if self.action.finding.tag().is_some() && self.action.finding.subject.digest().is_none() => {
                said.is_err() && self.meant()? == Some(digest)
            }
            Some(Ok(said)) => self.action.finding.code == Code::LinkMismatch && said != digest,
            Some(Err(_)) => !was_missing,
            None => was_missing,
        };
        Ok((!is_as_found).then_some("the link was written meanwhile, or no longer exists"))
    }

    fn meant(&self) -> Result<Option<Digest>> {
        let Some(file) = self.tree.open_file(&self.action.path)? else { return Ok(None) };
        link::meant(file).map_err(|errno| Error::io("read", self.tree.locate(&self.action.path), errno))
    }

    fn missing_link(&self) -> Result<Option<&'static str>> {
        if self.tree.metadata(&self.action.path)?.is_some() {
            return Ok(Some("it has its link now"));
        }
        if !self.has_content(&self.action.digest())? {
            return Ok(Some("its content is missing"));
        }
        // A registry may be deleting the manifest, with its tags.
        match (self.action.finding.code, &self.action.finding.subject) {
            (Code::RevisionLinkMissing, Subject::Tag(repository, tag)) => {
                let said = self.link(&repository.tag(tag).current())?;
                Ok((said != Some(self.action.digest())).then_some("the tag points elsewhere now"))
            }
            _ => Ok(None),
        }
    }

    fn lost_tag(&self) -> Result<Option<&'static str>> {
        if self.tree.metadata(&self.action.path)?.is_some() {
            return Ok(Some("it points to something now"));
        }
        let newest = retag::newest(self.tree, &self.action.finding)?;
        Ok((newest != Ok(self.action.digest())).then_some("its history has changed"))
    }

    fn tag(&self, repository: &Place, tag: &str) -> Result<Option<&'static str>> {
        if self.link(&repository.tag(tag).current())? != Some(self.action.digest()) {
            return Ok(Some("the tag points elsewhere now"));
        }
        self.missing_revision(repository)
    }

    fn past_tag(&self, repository: &Place, tag: &str) -> Result<Option<&'static str>> {
        if self.link(&repository.tag(tag).current())? == Some(self.action.digest()) {
            return Ok(Some("the tag points to it now"));
        }
        self.missing_revision(repository)
    }

    fn missing_revision(&self, repository: &Place) -> Result<Option<&'static str>> {
        let link = repository.revision_link(&self.action.digest());
        Ok(self.tree.metadata(&link)?.map(|_| "its manifest is linked now"))
    }

    /// The link may be an alias, so what it leads to is looked up.
    fn dangling_link(&self) -> Result<Option<&'static str>> {
        let Some(target) = self.link(&self.action.path)? else { return Ok(Some("the link has changed")) };
        Ok(self.has_content(&target)?.then_some("its content exists now"))
    }

    /// The digest that the link in a directory says, if there is a valid link.
    fn link(&self, directory: &TreePath) -> Result<Option<Digest>> {
        Ok(link::read(self.tree, &directory.link())?.and_then(Result::ok))
    }

    fn has_content(&self, digest: &Digest) -> Result<bool> {
        Ok(self.tree.metadata(&Entry::Blob(*digest).path())?.is_some())
    }
}
