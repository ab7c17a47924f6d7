//! Foresees the errors that show only when a manifest is linked again: until then nothing judges what it references.

use super::{Action, Options};
use crate::error::Result;
use crate::finding::{Code, Finding, Repair, Severity};
use crate::judge::verify::{How, Verifier};
use crate::name::RepositoryName;
use crate::repository::Repository;
use crate::stream::Watch;
use crate::tree::Tree;

/// The errors that the links of manifests in a plan bring to light, without those that the repair goes on with.
pub(super) fn errors(
    tree: &Tree,
    actions: &[Action],
    options: &Options<'_>,
    watch: &Watch<'_>,
) -> Result<Vec<Finding>> {
    let (mut verifier, mut errors) = (Verifier::new(How::default(), watch), Vec::new());
    let is_link =
        |action: &&Action| action.repair == Repair::LinkRevision && action.finding.code == Code::RevisionLinkMissing;
    for Action { finding: linked, .. } in actions.iter().filter(is_link) {
        let name = linked.repository().and_then(|name| name.parse::<RepositoryName>().ok());
        let Some((name, digest)) = name.zip(linked.digest()) else { continue };
        verifier.foresee(&Repository::new(tree, name), digest, &mut |mut finding| {
            finding.images.clone_from(&linked.images);
            errors.push(finding);
        })?;
    }
    let is_left = |error: &Finding| error.repair.is_none() || !options.wanted.includes(error.code);
    errors.retain(|error| error.severity == Severity::Error && is_left(error));
    Ok(errors)
}
