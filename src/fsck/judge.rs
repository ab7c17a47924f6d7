//! Judges one repository as a whole: is everything there that is referenced, and does every link lead somewhere?

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use super::blobs::{Blobs, Occupant};
use super::candidate::Blocks;
use super::inspect::Inspector;
use super::manifests::Manifests;
use super::repository::{Folder, LinkTarget, RepositoryView, Revision, RevisionLink};
use crate::digest::Digest;
use crate::finding::{Code, Finding, Harm, Repair, Subject};
use crate::judge::manifest::{LeftOut, ManifestForm, Part, Read, read_one};
use crate::judge::references::{self, Dependent, Facts, OtherSize};
use crate::layout::{Place, TreePath};
use crate::manifest::{Kind, Role};
use crate::tree::Tree;

/// The judgement of one repository.
pub(super) struct Judge<'j, 't> {
    pub(super) inspector: Inspector<'t>,
    pub(super) repository: &'j RepositoryView,
    pub(super) blobs: &'j Blobs<'t>,
    pub(super) manifests: &'j Manifests,
    /// Whether a registry from 3.1 on wrote to the tree: it names uploads by UUIDs of version 7. Nothing else in a tree
    /// shows which registry wrote it.
    pub(super) is_modern: bool,
    /// The digests that the repository needs as layers and configs, and the content that they lead to.
    pub(super) needed: HashSet<Digest>,
    pub(super) sizes: Vec<OtherSize>,
    tagged: HashSet<Digest>,
    /// The manifests that are whole and have no link, and to which tags point.
    pub(super) unlinked: BTreeSet<Digest>,
    /// The digests that manifests of unknown kinds mention.
    pub(super) mentioned: HashSet<Digest>,
    /// Why it is unknown what else the repository needs, if it is.
    pub(super) doubt: Option<String>,
    children: HashSet<Digest>,
    /// The manifests that tags lead to, once that was asked.
    led: Option<HashSet<Digest>>,
    missing: HashSet<Digest>,
}

impl<'j, 't> Judge<'j, 't> {
    pub(super) fn new(
        inspector: &Inspector<'t>,
        repository: &'j RepositoryView,
        blobs: &'j Blobs<'t>,
        manifests: &'j Manifests,
        is_modern: bool,
    ) -> Self {
        let inspector = inspector.another(Some(repository.text.clone()));
        Self {
            inspector,
            repository,
            blobs,
            manifests,
            is_modern,
            needed: HashSet::new(),
            sizes: Vec::new(),
            tagged: repository.tags.iter().filter_map(|tag| tag.current).collect(),
            unlinked: unlinked(repository, manifests),
            mentioned: HashSet::new(),
            doubt: None,
            children: HashSet::new(),
            led: None,
            missing: HashSet::new(),
        }
    }

    /// Judges everything in the repository.
    pub(super) fn judge(mut self) -> Self {
        self.gather();
        self.completeness();
        for revision in &self.repository.revisions {
            self.revision(revision);
        }
        for tag in &self.repository.tags {
            self.tag(tag);
        }
        self.layers();
        self
    }

