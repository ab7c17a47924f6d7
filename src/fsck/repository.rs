//! Reads one repository, every leaf of it.

use std::collections::BTreeMap;

use super::Options;
use super::candidate::{Blocks, Candidate};
use super::inspect::{Inspector, Link, Looked, SharedLinks};
use super::links::{Keyed, Links};
use super::uploads;
use crate::digest::Digest;
use crate::error::LinkFault;
use crate::finding::{Code, Finding, Harm, Repair, Severity, Subject};
pub(super) use crate::judge::link::{LinkTarget, RevisionLink};
use crate::judge::symlinks;
use crate::layout::{Place, TreePath};
use crate::repository::link;
use crate::tree::EntryKind;

/// What was read of a repository.
pub(super) struct RepositoryView {
    pub(super) place: Place,
    /// The name, which need not be valid.
    pub(super) text: String,
    /// Whether the name is valid.
    pub(super) is_named: bool,
    pub(super) layers: Layers,
    /// Sorted by digest.
    pub(super) revisions: Vec<Revision>,
    pub(super) tags: Vec<Tag>,
    pub(super) folders: Folders,
    /// Whether some of its manifests or tags can't be read, which is reported.
    pub(super) is_partly_unseen: bool,
    /// Whether one of its uploads is named as registries from 3.1 on name them.
    pub(super) has_modern_uploads: bool,
}

/// Which of its folders it has.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Folders {
    pub(super) layers: Folder,
    pub(super) manifests: Folder,
    pub(super) revisions: Folder,
    pub(super) tags: Folder,
}

/// A folder of a repository.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Folder {
    #[default]
    Absent,
    There,
    /// It, or a directory in it, can't be read; that is reported.
    Unseen,
}

impl Folders {
    /// Whether one of them can't be read.
    pub(super) fn is_unseen(self) -> bool {
        [self.layers, self.manifests, self.revisions].contains(&Folder::Unseen)
    }
}

/// A repository's layer links.
#[derive(Default)]
pub(super) struct Layers {
    /// The digests of links that say their own sha256 digest, as nearly all do; sorted.
    straight: Vec<[u8; 32]>,
    /// The sha256 digests of the directories without a link; sorted.
    deleted: Vec<[u8; 32]>,
    others: BTreeMap<Digest, LinkTarget>,
    /// The broken links, and what is wrong with each.
    pub(super) broken: Vec<(Digest, LinkFault)>,
}

impl Layers {
    pub(super) fn target(&self, key: &Digest) -> LinkTarget {
        if key.sha256().is_some_and(|hash| self.straight.binary_search(&hash).is_ok()) {
            return LinkTarget::Straight;
        }
        if key.sha256().is_some_and(|hash| self.deleted.binary_search(&hash).is_ok()) {
            return LinkTarget::Deleted;
        }
        self.others.get(key).copied().unwrap_or(LinkTarget::Absent)
    }

    /// The digest of each link, with the digest that it leads to.
    pub(super) fn targets(&self) -> impl Iterator<Item = (Digest, Digest)> {
        let straight = self.straight.iter().map(|hash| Digest::from_sha256(*hash)).map(|digest| (digest, digest));
        straight.chain(self.others.iter().filter_map(|(key, leads)| match leads {
            LinkTarget::To(target) => Some((*key, *target)),
            LinkTarget::Straight => Some((*key, *key)),
            LinkTarget::Nowhere | LinkTarget::Unseen | LinkTarget::Absent | LinkTarget::Deleted => None,
        }))
    }

    fn add(&mut self, key: Digest, link: Link) {
        let said = match link {
            Link::Unseen => {
                self.others.insert(key, LinkTarget::Nowhere);
                return;
            }
            Link::Right => Ok(key),
            Link::Other(target) => Ok(*target),
            Link::Broken(fault) => Err(*fault),
            Link::Absent { .. } => {
                match key.sha256() {
                    Some(hash) => self.deleted.push(hash),
                    None => drop(self.others.insert(key, LinkTarget::Deleted)),
                }
                return;
            }
        };
        let leads = match said.and_then(|target| link::check_layer(&key, target)) {
            Ok(target) if target != key => LinkTarget::To(target),
            Ok(_) => match key.sha256() {
                Some(hash) => return self.straight.push(hash),
                None => LinkTarget::Straight,
            },
            Err(fault) => {
                self.broken.push((key, fault));
                LinkTarget::Nowhere
            }
        };
        self.others.insert(key, leads);
    }
}

