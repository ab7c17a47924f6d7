//! Whether manifests are whole: what they are, what they say, and that all that they reference is there.
//!
//! A manifest is read, hashed and parsed once, however many repositories have it; what is kept of it is its references and
//! what is wrong with it. Links are looked at once for each repository, content once for the tree.

mod content;
pub(crate) mod form;

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::model::Role;
use super::{MAX_PUT, get, signatures};
use crate::digest::Digest;
use crate::error::{Error, Missing, Result};
use crate::finding::{Code, Finding, Severity};
use crate::layout::{Entry, Form as Layout};
use crate::name::RepositoryName;
use crate::repository::Repository;
use crate::repository::revision::{self, Revision};
use crate::stream::Watch;

use content::{Content, Measured};
use form::{Form, Part, Problem};

/// How closely to look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct How {
    /// Whether to hash configs and layers too.
    pub content: bool,
    /// Whether a child of an index that was never pushed is an error too.
    pub strict: bool,
}

/// Looks at manifests, and remembers what it has seen.
pub struct Verifier<'w> {
    how: How,
    watch: &'w Watch<'w>,
    forms: HashMap<Digest, Rc<Form>>,
    content: Content<'w>,
    links: Links,
}

impl std::fmt::Debug for Verifier<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verifier").field("how", &self.how).finish_non_exhaustive()
    }
}

/// What the layer links of one repository lead to.
#[derive(Default)]
struct Links {
    repository: Option<RepositoryName>,
    targets: HashMap<Digest, Option<Digest>>,
}

/// Where findings go.
type Report<'f> = &'f mut dyn FnMut(Finding);

impl<'w> Verifier<'w> {
    /// A verifier that has seen nothing yet.
    pub fn new(how: How, watch: &'w Watch<'w>) -> Self {
        Self { how, watch, forms: HashMap::new(), content: Content::new(watch), links: Links::default() }
    }

    /// Looks at the manifest `digest` of `repository` and, if it is an index, at its children in turn. Returns how many
    /// manifests that were.
    ///
    /// Whatever is wrong is reported. `Err(ManifestUnknown)` when the repository has no link to it, `Err(Interrupted)`.
    pub fn verify(&mut self, repository: &Repository<'_>, digest: Digest, report: Report<'_>) -> Result<u64> {
        match revision::find(repository, digest) {
            Ok(None) if repository.exists()? => return Err(repository.manifest_unknown(digest, Missing::Link)),
            Ok(None) => return Err(repository.unknown()),
            // A broken link is a finding like any other.
            Ok(Some(_)) | Err(Error::BrokenLink { .. }) => {}
            Err(error) => return Err(error),
        }
        let mut seen = HashSet::new();
        self.descend(repository, digest, &mut seen, report)?;
        Ok(seen.len() as u64)
    }

    /// Looks at every manifest of `repository`, each once. Returns how many that were, and what was damaged among the
    /// revisions themselves.
    pub fn verify_all(&mut self, repository: &Repository<'_>, report: Report<'_>) -> Result<(u64, Vec<Error>)> {
        let (mut count, mut damage) = (0, Vec::new());
        for found in revision::revisions(repository) {
            match found {
                Ok(Revision { digest, .. }) => {
                    self.look_at(repository, digest, report)?;
                    count += 1;
                }
                Err(error) => damage.push(error),
            }
        }
        Ok((count, damage))
    }

    /// Depth first, on a stack of its own: an index may nest as deep as it likes, and lead back to itself.
    fn descend(
        &mut self,
        repository: &Repository<'_>,
        top: Digest,
        seen: &mut HashSet<Digest>,
        report: Report<'_>,
    ) -> Result<()> {
        let mut pending = vec![top];
        while let Some(digest) = pending.pop() {
            if !seen.insert(digest) {
                continue;
            }
            let children = self.look_at(repository, digest, report)?;
            pending.extend(children.into_iter().rev());
        }
        Ok(())
    }