    pub(super) fn read(&self, digest: &Digest) -> Option<&'j Arc<ManifestForm>> {
        right(self.manifests.get(digest))
    }

    /// Gathers what the manifests reference, as far as they can be read.
    fn gather(&mut self) {
        self.doubt = self.lost_manifest();
        let linked = self.repository.revisions.iter().map(|revision| revision.digest);
        for digest in linked.chain(self.unlinked.clone()).collect::<Vec<_>>() {
            if self.unlinked.contains(&digest) {
                self.needed.insert(digest);
            }
            let Some(form) = self.read(&digest) else { continue };
            self.mentioned.extend(form.mentions.iter().map(Part::digest));
            for part in &form.parts {
                if part.role == Role::Child {
                    self.children.insert(part.digest());
                    if references::is_content(self, part) {
                        self.needed.insert(part.digest());
                    }
                    continue;
                }
                self.needed.insert(part.digest());
                if let LinkTarget::To(target) = self.repository.layers.target(&part.digest()) {
                    self.needed.insert(target);
                }
            }
        }
    }

    /// Why this repository's references can't be fully known: the first manifest that can't be read.
    fn lost_manifest(&self) -> Option<String> {
        let repository = self.repository;
        if repository.is_partly_unseen {
            return Some("not all of its manifests and tags can be seen".to_owned());
        }
        let linked = repository.revisions.iter().filter(|revision| revision.link != RevisionLink::Deleted);
        let linked = linked.map(|revision| revision.digest).chain(self.unlinked.iter().copied());
        let is_lost = |digest: &Digest| self.read(digest).is_none_or(|form| form.is_opaque);
        if let Some(lost) = { linked }.find(is_lost) {
            return Some(format!("manifest {lost} can't be read"));
        }
        let mut targets = repository.tags.iter().filter_map(|tag| tag.current);
        let is_here = |digest: &Digest| repository.has(digest) || self.unlinked.contains(digest);
        targets.find(|target| !is_here(target)).map(|lost| format!("manifest {lost}, which has a tag, is not linked"))
    }

    /// Reports the folders that are missing, and without which a registry or its collector sees something else.
    fn completeness(&mut self) {
        let RepositoryView { folders, place, .. } = self.repository;
        // It is unknown what is there.
        if folders.is_unseen() {
            return;
        }
        let [_, manifests, _] = place.own();
        let has_revisions = self.repository.revisions.iter().any(|revision| revision.link != RevisionLink::Deleted);
        let needs = !self.needed.is_empty();
        if folders.layers == Folder::Absent && has_revisions {
            let (blocks, finding) = references::without_layers(self, needs);
            self.inspector.note(blocks, finding);
        }
        let mut lacks = |path: &TreePath, harm, message: &str, blocks| {
            let finding = self.inspector.at(path, Code::RepositoryIncomplete, harm, message);
            self.inspector.note(blocks, finding.repaired_by(Repair::MakeDirectory));
        };
        if folders.revisions == Folder::Absent && !self.repository.tags.is_empty() {
            let message = "there are tags, and no directory of manifests";
            lacks(&place.revisions(), Harm::Certain, message, Blocks::Repository);
        }
        if folders.tags == Folder::Absent && has_revisions {
            let message = "there are manifests, and no directory of tags: the collector of 3.x loses them";
            lacks(&place.tags(), Harm::Possible, message, Blocks::None);
        }
        // So a repository begins: a registry makes the directory with the first manifest.
        if folders.manifests == Folder::Absent && folders.layers == Folder::There {
            let message =
                "there are layer links, and no manifest yet: registries 3.x don't see the repository until then";
            let finding = self.inspector.at(&manifests, Code::RepositoryIncomplete, Harm::None, message);
            self.inspector.note(Blocks::None, finding);
        }
    }

    fn revision(&mut self, revision: &Revision) {
        let digest = revision.digest;
        if revision.has_signatures {
            self.signatures(revision);
        }
        if revision.link == RevisionLink::Deleted {
            return;
        }
        let link = self.repository.revision_link(&digest, revision.link);
        let read = self.manifests.get(&digest);
        if let Some(form) = right(read) {
            self.foreign(&digest, form, &link);
        }
        references::content(self, &digest, read, &link);
    }

    /// Reports a manifest that some registries can't read. How much that harms depends on the registry that serves the
    /// tree.
    fn foreign(&mut self, digest: &Digest, form: &ManifestForm, link: &Subject) {
        let (is_harmful, message) = match form.odd_features {
            Some(offset) => {
                let message = format!(
                    "platform features that are not a list of texts, first at byte {offset}: registries 2.x can't \
                     serve it, and their collector fails on it"
                );
                (!self.is_modern, message)
            }
            None if form.kind == Kind::Schema1 => {
                let message =
                    "a manifest of schema1: registries from 3.0 on can't read it, and their collector fails on it";
                (self.is_modern, message.to_owned())
            }
            None => return,
        };
        let harm = if is_harmful { Harm::Possible } else { Harm::None };
        let document = Subject::Document(Box::new(link.clone()));
        let finding = self.inspector.at(document, Code::ManifestForeign, harm, message);
        self.inspector.note(Blocks::None, finding.of_manifest(*digest));
    }
}

