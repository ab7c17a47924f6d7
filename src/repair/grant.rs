//! Plans the links that the operator grants, beyond what anything [shows](crate::judge::permission).

use super::{Action, Left, Plan};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::finding::{Code, Finding, Harm, Repair, Subject};
use crate::judge::content::{self, Occupant, Stored};
use crate::judge::manifest::{Read, read_one};
use crate::layout::{Entry, Form, Place};
use crate::name::RepositoryName;
use crate::scan::{Scan, Scanned};
use crate::stream::Watch;
use crate::tree::Tree;

/// A link to content of the tree that a repository is to get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The repository.
    pub repository: RepositoryName,
    /// The content.
    pub digest: Digest,
}

/// Adds the granted links to a plan. `Err(RepositoryUnknown)`, `Err(BlobUnknown)` or `Err(Corrupt)` when there is
/// nothing that could be linked.
pub(super) fn add(tree: &Tree, scan: &Scan, plan: &mut Plan<'_>, watch: &Watch<'_>) -> Result<()> {
    for grant in plan.options.grants.clone() {
        check(tree, scan, plan, &grant, watch)?;
        let holders = Holders::of(tree, scan, &grant.digest)?;
        let is_manifest = holders.of_revisions
            || holders.names.is_empty()
                && matches!(read_one(tree, &grant.digest), Read::Right(form) if !form.is_unknown);
        let place = Place::of(&grant.repository, Form::Current);
        let (subject, repair, link) = if is_manifest {
            let link = place.revision_link(&grant.digest);
            (Subject::Revision(place, grant.digest), Repair::LinkRevision, link)
        } else {
            let link = place.layer_link(&grant.digest);
            (Subject::Layer(place, grant.digest), Repair::RewriteLink, link)
        };
        let message = format!("{} is granted to {}", grant.digest, grant.repository);
        let finding = Finding::new(tree, subject, Code::ReferenceMissing, Harm::Possible, message).repaired_by(repair);
        if tree.metadata(&link)?.is_some() {
            let reason = format!("{} has this link already", grant.repository);
            plan.left.push(Left { finding, reason });
            continue;
        }
        let others = holders.names.into_iter().filter(|name| name != grant.repository.as_str()).collect();
        // The same link may be planned as a repair of what was found.
        plan.actions.retain(|action| action.repair != repair || action.path != link);
        plan.actions.extend(Action::new(repair, &finding, 0).map(|it| Action { also_in: Some(others), ..it }));
    }
    plan.actions = Action::in_order(std::mem::take(&mut plan.actions));
    Ok(())
}

/// Checks that the repository is there, and that the content is there and right.
fn check(tree: &Tree, scan: &Scan, plan: &Plan<'_>, grant: &Grant, watch: &Watch<'_>) -> Result<()> {
    let Grant { repository, digest } = grant;
    let place = Place::of(repository, Form::Current);
    if !scan.repositories.iter().any(|scanned| scanned.text() == repository.as_str()) {
        return Err(Error::RepositoryUnknown { repository: repository.clone(), path: tree.locate(&place.directory) });
    }
    if plan.recall.contains(digest) {
        return Ok(());
    }
    match content::look_and_hash(tree, digest, watch)? {
        (Occupant::File(_), Stored::Right) => Ok(()),
        (_, Stored::Missing) => Err(Error::BlobUnknown {
            repository: repository.clone(),
            digest: *digest,
            path: tree.locate(&Entry::Blob(*digest).path()),
            manifest: false,
            content: false,
        }),
        _ => Err(Error::Refused { reason: format!("the content {digest} is damaged: no link to it is written") }),
    }
}

/// The repositories that link some content.
struct Holders {
    names: Vec<String>,
    /// Whether one of them links it as a manifest.
    of_revisions: bool,
}

impl Holders {
    fn of(tree: &Tree, scan: &Scan, digest: &Digest) -> Result<Self> {
        let mut holders = Self { names: Vec::new(), of_revisions: false };
        for scanned in &scan.repositories {
            let is_revision = scanned.revisions.iter().any(|revision| revision.digest == *digest);
            holders.of_revisions |= is_revision;
            if is_revision || has_layer(tree, scan, scanned, digest)? {
                holders.names.push(scanned.text().to_owned());
            }
        }
        Ok(holders)
    }
}

fn has_layer(tree: &Tree, scan: &Scan, scanned: &Scanned, digest: &Digest) -> Result<bool> {
    if scanned.aliases.iter().any(|(_, target)| target == digest) {
        return Ok(true);
    }
    let is_named = scan.digests.find(digest).is_some_and(|id| scanned.layers.contains(&id));
    // A deletion leaves the directory without the link.
    Ok(is_named && tree.metadata(&scanned.place.layer_link(digest))?.is_some())
}