/// The link of a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Revision {
    pub(super) digest: Digest,
    pub(super) link: RevisionLink,
    pub(super) has_signatures: bool,
}

impl RepositoryView {
    pub(super) fn revision(&self, digest: &Digest) -> Option<&Revision> {
        let at = self.revisions.binary_search_by_key(digest, |revision| revision.digest).ok()?;
        Some(&self.revisions[at])
    }

    /// Whether the repository links a manifest.
    pub(super) fn has(&self, digest: &Digest) -> bool {
        self.revision(digest).is_some_and(|revision| revision.link != RevisionLink::Deleted)
    }

    /// The link of a manifest as the subject of a finding.
    pub(super) fn revision_link(&self, digest: &Digest, link: RevisionLink) -> Subject {
        match link {
            RevisionLink::Misplaced => Subject::MisplacedRevision(self.place.clone(), *digest),
            _ => Subject::Revision(self.place.clone(), *digest),
        }
    }
}

/// A tag.
pub(super) struct Tag {
    pub(super) name: String,
    /// The manifest that it points to now, if that is known.
    pub(super) current: Option<Digest>,
    /// What is wrong with its link, if that is broken.
    pub(super) broken: Option<Box<BrokenTag>>,
    /// The manifests that it has pointed to.
    pub(super) past: Vec<Digest>,
}

/// The broken link of a tag.
pub(super) struct BrokenTag {
    pub(super) fault: LinkFault,
    /// The digest that it says apart from the white space around it.
    pub(super) meant: Option<Digest>,
}

/// Reads one repository, and reports what is wrong with each link on its own.
pub(super) fn read(inspector: &mut Inspector<'_>, place: Place, options: &Options) -> RepositoryView {
    let text = place.directory.below_area().to_owned();
    inspector.repository = Some(text.clone());
    let is_named = check_name(inspector, &place, &text);
    let [layers_path, manifests_path, uploads_path] = place.own();
    let mut folders = Folders::default();
    let mut layers = Layers::default();
    let reported = inspector.candidates.len();
    let links = Links { base: &layers_path, all: Blocks::Repository, blocks: Blocks::Layer, signatures: false };
    if let Some(found) = links.read(inspector) {
        folders.layers = Folder::There;
        for Keyed { digest, link, .. } in found {
            if link == (Link::Absent { empty: true }) {
                inspector.empty(&place.layer(&digest));
            }
            layers.add(digest, link);
        }
        layers.straight.shrink_to_fit();
    } else if inspector.candidates.len() > reported {
        folders.layers = Folder::Unseen;
    }
    let reported = inspector.candidates.len();
    let mut revisions = Vec::new();
    let mut tags = Vec::new();
    if let Some((_, listed)) = inspector.list(&manifests_path, Blocks::Repository) {
        folders.manifests = Folder::There;
        let (revisions_path, tags_path) = (place.revisions(), place.tags());
        let is = |name: &std::ffi::OsStr, path: &TreePath| name == path.file_name();
        for entry in &listed {
            match entry.kind {
                EntryKind::Directory if is(&entry.name, &revisions_path) => folders.revisions = Folder::There,
                EntryKind::Directory if is(&entry.name, &tags_path) => folders.tags = Folder::There,
                _ => inspector.stranger(&manifests_path, "", entry),
            }
        }
        let reported = inspector.candidates.len();
        if let Some(found) = read_revisions(inspector, &place, &layers) {
            revisions = found;
        } else if inspector.candidates.len() > reported {
            folders.revisions = Folder::Unseen;
        }
        tags = read_tags(inspector, &place);
    } else if inspector.candidates.len() > reported {
        folders.manifests = Folder::Unseen;
    }
    // The history of a tag shows nothing that is needed.
    let is_history = |candidate: &Candidate| candidate.finding.tag().is_some() && candidate.blocks == Blocks::None;
    let is_partly_unseen = inspector
        .candidates
        .iter()
        .any(|candidate| !is_history(candidate) && hides(&candidate.finding, &manifests_path));
    shared_links(inspector, &place);
    let has_modern_uploads = uploads::check(inspector, &place, &uploads_path, options);
    RepositoryView { place, text, is_named, layers, revisions, tags, folders, is_partly_unseen, has_modern_uploads }
}

