//! Verifies manifests: their content, what they say, and whether everything that they reference is there.
//!
//! A manifest is read, hashed and parsed once, however many repositories have it. Its references and what is wrong with
//! it are kept in memory. Links are read once for each repository, content once for the tree.

use std::collections::HashSet;

use super::lazy::{Lazy, Seen};
use super::{Blocks, absence};
use crate::digest::Digest;
use crate::error::{Error, Missing, Result};
use crate::finding::{Code, Finding, Harm};
use crate::layout::{Entry, Item};
use crate::manifest::Role;
use crate::repository::Repository;
use crate::repository::revision::{self, Revision};
use crate::stream::Watch;

/// How strictly to verify.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct How {
    /// Whether to hash configs and layers too.
    pub content: bool,
    /// Whether a missing child of an index is an error also where no tag leads to the index.
    pub strict: bool,
}

/// Verifies manifests, and remembers what it has read.
pub struct Verifier<'w> {
    how: How,
    watch: &'w Watch<'w>,
    seen: Seen,
}

impl std::fmt::Debug for Verifier<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verifier").field("how", &self.how).finish_non_exhaustive()
    }
}

/// The function that receives the findings.
type Report<'f> = &'f mut dyn FnMut(Finding);

impl<'w> Verifier<'w> {
    /// A verifier that has read nothing yet.
    pub fn new(how: How, watch: &'w Watch<'w>) -> Self {
        Self { how, watch, seen: Seen::default() }
    }

    /// Verifies the manifest `digest` of `repository` and, if it is an index, its children in turn. Calls `report` for
    /// everything that is wrong, and returns how many manifests were verified.
    ///
    /// Returns `Err(ManifestUnknown)` when the repository has no link to the manifest, `Err(RepositoryUnknown)` when
    /// there is no such repository, and `Err(Interrupted)` when a signal came.
    pub fn verify(&mut self, repository: &Repository<'_>, digest: Digest, report: Report<'_>) -> Result<u64> {
        match revision::find(repository, digest) {
            Ok(None) if repository.exists()? => return Err(repository.manifest_unknown(digest, Missing::Link)),
            Ok(None) => return Err(repository.unknown()),
            // A broken link is a finding like any other.
            Ok(Some(_)) | Err(Error::BrokenLink { .. } | Error::WrongKind { .. }) => {}
            Err(error) => return Err(error),
        }
        // Depth first, on a stack of its own, because an index may nest deeply. `seen` stops an index that leads back
        // to itself.
        let (mut seen, mut pending) = (HashSet::new(), vec![digest]);
        while let Some(digest) = pending.pop() {
            if seen.insert(digest) {
                pending.extend(self.look_at(repository, digest, report)?.into_iter().rev());
            }
        }
        Ok(seen.len() as u64)
    }

    /// Verifies every manifest of `repository`, each once. Returns how many there were.
    pub fn verify_all(&mut self, repository: &Repository<'_>, report: Report<'_>) -> Result<u64> {
        let mut count = 0;
        for found in revision::revisions(repository) {
            match found {
                Ok(Revision { digest, .. }) => {
                    self.look_at(repository, digest, report)?;
                    count += 1;
                }
                Err(error) => match linked_by(repository, &error) {
                    // Something else than a file in the place of the link is a finding like any other.
                    Some(digest) => {
                        self.look_at(repository, digest, report)?;
                        count += 1;
                    }
                    None => drop(self.seen.damage.insert(error.to_string(), error)),
                },
            }
        }
        Ok(count)
    }

    /// Verifies a manifest as if the repository had a link to it.
    pub(crate) fn foresee(&mut self, repository: &Repository<'_>, digest: Digest, report: Report<'_>) -> Result<()> {
        self.look_at(repository, digest, report).map(drop)
    }

    /// Takes the damage that was found in the listings of manifests and tags, each once.
    pub fn take_damage(&mut self) -> Vec<Error> {
        std::mem::take(&mut self.seen.damage).into_values().collect()
    }

    /// Verifies one manifest. Returns those of its children that are linked, and so can be verified too.
    fn look_at(&mut self, repository: &Repository<'_>, digest: Digest, report: Report<'_>) -> Result<Vec<Digest>> {
        let How { content, strict } = self.how;
        let mut report = |finding: Finding| {
            let is_strict = strict && finding.code == Code::IndexChildMissing;
            let finding = if is_strict { finding.harms(Harm::Certain) } else { finding };
            report(absence::judge(repository.tree(), Blocks::None, finding).1);
        };
        let mut facts = Lazy::new(repository, digest, content, (self.watch, &mut self.seen), &mut report);
        let form = facts.judge();
        let children = form.iter().flat_map(|form| &form.parts).filter(|part| part.role == Role::Child);
        let children = children.map(|child| child.digest).filter(|child| facts.is_linked(child)).collect();
        if let Some(error) = self.seen.failure.take() {
            return Err(error);
        }
        // When a signal came, a hash may be unfinished, so the result would be incomplete.
        self.watch.interrupt.check().map(|()| children)
    }
}

/// The manifest in the place of whose link there is something else than a file.
fn linked_by(repository: &Repository<'_>, error: &Error) -> Option<Digest> {
    let Error::WrongKind { path, .. } = error else { return None };
    match Entry::parse(&repository.tree().find(path)?)? {
        Entry::InRepository { item: Item::RevisionLink(digest), .. } => Some(digest),
        _ => None,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests {
    use std::io::Cursor;
    use std::time::Duration;

    use super::*;
    use crate::lanes::Lanes;
    use crate::registry::Registry;
    use crate::{manifest, upload};

    #[test]
    fn a_wrong_hash_ends_the_verification_and_is_no_finding() {
        let root = tempfile::tempdir().unwrap();
        let (registry, _) = Registry::create(root.path()).unwrap();
        let (name, now, none) = ("app".parse().unwrap(), jiff::Timestamp::UNIX_EPOCH, Watch::none());
        let writer = registry.writer("test", now, Duration::ZERO).unwrap();
        for content in ["{}", "layer"] {
            upload::Put::new("test").store(&writer, &name, Cursor::new(content), now, &none).unwrap();
        }
        let descriptor = |content: &str, kind: &str| {
            let (digest, size) = (Digest::of(content.as_bytes()), content.len());
            format!(r#"{{"mediaType":"application/vnd.oci.image.{kind}","digest":"{digest}","size":{size}}}"#)
        };
        let image = format!(
            r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{},"layers":[{}]}}"#,
            descriptor("{}", "config.v1+json"),
            descriptor("layer", "layer.v1.tar"),
        );
        manifest::Put::new("test").store(&writer, &name, image.clone().into_bytes()).unwrap();
        drop(writer);
        let (repository, digest) = (registry.repository(&name).unwrap(), Digest::of(image.as_bytes()));
        for (lanes, is_right) in [(Lanes::new(), true), (Lanes::wrong(), false)] {
            let mut verifier = Verifier::new(How { content: true, strict: false }, &none);
            verifier.seen.lanes = Some(lanes);
            let verified = verifier.verify(&repository, digest, &mut |finding| panic!("{}", finding.message));
            let is_as_expected = match verified {
                Ok(count) => is_right && count == 1,
                Err(error) => !is_right && matches!(error, Error::HashesDiffer { .. }),
            };
            assert!(is_as_expected, "right: {is_right}");
        }
    }
}
