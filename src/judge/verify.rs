//! Verifies manifests: their content, what they say, and whether everything that they reference is there.
//!
//! The manifests of many repositories are verified on all threads, a few at a time, and reported in order. A manifest is
//! read, hashed and parsed once, however many repositories have it, as long as there is room to remember what it says.
//! Links are read once for each repository, content once for the tree.

use std::collections::{BTreeSet, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rayon::prelude::*;

use super::known::{Known, KnownLinks};
use super::lazy::Lazy;
use super::manifest::{ManifestForm, Part};
use super::{Blocks, absence, hashing};
use crate::digest::Digest;
use crate::error::{Error, Missing, Result};
use crate::finding::{Code, Finding, Harm};
use crate::layout::{Entry, Form, Item};
use crate::manifest::Role;
use crate::name::RepositoryName;
use crate::ordered;
use crate::repository::revision::{self, Keyed};
use crate::repository::{Repository, cache};
use crate::stream::Watch;
use crate::tree::Neighbours;

/// How many repositories each thread lists at a time.
const REPOSITORIES: usize = 2;
/// How many manifests each thread verifies before the findings are reported: enough that the threads rarely wait for each
/// other.
const MANIFESTS: usize = 64;

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
    known: Known,
    /// The links of the repository of which a single manifest was verified last.
    last: Option<(RepositoryName, Arc<KnownLinks>)>,
}

impl std::fmt::Debug for Verifier<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verifier").field("how", &self.how).finish_non_exhaustive()
    }
}

/// What [`Verifier::verify_all`] reports.
#[derive(Debug)]
#[non_exhaustive]
pub enum Verified {
    /// Something is wrong.
    Finding(Box<Finding>),
    /// All manifests of a repository were verified: so many.
    Repository(RepositoryName, u64),
}

/// The function that receives the findings.
type Report<'f> = &'f mut dyn FnMut(Finding);

/// A repository, and what was read of it.
struct Subject<'t> {
    repository: Repository<'t>,
    links: Arc<KnownLinks>,
}

/// A step on the way through repositories.
enum Step<'t> {
    /// The digest that a directory of a revision is named by. It is a manifest if the directory has a link.
    Manifest(Arc<Subject<'t>>, Form, Digest),
    /// The repository has no more manifests.
    End(Arc<Subject<'t>>),
}

/// What is wrong with the manifest of a step; `None` if that is no manifest.
type Judged = Result<Option<Vec<Finding>>>;

impl<'t> Step<'t> {
    fn subject(&self) -> &Subject<'t> {
        let (Self::Manifest(subject, ..) | Self::End(subject)) = self;
        subject
    }
}

