//! What links and manifests amount to together: is all there that is referenced, and does every link lead somewhere.

use std::collections::{BTreeMap, HashSet};

use super::blobs::{Blobs, Lies};
use super::clue::{Cause, Clue};
use super::eye::Eye;
use super::manifests::{self, Manifests, Read};
use super::repository::{Leads, Repo, Revision, RevisionLink, Tag, broken};
use crate::digest::Digest;
use crate::finding::{Code, Finding, Repair, Severity};
use crate::layout::{Entry, TreePath};
use crate::manifest::Role;
use crate::manifest::verify::form::{Form, Part};
use crate::manifest::verify::signature_findings;
use crate::repository::Repository;

/// A descriptor that states another size than content has; only the content's hash says which of them is wrong.
pub(super) struct OtherSize {
    pub(super) target: Digest,
    pub(super) expected: i64,
    pub(super) found: u64,
    /// Told if it is the descriptor.
    pub(super) clue: Clue,
}

/// One repository being judged.
pub(super) struct Judge<'j, 't> {
    pub(super) eye: Eye<'t>,
    pub(super) repository: &'j Repo,
    pub(super) blobs: &'j Blobs<'t>,
    pub(super) manifests: &'j Manifests,
    /// Whether a registry from 3.0 on wrote to the tree.
    pub(super) is_modern: bool,
    /// What the repository needs as layers and configs, and what content that is.
    pub(super) needed: HashSet<Digest>,
    pub(super) sizes: Vec<OtherSize>,
    tagged: HashSet<Digest>,
    /// What manifests name whose references nobody can tell.
    mentioned: HashSet<Digest>,
    /// Why it can't be told what else the repository needs.
    doubt: Option<String>,
    children: HashSet<Digest>,
    missing: BTreeMap<Digest, Digest>,
}

impl<'j, 't> Judge<'j, 't> {
    pub(super) fn new(
        eye: &Eye<'t>,
        repository: &'j Repo,
        blobs: &'j Blobs<'t>,
        manifests: &'j Manifests,
        is_modern: bool,
    ) -> Self {
        let eye = eye.another(Some(repository.text.clone()));
        Self {
            eye,
            repository,
            blobs,
            manifests,
            is_modern,
            needed: HashSet::new(),
            sizes: Vec::new(),
            tagged: repository.tags.iter().filter_map(|tag| tag.current).collect(),
            mentioned: HashSet::new(),
            doubt: None,
            children: HashSet::new(),
            missing: BTreeMap::new(),
        }
    }

    /// Looks at all of it.
    pub(super) fn judge(mut self) -> Self {
        self.gather();
        self.completeness();
        for revision in &self.repository.revisions {
            self.revision(revision);
        }
        for tag in &self.repository.tags {
            self.tag(tag);
        }
        for (digest, manifest) in std::mem::take(&mut self.missing) {
            self.unlinked(digest, manifest);
        }
        self.layers();
        self
    }