    /// Looks at one manifest; returns those of its children that can be looked at too.
    fn look_at(&mut self, repository: &Repository<'_>, digest: Digest, report: Report<'_>) -> Result<Vec<Digest>> {
        if let Some(signal) = self.watch.interrupt.signal() {
            return Err(Error::Interrupted { signal });
        }
        let mut scene = Scene { repository, manifest: digest, report };
        match revision::find(repository, digest) {
            Ok(_) => {}
            Err(error) => scene.failure(None, &error, Severity::Error),
        }
        let Some(form) = self.form(&mut scene)? else { return Ok(Vec::new()) };
        for problem in &form.problems {
            scene.problem(problem);
        }
        if form.is_schema1 {
            check_signatures(&mut scene);
        }
        let mut children = Vec::new();
        for part in &form.parts {
            match part.role {
                Role::Child => children.extend(self.child(&mut scene, part)?),
                _ => self.part(&mut scene, part)?,
            }
        }
        for mention in form.mentions.iter().filter(|_| form.is_unknown) {
            self.mention(&mut scene, mention)?;
        }
        Ok(children)
    }

    /// Reads the manifest, or remembers it. What can't be read is reported each time.
    fn form(&mut self, scene: &mut Scene<'_, '_, '_>) -> Result<Option<Rc<Form>>> {
        if let Some(form) = self.forms.get(&scene.manifest) {
            return Ok(Some(Rc::clone(form)));
        }
        match get::content(scene.repository, scene.manifest) {
            Ok(bytes) => {
                let form = Rc::new(Form::read(&bytes));
                self.forms.insert(scene.manifest, Rc::clone(&form));
                Ok(Some(form))
            }
            Err(error @ Error::Interrupted { .. }) => Err(error),
            Err(error) => {
                scene.failure(None, &error, Severity::Error);
                Ok(None)
            }
        }
    }

    /// A config or layer: linked here, there, of the size that was said, and if that is wanted of the right content.
    fn part(&mut self, scene: &mut Scene<'_, '_, '_>, part: &Part) -> Result<()> {
        let target = match self.links.target(scene.repository, part.digest) {
            Ok(Some(target)) => target,
            // A foreign layer may be elsewhere.
            Ok(None) if part.elsewhere => return Ok(()),
            Ok(None) => {
                let path = scene.repository.link_path(part.digest, Layout::Current);
                let path = scene.repository.tree().locate(&path);
                let message = format!("{} is not in the repository: there is no {}", part, path.display());
                let found = Finding { path: Some(path), ..scene.finding(Code::ReferenceMissing, part, message) };
                (scene.report)(found);
                return Ok(());
            }
            Err(error) => {
                scene.failure(Some(part), &error, Severity::Error);
                return Ok(());
            }
        };
        let measured = self.content.measure(scene.repository, target, part.size, self.how.content)?;
        scene.measured(part, target, &measured, Code::BlobMissing, Severity::Error);
        Ok(())
    }

    /// What an unknown kind mentions: a manifest, a layer, or nothing that was ever here.
    fn mention(&mut self, scene: &mut Scene<'_, '_, '_>, mention: &Part) -> Result<()> {
        let found = match revision::find(scene.repository, mention.digest) {
            Ok(None) => self.links.target(scene.repository, mention.digest),
            found => found.map(|revision| revision.map(|revision| revision.digest)),
        };
        match found {
            Ok(Some(target)) => {
                let measured = self.content.measure(scene.repository, target, None, self.how.content)?;
                scene.measured(mention, target, &measured, Code::ReferenceMissing, Severity::Warning);
            }
            Ok(None) => {
                let message = format!("{mention} is not in the repository: it may be needed");
                let finding = scene.finding(Code::ReferenceMissing, mention, message);
                (scene.report)(Finding { severity: Severity::Warning, ..finding });
            }
            Err(error) => scene.failure(Some(mention), &error, Severity::Warning),
        }
        Ok(())
    }

