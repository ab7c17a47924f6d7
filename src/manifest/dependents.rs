//! Finds the manifests of a repository that need a blob or another manifest which is to be removed.

use std::collections::HashSet;

use super::{Manifest, get};
use crate::digest::Digest;
use crate::error::{Error, Missing, Result};
use crate::name::Tag;
use crate::repository::revision::{self, Revision};
use crate::repository::{Repository, Unreadable};
use crate::tag::{self, FoundTags};

/// Whether what stays in a repository keeps what it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needed {
    /// It keeps it.
    Keep,
    /// What it needs is removed all the same.
    Remove,
}

/// Checks that no manifest of `repository` needs one of the blobs. `Err(InUse)` names the manifests that do.
/// `Err(SafetyLimit)` when a manifest or tag can't be read, because it may need one. With [`Unreadable::Ignore`] such
/// errors are returned instead.
pub fn check_unneeded(
    repository: &Repository<'_>,
    blobs: &[Digest],
    needed: Needed,
    unreadable: Unreadable,
) -> Result<Vec<Error>> {
    let wanted: HashSet<Digest> = blobs.iter().copied().collect();
    let none = HashSet::new();
    let (tags, unread, _) = split(tag::tags(repository));
    let check = Check { repository, what: "blob", to_remove: &none, tags: &tags, needed, unreadable };
    check.run(unread, |revision, manifest| {
        let retained = manifest.retained().map(|(digest, _)| digest);
        // Registry 2.1.0 linked a manifest as a layer, so the manifest needs that link.
        let itself = revision.filter(|revision| revision.misplaced).map(|revision| revision.digest);
        retained.chain(itself).filter(|digest| wanted.contains(digest)).collect()
    })
}

/// The tags, the errors that may hide what a tag points to, and those that don't.
pub(super) fn split(found: FoundTags) -> (Vec<(Tag, Digest)>, Vec<Error>, Vec<Error>) {
    // What is no tag, and a tag of which only the history is left, point nowhere.
    let hides = |error: &Error| !matches!(error, Error::Misplaced { .. } | Error::TagUnknown { .. });
    let (unread, other) = found.damage.into_iter().partition(hides);
    (found.tags, unread, other)
}

/// A manifest to remove.
pub(super) struct ToRemove {
    pub(super) digest: Digest,
    /// Whether its link is a layer link.
    pub(super) misplaced: bool,
}

/// Asks what stays in a repository which of the items to remove it needs.
pub(super) struct Check<'c> {
    pub(super) repository: &'c Repository<'c>,
    /// The kind of the items.
    pub(super) what: &'static str,
    /// The manifests that are removed themselves.
    pub(super) to_remove: &'c HashSet<Digest>,
    pub(super) tags: &'c [(Tag, Digest)],
    pub(super) needed: Needed,
    pub(super) unreadable: Unreadable,
}

impl Check<'_> {
    /// Checks that no manifest that stays needs one of those to remove. An index needs its children, and a manifest of
    /// an unknown kind needs what it mentions. A revision linked from `_layers` (registry 2.1.0) also loses its layer
    /// link, so layer references to it count.
    pub(super) fn manifests(&self, unread: Vec<Error>, to_remove: &[ToRemove]) -> Result<Vec<Error>> {
        let layers: HashSet<Digest> =
            to_remove.iter().filter(|removed| removed.misplaced).map(|removed| removed.digest).collect();
        self.run(unread, |_, manifest| {
            let named = manifest.children().filter(|digest| self.to_remove.contains(digest));
            let retained = manifest.retained().map(|(digest, _)| digest).filter(|digest| layers.contains(digest));
            named.chain(retained).collect()
        })
    }

    /// Asks each manifest with `needs`. Returns what can't be read, if that is ignored.
    fn run(
        &self,
        mut unread: Vec<Error>,
        needs: impl Fn(Option<&Revision>, &Manifest) -> Vec<Digest>,
    ) -> Result<Vec<Error>> {
        let mut needed: Vec<(Digest, String)> = Vec::new();
        let mut asked = self.to_remove.clone();
        let mut ask = |digest: Digest, revision: Option<&Revision>, manifest: &Manifest| {
            let by = if manifest.kind.has_children() { "index" } else { "manifest" };
            let by = format!("{by} {digest}");
            needed.extend(needs(revision, manifest).into_iter().map(|digest| (digest, by.clone())));
        };
        for found in revision::revisions(self.repository) {
            if found.as_ref().is_ok_and(|revision| !asked.insert(revision.digest)) {
                continue;
            }
            match found.and_then(|revision| Ok((get::of_revision(self.repository, &revision)?, revision))) {
                Ok((manifest, revision)) => ask(revision.digest, Some(&revision), &manifest),
                Err(error) => unread.push(error),
            }
        }
        // A tag keeps a manifest that is whole, even if the manifest's own link is gone.
        for &(_, digest) in self.tags.iter().filter(|(_, digest)| asked.insert(*digest)) {
            let read = get::content(self.repository, digest);
            match read.and_then(|content| get::parse(self.repository, digest, &content)) {
                Ok(manifest) => ask(digest, None, &manifest),
                Err(Error::ManifestUnknown { missing: Missing::Content, .. } | Error::Corrupt { .. }) => {}
                Err(error) => unread.push(error),
            }
        }
        if self.needed == Needed::Keep {
            self.refuse(needed)?;
        }
        self.unreadable.check(format_args!("what repository {} needs", self.repository.name()), &unread)?;
        Ok(unread)
    }

    /// `Err(InUse)` for the first item that is needed.
    fn refuse(&self, needed: Vec<(Digest, String)>) -> Result<()> {
        let Some(&(digest, _)) = needed.first() else { return Ok(()) };
        let mut by: Vec<String> =
            needed.into_iter().filter(|(needed, _)| *needed == digest).map(|(_, by)| by).collect();
        by.sort();
        by.dedup();
        Err(Error::InUse {
            what: format!("{} {digest}", self.what),
            repository: self.repository.name().clone(),
            digest,
            by,
            override_option: "--force",
        })
    }
}