/// Reports the links that have several hard links, as a tool makes them that looks for equal files. A registry up to 3.0
/// writes a link in place, so that a push would change them all.
fn shared_links(inspector: &mut Inspector<'_>, place: &Place) {
    let SharedLinks { count, first: Some(first) } = std::mem::take(&mut inspector.shared) else { return };
    let which = match count {
        1 => "it has several hard links".to_owned(),
        count => format!("it and {} more of the repository's links have several hard links", count - 1),
    };
    let message =
        format!("{which}: a push to a registry up to 3.0 writes in place, and changes all files that are one");
    let finding = inspector.at(&first, Code::LinkShared, Harm::Possible, message);
    inspector.note(Blocks::None, finding.in_repository(place.directory.below_area()));
}

/// Whether `finding` means that something below `directory` may not have been seen.
fn hides(finding: &Finding, directory: &TreePath) -> bool {
    let is_hidden = match finding.code {
        Code::Unreadable | Code::Permissions | Code::Symlink => true,
        Code::FileUnexpected => finding.severity == Severity::Error,
        _ => false,
    };
    is_hidden && finding.place().is_some_and(|place| place.is_within(directory))
}

fn check_name(inspector: &mut Inspector<'_>, place: &Place, text: &str) -> bool {
    let Err(reason) = text.parse::<crate::name::RepositoryName>() else { return true };
    let message = format!("{text:?} is not a repository name: {reason}");
    let finding = inspector.at(&place.directory, Code::NameInvalid, Harm::Possible, message);
    inspector.note(Blocks::None, finding.found(&text));
    false
}

fn read_revisions(inspector: &mut Inspector<'_>, place: &Place, layers: &Layers) -> Option<Vec<Revision>> {
    let base = place.revisions();
    let links = Links { base: &base, all: Blocks::Repository, blocks: Blocks::Revision, signatures: true };
    let found = links.read(inspector)?;
    let mut revisions = Vec::with_capacity(found.len());
    for Keyed { digest, link, has_signatures } in found {
        let link = match link {
            Link::Right => RevisionLink::Right,
            Link::Unseen => RevisionLink::Broken,
            Link::Absent { .. } if layers.target(&digest) == LinkTarget::Straight => {
                let message =
                    "the link of a manifest, where registry 2.1.0 put it: registries from 3.0 on don't see it";
                let subject = Subject::MisplacedRevision(place.clone(), digest);
                let finding = inspector.at(subject, Code::RevisionMisplaced, Harm::Possible, message);
                inspector.note(Blocks::Revision(digest), finding.repaired_by(Repair::LinkRevision));
                RevisionLink::Misplaced
            }
            Link::Absent { empty } => {
                if empty {
                    inspector.empty(&place.revision(&digest));
                }
                RevisionLink::Deleted
            }
            Link::Other(found) => {
                broken_revision(inspector, place, digest, &LinkFault::Mismatch { found: *found });
                RevisionLink::Broken
            }
            Link::Broken(fault) => {
                broken_revision(inspector, place, digest, &fault);
                RevisionLink::Broken
            }
        };
        revisions.push(Revision { digest, link, has_signatures });
    }
    revisions.sort_unstable_by_key(|revision| revision.digest);
    Some(revisions)
}

fn broken_revision(inspector: &mut Inspector<'_>, place: &Place, digest: Digest, fault: &LinkFault) {
    inspector.broken(Blocks::Revision(digest), Subject::Revision(place.clone(), digest), fault, Harm::Certain);
}

fn read_tags(inspector: &mut Inspector<'_>, place: &Place) -> Vec<Tag> {
    let base = place.tags();
    let Some((handle, listed)) = inspector.list(&base, Blocks::Repository) else { return Vec::new() };
    let mut tags = Vec::new();
    for entry in listed {
        let Some(name) = entry.text().filter(|_| matches!(entry.kind, EntryKind::Directory | EntryKind::Symlink))
        else {
            inspector.stranger(&base, "", &entry);
            continue;
        };
        let seen = inspector.candidates.len();
        if let Some(tag) = read_tag(inspector, place, std::os::fd::AsFd::as_fd(&handle), name, entry.kind) {
            tags.push(tag);
        }
        for candidate in &mut inspector.candidates[seen..] {
            candidate.finding.set_tag(name);
        }
    }
    tags.shrink_to_fit();
    tags
}