    /// A child of an index; the child itself is returned if it can be looked at.
    fn child(&mut self, scene: &mut Scene<'_, '_, '_>, part: &Part) -> Result<Option<Digest>> {
        match revision::find(scene.repository, part.digest) {
            Ok(Some(_)) => {}
            // Build caches list their layers as children; a manifest that is only linked as a layer nobody can pull.
            Ok(None)
                if !part.is_manifest && matches!(self.links.target(scene.repository, part.digest), Ok(Some(_))) =>
            {
                self.part(scene, part)?;
                return Ok(None);
            }
            Ok(None) => {
                let finding = if self.was_here(scene.repository, part.digest) {
                    let message = format!("{part} was in the repository, and is no longer linked");
                    scene.finding(Code::IndexChildMissing, part, message)
                } else {
                    let severity = if self.how.strict { Severity::Error } else { Severity::Warning };
                    let message =
                        format!("{part} is not in the repository: it was never pushed, or is gone without trace");
                    Finding { severity, ..scene.finding(Code::IndexChildMissing, part, message) }
                };
                (scene.report)(finding);
                return Ok(None);
            }
            Err(error) => {
                scene.failure(Some(part), &error, Severity::Error);
                return Ok(None);
            }
        }
        // The child itself is hashed when it is read.
        let measured = self.content.measure(scene.repository, part.digest, part.size, false)?;
        let there = scene.measured(part, part.digest, &measured, Code::IndexChildMissing, Severity::Error);
        Ok(there.then_some(part.digest))
    }

    /// Whether there is a trace of a manifest that is not linked: its revision's directory, or a link to what only it
    /// consists of. Its content alone may be another repository's.
    fn was_here(&mut self, repository: &Repository<'_>, digest: Digest) -> bool {
        let directory = repository.place(Layout::Current).revision(&digest);
        if repository.tree().metadata(&directory).is_ok_and(|found| found.is_some()) {
            return true;
        }
        let content = repository.tree().read_small(&Entry::Blob(digest).path(), MAX_PUT as u64);
        let Ok(Some(content)) = content else { return false };
        let mut is_layer = |digest| matches!(self.links.target(repository, digest), Ok(Some(_)));
        is_layer(digest)
            || Form::read(&content).marks().any(|part| match part.role {
                Role::Child => matches!(revision::find(repository, part.digest), Ok(Some(_))),
                _ => is_layer(part.digest),
            })
    }
}

impl Links {
    /// What the link to `digest` in `repository` leads to.
    fn target(&mut self, repository: &Repository<'_>, digest: Digest) -> Result<Option<Digest>> {
        if self.repository.as_ref() != Some(repository.name()) {
            *self = Self { repository: Some(repository.name().clone()), targets: HashMap::new() };
        }
        if let Some(target) = self.targets.get(&digest) {
            return Ok(*target);
        }
        let target = repository.find_link(digest)?.map(|link| link.target);
        self.targets.insert(digest, target);
        Ok(target)
    }
}

/// What is wrong with the signatures that a registry up to 2.4 has stored beside a payload.
pub(crate) fn signature_findings(repository: &Repository<'_>, manifest: Digest) -> Vec<Finding> {
    let mut found = Vec::new();
    check_signatures(&mut Scene { repository, manifest, report: &mut |finding| found.push(finding) });
    found
}