impl<'w> Verifier<'w> {
    /// A verifier that has read nothing yet.
    pub fn new(how: How, watch: &'w Watch<'w>) -> Self {
        Self { how, watch, known: Known::default(), last: None }
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
                let form = self.foresee(repository, digest, report)?;
                let children = form.iter().flat_map(|form| &form.parts).filter(|part| part.role == Role::Child);
                let is_linked = |child: &Digest| matches!(revision::find(repository, *child), Ok(Some(_)));
                pending.extend(children.map(Part::digest).filter(is_linked).rev());
            }
        }
        Ok(seen.len() as u64)
    }

    /// Verifies every manifest of `repositories`, each once in each of them, on all threads. Calls `report` in order: for
    /// everything that is wrong, and at the end of each repository. Ends early when `report` breaks off.
    ///
    /// Returns `Err(Interrupted)` when a signal came.
    pub fn verify_all<'t>(
        &self,
        repositories: impl IntoIterator<Item = Repository<'t>>,
        mut report: impl FnMut(Verified) -> ControlFlow<()>,
    ) -> Result<()> {
        let mut count = 0;
        for piece in ordered::pieces(self.steps(repositories.into_iter()), MANIFESTS) {
            for (step, findings) in piece.iter().zip(self.judge_all(&piece)?) {
                let findings = findings?;
                count += u64::from(findings.is_some());
                let findings = findings.into_iter().flatten().filter(|finding| step.subject().is_new(finding));
                let end = match step {
                    Step::Manifest(..) => None,
                    Step::End(subject) => {
                        Some(Verified::Repository(subject.repository.name().clone(), std::mem::take(&mut count)))
                    }
                };
                if findings.map(Box::new).map(Verified::Finding).chain(end).try_for_each(&mut report).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Verifies a manifest as if the repository had a link to it. Returns what it says, if its content is right.
    pub(crate) fn foresee(
        &mut self,
        repository: &Repository<'_>,
        digest: Digest,
        report: Report<'_>,
    ) -> Result<Option<Arc<ManifestForm>>> {
        let subject = Subject { repository: repository.clone(), links: self.links(repository) };
        if self.how.content {
            self.hash(repository, self.lazy(&subject, digest).unhashed())?;
        }
        let (findings, form) = self.judge(&subject, digest)?;
        findings.into_iter().filter(|finding| subject.is_new(finding)).for_each(report);
        Ok(form)
    }

    /// Takes the damage that was found in the listings of manifests and tags, each once.
    pub fn take_damage(&mut self) -> Vec<Error> {
        self.known.take_damage()
    }

    /// The steps through repositories, of which a few are listed at a time.
    fn steps<'t>(&self, repositories: impl Iterator<Item = Repository<'t>>) -> impl Iterator<Item = Step<'t>> {
        let list = |repository: Repository<'t>| {
            let mut found = Vec::new();
            for Keyed { form, digests, damage } in revision::keyed(&repository) {
                for error in damage {
                    self.known.note_damage(error);
                }
                found.push((form, digests));
            }
            (Arc::new(Subject { repository, links: Arc::default() }), found)
        };
        ordered::map(repositories, REPOSITORIES, list).flat_map(|(subject, found)| {
            let end = Step::End(Arc::clone(&subject));
            let digests = found.into_iter().flat_map(|(form, digests)| digests.into_iter().map(move |it| (form, it)));
            digests.map(move |(form, digest)| Step::Manifest(Arc::clone(&subject), form, digest)).chain([end])
        })
    }

    /// Judges the manifests among some steps.
    fn judge_all(&self, steps: &[Step<'_>]) -> Result<Vec<Judged>> {
        let Some(repository) = steps.first().map(|step| &step.subject().repository) else { return Ok(Vec::new()) };
        // This uses all threads itself, so it is not left to each of them.
        cache::is_cache(repository.tree());
        if self.how.content {
            let unhashed = |step: &Step<'_>| match step {
                Step::Manifest(subject, _, digest) => self.lazy(subject, *digest).unhashed(),
                Step::End(_) => BTreeSet::new(),
            };
            self.hash(repository, steps.par_iter().flat_map_iter(unhashed).collect())?;
        }
        let neighbours = || Neighbours::new(repository.tree());
        let judged = steps.par_iter().map_init(neighbours, |neighbours, step| self.judge_step(step, neighbours));
        Ok(judged.collect())
    }

    fn judge_step(&self, step: &Step<'_>, neighbours: &mut Neighbours<'_>) -> Judged {
        let Step::Manifest(subject, form, digest) = step else { return Ok(None) };
        self.watch.interrupt.check()?;
        match revision::look(&subject.repository, *form, *digest, neighbours) {
            Ok(None) => return Ok(None),
            Ok(Some(_)) => {}
            // Something else than a file in the place of the link is a finding like any other.
            Err(error) if is_link(&subject.repository, digest, &error) => {}
            Err(error) => {
                self.known.note_damage(error);
                return Ok(None);
            }
        }
        self.judge(subject, *digest).map(|(findings, _)| Some(findings))
    }

    /// Returns what is wrong with a manifest, and what it says, if its content is right.
    fn judge(&self, subject: &Subject<'_>, digest: Digest) -> Result<(Vec<Finding>, Option<Arc<ManifestForm>>)> {
        let mut facts = self.lazy(subject, digest);
        let form = facts.judge();
        // When a signal came, a hash may be unfinished, so the result would be incomplete.
        self.watch.interrupt.check()?;
        let judge = |finding: Finding| {
            let is_strict = self.how.strict && finding.code == Code::IndexChildMissing;
            let finding = if is_strict { finding.harms(Harm::Certain) } else { finding };
            absence::judge(subject.repository.tree(), Blocks::None, finding).1
        };
        Ok((facts.into_findings().into_iter().map(judge).collect(), form))
    }

    fn lazy<'l>(&'l self, subject: &'l Subject<'_>, digest: Digest) -> Lazy<'l> {
        Lazy::new(&subject.repository, digest, self.how.content, self.watch, (&self.known, &subject.links))
    }

    /// Hashes configs and layers before the manifests are judged that need them: many at once are faster.
    fn hash(&self, repository: &Repository<'_>, digests: BTreeSet<Digest>) -> Result<()> {
        let (tree, digests) = (repository.tree(), digests.into_iter().collect());
        let note = |digest, stored| self.known.note_hashed(digest, stored);
        hashing::hash_on_all_threads(tree, digests, self.known.lanes, &note, self.watch)
    }

    /// What is known of the links of a repository.
    fn links(&mut self, repository: &Repository<'_>) -> Arc<KnownLinks> {
        let name = repository.name();
        let last = self.last.take().filter(|(last, _)| last == name);
        let (_, links) = self.last.insert(last.unwrap_or_else(|| (name.clone(), Arc::default())));
        Arc::clone(links)
    }
}

impl Subject<'_> {
    /// Whether a finding is reported now. Those about a whole repository are reported once.
    fn is_new(&self, finding: &Finding) -> bool {
        finding.code != Code::RepositoryIncomplete || !self.links.is_reported.swap(true, Ordering::Relaxed)
    }
}

/// Whether an error is about the place of a manifest's link.
fn is_link(repository: &Repository<'_>, digest: &Digest, error: &Error) -> bool {
    let Error::WrongKind { path, .. } = error else { return false };
    let entry = repository.tree().find(path).and_then(|path| Entry::parse(&path));
    matches!(entry, Some(Entry::InRepository { item: Item::RevisionLink(of), .. }) if of == *digest)
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
        for (lanes, is_right) in [(Lanes::new as fn() -> Lanes<'static>, true), (Lanes::wrong, false)] {
            let mut verifier = Verifier::new(How { content: true, strict: false }, &none);
            verifier.known.lanes = lanes;
            let verified = verifier.verify(&repository, digest, &mut |finding| panic!("{}", finding.message));
            let is_as_expected = match verified {
                Ok(count) => is_right && count == 1,
                Err(error) => !is_right && matches!(error, Error::HashesDiffer { .. }),
            };
            assert!(is_as_expected, "right: {is_right}");
        }
    }
}
