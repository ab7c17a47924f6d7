//! Verifies manifests: their content, what they say, and whether everything that they reference is there.
//!
//! The manifests of many repositories are verified on all threads, a few at a time, and reported in order. A manifest is
//! read, hashed and parsed once, however many repositories have it, as long as there is room to remember what it says.
//! Links are read once for each repository, content once for the tree. Content is hashed before the manifests are judged
//! that need it, many files at once. **A finding waits for little content beside that of its own manifest**, because some
//! layers take minutes.

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
use crate::stream::{Counting, Watch};
use crate::tree::{Neighbours, Tree};

/// How many repositories each thread lists at a time.
const REPOSITORIES: usize = 2;
/// How many manifests each thread verifies before the findings are reported: enough that the threads rarely wait for each
/// other.
const MANIFESTS: usize = 64;
/// How many bytes of content each thread hashes before the findings are reported, unless one manifest needs more.
const CONTENT: u64 = 256 << 20;

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

/// A step that is to be judged, and the content to hash before.
struct Ready<'t> {
    step: Step<'t>,
    /// The content that no step before needs, each after its size in bytes.
    unhashed: BTreeSet<(u64, Digest)>,
}

impl Ready<'_> {
    fn bytes(&self) -> u64 {
        self.unhashed.iter().map(|(size, _)| size).sum()
    }
}

