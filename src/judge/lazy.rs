//! Reads the facts about a repository, each on its first use, and remembers them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, btree_set};
use std::path::PathBuf;
use std::sync::Arc;

use super::content::{self, Occupant, Stored};
use super::hashing::{self, Wanted};
use super::link::{self, LinkTarget, RevisionLink};
use super::manifest::{self, ManifestForm, Read};
use super::references::{self, Dependent, Facts, OtherSize};
use super::{Blocks, signatures, symlinks};
use crate::digest::Digest;
use crate::durable::Identity;
use crate::error::Error;
use crate::finding::{Code, Finding, Harm, Subject};
use crate::lanes::Lanes;
use crate::layout::{Form, Place, TreePath};
use crate::manifest::{Kind, Role};
use crate::name::RepositoryName;
use crate::repository::{self, Repository, revision};
use crate::stream::Watch;
use crate::tag;
use crate::tree::{EntryKind, Tree, digests};

/// What was read so far: content and manifests once for the tree, links once for each repository.
#[derive(Default)]
pub(super) struct Seen {
    looked: HashMap<Digest, (Occupant, Stored)>,
    hashed: HashMap<Digest, Stored>,
    manifests: HashMap<Digest, Arc<Read>>,
    repository: Option<RepositoryName>,
    layers: HashMap<Digest, LinkTarget>,
    /// The findings about links, by what each makes unavailable.
    broken: HashMap<Blocks, Finding>,
    /// Whether the directory of layer links was looked for.
    has_looked_for_layers: bool,
    children: Option<HashSet<Digest>>,
    /// The manifests that tags lead to, once that was asked.
    led: Option<HashSet<Digest>>,
    /// Whether some of the repository's manifests or tags can't be read.
    is_partly_unseen: bool,
    /// The errors in listings, each once, by its message.
    pub(super) damage: BTreeMap<String, Error>,
    /// Why hashing ended early, if it did. The verification ends then.
    pub(super) failure: Option<Error>,
    buffer: Vec<u8>,
    pub(super) lanes: Option<Lanes<'static>>,
}

/// The parts of a manifest to hash.
struct Parts<'p> {
    pending: btree_set::IntoIter<Digest>,
    hashed: &'p mut HashMap<Digest, Stored>,
}

impl Wanted for Parts<'_> {
    fn next(&mut self, _: usize) -> Option<Digest> {
        self.pending.next()
    }

    fn judged(&mut self, digest: Digest, stored: Stored, _: Option<Identity>) {
        self.hashed.insert(digest, stored);
    }
}

/// The judgement of one manifest of a repository.
pub(super) struct Lazy<'l, 'w> {
    repository: &'l Repository<'l>,
    place: Place,
    manifest: Digest,
    hashes: bool,
    watch: &'l Watch<'w>,
    seen: &'l mut Seen,
    report: &'l mut dyn FnMut(Finding),
    /// The findings that were reported, because a manifest may name the same content more than once. A finding that is
    /// about no digest is known by its message.
    reported: HashSet<(Code, PathBuf, Result<Digest, String>)>,
}