fn read_tag(
    inspector: &mut Inspector<'_>,
    place: &Place,
    parent: std::os::fd::BorrowedFd<'_>,
    name: &str,
    kind: EntryKind,
) -> Option<Tag> {
    let directory = place.tag(name);
    if let Err(reason) = name.parse::<crate::name::Tag>() {
        let message = format!("{name:?} is not a tag: {reason}");
        let finding = inspector.at(&directory, Code::NameInvalid, Harm::Possible, message);
        inspector.note(Blocks::None, finding.found(&name));
    }
    let mut tag = Tag { name: name.to_owned(), current: None, broken: None, past: Vec::new() };
    if kind == EntryKind::Symlink {
        let leads = leads_to_link(inspector, &directory);
        inspector.symlink(&directory, leads, Blocks::Tag);
        return Some(tag);
    }
    let leaf = match inspector.leaf(parent, &place.tags(), name, "current", Blocks::Tag) {
        Looked::Gone => return None,
        Looked::Unseen => return Some(tag),
        Looked::Seen(leaf) => leaf,
    };
    if leaf.file.is_none() && leaf.others.is_empty() {
        inspector.empty(&directory);
    }
    for entry in leaf.others {
        if entry.kind != EntryKind::Directory || entry.name != "index" {
            inspector.stranger(&directory, "", &entry);
        }
    }
    read_past(inspector, place, &mut tag);
    read_current(inspector, place, &mut tag, std::os::fd::AsFd::as_fd(&leaf.handle), leaf.file);
    Some(tag)
}

/// Whether a registry finds the link of a tag. A registry follows symbolic links on the way.
fn leads_to_link(inspector: &Inspector<'_>, tag: &TreePath) -> bool {
    symlinks::stat(inspector.tree, &tag.current().link()).is_ok_and(|stat| symlinks::is_file(&stat))
}

fn read_current(
    inspector: &mut Inspector<'_>,
    place: &Place,
    tag: &mut Tag,
    parent: std::os::fd::BorrowedFd<'_>,
    kind: Option<EntryKind>,
) {
    let directory = place.tag(&tag.name);
    let current = directory.current();
    match kind {
        None => return without_current(inspector, &current, tag),
        Some(EntryKind::Directory) => {}
        Some(EntryKind::Symlink) => {
            let leads = leads_to_link(inspector, &directory);
            return inspector.symlink(&current, leads, Blocks::Tag);
        }
        Some(kind) => return inspector.odd_file(&current, kind, Harm::Certain, Blocks::Tag),
    }
    let leaf = match inspector.leaf(parent, &directory, "current", "link", Blocks::Tag) {
        Looked::Gone => return without_current(inspector, &current, tag),
        Looked::Unseen => return,
        Looked::Seen(leaf) => leaf,
    };
    // No digest is expected, so any other digest will do.
    let key = Digest::of(b"");
    match inspector.link(&leaf, || current.clone(), &key, Blocks::Tag) {
        Link::Right => tag.current = Some(key),
        Link::Other(target) => tag.current = Some(*target),
        Link::Unseen => {}
        Link::Absent { .. } => without_current(inspector, &current, tag),
        Link::Broken(fault) => {
            let is_malformed = matches!(*fault, LinkFault::Malformed { .. });
            let meant = if is_malformed { inspector.meant(&leaf, || current.link()) } else { None };
            tag.broken = Some(Box::new(BrokenTag { fault: *fault, meant }));
        }
    }
    inspector.strangers(&current, "link", leaf.others);
}

fn without_current(inspector: &mut Inspector<'_>, current: &TreePath, tag: &Tag) {
    let message = "the tag does not say what it points to now: registries list it, but answer that it is unknown";
    let finding = inspector.at(current, Code::TagWithoutCurrent, Harm::Possible, message);
    let finding = if tag.past.is_empty() { finding } else { finding.repaired_by(Repair::SetTag) };
    inspector.note(Blocks::Tag, finding);
}

fn read_past(inspector: &mut Inspector<'_>, place: &Place, tag: &mut Tag) {
    let base = place.history(&tag.name);
    let found = Links { base: &base, all: Blocks::None, blocks: |_| Blocks::None, signatures: false }.read(inspector);
    for Keyed { digest, link, .. } in found.unwrap_or_default() {
        let fault = match link {
            Link::Right => {
                tag.past.push(digest);
                continue;
            }
            Link::Unseen | Link::Absent { empty: false } => continue,
            Link::Absent { empty: true } => {
                inspector.empty(&place.past(&tag.name, &digest));
                continue;
            }
            Link::Other(found) => LinkFault::Mismatch { found: *found },
            Link::Broken(fault) => *fault,
        };
        let subject = Subject::PastTag(place.clone(), tag.name.clone(), digest);
        inspector.broken(Blocks::None, subject, &fault, Harm::Possible);
    }
    tag.past.shrink_to_fit();
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A large tree has a million tags.
    #[test]
    fn what_is_kept_of_a_tag_is_small() {
        assert!(size_of::<Tag>() <= 128);
    }
}