/// The signatures that a registry up to 2.4 has stored beside a payload.
fn check_signatures(scene: &mut Scene<'_, '_, '_>) {
    let payload = match signatures::stored(scene.repository, scene.manifest) {
        Ok(stored) if stored.is_empty() => return,
        Ok(_) => get::content(scene.repository, scene.manifest),
        Err(error) => Err(error),
    };
    let merged = payload.and_then(|payload| signatures::merged(scene.repository, scene.manifest, payload));
    match merged {
        Ok(Some(signed)) => {
            for verdict in signed.verify() {
                let Some(error) = verdict.error() else { continue };
                let (code, severity) = if verdict.was_checked() {
                    (Code::SignatureInvalid, Severity::Error)
                } else {
                    (Code::SignatureNotVerified, Severity::Warning)
                };
                scene.problem(&Problem { code, severity, message: error.to_string() });
            }
        }
        Ok(None) => {}
        Err(error) => {
            let code = match &error {
                Error::ContentMissing { .. } => Code::SignatureDangling,
                Error::ManifestMalformed { .. } => Code::SignatureInvalid,
                error => Code::of(error),
            };
            let path = error.path().map(std::path::Path::to_owned);
            let message = error.to_string();
            // Only registries up to 2.4 read it, and then the manifest can't be had.
            let severity = if code == Code::SignatureInvalid { Severity::Error } else { Severity::Warning };
            let finding = scene.finding_of(code, severity, None, message);
            (scene.report)(Finding { path, ..finding });
        }
    }
}

/// One manifest of one repository, being looked at.
struct Scene<'s, 'r, 'f> {
    repository: &'s Repository<'r>,
    manifest: Digest,
    report: &'f mut dyn FnMut(Finding),
}

impl Scene<'_, '_, '_> {
    fn finding_of(&self, code: Code, severity: Severity, digest: Option<Digest>, message: String) -> Finding {
        let repository = Some(self.repository.name().to_string());
        Finding { repository, manifest: Some(self.manifest), digest, ..Finding::new(code, severity, message) }
    }

    fn finding(&self, code: Code, part: &Part, message: String) -> Finding {
        self.finding_of(code, Severity::Error, Some(part.digest), message)
    }

    fn problem(&mut self, problem: &Problem) {
        let finding = self.finding_of(problem.code, problem.severity, None, problem.message.clone());
        (self.report)(finding);
    }

    /// Something can't be looked at.
    fn failure(&mut self, part: Option<&Part>, error: &Error, severity: Severity) {
        let text = |error: &dyn std::error::Error| match error.source() {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        };
        let message = part.map_or_else(|| text(error), |part| format!("{part}: {}", text(error)));
        let finding = self.finding_of(Code::of(error), severity, part.map(|part| part.digest), message);
        let detail = error.detail();
        let field = |name: &str| detail.get(name).and_then(|value| value.as_str()).map(str::to_owned);
        let path = error.path().map(std::path::Path::to_owned);
        (self.report)(Finding { path, expected: field("expected"), found: field("found"), ..finding });
    }

    /// What was found of content; whether it is there at all.
    fn measured(
        &mut self,
        part: &Part,
        target: Digest,
        measured: &Measured,
        missing: Code,
        severity: Severity,
    ) -> bool {
        let path = self.repository.tree().locate(&Entry::Blob(target).path());
        let (code, expected, found, message) = match measured {
            Measured::Right => return true,
            Measured::Missing => {
                let message = format!("{part} is linked, but there is no {}", path.display());
                (missing, None, None, message)
            }
            Measured::Unreadable(reason) => (Code::Unreadable, None, None, format!("{part}: {reason}")),
            Measured::OtherSize { expected, found } => {
                let message = format!("{part} has {found} bytes, the manifest says {expected}");
                (Code::ReferenceSizeMismatch, Some(expected.to_string()), Some(found.to_string()), message)
            }
            Measured::OtherContent { truncated, found, size } => {
                let code = if *truncated { Code::BlobTruncated } else { Code::BlobCorrupt };
                let message = format!("{part} has other content: {} hashes to {found} ({size} bytes)", path.display());
                (code, Some(target.to_string()), Some(found.to_string()), message)
            }
        };
        let finding = self.finding(code, part, message);
        (self.report)(Finding { severity, path: Some(path), expected, found, ..finding });
        !matches!(measured, Measured::Missing | Measured::Unreadable(_))
    }
}
