//! Reads the facts about a repository, each on its first use.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::content::{self, Occupant, Stored};
use super::known::{Content, Known, KnownLinks};
use super::link::{self, LinkTarget, RevisionLink};
use super::manifest::{ManifestForm, Part, Read};
use super::references::{self, Dependent, Facts, OtherSize};
use super::{Blocks, signatures, symlinks};
use crate::digest::Digest;
use crate::error::Error;
use crate::finding::{Code, Finding, Harm, Subject};
use crate::layout::{Form, Place, TreePath};
use crate::manifest::{Kind, Role};
use crate::repository::{self, Repository, revision};
use crate::stream::Watch;
use crate::tag;
use crate::tree::{EntryKind, Tree, digests};

/// The judgement of one manifest of a repository.
pub(super) struct Lazy<'l> {
    repository: &'l Repository<'l>,
    place: Place,
    manifest: Digest,
    hashes: bool,
    watch: &'l Watch<'l>,
    known: &'l Known,
    links: &'l KnownLinks,
    /// The findings about links, by what each makes unavailable.
    broken: HashMap<Blocks, Finding>,
    /// The content that was hashed for this manifest.
    hashed: HashMap<Digest, Stored>,
    /// What is wrong, in order.
    findings: Vec<Finding>,
    /// The findings that were reported, because a manifest may name the same content more than once. A finding that is
    /// about no digest is known by its message.
    reported: HashSet<(Code, PathBuf, Result<Digest, String>)>,
}

impl<'l> Lazy<'l> {
    /// Prepares to judge `manifest` of `repository`. `hashes` says whether to hash everything that it needs.
    pub(super) fn new(
        repository: &'l Repository<'l>,
        manifest: Digest,
        hashes: bool,
        watch: &'l Watch<'l>,
        (known, links): (&'l Known, &'l KnownLinks),
    ) -> Self {
        let place = Place::of(repository.name(), Form::Current);
        let (broken, hashed) = (HashMap::new(), HashMap::new());
        let (findings, reported) = (Vec::new(), HashSet::new());
        Self { repository, place, manifest, hashes, watch, known, links, broken, hashed, findings, reported }
    }

    /// What is wrong.
    pub(super) fn into_findings(self) -> Vec<Finding> {
        self.findings
    }

    /// Judges the manifest. Returns what it says, if its content is right.
    pub(super) fn judge(&mut self) -> Option<Arc<ManifestForm>> {
        let digest = self.manifest;
        let link = match self.revision(&digest) {
            Some(RevisionLink::Misplaced) => Subject::MisplacedRevision(self.place.clone(), digest),
            _ => Subject::Revision(self.place.clone(), digest),
        };
        self.look_into(Blocks::Revision(digest), Harm::Certain);
        let (occupant, looked) = self.look(&digest);
        let read = match (occupant, &looked) {
            // What is behind a symbolic link is not read.
            (Occupant::File(1..), Stored::Right) => Some(self.read(&digest)),
            _ => None,
        };
        self.stored(&digest, &looked, Harm::Certain);
        references::content(self, &digest, read.as_deref(), &link);
        let form = read.as_deref().and_then(right)?;
        if form.parts.iter().any(|part| part.role != Role::Child) {
            self.look_for_layers();
        }
        if form.kind == Kind::Schema1 {
            self.signatures();
        }
        Some(form)
    }

    fn read(&self, digest: &Digest) -> Arc<Read> {
        self.known.read(self.repository.tree(), digest)
    }

    /// What is in the place of content, and what is wrong with that. Only what is right is remembered.
    fn look(&self, digest: &Digest) -> (Occupant, Stored) {
        if let Some(Content { size, .. }) = self.known.content.get(digest) {
            return (Occupant::File(size), Stored::Right);
        }
        let looked = content::look(self.repository.tree(), digest);
        if let (Occupant::File(size), Stored::Right) = looked {
            self.known.content.insert(digest, Content { size, is_hashed: false, kind: None });
        }
        looked
    }

    /// The configs and layers of the manifest whose content can be hashed, and is not yet, each after its size in bytes.
    pub(super) fn unhashed(&mut self) -> BTreeSet<(u64, Digest)> {
        let mut wanted = BTreeSet::new();
        let (Occupant::File(1..), Stored::Right) = self.look(&self.manifest) else { return wanted };
        let Some(form) = right(&self.read(&self.manifest)) else { return wanted };
        for part in form.parts.iter().filter(|part| part.role != Role::Child) {
            let target = match self.layer(&part.digest()) {
                LinkTarget::Straight => part.digest(),
                LinkTarget::To(target) => target,
                _ => continue,
            };
            if self.known.hashed(&target).is_none()
                && let Occupant::File(size @ 1..) = self.occupant(&target)
            {
                wanted.insert((size, target));
            }
        }
        wanted
    }