impl<'t> Step<'t> {
    fn subject(&self) -> &Subject<'t> {
        let (Self::Manifest(subject, ..) | Self::End(subject)) = self;
        subject
    }

    /// Counts a manifest. At the end of a repository it takes the count.
    fn count(&self, manifests: &mut u64) -> Option<Verified> {
        match self {
            Self::Manifest(..) => {
                *manifests += 1;
                None
            }
            Self::End(subject) => {
                Some(Verified::Repository(subject.repository.name().clone(), std::mem::take(manifests)))
            }
        }
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
        let (counting, mut count) = (self.watch.count("verifying manifests", None), 0);
        for piece in ordered::pieces(self.steps(repositories.into_iter()), MANIFESTS) {
            for batch in batches(&self.ready(piece)?) {
                for (Ready { step, .. }, findings) in batch.iter().zip(self.judge_all(batch, &counting)?) {
                    let findings = findings?.into_iter().filter(|finding| step.subject().is_new(finding));
                    let end = step.count(&mut count);
                    if findings.map(Box::new).map(Verified::Finding).chain(end).try_for_each(&mut report).is_break() {
                        return Ok(());
                    }
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
            let unhashed = self.lazy(&subject, digest).unhashed();
            self.watch.progress.begin("hashing content", Some(unhashed.iter().map(|(size, _)| size).sum()));
            let hashed = self.hash(repository.tree(), unhashed);
            self.watch.progress.end();
            hashed?;
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

    /// Leaves out the steps that are no manifests, because their directories have no links, and says what to hash for the
    /// others.
    fn ready<'t>(&self, steps: Vec<Step<'t>>) -> Result<Vec<Ready<'t>>> {
        let Some(tree) = steps.first().map(|step| step.subject().repository.tree()) else { return Ok(Vec::new()) };
        // This uses all threads itself, so it is not left to each of them.
        cache::is_cache(tree);
        let looked = steps.into_par_iter().map_init(
            || Neighbours::new(tree),
            |neighbours, step| {
                self.watch.interrupt.check()?;
                Ok(self.is_due(&step, neighbours).then(|| Ready { unhashed: self.unhashed(&step), step }))
            },
        );
        let (looked, mut seen) = (looked.collect::<Result<Vec<_>>>()?, HashSet::new());
        let ready = looked.into_iter().flatten().map(|mut ready| {
            ready.unhashed.retain(|(_, digest)| seen.insert(*digest));
            ready
        });
        Ok(ready.collect())
    }

    /// Whether a step is the end of a repository, or a manifest that has a link.
    fn is_due(&self, step: &Step<'_>, neighbours: &mut Neighbours<'_>) -> bool {
        let Step::Manifest(subject, form, digest) = step else { return true };
        match revision::look(&subject.repository, *form, *digest, neighbours) {
            Ok(found) => found.is_some(),
            // Something else than a file in the place of the link is a finding like any other.
            Err(error) if is_link(&subject.repository, digest, &error) => true,
            Err(error) => {
                self.known.note_damage(error);
                false
            }
        }
    }

    fn unhashed(&self, step: &Step<'_>) -> BTreeSet<(u64, Digest)> {
        match step {
            Step::Manifest(subject, _, digest) if self.how.content => self.lazy(subject, *digest).unhashed(),
            _ => BTreeSet::new(),
        }
    }

    /// Hashes what some steps need, and says what is wrong with the manifest of each.
    fn judge_all(&self, batch: &[Ready<'_>], counting: &Counting<'_>) -> Result<Vec<Result<Vec<Finding>>>> {
        let Some(first) = batch.first() else { return Ok(Vec::new()) };
        let unhashed = batch.iter().flat_map(|ready| &ready.unhashed).copied().collect();
        self.hash(first.step.subject().repository.tree(), unhashed)?;
        let judge = |ready: &Ready<'_>| match &ready.step {
            Step::Manifest(subject, _, digest) => {
                counting.add(1);
                self.judge(subject, *digest).map(|(findings, _)| findings)
            }
            Step::End(_) => Ok(Vec::new()),
        };
        Ok(batch.par_iter().map(judge).collect())
    }

    /// Returns what is wrong with a manifest, and what it says, if its content is right.
    fn judge(&self, subject: &Subject<'_>, digest: Digest) -> Result<(Vec<Finding>, Option<Arc<ManifestForm>>)> {
        self.watch.interrupt.check()?;
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

    /// Hashes configs and layers before the manifests are judged that need them: many at once are faster. The largest is
    /// the first, so that no thread begins it when the others are done.
    fn hash(&self, tree: &Tree, unhashed: BTreeSet<(u64, Digest)>) -> Result<()> {
        let digests = unhashed.into_iter().map(|(_, digest)| digest).collect();
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

/// The steps in pieces, each with no more content than is hashed before the findings are reported.
fn batches<'r, 't>(ready: &'r [Ready<'t>]) -> impl Iterator<Item = &'r [Ready<'t>]> {
    let (most, mut bytes) = (CONTENT * rayon::current_num_threads() as u64, 0);
    ready.chunk_by(move |before, next| {
        bytes += before.bytes();
        let has_room = bytes + next.bytes() <= most;
        if !has_room {
            bytes = 0;
        }
        has_room
    })
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

    const NAMES: [&str; 2] = ["app", "other"];

    /// A tree with the image in two repositories, and the digest of its manifest.
    fn tree() -> (tempfile::TempDir, Registry, Digest) {
        let root = tempfile::tempdir().unwrap();
        let (registry, _) = Registry::create(root.path()).unwrap();
        let (now, none) = (jiff::Timestamp::UNIX_EPOCH, Watch::none());
        let writer = registry.writer("test", now, Duration::ZERO).unwrap();
        let descriptor = |content: &str, kind: &str| {
            let (digest, size) = (Digest::of(content.as_bytes()), content.len());
            format!(r#"{{"mediaType":"application/vnd.oci.image.{kind}","digest":"{digest}","size":{size}}}"#)
        };
        let image = format!(
            r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{},"layers":[{}]}}"#,
            descriptor("{}", "config.v1+json"),
            descriptor("layer", "layer.v1.tar"),
        );
        for name in NAMES.map(|name| name.parse().unwrap()) {
            for content in ["{}", "layer"] {
                upload::Put::new("test").store(&writer, &name, Cursor::new(content), now, &none).unwrap();
            }
            manifest::Put::new("test").store(&writer, &name, image.clone().into_bytes()).unwrap();
        }
        drop(writer);
        (root, registry, Digest::of(image.as_bytes()))
    }

    fn repository<'t>(registry: &'t Registry, name: &str) -> Repository<'t> {
        registry.repository(&name.parse().unwrap()).unwrap()
    }

    #[expect(clippy::disallowed_methods, reason = "a test loses content")]
    fn lose_layer(tree: &Tree) {
        std::fs::remove_file(tree.locate(&Entry::Blob(Digest::of(b"layer")).path())).unwrap();
    }

    const HOW: How = How { content: true, strict: false };

    #[test]
    fn a_wrong_hash_ends_the_verification_and_is_no_finding() {
        let (_root, registry, digest) = tree();
        let (repository, none) = (repository(&registry, "app"), Watch::none());
        for (lanes, is_right) in [(Lanes::new as fn() -> Lanes<'static>, true), (Lanes::wrong, false)] {
            let mut verifier = Verifier::new(HOW, &none);
            verifier.known.lanes = lanes;
            let verified = verifier.verify(&repository, digest, &mut |finding| panic!("{}", finding.message));
            let is_as_expected = match verified {
                Ok(count) => is_right && count == 1,
                Err(error) => !is_right && matches!(error, Error::HashesDiffer { .. }),
            };
            assert!(is_as_expected, "right: {is_right}");
        }
    }

    #[test]
    fn content_that_vanishes_before_it_is_hashed_is_missing() {
        for is_hashed_before in [true, false] {
            let (_root, registry, digest) = tree();
            let (subject, none) =
                (Subject { repository: repository(&registry, "app"), links: Arc::default() }, Watch::none());
            let verifier = Verifier::new(HOW, &none);
            let unhashed = verifier.lazy(&subject, digest).unhashed();
            assert_eq!(unhashed.len(), 2);
            lose_layer(registry.tree());
            if is_hashed_before {
                verifier.hash(registry.tree(), unhashed).unwrap();
            }
            let (findings, _) = verifier.judge(&subject, digest).unwrap();
            let codes: Vec<Code> = findings.iter().map(|finding| finding.code).collect();
            assert_eq!(codes, [Code::BlobMissing], "hashed before: {is_hashed_before}");
        }
    }

    #[test]
    fn findings_are_the_same_without_room_to_remember_manifests() {
        let (_root, registry, digest) = tree();
        lose_layer(registry.tree());
        let none = Watch::none();
        let verified = |most: usize| {
            let mut verifier = Verifier::new(HOW, &none);
            verifier.known.manifests.most = most;
            let (repositories, mut said) = (NAMES.map(|name| repository(&registry, name)), Vec::new());
            let report = |verified| {
                said.push(match verified {
                    Verified::Finding(finding) => format!("{finding:?}"),
                    Verified::Repository(name, count) => format!("{name}: {count}"),
                });
                ControlFlow::Continue(())
            };
            verifier.verify_all(repositories, report).unwrap();
            (said, verifier.known.manifests.remembers(&digest))
        };
        let (said, is_remembered) = verified(1 << 16);
        assert!(is_remembered && said.len() == 4, "{said:#?}");
        assert_eq!(verified(0), (said, false));
    }

    #[test]
    fn a_batch_is_as_large_as_findings_may_wait_for() {
        let (_root, registry, digest) = tree();
        let subject = Arc::new(Subject { repository: repository(&registry, "app"), links: Arc::default() });
        let most = CONTENT * rayon::current_num_threads() as u64;
        let ready = [1, most, 0, 1, most - 1, 1, 0, 3 * most].map(|bytes| Ready {
            step: Step::Manifest(Arc::clone(&subject), Form::Current, digest),
            unhashed: BTreeSet::from([(bytes, digest)]),
        });
        let bytes = |batch: &[Ready<'_>]| batch.iter().map(Ready::bytes).collect::<Vec<_>>();
        let batches: Vec<_> = batches(&ready).map(bytes).collect();
        assert_eq!(batches, [vec![1], vec![most, 0], vec![1, most - 1], vec![1, 0], vec![3 * most]]);
    }
}