    fn form(&self, digest: &Digest) -> Option<&'j Form> {
        match self.manifests.get(digest)? {
            Read::Right(form) => Some(form),
            _ => None,
        }
    }

    /// What the manifests reference, as far as that can be told.
    fn gather(&mut self) {
        self.doubt = self.lost_manifest();
        for revision in &self.repository.revisions {
            let Some(form) = self.form(&revision.digest) else { continue };
            self.mentioned.extend(form.mentions.iter().map(|mention| mention.digest));
            for part in &form.parts {
                if part.role == Role::Child {
                    self.children.insert(part.digest);
                    if self.is_content(part) {
                        self.needed.insert(part.digest);
                    }
                    continue;
                }
                self.needed.insert(part.digest);
                if let Leads::To(target) = self.repository.layers.leads(&part.digest) {
                    self.needed.insert(target);
                }
            }
        }
    }

    /// Of a manifest that is to be here and that nobody can follow.
    fn lost_manifest(&self) -> Option<String> {
        let repository = self.repository;
        if repository.is_partly_unseen {
            return Some("not all of its manifests and tags can be seen".to_owned());
        }
        let is_here = |digest: &Digest| {
            let revision = repository.revision(digest);
            revision.is_some_and(|revision| revision.link != RevisionLink::Deleted)
        };
        let linked = repository.revisions.iter().filter(|revision| revision.link != RevisionLink::Deleted);
        let is_lost = |digest: &Digest| self.form(digest).is_none_or(|form| form.is_opaque);
        if let Some(lost) = linked.map(|revision| revision.digest).find(is_lost) {
            return Some(format!("manifest {lost} can't be read"));
        }
        let mut targets = repository.tags.iter().filter_map(|tag| tag.current);
        targets.find(|target| !is_here(target)).map(|lost| format!("manifest {lost}, which has a tag, is not linked"))
    }

    /// Whether a child is no manifest here, nor called one, but linked as layers are: build caches list theirs so.
    fn is_content(&self, child: &Part) -> bool {
        let leads = self.repository.layers.leads(&child.digest);
        let is_revision = self.repository.revision(&child.digest).is_some();
        !child.is_manifest && !is_revision && matches!(leads, Leads::Straight | Leads::To(_))
    }

    /// Whether it has the folders without which a registry sees something else.
    fn completeness(&mut self) {
        let Repo { has, place, .. } = self.repository;
        // Nobody knows what there is.
        if has.unseen {
            return;
        }
        let [layers, manifests, _] = place.own();
        let has_revisions = self.repository.revisions.iter().any(|revision| revision.link != RevisionLink::Deleted);
        let needs = !self.needed.is_empty();
        let mut lacks = |path: &TreePath, severity, message: &str, cause| {
            let finding = self.eye.at(path, Code::RepositoryIncomplete, severity, message);
            self.eye.note(cause, finding.mended_by(Repair::MakeDirectory));
        };
        if !has.layers && has_revisions {
            let message = "there are manifests, and no directory of layer links: registries 2.x don't see the \
                           repository, and the collector of 3.x fails";
            let (severity, cause) =
                if needs { (Severity::Error, Cause::Repository) } else { (Severity::Warning, Cause::None) };
            lacks(&layers, severity, message, cause);
        }
        if !has.revisions && !self.repository.tags.is_empty() {
            let message = "there are tags, and no directory of manifests";
            lacks(&place.revisions(), Severity::Error, message, Cause::Repository);
        }
        if !has.tags && has_revisions {
            let message = "there are manifests, and no directory of tags: the collector of 3.x loses them";
            lacks(&place.tags(), Severity::Warning, message, Cause::None);
        }
        if !has.manifests && has.layers {
            let message =
                "there are layer links, and no directory of manifests: registries 3.x don't see the repository";
            lacks(&manifests, Severity::Info, message, Cause::None);
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
        if self.blobs.lies(&digest) == Lies::Nothing {
            return self.without_content(&digest, &link);
        }
        let manifests = self.manifests;
        match manifests.get(&digest) {
            None => {}
            Some(Read::Right(form)) => self.document(&digest, form, &link),
            Some(Read::Corrupt(found)) => {
                let message = format!("the content of manifest {digest} hashes to {found}");
                self.content(digest, Code::BlobCorrupt, message, Some(found.to_string()));
            }
            Some(Read::Unreadable(reason)) => {
                let message = format!("the content of manifest {digest} can't be read: {reason}");
                let path = Entry::Blob(digest).path();
                let finding = self.eye.at(&path, Code::Unreadable, Severity::Error, message);
                self.eye.note(Cause::Blob(digest), Finding { digest: Some(digest), ..finding });
            }
        }
    }

    /// Wrong content.
    fn content(&mut self, digest: Digest, code: Code, message: String, found: Option<String>) {
        let finding = self.eye.at(&Entry::Blob(digest).path(), code, Severity::Error, message);
        let expected = Some(digest.to_string());
        let finding = Finding { digest: Some(digest), expected, found, ..finding };
        self.eye.note(Cause::Blob(digest), finding.mended_by(Repair::QuarantineBlob));
    }

    fn without_content(&mut self, digest: &Digest, link: &TreePath) {
        let is_tagged = self.tagged.contains(digest);
        let blob = Entry::Blob(*digest).path();
        let missing = self.eye.tree.locate(&blob);
        let message = |what: &str| format!("{what} {digest} is linked, and its content is missing");
        let finding = if is_tagged {
            self.eye.at(&blob, Code::ManifestMissing, Severity::Error, message("manifest"))
        } else if self.children.contains(digest) {
            self.eye.at(&blob, Code::IndexChildMissing, Severity::Error, message("child"))
        } else {
            let finding = self.eye.at(link, Code::RevisionDangling, Severity::Warning, message("untagged manifest"));
            finding.mended_by(Repair::RemoveLink)
        };
        let is_error = finding.severity == Severity::Error;
        let finding = Finding {
            digest: Some(*digest),
            manifest: Some(*digest),
            expected: Some(missing.display().to_string()),
            ..if is_error { finding.mended_by(Repair::RefillBlob) } else { finding }
        };
        // Content is told of once, for whatever repository needs it.
        let cause = if is_error { Cause::Blob(*digest) } else { Cause::Revision(*digest) };
        self.eye.note(cause, finding);
    }

    /// What a manifest says, and whether all that it references is here.
    fn document(&mut self, digest: &Digest, form: &'j Form, link: &TreePath) {
        let about = |finding: Finding| Finding { manifest: Some(*digest), ..finding };
        for problem in &form.problems {
            let finding = about(self.eye.at(link, problem.code, problem.severity, problem.message.clone()));
            let cause = if problem.severity == Severity::Error { Cause::Revision(*digest) } else { Cause::None };
            self.eye.note(cause, finding);
        }
        if form.is_schema1 {
            let severity = if self.is_modern { Severity::Warning } else { Severity::Info };
            let message =
                "a manifest of schema1: registries from 3.0 on can't read it, and their collector fails on it";
            let finding = about(self.eye.at(link, Code::ManifestForeign, severity, message));
            self.eye.note(Cause::None, finding);
        }
        for part in &form.parts {
            match part.role {
                Role::Child => self.child(digest, part, link),
                _ => self.part(digest, part, link),
            }
        }
    }

    fn child(&mut self, index: &Digest, part: &Part, link: &TreePath) {
        let digest = part.digest;
        if self.is_content(part) {
            return self.part(index, part, link);
        }
        match self.repository.revision(&digest).map(|revision| revision.link) {
            Some(RevisionLink::Right | RevisionLink::Misplaced) => self.size(index, part, digest, link),
            // What is wrong with its link is told.
            Some(RevisionLink::Broken) => {}
            _ if !self.repository.has.revisions => {}
            found => {
                let is_there = matches!(self.blobs.lies(&digest), Lies::There(_));
                let was_here = found.is_some() || is_there && self.has_part_of(&digest);
                let path = self.repository.revision_link(&digest, RevisionLink::Right);
                let (severity, message, cause) = if was_here {
                    let message = format!("child {digest} of index {index} was here, and is no longer linked");
                    (Severity::Error, message, Cause::Revision(digest))
                } else {
                    let but = if is_there { ", though the tree has its content" } else { "" };
                    let message =
                        format!("child {digest} of index {index} was never pushed here, or is gone without trace{but}");
                    (Severity::Warning, message, Cause::None)
                };
                let finding = self.eye.at(&path, Code::IndexChildMissing, severity, message);
                self.eye.note(cause, Finding { manifest: Some(*index), digest: Some(digest), ..finding });
            }
        }
    }

    /// Whether a manifest is linked as a layer here, or what it consists of is linked, though it is not: then it was here.
    /// Its content alone may be another repository's.
    fn has_part_of(&self, digest: &Digest) -> bool {
        // Pushed as a layer is pushed too.
        if self.repository.layers.leads(digest) != Leads::Absent {
            return true;
        }
        let unlinked;
        let form = match self.manifests.get(digest) {
            Some(Read::Right(form)) => form,
            Some(_) => return false,
            None => {
                unlinked = manifests::read_one(self.eye.tree, digest);
                let Read::Right(form) = &unlinked else { return false };
                form
            }
        };
        form.marks().any(|part| match part.role {
            Role::Child => self.repository.revision(&part.digest).is_some(),
            _ => self.repository.layers.leads(&part.digest) != Leads::Absent,
        })
    }

    fn part(&mut self, manifest: &Digest, part: &Part, link: &TreePath) {
        let digest = part.digest;
        let target = match self.repository.layers.leads(&digest) {
            // That nothing is linked is told.
            Leads::Absent if !self.repository.has.layers => return,
            Leads::Absent if part.elsewhere => return,
            Leads::Absent => {
                self.missing.entry(digest).or_insert(*manifest);
                return;
            }
            // That it is broken is told.
            Leads::Nowhere => return,
            Leads::Straight => digest,
            Leads::To(target) => {
                self.by_alias(manifest, digest, target, link);
                target
            }
        };
        match self.blobs.lies(&target) {
            Lies::There(_) => self.size(manifest, part, target, link),
            Lies::Odd => {}
            Lies::Nothing => {
                let message = format!("{part} is linked, and its content is missing");
                let finding = self.eye.at(&Entry::Blob(target).path(), Code::BlobMissing, Severity::Error, message);
                let finding = Finding { manifest: Some(*manifest), digest: Some(target), ..finding };
                self.eye.note(Cause::Blob(target), finding.mended_by(Repair::RefillBlob));
            }
        }
    }

    fn by_alias(&mut self, manifest: &Digest, alias: Digest, target: Digest, link: &TreePath) {
        if self.repository.layers.leads(&target) == Leads::Absent {
            return self.alias_alone(manifest, alias, target);
        }
        let message =
            format!("it calls {target} {alias}, which a registry's collector does not follow: it loses the content");
        let finding = self.eye.at(link, Code::ReferenceByAlias, Severity::Info, message);
        self.eye.note(Cause::None, Finding { manifest: Some(*manifest), digest: Some(alias), ..finding });
    }

    /// An alias whose content has no link of its own, which a registry looks for before it serves it.
    fn alias_alone(&mut self, manifest: &Digest, alias: Digest, target: Digest) {
        let message =
            format!("manifest {manifest} calls {target} {alias}, and without a link to it no registry serves it");
        let path = self.repository.layer_link(&target);
        let finding = self.eye.at(&path, Code::ReferenceByAlias, Severity::Error, message);
        let expected = Some(target.to_string());
        let finding = Finding { manifest: Some(*manifest), digest: Some(alias), expected, ..finding };
        self.eye.note(Cause::Layer(alias), finding.mended_by(Repair::RewriteLink));
    }

    /// Compares the size of what is there with what a descriptor says.
    fn size(&mut self, manifest: &Digest, part: &Part, target: Digest, link: &TreePath) {
        let (Lies::There(found), Some(expected)) = (self.blobs.lies(&target), part.size) else { return };
        if u64::try_from(expected) == Ok(found) {
            return;
        }
        // It may have been replaced since it was listed.
        let Lies::There(found) = self.blobs.measure(&target) else { return };
        if u64::try_from(expected) == Ok(found) {
            return;
        }
        let message = format!("{part} has {found} bytes, the manifest says {expected}");
        let finding = self.eye.at(link, Code::ReferenceSizeMismatch, Severity::Warning, message);
        let (expected_text, found_text) = (Some(expected.to_string()), Some(found.to_string()));
        let (manifest, digest) = (Some(*manifest), Some(part.digest));
        let finding = Finding { manifest, digest, expected: expected_text, found: found_text, ..finding };
        self.sizes.push(OtherSize { target, expected, found, clue: Clue::new(finding, Cause::None) });
    }

    /// A layer or config that is not linked.
    fn unlinked(&mut self, digest: Digest, manifest: Digest) {
        let path = self.repository.layer_link(&digest);
        let is_there = matches!(self.blobs.lies(&digest), Lies::There(_));
        let but = if is_there { ", though the tree has its content" } else { "" };
        let message = format!("{digest}, which manifest {manifest} references, is not in the repository{but}");
        let finding = self.eye.at(&path, Code::ReferenceMissing, Severity::Error, message);
        let finding = Finding { manifest: Some(manifest), digest: Some(digest), ..finding };
        let repair = if is_there { Repair::RewriteLink } else { Repair::RefillBlob };
        self.eye.note(Cause::Layer(digest), finding.mended_by(repair));
    }

    fn tag(&mut self, tag: &Tag) {
        let has = |digest: &Digest| {
            let revision = self.repository.revision(digest);
            revision.is_some_and(|revision| revision.link != RevisionLink::Deleted)
        };
        if !self.repository.has.revisions {
            return;
        }
        let mut clues = Vec::new();
        if let Some(target) = tag.current.filter(|target| !has(target)) {
            let message = format!("the tag points to {target}, which the repository does not have");
            let finding = self.eye.at(&tag.link(), Code::TagDangling, Severity::Error, message);
            clues.push((Cause::Tag, target, finding.mended_by(Repair::RemoveTag)));
        }
        let past = tag.past.iter().filter(|digest| Some(**digest) != tag.current && !has(digest));
        for digest in past {
            let index = tag.directory.history();
            let path = crate::layout::entry_in(&index, digest).link();
            let message = format!("the tag once pointed to {digest}, which the repository no longer has");
            let finding = self.eye.at(&path, Code::TagIndexDangling, Severity::Info, message);
            clues.push((Cause::None, *digest, finding.mended_by(Repair::RemoveLink)));
        }
        for (cause, digest, finding) in clues {
            self.eye.note(cause, Finding { tag: Some(tag.name.clone()), digest: Some(digest), ..finding });
        }
    }

    /// Links that are broken, or lead nowhere though nobody needs them.
    fn layers(&mut self) {
        let layers = &self.repository.layers;
        for (digest, fault) in &layers.broken {
            let is_needed = self.needed.contains(digest);
            let severity = if is_needed { Severity::Error } else { Severity::Warning };
            let path = self.repository.layer_link(digest);
            let finding = broken(&self.eye, &path, Some(*digest), fault, severity);
            self.eye.note(Cause::Layer(*digest), finding);
        }
        for (key, target) in layers.targets() {
            let is_needed = self.needed.contains(&key) || self.needed.contains(&target);
            if self.blobs.lies(&target) != Lies::Nothing || is_needed || self.is_misplaced(&key) {
                continue;
            }
            let path = self.repository.layer_link(&key);
            let (digest, repair, message) = match self.may_be_needed([&key, &target]) {
                None => {
                    (key, Repair::RemoveLink, format!("nothing needs the link to {target}, and its content is gone"))
                }
                // Who mends what nobody can follow would miss the link.
                Some(reason) => {
                    let message = format!("the content of the link to {target} is gone, and may be needed: {reason}");
                    (target, Repair::RefillBlob, message)
                }
            };
            let finding = self.eye.at(&path, Code::LayerLinkDangling, Severity::Warning, message);
            self.eye.note(Cause::None, Finding { digest: Some(digest), ..finding }.mended_by(repair));
        }
    }

    fn may_be_needed(&self, digests: [&Digest; 2]) -> Option<String> {
        let mentions = digests.iter().any(|digest| self.mentioned.contains(*digest));
        let mentions = mentions.then(|| "a manifest names it whose references nobody can tell".to_owned());
        mentions.or_else(|| self.doubt.clone())
    }

    fn is_misplaced(&self, digest: &Digest) -> bool {
        self.repository.revision(digest).is_some_and(|revision| revision.link == RevisionLink::Misplaced)
    }

    /// The signatures that registries up to 2.4 stored beside a payload.
    fn signatures(&mut self, revision: &Revision) {
        let digest = revision.digest;
        let directory = self.repository.place.revision(&digest).signatures();
        let links =
            super::keyed::Links { base: &directory, all: Cause::None, cause: |_| Cause::None, signatures: false };
        let mut is_whole = true;
        for found in links.read(&mut self.eye).unwrap_or_default() {
            is_whole &= self.signature(&directory, &digest, found);
        }
        let is_schema1 = self.form(&digest).is_some_and(|form| form.is_schema1);
        let Ok(name) = self.repository.text.parse() else { return };
        if !is_whole || !is_schema1 || revision.link == RevisionLink::Deleted {
            return;
        }
        let found = signature_findings(&Repository::new(self.eye.tree, name), digest);
        // Content that is wrong is told as that, where content is hashed.
        let is_told = |finding: &Finding| matches!(finding.code, Code::SignatureInvalid | Code::SignatureNotVerified);
        for finding in found.into_iter().filter(is_told) {
            let place = Some(directory.clone());
            let path = finding.path.clone().or_else(|| Some(self.eye.tree.locate(&directory)));
            self.eye.note(Cause::None, Finding { path, place, ..finding });
        }
    }

    fn signature(&mut self, directory: &TreePath, revision: &Digest, found: super::keyed::Keyed) -> bool {
        use super::eye::Link;

        self.needed.insert(found.digest);
        let entry = crate::layout::entry_in(directory, &found.digest);
        let path = entry.link();
        let fault = match found.link {
            Link::Right if self.blobs.lies(&found.digest) != Lies::Nothing => return true,
            Link::Right => {
                let message = format!("the content of signature {} is missing", found.digest);
                let finding = self.eye.at(&path, Code::SignatureDangling, Severity::Warning, message);
                let finding = Finding { manifest: Some(*revision), digest: Some(found.digest), ..finding };
                self.eye.note(Cause::None, finding.mended_by(Repair::RemoveLink));
                return false;
            }
            Link::Absent { empty: true } => {
                self.eye.empty(&entry);
                return true;
            }
            Link::Absent { .. } => return true,
            Link::Unseen => return false,
            Link::Other(found) => crate::error::LinkFault::Mismatch { found: *found },
            Link::Broken(fault) => *fault,
        };
        let finding = broken(&self.eye, &path, Some(found.digest), &fault, Severity::Warning);
        self.eye.note(Cause::None, Finding { manifest: Some(*revision), ..finding });
        false
    }
}

/// Whether a registry from 3.1 on wrote to the tree: its uploads are called by UUIDs of version 7. Nothing else in a tree
/// says by which registry it is.
pub(super) fn is_modern(repositories: &[Repo]) -> bool {
    repositories.iter().any(|repository| repository.has_modern_uploads)
}