    /// Reports what is wrong with content. Missing content is reported elsewhere.
    fn stored(&mut self, digest: &Digest, stored: &Stored, harm: Harm) {
        if *stored == Stored::Missing {
            return;
        }
        if let Some(finding) = stored.finding(self.tree(), *digest, harm == Harm::Certain) {
            self.report(Blocks::Blob(*digest), finding);
        }
    }

    /// Judges content by its hash. `None` when there is nothing to hash, or when a signal came.
    fn hash(&mut self, digest: &Digest) -> Option<Stored> {
        if let Some(hashed) = self.hashed.get(digest) {
            return Some(hashed.clone());
        }
        let Occupant::File(1..) = self.occupant(digest) else { return None };
        let stored = self.known.hash(self.repository.tree(), *digest, self.watch)?;
        self.hashed.insert(*digest, stored.clone());
        Some(stored)
    }

    /// Reports what is wrong with the file of some content and, if `hashed`, with its bytes.
    fn look_into_content(&mut self, digest: &Digest, hashed: bool, harm: Harm) {
        let (_, looked) = self.look(digest);
        let hashed = if hashed { self.hash(digest) } else { self.hashed.get(digest).cloned() };
        self.stored(digest, &looked, harm);
        // Content that was there, and is missing when it is to be hashed, is reported nowhere else.
        if let Some(finding) = hashed.and_then(|it| it.finding(self.tree(), *digest, harm == Harm::Certain)) {
            self.report(Blocks::Blob(*digest), finding);
        }
    }

    /// Reports what is wrong with the content of a layer link that a manifest of an unknown kind mentions.
    fn look_into_mentioned(&mut self, key: &Digest) {
        let target = match self.layer(key) {
            LinkTarget::Straight => *key,
            LinkTarget::To(target) => target,
            LinkTarget::Nowhere | LinkTarget::Unseen | LinkTarget::Absent | LinkTarget::Deleted => return,
        };
        if self.occupant(&target) == Occupant::Absent {
            let finding = references::dangling(self, key, &target, Some(references::MENTIONED));
            return self.report(Blocks::None, finding);
        }
        self.look_into_content(&target, self.hashes, Harm::Possible);
    }

    /// Notes the finding about a link.
    fn broken(&mut self, blocks: Blocks, subject: Subject, error: &Error) {
        let tree = self.repository.tree();
        let (Some(key), Some(link)) = (subject.digest(), subject.place()) else { return };
        let place = error.path().and_then(|path| tree.find(path));
        let finding = match error {
            Error::BrokenLink { fault, .. } => link::broken(tree, subject, fault, Harm::Certain),
            Error::WrongKind { found, .. } => {
                let leads = symlinks::stat(tree, &link).is_ok_and(|stat| symlinks::is_file(&stat));
                link::odd_file(tree, subject, found, leads, Harm::Certain)
            }
            error => {
                let message = format!("it can't be read: {}", content::reason(error));
                Finding::new(tree, subject, Code::of(error), Harm::Certain, message)
            }
        };
        let finding = match place {
            Some(place) => finding.moved(place),
            None => finding,
        };
        self.broken.insert(blocks, finding.of_content(key));
    }

    /// Judges the signatures that are stored beside the manifest.
    fn signatures(&mut self) {
        let (repository, manifest) = (self.repository, self.manifest);
        for form in Form::ALL {
            let place = Place::of(repository.name(), form);
            let directory = place.signatures(&manifest);
            let mut found = digests::keyed(repository.tree(), &directory).peekable();
            let mut is_whole = found.peek().is_some();
            for signature in found {
                is_whole &= match signature {
                    Ok(signature) => self.signature(&place, signature),
                    Err(error) => {
                        self.unlisted(&directory, &error);
                        false
                    }
                };
            }
            if is_whole {
                signatures::judge(self, repository, manifest, &directory);
            }
        }
    }

