//! Takes apart a finding that stands for many references of one manifest: `repair` acts on each of them.

use std::collections::{BTreeSet, HashSet};

use crate::digest::Digest;
use crate::error::Result;
use crate::finding::{Code, Finding, Repair, Subject};
use crate::judge::manifest::{Read, read_one};
use crate::layout::Entry;
use crate::manifest::Role;
use crate::quarantine::Recall;
use crate::tree::Tree;

/// Calls `each` with a finding for every reference that `finding` stands for. The manifest is read again, because the
/// finding names only a few of them. Returns `false` when it can't be read any more.
pub(super) fn each(
    tree: &Tree,
    recall: &Recall,
    finding: &Finding,
    mut each: impl FnMut(Finding) -> Result<()>,
) -> Result<bool> {
    let (Some(manifest), Some(place)) = (finding.manifest(), finding.subject.repository()) else { return Ok(false) };
    let Read::Right(form) = read_one(tree, &manifest) else { return Ok(false) };
    let mut seen: HashSet<Digest> = HashSet::new();
    for part in form.parts.iter().chain(&form.mentions) {
        let digest = part.digest();
        if part.role == Role::Child || part.elsewhere || !seen.insert(digest) {
            continue;
        }
        if tree.metadata(&place.layer_link(&digest))?.is_some() {
            continue;
        }
        let is_left = tree.metadata(&place.layer(&digest))?.is_some();
        let is_there = recall.contains(&digest) || tree.metadata(&Entry::Blob(digest).path())?.is_some();
        let is_alike = match finding.repair {
            Some(Repair::RewriteLink) => is_there,
            Some(_) => !is_there,
            None => true,
        };
        if is_alike && is_left == (finding.code == Code::ReferenceDeleted) {
            let message = format!("{part}, which manifest {manifest} references, is not in the repository");
            each(finding.one(Subject::Layer(place.clone(), digest), digest, message))?;
        }
    }
    Ok(true)
}

/// The digests of all that the findings stand for, as far as a link of them may be granted.
pub(super) fn digests(tree: &Tree, recall: &Recall, findings: &[Finding]) -> Result<BTreeSet<Digest>> {
    let mut digests = BTreeSet::new();
    for finding in findings.iter().filter(|finding| finding.count().is_some() && finding.code.grants()) {
        each(tree, recall, finding, |one| {
            digests.extend(one.digest());
            Ok(())
        })?;
    }
    Ok(digests)
}
