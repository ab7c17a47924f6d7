//! Judges the signatures that registries up to 2.4 stored beside a manifest of schema1.

use super::Blocks;
use super::content::Occupant;
use super::link;
use super::references::Facts;
use crate::digest::Digest;
use crate::error::{Error, LinkFault};
use crate::finding::{Code, Harm, Repair, Subject};
use crate::layout::{Place, TreePath};
use crate::manifest::schema1::SignatureVerdict;
use crate::manifest::{content, signatures};
use crate::repository::Repository;

/// Judges the link of a signature of `manifest`; `says` is `Err` for a broken link. Returns whether link and content are
/// there.
pub(crate) fn link<F: Facts>(
    facts: &mut F,
    repository: Place,
    (manifest, signature): (Digest, Digest),
    says: Result<(), LinkFault>,
) -> bool {
    let subject = Subject::Signature { repository, manifest, signature };
    let finding = match says {
        Ok(()) if facts.occupant(&signature) != Occupant::Absent => return true,
        Ok(()) => {
            let message = format!("the content of signature {signature} is missing");
            facts.at(subject, Code::SignatureDangling, Harm::Possible, message).repaired_by(Repair::QuarantineLink)
        }
        // Only registries up to 2.4 read this link, so the harm is not certain.
        Err(fault) => link::broken(facts.tree(), subject, &fault, Harm::Possible),
    };
    facts.report(Blocks::None, finding.of_manifest(manifest));
    false
}

/// Reports the stored signatures in `directory` that do not match their manifest. What is wrong with their links or
/// content is reported on its own.
pub(crate) fn judge<F: Facts>(facts: &mut F, repository: &Repository<'_>, manifest: Digest, directory: &TreePath) {
    let merged = content(repository, manifest).and_then(|payload| signatures::merged(repository, manifest, payload));
    let found: Vec<(Code, String)> = match merged {
        Ok(Some(signed)) => {
            let code = |verdict: &SignatureVerdict| {
                if verdict.was_checked() { Code::SignatureInvalid } else { Code::SignatureNotVerified }
            };
            let verdicts = signed.verify();
            let failed = verdicts.iter().filter_map(|verdict| Some((code(verdict), verdict.error()?.to_string())));
            failed.collect()
        }
        Err(error @ Error::ManifestMalformed { .. }) => vec![(Code::SignatureInvalid, error.to_string())],
        Ok(None) | Err(_) => Vec::new(),
    };
    for (code, message) in found {
        let finding = facts.at(directory, code, Harm::Certain, message);
        facts.report(Blocks::None, finding.of_manifest(manifest));
    }
}