    /// Reports an entry of `directory` that can't be listed.
    fn unlisted(&mut self, directory: &TreePath, error: &Error) {
        let place = error.path().and_then(|path| self.tree().find(path)).unwrap_or_else(|| directory.clone());
        let (harm, message) = match error {
            Error::Io { .. } => (Harm::Certain, format!("it can't be read: {}", content::reason(error))),
            error => (Harm::Possible, error.to_string()),
        };
        let finding = self.at(place, Code::of(error), harm, message);
        self.report(Blocks::None, finding);
    }

    /// Reports that the directory of layer links is missing.
    fn look_for_layers(&mut self) {
        let (tree, name) = (self.repository.tree(), self.repository.name());
        let is_absent = |form| matches!(tree.metadata(&Place::of(name, form).layers()), Ok(None));
        if *self.links.lacks_layers.get_or_init(|| Form::ALL.into_iter().all(is_absent)) {
            let (blocks, finding) = references::without_layers(self, true);
            self.report(blocks, finding);
        }
    }

    /// What is left of a layer link that is not there.
    fn without_link(&self, key: &Digest) -> LinkTarget {
        let (tree, name) = (self.repository.tree(), self.repository.name());
        let is_left = |form| tree.metadata(&Place::of(name, form).layer(key)).is_ok_and(|found| found.is_some());
        if Form::ALL.into_iter().any(is_left) { LinkTarget::Deleted } else { LinkTarget::Absent }
    }

    /// The manifests that indexes of the repository name.
    fn children(&self) -> HashSet<Digest> {
        let mut children = HashSet::new();
        for found in revision::revisions(self.repository) {
            match found {
                Ok(found) => {
                    let form = right(&self.read(&found.digest));
                    let parts = form.iter().flat_map(|form| &form.parts);
                    children.extend(parts.filter(|part| part.role == Role::Child).map(Part::digest));
                }
                Err(error) => self.unseen(error),
            }
        }
        children
    }

    /// Notes an error in the listing of manifests or tags.
    fn unseen(&self, error: Error) {
        if references::hides_references(&error) {
            self.links.is_partly_unseen.store(true, Ordering::Relaxed);
            self.known.note_damage(error);
        }
    }

    fn signature(&mut self, place: &Place, signature: Digest) -> bool {
        let manifest = self.manifest;
        let subject = Subject::Signature { repository: place.clone(), manifest, signature };
        let Some(path) = subject.place() else { return true };
        let says = match repository::link::read(self.repository.tree(), &path) {
            Ok(None) => return true,
            Ok(Some(says)) => says.and_then(|target| repository::link::check_manifest(&signature, target)).map(drop),
            Err(error) => {
                self.broken(Blocks::None, subject, &error);
                if let Some(finding) = self.broken.remove(&Blocks::None) {
                    self.report(Blocks::None, finding.harms(Harm::Possible));
                }
                return false;
            }
        };
        let is_whole = signatures::link(self, place.clone(), (manifest, signature), says);
        // Signatures are small, so they are always hashed.
        self.look_into_content(&signature, true, Harm::Certain);
        is_whole
    }
}

fn right(read: &Read) -> Option<Arc<ManifestForm>> {
    match read {
        Read::Right(form) => Some(Arc::clone(form)),
        Read::Wrong(_) => None,
    }
}