impl<'l, 'w> Lazy<'l, 'w> {
    /// Prepares to judge `manifest` of `repository`. `hashes` says whether to hash everything that it needs.
    pub(super) fn new(
        repository: &'l Repository<'l>,
        manifest: Digest,
        hashes: bool,
        (watch, seen): (&'l Watch<'w>, &'l mut Seen),
        report: &'l mut dyn FnMut(Finding),
    ) -> Self {
        if seen.repository.as_ref() != Some(repository.name()) {
            let (layers, broken, repository) = (HashMap::new(), HashMap::new(), Some(repository.name().clone()));
            (seen.layers, seen.broken, seen.repository) = (layers, broken, repository);
            (seen.has_looked_for_layers, seen.is_partly_unseen) = (false, false);
            (seen.children, seen.led) = (None, None);
        }
        let place = Place::of(repository.name(), Form::Current);
        Self { repository, place, manifest, hashes, watch, seen, report, reported: HashSet::new() }
    }

    /// Judges the manifest. Returns what it says, if its content is right.
    pub(super) fn judge(&mut self) -> Option<Arc<ManifestForm>> {
        let digest = self.manifest;
        let link = match self.revision(&digest) {
            Some(RevisionLink::Misplaced) => Subject::MisplacedRevision(self.place.clone(), digest),
            _ => Subject::Revision(self.place.clone(), digest),
        };
        self.look_into(Blocks::Revision(digest), Harm::Certain);
        let occupant = self.occupant(&digest);
        let looked = self.seen.looked.get(&digest).map(|(_, stored)| stored.clone());
        let read = match (occupant, &looked) {
            // What is behind a symbolic link is not read.
            (Occupant::File(1..), Some(Stored::Right)) => Some(self.read(&digest)),
            _ => None,
        };
        self.stored(&digest, looked, Harm::Certain);
        if let Some(form) = read.as_deref().and_then(right).filter(|_| self.hashes)
            && let Err(error) = self.hash_parts(&form)
        {
            self.seen.failure = Some(error);
            return None;
        }
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

    /// Reads a manifest, or returns it from memory. Only a manifest with right content is remembered.
    fn read(&mut self, digest: &Digest) -> Arc<Read> {
        if let Some(read) = self.seen.manifests.get(digest) {
            return Arc::clone(read);
        }
        let read = Arc::new(manifest::read_one(self.tree(), digest));
        if let Read::Right(_) = &*read {
            self.seen.manifests.insert(*digest, Arc::clone(&read));
        }
        read
    }

    /// Whether a manifest is linked, in the place of revisions or where registry 2.1.0 put links.
    pub(super) fn is_linked(&mut self, digest: &Digest) -> bool {
        matches!(self.revision(digest), Some(RevisionLink::Right | RevisionLink::Misplaced))
    }

    /// Reports what is wrong with content. Missing content is reported elsewhere.
    fn stored(&mut self, digest: &Digest, stored: Option<Stored>, harm: Harm) {
        let stored = stored.filter(|stored| *stored != Stored::Missing);
        let finding = stored.and_then(|stored| stored.finding(self.tree(), *digest, harm == Harm::Certain));
        if let Some(finding) = finding {
            self.report(Blocks::Blob(*digest), finding);
        }
    }

    /// Judges content by its hash. `None` when there is nothing to hash, or when a signal came.
    fn hash(&mut self, digest: &Digest) -> Option<Stored> {
        if let Some(known) = self.seen.hashed.get(digest) {
            return Some(known.clone());
        }
        let Occupant::File(1..) = self.occupant(digest) else { return None };
        self.seen.buffer.resize(content::BUFFER, 0);
        let (stored, _) = content::hash(self.repository.tree(), *digest, &mut self.seen.buffer, self.watch).ok()?;
        self.seen.hashed.insert(*digest, stored.clone());
        Some(stored)
    }

    /// Hashes the configs and layers of a manifest, several at once, before they are judged one after the other.
    fn hash_parts(&mut self, form: &ManifestForm) -> Result<(), Error> {
        let mut pending = BTreeSet::new();
        for part in form.parts.iter().filter(|part| part.role != Role::Child) {
            let target = match self.layer(&part.digest) {
                LinkTarget::Straight => part.digest,
                LinkTarget::To(target) => target,
                _ => continue,
            };
            if !self.seen.hashed.contains_key(&target) && matches!(self.occupant(&target), Occupant::File(1..)) {
                pending.insert(target);
            }
        }
        let Seen { lanes, hashed, .. } = &mut *self.seen;
        let mut parts = Parts { pending: pending.into_iter(), hashed };
        hashing::hash_all(self.repository.tree(), lanes.get_or_insert_with(Lanes::new), &mut parts, self.watch)
    }

    /// Reports what is wrong with the file of some content and, if `hashed`, with its bytes.
    fn look_into_content(&mut self, digest: &Digest, hashed: bool, harm: Harm) {
        self.occupant(digest);
        let looked = self.seen.looked.get(digest).map(|(_, stored)| stored.clone());
        let hashed = if hashed { self.hash(digest) } else { self.seen.hashed.get(digest).cloned() };
        self.stored(digest, looked, harm);
        self.stored(digest, hashed, harm);
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
        self.seen.broken.insert(blocks, finding.of_content(key));
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

    /// Reports, once for each repository, that the directory of layer links is missing.
    fn look_for_layers(&mut self) {
        if std::mem::replace(&mut self.seen.has_looked_for_layers, true) {
            return;
        }
        let (tree, name) = (self.repository.tree(), self.repository.name());
        let is_absent = |form| matches!(tree.metadata(&Place::of(name, form).layers()), Ok(None));
        if Form::ALL.into_iter().all(is_absent) {
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

    /// Whether an index of the repository names a manifest.
    fn is_child(&mut self, digest: &Digest) -> bool {
        if self.seen.children.is_none() {
            let mut children = HashSet::new();
            for found in revision::revisions(self.repository) {
                match found {
                    Ok(found) => {
                        let form = self.form(&found.digest);
                        let parts = form.iter().flat_map(|form| &form.parts);
                        children.extend(parts.filter(|part| part.role == Role::Child).map(|part| part.digest));
                    }
                    Err(error) => self.unseen(error),
                }
            }
            self.seen.children = Some(children);
        }
        self.seen.children.as_ref().is_some_and(|children| children.contains(digest))
    }

    /// Notes an error in the listing of manifests or tags.
    fn unseen(&mut self, error: Error) {
        if references::hides_references(&error) {
            self.seen.is_partly_unseen = true;
            self.seen.damage.insert(error.to_string(), error);
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
                if let Some(finding) = self.seen.broken.remove(&Blocks::None) {
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

impl Facts for Lazy<'_, '_> {
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
        if let Some(known) = self.seen.layers.get(key) {
            return *known;
        }
        let leads = match self.repository.find_link(*key) {
            Ok(None) => self.without_link(key),
            Ok(Some(link)) if link.is_alias() => LinkTarget::To(link.target),
            Ok(Some(_)) => LinkTarget::Straight,
            Err(error @ Error::Io { .. }) => {
                self.broken(Blocks::Layer(*key), Subject::Layer(self.place.clone(), *key), &error);
                LinkTarget::Unseen
            }
            Err(error) => {
                self.broken(Blocks::Layer(*key), Subject::Layer(self.place.clone(), *key), &error);
                LinkTarget::Nowhere
            }
        };
        self.seen.layers.insert(*key, leads);
        leads
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
        if let Some((occupant, _)) = self.seen.looked.get(digest) {
            return *occupant;
        }
        let (occupant, stored) = content::look(self.repository.tree(), digest);
        self.seen.looked.insert(*digest, (occupant, stored));
        occupant
    }

    fn form(&mut self, digest: &Digest) -> Option<Arc<ManifestForm>> {
        right(&self.read(digest))
    }

    fn dependent(&mut self, manifest: &Digest) -> Dependent {
        let mut damage = Vec::new();
        if !tag::pointing_to(self.repository, *manifest, &mut damage).is_empty() {
            return Dependent::Tag;
        }
        for error in damage {
            self.unseen(error);
        }
        match () {
            () if self.is_child(manifest) => Dependent::Index,
            () if self.seen.is_partly_unseen => Dependent::Unknown,
            () => Dependent::None,
        }
    }

    fn hashes(&self) -> bool {
        self.hashes
    }

    fn is_led(&mut self, manifest: &Digest) -> bool {
        if self.seen.led.is_none() {
            let tag::FoundTags { tags, damage, .. } = tag::tags(self.repository);
            for error in damage {
                self.unseen(error);
            }
            let tagged = tags.into_iter().map(|(_, digest)| digest).collect();
            self.seen.led = Some(references::led(self, tagged));
        }
        self.seen.led.as_ref().is_some_and(|led| led.contains(manifest))
    }

    fn differs(&mut self, size: OtherSize) {
        let OtherSize { target, expected, finding, blocks } = size;
        let is_led = matches!(self.seen.looked.get(&target), Some((_, Stored::NotAFile { leads: true, .. })));
        // What is behind a symbolic link is not read. A registry serves it with the wrong size.
        let is_right = if is_led {
            true
        } else if self.revision(&target).is_some() {
            // What is wrong with that manifest is reported when it is judged itself.
            matches!(*self.read(&target), Read::Right(_))
        } else {
            let stored = self.hash(&target).map(|stored| stored.by_size(expected));
            let is_right = stored == Some(Stored::Right);
            if let Some(stored) = stored {
                self.seen.hashed.insert(target, stored);
            }
            is_right
        };
        if is_right {
            self.report(blocks, finding);
        }
    }

    fn look_into(&mut self, what: Blocks, harm: Harm) {
        if let Some(finding) = self.seen.broken.get(&what) {
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

    fn report(&mut self, _: Blocks, finding: Finding) {
        let about = finding.digest().ok_or_else(|| finding.message.clone());
        if !self.reported.insert((finding.code, finding.path(), about)) {
            return;
        }
        let finding = finding.in_repository(self.repository.name().as_str()).of_manifest(self.manifest);
        (self.report)(finding);
    }
}