/// The manifests that are whole and have no link, and to which tags of the repository point.
fn unlinked(repository: &RepositoryView, manifests: &Manifests) -> BTreeSet<Digest> {
    // What can't be listed is not absent.
    if repository.folders.revisions == Folder::Unseen {
        return BTreeSet::new();
    }
    let named = repository.tags.iter().filter_map(|tag| tag.current).filter(|digest| !repository.has(digest));
    named.filter(|digest| right(manifests.get(digest)).is_some()).collect()
}

fn right(read: Option<&Read>) -> Option<&Arc<ManifestForm>> {
    match read? {
        Read::Right(form) => Some(form),
        Read::Wrong(_) => None,
    }
}

impl Facts for Judge<'_, '_> {
    fn tree(&self) -> &Tree {
        self.inspector.tree
    }

    fn place(&self) -> &Place {
        &self.repository.place
    }

    fn name(&self) -> &str {
        &self.repository.text
    }

    fn layer(&mut self, key: &Digest) -> LinkTarget {
        match self.repository.layers.target(key) {
            // What can't be listed is not absent.
            LinkTarget::Absent if self.repository.folders.layers == Folder::Unseen => LinkTarget::Unseen,
            leads => leads,
        }
    }

    fn revision(&mut self, digest: &Digest) -> Option<RevisionLink> {
        self.repository.revision(digest).map(|revision| revision.link)
    }

    fn occupant(&mut self, digest: &Digest) -> Occupant {
        self.blobs.occupant(digest)
    }

    fn form(&mut self, digest: &Digest) -> Option<Arc<ManifestForm>> {
        match self.manifests.get(digest) {
            // Of what is left out, this repository may have something.
            Some(Read::Right(form)) if form.left_out == LeftOut::default() => Some(Arc::clone(form)),
            Some(Read::Wrong(_)) => None,
            _ => right(Some(&read_one(self.inspector.tree, digest))).cloned(),
        }
    }

    fn dependent(&mut self, manifest: &Digest) -> Dependent {
        match () {
            () if self.tagged.contains(manifest) => Dependent::Tag,
            () if self.children.contains(manifest) => Dependent::Index,
            () if self.repository.is_partly_unseen => Dependent::Unknown,
            () => Dependent::None,
        }
    }

    fn is_led(&mut self, manifest: &Digest) -> bool {
        if self.led.is_none() {
            let named = self.repository.tags.iter().filter(|tag| tag.name.parse::<crate::name::Tag>().is_ok());
            let tagged = named.filter_map(|tag| tag.current).collect();
            self.led = Some(references::led(self, tagged));
        }
        self.led.as_ref().is_some_and(|led| led.contains(manifest))
    }

    fn differs(&mut self, size: OtherSize) {
        // The content may have been replaced since it was listed.
        match self.blobs.measure(&size.target) {
            Occupant::File(found) if u64::try_from(size.expected) != Ok(found) => self.sizes.push(size),
            _ => {}
        }
    }

    fn report(&mut self, blocks: Blocks, finding: Finding) {
        // A layer that is not linked is reported once, whichever manifests need it.
        let is_missing =
            matches!(finding.code, Code::ReferenceMissing | Code::ReferenceDeleted) && blocks != Blocks::None;
        if is_missing && !finding.digest().is_none_or(|digest| self.missing.insert(digest)) {
            return;
        }
        self.inspector.note(blocks, finding);
    }
}

/// Whether a registry from 3.1 on wrote to the tree: it names uploads by UUIDs of version 7. Nothing else in a tree
/// shows which registry wrote it.
pub(super) fn is_modern(repositories: &[RepositoryView]) -> bool {
    repositories.iter().any(|repository| repository.has_modern_uploads)
}