impl Facts for Lazy<'_> {
    fn tree(&self) -> &Tree {
        self.repository.tree()
    }

    fn place(&self) -> &Place {
        &self.place
    }

    fn name(&self) -> &str {
        self.repository.name().as_str()
    }

    fn layer(&mut self, key: &Digest) -> LinkTarget {
        if self.links.straight.get(key).is_some() {
            return LinkTarget::Straight;
        }
        match self.repository.find_link(*key) {
            Ok(None) => self.without_link(key),
            Ok(Some(link)) if link.is_alias() => LinkTarget::To(link.target),
            Ok(Some(_)) => {
                self.links.straight.insert(key, ());
                LinkTarget::Straight
            }
            Err(error @ Error::Io { .. }) => {
                self.broken(Blocks::Layer(*key), Subject::Layer(self.place.clone(), *key), &error);
                LinkTarget::Unseen
            }
            Err(error) => {
                self.broken(Blocks::Layer(*key), Subject::Layer(self.place.clone(), *key), &error);
                LinkTarget::Nowhere
            }
        }
    }

    fn revision(&mut self, digest: &Digest) -> Option<RevisionLink> {
        match revision::find(self.repository, *digest) {
            Ok(Some(found)) if found.misplaced => Some(RevisionLink::Misplaced),
            Ok(Some(_)) => Some(RevisionLink::Right),
            Ok(None) => {
                let found = self.tree().metadata(&self.place.revision(digest)).ok()?;
                found.is_some_and(|found| found.kind == EntryKind::Directory).then_some(RevisionLink::Deleted)
            }
            Err(error) => {
                let subject = Subject::Revision(self.place.clone(), *digest);
                self.broken(Blocks::Revision(*digest), subject, &error);
                Some(RevisionLink::Broken)
            }
        }
    }

    fn occupant(&mut self, digest: &Digest) -> Occupant {
        self.look(digest).0
    }

    fn form(&mut self, digest: &Digest) -> Option<Arc<ManifestForm>> {
        right(&self.read(digest))
    }

    fn kind(&mut self, digest: &Digest) -> Option<Kind> {
        let known = self.known.content.get(digest).and_then(|content| content.kind);
        known.or_else(|| self.form(digest).map(|form| form.kind))
    }

    fn dependent(&mut self, manifest: &Digest) -> Dependent {
        let mut damage = Vec::new();
        if !tag::pointing_to(self.repository, *manifest, &mut damage).is_empty() {
            return Dependent::Tag;
        }
        for error in damage {
            self.unseen(error);
        }
        let is_child = self.links.children.get_or_init(|| self.children()).contains(manifest);
        match () {
            () if is_child => Dependent::Index,
            () if self.links.is_partly_unseen.load(Ordering::Relaxed) => Dependent::Unknown,
            () => Dependent::None,
        }
    }

    fn is_led(&mut self, manifest: &Digest) -> bool {
        let links = self.links;
        let led = links.led.get_or_init(|| {
            let tag::FoundTags { tags, damage, .. } = tag::tags(self.repository);
            for error in damage {
                self.unseen(error);
            }
            references::led(self, tags.into_iter().map(|(_, digest)| digest).collect())
        });
        led.contains(manifest)
    }

    fn differs(&mut self, size: OtherSize) {
        let OtherSize { target, expected, finding, blocks } = size;
        let is_led = matches!(self.look(&target), (_, Stored::NotAFile { leads: true, .. }));
        // What is behind a symbolic link is not read. A registry serves it with the wrong size.
        let is_right = if is_led {
            true
        } else if self.revision(&target).is_some() {
            // What is wrong with that manifest is reported when it is judged itself.
            self.kind(&target).is_some()
        } else {
            let stored = self.hash(&target).map(|stored| stored.by_size(expected));
            let is_right = stored == Some(Stored::Right);
            if let Some(stored) = stored {
                self.hashed.insert(target, stored);
            }
            is_right
        };
        if is_right {
            self.report(blocks, finding);
        }
    }

    fn look_into(&mut self, what: Blocks, harm: Harm) {
        if let Some(finding) = self.broken.get(&what) {
            let harm = if finding.code == Code::Symlink && finding.severity < crate::finding::Severity::Error {
                Harm::Possible
            } else {
                harm
            };
            let finding = finding.clone().harms(harm);
            self.report(what, finding);
        }
        match what {
            Blocks::Blob(digest) => self.look_into_content(&digest, self.hashes, harm),
            Blocks::Layer(key) if harm < Harm::Certain => self.look_into_mentioned(&key),
            _ => {}
        }
    }

    fn look_into_alias(&mut self, alias: Digest, target: Digest) {
        // An empty file has no hash that could be wrong, and may have a wrong tarsum.
        let is_right = |stored: Option<Stored>| stored.is_none_or(|stored| stored == Stored::Right);
        if !self.hashes
            || !matches!(self.look(&target), (Occupant::File(_), Stored::Right))
            || !is_right(self.hash(&target))
        {
            return;
        }
        let tree = self.repository.tree();
        let stored = self.known.hash_as(tree, alias, target, self.watch);
        let finding = stored.and_then(|stored| stored.alias_finding(tree, &self.place, (alias, target), true));
        if let Some(finding) = finding {
            self.report(Blocks::Layer(alias), finding);
        }
    }

    fn report(&mut self, _: Blocks, finding: Finding) {
        let about = finding.digest().ok_or_else(|| finding.message.clone());
        if !self.reported.insert((finding.code, finding.path(), about)) {
            return;
        }
        let finding = finding.in_repository(self.repository.name().as_str()).of_manifest(self.manifest);
        self.findings.push(finding);
    }
}
